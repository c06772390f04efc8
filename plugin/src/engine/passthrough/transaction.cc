// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passthrough/transaction.h"

#include <utility>

namespace fastmeta::engine {

using redis::Command;
using redis::Reply;

Transaction::Transaction(redis::Client& client, TransactionLane* lane) : client_(client) {
  if (!lane || !client.connected() || lane->taken_.exchange(true, std::memory_order_acquire))
    return;
  lane_ = lane;
  const uint64_t epoch = client.epoch();
  if (epoch == lane_->epoch_) return;
  lane_->epoch_ = epoch;
  lane_->watching_ = false;
}

Transaction::~Transaction() {
  if (lane_) lane_->taken_.store(false, std::memory_order_release);
}

Result<std::vector<Reply>> Transaction::roundtrip(std::vector<Command> commands,
                                                  Deadline deadline) {
  if (!lane_) {
    if (!lease_) {
      MDP_TRY(redis::Lease lease, client_.lease(deadline));
      lease_.emplace(std::move(lease));
    }
    return lease_->roundtrip(commands, deadline);
  }
  const bool watches = commands.front()[0] == "WATCH";
  const bool ends = commands.back()[0] == "EXEC";
  // What an earlier user left watched would make this one fail for nothing.
  const bool unwatch = watches && std::exchange(fresh_, false) && lane_->watching_;
  if (unwatch) commands.insert(commands.begin(), {"UNWATCH"});
  lane_->watching_ = lane_->watching_ || watches;
  MDP_TRY(auto sent, client_.send(std::move(commands), lane_->epoch_, deadline));
  MDP_TRY(auto replies, sent->wait());
  if (unwatch) replies.erase(replies.begin());
  if (ends && !replies.back().is_error()) lane_->watching_ = false;
  return replies;
}

}  // namespace fastmeta::engine
