// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <memory>
#include <set>

#include "model/schema/codec.h"
#include "sim/checks.h"
#include "sim/fast_client.h"
#include "sim/housekeeper.h"
#include "sim/locker.h"
#include "sim/plain_client.h"
#include "sim/reader.h"
#include "sim/trash.h"
#include "sim/user.h"
#include "util/check.h"

namespace fastmeta::sim {

namespace {

constexpr Time kPatience = 600 * kSecond;
constexpr Time kLook = 5 * kMillisecond;
constexpr Time kKeep = 50 * kMillisecond;
constexpr uint64_t kMendedOneIn = 20;  // looks at a broken store
constexpr uint64_t kLagsEach = 100 * kMillisecond, kLagMost = 60 * kMillisecond;
constexpr uint64_t kRefusalsEach = kSecond, kRefusalMost = 300 * kMillisecond;
constexpr size_t kHistory = 400;
constexpr uint64_t kKeeper = 99;  // its session
constexpr model::Ino kFolderA = 2, kFolderB = 3, kCounter = 4;

class World {
 public:
  explicit World(const Plan& plan)
      : plan_(plan), dice_(plan.seed), scheduler_(dice_), server_(scheduler_, dice_) {
    make_volume();
    server_.on_command = [this](const redis::Command& command, const redis::Reply& reply) {
      watch(command, reply);
    };
    make_clients();
    make_users();
    make_housekeeper();
    make_lockers();
    for (auto& client : fast_) client->host().on_delete = [this](auto id) { slices_.deleted(id); };
    for (auto& client : plain_) client->host().on_delete = [this](auto id) { slices_.deleted(id); };
  }

  ~World() { scheduler_.end(); }

  Outcome run() {
    for (auto& client : fast_) {
      client->trimmed = plan_.eviction;
      client->start();
    }
    for (size_t i = 0; i < users_.size(); ++i) begin(i, false);
    for (Looker& looker : lookers_) begin(looker);
    for (Counter& counter : counters_) begin(counter);
    if (keeper_)
      scheduler_.spawn(keeper_client_->process(),
                       [this] { keeper_->work([this] { return stop_; }); });
    plan_fault();
    plan_store_fault();
    plan_lag();
    plan_refusal();
    keep();
    look_after();
    scheduler_.run(kPatience, [this] { return operations() >= plan_.steps; });
    heal();
    outcome_.findings = findings_.all();
    outcome_.operations = operations();
    if (keeper_) outcome_.merges += keeper_->merges();
    if (keeper_) outcome_.deletions += keeper_->deletions();
    if (keeper_) outcome_.sessions += keeper_->sessions();
    if (keeper_) outcome_.locks += keeper_->locks();
    if (keeper_) outcome_.expiries += keeper_->expired();
    outcome_.counts = counted_.acknowledged.size();
    for (const Looker& looker : lookers_) outcome_.reads += looker.reader->judged();
    for (const auto& client : fast_) {
      outcome_.evicted += client->evicted();
      outcome_.refusals += client->refusals(ENOSPC);
    }
    outcome_.history.assign(history_.begin(), history_.end());
    return std::move(outcome_);
  }

 private:
  struct Seat {
    std::unique_ptr<User> user;
    SimMount* mount = nullptr;
    FastClient* fast = nullptr;
    bool busy = false;
  };

  struct Looker {
    std::unique_ptr<Reader> reader;
    SimMount* mount = nullptr;
  };

  struct Counter {
    std::unique_ptr<Locker> locker;
    SimMount* mount = nullptr;
  };

  void note(const std::string& line) {
    std::string text = fmt::format("{:10.3f} ms  {}", static_cast<double>(scheduler_.now()) / 1e6,
                                   line);
    if (plan_.verbose) std::printf("%s\n", text.c_str());
    history_.push_back(std::move(text));
    if (history_.size() > kHistory) history_.pop_front();
  }

