// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/reintegration.h"

#include "engine/fastmeta/worker.h"

namespace fastmeta::engine {

Reintegration::Reintegration(Parts& parts, Effects& effects, Sacrifices& sacrifices,
                             Volume volume, Identity identity)
    : worker_(std::make_unique<Worker>(parts, effects, sacrifices, std::move(volume),
                                       std::move(identity))) {}

Reintegration::~Reintegration() { stop(); }

Result<void> Reintegration::load() { return worker_->load(); }
Result<bool> Reintegration::cycle() { return worker_->cycle(); }

void Reintegration::start() {
  worker_->thread = std::thread([this] { worker_->run(); });
}

void Reintegration::stop() {
  worker_->stop();
  if (worker_->thread.joinable()) worker_->thread.join();
}

void Reintegration::resume() { worker_->resume(); }
uint64_t Reintegration::highest_seq() const { return worker_->highest_seq(); }
void Reintegration::slice_durable(model::Ino, uint64_t slice) { worker_->slice_durable(slice); }
void Reintegration::content_barrier(model::Ino ino) { worker_->content_barrier(ino); }
Reintegration::Stats Reintegration::stats() const { return worker_->stats(); }

}  // namespace fastmeta::engine
