// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/file_data.h"

namespace fastmeta::host {

std::shared_ptr<FileDataImpl> FileDataImpl::make(const std::shared_ptr<Core>& core,
                                                 uint64_t ino) {
  auto file = std::make_shared<FileDataImpl>(core, ino);
  file->writer_.owned_by(file);
  return file;
}

FileDataImpl::FileDataImpl(const std::shared_ptr<Core>& core, uint64_t ino)
    : core_(core), ino_(ino), writer_(core, ino), reader_(core, ino, &writer_) {}

FileDataImpl::~FileDataImpl() { core_->files.forget(ino_); }

int FileDataImpl::write(const mdp_caller& who, Heard* handle, uint64_t off, const char* data,
                        size_t size) {
  return writer_.write(who, handle, off, data, size);
}

int FileDataImpl::read(const mdp_caller& who, uint64_t off, char* out, size_t size,
                       size_t* got) {
  return reader_.read(who, off, out, size, got);
}

// An error of earlier writes stays for the next write or flush: it is not this
// call that failed, and a full disk must not keep anyone from truncating.
int FileDataImpl::truncate(const mdp_caller& who, uint64_t length, mdp_attr* out) {
  writer_.drain(who);
  writer_.forget_commit();
  return core_->ops->truncate(core_->volume, &who, ino_, length, out);
}

int FileDataImpl::fallocate(const mdp_caller& who, uint32_t mode, uint64_t off, uint64_t len,
                            mdp_attr* out) {
  if (core_->ops->fallocate == nullptr) return -ENOSYS;
  writer_.drain(who);
  writer_.forget_commit();
  return core_->ops->fallocate(core_->volume, &who, ino_, mode, off, len, out);
}

void FileDataImpl::opened(const mdp_attr& attr) { writer_.opened(attr); }

void FileDataImpl::invalidate() {
  writer_.forget_commit();
  reader_.reset();
}

}  // namespace fastmeta::host