  void make_volume() {
    server_.settings.trash = plan_.trash;
    server_.settings.dir_stats = plan_.statistics;
    auto admin = server_.model().connect();
    model::Attr attr;
    attr.type = model::FileType::kDirectory;
    attr.perm = 0777;
    attr.nlink = 4;
    attr.length = 4096;
    attr.parent = model::kRootIno;
    admin->execute({"SET", "i1", model::encode_attr(attr)});
    attr.nlink = 2;
    for (model::Ino ino : {kFolderA, kFolderB}) {
      admin->execute({"SET", fmt::format("i{}", ino), model::encode_attr(attr)});
      admin->execute({"HSET", "d1", fmt::format("folder{}", ino),
                      model::encode_dentry({model::FileType::kDirectory, ino})});
    }
    if (plan_.trash)
      admin->execute({"SET", sim_keys().attr(model::kTrashIno),
                      model::encode_attr(trash_folder(model::kRootIno))});
    attr.type = model::FileType::kFile;
    attr.nlink = 1;
    attr.length = 0;
    admin->execute({"SET", fmt::format("i{}", kCounter), model::encode_attr(attr)});
    admin->execute({"HSET", "d1", "counter",
                    model::encode_dentry({model::FileType::kFile, kCounter})});
    for (const auto& [row, root] : {std::pair{model::kDirUsedInodes, "3"},
                                    std::pair{model::kDirUsedSpace, "12288"},
                                    std::pair{model::kDirDataLength, "0"}})
      for (model::Ino ino : {model::kRootIno, kFolderA, kFolderB})
        admin->execute({"HSET", std::string(row), std::to_string(ino),
                        ino == model::kRootIno ? root : "0"});
    admin->execute({"SET", "totalInodes", "3"});
    admin->execute({"SET", "usedSpace", "12288"});
    admin->execute({"SET", "nextinode", "100"});
    admin->execute({"SET", "nextchunk", "1"});
    admin->execute({"SET", "nextsession", "100"});  // below: those of clients that register none
    server_.begin_history();
  }

  LinkState& any_link() {
    auto link = std::make_unique<LinkState>();
    link->one_way = dice_.pick(std::vector<Time>{50 * kMicrosecond, kMillisecond,
                                                 15 * kMillisecond});
    link->jitter = dice_.one_in(2) ? link->one_way : 0;
    links_.push_back(std::move(link));
    return *links_.back();
  }

  void make_clients() {
    uint64_t session = 1;
    const size_t fast = plan_.losses ? 1 : 1 + dice_.below(3);
    for (size_t i = 0; i < fast; ++i, ++session)
      fast_.push_back(std::make_unique<FastClient>(server_, any_link(), fmt::format("fast{}", i),
                                                   session));
    const size_t plain = plan_.plain && !plan_.losses ? dice_.below(3) : 0;
    for (size_t i = 0; i < plain; ++i, ++session)
      plain_.push_back(std::make_unique<PlainClient>(
          server_, any_link(), i == 0 ? "standard" : "passthrough", session, i != 0));
  }

  void make_users() {
    const test::MemoryStore world = contents_of(server_.model());
    size_t number = 0;
    auto add = [&](SimMount& mount, FastClient* fast) {
      User::Terms terms;
      terms.alone = !plan_.crowd;
      if (plan_.crowd && !plan_.power) terms.account = &names_;
      terms.facts = server_.settings;
      terms.refused = plan_.refusals;
      terms.restores = !plan_.losses;  // the server's own: not offered again when it forgets
      terms.folders = {model::kRootIno, kFolderA, kFolderB};
      Seat place;
      place.mount = &mount;
      place.fast = fast;
      place.user = std::make_unique<User>(scheduler_, dice_, mount,
                                          fmt::format("u{}_", number++), terms, world, slices_,
                                          findings_,
                                          [this](std::string line) { note(line); });
      users_.push_back(std::move(place));
    };
    for (auto& client : fast_)
      for (uint64_t i = 0; i <= dice_.below(2); ++i) add(*client, client.get());
    for (auto& client : plain_) add(*client, nullptr);
    auto look = [&](SimMount& mount) {
      lookers_.push_back({std::make_unique<Reader>(scheduler_, dice_, mount, server_.history(),
                                                   findings_),
                          &mount});
    };
    for (auto& client : fast_) look(*client);
    for (auto& client : plain_) look(*client);
  }

