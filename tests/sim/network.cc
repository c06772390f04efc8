// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/network.h"

#include <algorithm>
#include <cerrno>

#include "util/check.h"

namespace fastmeta::sim {

namespace {
constexpr Time kReconnectPause = 50 * kMillisecond;
constexpr Time kPatience = 10 * kSecond;  // of a command
constexpr uint64_t kLateOneIn = 8;        // replies whose thread is not run at once
constexpr Time kLateMost = 5 * kMillisecond;
constexpr uint64_t kSplitOneIn = 4;       // blocks that others get between the commands of
}  // namespace

// -- Wire

Wire::Wire(SimServer& server, LinkState& link, OnPush on_push)
    : server_(server), link_(link), on_push_(std::move(on_push)), far_(server.model().connect()) {}

Time Wire::next_arrival() {
  Scheduler& scheduler = server_.scheduler();
  const Time extra =
      link_.jitter > 0 ? static_cast<Time>(server_.dice().below(uint64_t(link_.jitter))) : 0;
  const Time when = std::max(scheduler.now(), link_.stalled_until) + link_.one_way + extra;
  last_arrival_ = std::max(last_arrival_ + 1, when);
  return last_arrival_;
}

Wire::RequestPtr Wire::send(std::vector<redis::Command> commands) {
  auto request = std::make_shared<Request>();
  request->commands = std::move(commands);
  waiting_.push_back(request);
  server_.scheduler().at(next_arrival(), [self = shared_from_this(), request] {
    self->arrived_.push_back(request);
    if (!self->processes_) self->process();
  });
  return request;
}

void Wire::process() {
  processes_ = false;
  while (!arrived_.empty()) {
    const RequestPtr request = arrived_.front();
    const size_t from = carried_out_, all = request->commands.size();
    size_t end = all;
    if (from + 1 < end && server_.dice().one_in(kSplitOneIn))
      end = from + 1 + server_.dice().below(end - from - 1);
    {
      // Together they are one turn of the server, which tells of changes at its end.
      const test::RedisModel::Turn turn(server_.model());
      for (size_t i = from; i < end; ++i) {
        if (!far_ || !far_->alive()) return;
        Item item;
        item.request = request;
        item.reply = far_->execute(request->commands[i]);
        server_.carried_out(request->commands[i], item.reply, link_);
        send_back(std::move(item));
      }
    }
    server_.tell_pushes();
    if (end < all) {
      carried_out_ = end;
      processes_ = true;
      server_.scheduler().at(
          server_.scheduler().now() + static_cast<Time>(server_.dice().below(kMicrosecond)),
          [self = shared_from_this()] { self->process(); });
      return;
    }
    arrived_.pop_front();
    carried_out_ = 0;
  }
}

void Wire::pushes_wait() {
  if (!far_) return;
  for (test::Push& push : far_->take_pushes()) {
    Item item;
    item.push = std::move(push.message);
    item.moment = server_.history().now();
    send_back(std::move(item));
  }
}

void Wire::send_back(Item item) {
  const Time extra =
      link_.jitter > 0 ? static_cast<Time>(server_.dice().below(uint64_t(link_.jitter))) : 0;
  const Time now = server_.scheduler().now();
  last_delivery_ = std::max(last_delivery_ + 1,
                            std::max({now, link_.stalled_until, lags_until_}) + link_.one_way +
                                extra);
  coming_.push_back(std::move(item));
  server_.scheduler().at(last_delivery_, [self = shared_from_this()] { self->deliver(); });
}

void Wire::deliver() {
  if (coming_.empty()) return;  // cut
  Item item = std::move(coming_.front());
  coming_.pop_front();
  if (!up_) return;
  if (item.push) {
    on_push_(std::move(*item.push), item.moment);
    return;
  }
  Request& request = *item.request;
  request.replies.push_back(std::move(item.reply));
  if (request.replies.size() < request.commands.size()) return;
  request.finished = true;
  std::erase(waiting_, item.request);
  const bool late = server_.dice().one_in(kLateOneIn);
  if (request.waiter)
    server_.scheduler().wake(request.waiter,
                             late ? static_cast<Time>(server_.dice().below(kLateMost)) : 0);
  if (request.then) request.then();
}

void Wire::cut(bool deliver_what_left) {
  if (!up_) return;
  up_ = false;
  coming_.clear();
  if (deliver_what_left) {
    link_.late_until = std::max(link_.late_until, last_arrival_ + 1);
    server_.scheduler().at(last_arrival_ + 1, [self = shared_from_this()] { self->far_.reset(); });
  } else {
    far_.reset();
  }
  for (const RequestPtr& request : std::exchange(waiting_, {})) {
    request->finished = request->lost = true;
    if (request->waiter) server_.scheduler().wake(request->waiter);
  }
  if (on_lost) on_lost();
}

void Wire::server_gone() {
  far_.reset();
  // What it had sent arrives before the end does.
  server_.scheduler().at(last_delivery_ + 1, [self = shared_from_this()] { self->cut(false); });
}

// -- SimServer

WirePtr SimServer::connect(LinkState& link, Wire::OnPush on_push) {
  auto wire = std::make_shared<Wire>(*this, link, std::move(on_push));
  std::erase_if(wires_, [](const auto& weak) { return weak.expired(); });
  wires_.push_back(wire);
  return wire;
}

void SimServer::tell_pushes() {
  for (const auto& weak : wires_)
    if (auto wire = weak.lock()) wire->pushes_wait();
}

void SimServer::carried_out(const redis::Command& command, const redis::Reply& reply,
                            const LinkState& by) {
  for (Place& place : history_.step())
    written_[&by].insert_or_assign(std::move(place), history_.now());
  if (on_command) on_command(command, reply);
}

Moment SimServer::written(const LinkState& by, const Place& place) const {
  const auto client = written_.find(&by);
  if (client == written_.end()) return 0;
  const auto at = client->second.find(place);
  return at == client->second.end() ? 0 : at->second;
}

void SimServer::restart(std::optional<test::Keyspace> kept) {
  for (const auto& weak : wires_)
    if (auto wire = weak.lock()) wire->server_gone();
  if (!kept) return model_.restart();
  model_.restore(std::move(*kept));
  history_.replaced();
}

// -- SimClient

class SimClient::SimSent final : public redis::Sent {
 public:
  SimSent(Scheduler& scheduler, Wire::RequestPtr request)
      : scheduler_(scheduler), request_(std::move(request)) {}
  Result<std::vector<redis::Reply>> wait() override {
    const Time until = scheduler_.now() + kPatience;
    request_->waiter = scheduler_.current();
    while (!request_->finished)
      if (!scheduler_.park(until) && !request_->finished) break;
    request_->waiter = nullptr;
    scheduler_.check_alive();
    if (!request_->finished || request_->lost)
      return Error{Fault::kUnreachable, EIO, "the connection was lost"};
    return std::move(request_->replies);
  }

