// SPDX-License-Identifier: GPL-3.0-or-later
// What the pipeline's thread does: read, deliver, prove the connection, make it again.
#include <errno.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "redis/pipeline.h"
#include "redis/wire.h"

namespace fastmeta::redis {
namespace {

constexpr size_t kReceiveBytes = 64 << 10;
constexpr auto kTickInterval = std::chrono::seconds(1);

}  // namespace

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
  std::vector<Expected> finished;
  size_t taken = 0;
  {
    std::lock_guard lock(mutex_);
    for (; taken < replies.size() && !link.expected.empty(); ++taken) {
      Expected& front = link.expected.front();
      if (front.is_ping) link.ping_waits = false;
      if (front.request) front.request->replies.push_back(std::move(replies[taken]));
      if (--front.left > 0) continue;
      if (front.request) finished.push_back(std::move(front));
      link.expected.pop_front();
    }
  }
  for (Expected& one : finished) one.request->finish();
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
  const auto interval = std::min(options_.ping_interval, options_.ping_timeout / 2);
  if (link->ping_waits) {
    // Anything that arrives is a proof: the answer may be behind a long reply. What counts is how
    // old the last one is, not the PING, so that the timeout bounds how old an answer can be; a
    // PING that went late (the process was stopped) has its time all the same.
    Deadline lost = std::max(link->received + options_.ping_timeout,
                             link->pinged + options_.ping_timeout - interval);
    if (now >= lost && !link->socket.has_input())
      return fmt::format("no sign of life for {} ms", options_.ping_timeout.count());
    next = std::min(next, lost);
  } else if (now >= link->pinged + interval) {
    link->pinged = now;
    link->ping_waits = true;
    std::unique_lock lock(mutex_);
    append_command(link->waiting, {"PING"});
    link->expected.push_back({nullptr, 1, true});
    flush(lock, link);
    next = now;  // how long it is waited for is decided above
  } else {
    next = std::min(next, link->pinged + interval);
  }
  return std::nullopt;
}

std::shared_ptr<Link> Pipeline::go_up(Connection connection) {
  auto link =
      std::make_shared<Link>(connection.take_socket(), connection.take_reader(), ++epoch_);
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
  std::vector<Failed> blocks;
  {
    std::lock_guard lock(mutex_);
    connected_ = false;
    link_.reset();
    outage_ = why;
    blocks = take_blocks(link);
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
  // Whoever sees a block fail may count on the loss being known.
  fail(std::move(blocks), why);
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

}  // namespace fastmeta::redis
