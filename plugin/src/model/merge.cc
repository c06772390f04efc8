// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/merge.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include "util/check.h"

namespace fastmeta::model {

namespace {

struct Step {
  Write write;
  std::optional<SliceRelease> release;  // somebody looks at its reply: it must be sent
};
using Steps = std::vector<Step>;

bool forgettable(const Steps& steps) {
  return std::ranges::none_of(steps, [](const Step& step) { return step.release.has_value(); });
}

bool add_to(Step& step, const Write& write) {
  return !__builtin_add_overflow(step.write.delta, write.delta, &step.write.delta);
}

// One key's writes. Those of different fields or members do not concern each other.
class KeyMerge {
 public:
  void add(Step step) {
    switch (step.write.op) {
      case WriteOp::kDel:
        return remove(std::move(step));
      case WriteOp::kSet:
        return replace(whole_, std::move(step));
      case WriteOp::kIncrBy:
        return sum(whole_, std::move(step));
      case WriteOp::kHIncrBy: {
        Steps& steps = part(step.write.field);
        return sum(steps, std::move(step));
      }
      case WriteOp::kHSetNx: {
        Steps& steps = part(step.write.field);
        return set_if_absent(steps, std::move(step));
      }
      case WriteOp::kHSet:
      case WriteOp::kHDel:
      case WriteOp::kZAdd:
      case WriteOp::kZRem:
      case WriteOp::kSAdd:
      case WriteOp::kSRem: {
        Steps& steps = part(step.write.field);
        return replace(steps, std::move(step));
      }
      case WriteOp::kRPush:
      case WriteOp::kRPushX:
      case WriteOp::kLPush:
      case WriteOp::kLTrim:
        whole_.push_back(std::move(step));
        return;
    }
    MDP_CHECK(!"a write of an unknown kind");
  }

  void emit(MergedWrites& out) {
    send(before_, out);
    // SET needs no DEL in front of it.
    const bool set_first = !whole_.empty() && whole_.front().write.op == WriteOp::kSet;
    if (removal_ && !set_first) out.writes.push_back(std::move(removal_->write));
    send(whole_, out);
    for (Steps& steps : parts_) send(steps, out);
  }

 private:
  // Taken before the step is moved: the order of arguments is the compiler's.
  Steps& part(const std::string& field) {
    auto [at, is_new] = index_.try_emplace(field, parts_.size());
    if (is_new) parts_.emplace_back();
    return parts_[at->second];
  }

  // A DEL after replies that somebody looks at cannot take them away.
  void remove(Step step) {
    const bool all_forgettable = forgettable(whole_) && std::ranges::all_of(parts_, forgettable);
    if (!all_forgettable) {
      if (removal_) before_.push_back(std::move(*removal_));
      std::ranges::move(whole_, std::back_inserter(before_));
      for (Steps& steps : parts_) std::ranges::move(steps, std::back_inserter(before_));
    }
    whole_.clear();
    parts_.clear();
    index_.clear();
    removal_ = std::move(step);
  }

  static void replace(Steps& steps, Step step) {
    if (forgettable(steps)) steps.clear();
    steps.push_back(std::move(step));
  }

  static void sum(Steps& steps, Step step) {
    const bool adds = !steps.empty() && steps.back().write.op == step.write.op;
    if (!adds || !add_to(steps.back(), step.write)) {
      steps.push_back(std::move(step));
      return;
    }
    if (!steps.back().release) steps.back().release = step.release;
  }

  // Does nothing where the field is known to be there.
  static void set_if_absent(Steps& steps, Step step) {
    if (!steps.empty() && steps.back().write.op != WriteOp::kHDel) return;
    steps.push_back(std::move(step));
  }

  static void send(Steps& steps, MergedWrites& out) {
    for (Step& step : steps) {
      if (step.release) {
        step.release->write = out.writes.size();
        out.releases.push_back(*step.release);
      }
      out.writes.push_back(std::move(step.write));
    }
  }

  Steps before_;
  std::optional<Step> removal_;
  Steps whole_;
  std::vector<Steps> parts_;
  std::unordered_map<std::string, size_t> index_;
};

std::vector<DirStatDelta> merge_stats(const std::vector<Mutations>& batch) {
  std::vector<DirStatDelta> merged;
  std::unordered_map<Ino, size_t> index;
  for (const Mutations& one : batch) {
    for (const DirStatDelta& delta : one.dir_stats) {
      auto [at, is_new] = index.try_emplace(delta.dir, merged.size());
      if (is_new) merged.push_back({delta.dir, 0, 0, 0});
      DirStatDelta& sum = merged[at->second];
      sum.length += delta.length;
      sum.space += delta.space;
      sum.inodes += delta.inodes;
    }
  }
  std::erase_if(merged, [](const DirStatDelta& sum) {
    return sum.length == 0 && sum.space == 0 && sum.inodes == 0;
  });
  return merged;
}

}  // namespace

MergedWrites merge(const std::vector<Mutations>& batch) {
  std::vector<KeyMerge> keys;
  std::unordered_map<std::string, size_t> index;
  MergedWrites out;
  for (const Mutations& one : batch) {
    auto release = one.releases.begin();
    for (size_t i = 0; i < one.writes.size(); ++i) {
      Step step{one.writes[i], {}};
      if (release != one.releases.end() && release->write == i) step.release = *release++;
      auto [at, is_new] = index.try_emplace(step.write.key, keys.size());
      if (is_new) keys.emplace_back();
      keys[at->second].add(std::move(step));
    }
    MDP_CHECK(release == one.releases.end());  // they are in the order of their writes
    out.dead_files.insert(out.dead_files.end(), one.dead_files.begin(), one.dead_files.end());
    out.used_space += one.used_space;
    out.used_inodes += one.used_inodes;
  }
  for (KeyMerge& key : keys) key.emit(out);
  out.dir_stats = merge_stats(batch);
  return out;
}

}  // namespace fastmeta::model
