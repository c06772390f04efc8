// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/pooled_lease.h"

#include "redis/error_code.h"
#include "redis/wire.h"

namespace fastmeta::redis {

void PooledLease::note(const Command& command, const Reply& reply) {
  if (names(command, "WATCH")) {
    watching_ = true;
  } else if (names(command, "UNWATCH")) {
    // Inside of MULTI it is only queued.
    if (!reply.is_error() && !in_multi_) watching_ = false;
  } else if (names(command, "MULTI")) {
    in_multi_ = in_multi_ || !reply.is_error();
  } else if (names(command, "EXEC") || names(command, "DISCARD")) {
    if (reply.is_error() && error_code(reply) != "EXECABORT") return;
    watching_ = false;
    in_multi_ = false;
  }
}

PooledLease::~PooledLease() {
  if (in_multi_ || connection_.broken())
    pool_->forget();
  else
    pool_->give_back(std::move(connection_), watching_ || unwatch_first_);
}

Result<std::vector<Reply>> PooledLease::roundtrip(std::span<const Command> commands,
                                                  Deadline deadline) {
  if (commands.empty()) return std::vector<Reply>();
  const auto prelude =
      unwatch_first_ ? Connection::Prelude::kUnwatch : Connection::Prelude::kNone;
  MDP_TRY(std::vector<Reply> replies, connection_.roundtrip(commands, deadline, prelude));
  unwatch_first_ = false;
  for (size_t i = 0; i < commands.size(); ++i) note(commands[i], replies[i]);
  return replies;
}

}  // namespace fastmeta::redis
