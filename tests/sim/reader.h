// SPDX-License-Identifier: GPL-3.0-or-later
// Somebody who only looks: asks a mount for whatever there is or was, while others change it,
// and judges each answer by what the server held when (I5):
//  - it was so at a moment not before the last change that the mount had been told of, or had
//    settled itself, when the question began;
//  - it was not so before what an earlier question was answered with;
//  - with a change of the mount's own pending over it, it is what that change makes of it.
// The same holds at any moment of what the kernel still remembers of these answers.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/read_key.h"
#include "sim/client.h"
#include "sim/user.h"

namespace fastmeta::sim {

class Reader {
 public:
  Reader(Scheduler& scheduler, test::Dice& dice, SimMount& mount, const History& history,
         Findings& findings)
      : scheduler_(scheduler),
        dice_(dice),
        mount_(mount),
        history_(history),
        findings_(findings) {}

  // On a fiber of the mount's process, one for each life of it: until `stop` says so.
  void work(const std::function<bool()>& stop);
  // What the kernel remembers. quiet: everything has been told, it is what the server holds.
  void look_at_kernel(bool quiet);
  uint64_t judged() const { return judged_; }

 private:
  // What a question knows when it begins.
  struct Begin {
    uint64_t pushes = 0;
    uint64_t own = 0;
    uint64_t kernel = 0;
  };
  Begin begin() const;
  void remembered(const Place& place, const Held& value, bool quiet);
  using Asks = std::function<Result<std::vector<model::ReadKey>>(const model::View&)>;
  void ask();
  void ask(const Asks& asks);
  void refused(const Error& error);
  void look_up(model::Ino parent);
  void list(model::Ino dir);
  void judge(const Begin& begin, const model::ReadKey& read, const model::RawValue& got);
  void judge(const Begin& begin, const Place& place, const Held& got);
  // With a change of our own that was pending at the beginning and is not any more.
  void judge_ended(const Begin& begin, const Place& place, const Held& got, const OwnChange& own);

  Scheduler& scheduler_;
  test::Dice& dice_;
  SimMount& mount_;
  const History& history_;
  Findings& findings_;
  std::map<Place, Moment> last_;  // not before this is what a later question is answered with
  uint64_t judged_ = 0;
};

}  // namespace fastmeta::sim
