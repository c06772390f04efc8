// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/expand.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>

namespace fastmeta::config {
namespace {

bool is_name(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  for (const char c : text)
    if (!(c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
      return false;
  return true;
}

}  // namespace

Result<Expanded> expand(std::string_view text) {
  Expanded out;
  while (!text.empty()) {
    const size_t start = text.find("${");
    if (start == std::string_view::npos) {
      out.text += text;
      break;
    }
    if (start > 0 && text[start - 1] == '$') {
      out.text += text.substr(0, start - 1);
      out.text += "${";
      text.remove_prefix(start + 2);
      continue;
    }
    out.text += text.substr(0, start);
    text.remove_prefix(start + 2);
    const size_t end = text.find('}');
    if (end == std::string_view::npos)
      return Error{Fault::kConfig, EINVAL, "'${' has no '}'; write $${ for a literal ${"};
    const std::string name(text.substr(0, end));
    if (!is_name(name))
      return Error{Fault::kConfig, EINVAL,
                   "between '${' and '}' stands the name of an environment variable; write $${ "
                   "for a literal ${"};
    const char* value = std::getenv(name.c_str());
    if (value == nullptr)
      return Error{Fault::kConfig, EINVAL,
                   fmt::format("the environment variable {} is not set", name)};
    out.text += value;
    out.variables.push_back(name);
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace fastmeta::config