 private:
  Scheduler& scheduler_;
  const Wire::RequestPtr request_;
};

class SimClient::SimLease final : public redis::Lease::Held {
 public:
  SimLease(Scheduler& scheduler, WirePtr wire) : scheduler_(scheduler), wire_(std::move(wire)) {}
  ~SimLease() override { wire_->cut(true); }
  Result<std::vector<redis::Reply>> roundtrip(std::span<const redis::Command> commands,
                                              Deadline) override {
    scheduler_.check_alive();
    if (commands.empty()) return std::vector<redis::Reply>();
    if (!wire_->up()) return Error{Fault::kDisconnected, EIO, "the connection is closed"};
    auto replies = SimSent(scheduler_, wire_->send({commands.begin(), commands.end()})).wait();
    if (!replies) wire_->cut(true);
    return replies;
  }

 private:
  Scheduler& scheduler_;
  const WirePtr wire_;
};

SimClient::SimClient(SimServer& server, LinkState& link, ProcessPtr process)
    : server_(server), scheduler_(server.scheduler()), link_(link), process_(std::move(process)) {
  info_.version = "7.0.0";
}

Result<void> SimClient::start(redis::ClientHooks hooks) {
  hooks_ = std::move(hooks);
  connect();
  return {};
}

void SimClient::connect() {
  if (process_->dead || (wire_ && wire_->up())) return;
  if (!link_.up || scheduler_.now() < link_.stalled_until) return connect_later();
  wire_ = server_.connect(link_, [this, alive = alive_](redis::Reply push, Moment moment) {
    if (!*alive || push.items.size() != 2) return;
    ++pushes_;
    std::vector<std::string> keys;
    for (redis::Reply& key : push.items[1].items) keys.push_back(std::move(key.text));
    for (const std::string& key : keys) announced_[key].push_back({pushes_, moment});
    if (push.items[1].nil()) {
      all_announced_.push_back({pushes_, moment});
      hooks_.on_flush();
    } else {
      hooks_.on_invalidate(keys);
    }
  });
  wire_->on_lost = [this, alive = alive_] {
    if (*alive) lost();
  };
  redis::Command tracking{"CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP"};
  for (const char* prefix : {"i", "d", "c", "x", "s", "p"})
    tracking.insert(tracking.end(), {"PREFIX", prefix});
  wire_->send({tracking})->then = [this, alive = alive_] {
    if (!*alive) return;
    ready_ = true;
    ++epoch_;
    // From now on answers are those of this connection.
    all_announced_.push_back({++pushes_, server_.history().now()});
    hooks_.on_ready();
  };
}

void SimClient::connect_later() {
  scheduler_.at(scheduler_.now() + kReconnectPause, [this, alive = alive_] {
    if (*alive) connect();
  });
}

void SimClient::lost() {
  if (std::exchange(ready_, false)) hooks_.on_lost();
  connect_later();
}

void SimClient::lag(Time until) {
  if (wire_) wire_->lag(until);
}

void SimClient::cut(bool deliver_what_left) {
  for (const auto& weak : std::exchange(pooled_, {}))
    if (auto wire = weak.lock()) wire->cut(deliver_what_left);
  if (wire_) wire_->cut(deliver_what_left);
}

Moment SimClient::announced(const std::string& key, uint64_t pushes) const {
  Moment moment = 0;
  auto last = [&](const std::vector<Push>& all) {
    for (auto push = all.rbegin(); push != all.rend(); ++push)
      if (push->number <= pushes) {
        moment = std::max(moment, push->moment);
        return;
      }
  };
  last(all_announced_);
  if (const auto at = announced_.find(key); at != announced_.end()) last(at->second);
  return moment;
}

void SimClient::drop_all() {
  *alive_ = false;
  cut(true);
}

Result<std::vector<redis::Reply>> SimClient::read(std::span<const redis::Command> commands,
                                                  Deadline) {
  const Time until = scheduler_.now() + kPatience;
  for (;;) {
    scheduler_.check_alive();
    if (connected()) {
      auto replies = SimSent(scheduler_, wire_->send({commands.begin(), commands.end()})).wait();
      if (replies) return replies;
    }
    if (scheduler_.now() >= until)
      return Error{Fault::kDisconnected, EIO, "the server cannot be reached"};
    scheduler_.sleep(kReconnectPause / 5);
  }
}

Result<std::unique_ptr<redis::Sent>> SimClient::send(std::vector<redis::Command> commands,
                                                     uint64_t epoch, Deadline) {
  scheduler_.check_alive();
  if (!connected() || epoch != epoch_)
    return Error{Fault::kDisconnected, EIO, "the connection is another"};
  return std::unique_ptr<redis::Sent>(
      std::make_unique<SimSent>(scheduler_, wire_->send(std::move(commands))));
}

Result<redis::Lease> SimClient::lease(Deadline) {
  scheduler_.check_alive();
  const Time until = scheduler_.now() + kPatience;
  while (!link_.up || scheduler_.now() < link_.stalled_until) {
    if (scheduler_.now() >= until)
      return Error{Fault::kDisconnected, EIO, "the server cannot be reached"};
    scheduler_.sleep(kReconnectPause / 5);
  }
  auto wire = server_.connect(link_, [](redis::Reply, Moment) {});
  std::erase_if(pooled_, [](const auto& weak) { return weak.expired(); });
  pooled_.push_back(wire);
  return redis::Lease(std::make_unique<SimLease>(scheduler_, std::move(wire)));
}

}  // namespace fastmeta::sim
