// SPDX-License-Identifier: GPL-3.0-or-later
// What the server held when, so that an answer can be judged by the moments at which it was
// true. A moment is a number of commands that the server has carried out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "redis_model/redis_model.h"

namespace fastmeta::sim {

using Moment = uint64_t;

// One value: a string, the records of a list in a row, or a field of a hash.
struct Place {
  std::string key;
  std::string field;  // of a hash, never empty there
  auto operator<=>(const Place&) const = default;
};
using Held = std::optional<std::string>;  // nothing: it was not there

class History {
 public:
  // Follows the keys that clients mirror, from what there is on.
  explicit History(test::RedisModel& model);
  History(const History&) = delete;

  Moment now() const { return now_; }
  // After each command. What it has changed; that is so from this moment on.
  std::vector<Place> step();
  // After all contents were replaced.
  void replaced();

  // The first moment from `from` on at which the value was one of these.
  std::optional<Moment> first(const Place& place, Moment from,
                              const std::function<bool(const Held&)>& one_of) const;
  const Held& last(const Place& place) const;
  // All that it ever was while it was there, one behind the other.
  std::vector<std::string> values(const Place& place) const;
  // Fields that the hash has or ever had.
  std::vector<std::string> fields(const std::string& key) const;
  // Keys that are or ever were.
  const std::vector<std::string>& keys() const { return keys_; }

  // What happened to a value, for people.
  std::string told(const Place& place) const;

 private:
  struct Change {
    Moment since;
    Held value;
  };
  using Changes = std::vector<Change>;
  void record(const std::string& key, std::vector<Place>* places);

  test::RedisModel& model_;
  Moment now_ = 0;
  std::set<std::string> changed_;  // by the command that is being carried out
  std::map<std::string, std::map<std::string, Changes>> past_;
  std::vector<std::string> keys_;  // of past_, in the order of their first change
};

}  // namespace fastmeta::sim
