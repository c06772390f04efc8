// SPDX-License-Identifier: GPL-3.0-or-later
// A volume on a server of the test's own, opened through the engine.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/volume.h"
#include "support/redis_server.h"

namespace fastmeta::test {

// Remembers what it was told.
class RecordingHost : public engine::Host {
 public:
  void attr_changed(model::Ino ino) override { note("attr", ino); }
  void data_changed(model::Ino ino) override { note("data", ino); }
  void names_changed(model::Ino parent) override { note("names", parent); }
  void all_changed() override { ++all; }
  bool invalidations_done(std::chrono::milliseconds) override { return true; }
  int delete_slice(uint64_t id, uint32_t) override {
    std::lock_guard lock(mutex);
    deleted.insert(id);
    return 0;
  }

  int slice_is_durable(uint64_t, uint32_t) override { return 1; }

  bool saw(const std::string& what, model::Ino ino) {
    std::lock_guard lock(mutex);
    return changes.contains(what + std::to_string(ino));
  }
  void forget() {
    std::lock_guard lock(mutex);
    changes.clear();
  }

  std::mutex mutex;
  std::set<std::string> changes;
  std::set<uint64_t> deleted;
  std::atomic<int> all{0};

 private:
  void note(const std::string& what, model::Ino ino) {
    std::lock_guard lock(mutex);
    changes.insert(what + std::to_string(ino));
  }
};

template <typename Done>
bool soon(Done&& done, std::chrono::milliseconds within = std::chrono::milliseconds(5000)) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (std::chrono::steady_clock::now() < until) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

inline config::PluginConfig config_for(const std::string& url,
                                       const std::vector<std::string>& options = {}) {
  auto config = config::load_plugin_config(std::nullopt, url, std::nullopt, options);
  if (!config) ADD_FAILURE() << config.error().text;
  return *config;
}

inline std::string settings_json(int trash_days) {
  return R"({"Name":"tested","Storage":"file","Bucket":"/nowhere/","TrashDays":)" +
         std::to_string(trash_days) + "}";
}

// One client of the volume.
struct Mounted {
  explicit Mounted(const std::string& url, const std::vector<std::string>& options = {}) {
    auto opened = engine::Volume::open(config_for(url, options), {false, "/mnt/test"}, host, Log());
    if (!opened) {
      ADD_FAILURE() << opened.error().text;
      return;
    }
    volume = std::move(*opened);
    auto started = volume->start();
    if (!started) ADD_FAILURE() << started.error().text;
  }
  ~Mounted() {
    if (volume) volume->stop(std::chrono::milliseconds(0));
  }
  engine::Volume* operator->() { return volume.get(); }

  model::Ino make(model::Ino parent, const std::string& name,
                  model::FileType type = model::FileType::kFile) {
    engine::Volume::NewNode node;
    node.parent = parent;
    node.name = name;
    node.type = type;
    node.mode = 0755;
    if (type == model::FileType::kSymlink) node.target = "target";
    auto made = volume->make(node);
    if (!made) {
      ADD_FAILURE() << name << ": errno " << made.error().code << " " << made.error().text;
      return 0;
    }
    return made->ino;
  }
  model::Ino dir(model::Ino parent, const std::string& name) {
    return make(parent, name, model::FileType::kDirectory);
  }
  // The inode of a name, 0 when there is none, -errno as a negative number else.
  int64_t find(model::Ino parent, const std::string& name) {
    auto found = volume->lookup(parent, name);
    if (found) return static_cast<int64_t>(found->ino);
    return found.error().code == ENOENT ? 0 : -found.error().code;
  }

  RecordingHost host;
  std::unique_ptr<engine::Volume> volume;
};

class VolumeTest : public ::testing::Test {
 protected:
  explicit VolumeTest(int trash_days = 0) {
    auto made = engine::format_volume(config_for(server.url()), settings_json(trash_days), false,
                                      Log());
    EXPECT_TRUE(made) << made.error().text;
  }
  int64_t number(const std::string& command) const {
    const std::string reply = server.ask(command);
    return std::stoll(reply.substr(reply.starts_with('$') ? reply.find('\n') + 1 : 1));
  }

  RedisServer server;
};

}  // namespace fastmeta::test
