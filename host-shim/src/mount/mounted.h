// SPDX-License-Identifier: GPL-3.0-or-later
// A live mount as the control socket sees it.
#pragma once

#include <mdp/plugin.h>

#include <ctime>
#include <string>

#include "control/protocol.h"
#include "data/data_engine.h"
#include "kernel/kernel_view.h"
#include "loader/plugin_loader.h"

namespace fastmeta::host {

struct Mounted {
  const Plugin& plugin;
  mdp_volume* volume;
  DataEngine& data;
  const KernelView& view;
  std::string name;         // of the volume
  std::string mount_point;
  std::time_t since = 0;
};

// Answers a request; a verb that is none of the host's is the plugin's.
std::string answer_control(const Mounted& mounted, const ControlRequest& request);

}  // namespace fastmeta::host
