// SPDX-License-Identifier: GPL-3.0-or-later
// The shared connection: reads of all threads, written together as they come and
// answered in order, and the pushes that tell of changes. A thread of its own reads
// always, so pushes are taken also when nobody asks anything; it also connects
// again. Callers write from their own thread, which saves waking another one.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "redis/backoff.h"
#include "redis/client.h"
#include "redis/connection.h"
#include "redis/dialer.h"
#include "redis/link.h"
#include "util/log.h"

namespace fastmeta::redis {

struct PipelineOptions {
  std::vector<Command> setup;  // the last things said when connecting: tracking
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds backoff_initial{50};
  std::chrono::milliseconds backoff_max{2000};
  std::chrono::milliseconds ping_interval{2000};
  std::chrono::milliseconds ping_timeout{5000};
};

// Called on the pipeline's thread, without a lock held.
struct PipelineHooks {
  ClientHooks client;
  std::function<void()> lost;  // before client.on_lost
  std::function<void()> tick;  // about once a second
};

class Pipeline {
 public:
  Pipeline(std::shared_ptr<Dialer> dialer, std::shared_ptr<const Event> stop,
           PipelineOptions options, Log log);
  ~Pipeline();

  // Connects and calls on_ready in this thread, then starts its own.
  Result<void> start(PipelineHooks hooks);
  // The stop event must be set. Whoever waits gets kDisconnected.
  void join();

  Result<std::vector<Reply>> read(std::span<const Command> commands, Deadline deadline);
  Result<std::unique_ptr<Sent>> send(std::span<const Command> commands, uint64_t epoch,
                                     Deadline deadline);
  bool connected() const { return connected_; }
  uint64_t epoch() const { return epoch_; }

 private:
  using Clock = std::chrono::steady_clock;
  class Block;
  // What ends a connection.
  using Reason = std::optional<std::string>;

  void run(std::shared_ptr<Link> link);
  // Until the connection is lost or we are stopped; says why.
  std::string serve(const std::shared_ptr<Link>& link);
  Reason receive(Link& link);
  Reason take_replies(Link& link);
  bool deliver(Link& link, std::vector<Reply>& replies);
  Reason take_push(Reply& push);
  // Sends one when it is time; `next` becomes the time of the next check at the latest.
  Reason check_ping(const std::shared_ptr<Link>& link, Deadline& next);

  std::shared_ptr<Link> go_up(Connection connection);
  void go_down(Link& link, const std::string& why);
  std::optional<Connection> connect_again();
  void fail_all();

  Result<std::vector<Reply>> give_up(Request& request);
  Result<std::vector<Reply>> wait_for(Request& block, Deadline deadline);
  // With the lock held: the blocks that will get no reply, and whether each surely never
  // left; the rest of what is expected stays.
  struct Failed {
    std::shared_ptr<Request> block;
    Fault fault;
  };
  static std::vector<Failed> take_blocks(Link& link);
  void fail(std::vector<Failed> blocks, const std::string& why);
  // Both with the lock held; flush() lets go of it while writing.
  void append(Link& link, Request& request);
  void flush(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Link>& link);

  const std::shared_ptr<Dialer> dialer_;
  const std::shared_ptr<const Event> stop_;
  const PipelineOptions options_;
  const Log log_;
  PipelineHooks hooks_;

  Event wake_;  // the thread has something to write
  std::atomic<bool> connected_{false};
  std::atomic<uint64_t> epoch_{0};
  Backoff backoff_;  // the thread's own

  std::mutex mutex_;  // never held across a wait; hooks are called without it
  std::shared_ptr<Link> link_;     // guarded by mutex_; none while disconnected
  std::deque<Request*> parked_;    // guarded by mutex_; wait for a connection
  std::string outage_;             // guarded by mutex_; why there is none
  bool stopped_ = false;           // guarded by mutex_
  std::thread thread_;
};

}  // namespace fastmeta::redis
