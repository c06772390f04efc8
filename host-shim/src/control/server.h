// SPDX-License-Identifier: GPL-3.0-or-later
// Answers on the control socket of a mount.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "control/protocol.h"

namespace fastmeta::host {

// The line to send back.
using ControlHandler = std::function<std::string(const ControlRequest&)>;

class ControlServer {
 public:
  static constexpr int kConnectionsMax = 16;

  // Whether a path that cannot belong to two is ours: whoever listens there is on its way out
  // then, and where it is not ours any more a successor may be there by now. Asked while nobody
  // else takes such a path or gives it up.
  using Ours = std::function<bool()>;

  // Null on failure, with the reason. ours: null for a path that another process may have.
  static std::unique_ptr<ControlServer> listen(const std::string& path, const Ours& ours,
                                               ControlHandler handler, std::string* why);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // A second way to it, at a path that is only ours; removed with it.
  void link_from(const std::string& other, const Ours& ours);

 private:
  ControlServer(std::string path, int listener, ControlHandler handler);
  void run();
  void serve(int connection);

  const std::string path_;
  std::string link_;
  const uint64_t file_;  // inode of path_: a successor's is not removed
  const int listener_;
  const int quit_;  // eventfd, readable once it ends
  const ControlHandler handler_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace fastmeta::host
