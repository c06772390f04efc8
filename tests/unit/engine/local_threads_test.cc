// SPDX-License-Identifier: GPL-3.0-or-later
// Two threads on one local store that change what the other relies on, while the worker sends
// and settles: one of them wins, the other is told, and the server gets what was acknowledged.
// A kernel orders most of these before they reach us; other hosts do not.
#include <gtest/gtest.h>

#include <barrier>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "store/store.h"
#include "sync_fixture.h"

namespace fastmeta::test {
namespace {

using model::FileType;
using model::Ino;

class LocalThreads : public VolumeTest {
 protected:
  LocalThreads() {
    std::string pattern = testing::TempDir() + "fastmeta-threads-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    store::StoreOptions options;
    options.dir = folder_ + "/meta";
    options.volume = "00000000-0000-0000-0000-000000000001";
    options.cache_bytes = 16u << 20;
    options.free_space_reserve = 0;
    auto opened = store::Store::open(options, Log());
    MDP_CHECK(opened);
    tables_ = std::move(*opened);
  }
  ~LocalThreads() override {
    rig_.reset();
    tables_.reset();
    std::filesystem::remove_all(folder_);
  }
  SyncRig& rig() {
    if (!rig_)
      rig_ = std::make_unique<SyncRig>(
          config_for(server.url(), {"mode=fast-meta", "cache.dir=/nowhere",
                                    "conflicts.limit=1000000"}),
          host_, *tables_);
    return *rig_;
  }

  Ino make(Ino parent, const std::string& name, FileType type = FileType::kDirectory) {
    const Ino ino = next_++;
    EXPECT_EQ(rig().create(parent, name, ino, type), 0) << name;
    return ino;
  }
  int create(Ino parent, const std::string& name, Ino ino) {
    return rig().create(parent, name, ino, FileType::kFile);
  }
  // 1: under this number, 0: there was one already.
  int made(Ino parent, const std::string& name, Ino ino) {
    model::CreateArgs want;
    want.now = Clock().now();
    want.parent = parent;
    want.name = name;
    want.ino = ino;
    auto reply = rig().executor.apply(want, {});
    EXPECT_TRUE(reply);
    return reply && !std::get<model::CreateReply>(*reply).existed;
  }
  int rmdir(Ino parent, const std::string& name) {
    return rig().apply(model::Rmdir{{{}, Clock().now(), parent, name}});
  }
  int link(Ino ino, Ino parent, const std::string& name) {
    return rig().apply(model::LinkArgs{{}, Clock().now(), ino, parent, name});
  }

  using Work = std::function<int()>;
  // Both at once; what they answered.
  std::pair<int, int> race(const Work& one, const Work& other) {
    std::barrier start(2);
    std::pair<int, int> answers;
    std::thread second([&] {
      start.arrive_and_wait();
      answers.second = other();
    });
    start.arrive_and_wait();
    answers.first = one();
    second.join();
    return answers;
  }
  // Rounds of `pair`, which makes what it needs and judges, while the worker sends.
  void rounds(const std::function<void(const std::string& round)>& pair) {
    ASSERT_GT(make(kRoot, "first"), 0u);  // the worker is up
    std::atomic<bool> done{false};
    std::thread worker([&] {
      while (!done) rig().step();
    });
    for (int i = 0; i < kRounds && !HasFailure(); ++i) pair(std::to_string(i));
    done = true;
    worker.join();
    ASSERT_TRUE(rig().drain()) << rig().last_error;
    EXPECT_EQ(rig().sync->stats().conflicts, 0u);
    EXPECT_EQ(rig().rows(store::Table::kJournal), 0u);
    expect_sound();
  }
  // In the server each entry has its inode with as many names as it counts, and no other inode
  // is there.
  void expect_sound() {
    std::map<Ino, uint32_t> names, folders;
    auto ask = [&](redis::Command command) {
      auto reply = rig().client->read_one(std::move(command));
      MDP_CHECK(reply);
      return std::move(*reply);
    };
    std::vector<Ino> left{kRoot};
    names[kRoot] = 0;
    while (!left.empty()) {
      const Ino dir = left.back();
      left.pop_back();
      const redis::Reply listed = ask({"HGETALL", "d" + std::to_string(dir)});
      for (size_t i = 1; i < listed.items.size(); i += 2) {
        const auto entry = model::decode_dentry(listed.items[i].text);
        ASSERT_TRUE(entry);
        if (++names[entry->ino] > 1 || entry->type != FileType::kDirectory) continue;
        ++folders[dir];
        left.push_back(entry->ino);
      }
    }
    for (const auto& [ino, count] : names) {
      const redis::Reply stored = ask({"GET", "i" + std::to_string(ino)});
      const auto attr = stored.nil() ? Result<model::Attr>(Error::answer(ENOENT))
                                     : model::decode_attr(stored.text);
      ASSERT_TRUE(attr) << "inode " << ino << " has a name and is not there";
      const bool folder = attr->type == FileType::kDirectory;
      EXPECT_EQ(attr->nlink, folder ? folders[ino] + 2 : count) << "inode " << ino;
    }
    const redis::Reply inodes = ask({"KEYS", "i[0-9]*"});
    EXPECT_EQ(inodes.items.size(), names.size()) << "inodes that no name leads to";
    EXPECT_EQ(number("GET totalInodes"), static_cast<int64_t>(names.size()) - 1);
  }

