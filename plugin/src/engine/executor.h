// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a rule against a store. The engine speaks only of rules; which executor
// answers their reads and takes their mutations is decided once, at open.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/mutations.h"
#include "model/operation.h"
#include "model/view.h"
#include "util/result.h"

namespace fastmeta::engine {

using ReadRule = std::function<Result<void>(const model::View&)>;
using WriteRule = std::function<Result<void>(const model::View&, model::Mutations&)>;

// What a caller knows beforehand; it changes the cost, never the outcome.
struct WriteHints {
  std::vector<model::ReadKey> reads;  // will probably be needed: load them in the first round
  model::Ino turn = 0;                // writers of this inode had better go one after another
  model::Caller who;                  // of operations that do not name their caller
  bool staged = false;                // write_slice: its data is not yet where others read it
};

// What has to follow a committed transaction, however it reached the store.
// Called on the thread that learnt of the commit, with no lock held.
class Effects {
 public:
  virtual ~Effects() = default;
  // unreferenced: the slices of done.releases that nobody refers to any more.
  virtual void committed(const model::Mutations& done,
                         const std::vector<model::SliceRelease>& unreferenced) = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;

  // Runs a rule that only reads. fresh: its reads are answered by the server.
  virtual Result<void> read(const ReadRule& rule, bool fresh) = 0;

  // Carries an operation out. Its arguments' times and numbers are the caller's.
  virtual Result<model::OperationReply> apply(const model::Operation& operation,
                                              const WriteHints& hints) = 0;

  // Runs a rule and commits what it wants changed; an empty wish commits nothing. For
  // what is no operation of a user (locks, trash directories, deletion of data): it goes
  // to the server in every mode.
  virtual Result<void> write(const WriteRule& rule, const WriteHints& hints) = 0;
  // The same for what gives back something that we hold in the server, or what changes that
  // were acknowledged need there: also while changes are refused. kDisconnected at once when the
  // server is away.
  virtual Result<void> release(const WriteRule& rule) { return write(rule, {}); }

  // Typed forms: the reply of the run that counted.
  template <typename Reply, typename Rule>
  Result<Reply> read_reply(Rule&& rule, bool fresh = false) {
    std::optional<Reply> reply;
    MDP_TRY_VOID(read(
        [&](const model::View& seen) -> Result<void> {
          MDP_TRY(Reply r, rule(seen));
          reply = std::move(r);
          return {};
        },
        fresh));
    return std::move(*reply);
  }
  template <typename Reply>
  Result<Reply> apply_reply(const model::Operation& operation, const WriteHints& hints = {}) {
    MDP_TRY(model::OperationReply reply, apply(operation, hints));
    return std::get<Reply>(std::move(reply));
  }
  template <typename Reply, typename Rule>
  Result<Reply> write_reply(Rule&& rule, const WriteHints& hints = {}) {
    std::optional<Reply> reply;
    MDP_TRY_VOID(write(
        [&](const model::View& seen, model::Mutations& out) -> Result<void> {
          MDP_TRY(Reply r, rule(seen, out));
          reply = std::move(r);
          return {};
        },
        hints));
    return std::move(*reply);
  }
};

}  // namespace fastmeta::engine
