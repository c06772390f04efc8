// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/server_info.h"

#include <errno.h>

#include "redis/error_code.h"
#include "redis/permissions.h"
#include "util/bytes.h"
#include "util/log.h"

namespace fastmeta::redis {
namespace {

constexpr int kMajorLeast = 6;

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

ServerInfo parse_info(std::string_view text) {
  ServerInfo info;
  bool flash = false;  // there the policy says what leaves memory, not what is lost
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    if (name == "redis_version") info.version = value;
    if (name == "maxmemory_policy") info.eviction_policy = value;
    if (name == "aof_enabled") info.aof = value == "1";
    if (name == "cluster_enabled") info.cluster = value == "1";
    if (name == "storage_provider") flash = value == "flash";
    if (name == "run_id") info.run_id = value;
  }
  info.eviction_possible =
      !info.eviction_policy.empty() && info.eviction_policy != "noeviction" && !flash;
  return info;
}

Result<ServerInfo> inspect_server(const Dialer& dialer, Connection& connection,
                                  Deadline deadline) {
  const std::string& where = dialer.where();
  MDP_TRY(std::vector<std::string> names, find_refused(connection, deadline));
  std::vector<Command> ask{{"INFO"}};
  MDP_TRY(std::vector<Reply> replies, connection.roundtrip(ask, deadline));
  if (replies.front().is_error() && error_code(replies.front()) == "NOPERM")
    names.push_back("INFO");
  if (!names.empty()) {
    std::string grant = fmt::format("ACL SETUSER {} ~*", dialer.user());
    for (const std::string& name : names) grant += " +" + lower_case(name);
    return Error{Fault::kConfig, EACCES,
                 fmt::format("{}: user {} may not run {} on the keys of a volume: grant it with "
                             "{}",
                             where, quote(dialer.user()), fmt::join(names, ", "), grant)};
  }
  const Reply& reply = replies.front();
  if (reply.is_error()) return refused(reply, "INFO");
  if (!reply.is_text())
    return Error{Fault::kConfig, EPROTO, fmt::format("{}: INFO gave no text", where)};

  ServerInfo info = parse_info(reply.text);
  if (info.cluster)
    return Error{Fault::kConfig, EPROTONOSUPPORT,
                 fmt::format("{} is a Redis Cluster, which this version does not support", where)};
  auto major = parse_decimal<int>(std::string_view(info.version).substr(0, info.version.find('.')));
  if (!major || *major < kMajorLeast)
    return Error{Fault::kConfig, EPROTONOSUPPORT,
                 fmt::format("{} is Redis {}: 6.0 or newer is needed", where, quote(info.version))};
  return info;
}

}  // namespace fastmeta::redis
