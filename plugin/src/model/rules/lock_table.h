// SPDX-License-Identifier: GPL-3.0-or-later
// What flock and POSIX locks share: who holds a field, and the session's list
// of the keys that it has locks in, by which others clean up after it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/mutations.h"
#include "model/view.h"
#include "util/result.h"

namespace fastmeta::model {

class LockTable {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  // Loads lockf{ino} or lockp{ino}. ENOLCK without a session: nobody would
  // clean up after us.
  static Result<LockTable> load(const View& seen, std::string key, uint64_t owner);

  const Fields& fields() const { return fields_; }
  bool is_mine(std::string_view field) const { return field == mine_; }
  bool is_of_session(std::string_view field) const { return field.starts_with(session_prefix_); }
  // The value of the owner's own field, or nullptr.
  const std::string* own() const;
  Error corrupt(std::string_view field, std::string_view what) const;

  void store(std::string value, Mutations& out) const;
  void erase(Mutations& out) const;

 private:
  std::string key_, session_key_, session_prefix_, mine_;
  Fields fields_;
};

}  // namespace fastmeta::model
