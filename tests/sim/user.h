// SPDX-License-Identifier: GPL-3.0-or-later
// Somebody who works on a mount: random operations, each compared with what the same rules
// answer on a copy of the world in which only this user is.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/operation.h"
#include "sim/client.h"
#include "sim/names.h"
#include "sim/slices.h"
#include "support/memory_store.h"

namespace fastmeta::sim {

// What a run has to tell when something does not hold.
class Findings {
 public:
  void add(std::string what) {
    if (found_.size() < kMax) found_.push_back(std::move(what));
  }
  bool empty() const { return found_.empty(); }
  const std::vector<std::string>& all() const { return found_; }

 private:
  static constexpr size_t kMax = 20;
  std::vector<std::string> found_;
};

class User {
 public:
  struct Terms {
    // Names of its own in shared folders: nobody else touches them, so every answer and the
    // end are known. Otherwise names are everybody's, and only errors of the store count.
    bool alone = true;
    std::vector<model::Ino> folders;  // shared, never removed
    model::VolumeFacts facts;
    bool refused = false;             // the server may be in no state to answer
    bool restores = true;             // what it has removed, or empties the trash
    Time pause = 5 * kMillisecond;    // between operations, at most
    Names* account = nullptr;         // of names that everybody has
  };
  User(Scheduler& scheduler, test::Dice& dice, SimMount& mount, std::string prefix, Terms terms,
       const test::MemoryStore& world, const Slices& slices, Findings& findings,
       std::function<void(std::string)> log);

  // On a fiber of the mount's process: until `stop` says so.
  void work(const std::function<bool()>& stop);
  void close_all();
  uint64_t operations() const { return operations_; }

  // After a start: handles are gone, and whether the operation that had no answer took effect
  // is looked up.
  void look_after_death();
  // What the server must hold of this user's inodes; alone only.
  void compare(const std::function<const test::MemoryStore&()>& server);
  const test::MemoryStore& expected() const { return reference_; }
  const std::set<model::Ino>& made() const { return made_; }

 private:
  struct Node {
    model::Ino parent = 0;
    std::string name;
    model::Ino ino = 0;
    model::FileType type = model::FileType::kFile;
  };
  model::Operation next();
  // Of something that this user removed, or the crowd; nothing: there is none.
  std::optional<model::Operation> from_trash();
  // Is there something in the trash already that this would replace there?
  bool collides(const model::Operation& operation) const;
  model::Operation next_of_crowd();
  void run(const model::Operation& operation, bool staged);
  Result<model::OperationReply> on_reference(const model::Operation& operation,
                                             model::Mutations& out);
  void follow(const model::Operation& operation, const model::OperationReply& reply);
  void check_lookup();
  void closed(model::Ino ino);
  void look_for(const model::Operation& operation);
  const Node* any(bool folder);
  model::Ino any_folder();
  std::string fresh_name();
  void account(const model::Operation& operation, const model::OperationReply& reply);
  std::string crowd_name();
  model::Ino crowd_folder();
  model::Ino crowd_find(model::Ino parent, const std::string& name);

  Scheduler& scheduler_;
  test::Dice& dice_;
  SimMount& mount_;
  const std::string prefix_;
  const Terms terms_;
  const Slices& slices_;
  Findings& findings_;
  const std::function<void(std::string)> log_;
  const SimClock clock_;
  model::KeySpace keys_ = sim_keys();
  model::VolumeFacts facts_;
  test::MemoryStore reference_;
  std::set<model::Ino> open_;       // of the reference
  std::vector<Node> nodes_;
  std::vector<model::Ino> handles_;
  std::set<model::Ino> made_;
  std::optional<model::Operation> unanswered_;
  uint64_t names_ = 0, operations_ = 0;
};

}  // namespace fastmeta::sim
