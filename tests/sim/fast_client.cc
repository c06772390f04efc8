// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/fast_client.h"

#include <cerrno>
#include <cstdio>
#include <vector>

#include "engine/fastmeta/row_reader.h"
#include "engine/numbered_host.h"
#include "engine/fastmeta/written_keys.h"
#include "sim/trash.h"
#include "sim/trimmer.h"
#include "support/no_server.h"
#include "util/check.h"

namespace fastmeta::sim {

namespace {

constexpr Time kBeat = 250 * kMillisecond, kLook = 20 * kMillisecond;
constexpr Time kIdle = 2 * kMillisecond, kAfterError = 60 * kMillisecond;

const config::PluginConfig& sim_config() {
  static const config::PluginConfig config = [] {
    const std::vector<std::string> options{"mode=fast-meta", "cache.dir=/nowhere",
                                           "conflicts.limit=100000"};
    auto loaded = config::load_plugin_config(std::nullopt, "redis://sim/0", std::nullopt, options);
    if (!loaded) std::fprintf(stderr, "%s\n", loaded.error().text.c_str());
    MDP_CHECK(loaded);
    loaded->cache.max_size = 10;  // who trims says how far it is surpassed
    loaded->cache.listing_max = 12;
    return std::move(*loaded);
  }();
  return config;
}

}  // namespace

struct FastClient::Life {
  Life(FastClient& self, engine::Identity identity)
      : client(self.server_, self.link_, self.process_),
        tables(self.tables_, self.faults_,
               {[&self](const std::string& row) { return self.own(row).pending; },
                [&self](const std::string& row, bool pending, const std::string& before) {
                  self.changed(row, pending, before);
                },
                [&self] { self.kill(); }, [this] { writable = false; }}),
        clock(self.server_.scheduler()),
        validity(identity.starts << 24),
        backlog(sim_config().backlog),
        host(self.host_, open_table),
        parts{client, tables,   keys,       sim_config(), validity, stripes,
              backlog, open_table, host,     clock,        Log()},
        statistics(client, keys, Log()),
        effects(self.host_, statistics),
        mirror(parts),
        executor(parts, mirror, no_server, locks, sacrifices,
                 {[this] { return facts; },
                  [this](bool) -> Result<void> {
                    // A broken store says so itself.
                    if (writable || !tables.usable()) return {};
                    return Error::answer(EROFS);
                  }}),
        written(validity),
        trash_hour(client, clock, [&self] { return self.new_hour(); }),
        server(client, keys, written, echoes, open_table, effects,
               {[this] { return facts; }, [this] { return may_write(); },
                [] { return Result<void>(); },
                [this](const std::string& key) {
                  validity.invalidated(key);
                  tell_kernel(host, key);
                }},
               {}, Log()),
        releases(&backlog, server, Log()),
        session(client, keys, clock, Log(), kHeartbeat, ""),
        session_keeper(client, keys, server, session, open_table,
                       {[this, &self](uint64_t id) {
                          facts.session = id;
                          self.sessions_.insert(id);
                        },
                        [&self](model::Ino ino) { return self.remove_sustained(ino); }},
                       Log()) {
    facts = self.server_.settings;
    engine::Reintegration::Volume volume;
    volume.unclean_start = self.tables_.unclean_start();
    volume.stranger = [](const std::optional<std::string>&) { return std::string(); };
    volume.facts = [this] { return facts; };
    volume.trash_now = [this] {
      return facts.trash ? trash_hour.current(server) : Result<model::Ino>(model::Ino{0});
    };
    volume.ensure_statistics = [this](model::Ino dir) { return statistics.ensure(dir); };
    volume.refuse_writes = [this, &self](std::string why) {
      if (!why.empty()) self.refused_ = std::move(why);
      writable = writable && self.refused_.empty();
    };
    volume.recovered = [this](uint64_t) {
      if (!recovered) executor.first_seq(sync->highest_seq() + 1);
      recovered = true;
      writable = tables.usable();
    };
    redis::ClientHooks hooks;
    hooks.on_invalidate = [this](std::span<const std::string> changed) {
      for (const std::string& key : changed)
        if (keys.parse(key)) {
          validity.invalidated(key);
          tell_kernel(host, key);
        }
    };
    hooks.on_flush = [this] {
      validity.raise_epoch();
      host.all_changed();
    };
    hooks.on_lost = [this] {
      writable = false;
      host.all_changed();
    };
    hooks.on_ready = [this] {
      validity.raise_epoch();
      backlog.kick();
      host.all_changed();
    };
    sync = std::make_unique<engine::Reintegration>(parts, effects, sacrifices, std::move(volume),
                                                   std::move(identity));
    MDP_CHECK(client.start(std::move(hooks)));
    MDP_CHECK(sync->load());
  }

