// SPDX-License-Identifier: GPL-3.0-or-later
// Runs rules on a MemoryStore the way an executor does: a read that is not
// loaded makes the rule fail, the noted keys are loaded, the rule runs again.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "model/mutations.h"
#include "model/view.h"
#include "support/memory_store.h"
#include "util/check.h"

namespace fastmeta::test {

class StoreView : public model::View {
 public:
  StoreView(const MemoryStore& store, const model::VolumeFacts& facts,
            const model::KeySpace& keys, const std::set<model::Ino>& open)
      : View(facts, keys), store_(store), open_(open) {}

  bool open_here(model::Ino ino) const override { return open_.contains(ino); }

  // Loads what the rule asked for.
  void load() {
    for (const model::ReadKey& read : needed()) {
      loaded_.insert_or_assign(read, store_.read(read));
      if (read.watch) watched_.insert(read.key);
    }
    clear_needed();
    ++rounds_;
  }
  int rounds() const { return rounds_; }
  const std::set<std::string>& watched() const { return watched_; }
  const std::map<model::ReadKey, model::RawValue>& loaded() const { return loaded_; }

 protected:
  const model::RawValue* find(const model::ReadKey& read) const override {
    auto at = loaded_.find(read);
    return at == loaded_.end() ? nullptr : &at->second;
  }

 private:
  const MemoryStore& store_;
  const std::set<model::Ino>& open_;
  std::map<model::ReadKey, model::RawValue> loaded_;
  std::set<std::string> watched_;
  int rounds_ = 0;
};

template <typename T>
struct RuleRun {
  Result<T> result;
  model::Mutations out;
  int rounds = 0;                  // of loading
  std::set<std::string> watched;   // keys
};

template <typename R>
struct ResultValue;
template <typename T>
struct ResultValue<Result<T>> {
  using type = T;
};

// rule(view, out) until it no longer misses anything. It is run once more then:
// a rule that gives something else the second time is not pure, and ends the
// test.
template <typename Rule>
auto run_rule(StoreView& view, Rule rule) {
  using Reply = decltype(rule(view, std::declval<model::Mutations&>()));
  for (;;) {
    model::Mutations out;
    Reply reply = rule(view, out);
    if (!reply && reply.error().fault == Fault::kMissing) {
      MDP_CHECK(!view.needed().empty());
      view.load();
      continue;
    }
    model::Mutations again;
    Reply second = rule(view, again);
    MDP_CHECK(second.has_value() == reply.has_value() && view.needed().empty());
    MDP_CHECK(!reply || out.writes == again.writes);
    MDP_CHECK(reply || reply.error().code == second.error().code);
    return RuleRun<typename ResultValue<Reply>::type>{std::move(reply), std::move(out),
                                                      view.rounds(), view.watched()};
  }
}

}  // namespace fastmeta::test
