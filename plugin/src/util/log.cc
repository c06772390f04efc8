// SPDX-License-Identifier: GPL-3.0-or-later
#include "util/log.h"

namespace fastmeta {

std::string quote(std::string_view bytes, size_t max) {
  std::string out = "\"";
  for (char c : bytes.substr(0, max)) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (byte < 0x20 || byte >= 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  out += bytes.size() > max ? "\"…" : "\"";
  return out;
}

}  // namespace fastmeta
