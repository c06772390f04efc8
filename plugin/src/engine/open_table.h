// SPDX-License-Identifier: GPL-3.0-or-later
// Which inodes this process holds open, how often, and what was last known of
// their attributes: an open file that another client removed can still be
// looked at. Every process counts its own opens; there is no shared table.
//
// A file may have got another number while it is open (fastmeta/adoption.h): who asks by the
// old one, as the kernel does for its handles, means the new one. That is remembered until
// the end, a few bytes each.
//
// Threads: any; one lock, held for map operations only.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/types.h"

namespace fastmeta::engine {

class OpenTable {
 public:
  void opened(model::Ino ino);
  // Of the last open, close or change through this process.
  void remember(model::Ino ino, const model::Attr& attr);
  std::optional<model::Attr> remembered(model::Ino ino) const;

  // The inode lost its last name while open: it is to be removed at the last close.
  // False: that close has come already, the caller removes it.
  bool sustain(model::Ino ino);

  struct Closed {
    bool last = false;       // nobody here has it open any more
    bool sustained = false;  // and it has to be removed now
  };
  Closed closed(model::Ino ino);

  bool is_open(model::Ino ino) const;
  std::vector<model::Ino> sustained() const;
  size_t size() const;

  // From now on `old` is `now`, with all its opens. Not undone.
  void renumbered(model::Ino old, model::Ino now);
  // While one lives, `now` counts as open if `old` is. One at a time.
  class Expected {
   public:
    Expected(OpenTable& table, model::Ino old, model::Ino now) : table_(table) {
      table_.expect({old, now});
    }
    ~Expected() { table_.expect({0, 0}); }
    Expected(const Expected&) = delete;
    Expected& operator=(const Expected&) = delete;

   private:
    OpenTable& table_;
  };
  bool any_renumbered() const { return any_.load(std::memory_order_acquire); }
  model::Ino number(model::Ino ino) const;
  // Under which it is known besides.
  std::vector<model::Ino> other_numbers(model::Ino ino) const;

 private:
  using Pair = std::pair<model::Ino, model::Ino>;  // old, now
  void expect(Pair pair);
  model::Ino now(model::Ino ino) const;  // number(), under the lock
  struct State {
    uint64_t opens = 0;
    bool sustained = false;
    std::optional<model::Attr> attr;
  };
  mutable std::mutex mutex_;
  std::unordered_map<model::Ino, State> open_;
  std::unordered_map<model::Ino, model::Ino> numbers_;               // old -> now
  std::unordered_map<model::Ino, std::vector<model::Ino>> others_;  // now -> old ones
  Pair expected_{0, 0};
  std::atomic<bool> any_{false};
};

}  // namespace fastmeta::engine
