// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/trimmer.h"

#include <map>
#include <string>

#include "sim/local_tables.h"
#include "util/check.h"

namespace fastmeta::sim {

namespace {

constexpr Time kPause = 60 * kMillisecond;
constexpr size_t kRowsMost = 40;       // more than two that a step looks at
constexpr uint64_t kBytesMost = 4000;     // that have to go
constexpr uint64_t kAllOneIn = 8;         // rounds in which all have to

using Rows = std::map<std::string, std::string>;

Rows pending_rows(store::Store& tables) {
  Rows rows;
  auto transaction = tables.begin();
  MDP_CHECK(transaction);
  MDP_CHECK((*transaction)->scan(store::Table::kRows, {}, [&](auto row, auto bytes) {
    if (is_pending(bytes)) rows.emplace(row, bytes);
    return true;
  }));
  return rows;
}

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
                 store::Store& tables)
    : scheduler_(scheduler),
      dice_(dice),
      parts_(parts),
      tables_(tables),
      too_large_(std::make_unique<TooLarge>(parts.tables, parts.config.cache.max_size)),
      evictor_(parts, *too_large_, 2 + dice.below(kRowsMost)) {}

Trimmer::~Trimmer() = default;

void Trimmer::work() {
  for (;;) {
    scheduler_.sleep(static_cast<Time>(dice_.below(static_cast<uint64_t>(kPause))));
    if (parts_.client.connected()) pass();
  }
}

void Trimmer::pass() {
  const Rows before = pending_rows(tables_);
  const bool all = dice_.one_in(kAllOneIn);
  too_large_->by(all ? UINT32_MAX : 1 + dice_.below(kBytesMost));
  for (;;) {
    // A store that is full or broken may refuse.
    const auto more = evictor_.pass();
    if (!more || !*more) break;
    if (!all && dice_.one_in(3)) break;  // goes on there another time
    too_large_->by(0);
  }
  if (pending_rows(tables_) != before) ++spoilt_;
}

}  // namespace fastmeta::sim
