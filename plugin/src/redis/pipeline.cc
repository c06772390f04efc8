// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/pipeline.h"

#include <errno.h>

#include <algorithm>
#include <utility>

#include "redis/wire.h"

namespace fastmeta::redis {
namespace {

// A caller that writes for others too does so this often, then the thread goes on.
constexpr int kFlushRounds = 4;

}  // namespace

Pipeline::Pipeline(std::shared_ptr<Dialer> dialer, std::shared_ptr<const Event> stop,
                   PipelineOptions options, Log log)
    : dialer_(std::move(dialer)),
      stop_(std::move(stop)),
      options_(std::move(options)),
      log_(std::move(log)),
      backoff_(options_.backoff_initial, options_.backoff_max) {}

Pipeline::~Pipeline() { MDP_CHECK(!thread_.joinable()); }

Result<void> Pipeline::start(PipelineHooks hooks) {
  hooks_ = std::move(hooks);
  MDP_TRY(Connection connection,
          dialer_->dial(deadline_in(options_.connect_timeout), options_.setup));
  auto link = go_up(std::move(connection));
  thread_ = std::thread([this, link] { run(link); });
  return {};
}

void Pipeline::join() {
  if (thread_.joinable()) thread_.join();
  fail_all();
}

Result<std::vector<Reply>> Pipeline::read(std::span<const Command> commands, Deadline deadline) {
  if (commands.empty()) return std::vector<Reply>();
  Request request(commands);
  {
    std::unique_lock lock(mutex_);
    if (stopped_)
      return Error{Fault::kDisconnected, EIO, fmt::format("{}: stopped", dialer_->where())};
    if (link_) {
      auto link = link_;
      append(*link, request);
      flush(lock, link);
    } else {
      parked_.push_back(&request);
    }
  }
  if (request.wait_until(deadline)) return request.take();
  return give_up(request);
}

Result<std::vector<Reply>> Pipeline::give_up(Request& request) {
  std::unique_lock lock(mutex_);
  bool found = std::erase(parked_, &request) > 0;
  if (!found && link_) {
    auto same = [&](const Expected& one) { return one.request == &request; };
    auto at = std::find_if(link_->expected.begin(), link_->expected.end(), same);
    found = at != link_->expected.end();
    if (found) at->request = nullptr;  // its replies will still come
  }
  bool sent = request.sent;
  std::string why = link_ ? "no reply within the deadline" : outage_;
  lock.unlock();
  if (!found) return request.take();  // being finished at this moment
  return Error{sent ? Fault::kUnreachable : Fault::kDisconnected, EIO,
               fmt::format("{}: {}", dialer_->where(), why)};
}

void Pipeline::append(Link& link, Request& request) {
  append_commands(link.waiting, request.commands);
  link.expected.push_back({&request, request.commands.size()});
  request.sent = true;
}

void Pipeline::flush(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Link>& link) {
  // Whoever writes already takes these bytes along, or the thread does.
  if (link->is_sending || link->needs_room) return;
  link->is_sending = true;
  for (int round = 0;; ++round) {
    if (link->sent == link->sending.size()) {
      link->sending.clear();
      if (link->sending.capacity() > kKeptOutputBytes) std::string().swap(link->sending);
      link->sending.swap(link->waiting);
      link->sent = 0;
    }
    if (link->sending.empty()) break;
    link->needs_room = round == kFlushRounds;
    if (link->needs_room) break;
    lock.unlock();
    Socket::Moved moved = link->socket.send(std::string_view(link->sending).substr(link->sent));
    lock.lock();
    if (moved.how == Socket::Moved::How::kClosed) {
      // The thread sees the end and judges it.
      link->shut();
      link->sent = link->sending.size();
      break;
    }
    link->sent += moved.bytes;
    link->written += moved.bytes;
    link->needs_room = link->sent < link->sending.size();
    if (link->needs_room) break;
  }
  link->is_sending = false;
  if (link->needs_room) wake_.set();
}

void Pipeline::fail_all() {
  std::vector<Request*> left;
  std::vector<Failed> blocks;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    left.assign(parked_.begin(), parked_.end());
    parked_.clear();
    if (link_) {
      blocks = take_blocks(*link_);
      for (Expected& one : link_->expected) {
        if (one.request) left.push_back(one.request);
      }
      link_.reset();
    }
  }
  Error error{Fault::kDisconnected, EIO, fmt::format("{}: stopped", dialer_->where())};
  for (Request* request : left) request->finish(error);
  fail(std::move(blocks), "stopped");
}

}  // namespace fastmeta::redis
