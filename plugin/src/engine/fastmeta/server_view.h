// SPDX-License-Identifier: GPL-3.0-or-later
// What a rule sees when it is run again for the server: the values that were read under
// WATCH, with the earlier writes of the batch over them.
#pragma once

#include <algorithm>
#include <map>

#include "engine/open_table.h"
#include "model/merge.h"
#include "model/view.h"

namespace fastmeta::engine {

class ServerView final : public model::View {
 public:
  ServerView(const model::VolumeFacts& facts, const model::KeySpace& keys, const OpenTable& open,
             const model::OverlaidReads& values)
      : View(facts, keys), open_(open), values_(values) {}

  bool open_here(model::Ino ino) const override {
    // One answer for the whole batch: asked again before it is sent.
    return asked_.try_emplace(ino, open_.is_open(ino)).first->second;
  }
  bool opens_unchanged() const {
    return std::all_of(asked_.begin(), asked_.end(), [&](const auto& asked) {
      return open_.is_open(asked.first) == asked.second;
    });
  }

 protected:
  const model::RawValue* find(const model::ReadKey& read) const override {
    return values_.find(read);
  }

 private:
  const OpenTable& open_;
  const model::OverlaidReads& values_;
  mutable std::map<model::Ino, bool> asked_;
};

}  // namespace fastmeta::engine
