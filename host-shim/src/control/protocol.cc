// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/protocol.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;

constexpr size_t kVerbMax = 64;
constexpr int kDepthMax = 32;
constexpr auto kReplace = Json::error_handler_t::replace;  // bytes that are not UTF-8

// The parser recurses: depth is bounded before it is called.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDepthMax) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

Json parse(std::string_view text) {
  if (too_deep(text)) return Json(Json::value_t::discarded);
  return Json::parse(text.begin(), text.end(), nullptr, false);
}

bool is_verb(const std::string& text) {
  return !text.empty() && text.size() <= kVerbMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

}  // namespace

std::optional<ControlRequest> parse_request(std::string_view line, std::string* why) {
  if (line.size() > kRequestMax) {
    *why = "the request is longer than " + std::to_string(kRequestMax) + " bytes";
    return std::nullopt;
  }
  const Json json = parse(line);
  if (!json.is_object()) {
    *why = "the request is not a JSON object";
    return std::nullopt;
  }
  const auto verb = json.find("verb");
  if (verb == json.end() || !verb->is_string() || !is_verb(verb->get<std::string>())) {
    *why = "the request has no valid \"verb\"";
    return std::nullopt;
  }
  ControlRequest request{verb->get<std::string>(), "{}"};
  if (const auto args = json.find("args"); args != json.end()) {
    if (!args->is_object()) {
      *why = "\"args\" is not a JSON object";
      return std::nullopt;
    }
    request.args = args->dump(-1, ' ', false, kReplace);
  }
  return request;
}

std::string format_request(const ControlRequest& request) {
  Json json;
  json["verb"] = request.verb;
  const Json args = parse(request.args);
  json["args"] = args.is_object() ? args : Json::object();
  return json.dump(-1, ' ', false, kReplace) + "\n";
}

std::string format_answer(const std::string& data) {
  Json json;
  json["ok"] = true;
  const Json parsed = parse(data);
  json["data"] = parsed.is_discarded() ? Json(data) : parsed;
  std::string line = json.dump(-1, ' ', false, kReplace) + "\n";
  if (line.size() > kReplyMax) return format_failure("the answer is too long");
  return line;
}

std::string format_failure(std::string_view error) {
  Json json;
  json["ok"] = false;
  json["error"] = error;
  return json.dump(-1, ' ', false, kReplace) + "\n";
}

std::optional<ControlReply> parse_reply(std::string_view line) {
  const Json json = parse(line);
  if (!json.is_object() || !json.contains("ok") || !json["ok"].is_boolean()) return std::nullopt;
  if (json["ok"].get<bool>()) {
    if (!json.contains("data")) return std::nullopt;
    return ControlReply{true, json["data"].dump(-1, ' ', false, kReplace)};
  }
  if (!json.contains("error") || !json["error"].is_string()) return std::nullopt;
  return ControlReply{false, json["error"].get<std::string>()};
}

}  // namespace fastmeta::host
