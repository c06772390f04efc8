// SPDX-License-Identifier: GPL-3.0-or-later
// Objects that no record names yet, kept from the garbage collections of other clients, which
// remove those that are an hour old: they are made to look new, and have hard links beside
// the folder that such a collection looks at, from which they are brought back. A link stays
// for days after it was last asked for; what it kept is then long in use, or gone for good.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <string>

namespace fastmeta::host {

class KeptObjects {
 public:
  using Clock = std::chrono::steady_clock;

  // root: directory of the volume, with a trailing '/'. Links are those of this machine.
  explicit KeptObjects(const std::string& root);

  // 0, or -ENOENT: the object is gone and was not kept. A file system without links keeps
  // nothing. Any thread, as for all below.
  int keep(const std::string& name);
  // It is not wanted any more, by nobody.
  void forget(const std::string& name);
  // Now and then: looks again after what was old when it came here, since a collection that
  // had found it before may remove it only now; and removes links of days ago.
  void tend(Clock::time_point now);
  // Removes the links that nobody has asked for since the day of `oldest`.
  void clean(std::chrono::system_clock::time_point oldest) const;

 private:
  struct Late {
    std::string name;
    Clock::time_point due;
    size_t looked = 0;
  };
  // Makes it look new. found_old: it may have been taken for a leftover, or was.
  int renew(const std::string& name, bool* found_old) const;
  int bring_back(const std::string& name) const;

  const std::string root_;
  const std::string folder_;    // with a folder for each day below it
  std::atomic<bool> any_;       // there may be links
  std::mutex mutex_;            // guards what follows; not held across file I/O
  std::deque<Late> late_;
  Clock::time_point cleaned_;
};

}  // namespace fastmeta::host
