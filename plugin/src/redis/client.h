// SPDX-License-Identifier: GPL-3.0-or-later
// The connections of one volume: a multiplexed one that carries tracking and
// pipelines independent reads of all threads, and a pool for transactions.
// Callers see one Client; how servers are found and reached (single server now,
// others later) is behind it.
//
// Threads: everything may be called from any thread once start() has returned;
// before it, read() and lease() work by pooled connections (not while forking).
// Hooks are called on the reader thread and must not block or call the client.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "redis/address.h"
#include "redis/reply.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/result.h"

namespace fastmeta::redis {

struct ClientOptions {
  Address address;
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds command_deadline{10000};  // from the call to its reply
  std::chrono::milliseconds backoff_initial{50};      // between attempts to reconnect
  std::chrono::milliseconds backoff_max{2000};
  std::chrono::milliseconds ping_interval{2000};      // proves the tracking connection
  std::chrono::milliseconds ping_timeout{5000};       // nothing has come: it is lost
  size_t pool_max = 32;                               // connections for transactions
  bool tracking = true;
  std::vector<std::string> tracked_prefixes;          // BCAST; none is a prefix of another
};

struct ClientHooks {
  // Keys changed by others (or by ourselves on a pooled connection).
  std::function<void(std::span<const std::string>)> on_invalidate;
  // FLUSHALL / FLUSHDB: every key.
  std::function<void()> on_flush;
  // The tracking connection is lost: from now on nothing tells of changes. Called
  // once per loss, before any later call on the client succeeds again.
  std::function<void()> on_lost;
  // Connected with tracking on; called once per connection, the first included.
  std::function<void()> on_ready;
};

// What a server says of itself at connect.
struct ServerInfo {
  std::string version;            // redis_version
  std::string eviction_policy;    // maxmemory_policy
  bool eviction_possible = false; // a policy other than noeviction
  bool aof = false;
  bool cluster = false;
  std::string run_id;
};

// One pooled connection for the time of a transaction. Destruction returns it
// to the pool after UNWATCH when something may be watched; a connection on which
// a call failed is closed instead.
class Lease {
 public:
  // The client's side of it, which ends with the lease.
  class Held {
   public:
    virtual ~Held() = default;
    virtual Result<std::vector<Reply>> roundtrip(std::span<const Command> commands,
                                                 Deadline deadline) = 0;
  };
  explicit Lease(std::unique_ptr<Held> held) : held_(std::move(held)) {}

  // Writes all commands at once and waits for all replies. Error replies are
  // among them; an Error means that the connection failed: kUnreachable when the
  // commands may have reached the server, kDisconnected when surely not.
  Result<std::vector<Reply>> roundtrip(std::span<const Command> commands, Deadline deadline) {
    return held_->roundtrip(commands, deadline);
  }

 private:
  std::unique_ptr<Held> held_;
};

// Commands on their way on the tracking connection; see Client::send.
class Sent {
 public:
  virtual ~Sent() = default;
  // Waits for all replies, error replies among them. kUnreachable: the connection was
  // lost, or the deadline passed, after the commands may have reached the server;
  // kDisconnected: surely not. Call it once.
  virtual Result<std::vector<Reply>> wait() = 0;
};

class Client {
 public:
  // Connects once, in this thread, checks HELLO 3 and SELECT, reads INFO; starts
  // no thread. Within connect_timeout: kDisconnected (unreachable), kRefused (still
  // loading, or full), kConfig (wrong password, no permission, too old, cluster),
  // each a message that says so. Looks for a password as find_password() does.
  static Result<std::unique_ptr<Client>> open(ClientOptions options, Log log);

  virtual ~Client() = default;

  // Turns tracking on, calls on_ready in this thread, starts the reader thread.
  virtual Result<void> start(ClientHooks hooks) = 0;
  virtual void stop() = 0;

  virtual const ServerInfo& server() const = 0;
  // "" for a single server. All keys begin with it.
  virtual const std::string& key_prefix() const = 0;
  // The tracking connection is up.
  virtual bool connected() const = 0;
  // Counts connections made with tracking on; 0 before the first.
  virtual uint64_t epoch() const = 0;

  // On the multiplexed connection: commands of one call are written together and
  // answered in order; calls of other threads may come between. Waits for the
  // connection to come back, until the deadline. Reads only: a lost reply of a
  // write could not be judged; a read whose reply is lost is sent again.
  virtual Result<std::vector<Reply>> read(std::span<const Command> commands,
                                          Deadline deadline) = 0;
  // On the multiplexed connection too, without waiting for the replies: as one block,
  // in the order of the calls, and never sent a second time. For transactions (WATCH …
  // MULTI … EXEC) of one user at a time; reads of others may pass between blocks, never
  // within one. kDisconnected at once when there is no connection. `epoch`: fails with
  // kDisconnected unless the connection is still that one (see epoch()), so that a
  // WATCH and its EXEC never go to two connections.
  virtual Result<std::unique_ptr<Sent>> send(std::vector<Command> commands, uint64_t epoch,
                                             Deadline deadline) = 0;
  // A connection of the pool; waits for a free one, and for a server that is not
  // there, until the deadline.
  virtual Result<Lease> lease(Deadline deadline) = 0;

  // Shorthands with the configured deadline.
  Deadline deadline() const { return deadline_in(command_deadline_); }
  Result<Reply> read_one(const Command& command);
  Result<Reply> write_one(const Command& command);  // by a lease

 protected:
  std::chrono::milliseconds command_deadline_{10000};
};

}  // namespace fastmeta::redis
