// SPDX-License-Identifier: GPL-3.0-or-later
// Life of a volume: opening, background work, what happens when the connection
// goes and comes back.
#include <algorithm>
#include <cerrno>

#include "engine/volume.h"
#include "model/schema/codec.h"
#include "model/schema/setting.h"
#include "util/bytes.h"

namespace fastmeta::engine {

using redis::Command;
using std::chrono::milliseconds;

namespace {
// How long a start waits for what an earlier one left to be sent before it answers.
constexpr milliseconds kRecoverWait{10000};
constexpr milliseconds kNoticesWait{5000};
constexpr milliseconds kTick{200};
constexpr char kSettingsGone[] = "the volume's settings are gone from the metadata server";

// Quotas of directories are not in the settings but in a hash of their own.
Result<void> check_dir_quotas(const redis::Reply& values) {
  if (values.is_error()) return redis::refused(values, "HVALS");
  for (const redis::Reply& value : values.items) {
    MDP_TRY(const auto limits, model::decode_quota(value.text));
    if (limits.space > 0 || limits.inodes > 0)
      return Error{Fault::kConfig, ENOTSUP,
                   "the volume has quotas of directories (key dirQuota), which this version does "
                   "not enforce: remove them with the client that set them"};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<redis::Client>> connect_client(const config::PluginConfig& config,
                                                      const Log& log) {
  if (config.meta.url.empty())
    return Error{Fault::kConfig, EINVAL,
                 "no metadata URL: name one on the command line or as meta.url in the file"};
  redis::ClientOptions options;
  MDP_TRY(options.address, redis::parse_address(config.meta.url));
  if (options.address.password.empty()) {
    if (!config.meta.password.empty()) {
      options.address.password = config.meta.password;
    } else {
      MDP_TRY(options.address.password, redis::find_password(options.address));
    }
  }
  options.connect_timeout = config.meta.connect_timeout;
  options.command_deadline = config.meta.deadline;
  options.backoff_initial = config.meta.backoff_initial;
  options.backoff_max = config.meta.backoff_max;
  options.ping_interval = config.meta.ping_interval;
  options.ping_timeout = config.meta.ping_timeout;
  options.pool_max = config.meta.connections;
  options.tracked_prefixes = {"i", "d", "c", "p", "s", "x"};
  MDP_TRY(auto client, redis::Client::open(std::move(options), log));
  const redis::ServerInfo& server = client->server();
  if (server.eviction_possible)
    return Error{Fault::kConfig, EINVAL,
                 fmt::format("the metadata server may evict keys (maxmemory-policy {}), which "
                             "destroys volumes: set it to noeviction",
                             server.eviction_policy)};
  if (!server.aof)
    log.warn("the metadata server keeps no append-only file: a crash of it loses changes");
  return client;
}

Volume::Volume(config::PluginConfig config, Options options, Host& host, Log log)
    : config_(std::move(config)),
      options_(std::move(options)),
      log_(std::move(log)),
      health_(config_.disconnect_grace),
      host_(host, open_) {}

Volume::~Volume() {
  stop(milliseconds(0));
  // Also after a start that failed half-way: its thread calls what goes now.
  if (client_) client_->stop();
}

Result<std::unique_ptr<Volume>> Volume::open(config::PluginConfig config, Options options,
                                             Host& host, Log log) {
  std::unique_ptr<Volume> volume(
      new Volume(std::move(config), std::move(options), host, std::move(log)));
  MDP_TRY_VOID(volume->connect());
  return volume;
}

Result<void> Volume::connect() {
  MDP_TRY(client_, connect_client(config_, log_));
  keys_ = model::KeySpace(client_->key_prefix());
  return load_setting();
}

Result<void> Volume::load_setting() {
  // Not yet started: one lease is the way to ask.
  MDP_TRY(auto reply, client_->write_one({"GET", keys_.setting()}));
  if (reply.is_error()) {
    if (reply.text.starts_with("WRONGTYPE"))
      return Error{Fault::kConfig, EINVAL, "this database holds no JuiceFS volume: its key "
                                           "'setting' is of another type"};
    return redis::refused(reply, "GET");
  }
  if (reply.nil())
    return Error{Fault::kConfig, ENOENT,
                 "this database holds no JuiceFS volume (no key 'setting'): check the URL and "
                 "its database number, or create a volume with format"};
  MDP_TRY(auto setting, model::parse_setting(reply.text));
  MDP_TRY_VOID(model::check_supported(setting));
  MDP_TRY(auto quotas, client_->write_one({"HVALS", keys_.plain(model::kDirQuota)}));
  MDP_TRY_VOID(check_dir_quotas(quotas));
  facts_.settings(setting);
  facts_.dir_mtime_step(std::chrono::nanoseconds(config_.skip_dir_mtime).count());
  std::lock_guard lock(setting_mutex_);
  setting_ = std::move(setting);
  return {};
}

std::string Volume::setting_json() const {
  std::lock_guard lock(setting_mutex_);
  return setting_.json;
}

redis::ClientHooks Volume::hooks() {
  redis::ClientHooks hooks;
  hooks.on_invalidate = [this](std::span<const std::string> keys) { invalidated(keys); };
  hooks.on_flush = [this] {
    if (fast()) fast_->flushed();
    else cache_->clear();
    host_.all_changed();
  };
  hooks.on_lost = [this] {
    tracking_.store(false, std::memory_order_release);
    if (!fast()) cache_->disable();
    echoes_.clear();
    {
      std::lock_guard lock(wake_mutex_);  // never in the middle of become_writable()
      health_.connection_lost();
    }
    host_.all_changed();
    log_.warn("the connection to the metadata server is lost; trying to reconnect");
  };
  hooks.on_ready = [this] {
    echoes_.clear();
    // What was answered meanwhile may be old: nobody may keep it once answers count as watched.
    if (fast()) fast_->connection_ready();
    else cache_->enable();
    host_.all_changed();
    tracking_.store(true, std::memory_order_release);
    // fast-meta: once the server's cursor is known and agrees.
    if (!fast()) health_.connection_ready();
    std::lock_guard lock(wake_mutex_);
    reconnected_ = true;
    wake_.notify_all();
  };
  return hooks;
}

void Volume::invalidated(std::span<const std::string> keys) {
  for (const std::string& key : keys) {
    const auto parsed = keys_.parse(key);
    if (!parsed) continue;
    const bool own = echoes_.take(key);
    if (fast() || !own) changed(key, *parsed);
  }
}

void Volume::changed(const std::string& key, const model::KeySpace::Parsed& parsed) {
  if (fast()) fast_->invalidated(key, parsed);
  else cache_->invalidate(key);
  switch (parsed.kind) {
    case 'i': host_.attr_changed(parsed.ino); break;
    case 'd': host_.names_changed(parsed.ino); break;
    case 'c': host_.data_changed(parsed.ino); break;
    default: break;  // neither xattrs nor link parents nor targets are kept outside
  }
}

Result<void> Volume::start() {
  if (config_.mode == config::Mode::kFastMeta) {
    std::string uuid;
    {
      std::lock_guard lock(setting_mutex_);
      uuid = setting_.uuid;
    }
    MDP_TRY(fast_, FastMeta::open({*client_, keys_, config_, open_, host_, clock_, log_}, uuid));
  } else {
    cache_ = std::make_unique<ValueCache>(config_.cache.memory_max, config_.cache.ttl);
  }
  Passthrough::Volume answers;
  answers.facts = [this] { return facts_.now(); };
  answers.may_write = [this] { return health_.may_write(); };
  answers.may_release = [this] { return health_.may_release(); };
  answers.changed = [this](const std::string& key) {
    if (const auto parsed = keys_.parse(key)) changed(key, *parsed);
  };
  PassthroughOptions options;
  options.retries_max = static_cast<int>(config_.meta.transaction_retries);
  const bool remembers = !fast() && config_.cache.memory_max > 0;
  options.listed_along = remembers ? std::min(options.listed_along, config_.cache.listing_max) : 0;
  options.shares_connection = !fast();  // whose worker has it for itself
  server_ = std::make_unique<Passthrough>(
      *client_, keys_, fast() ? fast_->written_keys() : static_cast<ReadCache&>(*cache_), echoes_,
      open_, static_cast<Effects&>(*this), std::move(answers), options, log_);
  executor_ = server_.get();
  if (fast()) MDP_TRY_VOID(start_fast_meta());
  else late_releases_ = std::make_unique<LockReleases>(nullptr, *server_, log_);
  trash_hour_ = std::make_unique<TrashHour>(
      *client_, clock_, [this] { return draw(model::kNextTrash, 1); });
  dir_stats_ = std::make_unique<DirStats>(*client_, keys_, log_);
  deleter_ = std::make_unique<FileDeleter>(
      *client_, keys_, [this](uint64_t id, uint32_t size) { return host_.delete_slice(id, size); },
      log_);
  session_ = std::make_unique<Session>(*client_, keys_, clock_, log_, config_.session_heartbeat,
                                       options_.mount_point);
  session_keeper_ = std::make_unique<SessionKeeper>(
      *client_, keys_, *server_, *session_, open_,
      SessionKeeper::Volume{[this](uint64_t id) { facts_.session(id); },
                            [this](model::Ino ino) { return remove_sustained(ino); }},
      log_);
  auto wake_refill = [this] {
    std::lock_guard lock(wake_mutex_);
    refill_wanted_ = true;
    wake_.notify_all();
  };
  auto range = [&](std::string_view counter, uint64_t reserve, uint64_t first) {
    return std::make_unique<IdRange>(
        reserve, std::max<uint64_t>(1, reserve * config_.ids.low_water / 100), first,
        [this, counter](uint64_t count) { return draw(counter, count); }, wake_refill);
  };
  inodes_ = range(model::kNextInode, config_.ids.inode_reserve, model::kRootIno + 1);
  slices_ = range(model::kNextChunk, config_.ids.slice_reserve, 1);
  if (fast()) fast_->restore(*inodes_, *slices_);

  stopping_ = false;
  caught_up_.reset();
  MDP_TRY_VOID(client_->start(hooks()));
  MDP_TRY_VOID(reload());
  const bool writes = !options_.read_only && !config_.read_only;
  if (writes) {
    if (fast()) MDP_TRY_VOID(session_keeper_->find_earlier());
    MDP_TRY_VOID(session_->open());
    facts_.session(session_->id());
    if (config_.deletes.enabled) deleter_->start(*server_, config_.deletes.threads);
    refill_wanted_ = true;
  }
  if (fast() && writes) {
    after_reconnect();  // our numbers are above all that we ever leased
    if (auto trash = current_trash(); !trash)
      log_.warn("the trash directory is not known yet: {}", trash.error().text);
    health_.recovering();
  }
  if (fast()) fast_->start(writes);
  health_.started(!writes);
  if (late_releases_) late_releases_->start();
  pulse_thread_ = std::thread([this] { pulse(); });
  flush_thread_ = std::thread([this] { flush_loop(); });
  if (fast() && writes) {
    std::unique_lock lock(wake_mutex_);
    writable_.wait_for(lock, kRecoverWait,
                       [&] { return health_.seen().state != State::kRecovering; });
  }
  return {};
}

Result<void> Volume::start_fast_meta() {
  FastMeta::Volume answers;
  answers.stranger = [this](const std::optional<std::string>& setting) -> std::string {
    if (!setting) return kSettingsGone;
    auto parsed = model::parse_setting(*setting);
    return parsed ? stranger(*parsed) : std::move(parsed).error().text;
  };
  answers.facts = [this] { return facts(); };
  answers.may_write = [this](bool content) { return health_.may_write(content); };
  answers.trash_now = [this] { return current_trash(); };
  answers.ensure_statistics = [this](model::Ino dir) { return dir_stats_->ensure(dir); };
  answers.refuse_writes = [this](std::string reason) {
    health_.refused(std::move(reason));
    writable_.notify_all();
  };
  answers.store_failed = [this](std::string reason) {
    health_.failed(std::move(reason));
    writable_.notify_all();
  };
  answers.recovered = [this](uint64_t epoch) {
    std::lock_guard lock(wake_mutex_);
    caught_up_ = epoch;
    wake_.notify_all();
  };
  MDP_TRY_VOID(fast_->connect(*server_, static_cast<Effects&>(*this), std::move(answers)));
  executor_ = &fast_->executor();
  return {};
}

model::VolumeFacts Volume::facts() const {
  model::VolumeFacts facts = facts_.now();
  if (!fast()) return facts;
  const Backlog::Seen pending = fast_->backlog().seen();
  facts.used_space += pending.used_space;
  facts.used_inodes += pending.used_inodes;
  return facts;
}

uint64_t Volume::stop(milliseconds wait) {
  {
    std::lock_guard lock(wake_mutex_);
    if (stopping_ || !pulse_thread_.joinable()) return 0;
  }
  if (fast() && session_->id() != 0) fast_->drained(deadline_in(wait));
  {
    std::lock_guard lock(wake_mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  pulse_thread_.join();
  flush_thread_.join();
  deleter_->stop();
  if (late_releases_) late_releases_->stop();
  uint64_t left = 0;
  if (fast()) {
    executor_ = server_.get();
    left = fast_->stop(milliseconds(0), *inodes_, *slices_);
  }
  if (left > 0 && session_->id() != 0) {
    log_.info("session {} is left: changes that wait may have been made under its locks",
              session_->id());
  } else if (session_->id() != 0 && client_->connected()) {
    if (auto sent = dir_stats_->flush(); !sent)
      log_.warn("some directory statistics were not sent: {}", sent.error().text);
    if (auto tidy = session_keeper_->tidy_earlier(); !tidy)
      log_.warn("sessions of earlier starts are left as they were: {}", tidy.error().text);
    auto cleaned = session_->clean(
        session_->id(), [this](uint64_t, model::Ino ino) { return remove_sustained(ino); });
    if (!cleaned)
      log_.warn("session {} is left for other clients to clean: {}", session_->id(),
                cleaned.error().text);
  }
  health_.stopped();
  client_->stop();
  return left;
}

std::string Volume::stranger(const model::Setting& setting) const {
  std::lock_guard lock(setting_mutex_);
  if (setting.uuid == setting_.uuid) return {};
  return fmt::format("the database now holds another volume (UUID {}, opened {})", setting.uuid,
                     setting_.uuid);
}

Result<void> Volume::reload() {
  const std::vector<Command> asks{{"MGET", keys_.setting(), keys_.plain(model::kUsedSpace),
                                   keys_.plain(model::kTotalInodes)},
                                  {"HVALS", keys_.plain(model::kDirQuota)}};
  MDP_TRY(auto replies, client_->read(asks, client_->deadline()));
  const redis::Reply& reply = replies[0];
  if (reply.is_error()) return redis::refused(reply, "MGET");
  if (reply.items.size() != 3) return Error{Fault::kCorrupt, EIO, "MGET was answered oddly"};
  if (reply.items[0].nil()) {
    health_.failed(kSettingsGone);
    return {};
  }
  auto setting = model::parse_setting(reply.items[0].text);
  if (!setting) return std::move(setting).error();
  if (std::string why = stranger(*setting); !why.empty()) {
    health_.failed(std::move(why));
    return {};
  }
  {
    std::lock_guard lock(setting_mutex_);
    setting_ = *setting;
  }
  auto supported = model::check_supported(*setting);
  if (supported) supported = check_dir_quotas(replies[1]);
  health_.unsupported(supported ? std::string() : supported.error().text);
  facts_.settings(*setting);
  facts_.counters(parse_decimal<int64_t>(reply.items[1].text).value_or(0),
                  parse_decimal<int64_t>(reply.items[2].text).value_or(0));
  return {};
}

Result<void> Volume::raise_counter(std::string_view name, uint64_t at_least) {
  if (at_least == 0) return {};
  const std::string key = keys_.plain(name);
  MDP_TRY(auto reply, client_->read_one({"GET", key}));
  if (reply.is_error()) return redis::refused(reply, "GET");
  const auto now = parse_decimal<uint64_t>(reply.text).value_or(0);
  if (now >= at_least) return {};
  log_.warn("counter {} went back from at least {} to {}: the metadata server has lost changes",
            name, at_least, now);
  MDP_TRY(auto raised, client_->write_one({"INCRBY", key, std::to_string(at_least - now)}));
  if (raised.is_error()) return redis::refused(raised, "INCRBY");
  return {};
}

void Volume::after_reconnect() {
  // A server that forgot its last second must not hand out our numbers again.
  for (auto [name, range] : {std::pair{model::kNextInode, inodes_.get()},
                             std::pair{model::kNextChunk, slices_.get()}})
    if (auto raised = raise_counter(name, range->highest()); !raised)
      log_.warn("counter {} could not be checked: {}", name, raised.error().text);
}

Result<void> Volume::beat() {
  MDP_TRY_VOID(reload());
  if (session_->id() == 0) return {};
  MDP_TRY_VOID(session_keeper_->beat());
  // Cleaning up after others must not cost us our own session.
  auto next = std::chrono::steady_clock::now() + config_.session_heartbeat;
  auto stay_alive = [&] {
    if (std::chrono::steady_clock::now() < next) return;
    static_cast<void>(session_->heartbeat());  // a loss shows at the next beat as well
    next = std::chrono::steady_clock::now() + config_.session_heartbeat;
  };
  std::vector<model::Ino> late;
  {
    std::lock_guard lock(late_mutex_);
    late.swap(late_removals_);
  }
  for (model::Ino ino : late) {
    static_cast<void>(remove_sustained(ino));
    stay_alive();
  }
  // Changes that an earlier start of ours made under its locks are sent first.
  if (health_.is_recovering()) return {};
  const auto tidy = session_keeper_->tidy_earlier();
  const auto cleaned = session_->clean_stale(
      [&](uint64_t session, model::Ino ino) -> Result<void> {
        stay_alive();
        if (stopping()) return Error{Fault::kAnswer, EINTR, "the mount ends"};
        MDP_TRY_VOID(remove_sustained(ino));
        MDP_TRY(auto reply, client_->write_one({"SREM", keys_.session_sustained(session),
                                                std::to_string(ino)}));
        return reply.is_error() ? Result<void>(redis::refused(reply, "SREM")) : Result<void>();
      });
  return tidy ? cleaned : tidy;
}

bool Volume::stopping() {
  std::lock_guard lock(wake_mutex_);
  return stopping_;
}

void Volume::become_writable(uint64_t epoch) {
  // Before anybody writes the kernel has dropped what the lost connection could not keep right.
  if (!host_.invalidations_done(kNoticesWait))
    log_.warn("writable before the kernel had dropped all it remembers");
  std::lock_guard lock(wake_mutex_);
  // Nobody has looked at the cursor behind another connection yet.
  if (!client_->connected() || client_->epoch() != epoch) return;
  health_.connection_ready();
  health_.recovered();
  writable_.notify_all();
}

void Volume::pulse() {
  // 5 % of jitter, so that clients that started together do not stay in step.
  const auto beat_every = config_.session_heartbeat * (95 + (session_->id() * 37) % 11) / 100;
  auto next_beat = std::chrono::steady_clock::now() + beat_every;
  std::unique_lock lock(wake_mutex_);
  while (!stopping_) {
    wake_.wait_until(lock, next_beat, [&] { return stopping_ || reconnected_ || caught_up_; });
    if (stopping_) return;
    const bool reconnected = std::exchange(reconnected_, false);
    const auto caught_up = std::exchange(caught_up_, std::nullopt);
    lock.unlock();
    if (reconnected) after_reconnect();
    if (caught_up) {
      become_writable(*caught_up);
      if (!reconnected && std::chrono::steady_clock::now() < next_beat) {
        lock.lock();
        continue;
      }
    }
    if (auto done = beat(); !done && client_->connected())
      log_.warn("heartbeat: {}", done.error().text);
    next_beat = std::chrono::steady_clock::now() + beat_every;
    lock.lock();
  }
}

void Volume::flush_loop() {
  auto next_flush = std::chrono::steady_clock::now();
  std::unique_lock lock(wake_mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kTick, [&] { return stopping_ || refill_wanted_; });
    if (stopping_) return;
    const bool refill = std::exchange(refill_wanted_, false);
    lock.unlock();
    if (refill) {
      inodes_->refill();
      slices_->refill();
    }
    if (fast() && session_->id() != 0 && client_->connected() && health_.may_write())
      static_cast<void>(current_trash());  // of a new hour
    if (std::chrono::steady_clock::now() >= next_flush && client_->connected()) {
      if (auto sent = dir_stats_->flush(); !sent)
        log_.warn("directory statistics wait for the next flush: {}", sent.error().text);
      next_flush = std::chrono::steady_clock::now() + config_.dir_stats_flush_interval;
    }
    lock.lock();
  }
}

Result<uint64_t> Volume::draw(std::string_view counter, uint64_t count) {
  // Who asks for a number would only wait to hear the same.
  if (fast() && counter != model::kNextTrash && health_.seen().state == State::kReadOnly)
    MDP_TRY_VOID(health_.may_write());
  MDP_TRY(auto reply, client_->write_one({"INCRBY", keys_.plain(counter), std::to_string(count)}));
  if (reply.is_error()) return redis::refused(reply, "INCRBY");
  if (reply.number < static_cast<int64_t>(count))
    return Error{Fault::kCorrupt, EIO,
                 fmt::format("counter {} answered {}", counter, reply.number)};
  // A later life must not be given them again, even if the server goes back.
  if (fast() && counter != model::kNextTrash)
    MDP_TRY_VOID(fast_->leased(counter, static_cast<uint64_t>(reply.number)));
  return static_cast<uint64_t>(reply.number);
}

void Volume::committed(const model::Mutations& done,
                       const std::vector<model::SliceRelease>& unreferenced) {
  const bool stats = facts_.now().dir_stats;
  facts_.committed(done);
  if (stats) dir_stats_->add(done.dir_stats);
  deleter_->add_files(done.dead_files);
  deleter_->add_slices(unreferenced);
}

milliseconds Volume::entry_valid(bool found) const {
  if (!remembers()) return milliseconds(0);
  return found ? config_.kernel.entry_valid : config_.kernel.negative_valid;
}

milliseconds Volume::attr_valid() const {
  return remembers() ? config_.kernel.attr_valid : milliseconds(0);
}

}  // namespace fastmeta::engine
