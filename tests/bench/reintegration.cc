// SPDX-License-Identifier: GPL-3.0-or-later
// How fast pending creates reach the server: bench_reintegration [operations] [rtt ms …]
// Prints a line per round-trip time: operations per second, batches, time of this process.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "store/store.h"
#include "support/fault_proxy.h"
#include "support/quiet_host.h"
#include "support/redis_server.h"
#include "support/sync_rig.h"

namespace {

using namespace fastmeta;
using Clock = std::chrono::steady_clock;

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void measure(size_t operations, int rtt_ms) {
  test::RedisServer server;
  const auto format = config::load_plugin_config(std::nullopt, server.url(), std::nullopt, {});
  MDP_CHECK(format);
  MDP_CHECK(engine::format_volume(
      *format, R"({"Name":"bench","Storage":"file","Bucket":"/nowhere/","TrashDays":0})", false,
      Log()));
  test::FaultProxy proxy(server.port());
  const std::string url = rtt_ms > 0 ? proxy.url() : server.url();
  const std::vector<std::string> options{"mode=fast-meta", "cache.dir=/nowhere"};
  const auto config = config::load_plugin_config(std::nullopt, url, std::nullopt, options);
  MDP_CHECK(config);
  const auto dir = server.folder() / "store";
  store::StoreOptions where;
  where.dir = dir.string();
  where.volume = "bench";
  auto tables = store::Store::open(where, Log());
  MDP_CHECK(tables);
  test::QuietHost host;
  {
    test::SyncRig rig(*config, host, **tables);
    MDP_CHECK(rig.create(1, "d", 2, model::FileType::kDirectory) == 0);
    MDP_CHECK(rig.drain());
    const auto start = Clock::now();
    for (size_t i = 0; i < operations; ++i)
      MDP_CHECK(rig.create(2, "file" + std::to_string(i), 100 + i) == 0);
    const std::chrono::duration<double> made = Clock::now() - start;
    proxy.delay(std::chrono::milliseconds(rtt_ms) / 2);
    const auto before = rig.sync->stats().batches;
    const double cpu = cpu_seconds();
    const auto drain = Clock::now();
    MDP_CHECK(rig.drain(1'000'000));
    const std::chrono::duration<double> sent = Clock::now() - drain;
    std::printf("rtt %d ms: %zu creates: %.0f /s acknowledged, %.0f /s sent, %llu batches, "
                "%.1f us of processor each\n",
                rtt_ms, operations, static_cast<double>(operations) / made.count(),
                static_cast<double>(operations) / sent.count(),
                static_cast<unsigned long long>(rig.sync->stats().batches - before),
                (cpu_seconds() - cpu) * 1e6 / static_cast<double>(operations));
    std::fflush(stdout);
  }
  MDP_CHECK((*tables)->close_clean());
}

}  // namespace

int main(int argc, char** argv) {
  const size_t operations = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 20'000;
  std::vector<int> rtts;
  for (int i = 2; i < argc; ++i) rtts.push_back(std::atoi(argv[i]));
  if (rtts.empty()) rtts = {0, 30};
  for (int rtt : rtts) measure(operations, rtt);
  return 0;
}
