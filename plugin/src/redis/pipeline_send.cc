// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks of commands that are sent once or not at all, and not waited for at once.
#include <errno.h>

#include <algorithm>
#include <utility>

#include "redis/pipeline.h"
#include "redis/wire.h"

namespace fastmeta::redis {

class Pipeline::Block : public Sent {
 public:
  Block(Pipeline& pipeline, std::shared_ptr<Request> request, Deadline deadline)
      : pipeline_(pipeline), request_(std::move(request)), deadline_(deadline) {}

  Result<std::vector<Reply>> wait() override { return pipeline_.wait_for(*request_, deadline_); }

 private:
  Pipeline& pipeline_;
  const std::shared_ptr<Request> request_;
  const Deadline deadline_;
};

Result<std::unique_ptr<Sent>> Pipeline::send(std::span<const Command> commands, uint64_t epoch,
                                             Deadline deadline) {
  MDP_CHECK(!commands.empty());
  std::string bytes;  // a batch is long: others do not wait for its making
  append_commands(bytes, commands);
  auto request = std::make_shared<Request>(std::span<const Command>());

  std::unique_lock lock(mutex_);
  auto link = link_;
  if (!link || link->epoch != epoch) {
    std::string why = stopped_ ? "stopped" : link ? "connected anew since" : outage_;
    return Error{Fault::kDisconnected, EIO, fmt::format("{}: {}", dialer_->where(), why)};
  }
  request->sent = true;
  request->begin = link->end();
  link->waiting.append(bytes);
  link->expected.push_back({request.get(), commands.size(), false, request});
  flush(lock, link);
  return std::unique_ptr<Sent>(std::make_unique<Block>(*this, std::move(request), deadline));
}

Result<std::vector<Reply>> Pipeline::wait_for(Request& block, Deadline deadline) {
  if (block.wait_until(deadline)) return block.take();
  return give_up(block);
}

std::vector<Pipeline::Failed> Pipeline::take_blocks(Link& link) {
  std::vector<Failed> out;
  uint64_t offered = link.offered();
  // Nobody may write now what is judged as never sent.
  link.shut();
  for (Expected& one : link.expected) {
    if (!one.block) continue;
    bool may_have_left = one.request ? one.request->begin < offered : true;
    Fault fault = may_have_left ? Fault::kUnreachable : Fault::kDisconnected;
    if (one.request) out.push_back({std::move(one.block), fault});
    one.request = nullptr;
  }
  return out;
}

void Pipeline::fail(std::vector<Failed> blocks, const std::string& why) {
  for (Failed& one : blocks)
    one.block->finish(Error{one.fault, EIO, fmt::format("{}: {}", dialer_->where(), why)});
}

}  // namespace fastmeta::redis
