// SPDX-License-Identifier: GPL-3.0-or-later
// Effective values and the schema as JSON.
#include <nlohmann/json.hpp>

#include "config/units.h"
#include "config/value_parse.h"
#include "config/yaml_schema.h"

namespace fastmeta::config {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kEnvironment = "environment";  // in $defs: a text with ${NAME}

std::string dump(const Json& json, int indent) {
  // A path may hold bytes that are no UTF-8: they are replaced, not thrown about.
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json shown(const Key& key, const Data& data) {
  if (const auto* flag = std::get_if<bool>(&data)) return *flag;
  if (const auto* number = std::get_if<int64_t>(&data)) {
    if (key.type == Type::kSize) return format_size(*number);
    if (key.type == Type::kDuration) return format_duration(*number);
    return *number;
  }
  if (const auto* words = std::get_if<std::vector<std::string>>(&data)) return *words;
  const auto& text = std::get<std::string>(data);
  if (key.secret) return text.empty() ? "" : "***";
  return key.type == Type::kUrl ? mask_url(text) : text;
}

std::string described(const Key& key) { return key.description + " (" + summary(key) + ")"; }

Json of_pattern(const char* pattern) { return Json{{"type", "string"}, {"pattern", pattern}}; }

Json value_schema(const Key& key) {
  switch (key.type) {
    case Type::kBool: return Json{{"type", "boolean"}};
    case Type::kInteger:
      return Json{{"type", "integer"},
                  {"minimum", *parse_integer(key.min)},
                  {"maximum", *parse_integer(key.max)}};
    case Type::kSize: {
      const Json bytes = {{"type", "integer"},
                          {"minimum", *parse_size(key.min)},
                          {"maximum", *parse_size(key.max)}};
      return Json{{"anyOf", {bytes, of_pattern("^[0-9]+([KkMmGgTt]([Ii][Bb])?|[Bb])?$")}}};
    }
    case Type::kDuration:
      return Json{{"anyOf", {Json{{"const", 0}}, of_pattern("^(0|[0-9]+(ms|s|m|h))$")}}};
    case Type::kEnum: return Json{{"enum", key.choices}};
    case Type::kPath: return of_pattern(key.fallback.empty() ? "^(/.*)?$" : "^/");
    case Type::kUrl:
    case Type::kString: return Json{{"type", "string"}};
    case Type::kList: return Json{{"type", "array"}, {"items", {{"type", "string"}}}};
  }
  return Json::object();
}

Json key_schema(const Key& key) {
  Json value = value_schema(key);
  Json out = {{"description", described(key)}};
  const bool any_text = value == Json{{"type", "string"}} || key.type == Type::kList;
  if (any_text) {
    out.update(value);
  } else {
    Json forms = value.contains("anyOf") ? value["anyOf"] : Json::array({value});
    forms.push_back({{"$ref", std::string("#/$defs/") + kEnvironment}});
    out["anyOf"] = std::move(forms);
  }
  if (!key.fallback.empty()) out["default"] = shown(key, fallback_of(key));
  return out;
}

Json section() {
  return Json{{"type", Json::array({"object", "null"})},
              {"additionalProperties", false},
              {"properties", Json::object()}};
}

}  // namespace

std::string Values::json(int indent) const {
  Json out = Json::object();
  for (const Key& key : keys_) {
    const Value& value = at(key.name);
    out[key.name] = {{"value", shown(key, value.data)}, {"from", value.origin}};
  }
  return dump(out, indent);
}

std::string Schema::json_schema() const {
  Json root = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
               {"$defs", {{kEnvironment, of_pattern("\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}")}}}};
  root.update(section());
  for (const Key& key : keys_) {
    Json* at = &root;
    std::string_view rest = key.name;
    for (size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      Json& next = (*at)["properties"][std::string(rest.substr(0, dot))];
      if (next.is_null()) next = section();
      at = &next;
      rest.remove_prefix(dot + 1);
    }
    (*at)["properties"][std::string(rest)] = key_schema(key);
  }
  for (const std::string& other : others_)
    root["properties"][other] = {{"type", Json::array({"object", "null"})}};
  if (!only_.empty()) root.erase("additionalProperties");
  return dump(root, 2) + "\n";
}

}  // namespace fastmeta::config
