// SPDX-License-Identifier: GPL-3.0-or-later
// sim [--seed N] [--seeds COUNT] [--steps M] [--verbose] [--survey]
// Runs seeds one after the other; for the first that fails prints a history that was made as
// short as it can be, and exits with 1. A survey names all that fail, and why.
#include <CLI/CLI.hpp>

#include <cstdio>

#include "sim/world.h"
#include "support/seed.h"

namespace {

using namespace fastmeta::sim;

void tell(const Plan& plan, const Outcome& outcome) {
  std::printf("seed %llu, %llu steps%s%s%s%s%s:\n", static_cast<unsigned long long>(plan.seed),
              static_cast<unsigned long long>(plan.steps), plan.crowd ? ", shared names" : "",
              plan.cuts ? ", cuts" : "", plan.kills ? ", kills" : "",
              plan.restarts ? ", restarts" : "", plan.plain ? ", plain clients" : "");
  if (plan.losses || plan.power)
    std::printf("  with%s%s\n", plan.losses ? " a server that forgets" : "",
                plan.power ? " machines that go down" : "");
  if (plan.expiries) std::printf("  with sessions that expire\n");
  if (plan.statistics) std::printf("  with statistics of directories\n");
  if (plan.trash) std::printf("  with trash\n");
  if (plan.housekeeping) std::printf("  with housekeeping\n");
  if (plan.eviction || plan.full_disks || plan.rollbacks || plan.broken_stores)
    std::printf("  local stores:%s%s%s%s\n", plan.eviction ? " eviction" : "",
                plan.full_disks ? " full" : "", plan.rollbacks ? " rollbacks" : "",
                plan.broken_stores ? " broken" : "");
  if (plan.lag) std::printf("  with changes that are told late\n");
  if (plan.refusals) std::printf("  with a server that refuses commands\n");
  for (const std::string& line : outcome.history) std::printf("  %s\n", line.c_str());
  for (const std::string& finding : outcome.findings) std::printf("FAILED %s\n", finding.c_str());
}

bool fails(const Plan& plan) { return !run(plan).findings.empty(); }

// Fewer steps, then fewer kinds of fault, as long as it fails.
Plan shrunk(Plan plan) {
  for (uint64_t steps = plan.steps / 2; steps > 0; steps /= 2) {
    Plan less = plan;
    while (less.steps > steps) {
      less.steps -= steps;
      if (!fails(less)) break;
      plan = less;
    }
  }
  for (bool Plan::*kind :
       {&Plan::expiries, &Plan::housekeeping, &Plan::trash, &Plan::statistics, &Plan::restarts,
        &Plan::kills, &Plan::cuts, &Plan::plain, &Plan::eviction, &Plan::full_disks,
        &Plan::rollbacks, &Plan::broken_stores, &Plan::lag, &Plan::refusals}) {
    Plan less = plan;
    less.*kind = false;
    if (plan.*kind && fails(less)) plan = less;
  }
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t seed = 0, seeds = 1, steps = 300;
  bool verbose = false, survey = false, failed = false;
  CLI::App app("Simulates clients of one volume with everything that can go wrong.");
  app.add_option("--seed", seed, "the first seed; without it a new one, or FASTMETA_SEED");
  app.add_option("--seeds", seeds, "how many, one after the other");
  app.add_option("--steps", steps, "operations of a run");
  app.add_flag("--verbose", verbose, "print what happens");
  app.add_flag("--survey", survey, "go on after a seed that fails, with its first finding");
  CLI11_PARSE(app, argc, argv);

  if (seed == 0) seed = fastmeta::test::random_seed() % 1'000'000'000 + 1;
  Outcome sum;
  for (uint64_t i = 0; i < seeds; ++i) {
    Plan plan = plan_of(seed + i, steps);
    plan.verbose = verbose;
    const Outcome outcome = run(plan);
    if (survey && !outcome.findings.empty()) {
      failed = true;
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(plan.seed),
                  outcome.findings.front().c_str());
      std::fflush(stdout);
      continue;
    }
    if (!outcome.findings.empty()) {
      const Plan least = verbose ? plan : shrunk(plan);
      tell(least, verbose ? outcome : run(least));
      return 1;
    }
    sum.operations += outcome.operations;
    sum.reads += outcome.reads;
    sum.evicted += outcome.evicted;
    sum.refusals += outcome.refusals;
    sum.broken += outcome.broken;
    sum.refused += outcome.refused;
    sum.merges += outcome.merges;
    sum.deletions += outcome.deletions;
    sum.sessions += outcome.sessions;
    sum.expiries += outcome.expiries;
    sum.counts += outcome.counts;
    sum.locks += outcome.locks;
    sum.kills += outcome.kills;
    sum.cuts += outcome.cuts;
    sum.restarts += outcome.restarts;
    sum.conflicts += outcome.conflicts;
    sum.adopted += outcome.adopted;
    sum.nils += outcome.nils;
    sum.scripts += outcome.scripts;
  }
  const auto number = [](uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf("%llu seeds, %llu operations, %llu values read, %llu kills, %llu cuts, "
              "%llu restarts; %llu conflicts, %llu adopted, %llu lost races, %llu scripts, "
              "%llu merges, %llu deletions, %llu sessions cleaned, %llu of the living, "
              "%llu counts under a lock, %llu times locks were taken away, "
              "%llu rows evicted, %llu refusals of full stores, %llu broken stores, "
              "%llu commands refused by the server: %s\n",
              number(seeds), number(sum.operations), number(sum.reads), number(sum.kills),
              number(sum.cuts), number(sum.restarts), number(sum.conflicts), number(sum.adopted),
              number(sum.nils), number(sum.scripts), number(sum.merges), number(sum.deletions),
              number(sum.sessions), number(sum.expiries), number(sum.counts), number(sum.locks),
              number(sum.evicted), number(sum.refusals), number(sum.broken),
              number(sum.refused), failed ? "not everything held" : "everything held");
  return failed ? 1 : 0;
}
