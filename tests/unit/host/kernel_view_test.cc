// SPDX-License-Identifier: GPL-3.0-or-later
// The invariants of KernelView, by number: see kernel_view.h.
#include "kernel/kernel_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <optional>
#include <random>
#include <thread>

namespace fastmeta::host {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr uint32_t kLong = 60'000;

struct KernelViewTest : testing::Test {
  KernelView::Limits limits() {
    KernelView::Limits out;
    out.rows_max = 1000;
    out.entry_ms = out.attr_ms = out.negative_ms = kLong;
    return out;
  }
  std::unique_ptr<KernelView> make(const KernelView::Limits& l) {
    return std::make_unique<KernelView>(l, [this] { return now_.load(); });
  }
  static mdp_entry entry(uint64_t ino, uint64_t length = 0) {
    mdp_entry e{};
    e.attr.ino = ino;
    e.attr.length = length;
    e.attr.mode = S_IFREG | 0644;
    e.entry_valid_ms = e.attr_valid_ms = kLong;
    return e;
  }
  // A lookup that nothing came in between.
  KernelView::Timeouts look_up(uint64_t parent, const char* name, uint64_t ino) {
    KernelView::Answer answer(*view_, view_->seen());
    return answer.entry(parent, name, entry(ino));
  }
  // All that there is to tell now.
  Notices drain() {
    Notices all, page;
    while (view_->next(&page, milliseconds(0))) {
      all.inodes.insert(all.inodes.end(), page.inodes.begin(), page.inodes.end());
      all.names.insert(all.names.end(), page.names.begin(), page.names.end());
      view_->told(page);
    }
    return all;
  }
  static std::vector<std::string> names(const Notices& notices) {
    std::vector<std::string> out;
    for (const auto& name : notices.names) {
      out.push_back(std::to_string(name.parent) + "/" + name.name);
    }
    return out;
  }
  static std::vector<uint64_t> inodes(const Notices& notices) {
    std::vector<uint64_t> out;
    for (const auto& inode : notices.inodes) out.push_back(inode.ino);
    return out;
  }

