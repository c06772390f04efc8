// SPDX-License-Identifier: GPL-3.0-or-later
// What the parts of fast-meta share: made by its owner (fast_meta.h), outlives them.
#pragma once

#include "config/plugin_config.h"
#include "engine/fastmeta/backlog.h"
#include "engine/fastmeta/stripes.h"
#include "engine/fastmeta/validity.h"
#include "engine/host.h"
#include "engine/open_table.h"
#include "model/schema/keys.h"
#include "redis/client.h"
#include "store/tables.h"
#include "util/clock.h"
#include "util/log.h"

namespace fastmeta::engine {

struct Parts {
  redis::Client& client;
  store::Tables& tables;
  const model::KeySpace& keys;
  const config::PluginConfig& config;
  Validity& validity;
  Stripes& stripes;
  Backlog& backlog;
  OpenTable& open;
  Host& host;
  const Clock& clock;
  Log log;
};

}  // namespace fastmeta::engine
