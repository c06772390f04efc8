// SPDX-License-Identifier: GPL-3.0-or-later
// Files that were cut, garbled or emptied behind the store's back: an error that says
// so, or all the data; never a crash, never a silent loss where it can be known.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>

#include "rig.h"
#include "support/seed.h"

namespace fastmeta::store::test {
namespace {

namespace fs = std::filesystem;
constexpr int kOld = 3000, kNew = 300;

// What became of one damaged copy; the child's exit code.
enum Outcome : int {
  kIntact = 40,  // everything is there
  kRefused,      // it does not open, and says why
  kReported,     // it opens; a read, verify or recovery_damage tells
  kTailLost,     // it opens with a prefix of the commits, without a word
  kSilentLoss,   // rows from the middle are missing without a word
  kBadMessage,
};

// Old rows are in the tables' files, new ones in the log alone.
void fill(const std::string& dir) {
  const int status = in_child([&] {
    auto store = must_open(options_in(dir));
    std::unique_ptr<Transaction> tx = std::move(*store->begin());
    for (int i = 0; i < kOld; ++i)
      MDP_CHECK(tx->put(Table::kRows, number_key(static_cast<uint64_t>(i)), std::string(300, 'o')));
    MDP_CHECK(tx->commit());
    tx.reset();
    MDP_CHECK(store->checkpoint());
    for (uint64_t i = kOld; i < kOld + kNew; ++i) put(*store, number_key(i), "new");
    ::_exit(0);  // as a kill does
    return 0;
  });
  ASSERT_EQ(status, 0);
}

int look(const std::string& dir) {
  auto opened = Store::open(options_in(dir), Log());
  if (!opened) {
    const Error& error = opened.error();
    const bool good = error.text.find(dir) != std::string::npos &&
                      (error.fault == Fault::kConfig || error.fault == Fault::kLocalStore);
    if (std::getenv("FASTMETA_VERBOSE")) std::fprintf(stderr, "%s\n", error.text.c_str());
    return good ? kRefused : kBadMessage;
  }
  Store& store = **opened;
  auto damage = store.verify();
  bool told = !damage || !damage->empty() || !store.recovery_damage().empty();
  uint64_t rows = 0;
  bool prefix = true;
  {
    auto tx = store.begin();
    if (!tx) return kReported;
    auto scanned = (*tx)->scan(Table::kRows, "", [&](auto key, auto) {
      prefix = prefix && key == number_key(rows);
      ++rows;
      return true;
    });
    told = told || !scanned;
  }
  if (auto tx = store.begin()) {
    auto done = (*tx)->put(Table::kRows, number_key(uint64_t{1} << 40), "more");
    if (done) done = (*tx)->commit();
    told = told || !done;
  }
  told = told || !store.sync() || !store.checkpoint();
  opened->reset();
  if (told) return kReported;
  if (prefix && rows == kOld + kNew) return kIntact;
  return prefix && rows >= kOld ? kTailLost : kSilentLoss;
}

struct Harm {
  const char* name;
  void (*apply)(const std::string& path, std::mt19937_64& random);
};

void overwrite(const std::string& path, uint64_t at, size_t bytes, std::mt19937_64& random) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  for (size_t i = 0; i < bytes; ++i) file.put(static_cast<char>(random()));
}

// Of a log, which is mostly room for later, the part that is used.
uint64_t used(const std::string& path) {
  const uint64_t size = fs::file_size(path);
  return path.find("WiredTigerLog") == std::string::npos ? size
                                                         : std::min<uint64_t>(size, 1400000);
}

const Harm kHarms[] = {
    {"emptied", [](const std::string& path, auto&) { fs::resize_file(path, 0); }},
    {"cut in half",
     [](const std::string& path, auto&) { fs::resize_file(path, used(path) / 2); }},
    {"cut by one", [](const std::string& path, auto&) {
       if (used(path) > 0) fs::resize_file(path, used(path) - 1);
     }},
    {"garbled at its start",
     [](const std::string& path, auto& random) { overwrite(path, 0, 64, random); }},
    {"garbled all over",
     [](const std::string& path, auto& random) {
       overwrite(path, 0, static_cast<size_t>(std::min<uint64_t>(used(path), 1 << 16)), random);
     }},
    {"garbled somewhere",
     [](const std::string& path, auto& random) {
       overwrite(path, random() % (used(path) + 1), 16, random);
     }},
    {"a bit flipped",
     [](const std::string& path, auto& random) {
       if (used(path) == 0) return;
       const uint64_t at = random() % used(path);
       std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
       file.seekg(static_cast<std::streamoff>(at));
       const int byte = file.get();
       file.seekp(static_cast<std::streamoff>(at));
       file.put(static_cast<char>(byte ^ (1 << (random() % 8))));
     }},
};

class Damage : public ::testing::Test {
 protected:
  void SetUp() override { fill(dir_ / "good"); }

