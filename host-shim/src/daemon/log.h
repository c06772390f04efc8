// SPDX-License-Identifier: GPL-3.0-or-later
// Where the lines of a mount go.
#pragma once

#include <memory>
#include <string>

#include "config/host_config.h"

namespace fastmeta::host {

// Lines on stderr until the first of the two calls below.
class Log {
 public:
  Log();
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // After the fork, since a target may have a thread or a socket. The file that the
  // configuration names; else the system log of a daemon, or stderr. False when
  // the file cannot be written.
  bool open(const LogConfig& config, bool daemon, const std::string& ident, std::string* why);

  void write(int level, const std::string& text);  // level: enum mdp_log_level
  LogFn fn() {
    return [this](int level, const std::string& text) { write(level, text); };
  }

 private:
  struct Target;
  std::unique_ptr<Target> target_;
};

}  // namespace fastmeta::host
