// SPDX-License-Identifier: GPL-3.0-or-later
#include "mount/mounted.h"

#include <fastmeta/version.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "mount/plugin_text.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;

const char* state_name(uint32_t state) {
  switch (state) {
    case MDP_STARTING: return "starting";
    case MDP_RECOVERING: return "recovering";
    case MDP_WRITABLE: return "writable";
    case MDP_READ_ONLY: return "read-only";
    case MDP_FAILED: return "failed";
    case MDP_STOPPED: return "stopped";
    default: return "unknown";
  }
}

Json health_of(const Mounted& mounted) {
  const mdp_ops& ops = mounted.plugin.ops();
  mdp_health health{};
  health.struct_size = sizeof health;
  if (ops.health == nullptr || ops.health(mounted.volume, &health) != 0) {
    return {{"state", "unknown"}};
  }
  health.reason[sizeof health.reason - 1] = '\0';
  return {{"state", state_name(health.state)},
          {"reason", health.reason},
          {"backlog", health.backlog}};
}

Json status_of(const Mounted& mounted) {
  const mdp_ops& ops = mounted.plugin.ops();
  Json status = health_of(mounted);
  status["volume"] = mounted.name;
  status["mount_point"] = mounted.mount_point;
  status["pid"] = ::getpid();
  status["since"] = mounted.since;
  status["version"] = FASTMETA_VERSION;
  status["plugin"] = {
      {"name", ops.name}, {"version", ops.version}, {"path", mounted.plugin.path()}};
  status["buffered_bytes"] = mounted.data.stats().buffered_bytes;
  return status;
}

Json stats_of(const Mounted& mounted) {
  const mdp_ops& ops = mounted.plugin.ops();
  const DataStats data = mounted.data.stats();
  const KernelView::Stats kernel = mounted.view.stats();
  Json stats;
  stats["data"] = {{"buffered_bytes", data.buffered_bytes},
                   {"uploads", data.uploads},
                   {"upload_bytes", data.upload_bytes},
                   {"downloads", data.downloads},
                   {"download_bytes", data.download_bytes},
                   {"block_cache_bytes", data.block_cache_bytes},
                   {"block_cache_hits", data.block_cache_hits},
                   {"block_cache_misses", data.block_cache_misses},
                   {"compactions", data.compactions}};
  stats["kernel"] = {{"table_rows", kernel.rows},
                     {"inodes", kernel.inodes},
                     {"invalidations", kernel.invalidations},
                     {"queue_overflows", kernel.overflows},
                     {"table_full", kernel.full}};
  std::string text;
  if (ops.stats != nullptr && read_text(&text, [&](char* buffer, size_t cap) {
        return ops.stats(mounted.volume, buffer, cap);
      }) == 0) {
    const Json parsed = Json::parse(text, nullptr, false);
    stats["plugin"] = parsed.is_discarded() ? Json(text) : parsed;
  }
  return stats;
}

std::string answer(const Json& json) {
  return format_answer(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// {"left": …} of the plugin when it can tell how many changes are not sent in time.
std::string flush_all(const Mounted& mounted, const std::string& args) {
  mdp_caller who{};
  who.struct_size = sizeof who;
  int rc = mounted.data.flush_all(who);
  const mdp_ops& ops = mounted.plugin.ops();
  std::string text;
  int told = -ENOTSUP;
  if (rc == 0 && ops.control != nullptr) {
    told = read_text(&text, [&](char* buffer, size_t cap) {
      return ops.control(mounted.volume, "flush", args.c_str(), buffer, cap);
    });
  }
  if (told == 0) return format_answer(text);
  if (rc == 0 && told != -ENOTSUP) rc = told;
  if (rc == 0 && ops.fsync != nullptr) rc = ops.fsync(mounted.volume, 0, MDP_FSYNC_REMOTE);
  if (rc != 0) return format_failure(std::string("flush: ") + std::strerror(-rc));
  return answer(Json::object());
}

std::string ask_plugin(const Mounted& mounted, const ControlRequest& request) {
  const mdp_ops& ops = mounted.plugin.ops();
  std::string text;
  const int rc = ops.control == nullptr
                     ? -ENOTSUP
                     : read_text(&text, [&](char* buffer, size_t cap) {
                         return ops.control(mounted.volume, request.verb.c_str(),
                                            request.args.c_str(), buffer, cap);
                       });
  if (rc == 0) return format_answer(text);
  if (rc == -ENOTSUP) {
    return format_failure("unknown verb '" + request.verb +
                          "': status, stats, flush and those of the plugin (help) are there");
  }
  // An explanation is worth more than the number that comes with it.
  return format_failure(text.empty() ? std::strerror(-rc) : text);
}

}  // namespace

std::string answer_control(const Mounted& mounted, const ControlRequest& request) {
  if (request.verb == "status") return answer(status_of(mounted));
  if (request.verb == "stats") return answer(stats_of(mounted));
  if (request.verb == "flush") return flush_all(mounted, request.args);
  return ask_plugin(mounted, request);
}

}  // namespace fastmeta::host
