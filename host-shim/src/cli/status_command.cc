// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta status, stats, flush: what a live mount answers.
#include <CLI/App.hpp>

#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/size.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

struct Arguments {
  std::string place, verb, args = "{}", timeout = "30s";
  bool json = false;
};

constexpr milliseconds kStatusWait{10'000};
constexpr milliseconds kWorkWait{10 * 60 * 1000};
constexpr milliseconds kFlushGrace{60'000};  // for data that is buffered in the host

// Nested objects as dotted names, one value per line.
void print_flat(const Json& json, const std::string& prefix) {
  for (const auto& [key, value] : json.items()) {
    const std::string name = prefix.empty() ? key : prefix + "." + key;
    if (value.is_object()) {
      print_flat(value, name);
    } else {
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      std::printf("%-36s %s\n", name.c_str(), text.c_str());
    }
  }
}

uint64_t number_at(const Json& json, const char* pointer) {
  const Json::json_pointer at(pointer);
  return json.contains(at) && json.at(at).is_number_unsigned() ? json.at(at).get<uint64_t>() : 0;
}

// What a plugin with a local store tells in its stats.
void print_detail(const Json& stats) {
  const auto count = [&](const char* pointer) {
    return static_cast<unsigned long long>(number_at(stats, pointer));
  };
  const std::string mode = stats.value("mode", std::string());
  if (!mode.empty()) std::printf("mode         %s\n", mode.c_str());
  if (stats.contains("backlog")) {
    std::printf("backlog      %llu changes, %s, the oldest %.1f s old; %llu wait for data\n",
                count("/backlog/records"), human_size(number_at(stats, "/backlog/bytes")).c_str(),
                static_cast<double>(number_at(stats, "/backlog/oldest_ms")) / 1000,
                count("/backlog/waiting_for_data"));
    if (const Json::json_pointer rate("/backlog/sent_per_s");
        stats.contains(rate) && stats.at(rate).is_number())
      std::printf("sent         %.0f changes/s\n", stats.at(rate).get<double>());
  }
  if (stats.contains("conflicts"))
    std::printf("conflicts    %llu, %llu not told to their programs yet\n",
                count("/conflicts/total"), count("/conflicts/unreported"));
  if (stats.contains("cache")) {
    const double hits = static_cast<double>(number_at(stats, "/cache/hits"));
    const double asked = hits + static_cast<double>(number_at(stats, "/cache/misses"));
    std::printf("cache        ");
    if (stats["cache"].contains("rows")) {
      if (stats["cache"]["rows"].is_number_unsigned())
        std::printf("%llu rows, ", count("/cache/rows"));
      else
        std::printf("rows are being counted, ");
    }
    std::printf("hit ratio %.3f", asked > 0 ? hits / asked : 0.0);
    if (stats["cache"].contains("epoch")) std::printf(", epoch %llu", count("/cache/epoch"));
    std::printf("\n");
  }
  if (stats.contains("store"))
    std::printf("store        %s on disk, log %s, %s in memory\n",
                human_size(number_at(stats, "/store/bytes_on_disk")).c_str(),
                human_size(number_at(stats, "/store/log_bytes")).c_str(),
                human_size(number_at(stats, "/store/bytes_in_cache")).c_str());
  if (stats.contains("server") && stats["server"].is_object()) {
    const Json& server = stats["server"];
    std::printf("server       %s %s, version %s\n",
                server.value("connected", false) ? "connected to" : "away:",
                server.value("url", std::string("?")).c_str(),
                server.value("version", std::string("?")).c_str());
  }
}

void print_status(const Json& status) {
  const auto text = [&](const char* field) { return status.value(field, std::string()); };
  const std::time_t since = status.value("since", std::time_t{0});
  char when[64] = "";
  if (std::tm local{}; ::localtime_r(&since, &local) != nullptr) {
    std::strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
  }
  const Json plugin = status.value("plugin", Json::object());
  std::printf("volume       %s on %s\n", text("volume").c_str(), text("mount_point").c_str());
  std::printf("state        %s%s%s\n", text("state").c_str(), text("reason").empty() ? "" : ": ",
              text("reason").c_str());
  std::printf("not sent yet %s buffered, %llu changes\n",
              human_size(status.value("buffered_bytes", uint64_t{0})).c_str(),
              static_cast<unsigned long long>(status.value("backlog", uint64_t{0})));
  if (const Json detail = status.value("detail", Json::object()); !detail.empty())
    print_detail(detail);
  std::printf("process      %d since %s, fastmeta %s\n", status.value("pid", 0), when,
              text("version").c_str());
  std::printf("plugin       %s %s from %s\n", plugin.value("name", std::string()).c_str(),
              plugin.value("version", std::string()).c_str(),
              plugin.value("path", std::string()).c_str());
}

int run_status(const Arguments& arguments) {
  auto status = ask_mount(arguments.place, {"status", "{}"}, kStatusWait);
  if (!status) return kFailed;
  if (status->is_object()) {
    const auto stats = ask_mount(arguments.place, {"stats", "{}"}, kStatusWait);
    if (stats && stats->is_object() && stats->contains("plugin") && (*stats)["plugin"].is_object())
      (*status)["detail"] = (*stats)["plugin"];
  }
  if (arguments.json || !status->is_object()) {
    print_json(*status);
  } else {
    print_status(*status);
  }
  return kOk;
}

int run_stats(const Arguments& arguments) {
  const auto stats = ask_mount(arguments.place, {"stats", "{}"}, kStatusWait);
  if (!stats) return kFailed;
  if (arguments.json || !stats->is_object()) {
    print_json(*stats);
  } else {
    print_flat(*stats, "");
  }
  return kOk;
}

int run_flush(const Arguments& arguments) {
  const auto timeout = parse_duration(arguments.timeout);
  if (!timeout)
    return complain(kUsage, "--timeout: '" + arguments.timeout +
                                "' is not a duration such as 500ms, 30s, 5m, 1h");
  const Json request = {{"timeout_ms", timeout->count()}};
  const auto answer =
      ask_mount(arguments.place, {"flush", request.dump()}, *timeout + kFlushGrace);
  if (!answer) return kFailed;
  const uint64_t left = answer->is_object() ? number_at(*answer, "/left") : 0;
  if (left == 0) return kOk;
  return complain(kFailed, arguments.place + ": " + std::to_string(left) +
                               " changes are not sent yet after " + arguments.timeout);
}

int run_control(const Arguments& arguments) {
  const auto answer = ask_mount(arguments.place, {arguments.verb, arguments.args}, kWorkWait);
  if (!answer) return kFailed;
  print_json(*answer);
  return kOk;
}

CLI::App* add(CLI::App& app, Run* chosen, const char* name, const char* help,
              std::shared_ptr<Arguments> arguments, int (*action)(const Arguments&)) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("MOUNTPOINT", arguments->place, "The mount point, or a file below it")
      ->required();
  command->callback([=] { *chosen = [=] { return action(*arguments); }; });
  return command;
}

}  // namespace

void add_status(CLI::App& app, Run* chosen) {
  auto status = std::make_shared<Arguments>();
  add(app, chosen, "status", "How a mounted volume is", status, run_status)
      ->add_flag("--json", status->json, "As JSON");
  auto stats = std::make_shared<Arguments>();
  add(app, chosen, "stats", "Counters of a mounted volume", stats, run_stats)
      ->add_flag("--json", stats->json, "As JSON");
  auto flush = std::make_shared<Arguments>();
  add(app, chosen, "flush",
      "Store everything that is buffered and wait until other clients see it; exit code 1 when\n"
      "changes are left at the end",
      flush, run_flush)
      ->add_option("--timeout", flush->timeout, "How long to wait for changes to be sent")
      ->capture_default_str();
  auto control = std::make_shared<Arguments>();
  CLI::App* command = add(app, chosen, "control", "Ask the plugin of a mounted volume", control,
                          run_control);
  command->add_option("VERB", control->verb, "What to ask for; 'help' lists them")->required();
  command->add_option("JSON", control->args, "Its arguments, a JSON object");
}

}  // namespace fastmeta::host
