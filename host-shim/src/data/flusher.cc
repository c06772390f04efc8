// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/flusher.h"

#include <algorithm>
#include <vector>

#include "data/file_writer.h"

namespace fastmeta::host {
namespace {

constexpr std::chrono::milliseconds kStepMax{250};
constexpr std::chrono::seconds kTendEvery{1};  // what the store looks after

}  // namespace

void Flusher::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Flusher::stop() {
  stopping_ = true;
  core_->dirty.nudge();
  if (thread_.joinable()) thread_.join();
}

void Flusher::run() {
  const auto age = core_->options.flush_age;
  const auto step = std::clamp(age / 8, std::chrono::milliseconds(5), kStepMax);
  auto tend_next = OpenSlice::Clock::now() + kTendEvery;
  while (!stopping_) {
    core_->dirty.pause(step);
    const auto now = OpenSlice::Clock::now();
    for (const auto& file : core_->dirty.all()) file->finish_older(now - age);
    if (core_->write_buffers.has_waiters()) relieve();
    if (now >= tend_next) {
      core_->slices->tend();
      tend_next = now + kTendEvery;
    }
  }
}

// When most of the memory is on its way already, waiting is enough; else the
// oldest files are finished until it is.
void Flusher::relieve() {
  struct Holder {
    OpenSlice::Clock::time_point oldest;
    uint64_t bytes;
    std::shared_ptr<FileWriter> file;
  };
  std::vector<Holder> holders;
  uint64_t idle = 0;
  for (auto& file : core_->dirty.all()) {
    Holder holder{{}, 0, std::move(file)};
    holder.bytes = holder.file->idle_bytes(&holder.oldest);
    idle += holder.bytes;
    holders.push_back(std::move(holder));
  }
  const uint64_t most = core_->options.write_buffer_bytes / 2;
  std::sort(holders.begin(), holders.end(),
            [](const Holder& a, const Holder& b) { return a.oldest < b.oldest; });
  for (const Holder& holder : holders) {
    if (idle <= most) return;
    holder.file->finish_older(OpenSlice::Clock::now());
    idle -= holder.bytes;
  }
}

}  // namespace fastmeta::host