  // Each wins many times, and the wrong order of two locks would have stopped by then.
  static constexpr int kRounds = 400;
  std::string folder_;
  RecordingHost host_;
  std::unique_ptr<store::Store> tables_;
  std::unique_ptr<SyncRig> rig_;
  std::atomic<Ino> next_{1000};
};

TEST_F(LocalThreads, AFolderIsRemovedOrGetsAFile) {
  int removed = 0;
  rounds([&](const std::string& n) {
    const Ino dir = make(kRoot, "d" + n), file = next_++;
    const auto [rm, made] = race([&] { return rmdir(kRoot, "d" + n); },
                                 [&] { return create(dir, "f", file); });
    EXPECT_TRUE((rm == 0 && made == ENOENT) || (rm == ENOTEMPTY && made == 0))
        << rm << " and " << made;
    removed += rm == 0;
  });
  EXPECT_GT(removed, 0);
  EXPECT_LT(removed, kRounds);
}

TEST_F(LocalThreads, AFolderIsRemovedOrGetsWhatIsMovedThere) {
  rounds([&](const std::string& n) {
    const Ino dir = make(kRoot, "d" + n);
    make(kRoot, "m" + n, FileType::kFile);
    const auto [rm, moved] = race([&] { return rmdir(kRoot, "d" + n); },
                                  [&] { return rig().rename(kRoot, "m" + n, dir, "m"); });
    EXPECT_TRUE((rm == 0 && moved == ENOENT) || (rm == ENOTEMPTY && moved == 0))
        << rm << " and " << moved;
  });
}

TEST_F(LocalThreads, AFolderIsMovedOrRemoved) {
  rounds([&](const std::string& n) {
    make(kRoot, "d" + n);
    const auto [rm, moved] = race([&] { return rmdir(kRoot, "d" + n); },
                                  [&] { return rig().rename(kRoot, "d" + n, kRoot, "e" + n); });
    EXPECT_TRUE((rm == 0 && moved == ENOENT) || (rm == ENOENT && moved == 0))
        << rm << " and " << moved;
  });
}

TEST_F(LocalThreads, ANameIsGivenOnce) {
  rounds([&](const std::string& n) {
    const Ino first = next_++, second = next_++;
    const auto [a, b] = race([&] { return made(kRoot, "f" + n, first); },
                             [&] { return made(kRoot, "f" + n, second); });
    EXPECT_EQ(a + b, 1);
  });
}

TEST_F(LocalThreads, AFileGetsAnotherNameBeforeItLosesItsLast) {
  rounds([&](const std::string& n) {
    const Ino file = make(kRoot, "f" + n, FileType::kFile);
    const auto [gone, linked] = race([&] { return rig().unlink(kRoot, "f" + n); },
                                     [&] { return link(file, kRoot, "l" + n); });
    EXPECT_EQ(gone, 0);
    EXPECT_TRUE(linked == 0 || linked == ENOENT) << linked;
    EXPECT_EQ(rig().find(kRoot, "l" + n), linked == 0 ? file : 0);
  });
}

TEST_F(LocalThreads, NoFolderGetsIntoItself) {
  rounds([&](const std::string& n) {
    const Ino a = make(kRoot, "a" + n), b = make(kRoot, "b" + n);
    const auto [down, up] = race([&] { return rig().rename(kRoot, "a" + n, b, "a"); },
                                 [&] { return rig().rename(kRoot, "b" + n, a, "b"); });
    EXPECT_EQ(std::min(down, up), 0);
    EXPECT_NE(std::max(down, up), 0) << "a ring of two folders";
  });
}

TEST_F(LocalThreads, NoChangeOfAnInodeGetsLost) {
  const Ino shared = make(kRoot, "shared", FileType::kFile);
  int links = 0;
  rounds([&](const std::string& n) {
    const auto [a, b] = race([&] { return link(shared, kRoot, "a" + n); },
                             [&] { return link(shared, kRoot, "b" + n); });
    EXPECT_EQ(a, 0);
    EXPECT_EQ(b, 0);
    links += 2;
  });
  auto stored = rig().client->read_one({"GET", "i" + std::to_string(shared)});
  ASSERT_TRUE(stored);
  const auto attr = model::decode_attr(stored->text);
  ASSERT_TRUE(attr);
  EXPECT_EQ(attr->nlink, static_cast<uint32_t>(links) + 1);
}

// It waits for the stripes of the undo, and finds no file behind them.
TEST_F(LocalThreads, WhatIsWrittenToAFileWhileItIsUndoneIsInTheJournal) {
  std::set<uint64_t> written, kept;
  uint64_t slice = 0;
  for (int i = 0; i < 100 && !HasFailure(); ++i) {
    const std::string name = "same" + std::to_string(i);
    const Ino file = make(kRoot, name, FileType::kFile);
    const std::string theirs = std::to_string(9000 + i);
    for (const redis::Command& command :
         {redis::Command{"SET", "i" + theirs, model::encode_attr({})},
          redis::Command{"HSET", "d1", name,
                         model::encode_dentry({FileType::kFile, Ino{9000} + i})}})
      ASSERT_TRUE(rig().client->read_one(command));
    race([&] { return rig().drain() ? 0 : -1; },
         [&] {
           for (int told = 0; told < 5 && !HasFailure();) {
             model::WriteSliceArgs want;
             want.now = want.mtime = Clock().now();
             want.ino = file;
             want.slice = {0, ++slice, 100, 0, 100};
             const int answer = rig().apply(want);
             EXPECT_TRUE(answer == EIO || (answer == 0 && told == 0)) << answer;
             told += answer == EIO;
             written.insert(slice);
           }
           return 0;
         });
    ASSERT_TRUE(rig().drain()) << rig().last_error;
  }
  auto keep = [&](std::string_view bytes) {
    const auto record = model::decode_record(bytes);
    ASSERT_TRUE(record);
    if (const auto* write = std::get_if<model::WriteSliceArgs>(&record->operation))
      kept.insert(write->slice.id);
  };
  auto transaction = tables_->begin();
  ASSERT_TRUE(transaction);
  ASSERT_TRUE((*transaction)->scan(store::Table::kJournal, {}, [&](std::string_view, auto bytes) {
    const auto entry = engine::decode_entry(bytes);
    EXPECT_TRUE(entry);
    if (!entry) return false;
    keep(entry->record);
    for (const std::string& later : entry->later) keep(later);
    return true;
  }));
  EXPECT_EQ(kept, written);
}

}  // namespace
}  // namespace fastmeta::test
