// SPDX-License-Identifier: GPL-3.0-or-later
// Work on whole tables: giving space back, checking what is on disk.
#include <fmt/format.h>

#include <cerrno>

#include "store/wt_store.h"

namespace fastmeta::store {
namespace {

// Transactions are short; one that is longer is somebody's mistake.
constexpr std::chrono::seconds kQuietWait{10};
// WiredTiger's own threads hold a table for a moment now and then.
constexpr int kBusyTriesMax = 100;
constexpr std::chrono::milliseconds kBusyWait{20};
// Seconds for a table: whoever stops waits for it.
constexpr const char* kCompactLimit = "timeout=10";

template <typename Call>
int while_busy(Call call) {
  int code = EBUSY;
  for (int i = 0; i < kBusyTriesMax && (code = call()) == EBUSY; ++i)
    std::this_thread::sleep_for(kBusyWait);
  return code;
}

struct Resume {
  SessionPool& pool;
  ~Resume() { pool.resume(); }
};

}  // namespace

Result<void> WtStore::compact() {
  MDP_TRY(SessionPtr session, own_session());
  for (size_t i = 0; i < kTableCount; ++i) {
    const std::string uri = table_uri(static_cast<Table>(i));
    const int code = while_busy(
        [&] { return session->compact(session.get(), uri.c_str(), kCompactLimit); });
    // It gives up under load; what it has won stays, and the rest is for another time.
    if (code == WT_ROLLBACK || code == EBUSY || code == ETIMEDOUT) continue;
    if (code != 0) return latch_.fail(code, "compacting");
  }
  return {};
}

Result<std::string> WtStore::verify() {
  MDP_TRY_VOID(latch_.check());
  // What is in memory goes to disk first; then all cursors have to be closed.
  MDP_TRY_VOID(checkpoint());
  if (!sessions_->pause(kQuietWait)) {
    return Error{Fault::kLocalStore, EBUSY,
                 fmt::format("local store {}: it is in use", layout_.dir)};
  }
  const Resume resume{*sessions_};

  std::string damage = latch_.log_damage();
  MDP_TRY(SessionPtr session, own_session());
  for (size_t i = 0; i < kTableCount; ++i) {
    latch_.take_reports();
    const std::string uri = table_uri(static_cast<Table>(i));
    const int code =
        while_busy([&] { return session->verify(session.get(), uri.c_str(), nullptr); });
    if (code == 0) continue;
    std::string said = latch_.take_reports();
    said = said.substr(0, said.find('\n'));
    damage += fmt::format("{}/{}.wt: {}{}{}\n", layout_.db(), kTableNames[i],
                          wiredtiger_strerror(code), said.empty() ? "" : ": ", said);
  }
  return damage;
}

}  // namespace fastmeta::store