  std::atomic<int64_t> now_{1'000'000};
  std::unique_ptr<KernelView> view_ = make(limits());
};

TEST_F(KernelViewTest, GivesTheSmallerOfTheHostsAndThePluginsTimeouts) {
  mdp_entry e = entry(5);
  e.entry_valid_ms = 1500;
  e.attr_valid_ms = 10 * kLong;
  KernelView::Answer answer(*view_, view_->seen());
  const auto given = answer.entry(1, "a", e);
  EXPECT_DOUBLE_EQ(given.entry, 1.5);
  EXPECT_DOUBLE_EQ(given.attr, kLong / 1000.0);
}

TEST_F(KernelViewTest, TellsOfExactlyTheNameThatChanged) {
  look_up(1, "a", 5);
  look_up(1, "b", 6);
  look_up(2, "a", 7);
  view_->invalidate_entry(1, "a");
  const Notices told = drain();
  EXPECT_THAT(names(told), ElementsAre("1/a"));
  EXPECT_THAT(inodes(told), ElementsAre());
}

TEST_F(KernelViewTest, AnEmptyNameMeansAllNamesOfThatDirectory) {
  look_up(1, "a", 5);
  look_up(1, "b", 6);
  look_up(1, "absent", 0);
  look_up(2, "a", 7);
  view_->invalidate_entry(1, "a");
  view_->invalidate_entry(1, "");
  view_->invalidate_entry(1, "b");
  EXPECT_THAT(names(drain()), UnorderedElementsAre("1/a", "1/b", "1/absent"));
}

TEST_F(KernelViewTest, TellsOnceAndOnlyOfWhatIsRemembered) {
  look_up(1, "a", 5);
  view_->invalidate_entry(1, "a");
  view_->invalidate_inode(5, MDP_INVAL_ATTR);
  EXPECT_EQ(drain().names.size(), 1u);
  view_->invalidate_entry(1, "a");
  view_->invalidate_inode(5, MDP_INVAL_ATTR);
  const Notices again = drain();
  EXPECT_TRUE(again.names.empty());
  EXPECT_TRUE(again.inodes.empty());
}

TEST_F(KernelViewTest, WhatHasExpiredNeedsNoNotice) {
  look_up(1, "a", 5);
  now_ += kLong + 10'000;
  view_->invalidate_entry(1, "a");
  view_->invalidate_inode(5, MDP_INVAL_ATTR);
  const Notices told = drain();
  EXPECT_TRUE(told.names.empty());
  EXPECT_TRUE(told.inodes.empty());
}

TEST_F(KernelViewTest, TheKernelsClockMayBeALittleBehind) {
  look_up(1, "a", 5);
  now_ += kLong + 500;
  view_->invalidate_entry(1, "a");
  EXPECT_EQ(drain().names.size(), 1u);
}

// (2)
TEST_F(KernelViewTest, AnAnswerThatAnInvalidationOvertookGetsNoTimeout) {
  const uint64_t seen = view_->seen();
  view_->invalidate_entry(1, "a");
  view_->invalidate_inode(6, MDP_INVAL_ATTR);
  KernelView::Answer answer(*view_, seen);
  EXPECT_EQ(answer.entry(1, "a", entry(5)).entry, 0);
  EXPECT_GT(answer.entry(1, "a", entry(5)).attr, 0);
  EXPECT_GT(answer.entry(1, "b", entry(6)).entry, 0);
  EXPECT_EQ(answer.entry(1, "b", entry(6)).attr, 0);
  EXPECT_GT(answer.entry(1, "c", entry(7)).entry, 0);
  EXPECT_EQ(answer.attr(entry(6).attr, kLong), 0);
}

TEST_F(KernelViewTest, AnInvalidatedDirectoryOrEverythingCountsForEachName) {
  uint64_t seen = view_->seen();
  view_->invalidate_entry(1, "");
  {
    KernelView::Answer answer(*view_, seen);
    EXPECT_EQ(answer.entry(1, "a", entry(5)).entry, 0);
    EXPECT_GT(answer.entry(2, "a", entry(5)).entry, 0);
  }
  seen = view_->seen();
  view_->invalidate_all();
  KernelView::Answer answer(*view_, seen);
  EXPECT_EQ(answer.entry(2, "b", entry(6)).entry, 0);
  EXPECT_EQ(answer.entry(2, "b", entry(6)).attr, 0);
}

TEST_F(KernelViewTest, NoAnswerIsTooOldToBeJudgedByWhatConcernsIt) {
  const uint64_t seen = view_->seen();
  view_->invalidate_entry(1, "a");
  for (size_t i = 0; i <= 2 * InvalidationLog::kBuckets; ++i) {
    view_->invalidate_inode(99, MDP_INVAL_ATTR);
  }
  KernelView::Answer answer(*view_, seen);
  EXPECT_EQ(answer.entry(1, "a", entry(5)).entry, 0);
  EXPECT_GT(answer.entry(1, "b", entry(5)).entry, 0);
  EXPECT_EQ(answer.entry(1, "b", entry(99)).attr, 0);
}

// (2): a page of a directory is older than the answer that it is given by.
TEST_F(KernelViewTest, AKeptNameIsJudgedByWhenItWasListedAndItsAttributesByWhenTheyWereRead) {
  const auto begun = view_->moment();
  view_->invalidate_entry(1, "");
  view_->invalidate_inode(5, MDP_INVAL_ATTR);
  const auto loaded = view_->moment();
  view_->invalidate_inode(6, MDP_INVAL_ATTR);
  KernelView::Answer answer(*view_, begun, loaded);
  const auto first = answer.entry(1, "a", entry(5));
  EXPECT_EQ(first.entry, 0) << "gone since the listing began";
  EXPECT_GT(first.attr, 0) << "read after it had changed";
  EXPECT_EQ(answer.entry(1, "b", entry(6)).attr, 0);
}

TEST_F(KernelViewTest, WhatWeChangeOurselvesCountsForWhatIsKept) {
  look_up(1, "gone", 5);
  look_up(1, "old", 6);
  look_up(1, "replaced", 7);
  look_up(2, "dir", 1);
  const auto kept = view_->moment();
  view_->name_gone(1, "gone");
  view_->renamed(view_->seen(), {1, "old"}, {1, "replaced"}, false);
  view_->changed(9);
  KernelView::Answer answer(*view_, kept, kept);
  for (const char* name : {"gone", "old", "replaced"}) {
    EXPECT_EQ(answer.entry(1, name, entry(10)).entry, 0) << name;
  }
  for (const uint64_t ino : {1, 5, 6, 7, 9}) {
    EXPECT_EQ(answer.entry(2, "a link", entry(ino)).attr, 0) << ino;
  }
  const auto other = answer.entry(1, "other", entry(10));
  EXPECT_GT(other.entry, 0);
  EXPECT_GT(other.attr, 0);
}

TEST_F(KernelViewTest, ARemovedNameThatIsNotInTheTableMayHaveBeenOfAnyInode) {
  const auto kept = view_->moment();
  view_->name_gone(1, "a");
  KernelView::Answer answer(*view_, kept, kept);
  const auto given = answer.entry(1, "b", entry(5));
  EXPECT_GT(given.entry, 0);
  EXPECT_EQ(given.attr, 0);
}

TEST_F(KernelViewTest, OurOwnChangesAreNoInvalidations) {
  KernelView::Answer answer(*view_, view_->seen());
  view_->changed(5);
  view_->name_gone(1, "b");
  EXPECT_GT(answer.entry(1, "a", entry(5)).attr, 0) << "the kernel orders the two itself";
  EXPECT_EQ(view_->barrier(milliseconds(0)), 0) << "there is nothing to tell";
}

// (3)
TEST_F(KernelViewTest, ANoticeWaitsForAnswersThatAreBeingWritten) {
  auto answer = std::make_unique<KernelView::Answer>(*view_, view_->seen());
  answer->entry(1, "a", entry(5));
  view_->invalidate_entry(1, "a");
  std::atomic<bool> out{false};
  std::thread notifier([&] {
    Notices page;
    EXPECT_TRUE(view_->next(&page, milliseconds(5000)));
    EXPECT_TRUE(out);
    EXPECT_THAT(names(page), ElementsAre("1/a"));
  });
  std::this_thread::sleep_for(milliseconds(50));
  out = true;
  answer.reset();
  notifier.join();
}

TEST_F(KernelViewTest, AnAnswerWithoutTimeoutsKeepsNobodyWaiting) {
  KernelView::Answer answer(*view_, view_->seen());
  mdp_entry e = entry(5);
  e.entry_valid_ms = e.attr_valid_ms = 0;
  answer.entry(1, "a", e);
  view_->invalidate_entry(1, "a");
  Notices page;
  EXPECT_TRUE(view_->next(&page, milliseconds(0)));
}

// (4)
TEST_F(KernelViewTest, AFullTableGivesNoTimeoutsUntilSomethingExpires) {
  auto small = limits();
  small.rows_max = 4;
  view_ = make(small);
  EXPECT_GT(look_up(1, "a", 5).entry, 0);
  EXPECT_GT(look_up(1, "b", 6).entry, 0);
  const auto beyond = look_up(1, "c", 7);
  EXPECT_EQ(beyond.entry, 0);
  EXPECT_EQ(beyond.attr, 0);
  EXPECT_EQ(view_->stats().rows, 4u);
  EXPECT_GT(look_up(1, "a", 5).entry, 0) << "a row that is there can be renewed";
  now_ += kLong + 10'000;
  EXPECT_GT(look_up(1, "d", 8).entry, 0);
  EXPECT_LE(view_->stats().rows, 4u);
}

TEST_F(KernelViewTest, AFullQueueBecomesEverything) {
  auto small = limits();
  small.queue_max = 10;
  view_ = make(small);
  look_up(1, "a", 5);
  look_up(1, "absent", 0);
  for (uint64_t ino = 100; ino < 120; ++ino) view_->invalidate_inode(ino, MDP_INVAL_ATTR);
  const Notices told = drain();
  EXPECT_THAT(names(told), UnorderedElementsAre("1/a", "1/absent"));
  EXPECT_THAT(inodes(told), ElementsAre(5));
  EXPECT_EQ(view_->stats().overflows, 1u);
  EXPECT_EQ(view_->stats().rows, 0u);
}

TEST_F(KernelViewTest, PagesAreBoundedAndOnlyTheLastOneEndsTheBatch) {
  auto small = limits();
  small.page_max = 3;
  view_ = make(small);
  for (uint64_t i = 0; i < 8; ++i) look_up(1 + i % 2, ("n" + std::to_string(i)).c_str(), 10 + i);
  view_->invalidate_all();
  size_t found = 0;
  Notices page;
  while (view_->next(&page, milliseconds(0))) {
    EXPECT_LE(page.names.size() + page.inodes.size(), 3u);
    found += page.names.size() + page.inodes.size();
    if (found < 16) {
      EXPECT_EQ(page.upto, 0u);
      EXPECT_EQ(view_->barrier(milliseconds(0)), -ETIMEDOUT);
    }
    view_->told(page);
  }
  EXPECT_EQ(found, 16u);
  EXPECT_EQ(view_->barrier(milliseconds(0)), 0);
}

TEST_F(KernelViewTest, ForgottenInodesLeaveTheTableWithTheirNames) {
  look_up(1, "a", 5);
  look_up(1, "b", 5);  // a second link
  EXPECT_FALSE(view_->forget(5, 1));
  EXPECT_TRUE(view_->forget(5, 1));
  EXPECT_EQ(view_->stats().rows, 0u);
  EXPECT_EQ(view_->stats().inodes, 0u);
  view_->invalidate_entry(1, "");
  EXPECT_TRUE(drain().names.empty());
}

TEST_F(KernelViewTest, AForgottenDirectoryTakesItsAbsentNamesAlong) {
  look_up(1, "d", 5);
  look_up(5, "absent", 0);
  EXPECT_EQ(view_->stats().rows, 3u);
  EXPECT_TRUE(view_->forget(5, 1));
  EXPECT_EQ(view_->stats().rows, 0u);
}

TEST_F(KernelViewTest, AnInodeCanBeForgottenWhileItsDirectoryIsBeingTold) {
  auto small = limits();
  small.page_max = 1;
  view_ = make(small);
  look_up(1, "a", 5);
  look_up(1, "b", 6);
  view_->invalidate_entry(1, "");
  Notices page;
  ASSERT_TRUE(view_->next(&page, milliseconds(0)));
  const bool first_was_a = page.names.at(0).name == "a";
  view_->forget(first_was_a ? 6 : 5, 1);
  look_up(1, "c", 7);
  EXPECT_TRUE(drain().names.empty()) << "c came after the invalidation";
}

TEST_F(KernelViewTest, ARenameMovesWhatTheKernelRemembers) {
  look_up(1, "a", 5);
  look_up(2, "b", 6);
  view_->renamed(view_->seen(), {1, "a"}, {2, "b"}, false);
  view_->invalidate_entry(1, "a");
  view_->invalidate_entry(2, "b");
  EXPECT_THAT(names(drain()), ElementsAre("2/b"));
}

TEST_F(KernelViewTest, AnExchangeSwapsThem) {
  look_up(1, "a", 5);
  look_up(2, "b", 6);
  view_->renamed(view_->seen(), {1, "a"}, {2, "b"}, true);
  view_->forget(5, 1);  // now at 2/b
  view_->invalidate_entry(1, "a");
  view_->invalidate_entry(2, "b");
  EXPECT_THAT(names(drain()), ElementsAre("1/a"));
}

TEST_F(KernelViewTest, ARenameThatAnInvalidationOvertookIsToldOf) {
  look_up(1, "a", 5);
  const uint64_t seen = view_->seen();
  view_->invalidate_entry(2, "b");
  EXPECT_TRUE(drain().names.empty());
  view_->renamed(seen, {1, "a"}, {2, "b"}, false);
  EXPECT_THAT(names(drain()), ElementsAre("2/b"));
}

TEST_F(KernelViewTest, PagesAreToldOfOnlyWhereTheyMayExist) {
  look_up(1, "a", 5);
  look_up(1, "b", 6);
  view_->opened(6, entry(6).attr);
  view_->invalidate_inode(5, MDP_INVAL_DATA);
  view_->invalidate_inode(6, MDP_INVAL_DATA);
  for (const auto& inode : drain().inodes) EXPECT_EQ(inode.data, inode.ino == 6);
  view_->invalidate_inode(6, MDP_INVAL_DATA);
  EXPECT_THAT(inodes(drain()), ElementsAre(6)) << "read again through the open file";
}

TEST_F(KernelViewTest, PagesAreKeptWhenNothingHasChangedSinceTheLastOpen) {
  look_up(1, "a", 5);
  mdp_attr attr = entry(5, 100).attr;
  EXPECT_FALSE(view_->opened(5, attr).keep_pages);
  EXPECT_TRUE(view_->opened(5, attr).keep_pages);
  attr.mtime_nsec = 1;
  EXPECT_FALSE(view_->opened(5, attr).keep_pages);
  attr.length = 101;
  EXPECT_FALSE(view_->opened(5, attr).keep_pages);
}

TEST_F(KernelViewTest, AnOpenNoticesAttributesThatTheKernelDoesNotHave) {
  look_up(1, "a", 5);
  EXPECT_FALSE(view_->opened(5, entry(5).attr).stale_attr);
  EXPECT_TRUE(view_->opened(5, entry(5, 7).attr).stale_attr);
}

TEST_F(KernelViewTest, TheRootIsKnownWithoutALookup) {
  KernelView::Answer answer(*view_, view_->seen());
  EXPECT_GT(answer.attr(entry(MDP_ROOT_INO).attr, kLong), 0);
  EXPECT_EQ(answer.attr(entry(9).attr, kLong), 0) << "forgotten while it was asked about";
}

TEST_F(KernelViewTest, ABarrierWaitsForWhatCameBeforeIt) {
  look_up(1, "a", 5);
  EXPECT_EQ(view_->barrier(milliseconds(0)), 0);
  view_->invalidate_entry(1, "a");
  EXPECT_EQ(view_->barrier(milliseconds(10)), -ETIMEDOUT);
  std::thread notifier([&] { drain(); });
  EXPECT_EQ(view_->barrier(milliseconds(5000)), 0);
  notifier.join();
}

// (1), at random: a model of a kernel that remembers what it is given, for as long as
// it may, and forgets what it is told to. It reads a listing too, each of whose entries is
// given some time after it was made. What it still remembers at the end must be what is true.
TEST_F(KernelViewTest, AModelKernelNeverRemembersWhatIsNotTrue) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    auto small = limits();
    small.rows_max = 60;
    small.queue_max = 20;
    small.page_max = 5;
    view_ = make(small);
    std::mt19937 random(seed);
    const auto pick = [&](uint64_t n) { return random() % n; };
    using Place = std::pair<uint64_t, std::string>;
    std::map<Place, uint64_t> truth;                           // 0: absent
    std::map<Place, std::pair<uint64_t, int64_t>> remembered;  // inode, until
    std::vector<std::pair<Place, uint64_t>> listing;
    KernelView::Moment begun;

