// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/pinned_slices.h"

#include <string>

#include "model/schema/codec.h"

namespace fastmeta::engine {

void pin_slice(Parts& parts, uint64_t id, uint32_t size, uint64_t conflict) {
  constexpr const char* kNever = "4102444800";  // 2100
  auto pinned = parts.client.write_one({"HSET", parts.keys.plain(model::kDelSlices),
                                        std::to_string(id) + "_" + kNever,
                                        model::encode_delayed_slices({{id, size}})});
  if (!pinned || pinned->is_error())
    parts.log.warn("slice {} of conflict {} is not pinned: copy it soon", id, conflict);
}

}  // namespace fastmeta::engine
