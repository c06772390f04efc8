// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/socket_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace fastmeta::host {
namespace {

std::string file_name(std::string device) {
  std::replace(device.begin(), device.end(), ':', '-');
  return "/" + device + ".sock";
}

// Folders of one user, in the order in which they are tried.
std::vector<std::string> folders(unsigned int user) {
  std::vector<std::string> out;
  if (user == 0) {
    out.push_back("/run/fastmeta");
  } else if (const char* runtime = std::getenv("XDG_RUNTIME_DIR");
             user == ::geteuid() && runtime != nullptr && runtime[0] == '/') {
    out.push_back(std::string(runtime) + "/fastmeta");
  } else {
    out.push_back("/run/user/" + std::to_string(user) + "/fastmeta");
  }
  out.push_back("/tmp/fastmeta-" + std::to_string(user));
  return out;
}

// Nobody else may put a socket there: /tmp is everybody's.
bool is_private_folder(const std::string& path, unsigned int user) {
  struct stat st{};
  return ::lstat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == user &&
         (st.st_mode & 0022) == 0;
}

}  // namespace

std::optional<std::string> own_socket_path(const std::string& device, std::string* why) {
  for (const std::string& folder : folders(::geteuid())) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
      *why = "control socket: " + folder + ": " + std::strerror(errno);
      continue;
    }
    if (is_private_folder(folder, ::geteuid())) return folder + file_name(device);
    *why = "control socket: " + folder + " belongs to somebody else";
  }
  return std::nullopt;
}

std::vector<std::string> socket_candidates(const std::string& device, unsigned int user) {
  std::vector<std::string> out;
  for (const std::string& folder : folders(user)) {
    struct stat st{};
    const bool missing = ::lstat(folder.c_str(), &st) != 0;  // named in the message
    if (missing || is_private_folder(folder, user)) out.push_back(folder + file_name(device));
  }
  return out;
}

}  // namespace fastmeta::host