  Result<void> may_write() const {
    return writable ? Result<void>() : Result<void>(Error::answer(EROFS));
  }

  model::KeySpace keys = sim_keys();
  SimClient client;
  LocalTables tables;
  SimClock clock;
  engine::Validity validity;
  engine::Stripes stripes;
  engine::Backlog backlog;
  engine::OpenTable open_table;
  engine::NumberedHost host;
  engine::Parts parts;
  engine::HeldLocks locks;
  engine::Sacrifices sacrifices;
  engine::DirStats statistics;
  SimEffects effects;
  test::NoServer no_server;
  engine::Mirror mirror;
  engine::LocalExecutor executor;
  engine::WrittenKeys written;
  engine::OwnEchoes echoes;
  engine::TrashHour trash_hour;
  engine::Passthrough server;
  engine::LockReleases releases;
  engine::Session session;
  engine::SessionKeeper session_keeper;
  model::VolumeFacts facts;
  bool recovered = false, writable = false;
  std::unique_ptr<engine::Reintegration> sync;
  std::unique_ptr<Trimmer> trimmer;
};

FastClient::FastClient(SimServer& server, LinkState& link, std::string name, uint64_t number)
    : server_(server),
      link_(link),
      name_(std::move(name)),
      number_(number),
      faults_(server.scheduler(), server.dice()) {}

FastClient::~FastClient() = default;

void FastClient::start() {
  MDP_CHECK(!life_);
  process_ = std::make_shared<Process>(Process{name_});
  forget_leases();
  find_pending();
  life_ = std::make_unique<Life>(*this, engine::Identity{name_, number_ + 7, ++starts_});
  server_.scheduler().spawn(process_, [this] { work(); });
  if (!trimmed) return;
  life_->trimmer = std::make_unique<Trimmer>(server_.scheduler(), server_.dice(), life_->parts,
                                             [this] { return own_changes_; });
  server_.scheduler().spawn(process_, [this] { life_->trimmer->work(); });
}

void FastClient::open_session() {
  while (!life_->session.open()) server_.scheduler().sleep(kAfterError);
  life_->facts.session = life_->session.id();
  sessions_.insert(life_->session.id());
}

// At once over another connection, and from time to time.
void FastClient::keep_session() {
  Scheduler& scheduler = server_.scheduler();
  uint64_t epoch = life_->client.epoch();
  for (Time due = scheduler.now();;) {
    if (scheduler.now() >= due || life_->client.epoch() != epoch) {
      epoch = life_->client.epoch();
      static_cast<void>(life_->session_keeper.beat());
      scheduler.check_alive();
      due = scheduler.now() + kBeat;
    }
    scheduler.sleep(kLook);
  }
}

void FastClient::work() {
  Scheduler& scheduler = server_.scheduler();
  open_session();
  scheduler.spawn(process_, [this] { keep_session(); });
  scheduler.spawn(process_, [this] { carry_out_releases(server_.scheduler()); });
  if (life_->facts.dir_stats)
    scheduler.spawn(process_, [this] { flush_statistics(server_.scheduler()); });
  for (uint64_t epoch = 0;;) {
    if (epoch != life_->client.epoch()) {
      epoch = life_->client.epoch();
      raise_counters();
    }
    auto worked = life_->sync->cycle();
    scheduler.check_alive();
    if (!worked)
      scheduler.sleep(kAfterError);
    else
      scheduler.sleep(*worked ? kMicrosecond : kIdle);
  }
}

// As the volume does: in which hour of the trash something is, the server tells.
Result<model::OperationReply> FastClient::carry_out(const model::Operation& operation,
                                                    const engine::WriteHints& hints) {
  if (!leaves_trash(operation)) return executor().apply(operation, hints);
  const uint64_t last = life_->backlog.last();
  while (life_->backlog.oldest().value_or(UINT64_MAX) <= last) {
    if (!ready()) return Error::answer(EROFS);
    server_.scheduler().sleep(kIdle);
  }
  return server().apply(operation, hints);
}

void FastClient::kill() {
  life_->client.stop();
  server_.scheduler().kill(process_);
}

void FastClient::bury(std::optional<size_t> power) {
  evicted_ = evicted();
  spoilt_ = spoilt();
  life_.reset();
  faults_.opened_again();
  dead_sessions_.merge(std::exchange(sessions_, {}));
  if (power)
    tables_.crash_machine(*power);
  else
    tables_.crash_process();
  host_.kernel.clear();
  host_.staged.clear();  // the host stores what was staged before it mounts again
}

bool FastClient::ready() const { return life_ && !process_->dead && life_->writable; }
bool FastClient::decided() const { return server_.scheduler().now() > link_.late_until; }
engine::Executor& FastClient::executor() { return life_->executor; }
engine::OpenTable& FastClient::open() { return life_->open_table; }
SimClient& FastClient::redis() { return life_->client; }
bool FastClient::remembers() { return life_->client.tracks(); }
std::unique_ptr<engine::DirReader> FastClient::opendir(model::Ino dir) {
  return std::make_unique<engine::RowReader>(life_->parts, life_->mirror, life_->keys, dir);
}
bool FastClient::settled() const {
  return ready() && !life_->backlog.oldest() && life_->statistics.pending() == 0 &&
         life_->releases.waiting() == 0;
}
engine::DirStats& FastClient::statistics() { return life_->statistics; }
void FastClient::slice_durable(model::Ino ino, uint64_t slice) {
  if (life_) life_->sync->slice_durable(ino, slice);
}
void FastClient::barrier(model::Ino ino) { life_->sync->content_barrier(ino); }
engine::Reintegration::Stats FastClient::stats() const { return life_->sync->stats(); }

OwnChange FastClient::own(const std::string& row) const {
  const auto at = own_.find(row);
  return at == own_.end() ? OwnChange() : at->second;
}

engine::Row FastClient::row(const std::string& row) {
  auto transaction = tables_.begin();
  MDP_CHECK(transaction);
  auto bytes = (*transaction)->get(store::Table::kRows, row);
  MDP_CHECK(bytes);
  if (!*bytes) return {};
  auto decoded = engine::decode_row(**bytes);
  MDP_CHECK(decoded);
  return *std::move(decoded);
}

uint64_t FastClient::evicted() const {
  return evicted_ + (life_ && life_->trimmer ? life_->trimmer->evicted() : 0);
}

uint64_t FastClient::spoilt() const {
  return spoilt_ + (life_ && life_->trimmer ? life_->trimmer->spoilt() : 0);
}

void FastClient::changed(const std::string& row, bool pending, const std::string& before) {
  auto at = own_.find(row);
  if (!pending && (at == own_.end() || !at->second.pending)) return;
  if (at == own_.end()) at = own_.emplace(row, OwnChange()).first;
  OwnChange& own = at->second;
  own.earlier = std::exchange(own.number, ++own_changes_);
  own.pending = pending;
  if (pending)
    pending_.insert(row);
  else
    pending_.erase(row);
  own.ended = pending ? std::string() : before;
  if (pending || !life_) return;
  const engine::RowName name = engine::parse_row_key(row);
  own.settled = life_->client.written({std::string(name.key), std::string(name.field)});
}

// Of an earlier life.
void FastClient::find_pending() {
  own_.clear();
  pending_.clear();
  auto transaction = tables_.begin();
  MDP_CHECK(transaction);
  MDP_CHECK((*transaction)->scan(store::Table::kRows, {}, [&](std::string_view row, auto bytes) {
    if (is_pending(bytes)) changed(std::string(row), true, {});
    return true;
  }));
}

size_t FastClient::journalled() { return journal().size(); }

std::vector<engine::JournalEntry> FastClient::journal() {
  std::vector<engine::JournalEntry> entries;
  auto transaction = tables_.begin();
  MDP_CHECK(transaction);
  MDP_CHECK((*transaction)->scan(store::Table::kJournal, {}, [&](std::string_view, auto bytes) {
    auto entry = engine::decode_entry(bytes);
    MDP_CHECK(entry);
    entries.push_back(*std::move(entry));
    return true;
  }));
  return entries;
}

uint64_t FastClient::session() const { return life_ ? life_->session.id() : 0; }
engine::Executor& FastClient::server() { return life_->server; }
engine::TrashHour& FastClient::trash_hour() { return life_->trash_hour; }
model::Ino FastClient::trash_until_sent() const { return life_->trash_hour.last(); }
void FastClient::lock_granted(model::Ino ino, uint64_t owner) {
  life_->locks.granted(ino, life_->keys.flock(ino), owner, kLocker, {});
}
void FastClient::release_lock(model::Ino ino, uint64_t owner, const engine::WriteRule& rule) {
  life_->locks.released(ino, life_->keys.flock(ino), owner, {});
  life_->releases.add(ino, rule);
}
engine::LockReleases& FastClient::lock_releases() { return life_->releases; }

}  // namespace fastmeta::sim
