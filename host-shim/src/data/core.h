// SPDX-License-Identifier: GPL-3.0-or-later
// What all parts of the data path share. Files hold it alive.
#pragma once

#include <mdp/plugin.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "data/buffer_pool.h"
#include "data/compactor.h"
#include "data/data_engine.h"
#include "data/dirty_files.h"
#include "data/file_table.h"
#include "data/missing_objects.h"
#include "data/refusals.h"
#include "data/slice_store.h"
#include "data/unsynced_blocks.h"
#include "data/worker_pool.h"

namespace fastmeta::host {

struct Core {
  Core(const VolumeFormat& format_in, const DataOptions& options_in, const mdp_ops* ops_in,
       mdp_volume* volume_in, LogFn log_in, std::unique_ptr<SliceStore> slices_in);

  const VolumeFormat format;
  const DataOptions options;
  const mdp_ops* const ops;
  mdp_volume* const volume;
  const LogFn log;
  const std::unique_ptr<SliceStore> slices;

  BufferPool write_buffers;
  DirtyFiles dirty;
  FileTable files;
  Compactor compactor;
  WorkerPool uploads;
  WorkerPool downloads;

  std::atomic<bool> closed{false};     // no more writes
  std::atomic<bool> abandoned{false};  // what has not begun is given up: stop() ran out of time
  std::atomic<int> lost{0};            // the first error that lost data
  Refusals refusals;
  MissingObjects missing;
  UnsyncedBlocks unsynced;  // empty if options.sync is off
};

}  // namespace fastmeta::host
