// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/answer_text.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "cli/size.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;

std::string padding(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ');
}

std::string to_left(const std::string& text, size_t width) { return text + padding(text, width); }

std::string to_right(const std::string& text, size_t width) { return padding(text, width) + text; }

std::string row(const char* name, const std::string& what) {
  return to_left(name, 13) + what + "\n";
}

std::string decimal(double number, int digits) {
  char text[400];  // the longest there is, with its sign and digits
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

// The value there; null when there is none, whatever the JSON is.
const Json& at(const Json& json, const char* pointer) {
  static const Json kNone;
  const Json::json_pointer where(pointer);
  return json.contains(where) ? json.at(where) : kNone;
}

std::string text_at(const Json& json, const char* pointer, const char* otherwise = "") {
  const Json& value = at(json, pointer);
  return value.is_string() ? printable(value.get_ref<const std::string&>()) : otherwise;
}

std::string count_at(const Json& json, const char* pointer) {
  return std::to_string(number_at(json, pointer));
}

std::string size_at(const Json& json, const char* pointer) {
  return human_size(number_at(json, pointer));
}

// Any value, on one line.
std::string shown(const Json& value) {
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string when(const Json& since) {
  const std::time_t at = since.is_number_integer() ? since.get<std::time_t>() : 0;
  char text[64] = "";
  if (std::tm local{}; ::localtime_r(&at, &local) != nullptr)
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

std::string cache_text(const Json& stats) {
  const double hits = static_cast<double>(number_at(stats, "/cache/hits"));
  const double asked = hits + static_cast<double>(number_at(stats, "/cache/misses"));
  const Json& cache = at(stats, "/cache");
  std::string out;
  if (at(cache, "/rows").is_number_unsigned())
    out = count_at(cache, "/rows") + " rows, ";
  else if (cache.contains("rows"))
    out = "rows are being counted, ";
  out += "hit ratio " + decimal(asked > 0 ? hits / asked : 0, 3);
  if (cache.contains("epoch")) out += ", epoch " + count_at(cache, "/epoch");
  return out;
}

// What a plugin with a local store tells in its stats.
std::string detail_text(const Json& stats) {
  std::string out;
  if (const std::string mode = text_at(stats, "/mode"); !mode.empty()) out += row("mode", mode);
  if (stats.contains("backlog")) {
    const double age_s = static_cast<double>(number_at(stats, "/backlog/oldest_ms")) / 1000;
    out += row("backlog", count_at(stats, "/backlog/records") + " changes, " +
                              size_at(stats, "/backlog/bytes") + ", the oldest " +
                              decimal(age_s, 1) + " s old; " +
                              count_at(stats, "/backlog/waiting_for_data") + " wait for data");
    if (const Json& rate = at(stats, "/backlog/sent_per_s"); rate.is_number())
      out += row("sent", decimal(rate.get<double>(), 0) + " changes/s");
  }
  if (stats.contains("conflicts"))
    out += row("conflicts", count_at(stats, "/conflicts/total") + ", " +
                                count_at(stats, "/conflicts/unreported") +
                                " not told to their programs yet");
  if (stats.contains("cache")) out += row("cache", cache_text(stats));
  if (stats.contains("store"))
    out += row("store", size_at(stats, "/store/bytes_on_disk") + " on disk, log " +
                            size_at(stats, "/store/log_bytes") + ", " +
                            size_at(stats, "/store/bytes_in_cache") + " in memory");
  if (at(stats, "/server").is_object())
    out += row("server", (at(stats, "/server/connected") == true ? "connected to " : "away: ") +
                             text_at(stats, "/server/url", "?") + ", version " +
                             text_at(stats, "/server/version", "?"));
  return out;
}

void add_flat(const Json& json, const std::string& prefix, std::string& out) {
  for (const auto& [key, value] : json.items()) {
    const std::string name = prefix.empty() ? key : prefix + "." + key;
    if (value.is_object())
      add_flat(value, name, out);
    else
      out += to_left(printable(name), 36) + " " + shown(value) + "\n";
  }
}

// A field of a record; bytes that are no text come as {"hex": "…"}.
std::string field(const Json& item, const char* name) {
  if (!item.contains(name)) return "-";
  const Json& value = item[name];
  if (value.contains("hex") && value["hex"].is_string()) return "0x" + shown(value["hex"]);
  return shown(value);
}

}  // namespace

uint64_t number_at(const Json& json, const char* pointer) {
  const Json& value = at(json, pointer);
  return value.is_number_unsigned() ? value.get<uint64_t>() : 0;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
    // U+0080 to U+009F: some terminals obey these as well.
    const bool two = byte(i) == 0xc2 && i + 1 < text.size() && byte(i + 1) < 0xa0;
    out += two || byte(i) < ' ' || byte(i) == 0x7f ? '?' : text[i];
    i += two;
  }
  return out;
}

std::string status_text(const Json& status) {
  std::string out = row("volume", text_at(status, "/volume") + " on " +
                                      text_at(status, "/mount_point"));
  const std::string reason = text_at(status, "/reason");
  out += row("state", text_at(status, "/state") + (reason.empty() ? "" : ": ") + reason);
  out += row("not sent yet", size_at(status, "/buffered_bytes") + " buffered, " +
                                 count_at(status, "/backlog") + " changes");
  if (const Json& detail = at(status, "/detail"); detail.is_object()) out += detail_text(detail);
  const Json& pid = at(status, "/pid");
  out += row("process", (pid.is_number_integer() ? shown(pid) : "?") + " since " +
                            when(at(status, "/since")) + ", fastmeta " +
                            text_at(status, "/version"));
  return out + row("plugin", text_at(status, "/plugin/name") + " " +
                                 text_at(status, "/plugin/version") + " from " +
                                 text_at(status, "/plugin/path"));
}

std::string flat_text(const Json& json) {
  std::string out;
  add_flat(json, "", out);
  return out;
}

std::string record_text(const Json& item) {
  const std::string number = to_right(field(item, "seq"), 10) + "  ";
  if (item.contains("damage")) return number + "damaged: " + field(item, "damage") + "\n";
  std::string what = field(item, "op");
  if (item.contains("ino")) what += " inode " + field(item, "ino");
  if (item.contains("name")) what += " " + field(item, "parent") + "/" + field(item, "name");
  if (item.contains("new_name"))
    what += " to " + field(item, "new_parent") + "/" + field(item, "new_name");
  return number + field(item, "time") + "  uid " + field(item, "uid") + " pid " +
         field(item, "pid") + "  " + what + "\n";
}

std::string conflict_text(const Json& item) {
  const std::string number = to_right(field(item, "id"), 6) + "  ";
  if (item.contains("damage")) return number + "damaged: " + field(item, "damage") + "\n";
  return number + field(item, "time") + "  " + to_left(field(item, "state"), 9) + " " +
         field(item, "op") + " " + field(item, "path_then") + ": " + field(item, "reason") + "\n";
}

}  // namespace fastmeta::host
