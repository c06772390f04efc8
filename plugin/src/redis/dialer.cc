// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/dialer.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include <algorithm>
#include <utility>

#include "redis/error_code.h"
#include "util/check.h"
#include "util/log.h"

namespace fastmeta::redis {
namespace {

// Codes of a server that will serve later by itself.
bool is_not_ready(std::string_view code) {
  return code == "LOADING" || code == "BUSY" || code == "MASTERDOWN";
}

std::vector<Command> introduction(const Address& address) {
  Command hello{"HELLO", "3"};
  if (!address.password.empty()) {
    hello.push_back("AUTH");
    hello.push_back(address.user.empty() ? "default" : address.user);
    hello.push_back(address.password);
  }
  hello.insert(hello.end(), {"SETNAME", "fastmeta"});

  std::vector<Command> commands{std::move(hello)};
  if (address.db != 0) commands.push_back({"SELECT", std::to_string(address.db)});
  // The others are answered while the server still loads its data, this one is not.
  commands.push_back({"PING"});
  return commands;
}

std::string name_of(const Command& command) {
  return command.front() == "CLIENT" ? command[0] + " " + command[1] : command[0];
}

}  // namespace

Dialer::Dialer(Address address, std::shared_ptr<const Event> stop)
    : address_(std::move(address)), stop_(std::move(stop)), where_(address_.display()) {}

Result<Socket> Dialer::connect_unix(Deadline deadline) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  MDP_CHECK(address_.path.size() < sizeof to.sun_path);
  memcpy(to.sun_path, address_.path.data(), address_.path.size());
  return Socket::connect(reinterpret_cast<const sockaddr*>(&to), sizeof to, deadline, *stop_);
}

Result<Socket> Dialer::connect_tcp(Deadline deadline) {
  MDP_TRY(std::vector<SocketAddress> found,
          resolver_.resolve(address_.host, address_.port, deadline, *stop_));
  Error last{Fault::kDisconnected, EIO, "the name has no address"};
  for (size_t i = 0; i < found.size(); ++i) {
    // A silent address leaves its share of the time to those behind it.
    auto now = std::chrono::steady_clock::now();
    auto share = (deadline - now) / static_cast<int64_t>(found.size() - i);
    const SocketAddress& to = found[i];
    auto socket = Socket::connect(to.get(), to.size, now + share, *stop_);
    if (socket) return socket;
    last = std::move(socket).error();
  }
  return last;
}

Result<Socket> Dialer::connect(Deadline deadline) {
  auto socket = address_.form == Address::Form::kUnix ? connect_unix(deadline)
                                                      : connect_tcp(deadline);
  if (socket) return socket;
  Error error = std::move(socket).error();
  error.text = fmt::format("cannot connect to {}: {}", where_, error.text);
  return error;
}

Result<Connection> Dialer::dial(Deadline deadline, std::span<const Command> last) {
  MDP_TRY(Socket socket, connect(deadline));
  Connection connection(std::move(socket), stop_, where_);
  std::vector<Command> commands = introduction(address_);
  commands.insert(commands.end(), last.begin(), last.end());
  auto replies = connection.roundtrip(commands, deadline);
  if (!replies) {
    // A server that takes no more clients says so and closes.
    const std::vector<Reply>& partial = connection.partial();
    if (!partial.empty() && partial.front().is_error())
      return judge(partial.front(), commands.front());
    // Nothing that was sent has changed anything: the outcome is not in doubt.
    Error error = std::move(replies).error();
    error.fault = Fault::kDisconnected;
    return error;
  }
  for (size_t i = 0; i < replies->size(); ++i) {
    if ((*replies)[i].is_error()) return judge((*replies)[i], commands[i]);
  }
  return connection;
}

// Says what to do, and never what was sent: a server that does not know HELLO
// repeats its arguments, the password among them.
Error Dialer::judge(const Reply& reply, const Command& command) const {
  std::string_view code = error_code(reply);
  std::string name = name_of(command);
  if (is_not_ready(code))
    return {Fault::kRefused, EIO, fmt::format("{} is not ready yet ({})", where_, code)};
  if (reply.text.starts_with("ERR max number of clients"))  // it has no code of its own
    return {Fault::kRefused, EIO, fmt::format("{} has no free client slot", where_)};

  if (code == "WRONGPASS")
    return {Fault::kConfig, EACCES,
            fmt::format("{}: wrong password for user {}, or no such user", where_, quote(user()))};
  if (code == "NOAUTH")
    return {Fault::kConfig, EACCES,
            fmt::format("{} wants a password: give it in the URL, META_PASSWORD or "
                        "META_PASSWORD_FILE", where_)};
  if (code == "NOPERM")
    return {Fault::kConfig, EACCES,
            fmt::format("{}: user {} may not run {}: grant it with ACL SETUSER", where_,
                        quote(user()), name)};
  if (code == "DENIED")
    return {Fault::kConfig, EACCES,
            fmt::format("{} is in protected mode: it takes no connections from other hosts "
                        "without a password", where_)};
  if (command.front() == "SELECT")
    return {Fault::kConfig, EINVAL,
            fmt::format("{} has no database {} (or is a cluster, which this version does not "
                        "support)", where_, command[1])};
  if (command.front() == "HELLO" || command.front() == "CLIENT")
    return {Fault::kConfig, EPROTONOSUPPORT,
            fmt::format("{} does not know {}: Redis 6.0 or newer is needed", where_, name)};
  return {Fault::kConfig, EIO, fmt::format("{} refused {}: {}", where_, name, code)};
}

}  // namespace fastmeta::redis