    const auto tell = [&] {
      for (const auto& name : drain().names) remembered.erase({name.parent, name.name});
    };
    for (int step = 0; step < 4000; ++step) {
      const Place place{1 + pick(4), std::string(1, static_cast<char>('a' + pick(12)))};
      switch (pick(11)) {
        case 0:
        case 1:
        case 2: {  // a lookup, which a change may overtake
          const uint64_t seen = view_->seen();
          const uint64_t ino = truth[place];
          if (pick(4) == 0) {
            truth[place] = 100 + pick(50);
            view_->invalidate_entry(place.first, pick(2) ? place.second : "");
          }
          KernelView::Answer answer(*view_, seen);
          const auto given = answer.entry(place.first, place.second, entry(ino));
          remembered[place] = {ino, now_ + static_cast<int64_t>(given.entry * 1000)};
          break;
        }
        case 3:  // a change elsewhere
          truth[place] = pick(3) == 0 ? 0 : 100 + pick(50);
          view_->invalidate_entry(place.first, pick(4) == 0 ? "" : place.second);
          break;
        case 4: {  // the kernel drops an inode: all names of it go first
          const uint64_t ino = truth[place];
          if (ino == 0) break;
          std::erase_if(remembered, [&](const auto& row) { return row.second.first == ino; });
          view_->forget(ino, 1'000'000);
          break;
        }
        case 5: {  // a rename through us
          const Place to{1 + pick(4), std::string(1, static_cast<char>('a' + pick(12)))};
          if (to == place || truth[place] == 0) break;
          const uint64_t seen = view_->seen();
          truth[to] = std::exchange(truth[place], 0);
          view_->renamed(seen, {place.first, place.second}, {to.first, to.second}, false);
          const auto moved = remembered.find(place);
          remembered.erase(to);
          if (moved != remembered.end()) {
            remembered[to] = moved->second;
            remembered.erase(place);
          }
          break;
        }
        case 6:
          if (pick(20) == 0) view_->invalidate_all();
          now_ += static_cast<int64_t>(pick(5000));
          break;
        case 7:  // removed through us
          truth[place] = 0;
          view_->name_gone(place.first, place.second);
          remembered.erase(place);
          break;
        case 8: {  // the next entry of a listing
          if (listing.empty()) {
            begun = view_->moment();
            for (const auto& [name, ino] : truth) {
              if (ino != 0) listing.emplace_back(name, ino);
            }
            break;
          }
          const auto [name, ino] = listing.back();
          listing.pop_back();
          KernelView::Answer answer(*view_, begun, view_->moment());
          const auto given = answer.entry(name.first, name.second, entry(ino));
          remembered[name] = {ino, now_ + static_cast<int64_t>(given.entry * 1000)};
          break;
        }
        default:
          tell();
      }
      ASSERT_LE(view_->stats().rows, small.rows_max);
    }
    tell();
    for (const auto& [place, row] : remembered) {
      if (row.second <= now_) continue;
      EXPECT_EQ(row.first, truth[place]) << place.first << "/" << place.second;
    }
  }
}

}  // namespace
}  // namespace fastmeta::host
