// SPDX-License-Identifier: GPL-3.0-or-later
// Where the server is, and how to get an authenticated connection to it. Other
// topologies are other ways to do this: callers see connections only.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "redis/address.h"
#include "redis/connection.h"
#include "redis/resolver.h"
#include "util/result.h"

namespace fastmeta::redis {

class Dialer {
 public:
  Dialer(Address address, std::shared_ptr<const Event> stop);

  // Connected, RESP3, authenticated, in the right database, and ready to serve.
  // `last` is sent at the end of the same round trip; its replies must not be
  // errors. kDisconnected: not there; kRefused: not ready yet; kConfig: trying
  // again will not help.
  Result<Connection> dial(Deadline deadline, std::span<const Command> last = {});

  // The server's name in messages.
  const std::string& where() const { return where_; }
  // The user in messages.
  std::string user() const { return address_.user.empty() ? "default" : address_.user; }

 private:
  Result<Socket> connect(Deadline deadline);
  Result<Socket> connect_unix(Deadline deadline);
  Result<Socket> connect_tcp(Deadline deadline);
  Error judge(const Reply& reply, const Command& command) const;

  const Address address_;
  const std::shared_ptr<const Event> stop_;
  const std::string where_;
  Resolver resolver_;
};

}  // namespace fastmeta::redis
