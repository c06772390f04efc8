// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta umount
#include <CLI/App.hpp>

#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "control/client.h"
#include "daemon/process.h"

namespace fastmeta::host {
namespace {

using std::chrono::milliseconds;

struct Arguments {
  std::string place;
  bool lazy = false;
};

constexpr milliseconds kAnswerWait{5000};
constexpr milliseconds kEndWait{10 * 60 * 1000};  // as long as what is buffered may take

// 0 when no daemon answers.
int pid_of(const MountPoint& mount) {
  std::string why;
  const auto reply = ask(mount, {"status", "{}"}, kAnswerWait, &why);
  if (!reply || !reply->ok) return 0;
  const auto status = nlohmann::json::parse(reply->text, nullptr, false);
  if (!status.is_object()) return 0;
  const auto pid = status.find("pid");
  return pid != status.end() && pid->is_number_integer() ? pid->get<int>() : 0;
}

int run(const Arguments& arguments) {
  std::string path = arguments.place;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const auto mount = find_mount(path);
  if (!mount) return complain(kFailed, path + ": no fastmeta volume is mounted there");
  if (mount->path != path && path.front() == '/' &&
      path.compare(0, mount->path.size() + 1, mount->path + "/") == 0) {
    return complain(kUsage, path + ": not a mount point; " + mount->path + " is");
  }

  const int pid = pid_of(*mount);
  const int rc = arguments.lazy ? unmount_lazily(mount->path) : unmount_unused(mount->path);
  if (rc == -EBUSY) {
    return complain(kFailed, mount->path +
                                 ": in use (fuser -vm shows by whom); umount -l detaches it and "
                                 "lets it end when it is not");
  }
  if (rc != 0) return complain(kFailed, mount->path + ": " + std::strerror(-rc));
  if (arguments.lazy || pid == 0) return kOk;
  if (wait_for_end(pid, kEndWait)) return kOk;
  return complain(kFailed, mount->path + ": unmounted, but its process " + std::to_string(pid) +
                               " still stores data");
}

}  // namespace

void add_umount(CLI::App& app, Run* chosen) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* umount = app.add_subcommand(
      "umount", "Unmount a volume; returns when all its data is stored");
  umount->add_flag("-l,--lazy", arguments->lazy,
                   "Detach at once, end when nobody uses it any more; does not wait");
  umount->add_option("MOUNTPOINT", arguments->place, "Where it is mounted")->required();
  umount->callback([=] { *chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace fastmeta::host
