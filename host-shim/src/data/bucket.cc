// SPDX-License-Identifier: GPL-3.0-or-later
// The bucket of a volume that is being formatted.
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "data/data_engine.h"
#include "data/file_store.h"
#include "data/object_name.h"

namespace fastmeta::host {

namespace {

std::string root_of(const VolumeFormat& format) {
  const std::string slash = format.bucket.empty() || format.bucket.back() != '/' ? "/" : "";
  return format.bucket + slash + format.name + "/";
}

}  // namespace

int check_bucket_is_free(const VolumeFormat& format, std::string* why) {
  const std::string root = root_of(format);
  std::error_code failed;
  const std::filesystem::directory_iterator first(root, failed);
  if (failed == std::errc::no_such_file_or_directory) return 0;
  if (failed) {
    *why = "bucket " + root + ": " + failed.message();
    return -failed.value();
  }
  if (first == std::filesystem::directory_iterator()) return 0;
  *why = "bucket " + root + " is not empty: it may hold the data of another volume; choose another "
         "--bucket or name, or empty it";
  return -EEXIST;
}

int prepare_bucket(const VolumeFormat& format, const std::string& uuid, std::string* why) {
  const std::string root = root_of(format);
  int rc = make_directories(root.substr(0, root.size() - 1));
  // Writing it is also the test that data can be written.
  if (rc == 0) rc = FileStore(root).put(kOwnerObject, uuid.data(), uuid.size());
  if (rc != 0) {
    *why = "bucket " + root + " cannot be written: " + std::strerror(-rc) +
           "; choose another --bucket or correct its permissions";
  }
  return rc;
}

}  // namespace fastmeta::host
