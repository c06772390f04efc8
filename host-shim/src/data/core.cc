// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/core.h"

#include <utility>

namespace fastmeta::host {
namespace {

// Of the write buffer, kept between bursts.
constexpr uint64_t kIdleShare = 4;

}  // namespace

Core::Core(const VolumeFormat& format_in, const DataOptions& options_in, const mdp_ops* ops_in,
           mdp_volume* volume_in, LogFn log_in, std::unique_ptr<SliceStore> slices_in)
    : format(format_in),
      options(options_in),
      ops(ops_in),
      volume(volume_in),
      log(std::move(log_in)),
      slices(std::move(slices_in)),
      write_buffers(format.block_bytes, options.write_buffer_bytes / kIdleShare),
      compactor(options, ops, volume, slices.get(), log) {}

}  // namespace fastmeta::host
