// SPDX-License-Identifier: GPL-3.0-or-later
// A link between Redis clients and a Redis server that a test can bend: it adds latency, cuts,
// swallows and counts. One thread; orders come on stdin, one answer line each on stdout; it ends
// when stdin does. The port it listens on is its first line.
//
//   rtt US            each direction is delayed by half of it; order and pipelining are kept
//   mode up           relays (at start)
//        refuse       listens no more, connections are reset
//        hole         accepts, and loses every byte in both directions
//        stall        keeps every byte; `up` delivers them, late
//        deaf         connections that ask for CLIENT TRACKING (now or later) are holes, also after
//                     `up`; the others go on
//   cut               resets every connection
//   fail N HOW NAMES WHERE
//                     once, at the N-th request from now whose name is in NAMES (comma separated,
//                     "*" is any but PING), on any connection or (WHERE "tracking") one that has
//                     asked for CLIENT TRACKING: before (is not sent, the connection is reset),
//                     after (is sent, its reply is lost, the connection is reset), hole (this
//                     connection loses every byte from here on), late (it and what follows on this
//                     connection is kept until `up`, others go on), last (as after, and then the
//                     link refuses)
//   fired             "1 NAME KEY" once that happened, else "0"
//   zero / count      counts since zero: REQUESTS BURSTS CONNECTIONS; requests that leave together,
//                     before any reply to them has arrived, are one burst (a round trip)
//   log               the requests since zero, as CONNECTION.BURST:NAME:KEY ...
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <deque>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "requests.h"

namespace fastmeta::link {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr size_t kReadBytes = 256 * 1024;
constexpr size_t kLogEntriesMax = 20000;

struct Piece {
  Time due;
  std::string bytes;
};

// Bytes under way in one direction.
struct Way {
  std::deque<Piece> pieces;
  bool ended = false;  // the sender has closed
};

struct Pair {
  long number;
  int client;
  int server;
  RequestCutter cutter;
  Way up;    // to the server
  Way down;  // to the client
  bool tracking = false;  // has asked for CLIENT TRACKING
  bool hole = false;
  bool late = false;
  bool gone = false;
  bool reply_is_lost = false;
  Time lost_at{};
  bool in_burst = false;
  long burst = 0;
};

struct Failure {
  long at = 0;  // 0: none is armed
  std::string how;
  std::string names;
  std::string where;  // "tracking", or any
  std::string fired;
};

void tune(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
}

sockaddr_in local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

void reset(int fd) {
  const linger now{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(fd);
}

class Link {
 public:
  explicit Link(int server_port) : server_port_(server_port) { listen_again(); }

  int port() const { return port_; }

  void run() {
    while (true) {
      std::vector<pollfd> fds{{0, POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const auto& pair : pairs_) {
        const bool left = pair->late && pair->up.ended;  // nothing to wait for until `up`
        fds.push_back({left ? -1 : pair->client, interest(*pair, pair->up, pair->down), 0});
        fds.push_back({pair->hole ? -1 : pair->server, interest(*pair, pair->down, pair->up), 0});
      }
      const auto wait = until_next_due();
      const timespec limit{wait.count() / 1000000000, wait.count() % 1000000000};
      if (ppoll(fds.data(), fds.size(), &limit, nullptr) < 0 && errno != EINTR) return;
      if (fds[0].revents != 0 && !take_orders()) return;
      if (listener_ >= 0 && fds[1].revents != 0) accept_one();
      for (size_t i = 0; i < (fds.size() - 2) / 2; ++i) {
        Pair& pair = *pairs_[i];
        if (!pair.gone && (fds[2 + 2 * i].revents & ~POLLOUT) != 0) read_client(pair);
        if (!pair.gone && (fds[3 + 2 * i].revents & ~POLLOUT) != 0) read_server(pair);
      }
      for (const auto& pair : pairs_) deliver(*pair);
      std::erase_if(pairs_, [](const auto& pair) { return pair->gone; });
    }
  }

 private:
  // What to wait for on the socket that `from` is read from and `to` is written to.
  short interest(const Pair& pair, const Way& from, const Way& to) const {
    const bool stalled = mode_ == "stall" || pair.late;
    short events = from.ended ? 0 : POLLIN;
    if (!stalled && !to.pieces.empty() && to.pieces.front().due <= Clock::now()) {
      events = static_cast<short>(events | POLLOUT);
    }
    return events;
  }

  std::chrono::nanoseconds until_next_due() const {
    Time next = Clock::now() + milliseconds(200);
    if (mode_ == "stall") return milliseconds(200);
    for (const auto& pair : pairs_) {
      if (pair->late) continue;
      for (const Way* way : {&pair->up, &pair->down}) {
        if (way->pieces.empty()) continue;
        // What is due and still here waits for POLLOUT.
        const Time due = way->pieces.front().due;
        if (due > Clock::now()) next = std::min(next, due);
      }
    }
    return std::max<std::chrono::nanoseconds>(next - Clock::now(), std::chrono::nanoseconds(0));
  }

  void listen_again() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int one = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in address = local(port_);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 128) != 0) {
      std::perror("link: listen");
      std::exit(1);
    }
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    tune(listener_);
  }

