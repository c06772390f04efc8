// SPDX-License-Identifier: GPL-3.0-or-later
// Signals that end a mount, taken in by a thread of their own.
#pragma once

#include <functional>
#include <thread>

namespace fastmeta::host {

class EndSignals {
 public:
  // Call before any other thread exists: all threads inherit the mask.
  static void block();

  // begin: called once, for the first signal; again: for each later one.
  EndSignals(std::function<void(int signal)> begin, std::function<void(int signal)> again);
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

 private:
  void run();

  std::function<void(int)> begin_;
  std::function<void(int)> again_;
  int quit_ = -1;  // eventfd
  std::thread thread_;
};

}  // namespace fastmeta::host