  // The user's work, on a fiber of its mount's process.
  void begin(size_t at, bool after_death) {
    Seat& place = users_[at];
    scheduler_.spawn(place.mount->process(), [this, &place, after_death] {
      while (!place.mount->ready()) scheduler_.sleep(kLook);
      if (after_death) place.user->look_after_death();
      place.user->work([this] { return stop_; });
    });
  }

  // A client without users of its own.
  void make_housekeeper() {
    if (!plan_.housekeeping) return;
    LinkState& link = any_link();
    keeper_client_ = std::make_unique<PlainClient>(server_, link, "housekeeper", kKeeper, false);
    keeper_client_->host().on_delete = [this](uint64_t id) { slices_.deleted(id); };
    keeper_ = std::make_unique<Housekeeper>(scheduler_, dice_, *keeper_client_, server_.history(),
                                            slices_, [this](std::string line) { note(line); });
  }

  // Where somebody cleans up after sessions: a lock of one that died would stay.
  void make_lockers() {
    if (!keeper_ || !plan_.crowd) return;
    auto add = [&](SimMount& mount) {
      counters_.push_back({std::make_unique<Locker>(scheduler_, dice_, mount, kCounter, counted_,
                                                    [this](std::string line) { note(line); }),
                           &mount});
    };
    for (auto& client : fast_) add(*client);
    for (auto& client : plain_) add(*client);
    // Whoever runs the rules at once has no guard on what it writes: as the standard client.
    keeper_->alive = [this] { return dice_.pick(fast_)->session(); };
    keeper_->expire = plan_.expiries;
  }

  void begin(Counter& counter) {
    scheduler_.spawn(counter.mount->process(),
                     [this, &counter] { counter.locker->work([this] { return stop_; }); });
  }

  void begin(Looker& looker) {
    scheduler_.spawn(looker.mount->process(),
                     [this, &looker] { looker.reader->work([this] { return stop_; }); });
  }

  uint64_t operations() const {
    uint64_t sum = 0;
    for (const Seat& place : users_) sum += place.user->operations();
    return sum;
  }

  // -- what goes wrong

  void plan_fault() {
    if (!plan_.cuts && !plan_.kills && !plan_.restarts) return;
    scheduler_.at(scheduler_.now() + static_cast<Time>(dice_.below(300 * kMillisecond)), [this] {
      if (stop_) return;
      fault();
      plan_fault();
    });
  }

