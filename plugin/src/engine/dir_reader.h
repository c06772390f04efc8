// SPDX-License-Identifier: GPL-3.0-or-later
// An open directory: pages through its entries with positions that stay valid while it
// is open, whatever happens to the entries.
//
// One handle is used by one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/types.h"
#include "util/result.h"

namespace fastmeta::engine {

class DirReader {
 public:
  struct Item {
    std::string_view name;            // valid until the next call
    model::Dentry dentry;             // ino 0: its bytes break the schema
    std::optional<model::Attr> attr;  // when asked for and there
  };
  virtual ~DirReader() = default;

  // Up to `count` entries from position `from` on; fewer only at the end. Position
  // 0 starts anew with the directory as it is now.
  virtual Result<std::vector<Item>> page(uint64_t from, size_t count, bool with_attrs) = 0;
};

}  // namespace fastmeta::engine
