// SPDX-License-Identifier: GPL-3.0-or-later
// Going to the background, before any thread exists. The parent stays until the
// child says how the mount went, so that its exit code tells the user.
#pragma once

namespace fastmeta::host {

class Background {
 public:
  // In the child only. The parent ends here with the child's code. `stay`: no fork
  // at all.
  explicit Background(bool stay);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // The mount is up: lets the parent go and leaves the terminal.
  void ready();

 private:
  int report_ = -1;  // pipe to the parent
};

}  // namespace fastmeta::host
