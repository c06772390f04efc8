// SPDX-License-Identifier: GPL-3.0-or-later
// Host names to socket addresses, within a deadline.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "redis/event.h"
#include "util/clock.h"
#include "util/result.h"

namespace fastmeta::redis {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Numeric addresses are translated at once. A name is looked up on a thread of
// its own, because the system's look-up has no deadline.
// May be called from several threads; all ask for the same name.
class Resolver {
 public:
  // kDisconnected with the reason alone as its text.
  Result<std::vector<SocketAddress>> resolve(const std::string& host, uint16_t port,
                                             Deadline deadline, const Event& stop);

 private:
  struct Lookup;

  // One that is under way is shared by whoever asks meanwhile, also when the
  // first to ask has given up: there is never a second beside it.
  std::mutex mutex_;
  std::shared_ptr<Lookup> pending_;  // guarded by mutex_
};

}  // namespace fastmeta::redis
