// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/pipeline.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "redis/wire.h"

namespace fastmeta::redis {
namespace {

constexpr size_t kReceiveBytes = 64 << 10;
constexpr size_t kKeptOutputBytes = 256 << 10;
// A caller that writes for others too does so this often, then the thread goes on.
constexpr int kFlushRounds = 4;
constexpr auto kTickInterval = std::chrono::seconds(1);

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

// ---- callers

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
      link->socket.shut();
      link->waiting.clear();
      link->sent = link->sending.size();
      break;
    }
    link->sent += moved.bytes;
    link->needs_room = link->sent < link->sending.size();
    if (link->needs_room) break;
  }
  link->is_sending = false;
  if (link->needs_room) wake_.set();
}

// ---- the thread

void Pipeline::run(std::shared_ptr<Link> link) {
  for (;;) {
    std::string why = serve(link);
    if (stop_->is_set()) break;
    go_down(*link, why);
    // One that is lost again at once must not be made again at once.
    if (Clock::now() - link->since >= options_.backoff_max) backoff_.reset();
    auto connection = connect_again();
    if (!connection) break;
    link = go_up(std::move(*connection));
  }
  connected_ = false;
  fail_all();
}

std::string Pipeline::serve(const std::shared_ptr<Link>& link) {
  if (auto why = take_replies(*link)) return *why;  // what was read with the greeting
  Deadline next_tick = Clock::now();
  for (;;) {
    if (Clock::now() >= next_tick) {
      if (hooks_.tick) hooks_.tick();
      next_tick = Clock::now() + kTickInterval;
    }
    Deadline next = next_tick;
    if (auto why = check_ping(link, next)) return *why;

    std::unique_lock lock(mutex_);
    bool needs_room = link->needs_room;
    lock.unlock();
    short events = needs_room ? POLLIN | POLLOUT : POLLIN;
    pollfd all[3] = {{link->socket.fd(), events, 0}, {wake_.fd(), POLLIN, 0},
                     {stop_->fd(), POLLIN, 0}};
    if (::poll(all, 3, poll_ms(next)) < 0) {
      MDP_CHECK(errno == EINTR);
      continue;
    }
    if (all[2].revents != 0) return "stopped";
    if (all[1].revents != 0) wake_.clear();
    if (all[0].revents & POLLOUT) {
      lock.lock();
      link->needs_room = false;
      flush(lock, link);
      lock.unlock();
    }
    if (all[0].revents & ~POLLOUT) {
      if (auto why = receive(*link)) return *why;
    }
  }
}

Pipeline::Reason Pipeline::receive(Link& link) {
  char buffer[kReceiveBytes];
  for (;;) {
    Socket::Moved moved = link.socket.receive(buffer, sizeof buffer);
    if (moved.how == Socket::Moved::How::kWouldBlock) return std::nullopt;
    if (moved.how == Socket::Moved::How::kClosed) {
      char text[128];
      return moved.reason == 0 ? "the server closed the connection"
                               : ::strerror_r(moved.reason, text, sizeof text);
    }
    link.received = Clock::now();
    link.reader.feed({buffer, moved.bytes});
    if (auto why = take_replies(link)) return why;
    if (moved.bytes < sizeof buffer) return std::nullopt;
  }
}

// Replies in front of a push are delivered before its hook, those behind it after.
Pipeline::Reason Pipeline::take_replies(Link& link) {
  std::vector<Reply> replies;
  Reply reply;
  for (;;) {
    ReplyReader::Found found = link.reader.next(reply);
    if (found == ReplyReader::Found::kReply) {
      replies.push_back(std::move(reply));
      continue;
    }
    if (!deliver(link, replies)) return "a reply that nobody asked for";
    if (found == ReplyReader::Found::kNothing) return std::nullopt;
    if (found == ReplyReader::Found::kBroken)
      return fmt::format("not a Redis reply: {}", link.reader.error());
    if (auto why = take_push(reply)) return why;
  }
}

bool Pipeline::deliver(Link& link, std::vector<Reply>& replies) {
  if (replies.empty()) return true;
  std::vector<Request*> finished;
  size_t taken = 0;
  {
    std::lock_guard lock(mutex_);
    for (; taken < replies.size() && !link.expected.empty(); ++taken) {
      Expected& front = link.expected.front();
      if (front.is_ping) link.ping_waits = false;
      if (front.request) front.request->replies.push_back(std::move(replies[taken]));
      if (--front.left > 0) continue;
      if (front.request) finished.push_back(front.request);
      link.expected.pop_front();
    }
  }
  for (Request* request : finished) request->finish();
  bool all = taken == replies.size();
  replies.clear();
  return all;
}

