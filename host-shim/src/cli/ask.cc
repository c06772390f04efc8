// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/ask.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/answer_text.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/plugin_option.h"
#include "mount/open_volume.h"
#include "mount/plugin_text.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kWait{60'000};

}  // namespace

std::optional<Json> ask_mount(const std::string& place, const ControlRequest& request,
                              milliseconds timeout) {
  const auto mount = find_mount(place);
  if (!mount) {
    complain(kFailed, place + ": no fastmeta volume is mounted there");
    return std::nullopt;
  }
  std::string why;
  const auto reply = ask(*mount, request, timeout, &why);
  if (!reply || !reply->ok) {
    complain(kFailed, mount->path + ": " + (reply ? printable(reply->text) : why));
    return std::nullopt;
  }
  return Json::parse(reply->text, nullptr, false);
}

void print_json(const Json& json) {
  std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

std::optional<milliseconds> parse_duration(const std::string& text) {
  int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  constexpr int64_t kMax = 1'000'000'000;
  if (failure != std::errc{} || number < 0 || number > kMax) return std::nullopt;
  if (unit == "ms" || (unit.empty() && number == 0)) return milliseconds(number);
  if (unit == "s") return std::chrono::seconds(number);
  if (unit == "m") return std::chrono::minutes(number);
  if (unit == "h" && number <= kMax / 3600) return std::chrono::hours(number);
  return std::nullopt;
}

void add_place(CLI::App& command, StorePlace* place, bool mounted_too) {
  CLI::Option* where = command.add_option(
      "PLACE", place->place,
      mounted_too ? "A mount point, or the cache directory of a volume that is not mounted"
                  : "The cache directory of a volume that is not mounted");
  CLI::Option* file = command.add_option("-c,--config", place->config_file,
                                         "Instead: the configuration that names it");
  where->excludes(file);
  command.add_option("--plugin", place->plugin, kPluginHelp);
}

std::optional<Json> ask_store(const StorePlace& place, const ControlRequest& request, int* code) {
  if (!place.place.empty() && find_mount(place.place)) {
    *code = kFailed;
    return ask_mount(place.place, request, kWait);
  }
  return ask_directory(place, request, code);
}

std::optional<Json> ask_directory(const StorePlace& place, const ControlRequest& request,
                                  int* code) {
  const auto fail = [code](int with, const std::string& why) {
    *code = complain(with, why);
    return std::nullopt;
  };
  if (place.place.empty() && place.config_file.empty())
    return fail(kUsage, "no place: name a cache directory, or a file with -c");
  std::error_code missing;
  if (!place.place.empty() && !std::filesystem::is_directory(place.place, missing))
    return fail(kFailed, place.place + ": neither a mount nor a cache directory");
  std::string why;
  const auto plugin = load_plugin(place.plugin, &why);
  if (plugin == nullptr) return fail(kFailed, why);
  if (plugin->ops().inspect == nullptr)
    return fail(kFailed, "the plugin cannot look at a volume that is not mounted");

  VolumeArgs args;
  if (!place.config_file.empty()) args.config_file = place.config_file;
  if (!place.place.empty()) args.cache_dir = std::filesystem::absolute(place.place).string();
  args.options.push_back("mode=fast-meta");  // the one that has a cache directory
  const OpenArgs c(args);
  std::array<char, 4096> reason{};
  std::string text;
  const int rc = read_text(&text, [&](char* buffer, size_t cap) {
    return plugin->ops().inspect(c.get(), request.verb.c_str(), request.args.c_str(), buffer, cap,
                                 reason.data(), reason.size());
  });
  if (rc != 0)
    return fail(kFailed, reason[0] != '\0' ? reason.data() : std::strerror(-rc));
  return Json::parse(text, nullptr, false);
}

}  // namespace fastmeta::host
