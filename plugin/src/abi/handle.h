// SPDX-License-Identifier: GPL-3.0-or-later
// What stands behind the contract's opaque types, and the frame every call runs
// in: no exception leaves the plugin, every error becomes -errno, and what only
// a person can mend is logged once where it leaves.
#pragma once

#include <mdp/plugin.h>

#include <exception>
#include <memory>
#include <new>

#include "engine/volume.h"

struct mdp_volume final : fastmeta::engine::Host {
  explicit mdp_volume(const mdp_host& callbacks);

  void attr_changed(fastmeta::model::Ino ino) override;
  void data_changed(fastmeta::model::Ino ino) override;
  void names_changed(fastmeta::model::Ino parent) override;
  void all_changed() override;
  bool invalidations_done(std::chrono::milliseconds timeout) override;
  int delete_slice(uint64_t id, uint32_t size) override;
  int slice_is_durable(uint64_t id, uint32_t size) override;

  mdp_host host{};  // a copy; members the host does not have are null
  fastmeta::Log log;
  std::unique_ptr<fastmeta::engine::Volume> volume;
};

struct mdp_dir {
  std::unique_ptr<fastmeta::engine::DirReader> reader;
};

namespace fastmeta::abi {

// -errno of an error; logs it unless it is the file system's own answer.
int to_errno(const Log& log, const Error& error, const char* operation);

template <typename Call>
int guarded(mdp_volume* v, const char* operation, Call&& call) noexcept {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  } catch (const std::exception& e) {
    v->log.error("{}: {}", operation, e.what());
    return -EIO;
  }
}

}  // namespace fastmeta::abi
