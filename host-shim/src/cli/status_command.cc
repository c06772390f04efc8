// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta status, stats, flush: what a live mount answers.
#include <CLI/App.hpp>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/answer_text.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/exit_code.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

struct StatusArguments {
  std::string place, verb, args = "{}", timeout = "30s";
  bool json = false;
};

constexpr milliseconds kStatusWait{10'000};
constexpr milliseconds kWorkWait{10 * 60 * 1000};
constexpr milliseconds kFlushGrace{60'000};  // for data that is buffered in the host

int run_status(const StatusArguments& arguments) {
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
    std::fputs(status_text(*status).c_str(), stdout);
  }
  return kOk;
}

int run_stats(const StatusArguments& arguments) {
  const auto stats = ask_mount(arguments.place, {"stats", "{}"}, kStatusWait);
  if (!stats) return kFailed;
  if (arguments.json || !stats->is_object()) {
    print_json(*stats);
  } else {
    std::fputs(flat_text(*stats).c_str(), stdout);
  }
  return kOk;
}

int run_flush(const StatusArguments& arguments) {
  const auto timeout = parse_duration(arguments.timeout);
  if (!timeout)
    return complain(kUsage, "--timeout: '" + arguments.timeout +
                                "' is not a duration such as 500ms, 30s, 5m, 1h");
  const Json request = {{"timeout_ms", timeout->count()}};
  const auto answer =
      ask_mount(arguments.place, {"flush", request.dump()}, *timeout + kFlushGrace);
  if (!answer) return kFailed;
  const uint64_t left = number_at(*answer, "/left");
  if (left == 0) return kOk;
  return complain(kFailed, arguments.place + ": " + std::to_string(left) +
                               " changes are not sent yet after " + arguments.timeout);
}

int run_control(const StatusArguments& arguments) {
  const auto answer = ask_mount(arguments.place, {arguments.verb, arguments.args}, kWorkWait);
  if (!answer) return kFailed;
  print_json(*answer);
  return kOk;
}

CLI::App* add(CLI::App& app, Run* chosen, const char* name, const char* help,
              std::shared_ptr<StatusArguments> arguments, int (*action)(const StatusArguments&)) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("MOUNTPOINT", arguments->place, "The mount point, or a file below it")
      ->required();
  command->callback([=] { *chosen = [=] { return action(*arguments); }; });
  return command;
}

}  // namespace

void add_status(CLI::App& app, Run* chosen) {
  auto status = std::make_shared<StatusArguments>();
  add(app, chosen, "status", "How a mounted volume is", status, run_status)
      ->add_flag("--json", status->json, "As JSON");
  auto stats = std::make_shared<StatusArguments>();
  add(app, chosen, "stats", "Counters of a mounted volume", stats, run_stats)
      ->add_flag("--json", stats->json, "As JSON");
  auto flush = std::make_shared<StatusArguments>();
  add(app, chosen, "flush",
      "Store everything that is buffered and wait until other clients see it; exit code 1 when\n"
      "changes are left at the end",
      flush, run_flush)
      ->add_option("--timeout", flush->timeout, "How long to wait for changes to be sent")
      ->capture_default_str();
  auto control = std::make_shared<StatusArguments>();
  CLI::App* command = add(app, chosen, "control", "Ask the plugin of a mounted volume", control,
                          run_control);
  command->add_option("VERB", control->verb, "What to ask for; 'help' lists them")->required();
  command->add_option("JSON", control->args, "Its arguments, a JSON object");
}

}  // namespace fastmeta::host
