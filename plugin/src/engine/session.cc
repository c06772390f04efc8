// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "model/schema/setting.h"
#include "util/bytes.h"

namespace fastmeta::engine {

using redis::Command;

namespace {

constexpr size_t kStaleStep = 1000;  // sessions looked at in one pass

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

std::vector<std::string> addresses() {
  std::vector<std::string> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (ifaddrs* at = list; at; at = at->ifa_next) {
    if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN];
    const auto* in = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
    if (ntohl(in->sin_addr.s_addr) >> 24 == 127) continue;
    if (inet_ntop(AF_INET, &in->sin_addr, text, sizeof text)) found.emplace_back(text);
  }
  freeifaddrs(list);
  return found;
}

std::string rfc3339(Timestamp t) {
  const time_t sec = t.sec;
  tm parts{};
  gmtime_r(&sec, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

Session::Session(redis::Client& client, const model::KeySpace& keys, const Clock& clock, Log log,
                 std::chrono::milliseconds heartbeat, std::string mount_point)
    : client_(client),
      keys_(keys),
      clock_(clock),
      log_(std::move(log)),
      heartbeat_(heartbeat),
      mount_point_(std::move(mount_point)) {}

Result<int64_t> Session::server_time() {
  MDP_TRY(const auto reply, client_.read_one({"TIME"}));
  std::optional<int64_t> seconds;
  if (!reply.items.empty()) seconds = parse_decimal<int64_t>(reply.items[0].text);
  return seconds.value_or(clock_.now().sec);
}

Result<std::string> Session::expiry() {
  // Long enough to miss a few heartbeats, never under a minute.
  const auto span = std::max<int64_t>(
      60, std::chrono::duration_cast<std::chrono::seconds>(5 * heartbeat_).count());
  MDP_TRY(const int64_t now, server_time());
  return std::to_string(now + span);
}

Result<void> Session::open() {
  nlohmann::json info{{"Version", std::string(model::kFormatVersion) + "+fastmeta"},
                      {"HostName", host_name()},
                      {"IPAddrs", addresses()},
                      {"MountPoint", mount_point_},
                      {"MountTime", rfc3339(clock_.now())},
                      {"ProcessID", getpid()}};
  const std::string text =
      info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  MDP_TRY(auto reply, client_.write_one({"INCRBY", keys_.plain(model::kNextSession), "1"}));
  if (reply.is_error()) return redis::refused(reply, "INCRBY");
  const auto id = static_cast<uint64_t>(reply.number);
  const std::string sid = std::to_string(id);
  MDP_TRY(const std::string stale_at, expiry());
  const std::vector<Command> commands{{"MULTI"},
                                      {"ZADD", keys_.plain(model::kAllSessions), stale_at, sid},
                                      {"HSET", keys_.plain(model::kSessionInfos), sid, text},
                                      {"EXEC"}};
  MDP_TRY(redis::Lease lease, client_.lease(client_.deadline()));
  MDP_TRY(auto replies, lease.roundtrip(commands, client_.deadline()));
  MDP_TRY_VOID(redis::expect_applied(replies, "registering the session"));
  id_.store(id, std::memory_order_release);
  return {};
}

Result<std::vector<uint64_t>> Session::of_this_host() {
  MDP_TRY(const auto reply, client_.read_one({"HGETALL", keys_.plain(model::kSessionInfos)}));
  if (reply.is_error()) return redis::refused(reply, "HGETALL");
  std::vector<uint64_t> found;
  for (size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    const auto id = parse_decimal<uint64_t>(reply.items[i].text);
    const auto info = nlohmann::json::parse(reply.items[i + 1].text, nullptr, false);
    const auto host = info.is_object() ? info.find("HostName") : info.end();
    if (id && host != info.end() && *host == host_name()) found.push_back(*id);
  }
  return found;
}

Result<Session::Beat> Session::heartbeat() {
  const std::string sid = std::to_string(id());
  MDP_TRY(const std::string stale_at, expiry());
  const std::vector<Command> commands{{"MULTI"},
                                      {"HEXISTS", keys_.plain(model::kSessionInfos), sid},
                                      {"ZADD", keys_.plain(model::kAllSessions), "XX", stale_at,
                                       sid},
                                      {"EXEC"}};
  MDP_TRY(redis::Lease lease, client_.lease(client_.deadline()));
  MDP_TRY(auto replies, lease.roundtrip(commands, client_.deadline()));
  MDP_TRY_VOID(redis::expect_applied(replies, "the heartbeat"));
  Beat beat;
  beat.lost = replies.back().items.size() == 2 && replies.back().items[0].number == 0;
  return beat;
}

Result<void> Session::clean(uint64_t session, const RemoveSustained& remove) {
  const std::string sid = std::to_string(session);
  const std::string mark = sid + "_";
  MDP_TRY(redis::Lease lease, client_.lease(client_.deadline()));
  auto ask = [&](Command command) -> Result<redis::Reply> {
    MDP_TRY(auto replies, lease.roundtrip(std::span(&command, 1), client_.deadline()));
    if (replies[0].is_error()) return redis::refused(replies[0], command[0]);
    return std::move(replies[0]);
  };
  const std::string locked = keys_.session_locks(session);
  MDP_TRY(auto lock_keys, ask({"SMEMBERS", locked}));
  for (const auto& key : lock_keys.items) {
    // One that is taken meanwhile must not be left without its key in the set.
    const std::vector<Command> look{{"WATCH", key.text}, {"HKEYS", key.text}};
    MDP_TRY(auto owners, lease.roundtrip(look, client_.deadline()));
    if (owners[1].is_error()) return redis::refused(owners[1], "HKEYS");
    std::vector<Command> drop{{"MULTI"}, {"SREM", locked, key.text}};
    for (const auto& owner : owners[1].items)
      if (owner.text.starts_with(mark)) drop.push_back({"HDEL", key.text, owner.text});
    drop.push_back({"EXEC"});
    MDP_TRY(auto done, lease.roundtrip(drop, client_.deadline()));
    MDP_TRY_VOID(redis::expect_applied(done, "letting go of a lock"));
    if (done.back().nil())
      return Error{Fault::kConflict, EIO, quote(key.text) + " is just being locked"};
  }
  MDP_TRY(auto sustained, ask({"SMEMBERS", keys_.session_sustained(session)}));
  for (const auto& member : sustained.items) {
    const auto ino = parse_decimal<model::Ino>(member.text);
    if (!ino) {
      log_.error("key {}: member {} is no inode", quote(keys_.session_sustained(session)),
                 quote(member.text));
      continue;
    }
    MDP_TRY_VOID(remove(session, *ino));
  }
  const std::vector<Command> commands{{"MULTI"},
                                      {"HDEL", keys_.plain(model::kSessionInfos), sid},
                                      {"ZREM", keys_.plain(model::kAllSessions), sid},
                                      {"EXEC"}};
  MDP_TRY(auto replies, lease.roundtrip(commands, client_.deadline()));
  return redis::expect_applied(replies, "removing the session");
}

Result<bool> Session::exists(uint64_t session) {
  MDP_TRY(const auto there, client_.read_one({"HEXISTS", keys_.plain(model::kSessionInfos),
                                              std::to_string(session)}));
  if (there.is_error()) return redis::refused(there, "HEXISTS");
  return there.number != 0;
}

Result<bool> Session::take_job(std::string_view name, std::chrono::milliseconds period,
                               int64_t now) {
  const std::string key = keys_.plain(name);
  MDP_TRY(redis::Lease lease, client_.lease(client_.deadline()));
  const std::vector<Command> look{{"WATCH", key}, {"GET", key}};
  MDP_TRY(auto seen, lease.roundtrip(look, client_.deadline()));
  const int64_t due = now - period.count() * 9 / 10 / 1000;
  if (parse_decimal<int64_t>(seen[1].text).value_or(0) > due) return false;
  const std::vector<Command> take{{"MULTI"}, {"SET", key, std::to_string(now)}, {"EXEC"}};
  MDP_TRY(auto taken, lease.roundtrip(take, client_.deadline()));
  MDP_TRY_VOID(redis::expect_applied(taken, fmt::format("taking {}", name)));
  return !taken.back().nil();
}

Result<void> Session::clean_stale(const RemoveSustained& remove) {
  MDP_TRY(const int64_t now, server_time());
  MDP_TRY(const bool ours, take_job("lastCleanupSessions", heartbeat_, now));
  if (!ours) return {};
  const Command ask{"ZRANGEBYSCORE", keys_.plain(model::kAllSessions), "-inf",
                    std::to_string(now), "LIMIT", "0", std::to_string(kStaleStep)};
  MDP_TRY(auto stale, client_.read_one(ask));
  if (stale.is_error()) return redis::refused(stale, "ZRANGEBYSCORE");
  for (const auto& member : stale.items) {
    const auto session = parse_decimal<uint64_t>(member.text);
    if (!session || *session == id()) continue;
    log_.info("session {} has not been heard of for too long: cleaning up after it", *session);
    if (auto done = clean(*session, remove); !done)
      log_.warn("session {} is left for a later pass: {}", *session, done.error().text);
  }
  return {};
}

}  // namespace fastmeta::engine
