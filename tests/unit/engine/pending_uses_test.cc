// SPDX-License-Identifier: GPL-3.0-or-later
// What the index finds, against a look at every record.
#include <gtest/gtest.h>

#include <map>

#include "engine/fastmeta/pending_uses.h"
#include "support/seed.h"

namespace fastmeta::engine {
namespace {

using model::KeyUse;
using Uses = std::vector<KeyUse>;

Uses random_uses(test::Dice& dice) {
  Uses uses;
  for (uint64_t i = 0; i <= dice.below(3); ++i) {
    KeyUse use;
    use.key = "k" + std::to_string(dice.below(12));
    use.whole = dice.one_in(3);
    if (!use.whole) use.field = std::to_string(dice.below(6));
    use.how = static_cast<KeyUse::How>(1 << dice.below(4));
    uses.push_back(use);
  }
  return uses;
}

TEST(PendingUses, FindsAllThatShareAKeyAndNobodyElse) {
  test::Dice dice(test::random_seed());
  for (int round = 0; round < 200; ++round) {
    const model::KeySpace keys;
    PendingUses index(keys);
    std::map<uint64_t, Uses> records;
    for (uint64_t seq = 1; seq <= 60; ++seq) index.add(seq, records[seq] = random_uses(dice));
    const Uses asked_for = random_uses(dice);
    model::KeyUses shared;
    shared.add(asked_for);
    std::set<uint64_t> expected, found;
    for (const auto& [seq, uses] : records)
      if (shared.shared_by(uses)) expected.insert(seq);
    PendingUses::Asked asked;
    index.collect(asked_for, asked, found);
    EXPECT_EQ(found, expected);
    std::set<uint64_t> again;
    index.collect(asked_for, asked, again);
    EXPECT_TRUE(again.empty()) << "what was asked for already";
    index.clear();
    EXPECT_TRUE(index.empty());
  }
}

}  // namespace
}  // namespace fastmeta::engine
