// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta umount
#include <CLI/App.hpp>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "control/client.h"
#include "daemon/process.h"

namespace fastmeta::host {
namespace {

using std::chrono::milliseconds;

struct UmountArguments {
  std::string place;
  bool lazy = false;
};

constexpr milliseconds kAnswerWait{5000};
constexpr milliseconds kEndWait{10 * 60 * 1000};  // as long as what is buffered may take

using Json = nlohmann::json;

// What is to be known of the mount after its daemon is gone.
struct Daemon {
  int pid = 0;  // 0: none answers
  milliseconds drain{0};
  StorePlace store;  // its place is empty when there is none to look at
};

Json answer_of(const MountPoint& mount, const char* verb) {
  std::string why;
  const auto reply = ask(mount, {verb, "{}"}, kAnswerWait, &why);
  Json out = reply && reply->ok ? Json::parse(reply->text, nullptr, false) : Json();
  return out.is_object() ? out : Json::object();
}

std::string string_at(const Json& json, const char* pointer) {
  const Json::json_pointer at(pointer);
  return json.contains(at) && json.at(at).is_string() ? json.at(at).get<std::string>() : "";
}

Daemon daemon_of(const MountPoint& mount) {
  Daemon out;
  const Json status = answer_of(mount, "status");
  const auto pid = status.find("pid");
  if (pid == status.end() || !pid->is_number_integer()) return out;
  out.pid = pid->get<int>();
  const Json stats = answer_of(mount, "stats");
  if (string_at(stats, "/plugin/mode") != "fast-meta") return out;
  const Json config = answer_of(mount, "config");
  // What another user's daemon names is not opened, and no daemon says what code we load.
  const std::string dir = string_at(config, "/cache.dir/value");
  const std::string uuid = string_at(stats, "/plugin/volume/uuid");
  if (mount.user == ::geteuid() && !dir.empty() && !uuid.empty())
    out.store.place = dir + "/" + uuid;
  out.drain =
      parse_duration(string_at(config, "/umount.drain-timeout/value")).value_or(milliseconds(0));
  return out;
}

// Changes that could not be sent in time are told, and kept: no failure.
void tell_what_is_left(const Daemon& daemon, const std::string& path) {
  int code = kOk;
  if (daemon.store.place.empty()) return;
  const auto held = ask_directory(daemon.store, {"cache-state", "{}"}, &code);
  const uint64_t left = held && held->is_object() ? held->value("records", uint64_t{0}) : 0;
  if (left != 0)
    std::fprintf(stderr,
                 "fastmeta: %s: %llu changes are not sent yet; they are kept in %s for the next "
                 "mount\n",
                 path.c_str(), static_cast<unsigned long long>(left),
                 daemon.store.place.c_str());
}

int umount_command(const UmountArguments& arguments) {
  std::string path = arguments.place;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const auto mount = find_mount(path);
  if (!mount) return complain(kFailed, path + ": no fastmeta volume is mounted there");
  if (mount->path != path && path.front() == '/' &&
      path.compare(0, mount->path.size() + 1, mount->path + "/") == 0) {
    return complain(kUsage, path + ": not a mount point; " + mount->path + " is");
  }
  const auto seen = mount_seen_at(mount->path);
  if (!seen || seen->path != mount->path)
    return complain(kFailed, mount->path + ": something else is mounted over the volume");

  const Daemon daemon = daemon_of(*seen);
  const int rc = arguments.lazy ? unmount_lazily(mount->path) : unmount_unused(mount->path);
  if (rc == -EBUSY) {
    return complain(kFailed, mount->path +
                                 ": in use (fuser -vm shows by whom); umount -l detaches it and "
                                 "lets it end when it is not");
  }
  if (rc != 0) return complain(kFailed, mount->path + ": " + std::strerror(-rc));
  if (arguments.lazy || daemon.pid == 0) return kOk;
  if (wait_for_end(daemon.pid, kEndWait + daemon.drain)) {
    tell_what_is_left(daemon, mount->path);
    return kOk;
  }
  return complain(kFailed, mount->path + ": unmounted, but its process " +
                               std::to_string(daemon.pid) + " still stores data");
}

}  // namespace

void add_umount(CLI::App& app, Run* chosen) {
  auto arguments = std::make_shared<UmountArguments>();
  CLI::App* umount = app.add_subcommand(
      "umount",
      "Unmount a volume; returns when all its data is stored. Mode fast-meta: waits as long as\n"
      "umount.drain-timeout says for changes to be sent, then tells how many are left for the\n"
      "next mount");
  umount->add_flag("-l,--lazy", arguments->lazy,
                   "Detach at once, end when nobody uses it any more; does not wait");
  umount->add_option("MOUNTPOINT", arguments->place, "Where it is mounted")->required();
  umount->callback([=] { *chosen = [arguments] { return umount_command(*arguments); }; });
}

}  // namespace fastmeta::host
