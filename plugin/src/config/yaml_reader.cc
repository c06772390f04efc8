// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/yaml_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <map>
#include <optional>
#include <sstream>

namespace fastmeta::config {
namespace {

// Ends the reading: the parser recurses once per level of the text, and what is
// behind a key that is no word cannot be told apart from it.
struct Stop : std::exception {
  Stop(int at, std::string why) : line(at), text(std::move(why)) {}
  int line;
  std::string text;
};

int line_of(const YAML::Mark& mark) { return mark.line + 1; }

class Collector : public YAML::EventHandler {
 public:
  explicit Collector(YamlText* out) : out_(out) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Setting setting;
    setting.kind = Setting::Kind::kEmpty;
    value(line_of(mark), std::move(setting), {});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    const int line = line_of(mark);
    if (wants_key()) throw Stop(line, "a key must be a word, not an alias");
    complain(line, "aliases (*name) are not supported; write the value");
    drop_value();
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& text) override {
    Setting setting;
    setting.text = text;
    value(line_of(mark), std::move(setting), tag);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(line_of(mark), Setting::Kind::kList, tag);
  }
  void OnSequenceEnd() override { levels_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(line_of(mark), Setting::Kind::kMap, tag);
  }
  void OnMapEnd() override { levels_.pop_back(); }

 private:
  struct Level {
    Setting::Kind kind = Setting::Kind::kMap;
    bool ignored = false;                // what it holds has been complained about
    std::string path;
    size_t list = 0;                     // kList: index of its setting
    std::optional<std::string> key;      // kMap: a key that waits for its value
    int key_line = 0;
    bool key_ignored = false;
    std::map<std::string, int> seen;     // kMap: keys and their lines
  };

  bool wants_key() const {
    return !levels_.empty() && levels_.back().kind == Setting::Kind::kMap && !levels_.back().key;
  }
  bool ignored() const {
    return !levels_.empty() &&
           (levels_.back().ignored || (levels_.back().key && levels_.back().key_ignored));
  }
  std::string path() const {
    if (levels_.empty()) return {};
    const Level& level = levels_.back();
    if (!level.key) return level.path;
    return level.path.empty() ? *level.key : level.path + "." + *level.key;
  }
  void complain(int line, std::string text) {
    if (ignored()) return;
    const std::string at = path();
    out_->problems.push_back({line, at, at.empty() ? text : fmt::format("key '{}': {}", at, text)});
  }
  void drop_value() {
    if (!levels_.empty()) levels_.back().key.reset();
  }
  void key(int line, const std::string& name) {
    Level& level = levels_.back();
    if (level.ignored) {
      level.key = name;
      return;
    }
    const auto [before, fresh] = level.seen.emplace(name, line);
    level.key = name;
    level.key_line = line;
    level.key_ignored = false;
    if (name.empty())
      complain(line, "a key is empty");
    else if (!fresh)
      complain(line, fmt::format("is given twice, first in line {}", before->second));
    else if (name.find('.') != std::string::npos)
      complain(line, "has a dot; write sections, one below the other");
    else
      return;
    level.key_ignored = true;
  }

  void value(int line, Setting setting, const std::string& tag) {
    if (wants_key()) {
      if (setting.kind == Setting::Kind::kScalar)
        key(line, setting.text);
      else
        throw Stop(line, "a key is empty");
      return;
    }
    if (!ignored()) keep(line, std::move(setting), tag);
    drop_value();
  }

  void keep(int line, Setting setting, const std::string& tag) {
    const bool scalar = setting.kind == Setting::Kind::kScalar;
    if (scalar && !tag.empty() && tag != "?" && tag != "!") {
      complain(line, "tags (!name) are not supported");
    } else if (levels_.empty()) {
      if (scalar) complain(line, "expected sections and keys, as in 'mode: passthrough'");
    } else if (levels_.back().kind == Setting::Kind::kList) {
      if (scalar)
        out_->settings[levels_.back().list].elements.push_back(std::move(setting.text));
      else
        complain(out_->settings[levels_.back().list].line, "an element of the list is empty");
    } else {
      setting.path = path();
      setting.line = levels_.back().key_line;
      out_->settings.push_back(std::move(setting));
    }
  }

  void open(int line, Setting::Kind kind, const std::string& tag) {
    if (levels_.size() >= kDepthMax)
      throw Stop(line, fmt::format("nested deeper than {} levels", kDepthMax));
    if (wants_key()) throw Stop(line, "a key must be a word, not a list or a section");
    Level level;
    level.kind = kind;
    level.ignored = ignored();
    level.path = path();
    if (!level.ignored) {
      if (!tag.empty() && tag != "?" && tag != "!") {
        complain(line, "tags (!name) are not supported");
        level.ignored = true;
      } else if (levels_.empty()) {
        if (kind == Setting::Kind::kList) {
          complain(line, "expected sections and keys, as in 'mode: passthrough'");
          level.ignored = true;
        }
      } else if (levels_.back().kind == Setting::Kind::kList) {
        complain(line, "a list holds words only, no lists and no sections");
        level.ignored = true;
      } else {
        Setting setting;
        setting.path = level.path;
        setting.line = levels_.back().key_line;
        setting.kind = kind;
        level.list = out_->settings.size();
        out_->settings.push_back(std::move(setting));
      }
    }
    drop_value();
    levels_.push_back(std::move(level));
  }

  YamlText* out_;
  std::vector<Level> levels_;
};

// Control characters have no place in YAML, and one of them (EOT) ends the
// parser's input without a word.
std::optional<Problem> control_character(const std::string& text) {
  int line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < ' ' && c != '\n' && c != '\r' && c != '\t') || byte == 0x7f)
      return Problem{line, {}, fmt::format("control character 0x{:02x}", byte)};
  }
  return std::nullopt;
}

}  // namespace

YamlText read_yaml(const std::string& text) {
  YamlText out;
  if (text.size() > kFileBytesMax) {
    out.problems.push_back(
        {0, {}, fmt::format("is larger than {} bytes, no configuration is", kFileBytesMax)});
    return out;
  }
  if (auto problem = control_character(text)) {
    out.problems.push_back(std::move(*problem));
    return out;
  }
  try {
    // yaml-cpp accepts a quote that is never closed if the file ends with a newline.
    std::istringstream stream(text.substr(0, text.find_last_not_of(" \t\r\n") + 1));
    YAML::Parser parser(stream);
    Collector collector(&out);
    parser.HandleNextDocument(collector);
    YamlText second;
    Collector rest(&second);
    if (parser.HandleNextDocument(rest))
      out.problems.push_back({0, {}, "holds more than one document (a line '---')"});
  } catch (const Stop& stop) {
    out.problems.push_back({stop.line, {}, stop.text});
  } catch (const YAML::Exception& e) {
    const int line = e.mark.is_null() ? 0 : line_of(e.mark);
    out.problems.push_back({line, {}, "not valid YAML: " + e.msg});
  } catch (const std::exception& e) {
    out.problems.push_back({0, {}, fmt::format("cannot be read as YAML: {}", e.what())});
  }
  return out;
}

}  // namespace fastmeta::config
