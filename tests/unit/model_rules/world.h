// SPDX-License-Identifier: GPL-3.0-or-later
// A volume in memory that rules are run on: what they write is applied, their
// counters and statistics are followed as an executor does.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/rules/attrs.h"
#include "model/rules/data.h"
#include "model/rules/locks.h"
#include "model/rules/names.h"
#include "support/describe_writes.h"
#include "support/memory_store.h"
#include "support/store_view.h"

namespace fastmeta::test {

using namespace model;  // NOLINT: the tests speak of nothing else
using Lines = std::vector<std::string>;

inline constexpr Caller kRoot{0, 0, 022};
inline constexpr Caller kAnn{1000, 1000, 022};
inline constexpr Caller kBob{1001, 1001, 022};

// 0, or the errno of an answer; other faults are shown as 1000 + fault.
template <typename T>
int code_of(const Result<T>& result) {
  if (result) return 0;
  const Error& error = result.error();
  return error.fault == Fault::kAnswer ? error.code : 1000 + static_cast<int>(error.fault);
}
template <typename T>
void ok(const Result<T>& result) {
  EXPECT_EQ(code_of(result), 0);
}
inline constexpr int kCorruptCode = 1000 + static_cast<int>(Fault::kCorrupt);

class World {
 public:
  World();

  MemoryStore store;
  VolumeFacts facts;
  KeySpace keys;
  std::set<Ino> open;
  Timestamp now{1'800'000'000, 0};  // moves by a second per change
  Ino next_ino = 2;
  std::map<Ino, DirStatDelta> stats;  // as flushed
  std::set<std::pair<uint64_t, uint32_t>> deleted_slices;
  std::vector<DeadFile> dead_files;          // that purge has still to visit
  std::map<Ino, uint64_t> final_length;      // of every file that was deleted

  // The last run.
  Mutations out;
  int rounds = 0;
  std::set<std::string> watched;

  // Runs a rule; a success is applied and counted.
  template <typename Rule>
  auto run(Rule rule) {
    StoreView view(store, facts, keys, open);
    auto done = run_rule(view, rule);
    out = std::move(done.out);
    rounds = done.rounds;
    watched = std::move(done.watched);
    if (done.result) settle();
    return std::move(done.result);
  }
  Lines writes() const { return describe(out); }

  Result<CreateReply> create(Caller who, Ino parent, const std::string& name,
                             FileType type = FileType::kFile, uint16_t mode = 0644);
  Result<CreateReply> symlink(Caller who, Ino parent, const std::string& name,
                              const std::string& target);
  // For set-up: must succeed.
  Ino mkdir(Ino parent, const std::string& name, uint16_t mode = 0755, Caller who = kRoot);
  Ino file(Ino parent, const std::string& name, uint16_t mode = 0644, Caller who = kRoot);
  Ino link_to(Ino ino, Ino parent, const std::string& name);

  Result<Found> lookup(Ino parent, const std::string& name);
  Result<Found> link(Caller who, Ino ino, Ino parent, const std::string& name);
  Result<UnlinkReply> unlink(Caller who, Ino parent, const std::string& name);
  Result<UnlinkReply> rmdir(Caller who, Ino parent, const std::string& name);
  Result<RenameReply> rename(Caller who, Ino parent, const std::string& name, Ino new_parent,
                             const std::string& new_name, uint32_t flags = 0);
  Result<Attr> setattr(SetattrArgs want);
  Result<Attr> write(Ino ino, uint32_t chunk, SliceRecord slice);
  Result<Attr> truncate(Ino ino, uint64_t length);
  Result<Attr> fallocate(Ino ino, uint32_t mode, uint64_t off, uint64_t len);
  Result<CopyRangeReply> copy(Ino from, uint64_t from_off, Ino to, uint64_t to_off, uint64_t len);

  // The hour directory when trash is on, else 0.
  Ino trash();
  void enable_trash();

  // Straight from and into the store, for set-up and checks.
  Attr attr(Ino ino) const;
  bool exists(Ino ino) const { return store.values().contains(keys.attr(ino)); }
  void put(Ino ino, const Attr& attr);
  template <typename Change>
  void change(Ino ino, Change change) {
    Attr attr = this->attr(ino);
    change(attr);
    put(ino, attr);
  }
  std::vector<SliceRecord> records(Ino ino, uint32_t chunk) const;

  // Deletes the data of files that are gone, as the process that removed them does.
  void purge();

 private:
  void settle();
};

}  // namespace fastmeta::test
