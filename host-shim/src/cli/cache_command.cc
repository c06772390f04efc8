// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta cache: the local store of a volume that is not mounted.
#include <CLI/App.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/pages.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;

struct CacheArguments {
  StorePlace where;
  std::string output;
};

int check(const CacheArguments& arguments) {
  int code = kFailed;
  const auto answer = ask_directory(arguments.where, {"cache-check", "{}"}, &code);
  if (!answer) return code;
  const std::string damage = answer->value("damage", std::string());
  if (damage.empty()) {
    std::printf("sound\n");
    return kOk;
  }
  return complain(kFailed, damage);
}

// All that only this store has, into a new file and onto the disk. Counts it.
bool export_to(const CacheArguments& arguments, Json* counts, int* code) {
  const int fd = ::open(arguments.output.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  std::FILE* out = fd < 0 ? nullptr : ::fdopen(fd, "w");
  const auto fail = [&] {
    *code = complain(kFailed, arguments.output + ": " + std::strerror(errno));
    if (out != nullptr) std::fclose(out);
    return false;
  };
  if (out == nullptr) return fail();
  const AskPage ask = [&](const std::string& verb, const std::string& request) {
    return ask_directory(arguments.where, {verb, request}, code);
  };
  for (const Pages& pages : {kRecordPages, kConflictPages}) {
    uint64_t count = 0;
    bool written = true;
    const bool done = for_each_item(ask, pages, true, [&](const Json& item) {
      const std::string line = item.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
      written = std::fwrite(line.data(), 1, line.size(), out) == line.size();
      count += written;
      return written;
    });
    if (!written) return fail();
    if (!done) {
      std::fclose(out);
      return false;
    }
    (*counts)[pages.plural] = count;
  }
  if (std::fflush(out) != 0 || ::fsync(fd) != 0) return fail();
  std::fclose(out);
  return true;
}

int drop(const CacheArguments& arguments) {
  int code = kFailed;
  Json request = Json::object();
  if (!arguments.output.empty() && !export_to(arguments, &request["exported"], &code)) return code;
  return ask_directory(arguments.where, {"cache-drop", request.dump()}, &code) ? kOk : code;
}

}  // namespace

void add_cache(CLI::App& app, Run* chosen) {
  CLI::App* cache = app.add_subcommand(
      "cache", "The local store of a volume that is not mounted (mode fast-meta)");
  cache->require_subcommand(1);
  auto checked = std::make_shared<CacheArguments>();
  CLI::App* checks =
      cache->add_subcommand("check", "Read all of it; exit code 1 and a line for each damage");
  add_place(*checks, &checked->where, false);
  checks->callback([=] { *chosen = [=] { return check(*checked); }; });

  auto dropped = std::make_shared<CacheArguments>();
  CLI::App* drops = cache->add_subcommand(
      "drop", "Remove it; refused while it holds changes that the server does not have");
  drops->add_option("--export", dropped->output,
                    "Write those changes to this new file first, a JSON line each");
  add_place(*drops, &dropped->where, false);
  drops->callback([=] { *chosen = [=] { return drop(*dropped); }; });
}

}  // namespace fastmeta::host
