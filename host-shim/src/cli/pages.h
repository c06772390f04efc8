// SPDX-License-Identifier: GPL-3.0-or-later
// All records or conflicts of a local store, a page at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace fastmeta::host {

struct Pages {
  const char* verb;    // "oplog"
  const char* plural;  // "records": where a page has its items
  const char* number;  // "seq": of an item
};
inline constexpr Pages kRecordPages{"oplog", "records", "seq"};
inline constexpr Pages kConflictPages{"conflicts", "conflicts", "id"};

using AskPage = std::function<std::optional<nlohmann::json>(const std::string& verb,
                                                            const std::string& request)>;

// Calls each(item) until it answers false. False: a page did not come, or is none.
inline bool for_each_item(const AskPage& ask, const Pages& pages, bool full,
                          const std::function<bool(const nlohmann::json&)>& each) {
  constexpr int kPage = 1000;
  for (uint64_t after = 0;;) {
    const uint64_t before = after;
    const nlohmann::json request = {{"after", after}, {"limit", kPage}, {"full", full}};
    const auto page = ask(pages.verb, request.dump());
    if (!page || !page->is_object() || !page->contains(pages.plural)) return false;
    for (const auto& item : (*page)[pages.plural]) {
      if (!item.is_object()) return false;
      if (!each(item)) return true;
      const auto number = item.find(pages.number);
      if (number == item.end() || !number->is_number_unsigned()) return false;
      if (number->get<uint64_t>() <= after) return false;  // it would never end
      after = number->get<uint64_t>();
    }
    const auto more = page->find("more");
    if (more == page->end() || *more != true) return true;
    if (after == before) return false;  // nor would this
  }
}

}  // namespace fastmeta::host
