// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session_keeper.h"

#include <cstddef>
#include <string>

#include "util/bytes.h"

namespace fastmeta::engine {

using model::Ino;

namespace {
constexpr size_t kFormerMax = 1024;  // nobody is taken for dead so often while something is late
}

Result<void> SessionKeeper::find_earlier() {
  MDP_TRY(earlier_, session_.of_this_host());
  return {};
}

Result<void> SessionKeeper::tidy_earlier() {
  for (; !earlier_.empty(); earlier_.pop_back()) {
    const std::string set = keys_.session_sustained(earlier_.back());
    MDP_TRY(const auto members, client_.read_one({"SMEMBERS", set}));
    if (members.is_error()) return redis::refused(members, "SMEMBERS");
    // At once: it must not cost us our next heartbeat.
    std::vector<redis::Command> asked;
    std::vector<std::string> names;
    for (const redis::Reply& member : members.items) {
      const auto ino = parse_decimal<Ino>(member.text);
      if (!ino) continue;
      asked.push_back({"EXISTS", keys_.attr(*ino)});
      names.push_back(member.text);
    }
    if (asked.empty()) continue;
    MDP_TRY(const auto there, client_.read(asked, client_.deadline()));
    redis::Command removal{"SREM", set};
    for (size_t i = 0; i < there.size(); ++i) {
      if (there[i].is_error()) return redis::refused(there[i], "EXISTS");
      if (there[i].number == 0) removal.push_back(std::move(names[i]));
    }
    if (removal.size() == 2) continue;
    MDP_TRY(const auto gone, client_.write_one(std::move(removal)));
    if (gone.is_error()) return redis::refused(gone, "SREM");
  }
  return {};
}

Result<void> SessionKeeper::beat() {
  MDP_TRY(auto beat, session_.heartbeat());
  if (beat.lost) {
    // Another number: what was done under a lock of the old one must not count as done under
    // a lock that somebody takes now.
    const uint64_t before = session_.id();
    MDP_TRY_VOID(session_.open());
    volume_.follows(session_.id());
    log_.warn("other clients took session {} for dead: its locks are lost, session {} follows",
              before, session_.id());
    former_.push_back(before);
    if (former_.size() > kFormerMax) former_.pop_front();
    to_sustain_ = open_.sustained();
  }
  for (; !to_sustain_.empty(); to_sustain_.pop_back()) MDP_TRY_VOID(sustain(to_sustain_.back()));
  for (size_t i = 0; i < former_.size();) {
    MDP_TRY(const bool still_ours, take_over(former_[i]));
    if (still_ours)
      ++i;
    else
      former_.erase(former_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return {};
}

// Only what has no name in the server: whoever cleans up after us removes it without looking.
Result<void> SessionKeeper::sustain(Ino ino) {
  const std::string set = keys_.session_sustained(session_.id());
  return server_.release([&](const model::View& seen, model::Mutations& out) -> Result<void> {
    MDP_TRY(const auto attr, seen.attr(ino));
    if (attr && attr->nlink == 0) out.sadd(set, std::to_string(ino));
    return {};
  });
}

// Its locks are lost, as those are that it had.
Result<bool> SessionKeeper::take_over(uint64_t former) {
  // A server that went back has given the number away again, to us or to another client.
  MDP_TRY(const bool somebodys, session_.exists(former));
  if (somebodys) return false;
  const std::string set = keys_.session_sustained(former);
  MDP_TRY_VOID(session_.clean(former, [&](uint64_t, Ino ino) -> Result<void> {
    MDP_TRY_VOID(open_.is_open(ino) ? sustain(ino) : volume_.remove(ino));
    MDP_TRY(const auto gone, client_.write_one({"SREM", set, std::to_string(ino)}));
    return gone.is_error() ? Result<void>(redis::refused(gone, "SREM")) : Result<void>();
  }));
  return true;
}

}  // namespace fastmeta::engine
