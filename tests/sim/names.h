// SPDX-License-Identifier: GPL-3.0-or-later
// The account of names that everybody gives and takes (I2, I7): what was acknowledged as given,
// less what was acknowledged as taken, less what the journals have of both, is there in the end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "model/operation.h"
#include "model/oplog_record.h"
#include "support/memory_store.h"

namespace fastmeta::sim {

class Findings;

class Names {
 public:
  void acknowledged(const model::Operation& operation, const model::OperationReply& reply);
  // Nobody knows whether it took effect.
  void unanswered(const model::Operation& operation);
  // A journal has it.
  void undone(const model::OplogRecord& record);
  void check(const test::MemoryStore& store, Findings& findings) const;
  uint64_t judged() const { return given_; }

 private:
  using Place = std::pair<model::Ino, std::string>;
  struct Account {
    int64_t left = 0;  // given less taken
    int64_t may_be_shared = 0;  // of the given: those that may have become another's file
    bool unknown = false;
    std::string story;  // for people
  };
  std::map<Place, Account> accounts_;
  uint64_t given_ = 0;
};

}  // namespace fastmeta::sim
