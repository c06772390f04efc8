// SPDX-License-Identifier: GPL-3.0-or-later
// The DataEngine over any object store.
#pragma once

#include <memory>
#include <string>

#include "data/core.h"
#include "data/data_engine.h"
#include "data/flusher.h"
#include "data/object_store.h"

namespace fastmeta::host {

// As DataEngine::open, with objects kept in `objects`.
std::unique_ptr<DataEngine> open_data_engine(const VolumeFormat& format,
                                             const DataOptions& options, const mdp_ops* ops,
                                             mdp_volume* volume, LogFn log,
                                             std::unique_ptr<ObjectStore> objects,
                                             std::string* why);

class DataEngineImpl final : public DataEngine {
 public:
  explicit DataEngineImpl(std::shared_ptr<Core> core) : core_(core), flusher_(core) {}
  ~DataEngineImpl() override;

  void start() override;
  int stop(std::chrono::milliseconds timeout) override;
  std::shared_ptr<FileData> acquire(uint64_t ino) override;
  std::shared_ptr<FileData> find(uint64_t ino) override { return core_->files.find(ino); }
  int flush_all(const mdp_caller& who) override;
  int copy_file_range(const mdp_caller& who, uint64_t from, uint64_t from_off, uint64_t to,
                      uint64_t to_off, uint64_t len, uint32_t flags, uint64_t* copied,
                      mdp_attr* to_attr) override;
  void invalidate(uint64_t ino) override;
  int delete_slice(uint64_t id, uint32_t size) override { return core_->slices->remove(id, size); }
  int slice_is_durable(uint64_t id, uint32_t size) override;
  DataStats stats() const override;

 private:
  void drain(const mdp_caller& who, uint64_t ino);

  const std::shared_ptr<Core> core_;
  Flusher flusher_;
  bool running_ = false;
};

}  // namespace fastmeta::host
