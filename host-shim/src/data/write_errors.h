// SPDX-License-Identifier: GPL-3.0-or-later
// The errors of writes that had been accepted, as the kernel's errseq_t: they are counted, and
// each handle remembers how far it has heard, so that none takes away what another must hear.
#pragma once

#include <cstdint>

#include "data/data_engine.h"

namespace fastmeta::host {

class WriteErrors {
 public:
  void add(int rc) {
    last_ = rc;
    ++count_;
    told_ = false;
  }
  // For a handle that opens now: an error that nobody has heard of yet is told to it too.
  Heard heard() const { return {told_ ? count_ : count_ - 1}; }
  // The last error if there was one since; else 0.
  int since(const Heard& heard) const { return heard.errors == count_ ? 0 : last_; }
  // The same, told to the handle.
  int tell(Heard* heard) {
    if (heard->errors == count_) return 0;
    heard->errors = count_;
    told_ = true;
    return last_;
  }

 private:
  uint64_t count_ = 0;
  int last_ = 0;
  bool told_ = true;  // the last, to anybody
};

}  // namespace fastmeta::host
