// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/identity.h"

#include <fmt/format.h>

#include <cerrno>

#include "store/files.h"
#include "util/bytes.h"

namespace fastmeta::store {
namespace {

constexpr std::string_view kMagic = "fastmeta-store";

uint64_t fnv1a(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

Error garbled(const std::string& path, const char* what) {
  return {Fault::kLocalStore, EIO, fmt::format("{} is damaged ({})", path, what)};
}

// The rest of the line that begins with `word` and a space, taken off the text.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view word) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(word)) return std::nullopt;
  std::string_view rest = text.substr(word.size(), end - word.size());
  if (!rest.empty()) {
    if (rest.front() != ' ') return std::nullopt;
    rest.remove_prefix(1);
  }
  text.remove_prefix(end + 1);
  return rest;
}

}  // namespace

std::string encode_identity(const Identity& identity) {
  std::string text = fmt::format("{}\nformat {}\nvolume {}\nstate {}\n", kMagic, identity.format,
                                 identity.volume, identity.ready ? "ready" : "new");
  return text + fmt::format("check {:016x}\n", fnv1a(text));
}

Result<Identity> decode_identity(std::string_view text, const std::string& path) {
  const size_t last = text.rfind("\ncheck ");
  if (last == std::string_view::npos) return garbled(path, "no check line");
  const std::string_view body = text.substr(0, last + 1);
  if (text.substr(last + 1) != fmt::format("check {:016x}\n", fnv1a(body)))
    return garbled(path, "its check sum is wrong");

  std::string_view rest = body;
  if (!take_line(rest, kMagic)) return garbled(path, "not ours");
  const auto format_line = take_line(rest, "format");
  const auto format = format_line ? parse_decimal<uint32_t>(*format_line) : std::nullopt;
  if (!format || *format == 0) return garbled(path, "no format number");
  if (*format > kFormat) {
    return Error{Fault::kConfig, EPROTONOSUPPORT,
                 fmt::format("{}: the local store has format {}, this program knows formats up "
                             "to {}; use a newer program",
                             path, *format, kFormat)};
  }
  const auto volume = take_line(rest, "volume");
  const auto state = take_line(rest, "state");
  if (!volume || volume->empty() || !state || (*state != "ready" && *state != "new"))
    return garbled(path, "a line is missing");
  return Identity{*format, std::string(*volume), *state == "ready"};
}

Result<std::optional<Identity>> read_identity(const std::string& path) {
  MDP_TRY(auto text, read_small_file(path));
  if (!text) return std::optional<Identity>();
  MDP_TRY(Identity identity, decode_identity(*text, path));
  return std::optional<Identity>(std::move(identity));
}

Result<void> write_identity(const std::string& path, const Identity& identity) {
  return replace_file(path, encode_identity(identity));
}

}  // namespace fastmeta::store
