// SPDX-License-Identifier: GPL-3.0-or-later
// Which mirrored values still hold. A value carries the token of the moment at which
// its read was registered (before the read was sent); an invalidation of its key
// raises the key above that. So whatever the order in which a reply is stored and a
// push is taken, the comparison at the time of use tells the truth, and nothing has to
// be written when a push comes.
//
// Our own writes on the tracking connection make no push: sending() gives them the
// token that their values will carry. A read that was registered before they were on
// their way may or may not have seen them; its token is smaller, so it never replaces
// them (see row.h). Between sending() and written() nobody knows which of a read and
// the writes goes first, so reads get a smaller token then, too.
//
// Everything older than an epoch is void: raise_epoch() is the full invalidation.
//
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace fastmeta::engine {

struct Token {
  uint64_t epoch = 0;
  uint64_t seq = 0;
  auto operator<=>(const Token&) const = default;
};

class Validity {
 public:
  // The first epoch; larger than any that stored rows carry.
  explicit Validity(uint64_t epoch) : epoch_(epoch) {}

  // For a read that is about to be sent.
  Token now() const;
  // For writes that are about to be sent; larger than any token before. One sender at a
  // time, who calls written() when they have been handed to the connection (or not).
  Token sending();
  void written() { window_.store(0, std::memory_order_release); }
  // The value of a key (any field of it) was changed by others.
  void invalidated(std::string_view key);
  void raise_epoch();
  uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }

  // A row that carried this token was evicted: nobody can tell any more whether a value that
  // was read before it is older. Before the row is gone.
  void forget(const Token& token);
  Token forgotten() const;

  // Does a value of this key that was read at `token` still hold?
  bool valid(const Token& token, std::string_view key) const;

 private:
  Token next();

  static constexpr size_t kShards = 64;
  // Keys remembered; beyond it the epoch is raised.
  static constexpr size_t kKeysMax = size_t{1} << 20;
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<uint64_t, Token> changed;  // by hash of the key
  };
  std::array<Shard, kShards> shards_;
  std::atomic<uint64_t> epoch_;
  std::atomic<uint64_t> seq_{0};
  std::atomic<uint64_t> last_change_{0};  // of any key
  std::atomic<uint64_t> window_{0};       // the sender's, from sending() to written()
  std::atomic<size_t> keys_{0};
  mutable std::mutex forgotten_mutex_;
  Token forgotten_;  // guarded by it; the largest
};

}  // namespace fastmeta::engine
