// SPDX-License-Identifier: GPL-3.0-or-later
// What a rule sees of the local store: the base of each row as far as it still holds,
// or as it was fetched for this call, and our pending changes over it. What is not
// known is noted as needed.
//
// One per run of a rule, over one transaction (a snapshot); one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/fastmeta/row.h"
#include "engine/fastmeta/validity.h"
#include "engine/open_table.h"
#include "model/view.h"
#include "store/tables.h"

namespace fastmeta::engine {

// The server's answers that one call has asked for; used where rows do not hold (a fill
// that was cancelled still answers its caller).
class Fetched {
 public:
  struct Answer {
    model::RawValue value;
    Token token;  // of the moment before it was asked
  };
  void put(const model::ReadKey& read, model::RawValue value, Token token) {
    answers_.insert_or_assign(read, Answer{std::move(value), token});
  }
  const Answer* find(const model::ReadKey& read) const {
    auto it = answers_.find(read);
    return it == answers_.end() ? nullptr : &it->second;
  }

 private:
  std::map<model::ReadKey, Answer> answers_;
};

class LocalView final : public model::View {
 public:
  // fresh: only what was fetched for this call counts as the server's.
  LocalView(const model::VolumeFacts& facts, const model::KeySpace& keys, const OpenTable& open,
            const Validity& validity, store::Transaction& transaction, const Fetched& fetched,
            bool fresh)
      : View(facts, keys),
        open_(open),
        validity_(validity),
        transaction_(transaction),
        fetched_(fetched),
        fresh_(fresh) {}

  bool open_here(model::Ino ino) const override { return open_.is_open(ino); }

  // Every answer that the rule was given, in no particular order.
  const std::map<model::ReadKey, model::RawValue>& answered() const { return answered_; }
  // Attributes as the rule was shown them; nothing: it was not, or there are none.
  std::optional<model::Attr> shown(model::Ino ino) const;
  // The store failed while it was asked; then needed() means nothing.
  const std::optional<Error>& failure() const { return failure_; }

  struct Counts {
    uint64_t hits = 0, misses = 0;
  };
  const Counts& counts() const { return counts_; }

 protected:
  const model::RawValue* find(const model::ReadKey& read) const override;

 private:
  using Answer = std::optional<model::RawValue>;
  // The server's answer to a read of one row, if it is known.
  Answer base(const model::ReadKey& read, const Row& row) const;
  const model::RawValue* fetched(const model::ReadKey& read, const Row& row) const;
  Answer compute(const model::ReadKey& read) const;
  Answer one_row(const model::ReadKey& read) const;
  Answer hash(const std::string& key) const;
  Answer hash(const std::string& key, bool known) const;
  Answer count(const model::ReadKey& read) const;

  // Is the hash known as a whole (complete, emptied, or of an inode born here)?
  bool whole(const std::string& key) const;
  bool born(const std::string& key) const;
  const Row& row(const std::string& name) const;

  const OpenTable& open_;
  const Validity& validity_;
  store::Transaction& transaction_;
  const Fetched& fetched_;
  const bool fresh_;
  mutable std::map<model::ReadKey, model::RawValue> answered_;
  mutable std::map<std::string, Row> rows_;
  mutable std::optional<Error> failure_;
  mutable Counts counts_;
};

}  // namespace fastmeta::engine
