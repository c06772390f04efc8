// SPDX-License-Identifier: GPL-3.0-or-later
// Admin verbs of a live volume.
#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "engine/fastmeta/inspect.h"
#include "engine/request_json.h"
#include "engine/volume.h"

namespace fastmeta::engine {

using nlohmann::json;

namespace {

constexpr uint64_t kFlushWaitMs = 30'000;
constexpr uint64_t kFlushWaitMaxMs = 365ull * 24 * 3600 * 1000;  // a deadline far off is one still

}  // namespace

Result<std::string> Volume::control(std::string_view verb, std::string_view request) {
  MDP_TRY(const json asked, parse_request(request));
  if (verb == "help")
    return json{{"verbs",
                 {{"help", "this list"},
                  {"stats", "counters and state"},
                  {"config", "effective configuration"},
                  {"flush", "wait until all that is acknowledged is sent; timeout_ms"},
                  {"oplog", "what is not sent yet; after, limit, full"},
                  {"oplog-record", "one of them; seq"},
                  {"conflicts", "what was sacrificed; after, limit"},
                  {"conflict", "one of them; id"},
                  {"resume", "go on after too many conflicts"}}}}
        .dump();
  if (verb == "stats") return stats_json();
  if (verb == "config") return config_.effective_json;
  if (verb == "flush") {
    const auto wait = asked.find("timeout_ms");
    if (wait != asked.end() && !wait->is_number_unsigned())
      return Error{Fault::kConfig, EINVAL, "timeout_ms is no number of milliseconds"};
    const uint64_t ms = std::min(
        wait == asked.end() ? kFlushWaitMs : wait->get<uint64_t>(), kFlushWaitMaxMs);
    if (fast()) fast_->drained(deadline_in(std::chrono::milliseconds(ms)));
    return json{{"left", fast() ? fast_->backlog().seen().records : 0}}.dump();
  }
  if (verb == "resume" && fast()) {
    health_.refused({});
    fast_->reintegration().resume();
    return std::string("{}");
  }
  if (fast()) return inspect_tables(fast_->store(), verb, request);
  return Error{Fault::kAnswer, ENOTSUP, "unknown verb"};
}

}  // namespace fastmeta::engine
