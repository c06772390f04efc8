// SPDX-License-Identifier: GPL-3.0-or-later
#include "support/fault_proxy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "support/local_socket.h"

namespace fastmeta::test {

using Clock = std::chrono::steady_clock;

FaultProxy::FaultProxy(uint16_t server_port) : server_port_(server_port) {
  listener_ = listen_local(port_);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread([this] { run(); });
}

FaultProxy::~FaultProxy() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  ::eventfd_write(wake_, 1);
  thread_.join();
  for (auto& pair : pairs_) end(*pair, How::kClose);
  ::close(listener_);
  ::close(wake_);
}

void FaultProxy::delay(std::chrono::milliseconds each_way) {
  std::lock_guard lock(mutex_);
  delay_ = each_way;
}

void FaultProxy::cut_after(To direction, size_t bytes, How how) {
  std::lock_guard lock(mutex_);
  is_armed_ = true;
  cut_direction_ = direction;
  cut_bytes_ = bytes;
  cut_how_ = how;
}

void FaultProxy::cut_reply_to(std::string text) {
  std::lock_guard lock(mutex_);
  cut_text_ = std::move(text);
}

void FaultProxy::disarm() {
  std::lock_guard lock(mutex_);
  is_armed_ = false;
  cut_text_.clear();
}

void FaultProxy::swallow(bool on) {
  std::lock_guard lock(mutex_);
  swallows_ = on;
}

void FaultProxy::refuse(bool on) {
  std::lock_guard lock(mutex_);
  refuses_ = on;
}

void FaultProxy::cut_all(How how) {
  std::lock_guard lock(mutex_);
  for (auto& pair : pairs_) end(*pair, how);
  ::eventfd_write(wake_, 1);
}

size_t FaultProxy::accepted() const {
  std::lock_guard lock(mutex_);
  return accepted_;
}

size_t FaultProxy::cuts() const {
  std::lock_guard lock(mutex_);
  return cuts_;
}

void FaultProxy::end(Pair& pair, How how) {
  if (pair.dead) return;
  pair.dead = true;
  if (how == How::kReset) {
    linger at_once{1, 0};
    ::setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  ::close(pair.client);
  ::close(pair.server);
}

void FaultProxy::accept_one() {
  int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  ++accepted_;
  int server = refuses_ ? -1 : connect_local(server_port_);
  if (server < 0) {
    ::close(client);
    return;
  }
  int on = 1;
  ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto pair = std::make_unique<Pair>();
  pair->client = client;
  pair->server = server;
  pairs_.push_back(std::move(pair));
}

void FaultProxy::move(Pair& pair, To direction) {
  bool to_server = direction == To::kServer;
  char buffer[64 << 10];
  ssize_t got = ::recv(to_server ? pair.client : pair.server, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return end(pair, How::kClose);
  std::string_view bytes(buffer, static_cast<size_t>(got));
  if (swallows_) return;

  if (to_server) {
    pair.asked.append(bytes);
    if (!cut_text_.empty() && pair.asked.find(cut_text_) != std::string::npos)
      pair.drop_reply = true;
    if (pair.asked.size() > cut_text_.size())
      pair.asked.erase(0, pair.asked.size() - cut_text_.size());
  } else if (pair.drop_reply) {
    cut_text_.clear();
    ++cuts_;
    return end(pair, How::kClose);
  }

  bool cuts_here = is_armed_ && direction == cut_direction_ && bytes.size() > cut_bytes_;
  if (cuts_here) bytes = bytes.substr(0, cut_bytes_);
  if (is_armed_ && direction == cut_direction_) cut_bytes_ -= bytes.size();
  auto& queue = to_server ? pair.to_server : pair.to_client;
  if (!bytes.empty()) queue.push_back({Clock::now() + delay_, std::string(bytes)});
  if (!cuts_here) return;
  is_armed_ = false;
  ++cuts_;
  for (Chunk& chunk : queue) chunk.due = {};
  write_due(pair, direction);
  end(pair, cut_how_);
}

void FaultProxy::write_due(Pair& pair, To direction) {
  bool to_server = direction == To::kServer;
  auto& queue = to_server ? pair.to_server : pair.to_client;
  int fd = to_server ? pair.server : pair.client;
  while (!pair.dead && !queue.empty() && queue.front().due <= Clock::now()) {
    std::string& bytes = queue.front().bytes;
    ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return end(pair, How::kClose);
    if (sent < 0) return;
    bytes.erase(0, static_cast<size_t>(sent));
    if (bytes.empty()) queue.pop_front();
  }
}

int FaultProxy::next_wait_ms() {
  auto next = Clock::now() + std::chrono::milliseconds(1000);
  for (auto& pair : pairs_) {
    for (auto* queue : {&pair->to_server, &pair->to_client}) {
      if (!queue->empty()) next = std::min(next, queue->front().due);
    }
  }
  auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::max<int64_t>(left, 0));
}

void FaultProxy::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    std::erase_if(pairs_, [](auto& pair) { return pair->dead; });
    std::vector<pollfd> all{{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (auto& pair : pairs_) {
      for (bool server : {false, true}) {
        // Full when data is due and still there; otherwise it waits for its time.
        auto& queue = server ? pair->to_server : pair->to_client;
        bool full = !queue.empty() && queue.front().due <= Clock::now();
        all.push_back({server ? pair->server : pair->client,
                       static_cast<short>(full ? POLLIN | POLLOUT : POLLIN), 0});
      }
    }
    size_t known = pairs_.size();
    int wait = next_wait_ms();
    lock.unlock();
    ::poll(all.data(), all.size(), wait);
    lock.lock();
    if (all[0].revents != 0) {
      eventfd_t count;
      ::eventfd_read(wake_, &count);
    }
    for (size_t i = 0; i < known; ++i) {
      Pair& pair = *pairs_[i];
      if (!pair.dead && (all[2 + 2 * i].revents & ~POLLOUT)) move(pair, To::kServer);
      if (!pair.dead && (all[3 + 2 * i].revents & ~POLLOUT)) move(pair, To::kClient);
      write_due(pair, To::kServer);
      write_due(pair, To::kClient);
    }
    if (all[1].revents != 0) accept_one();
  }
}

}  // namespace fastmeta::test