  void accept_one() {
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    // In a hole nothing shall tell whether the server lives.
    const int server = mode_ == "hole" ? -1 : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = local(server_port_);
    if (server >= 0 &&
        connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close(server);
      reset(client);
      return;
    }
    tune(client);
    if (server >= 0) tune(server);
    auto pair = std::make_unique<Pair>();
    pair->number = ++connections_ever_;
    pair->client = client;
    pair->server = server;
    if (mode_ == "hole") lose(*pair);
    ++connections_;
    pairs_.push_back(std::move(pair));
  }

  // Reads what is there. False when the sender has closed.
  static bool read_some(int fd, std::string& bytes) {
    bytes.resize(kReadBytes);
    const ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
    const bool open = got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return open;
  }

  void read_client(Pair& pair) {
    std::string bytes;
    if (!read_some(pair.client, bytes)) pair.up.ended = true;
    if (pair.hole || pair.reply_is_lost) return end_if_both_closed(pair);
    pair.cutter.add(bytes);
    std::string batch;
    while (auto request = pair.cutter.next()) {
      count(pair, *request);
      if (request->name == "CLIENT" && request->key == "TRACKING") {
        pair.tracking = true;
        if (mode_ == "deaf") return lose(pair);
      }
      if (fails(pair, *request)) {
        failure_.fired = request->name + " " + request->key;
        if (failure_.how != "before") batch += request->bytes;
        send_up(pair, std::move(batch));
        return fail(pair);
      }
      batch += request->bytes;
    }
    send_up(pair, std::move(batch));
    end_if_both_closed(pair);
  }

  void read_server(Pair& pair) {
    std::string bytes;
    if (!read_some(pair.server, bytes)) pair.down.ended = true;
    if (pair.reply_is_lost && !bytes.empty()) return lose_reply(pair);
    if (!pair.hole && !bytes.empty()) {
      pair.down.pieces.push_back({Clock::now() + one_way_, std::move(bytes)});
    }
    end_if_both_closed(pair);
  }

  void send_up(Pair& pair, std::string bytes) {
    if (!bytes.empty()) pair.up.pieces.push_back({Clock::now() + one_way_, std::move(bytes)});
  }

  void count(Pair& pair, const Request& request) {
    ++requests_;
    if (!pair.in_burst) {
      pair.in_burst = true;
      pair.burst = ++bursts_;
    }
    if (log_.size() < kLogEntriesMax) {
      log_.push_back(std::to_string(pair.number) + "." + std::to_string(pair.burst) + ":" +
                     request.name + ":" + request.key);
    }
  }

  bool fails(const Pair& pair, const Request& request) {
    if (failure_.at == 0 || (failure_.where == "tracking" && !pair.tracking)) return false;
    const bool counts = failure_.names == "*"
                            ? request.name != "PING"
                            : ("," + failure_.names + ",").find("," + request.name + ",") !=
                                  std::string::npos;
    return counts && --failure_.at == 0;
  }

  void fail(Pair& pair) {
    if (failure_.how == "before") return cut(pair);
    if (failure_.how == "hole") return lose(pair);
    if (failure_.how == "late") {
      pair.late = true;
      return;
    }
    pair.reply_is_lost = true;
    pair.lost_at = Clock::now();
  }

  void lose_reply(Pair& pair) {
    cut(pair);
    if (failure_.how != "last") return;
    mode_ = "refuse";
    change_mode();
  }

  static void lose(Pair& pair) {
    pair.hole = true;
    pair.down.pieces.clear();
  }

  // The client sees a reset; the server still gets what was on its way.
  static void cut(Pair& pair) {
    if (pair.server >= 0) fcntl(pair.server, F_SETFL, 0);
    for (const Piece& piece : pair.up.pieces) {
      send(pair.server, piece.bytes.data(), piece.bytes.size(), MSG_NOSIGNAL);
    }
    close(pair.server);
    reset(pair.client);
    pair.gone = true;
  }

