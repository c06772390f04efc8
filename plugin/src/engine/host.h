// SPDX-License-Identifier: GPL-3.0-or-later
// What the engine asks of the host; see mdp_host in the contract.
#pragma once

#include <chrono>
#include <cstdint>

#include "model/types.h"

namespace fastmeta::engine {

class Host {
 public:
  virtual ~Host() = default;
  // The invalidations only queue.
  virtual void attr_changed(model::Ino ino) = 0;
  virtual void data_changed(model::Ino ino) = 0;
  virtual void names_changed(model::Ino parent) = 0;
  virtual void all_changed() = 0;
  // Until the kernel has heard of the invalidations so far; false: not in time.
  virtual bool invalidations_done(std::chrono::milliseconds timeout) = 0;
  // 0, or -errno.
  virtual int delete_slice(uint64_t id, uint32_t size) = 0;
  // 1: the slice is where other clients read it; 0: not yet; -errno: it is lost. Whoever is
  // asked keeps it from garbage collections for the next hour.
  virtual int slice_is_durable(uint64_t id, uint32_t size) = 0;
};

}  // namespace fastmeta::engine