  void fault() {
    const uint64_t what = dice_.below(8);
    const size_t at = dice_.below(fast_.size() + plain_.size());
    LinkState& link = *links_[at];
    const bool left = dice_.one_in(2);
    SimClient* client = nullptr;
    if (at >= fast_.size())
      client = &plain_[at - fast_.size()]->redis();
    else if (fast_[at]->alive() && !fast_[at]->process()->dead)
      client = &fast_[at]->redis();
    if (what < 2 && plan_.cuts && client) {
      note(fmt::format("FAULT link {} is cut, what has left {}", at,
                       left ? "arrives" : "is lost"));
      ++outcome_.cuts;
      client->cut(left);
    } else if (what == 2 && plan_.cuts) {
      link.stalled_until = scheduler_.now() + static_cast<Time>(dice_.below(kSecond));
      note(fmt::format("FAULT link {} stalls", at));
    } else if (what == 3 && plan_.cuts && client) {
      note(fmt::format("FAULT link {} is down", at));
      ++outcome_.cuts;
      link.up = false;
      client->cut(left);
      scheduler_.at(scheduler_.now() + static_cast<Time>(dice_.below(2 * kSecond)),
                    [&link] { link.up = true; });
    } else if (what == 4 && plan_.losses) {
      const auto& [when, kept] = dice_.pick(kept_);
      note(fmt::format("FAULT the server restarts and forgets {:.1f} ms",
                       static_cast<double>(scheduler_.now() - when) / 1e6));
      ++outcome_.restarts;
      server_.restart(kept);
      kept_ = {{scheduler_.now(), server_.model().snapshot()}};
    } else if (what == 4 && plan_.restarts) {
      note("FAULT the server restarts");
      ++outcome_.restarts;
      server_.restart(std::nullopt);
    } else if (what >= 5 && plan_.kills) {
      FastClient& victim = *fast_[dice_.below(fast_.size())];
      if (!victim.alive() || victim.process()->dead) return;
      ++outcome_.kills;
      if (dice_.one_in(4)) {
        note("FAULT kill " + victim.name());
        victim.kill();
      } else {
        const uint64_t nth = 1 + dice_.below(30);
        const bool after = dice_.one_in(2);
        note(fmt::format("FAULT kill {} {} its commit {}", victim.name(),
                         after ? "behind" : "before", nth));
        victim.faults().die_at_commit(nth, after);
      }
    }
  }

  void plan_store_fault() {
    if (!plan_.full_disks && !plan_.rollbacks && !plan_.broken_stores) return;
    scheduler_.at(scheduler_.now() + static_cast<Time>(dice_.below(300 * kMillisecond)), [this] {
      if (stop_) return;
      store_fault(*dice_.pick(fast_));
      plan_store_fault();
    });
  }

  void plan_lag() {
    if (!plan_.lag) return;
    scheduler_.at(scheduler_.now() + static_cast<Time>(dice_.below(kLagsEach)), [this] {
      if (stop_) return;
      const size_t at = dice_.below(fast_.size() + plain_.size());
      const Time until = scheduler_.now() + static_cast<Time>(dice_.below(kLagMost));
      if (at >= fast_.size())
        plain_[at - fast_.size()]->redis().lag(until);
      else if (fast_[at]->alive())
        fast_[at]->redis().lag(until);
      plan_lag();
    });
  }

  // Not before the last one is over.
  void plan_refusal() {
    if (!plan_.refusals) return;
    scheduler_.at(scheduler_.now() + static_cast<Time>(dice_.below(kRefusalsEach)), [this] {
      if (stop_) return;
      using Refusal = test::RedisModel::Refusal;
      const Refusal refusal = dice_.pick(std::vector<Refusal>{
          {"OOM command not allowed when used memory > 'maxmemory'.", test::Demand::kGrows},
          {"READONLY You can't write against a read only replica.", test::Demand::kChanges},
          {"LOADING Redis is loading the dataset in memory", test::Demand::kAnswers}});
      note("FAULT the server says " + refusal.text);
      server_.model().refusal = refusal;
      scheduler_.at(scheduler_.now() + static_cast<Time>(dice_.below(kRefusalMost)), [this] {
        server_.model().refusal.reset();
        plan_refusal();
      });
    });
  }

  void store_fault(FastClient& client) {
    StoreFaults& faults = client.faults();
    const auto until = [&](Time most) {
      return scheduler_.now() + static_cast<Time>(dice_.below(static_cast<uint64_t>(most)));
    };
    const uint64_t what = dice_.below(4);
    if (what == 0 && plan_.full_disks) {
      const bool commits_too = dice_.one_in(2);
      note(fmt::format("FAULT the disk of {} is full{}", client.name(),
                       commits_too ? ", nothing is committed" : ""));
      faults.fill(until(500 * kMillisecond), commits_too);
    } else if (what == 1 && plan_.rollbacks) {
      const bool all = dice_.one_in(4);
      note(fmt::format("FAULT {} transactions of {} meet others", all ? "all" : "most",
                       client.name()));
      faults.storm(until(all ? 10 * kMillisecond : 100 * kMillisecond), all);
    } else if (what == 2 && plan_.broken_stores) {
      const uint64_t nth = 1 + dice_.below(30);
      const bool after = dice_.one_in(2);
      note(fmt::format("FAULT the store of {} breaks {} its commit {}", client.name(),
                       after ? "behind" : "before", nth));
      faults.break_at_commit(nth, after);
    }
  }

