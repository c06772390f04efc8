// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/object_name.h"

#include <cinttypes>
#include <cstdio>

namespace fastmeta::host {

std::string object_name(bool hash_prefix, uint64_t id, uint32_t block, uint32_t bytes) {
  char text[128];
  if (hash_prefix) {
    std::snprintf(text, sizeof text, "chunks/%02X/%" PRIu64 "/%" PRIu64 "_%u_%u",
                  static_cast<unsigned>(id % 256), id / 1000000, id, block, bytes);
  } else {
    std::snprintf(text, sizeof text, "chunks/%" PRIu64 "/%" PRIu64 "/%" PRIu64 "_%u_%u",
                  id / 1000000, id / 1000, id, block, bytes);
  }
  return text;
}

}  // namespace fastmeta::host
