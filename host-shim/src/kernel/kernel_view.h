// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel was told and for how long, so that a change elsewhere expires
// exactly that.
//
// Invariants
//  (1) What the kernel may remember beyond this moment is in the table, or the
//      kernel does not know the inode any more.
//  (2) An answer that was begun before an invalidation and concerns its key is
//      given without a timeout. So is an entry of a directory that was kept while
//      we changed its key ourselves; between a request and its reply the kernel
//      sees to that.
//  (3) A notice for a key leaves after the answers about it that were being
//      written when the invalidation came.
//  (4) The table, the queue of invalidations and each page of notices are
//      bounded. A full table gives timeout 0, a full queue becomes "everything".
//
// One mutex; nothing that blocks is called under it.
#pragma once

#include <mdp/plugin.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "kernel/invalidation_log.h"
#include "kernel/kernel_rows.h"

namespace fastmeta::host {

// What the kernel must be told.
struct Notices {
  struct Inode {
    uint64_t ino;
    bool data;   // its pages too
    bool fresh;  // given so lately that the kernel may not have taken it in yet
  };
  struct Name {
    uint64_t parent;
    std::string name;
    bool fresh;
  };
  std::vector<Inode> inodes;
  std::vector<Name> names;
  uint64_t upto = 0;  // with this page, invalidations up to this number are done; 0: not yet
};

class KernelView {
 public:
  struct Limits {
    uint64_t rows_max = 1'000'000;
    uint32_t entry_ms = 0;
    uint32_t attr_ms = 0;
    uint32_t negative_ms = 0;
    size_t queue_max = 65536;
    size_t page_max = 4096;
  };
  using NowMs = std::function<int64_t()>;

  explicit KernelView(const Limits& limits, NowMs now = {});

  // ---- threads that serve requests

  // Taken before the plugin is asked.
  uint64_t seen() const;
  // The same, for what is kept before it is given.
  struct Moment {
    uint64_t told = 0;  // invalidations before it
    uint64_t own = 0;   // changes of ours before it
  };
  Moment moment() const;

  struct Timeouts {
    double entry = 0;  // seconds
    double attr = 0;
  };

  // One reply that is being written. Destroyed when it is out.
  class Answer {
   public:
    Answer(KernelView& view, uint64_t seen)
        : Answer(view, {seen, kNoneIsLater}, {seen, kNoneIsLater}) {}
    Answer(KernelView& view, const Moment& names, const Moment& attrs)
        : view_(view), names_(names), attrs_(attrs) {}
    ~Answer();
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    // An entry, or with ino 0 its absence. Counts a lookup of the inode.
    Timeouts entry(uint64_t parent, std::string_view name, const mdp_entry& entry);
    double attr(const mdp_attr& attr, uint32_t valid_ms);

   private:
    friend class KernelView;
    static constexpr uint64_t kNoneIsLater = std::numeric_limits<uint64_t>::max();
    KernelView& view_;
    const Moment names_, attrs_;
    uint64_t flight_ = 0;  // 0: gave no timeout, so nobody needs to wait for it
  };

  // True when the kernel does not know the inode any more.
  bool forget(uint64_t ino, uint64_t lookups);
  // The attributes were changed through us: the kernel knows.
  void changed(uint64_t ino);
  // The kernel drops the name by itself: it was removed through us.
  void name_gone(uint64_t parent, std::string_view name);
  // The kernel moves what it remembers of `from` to `to`, timeouts and all.
  using Place = std::pair<uint64_t, std::string_view>;  // parent, name
  void renamed(uint64_t seen, const Place& from, const Place& to, bool exchange);
  struct Opening {
    bool keep_pages = false;  // what the page cache holds is still right
    bool stale_attr = false;  // the kernel must ask for the attributes again
  };
  // attr: as of the open.
  Opening opened(uint64_t ino, const mdp_attr& attr);

  // A write went elsewhere than the kernel has put it: its pages are dropped, once
  // it has let go of them.
  void misplaced(uint64_t ino);

  // ---- callbacks of the plugin; they only queue

  void invalidate_inode(uint64_t ino, uint32_t what);
  void invalidate_entry(uint64_t parent, std::string_view name);
  void invalidate_all();
  // Waits until every invalidation before this call was told. 0 or -ETIMEDOUT.
  int barrier(std::chrono::milliseconds timeout);

  // ---- the thread that notifies

  // The next page, when there is one within `timeout`. False: nothing to tell.
  bool next(Notices* page, std::chrono::milliseconds timeout);
  void told(const Notices& page);
  void stop();  // ends waiting for ever: barriers and next()
  bool stopped() const;

  struct Stats {
    uint64_t rows = 0, inodes = 0, invalidations = 0, overflows = 0, full = 0;
  };
  Stats stats() const;

 private:
  struct Pending {
    std::unordered_map<uint64_t, uint32_t> inodes;
    std::unordered_map<uint64_t, std::unordered_set<std::string>> names;  // empty set: all
    bool all = false;
    size_t size = 0;
  };
  // A queue that was taken up: what is left of it.
  struct Batch {
    std::vector<std::pair<uint64_t, uint32_t>> inodes;
    std::vector<std::pair<uint64_t, std::string>> names;
    std::vector<std::unique_ptr<NameDir>> dirs;  // out of the table, rows still listed
    uint64_t upto = 0;
    bool open = false;
  };

  // All below: mutex_ is held.
  bool empty() const { return pending_.size == 0 && !pending_.all; }
  void overflow_if_full();
  void take_up();
  void take_all();
  void fill(Notices* page, int64_t now);
  void notice_inode(uint64_t ino, uint32_t what, Notices* page, int64_t now);
  void notice_name(NameRow& row, Notices* page, int64_t now);
  void launch(Answer& answer);
  uint32_t give_name(const Answer& answer, uint64_t parent, std::string_view name, uint64_t ino,
                     uint32_t valid_ms, int64_t now);
  uint32_t give_attr(const Answer& answer, InodeRow& row, const mdp_attr& attr,
                     uint32_t valid_ms, int64_t now);
  bool room(int64_t now);
  void put(const Place& place, uint64_t ino, int64_t until, int64_t given);
  void queue_name(uint64_t parent, std::string_view name);
  void queue_inode(uint64_t ino, uint32_t what);
  void drop(NameRow& row);
  void drop_attr(InodeRow& row);
  NameRow* find(uint64_t parent, std::string_view name);
  void own_change(uint64_t parent, std::string_view name);

  const Limits limits_;
  const NowMs now_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;      // something to tell
  std::condition_variable landed_;    // an answer is out
  std::condition_variable progress_;  // told_ has moved

  InvalidationLog log_;
  InvalidationLog own_;  // what we have changed ourselves
  Pending pending_;
  uint64_t told_ = 0;
  bool stopped_ = false;

  // Rows leave the age lists when they are destroyed, so the lists come first.
  AutoList<NameRow, ByAge> ages_;
  AutoList<NameRow, ByAge> negative_ages_;
  AutoList<InodeRow, ByAge> inode_ages_;
  std::unordered_map<uint64_t, InodeRow> inodes_;
  std::unordered_map<uint64_t, std::unique_ptr<NameDir>> dirs_;
  Batch batch_;
  uint64_t rows_ = 0;  // names, and inodes whose attributes are remembered

  std::set<uint64_t> flying_;
  uint64_t last_flight_ = 0;
  bool awaited_ = false;  // somebody waits for answers to land

  Stats stats_;
};

}  // namespace fastmeta::host