  void end_if_both_closed(Pair& pair) {
    const bool done = pair.hole ? pair.up.ended
                                : (pair.down.ended && pair.down.pieces.empty()) ||
                                      (pair.up.ended && pair.up.pieces.empty());
    if (!done || pair.gone) return;
    close(pair.server);
    close(pair.client);
    pair.gone = true;
  }

  void deliver(Pair& pair) {
    if (pair.gone || mode_ == "stall" || pair.late) return;
    if (pair.reply_is_lost && Clock::now() > pair.lost_at + std::chrono::seconds(1) + one_way_) {
      return lose_reply(pair);  // nothing came back
    }
    deliver(pair.up, pair.server);
    if (deliver(pair.down, pair.client)) pair.in_burst = false;
    end_if_both_closed(pair);
  }

  // What was held up together arrives together.
  static void gather(Way& way) {
    while (way.pieces.size() > 1 && way.pieces[1].due <= Clock::now() &&
           way.pieces.front().bytes.size() < kReadBytes) {
      std::string front = std::move(way.pieces.front().bytes);
      way.pieces.pop_front();
      way.pieces.front().bytes.insert(0, front);
    }
  }

  // Whether anything was delivered.
  static bool deliver(Way& way, int to) {
    bool any = false;
    while (!way.pieces.empty() && way.pieces.front().due <= Clock::now()) {
      gather(way);
      std::string& bytes = way.pieces.front().bytes;
      const ssize_t sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return any;
      any = true;
      if (sent >= 0 && static_cast<size_t>(sent) < bytes.size()) {
        bytes.erase(0, static_cast<size_t>(sent));
        return any;
      }
      way.pieces.pop_front();  // all of it, or the receiver has gone
    }
    return any;
  }

  void cut_all() {
    for (const auto& pair : pairs_) {
      if (!pair->gone) cut(*pair);
    }
  }

  bool take_orders() {
    char buffer[4096];
    const ssize_t got = read(0, buffer, sizeof buffer);
    if (got <= 0) return false;
    orders_.append(buffer, static_cast<size_t>(got));
    size_t end;
    while ((end = orders_.find('\n')) != std::string::npos) {
      std::cout << obey(orders_.substr(0, end)) << std::endl;
      orders_.erase(0, end + 1);
    }
    return true;
  }

  std::string obey(const std::string& line) {
    std::istringstream words(line);
    std::string order;
    words >> order;
    if (order == "rtt") {
      long rtt_us = 0;
      words >> rtt_us;
      one_way_ = microseconds(rtt_us) / 2;
    } else if (order == "mode") {
      words >> mode_;
      change_mode();
    } else if (order == "cut") {
      cut_all();
    } else if (order == "fail") {
      failure_ = {};
      words >> failure_.at >> failure_.how >> failure_.names >> failure_.where;
    } else if (order == "fired") {
      return failure_.fired.empty() ? "0" : "1 " + failure_.fired;
    } else if (order == "zero") {
      requests_ = bursts_ = connections_ = 0;
      log_.clear();
    } else if (order == "count") {
      return std::to_string(requests_) + " " + std::to_string(bursts_) + " " +
             std::to_string(connections_);
    } else if (order == "log") {
      std::string all;
      for (const auto& entry : log_) all += entry + " ";
      return all;
    } else {
      return "unknown order: " + line;
    }
    return "ok";
  }

  void change_mode() {
    for (const auto& pair : pairs_) {
      pair->late = false;
      if (mode_ == "hole" || (mode_ == "deaf" && pair->tracking)) lose(*pair);
    }
    if (mode_ == "refuse") {
      close(listener_);
      listener_ = -1;
      cut_all();
    } else if (listener_ < 0) {
      listen_again();
    }
  }

  int server_port_;
  int port_ = 0;
  int listener_ = -1;
  std::string mode_ = "up";
  Clock::duration one_way_{};
  Failure failure_;
  std::vector<std::unique_ptr<Pair>> pairs_;
  std::string orders_;
  long requests_ = 0;
  long bursts_ = 0;
  long connections_ = 0;
  long connections_ever_ = 0;
  std::vector<std::string> log_;
};

}  // namespace
}  // namespace fastmeta::link

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: link PORT-OF-REDIS\n";
    return 2;
  }
  fastmeta::link::Link link(std::atoi(words[1]));
  std::cout << link.port() << std::endl;
  link.run();
  return 0;
}