Pipeline::Reason Pipeline::take_push(Reply& push) {
  std::vector<Reply>& parts = push.items;
  if (parts.empty() || !parts[0].is_text()) return "a push message without a name";
  if (parts[0].text != "invalidate") return std::nullopt;
  if (parts.size() != 2) return "a malformed invalidation";
  if (parts[1].nil()) {
    if (hooks_.client.on_flush) hooks_.client.on_flush();
    return std::nullopt;
  }
  if (parts[1].kind != Reply::Kind::kArray) return "a malformed invalidation";
  std::vector<std::string> keys;
  keys.reserve(parts[1].items.size());
  for (Reply& key : parts[1].items) {
    if (!key.is_text()) return "a malformed invalidation";
    keys.push_back(std::move(key.text));
  }
  if (hooks_.client.on_invalidate) hooks_.client.on_invalidate(keys);
  return std::nullopt;
}

Pipeline::Reason Pipeline::check_ping(const std::shared_ptr<Link>& link, Deadline& next) {
  auto now = Clock::now();
  if (link->ping_waits) {
    // Anything that arrives is a proof: the answer may be behind a long reply.
    Deadline lost = std::max(link->pinged, link->received) + options_.ping_timeout;
    if (now >= lost && !link->socket.has_input())
      return fmt::format("no answer to PING for {} ms", options_.ping_timeout.count());
    next = std::min(next, lost);
  } else if (now >= link->pinged + options_.ping_interval) {
    link->pinged = now;
    link->ping_waits = true;
    std::unique_lock lock(mutex_);
    append_command(link->waiting, {"PING"});
    link->expected.push_back({nullptr, 1, true});
    flush(lock, link);
    next = std::min(next, now + options_.ping_timeout);
  } else {
    next = std::min(next, link->pinged + options_.ping_interval);
  }
  return std::nullopt;
}

std::shared_ptr<Link> Pipeline::go_up(Connection connection) {
  auto link = std::make_shared<Link>(connection.take_socket(), connection.take_reader());
  ++epoch_;
  connected_ = true;
  if (hooks_.client.on_ready) hooks_.client.on_ready();

  std::unique_lock lock(mutex_);
  link_ = link;
  for (Request* request : parked_) append(*link, *request);
  parked_.clear();
  flush(lock, link);
  return link;
}

void Pipeline::go_down(Link& link, const std::string& why) {
  {
    std::lock_guard lock(mutex_);
    connected_ = false;
    link_.reset();
    outage_ = why;
    // Reads only: asking again does no harm.
    for (auto one = link.expected.rbegin(); one != link.expected.rend(); ++one) {
      if (!one->request) continue;
      one->request->replies.clear();
      parked_.push_front(one->request);
    }
    link.expected.clear();
  }
  log_.warn("lost {}: {}", dialer_->where(), why);
  if (hooks_.lost) hooks_.lost();
  if (hooks_.client.on_lost) hooks_.client.on_lost();
}

std::optional<Connection> Pipeline::connect_again() {
  auto since = Clock::now();
  std::string said;
  for (;;) {
    if (!pause_until(Clock::now() + backoff_.next(), *stop_)) return std::nullopt;
    auto connection = dialer_->dial(deadline_in(options_.connect_timeout), options_.setup);
    if (stop_->is_set()) return std::nullopt;
    auto seconds = std::chrono::duration<double>(Clock::now() - since).count();
    if (connection) {
      log_.info("connected to {} again after {:.1f} s", dialer_->where(), seconds);
      return std::move(*connection);
    }
    const std::string& why = connection.error().text;
    if (why != said) log_.warn("{}", why);
    said = why;
    std::lock_guard lock(mutex_);
    outage_ = why;
  }
}

void Pipeline::fail_all() {
  std::vector<Request*> left;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    left.assign(parked_.begin(), parked_.end());
    parked_.clear();
    if (link_) {
      for (Expected& one : link_->expected) {
        if (one.request) left.push_back(one.request);
      }
      link_.reset();
    }
  }
  Error error{Fault::kDisconnected, EIO, fmt::format("{}: stopped", dialer_->where())};
  for (Request* request : left) request->finish(error);
}

}  // namespace fastmeta::redis
