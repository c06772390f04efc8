// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passthrough/passthrough.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "engine/redis_commands.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::Mutations;
using model::RawValue;
using model::ReadKey;
using model::ReadKind;
using redis::Command;
using redis::Reply;

namespace {

// A rule asks for what it needs in a few steps; a rename of a directory takes
// one per ancestor. A rule that never has enough is a bug.
constexpr int kRoundsMax = 4200;
constexpr int kLostOnLane = 3;  // races

std::chrono::milliseconds jitter(int attempt) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  const int most = std::min(attempt * attempt, 200);
  return std::chrono::milliseconds(std::uniform_int_distribution<int>(0, most)(random));
}

}  // namespace

// The values loaded for one run of a rule; a reading one also looks into the cache.
class Passthrough::LoadedView final : public model::View {
 public:
  LoadedView(const model::VolumeFacts& facts, const model::KeySpace& keys, const OpenTable& open,
             ReadCache* cache)
      : View(facts, keys), open_(open), cache_(cache) {}

  bool open_here(model::Ino ino) const override {
    const bool answer = open_.is_open(ino);
    opens_asked_[ino] = answer;
    return answer;
  }
  // Would open_here() answer all questions of this run as it did?
  bool opens_unchanged() const {
    return std::all_of(opens_asked_.begin(), opens_asked_.end(), [&](const auto& asked) {
      return open_.is_open(asked.first) == asked.second;
    });
  }

  void put(const ReadKey& read, RawValue value) {
    loaded_.insert_or_assign(read, std::move(value));
  }

  bool absent(const ReadKey& read) const {
    auto it = loaded_.find(read);
    return it != loaded_.end() && !it->second.exists;
  }

  // It was asked, under WATCH.
  bool counted_none(const std::string& dir_key) const {
    auto it = loaded_.find({ReadKind::kHashCount, dir_key, {}, true});
    return it != loaded_.end() && it->second.count == 0 && watched.contains(dir_key);
  }

  // Keys that a transaction on this view has put under WATCH.
  std::set<std::string> watched;

 protected:
  const RawValue* find(const ReadKey& read) const override {
    if (auto it = loaded_.find(read); it != loaded_.end()) return &it->second;
    if (!cache_) return nullptr;
    auto cached = cache_->find(read);
    if (!cached) return nullptr;
    return &loaded_.emplace(read, std::move(*cached)).first->second;
  }

 private:
  const OpenTable& open_;
  ReadCache* cache_;
  mutable std::map<ReadKey, RawValue> loaded_;
  mutable std::map<model::Ino, bool> opens_asked_;
};

Passthrough::Passthrough(redis::Client& client, const model::KeySpace& keys, ReadCache& cache,
                         OwnEchoes& echoes, OpenTable& open, Effects& effects, Volume volume,
                         PassthroughOptions options, Log log)
    : client_(client),
      keys_(keys),
      cache_(cache),
      echoes_(echoes),
      open_(open),
      effects_(effects),
      volume_(std::move(volume)),
      options_(options),
      log_(std::move(log)),
      fetcher_(client, keys, options_.listed_along) {}

Result<void> Passthrough::read(const ReadRule& rule, bool fresh) {
  const Deadline deadline = client_.deadline();
  const model::VolumeFacts facts = volume_.facts();
  LoadedView view(facts, keys_, open_, fresh ? nullptr : &cache_);
  for (int round = 0; round < kRoundsMax; ++round) {
    view.clear_needed();
    auto done = rule(view);
    if (done || done.error().fault != Fault::kMissing) return done;
    MDP_TRY_VOID(fetch(view, view.needed(), deadline));
  }
  MDP_CHECK(!"a rule that is never satisfied");
}

Result<void> Passthrough::fetch(LoadedView& view, std::vector<ReadKey> wanted, Deadline deadline) {
  const ReadCache::Token token = cache_.begin();
  round_trips_.fetch_add(1, std::memory_order_relaxed);
  MDP_TRY(auto answers, fetcher_.fetch(wanted, deadline));
  for (auto& [read, value] : answers) {
    if (Fetcher::is_listing(read)) {
      store_listing(token, read, value);
      continue;
    }
    cache_.store(token, read, value);
    view.put(read, std::move(value));
  }
  return {};
}

