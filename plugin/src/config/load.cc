// SPDX-License-Identifier: GPL-3.0-or-later
// File and overrides -> effective values, or all that is wrong with them.
#include <fmt/format.h>

#include <algorithm>
#include <climits>

#include "config/expand.h"
#include "config/value_parse.h"
#include "config/yaml_reader.h"
#include "config/yaml_schema.h"

namespace fastmeta::config {
namespace {

constexpr size_t kErrorsShown = 10;

std::string_view top_level(std::string_view path) { return path.substr(0, path.find('.')); }

std::string place(const Source& file, int line) {
  return line > 0 ? fmt::format("{}:{}", file.name, line) : file.name;
}

std::string unknown_key(const Schema& schema, const std::string& path) {
  std::string text = fmt::format("key '{}' is not known; ", path);
  if (auto meant = schema.nearest(path)) return text + fmt::format("did you mean '{}'?", *meant);
  // Nothing is near: what there is at this place.
  const size_t dot = path.rfind('.');
  std::string section = dot == std::string::npos ? "" : path.substr(0, dot + 1);
  if (!section.empty() && !schema.is_section(path.substr(0, dot))) section.clear();
  std::vector<std::string> here;
  for (const Key& key : schema.keys()) {
    if (!key.name.starts_with(section)) continue;
    std::string name = key.name.substr(section.size());
    name = name.substr(0, name.find('.'));
    if (std::find(here.begin(), here.end(), name) == here.end()) here.push_back(std::move(name));
  }
  return text + fmt::format("known here: {}", fmt::join(here, ", "));
}

class Loader {
 public:
  explicit Loader(const Schema& schema) : schema_(schema), values_(schema) {}

  void read_file(const Source& file) {
    YamlText yaml = read_yaml(file.text);
    int broken = INT_MAX;  // the line where the text stops to make sense
    for (const Problem& problem : yaml.problems) {
      if (!problem.path.empty() && schema_.skips(top_level(problem.path))) continue;
      complain(problem.line, place(file, problem.line), problem.text);
      if (problem.path.empty() && problem.line > 0) broken = std::min(broken, problem.line);
    }
    for (const Setting& setting : yaml.settings)
      if (setting.line < broken && !schema_.skips(top_level(setting.path)))
        read_setting(file, setting);
    // The order of the file, whoever found the mistake.
    std::stable_sort(errors_.begin(), errors_.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
  }

  void read_override(const Override& given) {
    if (schema_.skips(top_level(given.key))) return;
    constexpr int kAfterTheFile = 0;
    if (const Key* key = schema_.find(given.key)) {
      auto value = parse_value(*key, given.text, given.text);
      if (value)
        values_.set(key->name, {std::move(*value), given.origin});
      else
        complain(kAfterTheFile, given.origin,
                 fmt::format("key '{}': {}", key->name, value.error().text));
    } else if (schema_.is_section(given.key)) {
      complain(kAfterTheFile, given.origin, is_a_section(given.key));
    } else {
      complain(kAfterTheFile, given.origin, unknown_key(schema_, given.key));
    }
  }

  Result<Values> finish() && {
    if (errors_.empty()) return std::move(values_);
    std::string text;
    for (size_t i = 0; i < errors_.size() && i < kErrorsShown; ++i)
      text += (i == 0 ? "" : "\n") + errors_[i].text;
    if (errors_.size() > kErrorsShown)
      text += fmt::format("\nand {} more", errors_.size() - kErrorsShown);
    return config_error(std::move(text));
  }

 private:
  struct Complaint {
    int line;
    std::string text;
  };

  void complain(int line, const std::string& where, const std::string& text) {
    errors_.push_back({line, where + ": " + text});
  }

  std::string is_a_section(const std::string& path) const {
    std::vector<std::string> below;
    for (const Key& key : schema_.keys())
      if (key.name.starts_with(path + ".")) below.push_back(key.name.substr(path.size() + 1));
    return fmt::format("key '{}' is a section, it holds keys: {}", path, fmt::join(below, ", "));
  }

  void read_setting(const Source& file, const Setting& setting) {
    if (!unknown_.empty() && setting.path.starts_with(unknown_)) return;
    const std::string where = place(file, setting.line);
    if (const Key* key = schema_.find(setting.path)) {
      unknown_ = key->name + ".";  // a section in place of its value is one mistake
      read_value(where, setting, *key);
    } else if (!schema_.is_section(setting.path)) {
      unknown_ = setting.path + ".";
      complain(setting.line, where, unknown_key(schema_, setting.path));
    } else if (setting.kind == Setting::Kind::kScalar || setting.kind == Setting::Kind::kList) {
      complain(setting.line, where, is_a_section(setting.path));
    }
  }

  void read_value(const std::string& where, const Setting& setting, const Key& key) {
    const auto wrong = [&](std::string_view what) {
      complain(setting.line, where,
               fmt::format("key '{}': {}; allowed: {}", key.name, what, allowed(key)));
    };
    if (setting.kind == Setting::Kind::kEmpty) return wrong("has no value");
    if (setting.kind == Setting::Kind::kMap) return wrong("a section stands in place of a value");
    if (key.type == Type::kList) {
      if (setting.kind != Setting::Kind::kList) return wrong("a word stands in place of a list");
      return read_list(where, setting, key);
    }
    if (setting.kind == Setting::Kind::kList) return wrong("a list stands in place of a value");

    auto text = expand(setting.text);
    if (!text) return failed(where, setting, key, text.error());
    auto value = parse_value(key, text->text, setting.text);
    if (!value) return failed(where, setting, key, value.error());
    values_.set(key.name, {std::move(*value), origin(where, text->variables)});
  }

  void read_list(const std::string& where, const Setting& setting, const Key& key) {
    std::vector<std::string> words, variables;
    for (const std::string& element : setting.elements) {
      auto text = expand(element);
      if (!text) return failed(where, setting, key, text.error());
      words.push_back(std::move(text->text));
      variables.insert(variables.end(), text->variables.begin(), text->variables.end());
    }
    values_.set(key.name, {std::move(words), origin(where, variables)});
  }

  void failed(const std::string& where, const Setting& setting, const Key& key,
              const Error& error) {
    complain(setting.line, where, fmt::format("key '{}': {}", key.name, error.text));
  }

  static std::string origin(const std::string& where, const std::vector<std::string>& variables) {
    if (variables.empty()) return where;
    return fmt::format("{} (environment {})", where, fmt::join(variables, ", "));
  }

  const Schema& schema_;
  Values values_;
  std::string unknown_;  // prefix of what has been complained about already
  std::vector<Complaint> errors_;
};

}  // namespace

Result<std::vector<Override>> parse_options(std::span<const std::string> lines) {
  std::vector<Override> out;
  for (const std::string& line : lines) {
    const size_t equals = line.find('=');
    if (equals == 0 || equals == std::string::npos)
      return config_error(fmt::format("option '{}': expected key=value, as in cache.ttl=10m",
                                      line.substr(0, equals)));
    out.push_back({line.substr(0, equals), line.substr(equals + 1), "option"});
  }
  return out;
}

Result<Values> load(const Schema& schema, const std::optional<Source>& file,
                    std::span<const Override> overrides) {
  Loader loader(schema);
  if (file) loader.read_file(*file);
  for (const Override& given : overrides) loader.read_override(given);
  return std::move(loader).finish();
}

}  // namespace fastmeta::config
