// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of a mount in mode fast-meta as its parts see them: in memory, with what goes
// wrong, and with an eye on what is pending over their rows.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sim/store_faults.h"
#include "store/tables.h"

namespace fastmeta::sim {

// Without the cost of all of it: see row.cc.
inline bool is_pending(std::string_view row) {
  return (static_cast<uint8_t>(row[0]) >> 2 & 7) != 0;
}

class LocalTables final : public store::Tables {
 public:
  struct Hooks {
    // Is there a pending change over the row?
    std::function<bool(const std::string& row)> has_pending;
    // A commit has changed it. before: the row as it was, if something was pending over it.
    std::function<void(const std::string& row, bool pending, const std::string& before)> changed;
    // The process is dead at once; what calls unwinds.
    std::function<void()> die;
    std::function<void()> broke;
  };
  LocalTables(store::Tables& inner, StoreFaults& faults, Hooks hooks)
      : inner_(inner), faults_(faults), hooks_(std::move(hooks)) {}

  Result<std::unique_ptr<store::Transaction>> begin() override;
  Result<void> sync() override;
  Result<void> may_write() override { return faults_.may_write(); }
  Stats stats() const override { return inner_.stats(); }
  bool usable() const { return !faults_.broken(); }

 private:
  class Transaction;

  store::Tables& inner_;
  StoreFaults& faults_;
  const Hooks hooks_;
};

}  // namespace fastmeta::sim
