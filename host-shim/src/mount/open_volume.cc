// SPDX-License-Identifier: GPL-3.0-or-later
#include "mount/open_volume.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "mount/plugin_text.h"

namespace fastmeta::host {
namespace {

using Why = std::array<char, 4096>;

std::string reason(const Why& why, int result) {
  const auto end = std::find(why.begin(), why.end(), '\0');
  if (end != why.begin()) return {why.begin(), end};
  return std::strerror(-result);
}

const char* c_or_null(const std::optional<std::string>& text) {
  return text ? text->c_str() : nullptr;
}

}  // namespace

OpenArgs::OpenArgs(const VolumeArgs& args) {
  for (const std::string& option : args.options) options_.push_back(option.c_str());
  c_.struct_size = sizeof c_;
  c_.flags = args.read_only ? MDP_OPEN_READ_ONLY : 0;
  c_.config_file = c_or_null(args.config_file);
  c_.meta_url = c_or_null(args.meta_url);
  c_.cache_dir = c_or_null(args.cache_dir);
  c_.mount_point = c_or_null(args.mount_point);
  c_.options = options_.data();
  c_.option_count = options_.size();
}

std::unique_ptr<OpenVolume> OpenVolume::open(const mdp_ops& ops, const VolumeArgs& args,
                                             const mdp_host& host, int* result,
                                             std::string* why) {
  const OpenArgs c(args);
  Why text{};
  mdp_volume* volume = nullptr;
  *result = ops.open(c.get(), &host, &volume, text.data(), text.size());
  if (*result == 0) return std::unique_ptr<OpenVolume>(new OpenVolume(ops, volume));
  *why = reason(text, *result);
  return nullptr;
}

OpenVolume::~OpenVolume() {
  if (started_) ops_.stop(volume_, MDP_STOP_KEEP, 0);
  ops_.close(volume_);
}

int OpenVolume::start(std::string* why) {
  Why text{};
  const int rc = ops_.start(volume_, text.data(), text.size());
  if (rc != 0) *why = reason(text, rc);
  started_ = rc == 0;
  return rc;
}

int OpenVolume::stop(std::chrono::milliseconds timeout) {
  if (!started_) return 0;
  started_ = false;
  const int mode = ops_.abi_minor >= 1 ? MDP_STOP_WAIT_CONFIGURED : MDP_STOP_DRAIN;
  return ops_.stop(volume_, mode, static_cast<uint32_t>(timeout.count()));
}

uint64_t OpenVolume::left() const {
  mdp_health health{};
  health.struct_size = sizeof health;
  return ops_.health != nullptr && ops_.health(volume_, &health) == 0 ? health.backlog : 0;
}

int OpenVolume::describe(std::string* json) const {
  return read_text(json, [&](char* buffer, size_t cap) {
    return ops_.describe(volume_, buffer, cap);
  });
}

}  // namespace fastmeta::host