  // The outcome of one harm done to a copy; fails the test when it is a bad one.
  int harm(const std::string& file, const Harm& what, std::mt19937_64& random) {
    fs::remove_all(dir_ / "copy");
    fs::copy(dir_ / "good", dir_ / "copy", fs::copy_options::recursive);
    what.apply(dir_ / ("copy/" + file), random);
    const int status = in_child([&] { return look(dir_ / "copy"); });
    EXPECT_TRUE(WIFEXITED(status)) << file << " " << what.name << ": a crash, " << status;
    if (!WIFEXITED(status)) return 0;
    const int outcome = WEXITSTATUS(status);
    EXPECT_GE(outcome, kIntact) << file << " " << what.name;
    EXPECT_NE(outcome, kBadMessage) << file << " " << what.name;
    EXPECT_NE(outcome, kSilentLoss) << file << " " << what.name;
    const bool log = file.find("WiredTigerLog") != std::string::npos;
    EXPECT_TRUE(log || outcome != kTailLost) << file << " " << what.name;
    return outcome;
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(dir_ / "good"))
      if (entry.is_regular_file())
        names.push_back(fs::relative(entry.path(), dir_ / "good").string());
    std::sort(names.begin(), names.end());
    return names;
  }

  TempDir dir_;
};

TEST_F(Damage, OfAnyFileIsToldOrDoesNoHarm) {
  std::mt19937_64 random(fastmeta::test::random_seed());
  for (const auto& file : files()) {
    std::string line = file + ":";
    for (const Harm& what : kHarms) {
      const int outcome = harm(file, what, random);
      const char* words[] = {"intact", "refused", "reported", "tail lost", "SILENT", "BAD TEXT"};
      line += std::string(" ") + what.name + ": " +
              (outcome >= kIntact && outcome <= kBadMessage ? words[outcome - kIntact] : "CRASH") +
              ";";
    }
    std::printf("%s\n", line.c_str());
  }
}

TEST_F(Damage, OfManyPlacesNeverCrashes) {
  std::mt19937_64 random(fastmeta::test::random_seed());
  const char* text = std::getenv("FASTMETA_DAMAGE_ROUNDS");
  const int rounds = text ? std::atoi(text) : 3;
  for (int i = 0; i < rounds; ++i) {
    for (const char* file : {"db/WiredTiger.turtle", "db/WiredTiger.wt", "db/rows.wt",
                             "db/WiredTigerLog.0000000001"}) {
      harm(file, kHarms[5], random);
      harm(file, kHarms[6], random);
    }
  }
}

// Nothing protects this text, and the library believes it.
TEST_F(Damage, OfTheEncodingOfTheMetadataIsTold) {
  for (const char* field : {"key_format=S", "value_format=S"}) {
    fs::remove_all(dir_ / "copy");
    fs::copy(dir_ / "good", dir_ / "copy", fs::copy_options::recursive);
    const std::string path = dir_ / "copy/db/WiredTiger.turtle";
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    std::string changed = text.str();
    ASSERT_NE(changed.find(field), std::string::npos);
    changed[changed.find(field) + 1] ^= 2;
    std::ofstream(path) << changed;
    const int status = in_child([&] { return look(dir_ / "copy"); });
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kRefused) << field << ": " << status;
  }
}

}  // namespace
}  // namespace fastmeta::store::test
