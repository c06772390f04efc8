// SPDX-License-Identifier: GPL-3.0-or-later
// A transaction over MemoryTables.
#pragma once

#include "memory_tables/memory_tables.h"

namespace fastmeta::test {

class MemoryTables::MemoryTransaction final : public store::Transaction {
 public:
  explicit MemoryTransaction(MemoryTables& tables, uint64_t life)
      : tables_(tables), life_(life) {}
  ~MemoryTransaction() override;

  Result<std::optional<std::string>> get(store::Table table, std::string_view key) override;
  Result<void> put(store::Table table, std::string_view key, std::string_view value) override;
  Result<void> erase(store::Table table, std::string_view key) override;
  Result<void> scan(store::Table table, std::string_view from, const Visit& visit) override;
  Result<void> commit() override;

 private:
  // With the mutex held.
  Result<void> access();
  Result<void> expect_free(const Place& place);
  Result<void> claim(const Place& place);
  const std::optional<std::string>* find(const Place& place) const;
  std::optional<std::pair<std::string, std::string>> next(const Place& from, bool after) const;
  void end();

  MemoryTables& tables_;
  const uint64_t life_;
  std::optional<uint64_t> snapshot_;
  Values written_;
  bool conflict_ = false, over_ = false;
};

}  // namespace fastmeta::test
