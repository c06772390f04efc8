// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of fast-meta over tables in memory, without a server and without threads.
#pragma once

#include "engine/fastmeta/parts.h"
#include "memory_tables/memory_tables.h"
#include "support/no_client.h"
#include "support/quiet_host.h"

namespace fastmeta::test {

class LoneParts {
 public:
  MemoryTables tables;
  const model::KeySpace keys{""};
  const config::PluginConfig config{};
  engine::Validity validity{1};
  engine::Stripes stripes;
  engine::Backlog backlog{config.backlog};
  engine::OpenTable open;

 private:
  NoClient client_;
  QuietHost host_;
  const Clock clock_{};

 public:
  engine::Parts parts{client_,  tables, keys, config, validity, stripes,
                      backlog, open,   host_, clock_, Log()};
};

}  // namespace fastmeta::test
