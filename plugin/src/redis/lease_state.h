// SPDX-License-Identifier: GPL-3.0-or-later
// What a lease holds, and what it has to leave clean for the next user.
#pragma once

#include <memory>
#include <utility>

#include "redis/client.h"
#include "redis/connection.h"
#include "redis/pool.h"

namespace fastmeta::redis {

struct Lease::State {
  State(std::shared_ptr<Pool> p, Connection c, bool unwatch)
      : pool(std::move(p)), connection(std::move(c)), unwatch_first(unwatch) {}

  // Follows what a command and its reply do to the state of the connection.
  void note(const Command& command, const Reply& reply);

  std::shared_ptr<Pool> pool;
  Connection connection;
  bool unwatch_first;      // of an earlier user: sent before anything else
  bool watching = false;
  bool in_multi = false;
};

}  // namespace fastmeta::redis
