// SPDX-License-Identifier: GPL-3.0-or-later
#include "rig.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <thread>

#include "data/engine.h"
#include "data/object_name.h"

namespace fastmeta::host::test {
namespace fs = std::filesystem;

const mdp_caller& somebody() {
  static const mdp_caller caller = [] {
    mdp_caller it{};
    it.struct_size = sizeof it;
    it.uid = 1000;
    return it;
  }();
  return caller;
}

std::string pattern(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    // Half of it repeats, so that it can be compressed.
    out[i] = i % 16 < 8 ? static_cast<char>('a' + seed % 26) : static_cast<char>(random());
  }
  return out;
}

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 1000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return holds();
}

Rig::Rig(RigOptions options) : options_(std::move(options)), root_(options_.root) {
  if (root_.empty()) {
    std::string name = (fs::temp_directory_path() / "host_data.XXXXXX").string();
    root_ = std::string(::mkdtemp(name.data())) + "/";
  }
  std::ofstream(root_ + kOwnerObject) << "uuid";
  VolumeFormat format;
  format.name = "vol";
  format.storage = "file";
  format.bucket = root_;
  format.block_bytes = options_.block_bytes;
  format.compression = options_.compression;
  format.hash_prefix = options_.hash_prefix;
  const auto fault = [this](const char* op, const std::string& name) {
    FaultyStore::Fault now;
    {
      std::lock_guard lock(mutex_);
      now = fault_;
    }
    return now ? now(op, name) : 0;
  };
  const auto log = [this](int level, const std::string& text) {
    if (level < MDP_LOG_ERROR) return;
    std::lock_guard lock(mutex_);
    log_ += text + "\n";
  };
  std::string why;
  engine = open_data_engine(format, options_.data, plugin.ops(), plugin.volume(), log,
                            std::make_unique<FaultyStore>(root_, fault, options_.ranges), &why);
  EXPECT_NE(engine, nullptr) << why;
  plugin.in_place = [this](uint64_t id, uint32_t size) { return in_place(id, size); };
  plugin.unreferenced = [this](uint64_t id, uint32_t size) { engine->delete_slice(id, size); };
  if (options_.start) engine->start();
}

Rig::~Rig() {
  EXPECT_EQ(plugin.violations(), std::vector<std::string>{});
  // While the engine merges, the plugin calls back into it.
  engine->stop(std::chrono::seconds(10));
  engine.reset();
  if (options_.root.empty()) fs::remove_all(root_);
}

void Rig::fail_store(FaultyStore::Fault fault) {
  std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}

std::shared_ptr<Handle> Rig::open(uint64_t ino) {
  auto file = engine->acquire(ino);
  mdp_entry entry{};
  if (plugin.ops()->getattr(plugin.volume(), &somebody(), ino, &entry) != 0) {
    plugin.add_file(ino);
    entry.attr = plugin.file(ino).attr;
  }
  file->opened(entry.attr);
  return std::make_shared<Handle>(std::move(file));
}

int Rig::write(Handle& file, uint64_t off, const std::string& bytes) {
  return file.write(somebody(), off, bytes.data(), bytes.size());
}

std::string Rig::read(Handle& file, uint64_t off, size_t size) {
  std::string out(size, '?');
  size_t got = 0;
  const int rc = file.read(somebody(), off, out.data(), size, &got);
  if (rc != 0) return "errno " + std::to_string(-rc);
  out.resize(got);
  return out;
}

std::string Rig::log() {
  std::lock_guard lock(mutex_);
  return log_;
}

std::vector<std::string> Rig::objects() const {
  std::vector<std::string> out;
  const fs::path top = root_ + "chunks";
  if (!fs::exists(top)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    if (entry.is_regular_file()) out.push_back(fs::relative(entry.path(), root_).string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool Rig::in_place(uint64_t id, uint32_t size) const {
  for (uint32_t block = 0; block < block_count(size, options_.block_bytes); ++block) {
    const uint32_t bytes = bytes_of_block(size, options_.block_bytes, block);
    std::error_code error;
    const auto found =
        fs::file_size(root_ + object_name(options_.hash_prefix, id, block, bytes), error);
    if (error) return false;
    if (options_.compression == "none" && found != bytes) return false;
  }
  return true;
}

}  // namespace fastmeta::host::test
