// SPDX-License-Identifier: GPL-3.0-or-later
// A file that got another number while it was open (see OpenTable) is known to the kernel by
// both: it is told of changes by each.
#pragma once

#include "engine/host.h"
#include "engine/open_table.h"

namespace fastmeta::engine {

class NumberedHost final : public Host {
 public:
  NumberedHost(Host& host, const OpenTable& open) : host_(host), open_(open) {}

  void attr_changed(model::Ino ino) override {
    host_.attr_changed(ino);
    for (model::Ino other : open_.other_numbers(ino)) host_.attr_changed(other);
  }
  void data_changed(model::Ino ino) override {
    host_.data_changed(ino);
    for (model::Ino other : open_.other_numbers(ino)) host_.data_changed(other);
  }
  void names_changed(model::Ino parent) override { host_.names_changed(parent); }
  void all_changed() override { host_.all_changed(); }
  bool invalidations_done(std::chrono::milliseconds timeout) override {
    return host_.invalidations_done(timeout);
  }
  int delete_slice(uint64_t id, uint32_t size) override { return host_.delete_slice(id, size); }
  int slice_is_durable(uint64_t id, uint32_t size) override {
    return host_.slice_is_durable(id, size);
  }

 private:
  Host& host_;
  const OpenTable& open_;
};

}  // namespace fastmeta::engine
