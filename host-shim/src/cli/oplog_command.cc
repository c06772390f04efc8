// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta oplog, fastmeta conflicts: what waits to be sent, and what was sacrificed.
#include <CLI/App.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "cli/answer_text.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/pages.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;

struct OplogArguments {
  StorePlace where;
  uint64_t number = 0, limit = 0;
  std::string output;
  bool json = false;
};

AskPage asker(const OplogArguments& arguments, int* code) {
  return [&arguments, code](const std::string& verb, const std::string& request) {
    return ask_store(arguments.where, {verb, request}, code);
  };
}

int list(const OplogArguments& arguments, const Pages& pages, std::string (*text)(const Json&)) {
  int code = kFailed;
  uint64_t left = arguments.limit == 0 ? UINT64_MAX : arguments.limit;
  Json all = Json::array();
  const bool done = for_each_item(asker(arguments, &code), pages, false, [&](const Json& item) {
    if (arguments.json)
      all.push_back(item);
    else
      std::fputs(text(item).c_str(), stdout);
    return --left > 0;
  });
  if (!done) return code;
  if (arguments.json) print_json(all);
  return kOk;
}

int show(const OplogArguments& arguments, const char* verb, const char* field) {
  int code = kFailed;
  const auto item =
      ask_store(arguments.where, {verb, Json{{field, arguments.number}}.dump()}, &code);
  if (!item) return code;
  print_json(*item);
  return kOk;
}

int export_all(const OplogArguments& arguments) {
  const bool to_file = !arguments.output.empty();
  std::FILE* out = to_file ? std::fopen(arguments.output.c_str(), "we") : stdout;
  if (out == nullptr) return complain(kFailed, arguments.output + ": " + std::strerror(errno));
  int code = kFailed;
  bool written = true;
  const bool done =
      for_each_item(asker(arguments, &code), kRecordPages, true, [&](const Json& item) {
        const std::string line = item.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
        written = std::fwrite(line.data(), 1, line.size(), out) == line.size();
        return written;
      });
  written = std::fflush(out) == 0 && written;
  const int why = errno;
  if (to_file) std::fclose(out);
  if (done && !written) return complain(kFailed, arguments.output + ": " + std::strerror(why));
  return done ? kOk : code;
}

CLI::App* add_sub(CLI::App* parent, Run* chosen, const char* name, const char* help,
                  const std::shared_ptr<OplogArguments>& arguments,
                  int (*action)(const OplogArguments&)) {
  CLI::App* command = parent->add_subcommand(name, help);
  command->callback([=] { *chosen = [=] { return action(*arguments); }; });
  return command;
}

void add_list(CLI::App* parent, Run* chosen, const char* help,
              int (*action)(const OplogArguments&)) {
  auto arguments = std::make_shared<OplogArguments>();
  CLI::App* command = add_sub(parent, chosen, "list", help, arguments, action);
  command->add_option("--limit", arguments->limit, "At most so many; 0: all");
  command->add_flag("--json", arguments->json, "As JSON");
  add_place(*command, &arguments->where, true);
}

void add_show(CLI::App* parent, Run* chosen, const char* number, const char* help,
              int (*action)(const OplogArguments&)) {
  auto arguments = std::make_shared<OplogArguments>();
  CLI::App* command = add_sub(parent, chosen, "show", help, arguments, action);
  command->add_option(number, arguments->number, "Its number, as list shows it")->required();
  add_place(*command, &arguments->where, true);
}

}  // namespace

void add_oplog(CLI::App& app, Run* chosen) {
  CLI::App* oplog = app.add_subcommand(
      "oplog", "Changes that are acknowledged and not sent yet (mode fast-meta)");
  oplog->require_subcommand(1);
  add_list(oplog, chosen, "One line each", [](const OplogArguments& arguments) {
    return list(arguments, kRecordPages, record_text);
  });
  add_show(oplog, chosen, "SEQ", "Everything about one, as JSON",
           [](const OplogArguments& arguments) { return show(arguments, "oplog-record", "seq"); });
  auto arguments = std::make_shared<OplogArguments>();
  CLI::App* to_file = add_sub(oplog, chosen, "export", "Everything about all, a JSON line each",
                              arguments, export_all);
  to_file->add_option("--output", arguments->output, "A file; default: stdout");
  add_place(*to_file, &arguments->where, true);

  CLI::App* conflicts = app.add_subcommand(
      "conflicts", "Changes that were sacrificed because another client's came first");
  conflicts->require_subcommand(1);
  add_list(conflicts, chosen, "One line each", [](const OplogArguments& arguments) {
    return list(arguments, kConflictPages, conflict_text);
  });
  add_show(conflicts, chosen, "ID", "Everything about one, as JSON",
           [](const OplogArguments& arguments) { return show(arguments, "conflict", "id"); });
}

}  // namespace fastmeta::host
