// SPDX-License-Identifier: GPL-3.0-or-later
// FileData put together from its two sides.
#pragma once

#include <memory>

#include "data/core.h"
#include "data/file_reader.h"
#include "data/file_writer.h"

namespace fastmeta::host {

class FileDataImpl final : public FileData {
 public:
  static std::shared_ptr<FileDataImpl> make(const std::shared_ptr<Core>& core, uint64_t ino);
  FileDataImpl(const std::shared_ptr<Core>& core, uint64_t ino);
  ~FileDataImpl() override;

  Heard heard() const override { return writer_.heard(); }
  int write(const mdp_caller& who, Heard* handle, uint64_t off, const char* data,
            size_t size) override;
  int read(const mdp_caller& who, uint64_t off, char* out, size_t size, size_t* got) override;
  int flush(const mdp_caller& who, Heard* handle) override { return writer_.flush(who, handle); }
  int fsync(const mdp_caller& who, Heard* handle) override { return writer_.fsync(who, handle); }
  void drain(const mdp_caller& who) override { writer_.drain(who); }
  int truncate(const mdp_caller& who, uint64_t length, mdp_attr* out) override;
  int fallocate(const mdp_caller& who, uint32_t mode, uint64_t off, uint64_t len,
                mdp_attr* out) override;
  void overlay(mdp_attr* attr) const override { writer_.overlay(attr); }
  bool dirty() const override { return writer_.dirty(); }
  void opened(const mdp_attr& attr) override;

  FileWriter& writer() { return writer_; }
  void invalidate();

 private:
  const std::shared_ptr<Core> core_;
  const uint64_t ino_;
  FileWriter writer_;
  FileReader reader_;
};

}  // namespace fastmeta::host
