// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/fast_meta.h"

#include <algorithm>
#include <cerrno>
#include <random>

#include "engine/fastmeta/paths.h"
#include "engine/fastmeta/row_reader.h"
#include "engine/fastmeta/row_writer.h"

namespace fastmeta::engine {

namespace {

// Raises of the epoch within one start; a start takes the next block.
constexpr int kEpochBits = 24;

uint64_t random_number() {
  std::random_device source;
  return uint64_t{source()} << 32 | source();
}

store::Durability to_durability(config::CommitLevel level) {
  switch (level) {
    case config::CommitLevel::kProcess: return store::Durability::kProcess;
    case config::CommitLevel::kFlush: return store::Durability::kFlush;
    case config::CommitLevel::kDisk: return store::Durability::kDisk;
  }
  return store::Durability::kDisk;
}

}  // namespace

Result<std::unique_ptr<FastMeta>> FastMeta::open(const Surroundings& around,
                                                 const std::string& uuid) {
  const config::PluginConfig& config = around.config;
  store::StoreOptions options;
  options.dir = config.cache.dir + "/" + uuid + "/meta";
  options.volume = uuid;
  options.cache_bytes = config.store.cache_size;
  options.durability = to_durability(config.store.commit);
  options.flush_interval = config.store.flush_interval;
  options.checkpoint_interval = config.store.checkpoint_interval;
  MDP_TRY(auto tables, store::Store::open(std::move(options), around.log));

  MDP_TRY(auto transaction, tables->begin());
  MDP_TRY(Identity identity, load_identity(*transaction));
  MDP_TRY(Leases leases, load_leases(*transaction));
  if (identity.client.empty()) {
    identity.client = fmt::format("{:016x}", random_number());
    identity.incarnation = random_number() >> 1;
  }
  ++identity.starts;
  if (tables->unclean_start()) leases.inode_next = leases.slice_next = 0;
  Leases taken = leases;
  taken.inode_next = taken.slice_next = 0;  // a number is left over once
  MDP_TRY_VOID(save(*transaction, identity));
  MDP_TRY_VOID(save(*transaction, taken));
  MDP_TRY_VOID(transaction->commit());
  transaction.reset();
  MDP_TRY_VOID(tables->sync());
  return std::unique_ptr<FastMeta>(
      new FastMeta(around, std::move(tables), std::move(identity), leases));
}

FastMeta::FastMeta(const Surroundings& around, std::unique_ptr<store::Store> tables,
                   Identity identity, Leases leases)
    : around_(around),
      tables_(std::move(tables)),
      identity_(std::move(identity)),
      validity_(identity_.starts << kEpochBits),
      backlog_(around.config.backlog),
      parts_{around_.client, *tables_,  around_.keys, around_.config, validity_, stripes_,
             backlog_,       around_.open, around_.host, around_.clock,  around_.log},
      mirror_(parts_),
      copies_(backlog_),
      written_keys_(validity_),
      exclusive_(around.config.exclusive_remote),
      refresher_(mirror_, around.log),
      evictor_(parts_, *tables_),
      keeper_(parts_),
      leases_(leases) {}

FastMeta::~FastMeta() = default;

Result<void> FastMeta::connect(Executor& server, Effects& effects, Volume volume) {
  executor_ = std::make_unique<LocalExecutor>(
      parts_, mirror_, server, held_locks_, sacrifices_,
      LocalExecutor::Volume{volume.facts, std::move(volume.may_write)});
  lock_releases_ = std::make_unique<LockReleases>(&backlog_, server, around_.log);
  Reintegration::Volume answers;
  answers.stranger = std::move(volume.stranger);
  answers.facts = std::move(volume.facts);
  answers.trash_now = std::move(volume.trash_now);
  answers.unclean_start = tables_->unclean_start();
  answers.ensure_statistics = std::move(volume.ensure_statistics);
  answers.refuse_writes = std::move(volume.refuse_writes);
  answers.store_failed = std::move(volume.store_failed);
  // Numbers go on above all that the table and the server know; nobody writes before.
  answers.recovered = [this, recovered = std::move(volume.recovered),
                       first = true](uint64_t epoch) mutable {
    if (std::exchange(first, false)) executor_->first_seq(reintegration_->highest_seq() + 1);
    recovered(epoch);
  };
  reintegration_ = std::make_unique<Reintegration>(parts_, effects, sacrifices_,
                                                   std::move(answers), identity_);
  return reintegration_->load();
}

void FastMeta::start(bool writes) {
  refresher_.start();
  evictor_.start();
  if (!writes) return;
  reintegration_->start();
  lock_releases_->start();
  keeper_.start();
}

uint64_t FastMeta::stop(std::chrono::milliseconds wait, IdRange& inodes, IdRange& slices) {
  drained(deadline_in(wait));
  lock_releases_->stop();
  refresher_.stop();
  evictor_.stop();
  keeper_.stop();
  reintegration_->stop();
  const uint64_t left = backlog_.seen().records;
  {
    std::lock_guard lock(leases_mutex_);
    std::tie(leases_.inode_next, leases_.inode_last) = inodes.left_over();
    std::tie(leases_.slice_next, leases_.slice_last) = slices.left_over();
    auto kept = [&]() -> Result<void> {
      MDP_TRY(auto transaction, tables_->begin());
      MDP_TRY_VOID(save(*transaction, leases_));
      return transaction->commit();
    }();
    if (!kept) around_.log.warn("leased numbers are abandoned: {}", kept.error().text);
  }
  if (auto closed = tables_->close_clean(); !closed)
    around_.log.warn("the local store was not closed cleanly: {}", closed.error().text);
  return left;
}

std::unique_ptr<DirReader> FastMeta::opendir(model::Ino dir) {
  return std::make_unique<RowReader>(parts_, mirror_, around_.keys, dir);
}

void FastMeta::invalidated(const std::string& key, const model::KeySpace::Parsed& parsed) {
  validity_.invalidated(key);
  if (parsed.kind == 'd') refresher_.wanted(parsed.ino);
}

void FastMeta::connection_ready() {
  validity_.raise_epoch();
  backlog_.kick();
}

void FastMeta::restore(IdRange& inodes, IdRange& slices) {
  std::lock_guard lock(leases_mutex_);
  inodes.restore(leases_.inode_next, leases_.inode_last, leases_.inode_highest);
  slices.restore(leases_.slice_next, leases_.slice_last, leases_.slice_highest);
}

Result<void> FastMeta::leased(std::string_view counter, uint64_t highest) {
  std::lock_guard lock(leases_mutex_);
  uint64_t& known =
      counter == model::kNextInode ? leases_.inode_highest : leases_.slice_highest;
  known = std::max(known, highest);
  Leases kept = leases_;
  kept.inode_next = kept.slice_next = 0;
  MDP_TRY(auto transaction, tables_->begin());
  MDP_TRY_VOID(save(*transaction, kept));
  return transaction->commit();
}

bool FastMeta::drained(Deadline deadline, const std::function<bool()>& gave_up) {
  backlog_.kick();
  return backlog_.wait_settled(backlog_.last(), deadline, gave_up);
}

Result<bool> FastMeta::made(model::Ino ino, Deadline deadline,
                            const std::function<bool()>& gave_up) {
  Row row;
  {
    MDP_TRY(auto transaction, tables_->begin());
    RowWriter rows(*transaction, around_.keys, validity_);
    MDP_TRY(row, rows.load(row_key(around_.keys.attr(ino))));
  }
  if (row.local == Row::Local::kNone || row.base == Row::Base::kPresent) return true;
  backlog_.kick();
  return backlog_.wait_settled(row.last_seq, deadline, gave_up);
}

bool FastMeta::exclusive(model::Ino parent, const std::string& name) {
  if (!exclusive_.may_match(name)) return false;
  // A path that is not known is taken for one of them: too slow is better than twice.
  auto transaction = tables_->begin();
  return !transaction ||
         exclusive_.match(path_of(**transaction, around_.keys, parent), name);
}

Result<void> FastMeta::report(model::Ino ino) {
  if (!sacrifices_.report(ino)) return {};
  return Error{Fault::kAnswer, EIO, "a change was undone by a conflict; see 'fastmeta conflicts'"};
}

}  // namespace fastmeta::engine
