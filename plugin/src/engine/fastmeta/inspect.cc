// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/inspect.h"

#include <errno.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engine/fastmeta/record_json.h"
#include "engine/request_json.h"

namespace fastmeta::engine {
namespace {

using nlohmann::json;

constexpr uint64_t kLimitDefault = 100;
constexpr uint64_t kLimitMax = 10'000;
// A page ends here, so that an answer stays well below what hosts take.
constexpr size_t kPageBytes = 1 << 20;

Error wrong(std::string text) { return {Fault::kConfig, EINVAL, std::move(text)}; }

Result<uint64_t> number(const json& request, const char* field, uint64_t otherwise) {
  const auto at = request.find(field);
  if (at == request.end()) return otherwise;
  if (!at->is_number_unsigned()) return wrong(fmt::format("'{}' is no number", field));
  return at->get<uint64_t>();
}

Result<bool> flag(const json& request, const char* field) {
  const auto at = request.find(field);
  if (at == request.end()) return false;
  if (!at->is_boolean()) return wrong(fmt::format("'{}' is neither true nor false", field));
  return at->get<bool>();
}

std::string dump(const json& answer) {
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

using ToJson = json (*)(uint64_t number, std::string_view bytes, bool full);

struct Kind {
  store::Table table;
  const char* plural;
  const char* field;
  ToJson to_json;
};
constexpr Kind kRecords{store::Table::kOplog, "records", "seq", record_json};
constexpr Kind kConflicts{store::Table::kJournal, "conflicts", "id", conflict_json};

Result<std::string> page(store::Tables& tables, const Kind& kind, const json& request) {
  MDP_TRY(const uint64_t after, number(request, "after", 0));
  MDP_TRY(const uint64_t limit, number(request, "limit", kLimitDefault));
  MDP_TRY(const bool full, flag(request, "full"));
  if (limit == 0 || limit > kLimitMax)
    return wrong(fmt::format("'limit' is out of range, from 1 to {}", kLimitMax));
  json items = json::array();
  bool more = false;
  size_t bytes = 0;
  MDP_TRY(auto transaction, tables.begin());
  if (after != UINT64_MAX) {
    MDP_TRY_VOID(transaction->scan(
        kind.table, store::number_key(after + 1), [&](std::string_view key, std::string_view row) {
          more = items.size() == limit || bytes > kPageBytes;
          if (more) return false;
          const auto at = store::key_number(key);
          items.push_back(kind.to_json(at ? *at : 0, row, full));
          bytes += full ? 8 * row.size() : 512;
          return true;
        }));
  }
  return dump({{kind.plural, std::move(items)}, {"more", more}});
}

Result<std::string> one(store::Tables& tables, const Kind& kind, const json& request) {
  MDP_TRY(const uint64_t which, number(request, kind.field, 0));
  MDP_TRY(auto transaction, tables.begin());
  MDP_TRY(auto row, transaction->get(kind.table, store::number_key(which)));
  if (!row)
    return Error{Fault::kAnswer, ENOENT,
                 fmt::format("none of the {} has the {} {}", kind.plural, kind.field, which)};
  return dump(kind.to_json(which, *row, true));
}

}  // namespace

Result<std::string> inspect_tables(store::Tables& tables, std::string_view verb,
                                   std::string_view request) {
  MDP_TRY(const json asked, parse_request(request));
  if (verb == "oplog") return page(tables, kRecords, asked);
  if (verb == "oplog-record") return one(tables, kRecords, asked);
  if (verb == "conflicts") return page(tables, kConflicts, asked);
  if (verb == "conflict") return one(tables, kConflicts, asked);
  return Error{Fault::kAnswer, ENOTSUP, "unknown verb"};
}

}  // namespace fastmeta::engine
