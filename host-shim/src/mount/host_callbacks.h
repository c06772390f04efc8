// SPDX-License-Identifier: GPL-3.0-or-later
// What this host offers to the plugin.
#pragma once

#include <mdp/plugin.h>

#include "data/data_engine.h"
#include "kernel/kernel_view.h"

namespace fastmeta::host {

class HostCallbacks {
 public:
  explicit HostCallbacks(LogFn log);
  HostCallbacks(const HostCallbacks&) = delete;
  HostCallbacks& operator=(const HostCallbacks&) = delete;

  // Before the plugin starts: only then it calls more than log.
  void serve(KernelView* view, DataEngine* data) {
    view_ = view;
    data_ = data;
  }
  const mdp_host& table() const { return table_; }

 private:
  static HostCallbacks& self(void* ctx) { return *static_cast<HostCallbacks*>(ctx); }

  LogFn log_;
  KernelView* view_ = nullptr;
  DataEngine* data_ = nullptr;
  mdp_host table_{};
};

}  // namespace fastmeta::host
