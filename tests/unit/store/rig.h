// SPDX-License-Identifier: GPL-3.0-or-later
// What the store's tests share: a directory of their own, shorthands, child processes.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/store.h"

namespace fastmeta::store::test {

inline constexpr const char* kVolume = "0c8f2b1e-7a39-4f0e-9a63-2f1d5c7e9b04";

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Small, and without the need of a free disk.
StoreOptions options_in(const std::string& dir, Durability durability = Durability::kProcess);

// Collects what is logged.
class Lines {
 public:
  Log log();
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

std::unique_ptr<Store> must_open(const StoreOptions& options, Log log = Log());
// The error of an open that has to fail.
Error open_error(const StoreOptions& options);

// One transaction each; EXPECTs that it succeeds.
void put(Tables& tables, std::string_view key, std::string_view value,
         Table table = Table::kRows);
std::optional<std::string> get(Tables& tables, std::string_view key, Table table = Table::kRows);
std::map<std::string, std::string> all(Tables& tables, Table table = Table::kRows,
                                       std::string_view from = {});

// Runs `work` in a child process and gives its wait status. What it returns is its exit
// code; it leaves by _exit.
int in_child(const std::function<int()>& work);
// The same, going on; to be waited for by pid.
pid_t spawn_child(const std::function<int()>& work);
int wait_for(pid_t pid);

}  // namespace fastmeta::store::test