void Passthrough::store_listing(const ReadCache::Token& token, const ReadKey& read,
                                const RawValue& entries) {
  auto listing = std::make_shared<Listing>();
  for (const auto& [name, value] : entries.fields) {
    const auto dentry = model::decode_dentry(value);
    // Whoever asks for what is broken is told by the server's own bytes.
    if (!dentry || name.empty() || name.size() > model::kNameMax ||
        name.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
      return;
    listing->add(name, *dentry);
  }
  cache_.store_listing(token, read.key, std::move(listing));
}

Result<model::OperationReply> Passthrough::apply(const model::Operation& operation,
                                                 const WriteHints& hints) {
  std::optional<model::OperationReply> reply;
  auto rule = [&](const model::View& seen, Mutations& out) -> Result<void> {
    MDP_TRY(reply, model::apply(operation, seen, out));
    return {};
  };
  MDP_TRY_VOID(
      write(rule, hints, options_.shares_connection ? &lane_ : nullptr, volume_.may_write));
  return *std::move(reply);
}

Result<void> Passthrough::write(const WriteRule& rule, const WriteHints& hints) {
  return write(rule, hints, nullptr, volume_.may_write);
}

Result<void> Passthrough::release(const WriteRule& rule) {
  return write(rule, {}, nullptr, [this]() -> Result<void> {
    if (!client_.connected())
      return Error{Fault::kDisconnected, EIO, "the metadata server is away"};
    return volume_.may_release();
  });
}

Result<void> Passthrough::write(const WriteRule& rule, const WriteHints& hints,
                                TransactionLane* lane,
                                const std::function<Result<void>()>& may) {
  const Deadline deadline = client_.deadline();
  Turns::Turn turn(turns_, hints.turn, options_.turn_wait_max);
  int lost = 0;
  for (;;) {
    MDP_TRY_VOID(may());
    // Against a busy rival a pooled connection is quicker: no thread has to be woken.
    auto done = attempt(rule, hints, lost < kLostOnLane ? lane : nullptr, deadline);
    if (done) return done;
    if (done.error().fault == Fault::kConflict) {
      conflicts_.fetch_add(1, std::memory_order_relaxed);
      if (++lost >= options_.retries_max) {
        log_.warn("gave up on a transaction after {} races lost to other clients", lost);
        return Error{Fault::kConflict, EIO, "too many races lost to other clients"};
      }
      if (lost > 1) std::this_thread::sleep_for(jitter(lost));
    } else if (done.error().fault == Fault::kDisconnected) {
      if (std::chrono::steady_clock::now() >= deadline) return done;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    } else {
      return done;
    }
  }
}

Result<void> Passthrough::attempt(const WriteRule& rule, const WriteHints& hints,
                                  TransactionLane* lane, Deadline deadline) {
  const model::VolumeFacts facts = volume_.facts();
  LoadedView view(facts, keys_, open_, nullptr);
  std::optional<Transaction> transaction;
  for (int round = 0; round < kRoundsMax; ++round) {
    Mutations wanted;
    view.clear_needed();
    auto done = rule(view, wanted);
    if (!done && done.error().fault == Fault::kMissing) {
      std::vector<ReadKey> reads = view.needed();
      if (!transaction) {
        transaction.emplace(client_, lane);
        for (const ReadKey& hint : hints.reads)
          if (std::find(reads.begin(), reads.end(), hint) == reads.end()) reads.push_back(hint);
      }
      MDP_TRY_VOID(load_watched(*transaction, view, std::move(reads), deadline));
      continue;
    }
    MDP_TRY_VOID(std::move(done));
    if (wanted.empty()) return {};
    if (!view.opens_unchanged()) return Error{Fault::kConflict, EIO, {}};
    if (!transaction) transaction.emplace(client_, lane);
    MDP_TRY(auto replies, finish(*transaction, view, wanted, deadline));
    transaction.reset();
    std::vector<model::SliceRelease> unreferenced;
    for (const auto& release : wanted.releases)
      if (replies[release.write].number < 0) unreferenced.push_back(release);
    effects_.committed(wanted, unreferenced);
    return {};
  }
  MDP_CHECK(!"a rule that is never satisfied");
}

Passthrough::Replies Passthrough::finish(Transaction& transaction, const LoadedView& view,
                                         const Mutations& wanted, Deadline deadline) {
  const ReadCache::Token token = cache_.begin();
  auto replies = transaction.untold() ? finish_untold(transaction, view, wanted, token, deadline)
                                      : finish_told(transaction, view, wanted, token, deadline);
  if (!replies) return replies;
  // A directory of ours whose key was watched and not there is empty until we hear of it.
  for (const model::Write* w : born(view, wanted)) {
    const std::string dir = keys_.dir(keys_.parse(w->key)->ino);
    if (view.counted_none(dir)) cache_.store_listing(token, dir, std::make_shared<Listing>());
  }
  return replies;
}

Passthrough::Replies Passthrough::finish_told(Transaction& transaction, const LoadedView& view,
                                              const Mutations& wanted,
                                              const ReadCache::Token& token, Deadline deadline) {
  const auto created = born(view, wanted);
  for (const model::Write* w : created) echoes_.expect(w->key);
  auto replies = commit(transaction, wanted, deadline);
  if (!replies) {
    for (const model::Write* w : created) echoes_.cancel(w->key);
    // Of an error after EXEC was sent nobody knows what it left.
    if (replies.error().fault != Fault::kConflict) drop_cached(wanted, {});
    return replies;
  }
  drop_cached(wanted, created);
  for (const model::Write* w : created)
    cache_.store(token, {ReadKind::kString, w->key, {}, true}, {true, w->value, 0, {}, {}});
  return replies;
}

Passthrough::Replies Passthrough::finish_untold(Transaction& transaction, const LoadedView& view,
                                                const Mutations& wanted,
                                                const ReadCache::Token& token,
                                                Deadline deadline) {
  auto replies = commit(transaction, wanted, deadline);
  if (!replies && replies.error().fault == Fault::kConflict) return replies;
  std::map<std::string_view, std::vector<const model::Write*>> by_key;
  for (const model::Write& w : wanted.writes)
    if (keys_.parse(w.key)) by_key[w.key].push_back(&w);
  for (const auto& [unused, writes] : by_key) {
    const std::string& key = writes.front()->key;
    if (replies && view.watched.contains(key))
      cache_.wrote(token, writes);
    else if (replies && keys_.parse(key)->kind == 'c')
      // Another client's change right before it can only have been a compaction, as the
      // inode was watched: the contents are the same.
      cache_.invalidate(key);
    else
      volume_.changed(key);
  }
  return replies;
}

Result<void> Passthrough::load_watched(Transaction& transaction, LoadedView& view,
                                       std::vector<ReadKey> wanted, Deadline deadline) {
  std::vector<Command> commands;
  Command watch{"WATCH"};
  for (const ReadKey& read : wanted)
    if (read.watch && view.watched.insert(read.key).second) watch.push_back(read.key);
  const bool watching = watch.size() > 1;
  if (watching) commands.push_back(std::move(watch));
  for (const ReadKey& read : wanted) commands.push_back(to_command(read));
  round_trips_.fetch_add(1, std::memory_order_relaxed);
  auto answered = transaction.roundtrip(std::move(commands), deadline);
  // Nothing but reads was lost: they may be sent again.
  if (!answered && answered.error().fault == Fault::kUnreachable)
    return Error{Fault::kDisconnected, answered.error().code, answered.error().text};
  MDP_TRY(auto replies, std::move(answered));
  if (watching && replies[0].is_error()) return redis::refused(replies[0], "WATCH");
  for (size_t i = 0; i < wanted.size(); ++i) {
    MDP_TRY(RawValue value, to_value(wanted[i], std::move(replies[i + (watching ? 1 : 0)])));
    view.put(wanted[i], std::move(value));
  }
  return {};
}

Result<std::vector<Reply>> Passthrough::commit(Transaction& transaction, const Mutations& wanted,
                                               Deadline deadline) {
  std::vector<Command> commands{{"MULTI"}};
  for (const model::Write& w : wanted.writes) commands.push_back(to_command(w));
  commands.push_back({"EXEC"});
  transactions_.fetch_add(1, std::memory_order_relaxed);
  round_trips_.fetch_add(1, std::memory_order_relaxed);
  MDP_TRY(auto replies, transaction.roundtrip(commands, deadline));
  Reply& exec = replies.back();
  if (exec.nil()) return Error{Fault::kConflict, EIO, {}};
  if (exec.is_error()) {
    // Nothing was applied; the queued command that was refused tells why.
    for (size_t i = 0; i + 1 < replies.size(); ++i)
      if (replies[i].is_error()) return redis::refused(replies[i], commands[i][0]);
    return redis::refused(exec, "EXEC");
  }
  if (exec.items.size() != wanted.writes.size())
    return Error{Fault::kCorrupt, EIO, "the server answered EXEC with another number of replies"};
  for (size_t i = 0; i < exec.items.size(); ++i) {
    if (!exec.items[i].is_error()) continue;
    // The rest of the transaction was applied: this volume needs a look.
    log_.error("key {}: {} was refused inside a transaction whose rest took effect: {}",
               quote(wanted.writes[i].key), commands[i + 1][0], quote(exec.items[i].text));
    return redis::refused(exec.items[i], commands[i + 1][0]);
  }
  return std::move(exec.items);
}

std::vector<const model::Write*> Passthrough::born(const LoadedView& view,
                                                   const Mutations& wanted) {
  std::vector<const model::Write*> found;
  for (const model::Write& w : wanted.writes) {
    if (w.op != model::WriteOp::kSet) continue;
    if (!view.absent({ReadKind::kString, w.key, {}, true})) continue;
    if (auto parsed = keys_.parse(w.key); parsed && parsed->kind == 'i') found.push_back(&w);
  }
  return found;
}

void Passthrough::drop_cached(const Mutations& done,
                              const std::vector<const model::Write*>& kept) {
  // Our own invalidation comes on another connection, maybe after the answer to
  // the caller; it must not read an older value in between.
  std::set<std::string_view> keys;
  for (const model::Write* w : kept) keys.insert(w->key);
  for (const model::Write& w : done.writes)
    if (keys.insert(w.key).second && keys_.parse(w.key)) cache_.invalidate(w.key);
}

Passthrough::Stats Passthrough::stats() const {
  return {transactions_.load(std::memory_order_relaxed),
          conflicts_.load(std::memory_order_relaxed), round_trips_.load(std::memory_order_relaxed)};
}

}  // namespace fastmeta::engine
