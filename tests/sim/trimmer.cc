// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/trimmer.h"

#include <string>
#include <utility>

namespace fastmeta::sim {

namespace {

constexpr Time kTrimmerPause = 60 * kMillisecond;
constexpr size_t kRowsMost = 40;       // more than two that a step looks at
constexpr uint64_t kBytesMost = 4000;  // that have to go
constexpr uint64_t kAllOneIn = 8;      // passes in which all have to
constexpr uint64_t kOftenOneIn = 4;    // … that others follow at once
constexpr uint64_t kOften = 8;
constexpr Time kTrimAgain = kMillisecond;

}  // namespace

// As the evictor measures it: so many bytes over the limit.
class Trimmer::TooLarge final : public store::Store {
 public:
  TooLarge(store::Tables& inner, uint64_t limit) : inner_(inner), limit_(limit) {}
  void by(uint64_t bytes) { excess_ = bytes; }

  Result<std::unique_ptr<store::Transaction>> begin() override { return inner_.begin(); }
  Result<void> sync() override { return inner_.sync(); }
  Result<void> may_write() override { return inner_.may_write(); }
  Stats stats() const override {
    Stats stats;
    stats.bytes_on_disk = excess_ == 0 ? 0 : limit_ + excess_;
    return stats;
  }
  bool unclean_start() const override { return true; }
  std::string recovery_damage() const override { return {}; }
  Result<void> close_clean() override { return {}; }
  Result<void> checkpoint() override { return inner_.sync(); }
  Result<void> compact() override { return {}; }
  Result<std::string> verify() override { return std::string(); }

 private:
  store::Tables& inner_;
  const uint64_t limit_;
  uint64_t excess_ = 0;
};

Trimmer::Trimmer(Scheduler& scheduler, test::Dice& dice, engine::Parts& parts,
                 std::function<uint64_t()> own_changes)
    : scheduler_(scheduler),
      dice_(dice),
      parts_(parts),
      own_changes_(std::move(own_changes)),
      too_large_(std::make_unique<TooLarge>(parts.tables, parts.config.cache.max_size)),
      evictor_(parts, *too_large_, 2 + dice.below(kRowsMost)) {}

Trimmer::~Trimmer() = default;

void Trimmer::work() {
  for (;;) {
    scheduler_.sleep(static_cast<Time>(dice_.below(static_cast<uint64_t>(kTrimmerPause))));
    for (uint64_t i = dice_.one_in(kOftenOneIn) ? kOften : 1; i > 0; --i) {
      if (parts_.client.connected()) pass();
      scheduler_.sleep(kTrimAgain);
    }
  }
}

void Trimmer::pass() {
  const uint64_t before = own_changes_();
  const bool all = dice_.one_in(kAllOneIn);
  too_large_->by(all ? UINT32_MAX : 1 + dice_.below(kBytesMost));
  for (;;) {
    // A store that is full or broken may refuse.
    const auto more = evictor_.pass();
    if (!more || !*more) break;
    if (!all && dice_.one_in(3)) break;  // goes on there another time
    too_large_->by(0);
  }
  if (own_changes_() != before) ++spoilt_;
}

}  // namespace fastmeta::sim
