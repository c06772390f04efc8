// SPDX-License-Identifier: GPL-3.0-or-later
// Which inodes this process holds open, how often, and what was last known of
// their attributes: an open file that another client removed can still be
// looked at. Every process counts its own opens; there is no shared table.
//
// Threads: any; one lock, held for map operations only.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
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

 private:
  struct State {
    uint64_t opens = 0;
    bool sustained = false;
    std::optional<model::Attr> attr;
  };
  mutable std::mutex mutex_;
  std::unordered_map<model::Ino, State> open_;
};

}  // namespace fastmeta::engine
