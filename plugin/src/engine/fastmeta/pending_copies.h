// SPDX-License-Identifier: GPL-3.0-or-later
// copy_file_range names slices of its source. Until that is sent the server does not know
// of the new references, and a merge of the source there would remove the data: the two
// are kept apart here. (Another client's merge cannot be; then the record is run anew, and
// whoever reads the copy meanwhile waits for it.)
//
// Threads: any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "engine/fastmeta/backlog.h"
#include "model/types.h"

namespace fastmeta::engine {

class PendingCopies {
 public:
  explicit PendingCopies(Backlog& backlog) : backlog_(backlog) {}

  // While it lives its source is not merged; begins when no merge is under way.
  class Copy {
   public:
    Copy(PendingCopies& all, model::Ino from, model::Ino to) : all_(all), from_(from), to_(to) {
      std::unique_lock lock(all_.mutex_);
      all_.merged_.wait(lock, [&] { return !all_.merging_.contains(from_); });
      ++all_.places_[from_].running;
    }
    ~Copy() {
      std::lock_guard lock(all_.mutex_);
      const uint64_t last = all_.backlog_.last();  // that of the copy, or a later one
      Place& from = all_.places_[from_];
      --from.running;
      from.copied_from = last;
      all_.places_[to_].copied_to = last;
      all_.forget_sent();
    }
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;

   private:
    PendingCopies& all_;
    const model::Ino from_, to_;
  };

  // Runs `merge` in the server unless a copy from the inode is not sent yet; whether it did.
  template <typename Merge>
  bool merge(model::Ino ino, Merge merge) {
    {
      std::lock_guard lock(mutex_);
      forget_sent();
      if (backlog_.any_of_before() || merging_.contains(ino)) return false;
      if (auto it = places_.find(ino);
          it != places_.end() && (it->second.running > 0 || it->second.copied_from > 0))
        return false;
      merging_.insert(ino);
    }
    merge();
    std::lock_guard lock(mutex_);
    merging_.erase(ino);
    merged_.notify_all();
    return true;
  }

  // Until what was copied into the inode is sent; false: not in time.
  bool wait_for(model::Ino ino, Deadline deadline) {
    uint64_t last = 0;
    {
      std::lock_guard lock(mutex_);
      if (auto it = places_.find(ino); it != places_.end()) last = it->second.copied_to;
    }
    return last == 0 || backlog_.wait_settled(last, deadline);
  }

 private:
  struct Place {
    int running = 0;
    uint64_t copied_from = 0, copied_to = 0;  // numbers of records; 0: none that is not sent
  };

  // With mutex_ held.
  void forget_sent() {
    const uint64_t oldest = backlog_.oldest().value_or(UINT64_MAX);
    for (auto it = places_.begin(); it != places_.end();) {
      Place& place = it->second;
      if (place.copied_from < oldest) place.copied_from = 0;
      if (place.copied_to < oldest) place.copied_to = 0;
      const bool over = place.running == 0 && place.copied_from == 0 && place.copied_to == 0;
      it = over ? places_.erase(it) : std::next(it);
    }
  }

  Backlog& backlog_;
  std::mutex mutex_;
  std::condition_variable merged_;
  std::unordered_map<model::Ino, Place> places_;
  std::unordered_set<model::Ino> merging_;
};

}  // namespace fastmeta::engine
