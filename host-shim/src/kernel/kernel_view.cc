// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernel/kernel_view.h"

#include <algorithm>
#include <optional>

namespace fastmeta::host {
namespace {

// The kernel counts from when it takes the answer in, a little after we gave it.
constexpr int64_t kSlackMs = 1000;

int64_t steady_ms() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

KernelView::KernelView(const Limits& limits, NowMs now)
    : limits_(limits), now_(now ? std::move(now) : steady_ms) {}

uint64_t KernelView::seen() const {
  std::lock_guard lock(mutex_);
  return log_.last();
}

KernelView::Moment KernelView::moment() const {
  std::lock_guard lock(mutex_);
  return {log_.last(), own_.last()};
}

// ---- answers

KernelView::Answer::~Answer() {
  if (flight_ == 0) return;
  std::lock_guard lock(view_.mutex_);
  view_.flying_.erase(flight_);
  if (view_.awaited_) view_.landed_.notify_all();
}

KernelView::Timeouts KernelView::Answer::entry(uint64_t parent, std::string_view name,
                                               const mdp_entry& entry) {
  std::lock_guard lock(view_.mutex_);
  const int64_t now = view_.now_();
  const uint64_t ino = entry.attr.ino;
  uint32_t attr_ms = 0;
  if (ino != 0) {
    InodeRow& row = view_.inodes_[ino];
    row.ino = ino;
    ++row.lookups;
    attr_ms = view_.give_attr(*this, row, entry.attr, entry.attr_valid_ms, now);
  }
  const uint32_t entry_ms =
      view_.give_name(*this, parent, name, ino, entry.entry_valid_ms, now);
  if (entry_ms != 0 || attr_ms != 0) view_.launch(*this);
  return {entry_ms / 1000.0, attr_ms / 1000.0};
}

double KernelView::Answer::attr(const mdp_attr& attr, uint32_t valid_ms) {
  std::lock_guard lock(view_.mutex_);
  auto found = view_.inodes_.find(attr.ino);
  if (found == view_.inodes_.end()) {
    // Only the root is known to the kernel without a lookup.
    if (attr.ino != MDP_ROOT_INO) return 0;
    found = view_.inodes_.try_emplace(attr.ino).first;
    found->second.ino = attr.ino;
  }
  const uint32_t ms = view_.give_attr(*this, found->second, attr, valid_ms, view_.now_());
  if (ms != 0) view_.launch(*this);
  return ms / 1000.0;
}

void KernelView::launch(Answer& answer) {
  if (answer.flight_ != 0) return;
  answer.flight_ = ++last_flight_;
  flying_.insert(answer.flight_);
}

uint32_t KernelView::give_attr(const Answer& answer, InodeRow& row, const mdp_attr& attr,
                               uint32_t valid_ms, int64_t now) {
  row.known = true;
  row.length = attr.length;
  row.mtime = attr.mtime;
  row.mtime_nsec = attr.mtime_nsec;
  row.ctime = attr.ctime;
  row.ctime_nsec = attr.ctime_nsec;

  uint32_t ms = std::min(valid_ms, limits_.attr_ms);
  if (log_.touched_inode(answer.attrs_.told, row.ino) ||
      own_.touched_inode(answer.attrs_.own, row.ino)) {
    ms = 0;
  }
  const bool counted = row.until != 0;
  if (ms != 0 && !counted && !room(now)) ms = 0;
  // An earlier answer may still be on its way: its longer timeout stays in force.
  if (ms == 0) return 0;
  if (!counted) ++rows_;
  row.AutoHook<ByAge>::unlink();
  inode_ages_.push_back(row);
  row.until = std::max(row.until, now + ms + kSlackMs);
  row.given = now;
  return ms;
}

uint32_t KernelView::give_name(const Answer& answer, uint64_t parent, std::string_view name,
                               uint64_t ino, uint32_t valid_ms, int64_t now) {
  uint32_t ms = std::min(valid_ms, ino == 0 ? limits_.negative_ms : limits_.entry_ms);
  if (ms == 0 || log_.touched_name(answer.names_.told, parent, name) ||
      own_.touched_name(answer.names_.own, parent, name)) {
    return 0;
  }

  NameRow* row = find(parent, name);
  if (row == nullptr && !room(now)) return 0;
  // An earlier answer may still be on its way, with a longer timeout.
  const int64_t until = std::max(row != nullptr ? row->until : 0, now + ms + kSlackMs);
  put({parent, name}, ino, until, now);
  return ms;
}

void KernelView::put(const Place& place, uint64_t ino, int64_t until, int64_t given) {
  const auto& [parent, name] = place;
  auto& dir = dirs_[parent];
  if (dir == nullptr) {
    dir = std::make_unique<NameDir>();
    dir->parent = parent;
  }
  const auto [at, inserted] = dir->names.try_emplace(std::string(name));
  NameRow& row = at->second;
  if (inserted) {
    row.dir = dir.get();
    row.name = &at->first;
    ++rows_;
  }
  row.AutoHook<ByAge>::unlink();
  row.AutoHook<ByInode>::unlink();
  (ino == 0 ? negative_ages_ : ages_).push_back(row);
  if (auto found = inodes_.find(ino); found != inodes_.end()) found->second.names.push_back(row);
  row.ino = ino;
  row.until = until;
  row.given = given;
}

// Whether one more row may be added; makes room by what has expired.
bool KernelView::room(int64_t now) {
  if (rows_ < limits_.rows_max) return true;
  while (!ages_.empty() && ages_.front().until < now) drop(ages_.front());
  while (!negative_ages_.empty() && negative_ages_.front().until < now) {
    drop(negative_ages_.front());
  }
  while (!inode_ages_.empty() && inode_ages_.front().until < now) {
    drop_attr(inode_ages_.front());
  }
  if (rows_ < limits_.rows_max) return true;
  ++stats_.full;
  return false;
}

void KernelView::drop(NameRow& row) {
  NameDir* dir = row.dir;
  dir->names.erase(dir->names.find(*row.name));
  --rows_;
  if (!dir->names.empty()) return;
  // A directory that was taken up by the notifying thread is not in dirs_.
  auto found = dirs_.find(dir->parent);
  if (found != dirs_.end() && found->second.get() == dir) dirs_.erase(found);
}

void KernelView::drop_attr(InodeRow& row) {
  if (row.until == 0) return;
  row.until = 0;
  row.AutoHook<ByAge>::unlink();
  --rows_;
}

NameRow* KernelView::find(uint64_t parent, std::string_view name) {
  auto dir = dirs_.find(parent);
  if (dir == dirs_.end()) return nullptr;
  auto row = dir->second->names.find(std::string(name));
  return row == dir->second->names.end() ? nullptr : &row->second;
}

// ---- what the kernel does by itself

bool KernelView::forget(uint64_t ino, uint64_t lookups) {
  std::lock_guard lock(mutex_);
  auto found = inodes_.find(ino);
  if (found == inodes_.end()) return true;
  InodeRow& row = found->second;
  row.lookups -= std::min(row.lookups, lookups);
  if (row.lookups != 0 || ino == MDP_ROOT_INO) return false;
  // Its names went before it. They may be on their way back already, under a
  // lookup of later: that one has made new rows, of which these lists know.
  while (!row.names.empty()) drop(row.names.front());
  // Absent names of a directory go with it.
  if (auto dir = dirs_.find(ino); dir != dirs_.end()) {
    rows_ -= dir->second->names.size();
    dirs_.erase(dir);
  }
  drop_attr(row);
  inodes_.erase(found);
  return true;
}

void KernelView::changed(uint64_t ino) {
  std::lock_guard lock(mutex_);
  own_.inode(ino);
}

// The name is another's or nobody's from now on; its parent and its inode have changed.
void KernelView::own_change(uint64_t parent, std::string_view name) {
  own_.name(parent, name);
  own_.inode(parent);
  if (const NameRow* row = find(parent, name)) {
    own_.inode(row->ino);
  } else {
    own_.all_inodes();  // which one it was is not known here
  }
}

void KernelView::name_gone(uint64_t parent, std::string_view name) {
  std::lock_guard lock(mutex_);
  own_change(parent, name);
  if (NameRow* row = find(parent, name)) drop(*row);
}

void KernelView::renamed(uint64_t seen, const Place& from, const Place& to, bool exchange) {
  struct Kept {
    uint64_t ino;
    int64_t until, given;
  };
  const auto take = [&](const Place& place) -> std::optional<Kept> {
    NameRow* row = find(place.first, place.second);
    if (row == nullptr) return std::nullopt;
    const Kept kept{row->ino, row->until, row->given};
    drop(*row);
    return kept;
  };
  std::lock_guard lock(mutex_);
  own_change(from.first, from.second);
  own_change(to.first, to.second);
  const auto moved = take(from);
  const auto replaced = take(to);
  if (moved) put(to, moved->ino, moved->until, moved->given);
  if (exchange && replaced) put(from, replaced->ino, replaced->until, replaced->given);
  // No timeout can be taken back here, but the kernel can be told.
  for (const Place& place : {from, to}) {
    if (!log_.touched_name(seen, place.first, place.second)) continue;
    queue_name(place.first, place.second);
    wake_.notify_one();
  }
}

KernelView::Opening KernelView::opened(uint64_t ino, const mdp_attr& attr) {
  std::lock_guard lock(mutex_);
  auto found = inodes_.find(ino);
  if (found == inodes_.end()) return {};
  InodeRow& row = found->second;
  Opening verdict;
  verdict.stale_attr =
      row.known && (row.length != attr.length || row.mtime != attr.mtime ||
                    row.mtime_nsec != attr.mtime_nsec || row.ctime != attr.ctime ||
                    row.ctime_nsec != attr.ctime_nsec);
  verdict.keep_pages = row.pages && row.pages_length == attr.length &&
                       row.pages_mtime == attr.mtime &&
                       row.pages_mtime_nsec == attr.mtime_nsec;
  row.pages = true;
  row.pages_length = attr.length;
  row.pages_mtime = attr.mtime;
  row.pages_mtime_nsec = attr.mtime_nsec;
  return verdict;
}

KernelView::Stats KernelView::stats() const {
  std::lock_guard lock(mutex_);
  Stats out = stats_;
  out.rows = rows_;
  out.inodes = inodes_.size();
  out.invalidations = log_.last();
  return out;
}

}  // namespace fastmeta::host
