// SPDX-License-Identifier: GPL-3.0-or-later
// The executor of mode passthrough. A write is a transaction of the server:
// WATCH and the reads of the rule in one round trip, MULTI … EXEC in the next;
// when another client wrote a watched key, the rule runs again. Reads are
// answered from a cache that the server's invalidations keep right; values
// inside a transaction never are. What a transaction has written is remembered
// (see transaction.h).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

#include "engine/executor.h"
#include "engine/fetcher.h"
#include "engine/open_table.h"
#include "engine/passthrough/own_echoes.h"
#include "engine/passthrough/transaction.h"
#include "engine/passthrough/turns.h"
#include "engine/read_cache.h"
#include "model/schema/keys.h"
#include "redis/client.h"
#include "util/log.h"

namespace fastmeta::engine {

struct PassthroughOptions {
  int retries_max = 50;                             // of a transaction that lost a race
  std::chrono::milliseconds turn_wait_max{200};
  // Entries of a directory that come along when its name is looked up: names in it are likely
  // to be asked for next. So many fit into a packet or three. 0: none do.
  size_t listed_along = 64;
  bool shares_connection = false;  // no one else runs transactions on the tracking connection
};

class Passthrough final : public Executor {
 public:
  // What the executor asks of the volume.
  struct Volume {
    std::function<model::VolumeFacts()> facts;
    // An error while mutations are refused (disconnected, read-only …).
    std::function<Result<void>()> may_write;
    // An error when not even what we hold may be given back, nor what was acknowledged be sent:
    // it is not our volume any more.
    std::function<Result<void>()> may_release;
    // A key was, or may have been, changed and no invalidation will tell.
    std::function<void(const std::string& key)> changed;
  };

  Passthrough(redis::Client& client, const model::KeySpace& keys, ReadCache& cache,
              OwnEchoes& echoes, OpenTable& open, Effects& effects, Volume volume,
              PassthroughOptions options, Log log);

  Result<void> read(const ReadRule& rule, bool fresh) override;
  // On a pooled connection: these changes are not the kernel's own, it has to be told.
  Result<void> write(const WriteRule& rule, const WriteHints& hints) override;
  Result<void> release(const WriteRule& rule) override;
  Result<model::OperationReply> apply(const model::Operation& operation,
                                      const WriteHints& hints) override;

  struct Stats {
    uint64_t transactions = 0, conflicts = 0, round_trips = 0;
  };
  Stats stats() const;

 private:
  class LoadedView;

  // may: asked before each attempt.
  Result<void> write(const WriteRule& rule, const WriteHints& hints, TransactionLane* lane,
                     const std::function<Result<void>()>& may);
  Result<void> fetch(LoadedView& view, std::vector<model::ReadKey> wanted, Deadline deadline);
  // One attempt; kConflict when it lost a race.
  Result<void> attempt(const WriteRule& rule, const WriteHints& hints, TransactionLane* lane,
                       Deadline deadline);
  Result<void> load_watched(Transaction& transaction, LoadedView& view,
                            std::vector<model::ReadKey> wanted, Deadline deadline);
  // The transaction's last step: sends it and leaves the cache right, whatever came of it.
  using Replies = Result<std::vector<redis::Reply>>;
  Replies finish(Transaction& transaction, const LoadedView& view,
                 const model::Mutations& wanted, Deadline deadline);
  Replies finish_told(Transaction& transaction, const LoadedView& view,
                      const model::Mutations& wanted, const ReadCache::Token& token,
                      Deadline deadline);
  Replies finish_untold(Transaction& transaction, const LoadedView& view,
                        const model::Mutations& wanted, const ReadCache::Token& token,
                        Deadline deadline);
  Replies commit(Transaction& transaction, const model::Mutations& wanted, Deadline deadline);
  // A small directory that came with the lookup of its name.
  void store_listing(const ReadCache::Token& token, const model::ReadKey& read,
                     const model::RawValue& entries);
  // Attributes among the wanted writes whose inode does not exist yet.
  std::vector<const model::Write*> born(const LoadedView& view, const model::Mutations& wanted);
  // Forgets what a transaction wrote, but for the keys in `kept`.
  void drop_cached(const model::Mutations& done, const std::vector<const model::Write*>& kept);

  redis::Client& client_;
  const model::KeySpace& keys_;
  ReadCache& cache_;
  OwnEchoes& echoes_;
  OpenTable& open_;
  Effects& effects_;
  const Volume volume_;
  const PassthroughOptions options_;
  const Log log_;
  Fetcher fetcher_;
  Turns turns_;
  TransactionLane lane_;
  std::atomic<uint64_t> transactions_{0}, conflicts_{0}, round_trips_{0};
};

}  // namespace fastmeta::engine
