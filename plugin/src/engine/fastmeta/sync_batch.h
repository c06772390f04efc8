// SPDX-License-Identifier: GPL-3.0-or-later
// Some records on their way to the server, and what is known of the server for them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/fastmeta/oplog_window.h"
#include "engine/fastmeta/server_view.h"
#include "engine/fastmeta/validity.h"
#include "model/merge.h"

namespace fastmeta::engine {

// Why a record cannot be what was acknowledged any more.
struct Clash {
  PendingPtr item;
  int error = 0;       // the rule's errno; 0: it relied on what no longer holds
  std::string reason;  // one line
};

struct SyncBatch {
  std::vector<PendingPtr> items;
  uint64_t epoch = 0;  // of the connection on which it was read

  // What is to be read, then what was read.
  std::set<model::ReadKey> reads;
  std::set<std::string> watched;
  std::set<model::Ino> stat_dirs;                       // directories asked about
  std::set<std::pair<uint64_t, std::string>> guards;    // session, key of the lock
  model::OverlaidReads values;
  bool keep_raw = false;                          // for a script
  std::map<model::ReadKey, model::RawValue> raw;
  std::map<model::ReadKey, std::string> damaged;  // of a type that the schema does not know
  std::optional<std::string> client_key;          // its value
  std::map<model::Ino, bool> has_stats;
  // A holder's field of the lock and its value; nothing: the session holds the lock no more.
  std::map<std::pair<uint64_t, std::string>, std::optional<std::pair<std::string, std::string>>>
      locked;

  // The run: records before `next` are done.
  model::VolumeFacts facts;
  std::unique_ptr<ServerView> view;
  size_t next = 0;
  std::vector<model::Mutations> mutations;
  std::optional<Clash> clash;  // ends the batch: the items before it are sent

  // What is sent.
  model::MergedWrites merged;
  std::vector<model::DirStatDelta> stats_here;  // in the same MULTI; the rest is left over
  std::string cursor;
  Token token;

  // What the server answered to merged.releases.
  std::vector<model::SliceRelease> unreferenced;
};
using SyncBatchPtr = std::shared_ptr<SyncBatch>;

}  // namespace fastmeta::engine
