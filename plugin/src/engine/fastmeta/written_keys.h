// SPDX-License-Identifier: GPL-3.0-or-later
// What the executor over the server leaves in mode fast-meta: it remembers nothing, but
// what it has written makes the local rows of these keys ask again. (The push that tells
// the same comes on another connection, maybe after the answer to the caller.)
#pragma once

#include "engine/fastmeta/validity.h"
#include "engine/read_cache.h"

namespace fastmeta::engine {

class WrittenKeys final : public ReadCache {
 public:
  explicit WrittenKeys(Validity& validity) : validity_(validity) {}

  Token begin() const override { return {}; }
  void store(const Token&, const model::ReadKey&, const model::RawValue&) override {}
  void store_listing(const Token&, const std::string&, std::shared_ptr<const Listing>) override {}
  std::optional<model::RawValue> find(const model::ReadKey&) override { return std::nullopt; }
  void invalidate(const std::string& key) override { validity_.invalidated(key); }
  void wrote(const Token&, std::span<const model::Write* const> writes) override {
    invalidate(writes.front()->key);
  }

 private:
  Validity& validity_;
};

}  // namespace fastmeta::engine