  // What a server that forgets may go back to.
  void keep() {
    kept_.emplace_back(scheduler_.now(), server_.model().snapshot());
    while (kept_.front().first < scheduler_.now() - kSecond) kept_.pop_front();
    if (plan_.losses) scheduler_.at(scheduler_.now() + kKeep, [this] { keep(); });
  }

  // Starts again what has died.
  void look_after() {
    for (auto& client : fast_) {
      if (client->faults().broken() && !client->process()->dead && dice_.one_in(kMendedOneIn)) {
        note(client->name() + " is stopped, its store is broken");
        ++outcome_.broken;
        client->kill();
      }
      if (!client->alive() || !client->process()->dead) continue;
      note(client->name() + " starts again");
      collect(*client);
      std::optional<size_t> power;
      if (plan_.power && dice_.one_in(2))
        power = dice_.below(client->unsynced_commits() + 1);
      if (keeper_ && client->session() != 0) keeper_->ran_out(client->session());
      client->bury(power);
      client->start();
      for (size_t i = 0; i < users_.size(); ++i)
        if (users_[i].fast == client.get()) begin(i, true);
      for (Looker& looker : lookers_)
        if (looker.mount == client.get()) begin(looker);
      for (Counter& counter : counters_)
        if (counter.mount == client.get()) begin(counter);
    }
    scheduler_.at(scheduler_.now() + kLook, [this] { look_after(); });
  }

  void collect(const FastClient& client) {
    const auto stats = client.stats();
    outcome_.conflicts += stats.conflicts;
    outcome_.adopted += stats.adopted;
    outcome_.nils += stats.nils;
    outcome_.scripts += stats.scripts;
  }

  // -- what never may happen

  void watch(const redis::Command& command, const redis::Reply& reply) {
    const bool refused = plan_.refusals && is_refusal(reply);
    outcome_.refused += refused;
    if (reply.is_error() && !refused && !reply.text.starts_with("NOSCRIPT"))
      findings_.add(fmt::format("the server answered {} with {}", command[0], reply.text));
    // Who cleans up after a session removes what it keeps without looking.
    if (command[0] == "EXEC" && !kept_by_session_.empty()) check_kept();
    if (command.size() < 3) return;
    if (command[0] == "SADD" && command[1].starts_with("session"))
      kept_by_session_.emplace(command[1], command[2]);
    // I4. What waits in MULTI is looked at as well: it was meant.
    if (command[0] == "RPUSH" && command[1].starts_with("c")) {
      const auto slice = model::decode_slice(command[2]);
      if (!slice) return;
      for (auto& client : fast_)
        if (client->host().slice_is_durable(slice->id, slice->size) <= 0)
          findings_.add(fmt::format("slice {} is seen before its data", slice->id));
    }
  }

  static bool is_refusal(const redis::Reply& reply) {
    constexpr std::string_view kSaid[] = {"OOM ", "READONLY ", "LOADING ", "EXECABORT "};
    return reply.is_error() && std::ranges::any_of(kSaid, [&](std::string_view said) {
             return reply.text.starts_with(said);
           });
  }

  void check_kept() {
    for (const auto& [set, ino] : std::exchange(kept_by_session_, {})) {
      const test::Value* members = server_.model().find(set);
      const test::Value* value = server_.model().find("i" + ino);
      if (!members || !value || !std::get<test::Set>(*members).contains(ino)) continue;
      const auto attr = model::decode_attr(std::get<std::string>(*value));
      if (attr && attr->nlink > 0)
        findings_.add(fmt::format("{} keeps inode {}, which has a name", set, ino));
    }
  }

