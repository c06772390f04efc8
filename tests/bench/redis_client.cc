// SPDX-License-Identifier: GPL-3.0-or-later
// What the client itself costs beside a server on the loopback address.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "redis/client.h"
#include "support/redis_server.h"
#include "util/check.h"

namespace {

using namespace fastmeta;
using namespace fastmeta::redis;

struct Setup {
  Setup() {
    ClientOptions options;
    options.address = *parse_address(server.url());
    options.tracked_prefixes = {"i", "d"};
    auto opened = Client::open(options, Log());
    MDP_CHECK(opened);
    client = std::move(*opened);
    MDP_CHECK(client->start({}));
    MDP_CHECK(client->write_one({"SET", "i1", std::string(71, 'x')}));
  }
  ~Setup() { client->stop(); }

  test::RedisServer server;
  std::unique_ptr<Client> client;
};

Client& client() {
  static Setup setup;
  return *setup.client;
}

void read_one(benchmark::State& state) {
  Client& one = client();
  for (auto _ : state) MDP_CHECK(one.read_one({"GET", "i1"}));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(read_one)->UseRealTime()->Threads(1)->Threads(8)->Threads(32);

void read_of_hundred(benchmark::State& state) {
  Client& one = client();
  std::vector<Command> commands(100, Command{"GET", "i1"});
  for (auto _ : state) MDP_CHECK(one.read(commands, one.deadline()));
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(read_of_hundred)->UseRealTime()->Threads(1)->Threads(8);

// Two round trips: what a mutation does.
void transaction(benchmark::State& state) {
  Client& one = client();
  std::string key = "x" + std::to_string(state.thread_index());
  std::vector<Command> look{{"WATCH", key}, {"GET", key}};
  std::vector<Command> write{{"MULTI"}, {"SET", key, "v"}, {"INCRBY", key + "n", "1"}, {"EXEC"}};
  for (auto _ : state) {
    auto lease = one.lease(one.deadline());
    MDP_CHECK(lease && lease->roundtrip(look, one.deadline()));
    MDP_CHECK(lease->roundtrip(write, one.deadline()));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(transaction)->UseRealTime()->Threads(1)->Threads(8);

}  // namespace

BENCHMARK_MAIN();
