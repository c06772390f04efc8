// SPDX-License-Identifier: GPL-3.0-or-later
// Metadata URLs, as the standard client writes them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "util/result.h"

namespace fastmeta::redis {

struct Address {
  enum class Form : uint8_t { kTcp, kUnix };

  Form form = Form::kTcp;
  std::string host;        // kTcp
  uint16_t port = 6379;    // kTcp
  std::string path;        // kUnix
  std::string user;        // empty: default
  std::string password;    // empty: none
  uint32_t db = 0;
  std::map<std::string, std::string> query;  // parameters that we do not consume here

  // For messages and status: without the password.
  std::string display() const;
};

// Forms: redis://[user:pw@]host[:port][/db][?k=v], unix://[user:pw@]path[?db=N],
// and a text without a scheme, which means redis://. rediss, Sentinel and
// Cluster forms are recognised and refused by name. kConfig, saying what is
// wrong where, without showing the password.
Result<Address> parse_address(std::string_view url);

// The URL's own password, else REDIS_PASSWORD, META_PASSWORD, the trimmed text
// of the file that META_PASSWORD_FILE names (kConfig when it cannot be read).
Result<std::string> find_password(const Address& address);

}  // namespace fastmeta::redis
