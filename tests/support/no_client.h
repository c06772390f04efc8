// SPDX-License-Identifier: GPL-3.0-or-later
// A client of a server that nobody reaches.
#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "redis/client.h"

namespace fastmeta::test {

class NoClient : public redis::Client {
 public:
  Result<void> start(redis::ClientHooks) override { return nobody(); }
  void stop() override {}
  const redis::ServerInfo& server() const override { return server_; }
  const std::string& key_prefix() const override { return prefix_; }
  bool connected() const override { return false; }
  uint64_t epoch() const override { return 1; }
  Result<std::vector<redis::Reply>> read(std::span<const redis::Command>, Deadline) override {
    return nobody();
  }
  Result<std::unique_ptr<redis::Sent>> send(std::vector<redis::Command>, uint64_t,
                                            Deadline) override {
    return nobody();
  }
  Result<redis::Lease> lease(Deadline) override { return nobody(); }

 protected:
  static Error nobody() { return {Fault::kDisconnected, EIO, "there is no server"}; }

 private:
  const redis::ServerInfo server_{};
  const std::string prefix_{};
};

}  // namespace fastmeta::test
