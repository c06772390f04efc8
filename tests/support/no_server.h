// SPDX-License-Identifier: GPL-3.0-or-later
// Where whatever the server is asked apart from the worker is none of the test's business.
#pragma once

#include <cerrno>

#include "engine/executor.h"

namespace fastmeta::test {

class NoServer final : public engine::Executor {
 public:
  Result<void> read(const engine::ReadRule&, bool) override { return error(); }
  Result<model::OperationReply> apply(const model::Operation&,
                                      const engine::WriteHints&) override {
    return error();
  }
  Result<void> write(const engine::WriteRule&, const engine::WriteHints&) override {
    return error();
  }

 private:
  static Error error() { return {Fault::kAnswer, ENOSYS, "no executor over the server"}; }
};

}  // namespace fastmeta::test
