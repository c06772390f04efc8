// SPDX-License-Identifier: GPL-3.0-or-later
// A host that remembers nothing and has all data.
#pragma once

#include "engine/host.h"

namespace fastmeta::test {

class QuietHost : public engine::Host {
 public:
  void attr_changed(model::Ino) override {}
  void data_changed(model::Ino) override {}
  void names_changed(model::Ino) override {}
  void all_changed() override {}
  bool invalidations_done(std::chrono::milliseconds) override { return true; }
  int delete_slice(uint64_t, uint32_t) override { return 0; }
  int slice_is_durable(uint64_t, uint32_t) override { return 1; }
};

}  // namespace fastmeta::test
