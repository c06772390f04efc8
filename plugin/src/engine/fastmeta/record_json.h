// SPDX-License-Identifier: GPL-3.0-or-later
// Records and conflicts as people and scripts read them. Bytes that are no printable
// UTF-8 are {"hex": "…"}; a full record also holds its stored bytes ("encoded", hex).
#pragma once

#include <nlohmann/json.hpp>

#include <string_view>

#include "engine/fastmeta/journal_entry.h"

namespace fastmeta::engine {

// bytes: as stored. What cannot be read gives {"seq", "damage"}.
nlohmann::json record_json(uint64_t seq, std::string_view bytes, bool full);
// full: with the record, the undo data and what was written afterwards.
nlohmann::json conflict_json(uint64_t id, std::string_view bytes, bool full);

}  // namespace fastmeta::engine
