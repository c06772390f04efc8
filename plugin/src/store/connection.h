// SPDX-License-Identifier: GPL-3.0-or-later
// An open WiredTiger database. The only part that knows its configuration.
#pragma once

#include <wiredtiger.h>

#include <memory>
#include <string>

#include "store/latch.h"
#include "store/lock_file.h"
#include "store/store.h"

namespace fastmeta::store {

// The size of one file of the log; WiredTiger allocates the next one ahead.
inline constexpr uint64_t kLogFileBytes = uint64_t{32} << 20;
// WiredTiger's own threads take some of these.
inline constexpr int kSessionsMax = 512;

class Connection {
 public:
  // create: a database that is not there is made; else its absence is an error.
  static Result<std::unique_ptr<Connection>> open(const StoreOptions& options,
                                                  const std::string& home, bool create,
                                                  std::shared_ptr<Latch> latch);
  // After a panic WiredTiger cannot be closed (it waits for ever for the transactions
  // that it no longer lets roll back), and its threads stay: then everything that they
  // may touch is kept to the end of the process, the lock on the directory with it.
  static void abandon(std::unique_ptr<Connection> connection, LockFile lock);
  ~Connection();
  Connection(const Connection&) = delete;

  // With a checkpoint. Every session has to be back.
  Result<void> close();
  // To be called from any thread, for one thread's use. nullptr-free.
  Result<WT_SESSION*> open_session();

 private:
  // What WiredTiger calls back; first member, so that its pointer is ours.
  struct Events {
    WT_EVENT_HANDLER handler;
    Latch* latch;
  };
  static int on_error(WT_EVENT_HANDLER* handler, WT_SESSION*, int code, const char* text);
  static int on_message(WT_EVENT_HANDLER* handler, WT_SESSION*, const char* text);

  explicit Connection(std::shared_ptr<Latch> latch);

  const std::shared_ptr<Latch> latch_;
  Events events_;
  WT_CONNECTION* connection_ = nullptr;
};

// A session for one piece of work that is not a transaction of a caller.
struct SessionCloser {
  void operator()(WT_SESSION* session) const { session->close(session, nullptr); }
};
using SessionPtr = std::unique_ptr<WT_SESSION, SessionCloser>;

}  // namespace fastmeta::store
