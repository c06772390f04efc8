// SPDX-License-Identifier: GPL-3.0-or-later
// The bucket of a volume that is being formatted.
#include <cstring>

#include "data/data_engine.h"
#include "data/file_store.h"

namespace fastmeta::host {

int prepare_bucket(const VolumeFormat& format, const std::string& uuid, std::string* why) {
  const std::string slash = format.bucket.empty() || format.bucket.back() != '/' ? "/" : "";
  const std::string root = format.bucket + slash + format.name + "/";
  FileStore store(root);
  // Writing it is also the test that data can be written.
  const int rc = store.put("juicefs_uuid", uuid.data(), uuid.size());
  if (rc != 0) {
    *why = "bucket " + root + " cannot be written: " + std::strerror(-rc) +
           "; choose another --bucket or correct its permissions";
  }
  return rc;
}

}  // namespace fastmeta::host
