// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/error_code.h"
#include "redis/lease_state.h"
#include "redis/wire.h"

namespace fastmeta::redis {

void Lease::State::note(const Command& command, const Reply& reply) {
  if (names(command, "WATCH")) {
    watching = true;
  } else if (names(command, "UNWATCH")) {
    // Inside of MULTI it is only queued.
    if (!reply.is_error() && !in_multi) watching = false;
  } else if (names(command, "MULTI")) {
    in_multi = in_multi || !reply.is_error();
  } else if (names(command, "EXEC") || names(command, "DISCARD")) {
    if (reply.is_error() && error_code(reply) != "EXECABORT") return;
    watching = false;
    in_multi = false;
  }
}

Lease::Lease(std::unique_ptr<State> state) : state_(std::move(state)) {}

Lease::Lease(Lease&&) noexcept = default;

Lease& Lease::operator=(Lease&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Lease::~Lease() {
  if (!state_) return;
  if (state_->in_multi || state_->connection.broken())
    state_->pool->forget();
  else
    state_->pool->give_back(std::move(state_->connection),
                            state_->watching || state_->unwatch_first);
}

Result<std::vector<Reply>> Lease::roundtrip(std::span<const Command> commands,
                                            Deadline deadline) {
  if (commands.empty()) return std::vector<Reply>();
  State& state = *state_;
  Connection::Prelude prelude = state.unwatch_first ? Connection::Prelude::kUnwatch
                                                    : Connection::Prelude::kNone;
  MDP_TRY(std::vector<Reply> replies, state.connection.roundtrip(commands, deadline, prelude));
  state.unwatch_first = false;
  for (size_t i = 0; i < commands.size(); ++i) state.note(commands[i], replies[i]);
  return replies;
}

}  // namespace fastmeta::redis
