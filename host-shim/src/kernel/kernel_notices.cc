// SPDX-License-Identifier: GPL-3.0-or-later
// The side of KernelView that takes invalidations in and turns them into notices.
#include <cerrno>

#include "kernel/kernel_view.h"

namespace fastmeta::host {
namespace {

// Between our reply and the moment when the kernel has stored it.
constexpr int64_t kFreshMs = 50;

}  // namespace

// ---- in

void KernelView::invalidate_inode(uint64_t ino, uint32_t what) {
  std::lock_guard lock(mutex_);
  log_.inode(ino);
  queue_inode(ino, what);
  wake_.notify_one();
}

void KernelView::misplaced(uint64_t ino) {
  std::lock_guard lock(mutex_);
  auto found = inodes_.find(ino);
  if (found == inodes_.end()) return;
  found->second.given = now_();  // told again a little later, for pages that are still held
  log_.inode(ino);
  queue_inode(ino, MDP_INVAL_ATTR | MDP_INVAL_DATA);
  wake_.notify_one();
}

void KernelView::queue_inode(uint64_t ino, uint32_t what) {
  if (pending_.all) return;
  auto [at, inserted] = pending_.inodes.try_emplace(ino, 0);
  at->second |= what;
  if (inserted) ++pending_.size;
  overflow_if_full();
}

void KernelView::invalidate_entry(uint64_t parent, std::string_view name) {
  std::lock_guard lock(mutex_);
  if (name.empty()) {
    log_.all_names(parent);
  } else {
    log_.name(parent, name);
  }
  queue_name(parent, name);
  wake_.notify_one();
}

void KernelView::queue_name(uint64_t parent, std::string_view name) {
  if (pending_.all) return;
  auto [at, inserted] = pending_.names.try_emplace(parent);
  auto& names = at->second;
  if (name.empty()) {
    pending_.size += inserted ? 1 : 0;
    if (!names.empty()) pending_.size -= names.size() - 1;
    names.clear();
  } else if (inserted || !names.empty()) {
    if (names.emplace(name).second) ++pending_.size;
  }
  overflow_if_full();
}

void KernelView::invalidate_all() {
  std::lock_guard lock(mutex_);
  log_.all();
  pending_ = {};
  pending_.all = true;
  wake_.notify_one();
}

void KernelView::overflow_if_full() {
  if (pending_.size <= limits_.queue_max) return;
  pending_ = {};
  pending_.all = true;
  ++stats_.overflows;
}

int KernelView::barrier(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const uint64_t mine = log_.last();
  const bool reached =
      progress_.wait_for(lock, timeout, [&] { return stopped_ || told_ >= mine; });
  return reached ? 0 : -ETIMEDOUT;
}

// ---- out

bool KernelView::next(Notices* page, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  *page = {};
  if (!batch_.open) {
    wake_.wait_for(lock, timeout, [&] { return stopped_ || !empty(); });
    if (stopped_ || empty()) return false;
    take_up();
  }
  fill(page, now_());

  // (3): the rows are out of the table, answers from now on do not count.
  const uint64_t last = last_flight_;
  awaited_ = true;
  landed_.wait(lock, [&] { return flying_.empty() || *flying_.begin() > last; });
  awaited_ = false;
  return true;
}

void KernelView::told(const Notices& page) {
  if (page.upto == 0) return;
  std::lock_guard lock(mutex_);
  told_ = page.upto;
  progress_.notify_all();
}

void KernelView::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  wake_.notify_all();
  progress_.notify_all();
}

bool KernelView::stopped() const {
  std::lock_guard lock(mutex_);
  return stopped_;
}

// Moves the queue into the batch. Whole directories change hands as they are, so
// that the time under the mutex does not grow with them.
void KernelView::take_up() {
  batch_.open = true;
  batch_.upto = log_.last();
  if (pending_.all) {
    take_all();
  } else {
    batch_.inodes.assign(pending_.inodes.begin(), pending_.inodes.end());
    for (auto& [parent, names] : pending_.names) {
      if (!names.empty()) {
        for (const std::string& name : names) batch_.names.emplace_back(parent, name);
      } else if (auto dir = dirs_.find(parent); dir != dirs_.end()) {
        batch_.dirs.push_back(std::move(dir->second));
        dirs_.erase(dir);
      }
    }
  }
  pending_ = {};
}

void KernelView::take_all() {
  for (auto& [parent, dir] : dirs_) batch_.dirs.push_back(std::move(dir));
  dirs_.clear();
  for (const auto& [ino, row] : inodes_) {
    if (row.until != 0 || row.pages) {
      batch_.inodes.emplace_back(ino, MDP_INVAL_ATTR | MDP_INVAL_DATA);
    }
  }
}

void KernelView::fill(Notices* page, int64_t now) {
  const auto full = [&] {
    return page->inodes.size() + page->names.size() >= limits_.page_max;
  };
  size_t looked_at = 0;
  for (; !batch_.inodes.empty() && !full() && looked_at < limits_.page_max; ++looked_at) {
    const auto [ino, what] = batch_.inodes.back();
    batch_.inodes.pop_back();
    notice_inode(ino, what, page, now);
  }
  for (; !batch_.names.empty() && !full() && looked_at < limits_.page_max; ++looked_at) {
    const auto& [parent, name] = batch_.names.back();
    if (NameRow* row = find(parent, name)) notice_name(*row, page, now);
    batch_.names.pop_back();
  }
  while (!batch_.dirs.empty() && !full() && looked_at < limits_.page_max) {
    NameDir& dir = *batch_.dirs.back();
    for (; !dir.names.empty() && !full() && looked_at < limits_.page_max; ++looked_at) {
      notice_name(dir.names.begin()->second, page, now);
    }
    if (!dir.names.empty()) break;
    batch_.dirs.pop_back();
  }
  if (batch_.inodes.empty() && batch_.names.empty() && batch_.dirs.empty()) {
    page->upto = batch_.upto;
    batch_ = {};
  }
}

void KernelView::notice_inode(uint64_t ino, uint32_t what, Notices* page, int64_t now) {
  auto found = inodes_.find(ino);
  if (found == inodes_.end()) return;
  InodeRow& row = found->second;
  const bool data = (what & MDP_INVAL_DATA) != 0 && row.pages;
  if (row.until > now || data) {
    page->inodes.push_back({ino, data, now - row.given < kFreshMs});
  }
  drop_attr(row);
}

void KernelView::notice_name(NameRow& row, Notices* page, int64_t now) {
  if (row.until > now) {
    page->names.push_back({row.dir->parent, *row.name, now - row.given < kFreshMs});
  }
  drop(row);
}

}  // namespace fastmeta::host
