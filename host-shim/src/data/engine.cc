// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/engine.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "data/file_data.h"
#include "data/file_store.h"
#include "data/object_name.h"

namespace fastmeta::host {
namespace {

bool complete(const mdp_ops& ops, std::string* why) {
  const char* absent = nullptr;
  if (ops.new_slice == nullptr) absent = "new_slice";
  if (ops.write_slice == nullptr) absent = "write_slice";
  if (ops.read_slices == nullptr) absent = "read_slices";
  if (ops.getattr == nullptr) absent = "getattr";
  if (ops.truncate == nullptr) absent = "truncate";
  if (absent == nullptr) return true;
  *why = std::string("the plugin has no ") + absent + ": it cannot hold files";
  return false;
}

// What is not there is not made: it would be a local directory in the place of a file system
// that is not mounted, and take the data of all writers.
bool is_bucket_of(const VolumeFormat& format, const std::string& root, FileStore& store,
                  std::string* why) {
  if (::access(root.c_str(), F_OK) != 0) {
    *why = "bucket " + root + ": " + std::strerror(errno) +
           "; mount its file system, or correct the bucket of the volume";
    return false;
  }
  if (format.uuid.empty()) return true;
  std::vector<char> owner;
  constexpr size_t kUuidMost = 64;
  const int read = store.get(kOwnerObject, kUuidMost, &owner);
  const std::string uuid(owner.begin(), owner.end());
  if (read == -ENOENT) {
    *why = "bucket " + root + " has no juicefs_uuid, which says whose data it holds: mount its "
           "file system; if it is the right one, restore it: printf " + format.uuid + " > " +
           root + kOwnerObject;
  } else if (read != 0) {
    *why = "bucket " + root + ": whose data it holds cannot be read from juicefs_uuid: " +
           std::strerror(-read);
  } else if (uuid != format.uuid) {
    *why = "bucket " + root + " holds the data of volume " + uuid + ", not of this one (" +
           format.uuid + "): correct the bucket of the volume, or the juicefs_uuid in it";
  } else {
    return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<DataEngine> open_data_engine(const VolumeFormat& format,
                                             const DataOptions& options, const mdp_ops* ops,
                                             mdp_volume* volume, LogFn log,
                                             std::unique_ptr<ObjectStore> objects,
                                             std::string* why) {
  if (!complete(*ops, why)) return nullptr;
  const std::optional<Compression> how = compression_by_name(format.compression);
  if (!how) {
    *why = "volume " + format.name + ": compression \"" + format.compression +
           "\" is not known; none, lz4 and zstd are";
    return nullptr;
  }
  if (format.block_bytes == 0 || format.block_bytes > MDP_CHUNK_BYTES) {
    *why = "volume " + format.name + ": a block of " + std::to_string(format.block_bytes) +
           " bytes is out of range";
    return nullptr;
  }
  auto slices = std::make_unique<SliceStore>(format, *how, options.block_cache_bytes,
                                             std::move(objects), log);
  return std::make_unique<DataEngineImpl>(std::make_shared<Core>(
      format, options, ops, volume, std::move(log), std::move(slices)));
}

std::unique_ptr<DataEngine> DataEngine::open(const VolumeFormat& format,
                                             const DataOptions& options, const mdp_ops* ops,
                                             mdp_volume* volume, LogFn log, std::string* why) {
  if (format.storage != "file") {
    *why = "volume " + format.name + ": storage \"" + format.storage +
           "\" is not supported; only file is";
    return nullptr;
  }
  if (format.bucket.empty() || format.bucket.front() != '/') {
    *why = "volume " + format.name + ": bucket \"" + format.bucket +
           "\" is not an absolute directory";
    return nullptr;
  }
  const std::string slash = format.bucket.back() == '/' ? "" : "/";
  const std::string root = format.bucket + slash + format.name + "/";
  auto store = std::make_unique<FileStore>(root);
  if (!is_bucket_of(format, root, *store, why)) return nullptr;
  return open_data_engine(format, options, ops, volume, std::move(log), std::move(store), why);
}

DataEngineImpl::~DataEngineImpl() {
  if (running_) stop(std::chrono::milliseconds(0));
}

void DataEngineImpl::start() {
  running_ = true;
  core_->uploads.start(core_->options.upload_threads);
  core_->downloads.start(core_->options.download_threads);
  core_->compactor.start();
  flusher_.start();
}

int DataEngineImpl::stop(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  core_->closed = true;
  core_->lost = 0;
  flusher_.stop();
  core_->compactor.stop();
  for (const auto& file : core_->dirty.all()) file->finish_older(OpenSlice::Clock::now());
  if (!core_->dirty.wait_empty(deadline)) core_->abandoned = true;
  core_->downloads.stop();
  core_->uploads.stop();
  running_ = false;
  return core_->lost;
}

std::shared_ptr<FileData> DataEngineImpl::acquire(uint64_t ino) {
  return core_->files.get(ino, [&] { return FileDataImpl::make(core_, ino); });
}

// Errors stay with their files, for whoever flushes those.
int DataEngineImpl::flush_all(const mdp_caller& who) {
  const auto dirty = core_->dirty.all();
  std::vector<Heard> before;
  before.reserve(dirty.size());
  for (const auto& file : dirty) {
    before.push_back(file->heard());
    file->finish_older(OpenSlice::Clock::now());
  }
  int first = 0;
  for (size_t i = 0; i < dirty.size(); ++i) {
    dirty[i]->drain(who);
    if (first == 0) first = dirty[i]->error_since(before[i]);
  }
  return first;
}

void DataEngineImpl::drain(const mdp_caller& who, uint64_t ino) {
  const auto file = std::static_pointer_cast<FileDataImpl>(find(ino));
  if (!file) return;
  file->writer().drain(who);
  file->writer().forget_commit();
}

int DataEngineImpl::copy_file_range(const mdp_caller& who, uint64_t from, uint64_t from_off,
                                    uint64_t to, uint64_t to_off, uint64_t len, uint32_t flags,
                                    uint64_t* copied, mdp_attr* to_attr) {
  if (core_->ops->copy_file_range == nullptr) return -ENOSYS;
  drain(who, from);
  drain(who, to);
  const int rc = core_->ops->copy_file_range(core_->volume, &who, from, from_off, to, to_off, len,
                                             flags, copied, to_attr);
  if (rc == 0) core_->unsynced.copy(from, to);
  return rc;
}

void DataEngineImpl::invalidate(uint64_t ino) {
  if (const auto file = std::static_pointer_cast<FileDataImpl>(find(ino))) file->invalidate();
}

int DataEngineImpl::slice_is_durable(uint64_t id, uint32_t size) {
  const int rc = core_->slices->keep(id, size);
  if (rc == 0) return 1;
  // A storage that is away has lost nothing.
  return rc == -ENOENT && core_->slices->there() ? rc : 0;
}

DataStats DataEngineImpl::stats() const {
  const StoreCounters& counters = core_->slices->counters();
  DataStats out;
  out.buffered_bytes = core_->write_buffers.used_bytes();
  out.uploads = counters.uploads;
  out.upload_bytes = counters.upload_bytes;
  out.downloads = counters.downloads;
  out.download_bytes = counters.download_bytes;
  out.block_cache_bytes = core_->slices->cache_bytes();
  out.block_cache_hits = counters.hits;
  out.block_cache_misses = counters.misses;
  out.compactions = core_->compactor.count();
  return out;
}

}  // namespace fastmeta::host
