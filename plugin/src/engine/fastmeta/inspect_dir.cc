// SPDX-License-Identifier: GPL-3.0-or-later
// The verbs on a cache directory that no mount uses.
#include <errno.h>
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/fastmeta/inspect.h"
#include "engine/fastmeta/journal_entry.h"
#include "store/store.h"

namespace fastmeta::engine {
namespace {

using nlohmann::json;

// DIR, DIR/meta or the only DIR/<volume>/meta.
Result<std::string> find_store(const std::string& dir) {
  if (store::store_exists(dir)) return dir;
  if (store::store_exists(dir + "/meta")) return dir + "/meta";
  std::vector<std::string> found;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(dir, failure)) {
    std::string meta = entry.path().string() + "/meta";
    if (store::store_exists(meta)) found.push_back(std::move(meta));
  }
  if (found.size() == 1) return found.front();
  if (failure)
    return Error{Fault::kConfig, ENOENT, fmt::format("{}: {}", dir, failure.message())};
  if (found.empty())
    return Error{Fault::kConfig, ENOENT,
                 fmt::format("{}: no local store of a volume is there", dir)};
  return Error{Fault::kConfig, EINVAL,
               fmt::format("{}: holds stores of several volumes, name one: {}", dir,
                           fmt::join(found, ", "))};
}

struct Held {
  uint64_t records = 0, conflicts = 0;  // unsent; unresolved
};

Result<Held> count(store::Tables& tables) {
  Held held;
  MDP_TRY(auto transaction, tables.begin());
  MDP_TRY_VOID(transaction->scan(store::Table::kOplog, "", [&](auto, auto) {
    ++held.records;
    return true;
  }));
  MDP_TRY_VOID(transaction->scan(store::Table::kJournal, "", [&](auto, std::string_view row) {
    const auto entry = decode_entry(row);
    held.conflicts += !entry || entry->state == JournalEntry::State::kOpen;
    return true;
  }));
  return held;
}

Result<void> check_exported(const Held& held, std::string_view request) {
  const json asked = json::parse(request.empty() ? "{}" : request, nullptr, false);
  Held exported;
  if (asked.is_object() && asked.contains("exported") && asked["exported"].is_object()) {
    const json& given = asked["exported"];
    for (auto [name, into] : {std::pair("records", &exported.records),
                              std::pair("conflicts", &exported.conflicts)})
      if (given.contains(name) && given[name].is_number_unsigned())
        *into = given[name].get<uint64_t>();
  }
  if (exported.records >= held.records && exported.conflicts >= held.conflicts) return {};
  return Error{Fault::kAnswer, EBUSY,
               fmt::format("{} changes that are not sent yet and {} conflicts would be lost: "
                           "mount the volume to send them, or export them first",
                           held.records, held.conflicts)};
}

Result<std::unique_ptr<store::Store>> open_store(const std::string& dir,
                                                 const config::PluginConfig& config,
                                                 const Log& log) {
  store::StoreOptions options;
  options.dir = dir;
  options.volume = std::filesystem::path(dir).parent_path().filename().string();
  options.cache_bytes = config.store.cache_size;
  return store::Store::open(std::move(options), log);
}

Result<std::string> on_store(store::Store& open, std::string_view verb, std::string_view request) {
  if (verb == "cache-state") {
    MDP_TRY(const Held held, count(open));
    return json{{"records", held.records}, {"conflicts", held.conflicts}}.dump();
  }
  if (verb != "cache-check") return inspect_tables(open, verb, request);
  MDP_TRY(std::string damage, open.verify());
  return json{{"damage", damage}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Result<std::string> inspect(const config::PluginConfig& config, std::string_view verb,
                            std::string_view request, const Log& log) {
  MDP_TRY(const std::string dir, find_store(config.cache.dir));
  MDP_TRY(auto open, open_store(dir, config, log));
  if (verb == "cache-drop") {
    MDP_TRY(const Held held, count(*open));
    MDP_TRY_VOID(check_exported(held, request));
    open.reset();
    MDP_TRY_VOID(store::drop_store(dir));
    return std::string("{}");
  }
  auto answer = on_store(*open, verb, request);
  // A look must not make a clean stop an unclean one, nor the other way round.
  if (!open->unclean_start()) MDP_TRY_VOID(open->close_clean());
  return answer;
}

}  // namespace fastmeta::engine
