// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta status, stats, flush: what a live mount answers.
#include <CLI/App.hpp>

#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/size.h"
#include "control/client.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

struct Arguments {
  std::string place, verb, args = "{}";
  bool json = false;
};

constexpr milliseconds kStatusWait{10'000};
constexpr milliseconds kWorkWait{10 * 60 * 1000};

// The answer's data, or nothing and a message on stderr.
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
    complain(kFailed, mount->path + ": " + (reply ? reply->text : why));
    return std::nullopt;
  }
  return Json::parse(reply->text, nullptr, false);
}

void print_json(const Json& json) {
  std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

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
  std::printf("process      %d since %s, fastmeta %s\n", status.value("pid", 0), when,
              text("version").c_str());
  std::printf("plugin       %s %s from %s\n", plugin.value("name", std::string()).c_str(),
              plugin.value("version", std::string()).c_str(),
              plugin.value("path", std::string()).c_str());
}

int run_status(const Arguments& arguments) {
  const auto status = ask_mount(arguments.place, {"status", "{}"}, kStatusWait);
  if (!status) return kFailed;
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
  return ask_mount(arguments.place, {"flush", "{}"}, kWorkWait) ? kOk : kFailed;
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
  add(app, chosen, "flush", "Store everything that is buffered", flush, run_flush);
  auto control = std::make_shared<Arguments>();
  CLI::App* command = add(app, chosen, "control", "Ask the plugin of a mounted volume", control,
                          run_control);
  command->add_option("VERB", control->verb, "What to ask for; 'help' lists them")->required();
  command->add_option("JSON", control->args, "Its arguments, a JSON object");
}

}  // namespace fastmeta::host
