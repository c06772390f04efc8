// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/worker.h"

#include <algorithm>
#include <cerrno>
#include <random>
#include <string_view>
#include <unordered_set>

#include "engine/fastmeta/batch_script.h"
#include "model/cancelling.h"

namespace fastmeta::engine {

using redis::Command;
using redis::Reply;
using std::chrono::milliseconds;
using store::Table;

namespace {

constexpr milliseconds kIdle{100};         // between looks, when nobody wakes us
constexpr milliseconds kNap{50};           // of a pause, between looks whether to stop
constexpr size_t kBatchLeast = 64;         // commands, however often others interfere
// The server compares each key with all that are watched already: 1,500 keys take it 7 ms,
// 4,000 take 48 ms, in which it answers nobody (7.0.15).
constexpr size_t kWatchedMax = 1500;
constexpr int kNilsBeforeScript = 3;
constexpr size_t kPointsMax = 4096;        // sequence points that are remembered
constexpr size_t kCountedMax = 100'000;    // directories
constexpr int64_t kMinuteNs = 60'000'000'000;

constexpr int kPauseMaxMs = 50;

milliseconds pause_between() {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds(std::uniform_int_distribution<int>(0, kPauseMaxMs)(random));
}

// Commands of its transaction: a counter or a parent's attributes are one command for the
// whole batch.
size_t cost(const model::KeySpace& keys, const model::OplogRecord& record) {
  size_t commands = 0;
  for (const model::Write& write : record.writes) commands += keys.parse(write.key) ? 1 : 0;
  return std::max(commands, size_t{1});
}

}  // namespace

Reintegration::Worker::Worker(Parts& parts, Effects& effects, Sacrifices& sacrifices,
                              Volume volume, Identity identity)
    : parts_(parts),
      effects_(effects),
      volume_(std::move(volume)),
      identity_(std::move(identity)),
      client_key_(parts.keys.plain("fastmeta:client:" + identity_.client)),
      mirror_(parts),
      window_(parts.tables),
      applied_(parts.tables, parts.config.sync),
      settler_(parts, window_, applied_, progress_),
      reads_(parts.keys, client_key_),
      run_(parts.keys, parts.log, overwrites_),
      check_(parts, identity_),
      undo_(parts, sacrifices, mirror_, progress_),
      batch_limit_(parts.config.sync.batch_commands) {}

model::VolumeFacts Reintegration::Worker::facts() const {
  // What was acknowledged is applied even if the volume is over its limits by now.
  model::VolumeFacts facts = volume_.facts();
  facts.capacity = 0;
  facts.inode_limit = 0;
  return facts;
}

Result<void> Reintegration::Worker::load() {
  MDP_TRY(auto transaction, parts_.tables.begin());
  MDP_TRY(progress_, load_progress(*transaction));
  uint64_t highest = progress_.highest_seq;
  std::optional<Error> failed;
  MDP_TRY_VOID(transaction->scan(
      Table::kOplog, {}, [&](std::string_view key, std::string_view bytes) {
        auto seq = store::key_number(key);
        auto record = model::decode_record(bytes);
        if (!seq || !record) {
          failed = Error{Fault::kLocalStore, EIO,
                         fmt::format("oplog record {} is damaged: {}; look at the cache directory "
                                     "with 'fastmeta cache check'",
                                     seq ? *seq : 0,
                                     seq ? record.error().text : seq.error().text)};
          return false;
        }
        highest = std::max(highest, *seq);
        parts_.backlog.recovered(*seq, bytes.size(), record->time, record->used_space,
                                 record->used_inodes);
        return true;
      }));
  if (failed) return *failed;
  // Whoever wrote them is gone: all files count as closed.
  if (parts_.backlog.any_recovered()) points_.push_back({0, highest});
  highest_.store(highest);
  return applied_.load();
}

void Reintegration::Worker::refuse(std::string why) {
  if (refused_.exchange(true)) return;
  parts_.log.error("nothing is sent any more: {}", why);
  volume_.refuse_writes(std::move(why));
}

void Reintegration::Worker::resume() {
  forgive_.store(true);
  refused_.store(false);
  parts_.backlog.kick();
}

void Reintegration::Worker::slice_durable(uint64_t slice) {
  {
    std::lock_guard lock(mutex_);
    durable_.insert(slice);
  }
  parts_.backlog.kick();
}

void Reintegration::Worker::content_barrier(model::Ino ino) {
  // Also while no slice is known to wait: the worker may not have seen it yet.
  if (!parts_.backlog.oldest()) return;
  const uint64_t last = parts_.backlog.last();
  std::lock_guard lock(mutex_);
  if (points_.size() >= kPointsMax) {  // one for all files says more than was meant, never less
    points_.clear();
    ino = 0;
  }
  points_.push_back({ino, last});
}

Result<void> Reintegration::Worker::settle_sent() {
  while (!sent_.empty()) {
    const SyncBatchPtr batch = sent_.front();
    MDP_TRY_VOID(settler_.settle(*batch, cursor_.low));
    sent_.pop_front();
    model::Mutations done;
    done.writes = batch->merged.writes;
    done.dir_stats = batch->merged.dir_stats;
    done.dead_files = batch->merged.dead_files;
    done.releases = batch->merged.releases;
    done.used_space = batch->merged.used_space;
    done.used_inodes = batch->merged.used_inodes;
    effects_.committed(done, batch->unreferenced);
  }
  return {};
}

Result<void> Reintegration::Worker::compare_cursor() {
  const uint64_t epoch = parts_.client.epoch();
  MDP_TRY_VOID(settle_sent());
  if (planned_) put_back(std::exchange(planned_, nullptr));
  told_ = told_ && epoch == epoch_;
  clean_watch_ = false;
  MDP_TRY(Seen seen, watch_cursor(epoch));
  if (std::string why = volume_.stranger(seen.setting); !why.empty()) {
    refuse(std::move(why));
    return {};
  }
  const uint64_t known = std::max({highest_.load(), parts_.backlog.last(), progress_.highest_seq});
  MDP_TRY(CursorFound found, check_.compare(seen.cursor, progress_, known,
                                          first_ && volume_.unclean_start));
  if (!found.refusal.empty()) {
    refuse(std::move(found.refusal));
    return {};
  }
  // Only then is it known what is not applied and never will be: it may be cancelled, undone,
  // or sent again.
  MDP_TRY_VOID(fence(epoch, found.cursor));
  if (!found.forgotten.empty()) {
    parts_.log.warn("the metadata server has forgotten {} confirmed changes; they are sent again",
                    found.forgotten.size());
    MDP_TRY_VOID(check_.offer_again(found.forgotten));
    // What was answered since the connection is back was without them.
    parts_.host.all_changed();
    applied_.removed(found.forgotten.size());
    window_.reset();
    undo_.forget();
  }
  cursor_ = std::move(found.cursor);
  cursor_text_ = model::encode_cursor(cursor_);
  highest_.store(std::max(known, cursor_.highest()));
  first_ = false;
  counted_.clear();

  // What a lost reply has confirmed all the same; and numbers that are neither pending
  // nor known to the server: cancelled or journalled ones.
  std::vector<uint64_t> pending;
  MDP_TRY(auto transaction, parts_.tables.begin());
  MDP_TRY_VOID(transaction->scan(Table::kOplog, {}, [&](std::string_view key, std::string_view) {
    if (auto seq = store::key_number(key)) pending.push_back(*seq);
    return true;
  }));
  transaction.reset();
  skipped_.clear();
  uint64_t next = cursor_.low + 1;
  auto skip_to = [&](uint64_t end) {
    for (; next < end; ++next)
      if (!cursor_.applied(next)) skipped_.push_back(next);
  };
  bool known_ones = false;
  for (uint64_t seq : pending) {
    if (seq < next) {
      known_ones = known_ones || cursor_.applied(seq);
      continue;
    }
    skip_to(seq);
    known_ones = known_ones || cursor_.applied(seq);
    next = seq + 1;
  }
  if (pending.empty()) skip_to(progress_.highest_seq + 1);
  if (known_ones) {
    MDP_TRY(auto added, window_.refill(parts_.backlog.last()));
    std::vector<PendingPtr> settled;
    for (const auto& [seq, item] : window_.items())
      if (cursor_.applied(seq)) settled.push_back(item);
    MDP_TRY_VOID(settler_.settle_known(settled, cursor_.low));
  }
  // Last: what the server has already must not be sent again because the store had no room.
  epoch_ = epoch;
  return {};
}

Result<Reintegration::Worker::Seen> Reintegration::Worker::watch_cursor(uint64_t epoch) {
  MDP_TRY(auto sent, parts_.client.send({{"UNWATCH"},
                                         {"WATCH", client_key_},
                                         {"GET", client_key_},
                                         {"GET", parts_.keys.setting()}},
                                        epoch, parts_.client.deadline()));
  MDP_TRY(auto replies, sent->wait());
  for (const Reply& reply : replies)
    if (reply.is_error()) return redis::refused(reply, "GET");
  Seen seen;
  if (replies[2].is_text()) seen.cursor = std::move(replies[2].text);
  if (replies[3].is_text()) seen.setting = std::move(replies[3].text);
  return seen;
}

Result<void> Reintegration::Worker::fence(uint64_t epoch, model::ClientCursor& cursor) {
  ++cursor.fence;
  const std::vector<Command> block =
      exec_block({{"SET", client_key_, model::encode_cursor(cursor)}});
  MDP_TRY(auto sent, parts_.client.send(block, epoch, parts_.client.deadline()));
  MDP_TRY(auto replies, sent->wait());
  for (const Reply& reply : replies)
    if (reply.is_error()) return redis::refused(reply, "SET");
  if (replies.back().nil())
    return Error{Fault::kConflict, EAGAIN, "the server has just taken what was sent before"};
  if (replies.back().items.size() != 1 || replies.back().items[0].is_error())
    return redis::refused(replies.back().items.empty() ? replies.back() : replies.back().items[0],
                          "SET");
  clean_watch_ = true;
  return {};
}

bool Reintegration::Worker::look_for_data() {
  std::set<uint64_t> durable;
  {
    std::lock_guard lock(mutex_);
    durable.swap(durable_);
    const auto oldest = parts_.backlog.oldest();
    while (!points_.empty() && (!oldest || points_.front().seq < *oldest)) points_.pop_front();
  }
  const std::chrono::nanoseconds overdue = 2 * parts_.config.sync.keep_data;
  const Timestamp now = parts_.clock.now();
  uint64_t waiting = 0;
  for (const auto& [seq, item] : window_.items()) {
    if (item->state != Pending::State::kWaiting) continue;
    const auto* slice = std::get_if<model::WriteSliceArgs>(&item->record.operation);
    if (!slice || slice->slice.id == 0) continue;
    const bool staged = item->record.staged;
    // What was stored long ago may have been taken for a leftover.
    if (!staged && (item->has_data || is_recent(item->record.time, now, overdue))) continue;
    const bool known = staged && durable.contains(slice->slice.id);
    const int answer =
        known ? 1 : parts_.host.slice_is_durable(slice->slice.id, slice->slice.size);
    item->no_data = answer <= 0;
    item->has_data = answer > 0;
    if (answer < 0 && !planned_ && sent_.empty()) {
      // Nobody will ever be able to read it.
      const char* why = staged ? "its data was lost before it was stored"
                               : "its data is not in the object storage any more";
      const auto done = give_way({item, -answer, why});
      if (done || window_.items().empty()) return false;  // the window is another
      parts_.log.warn("a change without its data is left: {}", done.error().text);
    }
    waiting += item->no_data;
  }
  no_data_.store(waiting);
  return true;
}

void Reintegration::Worker::cancel_pairs() {
  // Worth a look only when much is pending: on a fast link everything is on its way already.
  if (planned_ || !sent_.empty() || !window_.complete() || window_.items().size() < 2) return;
  std::vector<const model::OplogRecord*> records;
  std::vector<PendingPtr> items;
  for (const auto& [seq, item] : window_.items()) {
    records.push_back(&item->record);
    items.push_back(item);
  }
  model::CancelOptions options;
  options.trash = volume_.facts().trash;
  options.change_log = false;
  options.sent = [&](size_t i) { return items[i]->sent; };
  options.open_here = [&](model::Ino ino) { return parts_.open.is_open(ino); };
  std::vector<PendingPtr> gone;
  for (size_t i : model::cancelled(parts_.keys, records, options)) gone.push_back(items[i]);
  if (gone.empty()) return;
  if (auto done = settler_.forget(gone); !done) {
    parts_.log.warn("changes that need not be sent are sent: {}", done.error().text);
    return;
  }
  for (const PendingPtr& item : gone) skipped_.push_back(item->record.seq);
  cancelled_.fetch_add(gone.size());
}

SyncBatchPtr Reintegration::Worker::select() {
  auto batch = std::make_shared<SyncBatch>();
  batch->epoch = epoch_;
  std::vector<PendingPtr> candidates;
  if (no_data_.load() == 0) {
    for (const auto& [seq, item] : window_.items()) {
      if (candidates.size() > batch_limit_) break;
      if (item->state == Pending::State::kWaiting) candidates.push_back(item);
    }
  } else {
    std::vector<model::BatchItem> items;
    std::vector<PendingPtr> all;
    for (const auto& [seq, item] : window_.items()) {
      if (item->state != Pending::State::kWaiting) continue;
      if (item->uses.empty()) item->uses = model::key_uses(parts_.keys, item->record);
      items.push_back({&item->record, item->uses, item->no_data});
      all.push_back(item);
    }
    std::vector<model::SequencePoint> points;
    {
      std::lock_guard lock(mutex_);
      points.assign(points_.begin(), points_.end());
    }
    const auto order = parts_.config.sync.order == config::SendOrder::kCausal
                           ? model::Order::kCausal
                           : model::Order::kPerKey;
    size_t at = 0;
    for (size_t i : model::sendable(items, points, order)) {
      for (; at < i; ++at) parts_.backlog.excuse(all[at]->record.seq);
      ++at;
      candidates.push_back(all[i]);
    }
    for (; at < all.size(); ++at) parts_.backlog.excuse(all[at]->record.seq);
  }
  size_t commands = 0, bytes = 0;
  std::unordered_set<std::string_view> watched;
  for (const PendingPtr& item : candidates) {
    commands += cost(parts_.keys, item->record);
    bytes += item->bytes.size();
    for (const model::Reliance& one : item->record.relied)
      if (one.read.watch) watched.insert(one.read.key);
    for (const model::Write& write : item->record.writes) watched.insert(write.key);
    if (!batch->items.empty() &&
        (commands > batch_limit_ || bytes > parts_.config.sync.batch_bytes ||
         watched.size() > kWatchedMax))
      break;
    item->state = Pending::State::kTaken;
    batch->items.push_back(item);
  }
  return batch->items.empty() ? nullptr : batch;
}

void Reintegration::Worker::put_back(const SyncBatchPtr& batch) {
  if (!batch) return;
  for (const PendingPtr& item : batch->items) item->state = Pending::State::kWaiting;
  if (batch->clash) batch->clash->item->state = Pending::State::kWaiting;
}

Result<void> Reintegration::Worker::round_trip(SyncBatch& batch, ReadRound& round) {
  MDP_TRY(auto sent, parts_.client.send(round.commands, epoch_, parts_.client.deadline()));
  clean_watch_ = false;
  MDP_TRY(auto replies, sent->wait());
  return reads_.take(batch, round, replies, 0);
}

Result<void> Reintegration::Worker::run_rules(SyncBatch& batch, const BatchRun::Terms& terms) {
  for (;;) {
    MDP_TRY(auto needed, run_.run(batch, terms));
    ReadRound round = reads_.more(batch, needed);
    if (round.commands.empty()) return {};
    MDP_TRY_VOID(round_trip(batch, round));
  }
}

Result<bool> Reintegration::Worker::prepare() {
  SyncBatch& batch = *planned_;
  if (batch.client_key != cursor_text_) {
    epoch_ = 0;  // somebody else has written it, or the server went back: see what it says
    return false;
  }
  batch.facts = facts();
  if (!batch.view)
    batch.view = std::make_unique<ServerView>(batch.facts, parts_.keys, parts_.open, batch.values);
  BatchRun::Terms terms;
  terms.at = parts_.clock.now();
  terms.content = parts_.config.conflicts.content;
  for (const PendingPtr& item : batch.items)
    if (uses_trash(item->record.operation)) {
      MDP_TRY(terms.trash, volume_.trash_now());
      break;
    }
  std::vector<PendingPtr> all = batch.items;
  // What stands behind a clash has to wait for its end.
  auto wait_from = [&](size_t from) {
    for (size_t i = from; i < all.size(); ++i) all[i]->state = Pending::State::kWaiting;
  };
  for (;;) {
    MDP_TRY_VOID(run_rules(batch, terms));
    if (!batch.items.empty()) break;
    const Clash clash = *batch.clash;
    auto alone = give_way(clash);
    if (!alone || !*alone || all.size() == 1 || refused_.load()) {
      planned_ = nullptr;
      wait_from(0);
      if (!alone) return std::move(alone).error();
      return false;
    }
    // The others are as they were, and so is what was read for them.
    all.erase(all.begin());
    batch.items = all;
    batch.clash.reset();
  }
  wait_from(batch.items.size());
  if (!batch.view->opens_unchanged()) return false;
  MDP_TRY_VOID(merge(batch));
  model::ClientCursor cursor = cursor_;
  for (uint64_t seq : skipped_) cursor.add(seq);
  for (const PendingPtr& item : batch.items) cursor.add(item->record.seq);
  batch.cursor = model::encode_cursor(cursor);
  return true;
}

Result<void> Reintegration::Worker::merge(SyncBatch& batch) {
  if (counted_.size() > kCountedMax) counted_.clear();
  for (const auto& [dir, there] : batch.has_stats)
    if (there) counted_.insert(dir);
  merge_batch(parts_.keys, batch);
  if (!batch.facts.dir_stats) batch.merged.dir_stats.clear();
  if (batch.merged.dir_stats.empty()) return {};
  for (const model::DirStatDelta& delta : batch.merged.dir_stats) {
    bool there = counted_.contains(delta.dir);
    if (!there) {
      MDP_TRY(there, volume_.ensure_statistics(delta.dir));
      if (there) counted_.insert(delta.dir);
    }
    batch.has_stats[delta.dir] = there;
  }
  merge_batch(parts_.keys, batch);
  batch.merged.dir_stats.clear();  // of directories that are gone
  return {};
}

Result<bool> Reintegration::Worker::give_way(const Clash& clash) {
  MDP_TRY_VOID(settle_sent());
  const Timestamp now = parts_.clock.even();
  MDP_TRY(const Undo::Done done, undo_.undo(clash, facts()));
  conflicts_.fetch_add(done.conflicts);
  if (forgive_.exchange(false)) conflict_times_.clear();
  conflict_times_.insert(conflict_times_.end(), done.conflicts, now);
  for (uint64_t seq : done.gone) skipped_.push_back(seq);
  if (done.adopted) {
    adopted_.fetch_add(1);
    std::lock_guard lock(mutex_);
    for (model::SequencePoint& point : points_)
      if (point.ino == done.adopted->ours) point.ino = done.adopted->theirs;
  }
  for (const uint64_t seq : done.gone) window_.removed(seq);
  for (const uint64_t seq : done.run_again) {
    auto read = window_.reread(seq);
    if (read) continue;
    window_.reset();
    return std::move(read).error();
  }
  while (!conflict_times_.empty() &&
         conflict_times_.front().nanos() < now.nanos() - kMinuteNs)
    conflict_times_.pop_front();
  if (conflict_times_.size() > parts_.config.conflicts.limit)
    refuse(fmt::format("{} conflicts within a minute (conflicts.limit {}): look at them with "
                       "'fastmeta conflicts list', then 'fastmeta control MOUNTPOINT resume'",
                       conflict_times_.size(), parts_.config.conflicts.limit));
  return done.run_again.empty() && done.gone.size() == 1;
}

Result<bool> Reintegration::Worker::send_planned() {
  const SyncBatchPtr batch = planned_;
  const std::vector<Command> block =
      exec_block(write_commands(parts_.keys, *batch, client_key_));
  std::vector<Command> commands = block;
  // The next batch is read behind this one's EXEC, in the same round trip.
  const SyncBatchPtr next = batch->clash ? nullptr : select();
  ReadRound round;
  if (next) {
    round = reads_.first(*next, false);
    commands.insert(commands.end(), round.commands.begin(), round.commands.end());
  }
  for (const PendingPtr& item : batch->items) item->sent = true;
  batch->token = parts_.validity.sending();
  auto sent = parts_.client.send(std::move(commands), epoch_, parts_.client.deadline());
  parts_.validity.written();
  planned_ = nullptr;
  auto fail = [&](Error error) -> Result<bool> {
    put_back(batch);
    put_back(next);
    epoch_ = 0;  // whether it took effect, the cursor will tell
    return error;
  };
  if (!sent) return fail(std::move(sent).error());
  batches_.fetch_add(1);
  auto settled = settle_sent();  // the one before, while this one travels
  auto replies = (*sent)->wait();
  if (!replies) return fail(std::move(replies).error());
  Result<void> judged = judge_exec(*batch, block, *replies);
  const bool taken_here = judged.has_value();
  if (next && taken_here) {
    auto read = reads_.take(*next, round, *replies, block.size());
    if (read) {
      planned_ = next;
    } else {
      put_back(next);
    }
    clean_watch_ = false;
  } else {
    put_back(next);
    clean_watch_ = !next;
  }
  MDP_TRY(const bool done, taken(batch, std::move(judged)));
  MDP_TRY_VOID(std::move(settled));
  return done;
}

Result<bool> Reintegration::Worker::taken(const SyncBatchPtr& batch, Result<void> judged) {
  if (!judged && judged.error().fault == Fault::kConflict) {
    nil_count_.fetch_add(1);
    ++nils_;
    batch_limit_ = std::max(kBatchLeast, batch_limit_ / 2);
    put_back(batch);
    return true;
  }
  if (!judged && judged.error().fault != Fault::kCorrupt) {
    put_back(batch);
    if (judged.error().fault == Fault::kUnreachable) epoch_ = 0;  // the cursor will tell
    return std::move(judged).error();
  }
  auto cursor = model::decode_cursor(batch->cursor);
  MDP_CHECK(cursor.has_value());
  cursor_ = std::move(*cursor);
  cursor_text_ = batch->cursor;
  skipped_.clear();
  nils_ = 0;
  batch_limit_ = std::min<size_t>(parts_.config.sync.batch_commands, batch_limit_ * 2);
  for (const PendingPtr& item : batch->items) item->state = Pending::State::kApplied;
  if (!judged) {
    // The rest took effect, and with it the cursor.
    refuse(judged.error().text);
    MDP_TRY_VOID(settler_.settle_known(batch->items, cursor_.low));
    return true;
  }
  applied_count_.fetch_add(batch->items.size());
  sent_.push_back(batch);
  return true;
}

Result<bool> Reintegration::Worker::send_script() {
  const SyncBatchPtr batch = planned_;
  planned_ = nullptr;
  std::vector<Command> commands{{"UNWATCH"}};
  commands.push_back(script_command(parts_.keys, *batch, client_key_, cursor_text_,
                                    write_commands(parts_.keys, *batch, client_key_)));
  for (const PendingPtr& item : batch->items) item->sent = true;
  batch->token = parts_.validity.sending();
  auto sent = parts_.client.send(std::move(commands), epoch_, parts_.client.deadline());
  parts_.validity.written();
  auto fail = [&](Error error) -> Result<bool> {
    put_back(batch);
    epoch_ = 0;
    return error;
  };
  if (!sent) return fail(std::move(sent).error());
  scripts_.fetch_add(1);
  auto replies = (*sent)->wait();
  if (!replies) return fail(std::move(replies).error());
  clean_watch_ = true;
  Result<void> judged = judge_script(*batch, replies->back());
  if (!judged && scripts_refused(replies->back())) {
    parts_.log.warn("the server lets us run no scripts: beside a busy client changes may have "
                    "to wait for a pause ({})", judged.error().text);
    may_script_ = false;
    put_back(batch);
    return true;
  }
  if (judged) {
    // Patched over another client's change, or appended to a list that was not compared: what
    // the server holds now is not what was planned.
    for (const model::Write& write : batch->merged.writes) {
      const auto parsed = parts_.keys.parse(write.key);
      if (!parsed || (parsed->kind != 'c' && parsed->kind != 'i')) continue;
      parts_.validity.invalidated(write.key);
      if (parsed->kind == 'i') parts_.host.attr_changed(parsed->ino);
    }
  }
  return taken(batch, std::move(judged));
}

void Reintegration::Worker::tell_recovered() {
  if (told_ || !sent_.empty() || planned_ || parts_.backlog.any_recovered()) return;
  // Meanwhile the connection may be another, whose cursor nobody has looked at.
  if (!parts_.client.connected() || parts_.client.epoch() != epoch_) return;
  told_ = true;
  volume_.recovered(epoch_);
}

Result<bool> Reintegration::Worker::cycle() {
  if (!parts_.client.connected() || refused_.load()) return false;
  if (parts_.client.epoch() != epoch_) MDP_TRY_VOID(compare_cursor());
  if (refused_.load() || epoch_ == 0) return false;
  MDP_TRY_VOID(applied_.trim(parts_.clock.even(), progress_));
  undo_.rest(parts_.clock.even());
  MDP_TRY(auto added, window_.refill(parts_.backlog.last()));
  // The window is bounded: more of what a lost reply had confirmed may come up only now.
  std::erase_if(added, [&](const auto& item) { return !cursor_.applied(item->record.seq); });
  if (!added.empty()) {
    auto settled = settler_.settle_known(added, cursor_.low);
    if (!settled) {
      epoch_ = 0;  // so that they are looked for again
      return std::move(settled).error();
    }
  }
  if (!look_for_data()) return true;
  if (!planned_) {
    cancel_pairs();
    planned_ = select();
    if (!planned_) {
      MDP_TRY_VOID(settle_sent());
      tell_recovered();
      return false;
    }
    planned_->keep_raw = may_script_ && nils_ >= kNilsBeforeScript;
    // A script is out of the question: another moment may be a better one.
    if (!may_script_ && nils_ >= kNilsBeforeScript) std::this_thread::sleep_for(pause_between());
    ReadRound round = reads_.first(*planned_, !clean_watch_);
    if (auto read = round_trip(*planned_, round); !read) {
      put_back(std::exchange(planned_, nullptr));
      return std::move(read).error();
    }
  }
  auto ready = prepare();
  if (!ready || !*ready) {
    put_back(std::exchange(planned_, nullptr));
    if (!ready) return std::move(ready).error();
    return true;
  }
  if (planned_->cursor.size() > model::kCursorBytesMax &&
      planned_->items.front()->record.seq != parts_.backlog.oldest().value_or(0)) {
    // Too many holes: the oldest has to go first.
    put_back(std::exchange(planned_, nullptr));
    return false;
  }
  const bool script = planned_->keep_raw;
  MDP_TRY(const bool done, script ? send_script() : send_planned());
  if (!planned_ && window_.items().empty()) MDP_TRY_VOID(settle_sent());
  return done;
}

void Reintegration::Worker::run() {
  milliseconds pause = parts_.config.sync.retry_initial;
  while (!stopping_.load()) {
    auto worked = cycle();
    if (!worked) {
      retries_.fetch_add(1);
      // A store without room may have some again; one that is broken stays so.
      if (worked.error().fault == Fault::kLocalStore)
        if (auto usable = parts_.tables.may_write(); !usable && usable.error().code == EIO)
          volume_.store_failed(worked.error().text);
      parts_.log.warn("changes wait to be sent: {}", worked.error().text);
      for (milliseconds slept{0}; slept < pause && !stopping_.load(); slept += kNap)
        std::this_thread::sleep_for(std::min(kNap, pause - slept));
      pause = std::min(pause * 2, parts_.config.sync.retry_max);
      continue;
    }
    pause = parts_.config.sync.retry_initial;
    if (!*worked) parts_.backlog.wait(kIdle);
    if (parts_.config.sync.linger.count() > 0 && !planned_)
      parts_.backlog.linger(parts_.config.sync.linger);
  }
}

Reintegration::Stats Reintegration::Worker::stats() const {
  Stats s;
  s.batches = batches_.load();
  s.applied = applied_count_.load();
  s.nils = nil_count_.load();
  s.scripts = scripts_.load();
  s.retries = retries_.load();
  s.cancelled = cancelled_.load();
  s.conflicts = conflicts_.load();
  s.adopted = adopted_.load();
  s.content_overwrites = overwrites_.load();
  s.waiting_for_data = no_data_.load();
  return s;
}

}  // namespace fastmeta::engine
