// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/client.h"

#include <errno.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "redis/dialer.h"
#include "redis/pipeline.h"
#include "redis/pool.h"
#include "redis/server_info.h"

namespace fastmeta::redis {
namespace {

PipelineOptions pipeline_options(const ClientOptions& options) {
  PipelineOptions out;
  if (options.tracking) {
    Command tracking{"CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP"};
    for (const std::string& prefix : options.tracked_prefixes)
      tracking.insert(tracking.end(), {"PREFIX", prefix});
    out.setup.push_back(std::move(tracking));
  }
  out.connect_timeout = options.connect_timeout;
  out.backoff_initial = options.backoff_initial;
  out.backoff_max = options.backoff_max;
  out.ping_interval = options.ping_interval;
  out.ping_timeout = options.ping_timeout;
  return out;
}

PoolOptions pool_options(const ClientOptions& options) {
  PoolOptions out;
  out.connections_max = options.pool_max;
  out.connect_timeout = options.connect_timeout;
  out.backoff_initial = options.backoff_initial;
  out.backoff_max = options.backoff_max;
  return out;
}

// One server at one address.
class SingleClient : public Client {
 public:
  SingleClient(const ClientOptions& options, std::shared_ptr<Dialer> dialer,
               std::shared_ptr<Event> stop, ServerInfo info, Log log)
      : stop_(std::move(stop)),
        info_(std::move(info)),
        pool_(std::make_shared<Pool>(dialer, stop_, pool_options(options))),
        pipeline_(dialer, stop_, pipeline_options(options), std::move(log)) {
    command_deadline_ = options.command_deadline;
  }

  ~SingleClient() override { stop(); }

  Pool& pool() { return *pool_; }

  Result<void> start(ClientHooks hooks) override {
    PipelineHooks all;
    all.client = std::move(hooks);
    all.lost = [pool = pool_] { pool->drop_idle(); };
    all.tick = [pool = pool_] { pool->trim(); };
    MDP_TRY_VOID(pipeline_.start(std::move(all)));
    started_ = true;
    return {};
  }

  void stop() override {
    std::lock_guard lock(stop_mutex_);
    // Not before start(): a process that forks in between shares the event with
    // its child, and may end first.
    if (started_) stop_->set();
    pool_->stop();
    pipeline_.join();
  }

  const ServerInfo& server() const override { return info_; }
  const std::string& key_prefix() const override { return prefix_; }
  bool connected() const override { return pipeline_.connected(); }
  uint64_t epoch() const override { return pipeline_.epoch(); }

  Result<std::vector<Reply>> read(std::span<const Command> commands, Deadline deadline) override {
    if (started_) return pipeline_.read(commands, deadline);
    // The shared connection comes with the thread; what is read before goes by another.
    MDP_TRY(Lease lease, pool_->lend(deadline));
    return lease.roundtrip(commands, deadline);
  }

  Result<std::unique_ptr<Sent>> send(std::vector<Command> commands, uint64_t epoch,
                                     Deadline deadline) override {
    return pipeline_.send(commands, epoch, deadline);
  }

  Result<Lease> lease(Deadline deadline) override { return pool_->lend(deadline); }

 private:
  const std::shared_ptr<Event> stop_;
  const ServerInfo info_;
  const std::string prefix_;
  const std::shared_ptr<Pool> pool_;
  Pipeline pipeline_;
  std::atomic<bool> started_{false};
  std::mutex stop_mutex_;
};

// A server that is still loading its data is waited for, one that is not there is not.
Result<Connection> dial_at_open(Dialer& dialer, Deadline deadline, const ClientOptions& options,
                                const Event& stop) {
  Backoff backoff(options.backoff_initial, options.backoff_max);
  std::optional<Error> refusal;
  for (;;) {
    auto connection = dialer.dial(deadline);
    bool out_of_time = std::chrono::steady_clock::now() >= deadline;
    if (!connection && refusal && out_of_time) return *std::move(refusal);
    auto again = std::chrono::steady_clock::now() + backoff.next();
    if (connection || connection.error().fault != Fault::kRefused || again >= deadline)
      return connection;
    refusal = std::move(connection).error();
    (void)pause_until(again, stop);
  }
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(ClientOptions options, Log log) {
  MDP_TRY(options.address.password, find_password(options.address));
  auto stop = std::make_shared<Event>();
  auto dialer = std::make_shared<Dialer>(options.address, stop);
  Deadline deadline = deadline_in(options.connect_timeout);
  MDP_TRY(Connection connection, dial_at_open(*dialer, deadline, options, *stop));
  MDP_TRY(ServerInfo info, inspect_server(*dialer, connection, deadline));

  auto client = std::make_unique<SingleClient>(options, dialer, stop, std::move(info),
                                               std::move(log));
  client->pool().adopt(std::move(connection));
  return std::unique_ptr<Client>(std::move(client));
}

Result<Reply> Client::read_one(const Command& command) {
  MDP_TRY(std::vector<Reply> replies, read(std::span(&command, 1), deadline()));
  return std::move(replies.front());
}

Result<Reply> Client::write_one(const Command& command) {
  Deadline until = deadline();
  for (;;) {
    MDP_TRY(Lease one, lease(until));
    auto replies = one.roundtrip(std::span(&command, 1), until);
    if (replies) return std::move(replies->front());
    // Surely not sent: another connection may do it.
    bool again = replies.error().fault == Fault::kDisconnected &&
                 std::chrono::steady_clock::now() < until;
    if (!again) return std::move(replies).error();
  }
}

}  // namespace fastmeta::redis