  // -- the end

  template <typename Done>
  bool wait(Done done) {
    const Time until = scheduler_.now() + kPatience;
    scheduler_.run(until, done);
    return done();
  }

  bool settled() const {
    for (const auto& client : fast_)
      if (!client->settled()) return false;
    for (const auto& client : plain_)
      if (!client->settled()) return false;
    return true;
  }

  // Runs work on a fiber of each user's mount and waits for all.
  template <typename Work>
  bool on_all(Work work) {
    size_t left = users_.size();
    for (Seat& place : users_)
      scheduler_.spawn(place.mount->process(), [&, work] {
        work(place);
        --left;
      });
    return wait([&] { return left == 0; });
  }

  void heal() {
    note("everything heals");
    stop_ = true;
    for (auto& client : fast_) client->faults().end();
    server_.model().refusal.reset();
    for (auto& link : links_) {
      link->up = true;
      link->stalled_until = 0;
    }
    // Faults that are under way, and users in the middle of something.
    scheduler_.run(scheduler_.now() + 3 * kSecond, {});
    for (auto& client : fast_)
      if (!client->refused().empty())
        findings_.add(fmt::format("{} sends no more: {}", client->name(), client->refused()));
    if (!findings_.empty()) return;
    if (!wait([&] { return settled(); })) return hangs("changes are not sent");
    if (!on_all([](Seat& place) { place.user->close_all(); })) return hangs("files do not close");
    if (!wait([&] { return settled(); })) return hangs("closes are not sent");
    scheduler_.run(scheduler_.now() + kSecond, {});
    clean_sessions();
    scheduler_.run(scheduler_.now() + kSecond, {});  // the last changes are announced
    for (auto& client : fast_) {
      collect(*client);
      if (client->spoilt() > 0)
        findings_.add("what was pending on " + client->name() + " was evicted");
      if (!plan_.crowd && client->journalled() > 0)
        findings_.add(fmt::format("{} of {}: changes that nobody contradicts were undone: {}",
                                  client->journalled(), client->name(),
                                  client->journal().front().reason));
    }
    const test::MemoryStore store = contents_of(server_.model());
    check_volume(store, findings_);
    check_trash(store, findings_);
    // A folder that comes back from the trash is counted anew, whatever others are about to add.
    const bool lost = std::ranges::any_of(plain_, [](auto& one) { return one->lost_statistics(); });
    if (plan_.statistics && !plan_.trash && !lost) check_statistics(store, findings_);
    check_data(store, slices_, plan_.losses ? nullptr : &server_.history(), findings_);
    if (!plan_.power) check_names(store);
    check_counts(server_.history(), kCounter, counted_, undone(), plan_.power, findings_);
    if (!plan_.crowd)
      for (Seat& place : users_)
        place.user->compare([&]() -> const test::MemoryStore& { return store; });
    for (Looker& looker : lookers_) looker.reader->look_at_kernel(true);
    std::set<SimMount*> seen;
    if (!on_all([&](Seat& place) {
          if (seen.insert(place.mount).second) check_view(store, *place.mount, findings_);
        }))
      hangs("reads do not end");
  }

  void check_names(const test::MemoryStore& store) {
    for (auto& client : fast_)
      for (const engine::JournalEntry& entry : client->journal())
        if (const auto record = model::decode_record(entry.record)) names_.undone(*record);
    names_.check(store, findings_);
  }

  // Names of counts that journals have.
  std::set<std::string> undone() {
    std::set<std::string> names;
    for (auto& client : fast_)
      for (const engine::JournalEntry& entry : client->journal()) {
        const auto record = model::decode_record(entry.record);
        const auto* set = record ? std::get_if<model::SetXattrArgs>(&record->operation) : nullptr;
        if (set && set->ino == kCounter) names.insert(set->value.substr(set->value.find(' ') + 1));
      }
    return names;
  }

