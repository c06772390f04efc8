// SPDX-License-Identifier: GPL-3.0-or-later
#include "rig.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace fastmeta::store::test {

TempDir::TempDir() {
  std::string name = ::testing::TempDir() + "fastmeta-store-XXXXXX";
  MDP_CHECK(::mkdtemp(name.data()));
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

StoreOptions options_in(const std::string& dir, Durability durability) {
  StoreOptions options;
  options.dir = dir;
  options.volume = kVolume;
  options.cache_bytes = uint64_t{32} << 20;
  options.durability = durability;
  options.free_space_reserve = 0;
  return options;
}

Log Lines::log() {
  return Log([this](LogLevel, std::string_view line) {
    std::lock_guard lock(mutex_);
    text_ += std::string(line) + "\n";
  });
}

std::string Lines::text() const {
  std::lock_guard lock(mutex_);
  return text_;
}

std::unique_ptr<Store> must_open(const StoreOptions& options, Log log) {
  auto opened = Store::open(options, std::move(log));
  if (!opened) std::fprintf(stderr, "%s\n", opened.error().text.c_str());
  MDP_CHECK(opened);
  return std::move(*opened);
}

Error open_error(const StoreOptions& options) {
  auto opened = Store::open(options, Log());
  EXPECT_FALSE(opened);
  return opened ? Error{} : opened.error();
}

void put(Tables& tables, std::string_view key, std::string_view value, Table table) {
  auto tx = tables.begin();
  ASSERT_TRUE(tx) << tx.error().text;
  auto written = (*tx)->put(table, key, value);
  ASSERT_TRUE(written) << written.error().text;
  auto committed = (*tx)->commit();
  ASSERT_TRUE(committed) << committed.error().text;
}

std::optional<std::string> get(Tables& tables, std::string_view key, Table table) {
  auto tx = tables.begin();
  EXPECT_TRUE(tx) << tx.error().text;
  auto value = (*tx)->get(table, key);
  EXPECT_TRUE(value) << value.error().text;
  return value ? *value : std::nullopt;
}

std::map<std::string, std::string> all(Tables& tables, Table table, std::string_view from) {
  std::map<std::string, std::string> rows;
  auto tx = tables.begin();
  EXPECT_TRUE(tx) << tx.error().text;
  std::string last;
  auto scanned = (*tx)->scan(table, from, [&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(rows.empty() || last < key);
    last = key;
    rows.emplace(key, value);
    return true;
  });
  EXPECT_TRUE(scanned) << scanned.error().text;
  return rows;
}

pid_t spawn_child(const std::function<int()>& work) {
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  MDP_CHECK(pid >= 0);
  if (pid == 0) ::_exit(work());
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) MDP_CHECK(errno == EINTR);
  return status;
}

int in_child(const std::function<int()>& work) { return wait_for(spawn_child(work)); }

}  // namespace fastmeta::store::test
