// SPDX-License-Identifier: GPL-3.0-or-later
// SCAN or HSCAN, page by page.
//
// A cursor is worth something to the process that gave it only: another one has another
// hash seed, and would leave entries out without a word. So a scan begins anew when the
// connection was made anew. What it reports twice then, as any scan may, is its caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "redis/client.h"
#include "redis/reply.h"
#include "util/result.h"

namespace fastmeta::redis {

class Scan {
 public:
  // command: with anything at position `cursor_at`, where the cursor goes. The client
  // outlives it.
  Scan(Client& client, Command command, size_t cursor_at)
      : client_(client), command_(std::move(command)), cursor_at_(cursor_at) {}

  bool done() const { return done_; }
  // The next page: names, or names and values by turns. It may be empty before the end.
  Result<std::vector<Reply>> next();

 private:
  Client& client_;
  Command command_;
  const size_t cursor_at_;
  std::string cursor_ = "0";
  uint64_t epoch_ = 0;  // of the connection that the cursor came by
  bool done_ = false;
};

}  // namespace fastmeta::redis