  void hangs(const char* what) {
    findings_.add(what);
    for (const auto& client : fast_)
      findings_.add(fmt::format("{}: ready {}, settled {}, {}", client->name(), client->ready(),
                                client->settled(), client->refused()));
  }

  // What killed processes held open, as any client does for a session that is gone.
  void clean_sessions() {
    LinkState link;
    link.one_way = kMicrosecond;
    PlainClient cleaner(server_, link, "cleaner", kKeeper, false);
    bool over = false;
    scheduler_.spawn(cleaner.process(), [&] {
      auto all = cleaner.redis().read_one({"ZRANGEBYSCORE", "allSessions", "-inf", "+inf"});
      MDP_CHECK(all);
      std::set<uint64_t> sessions;
      for (const redis::Reply& one : all->items) sessions.insert(std::stoull(one.text));
      for (auto& client : plain_) sessions.insert(client->session());  // unmounted
      for (auto& client : fast_) {
        // Nothing is left in it, unless an answer was lost of what is done in the server.
        if (!plan_.trash) sessions.erase(client->session());
        // What came under a number that was cleaned up after before its client died is found
        // by nobody but a gc.
        sessions.insert(client->dead_sessions().begin(), client->dead_sessions().end());
      }
      for (const uint64_t session : sessions)
        if (!clean_after(scheduler_, cleaner, session))
          findings_.add(fmt::format("session {} cannot be cleaned up after", session));
      over = true;
    });
    if (!wait([&] { return over && cleaner.settled(); }))
      hangs("sessions are not cleaned up after");
    scheduler_.kill(cleaner.process());
    scheduler_.run(scheduler_.now() + kMillisecond, {});
  }

  const Plan plan_;
  test::Dice dice_;
  Scheduler scheduler_;
  SimServer server_;
  std::deque<std::string> history_;
  Outcome outcome_;
  Findings findings_;
  std::vector<std::unique_ptr<LinkState>> links_;
  std::vector<std::unique_ptr<FastClient>> fast_;
  std::vector<std::unique_ptr<PlainClient>> plain_;
  std::vector<Seat> users_;
  std::vector<Looker> lookers_;
  Slices slices_;
  std::unique_ptr<PlainClient> keeper_client_;
  std::unique_ptr<Housekeeper> keeper_;
  std::vector<Counter> counters_;
  Counted counted_;
  Names names_;
  std::deque<std::pair<Time, test::Keyspace>> kept_;
  std::set<std::pair<std::string, std::string>> kept_by_session_;  // not looked at yet
  bool stop_ = false;
};

}  // namespace

Plan plan_of(uint64_t seed, uint64_t steps) {
  Plan plan;
  plan.seed = seed;
  plan.steps = steps;
  plan.crowd = seed % 3 == 2;
  plan.cuts = seed % 5 != 0;
  plan.kills = seed % 7 != 0;
  plan.restarts = seed % 2 == 0;
  plan.plain = seed % 4 != 3;
  plan.losses = seed % 11 == 4;
  plan.housekeeping = !plan.losses && seed % 3 != 1;
  plan.trash = seed % 37 < 13;
  plan.expiries = plan.crowd && plan.housekeeping && seed % 41 < 25;
  plan.statistics = seed % 43 < 14;
  plan.power = plan.crowd && seed % 13 < 6;
  plan.eviction = seed % 17 < 7;
  plan.full_disks = seed % 19 < 5;
  plan.rollbacks = seed % 23 < 5;
  plan.broken_stores = seed % 29 < 6;
  plan.lag = seed % 31 < 9;
  plan.refusals = seed % 47 < 14;
  return plan;
}

Outcome run(const Plan& plan) { return World(plan).run(); }

}  // namespace fastmeta::sim
