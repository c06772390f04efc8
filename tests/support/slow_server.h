// SPDX-License-Identifier: GPL-3.0-or-later
// A client whose server gives the same answer to every command, and takes its time.
#pragma once

#include <functional>
#include <vector>

#include "support/no_client.h"

namespace fastmeta::test {

class SlowServer final : public NoClient {
 public:
  redis::Reply answer;
  std::function<void()> meanwhile;  // between the answer and its arrival

  Result<std::vector<redis::Reply>> read(std::span<const redis::Command> commands,
                                         Deadline) override {
    if (meanwhile) meanwhile();
    return std::vector(commands.size(), answer);
  }
};

}  // namespace fastmeta::test
