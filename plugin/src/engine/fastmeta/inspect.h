// SPDX-License-Identifier: GPL-3.0-or-later
// Admin verbs that look at the local store: on tables, whoever has them open, and on the
// cache directory of a volume that is not mounted. Requests and answers are JSON.
//
//   oplog         {"after", "limit", "full"}  -> {"records": […], "more"}
//   oplog-record  {"seq"}                     -> one, in full
//   conflicts     {"after", "limit", "full"}  -> {"conflicts": […], "more"}
//   conflict      {"id"}                      -> one, in full
// and on a directory only:
//   cache-check   {}                          -> {"damage": one line each, "" when sound}
//   cache-state   {}                          -> {"records", "conflicts"}: unsent, unresolved
//   cache-drop    {"exported": {"records", "conflicts"}} -> {}; refused (EBUSY) unless as
//                 many as there are unsent and unresolved were exported by the caller
#pragma once

#include <string>
#include <string_view>

#include "config/plugin_config.h"
#include "store/tables.h"
#include "util/log.h"
#include "util/result.h"

namespace fastmeta::engine {

// kAnswer, ENOTSUP: not one of these verbs. ENOENT: no such record.
Result<std::string> inspect_tables(store::Tables& tables, std::string_view verb,
                                   std::string_view request);

// cache.dir: where the volumes' directories are, or one of those. kConfig: no store there,
// several, or one that is in use.
Result<std::string> inspect(const config::PluginConfig& config, std::string_view verb,
                            std::string_view request, const Log& log);

}  // namespace fastmeta::engine
