// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/cancelling.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace fastmeta::model {

namespace {

using Name = std::pair<Ino, std::string>;

std::set<Ino> concerned(const KeySpace& keys, const OplogRecord& record) {
  std::set<Ino> inodes;
  for (Ino ino : inodes_of(record.operation)) inodes.insert(ino);
  auto add = [&](const std::string& key) {
    if (const auto parsed = keys.parse(key)) inodes.insert(parsed->ino);
  };
  for (const Reliance& reliance : record.relied) add(reliance.read.key);
  for (const Write& write : record.writes) add(write.key);
  return inodes;
}

bool sets_atime(const SetattrArgs& want) { return want.atime_now || want.atime; }
bool sets_mtime(const SetattrArgs& want) { return want.mtime_now || want.mtime; }
bool sets_owner(const SetattrArgs& want) { return want.uid || want.gid; }

// A change of owner also changes the mode, in a way that depends on both: the two are
// only compared apart. Flags decide what else is allowed.
bool overwrites(const SetattrArgs& later, const SetattrArgs& earlier) {
  if (later.who.uid != earlier.who.uid) return false;
  if (earlier.flags || later.flags || earlier.kill_suid || later.kill_suid) return false;
  if (sets_owner(earlier) || sets_owner(later)) {
    if (earlier.who.uid != 0 || earlier.mode || later.mode) return false;
  }
  if (earlier.mode && !later.mode) return false;
  if (earlier.uid && !later.uid) return false;
  if (earlier.gid && !later.gid) return false;
  if (sets_atime(earlier) && !sets_atime(later)) return false;
  return !sets_mtime(earlier) || sets_mtime(later);
}

class Canceller {
 public:
  Canceller(const KeySpace& keys, const std::vector<const OplogRecord*>& records,
            const CancelOptions& options)
      : keys_(keys), records_(records), options_(options), dropped_(records.size()) {}

  std::vector<size_t> run() {
    for (size_t i = 0; i < records_.size() && !options_.change_log; ++i) look_at(i);
    std::vector<size_t> result;
    for (size_t i = 0; i < dropped_.size(); ++i)
      if (dropped_[i]) result.push_back(i);
    return result;
  }

 private:
  // A node that was created here and may go without a trace.
  struct Young {
    Name name;
    bool is_dir = false;
    bool named = true;
    std::vector<size_t> members;  // its creation, setattrs, removal
    std::vector<size_t> others;   // what else concerned it
  };

  bool untouchable(size_t i) const {
    return !records_[i]->locks.empty() || !options_.sent || options_.sent(i);
  }

  void look_at(size_t i) {
    const Operation& operation = records_[i]->operation;
    Ino own = 0;  // the node whose life it belongs to
    if (!untouchable(i)) {
      if (auto* want = std::get_if<CreateArgs>(&operation)) own = begin(i, *want);
      if (auto* want = std::get_if<SetattrArgs>(&operation)) own = change(i, *want);
      if (auto* op = std::get_if<Unlink>(&operation)) own = remove(i, op->want, false);
      if (auto* op = std::get_if<Rmdir>(&operation)) own = remove(i, op->want, true);
      if (auto* want = std::get_if<LastCloseArgs>(&operation)) own = forget(i, *want);
    }
    for (Ino ino : concerned(keys_, *records_[i])) {
      if (ino == own) continue;
      setattrs_.erase(ino);
      if (auto young = young_.find(ino); young != young_.end()) young->second.others.push_back(i);
    }
    if (auto* want = std::get_if<RenameArgs>(&operation)) {
      spoil({want->parent, want->name}, i);
      spoil({want->new_parent, want->new_name}, i);
    }
  }

  Ino begin(size_t i, const CreateArgs& want) {
    if (options_.trash) return 0;
    Name name{want.parent, want.name};
    spoil(name, i);
    names_[name] = want.ino;
    young_[want.ino] = {std::move(name), want.type == FileType::kDirectory, true, {i}, {}};
    return want.ino;
  }

  Ino change(size_t i, const SetattrArgs& want) {
    auto before = setattrs_.find(want.ino);
    if (before != setattrs_.end() &&
        overwrites(want, std::get<SetattrArgs>(records_[before->second]->operation)))
      dropped_[before->second] = true;
    setattrs_[want.ino] = i;
    if (auto young = young_.find(want.ino); young != young_.end())
      young->second.members.push_back(i);
    return want.ino;
  }

  Ino remove(size_t i, const UnlinkArgs& want, bool is_dir) {
    auto at = names_.find({want.parent, want.name});
    if (at == names_.end()) return 0;
    const Ino ino = at->second;
    names_.erase(at);
    Young& young = young_.at(ino);
    if (young.is_dir != is_dir || want.trash != 0) {
      young.others.push_back(i);
      return 0;
    }
    young.members.push_back(i);
    young.named = false;
    // A file that was open then lives on until its last close.
    const bool gone = std::ranges::any_of(records_[i]->writes, [&](const Write& write) {
      return write.op == WriteOp::kDel && write.key == keys_.attr(ino);
    });
    if (gone) end(ino);
    return ino;
  }

  Ino forget(size_t i, const LastCloseArgs& want) {
    auto at = young_.find(want.ino);
    if (at == young_.end() || at->second.named) return 0;
    at->second.members.push_back(i);
    end(want.ino);
    return want.ino;
  }

  void end(Ino ino) {
    const Young& young = young_.at(ino);
    const bool alone =
        std::ranges::all_of(young.others, [&](size_t other) { return dropped_[other]; });
    const bool open = !options_.open_here || options_.open_here(ino);
    if (alone && !open) {
      for (size_t member : young.members) dropped_[member] = true;
    }
    young_.erase(ino);
    setattrs_.erase(ino);
  }

  // Whatever is called so is concerned in a way that is not followed further.
  void spoil(const Name& name, size_t i) {
    auto at = names_.find(name);
    if (at == names_.end()) return;
    young_.at(at->second).others.push_back(i);
    young_.at(at->second).members.clear();
    names_.erase(at);
  }

  const KeySpace& keys_;
  const std::vector<const OplogRecord*>& records_;
  const CancelOptions& options_;
  std::vector<bool> dropped_;
  std::unordered_map<Ino, Young> young_;
  std::map<Name, Ino> names_;
  std::unordered_map<Ino, size_t> setattrs_;  // the last one, if nothing came behind it
};

}  // namespace

std::vector<size_t> cancelled(const KeySpace& keys,
                              const std::vector<const OplogRecord*>& records,
                              const CancelOptions& options) {
  return Canceller(keys, records, options).run();
}

}  // namespace fastmeta::model
