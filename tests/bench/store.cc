// SPDX-License-Identifier: GPL-3.0-or-later
// What the local store costs: a read, a commit like that of a create, a sync.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "store/store.h"
#include "util/check.h"

namespace {

using namespace fastmeta;
using namespace fastmeta::store;

constexpr int kRows = 100000;

std::string row_key(uint64_t n) { return "i" + number_key(n * 2654435761 % kRows); }

struct Setup {
  explicit Setup(Durability durability) {
    const char* base = std::getenv("TMPDIR");
    dir = std::string(base ? base : "/tmp") + "/fastmeta-bench-XXXXXX";
    MDP_CHECK(::mkdtemp(dir.data()));
    StoreOptions options;
    options.dir = dir + "/store";
    options.volume = "bench";
    options.durability = durability;
    options.free_space_reserve = 0;
    auto opened = Store::open(options, Log());
    MDP_CHECK(opened);
    store = std::move(*opened);
    auto tx = *store->begin();
    for (uint64_t n = 0; n < kRows; ++n)
      MDP_CHECK(tx->put(Table::kRows, row_key(n), std::string(100, 'x')));
    MDP_CHECK(tx->commit());
    tx.reset();
    MDP_CHECK(store->checkpoint());
  }
  ~Setup() {
    store.reset();
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
  }

  std::string dir;
  std::unique_ptr<Store> store;
  std::atomic<uint64_t> next{0};
};

Setup& setup() {
  static Setup one(Durability::kProcess);
  return one;
}

// Four rows and a record: a create in a cached directory.
void write_create(Setup& in, uint64_t n) {
  auto tx = *in.store->begin();
  const std::string id = number_key(n);
  MDP_CHECK(tx->put(Table::kRows, "d1" + id, std::string(20, 'e')));
  MDP_CHECK(tx->put(Table::kRows, "n" + id, std::string(100, 'a')));
  MDP_CHECK(tx->put(Table::kRows, "p" + id, std::string(100, 'p')));
  MDP_CHECK(tx->put(Table::kOplog, id, std::string(300, 'r')));
  MDP_CHECK(tx->commit());
}

void get_in_one_transaction(benchmark::State& state) {
  auto tx = *setup().store->begin();
  uint64_t n = 0;
  for (auto _ : state) benchmark::DoNotOptimize(*tx->get(Table::kRows, row_key(n++)));
}
BENCHMARK(get_in_one_transaction);

void begin_get_end(benchmark::State& state) {
  uint64_t n = 0;
  for (auto _ : state) {
    auto tx = *setup().store->begin();
    benchmark::DoNotOptimize(*tx->get(Table::kRows, row_key(n++)));
  }
}
BENCHMARK(begin_get_end)->UseRealTime()->Threads(1)->Threads(4);

void four_puts_and_commit(benchmark::State& state) {
  Setup& in = setup();
  for (auto _ : state) write_create(in, in.next++);
}
BENCHMARK(four_puts_and_commit)->UseRealTime()->Threads(1)->Threads(4);

void commit_and_sync(benchmark::State& state) {
  static Setup in(Durability::kDisk);
  for (auto _ : state) {
    write_create(in, in.next++);
    MDP_CHECK(in.store->sync());
  }
}
BENCHMARK(commit_and_sync)->UseRealTime()->Threads(1)->Threads(8)->Threads(32);

void sync_with_nothing_new(benchmark::State& state) {
  Setup& in = setup();
  MDP_CHECK(in.store->sync());
  for (auto _ : state) MDP_CHECK(in.store->sync());
}
BENCHMARK(sync_with_nothing_new);

void ask_whether_to_write(benchmark::State& state) {
  for (auto _ : state) MDP_CHECK(setup().store->may_write());
}
BENCHMARK(ask_whether_to_write);

void scan_of_hundred(benchmark::State& state) {
  auto tx = *setup().store->begin();
  uint64_t n = 0;
  for (auto _ : state) {
    int left = 100;
    MDP_CHECK(tx->scan(Table::kRows, row_key(n++), [&](auto, auto) { return --left > 0; }));
  }
}
BENCHMARK(scan_of_hundred);

}  // namespace

BENCHMARK_MAIN();
