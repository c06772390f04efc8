// SPDX-License-Identifier: GPL-3.0-or-later
// Store::open: whose directory it is, WiredTiger's recovery, the tables.
#include <fmt/format.h>

#include <cerrno>

#include "store/files.h"
#include "store/wt_store.h"

namespace fastmeta::store {
namespace {

// What a user can do about a database that does not open.
Error damaged(const Layout& layout, Error error) {
  if (error.fault != Fault::kLocalStore) return error;
  error.text = fmt::format(
      "the local store in {} cannot be opened: {}. Keep a copy of it; `fastmeta cache "
      "check` says more, `fastmeta cache drop` begins anew without the changes that the server "
      "has not got yet",
      layout.dir, error.text);
  return error;
}

// To kFormat from an older one, step by step; a step is entered here with its format.
Result<void> upgrade(const Layout& layout, const Identity& from) {
  if (from.format == kFormat) return {};
  return Error{Fault::kConfig, EPROTONOSUPPORT,
               fmt::format("{}: nothing is known about format {}", layout.dir, from.format)};
}

// A directory that somebody uses for something else is left alone.
Result<void> expect_empty(const Layout& layout) {
  MDP_TRY(auto names, list_dir(layout.dir));
  for (const auto& name : names) {
    if (name == "lock" || name == "identity.new") continue;
    if (name == "db") {
      return Error{Fault::kLocalStore, EIO, fmt::format("{} is missing", layout.identity())};
    }
    return Error{Fault::kConfig, ENOTEMPTY,
                 fmt::format("{} is not a local store: it holds {}", layout.dir, quote(name))};
  }
  return {};
}

}  // namespace

Result<void> WtStore::identify() {
  MDP_TRY(auto identity, read_identity(layout_.identity()));
  if (!identity) {
    MDP_TRY_VOID(expect_empty(layout_));
    identity = Identity{kFormat, options_.volume, false};
    MDP_TRY_VOID(write_identity(layout_.identity(), *identity));
  }
  if (identity->volume != options_.volume) {
    return Error{Fault::kConfig, EINVAL,
                 fmt::format("{} is the local store of volume {}, not of {}", layout_.dir,
                             quote(identity->volume), options_.volume)};
  }
  fresh_ = !identity->ready;
  if (!fresh_) return upgrade(layout_, *identity);
  // Whatever a first start has left that did not get to its end.
  return remove_database(layout_);
}

Result<void> WtStore::recover() {
  if (fresh_) {
    MDP_TRY_VOID(make_dir(layout_.db()));
  } else {
    MDP_TRY_VOID(check_files(layout_));
  }
  // From here on it is in use: a stop that is not clean leaves no mark.
  MDP_TRY(const auto mark, read_small_file(layout_.clean()));
  unclean_ = !mark.has_value();
  know_rows(fresh_ ? clean_mark(0) : mark.value_or(std::string()));
  MDP_TRY_VOID(remove_file(layout_.clean()));
  MDP_TRY_VOID(sync_dir(layout_.dir));

  MDP_TRY(connection_, Connection::open(options_, layout_.db(), fresh_, latch_owner_));
  if (fresh_) MDP_TRY_VOID(make_tables());
  sessions_ = std::make_unique<SessionPool>(*connection_);
  latch_.take_reports();

  // Each table is opened once, so that a damaged one is met here.
  MDP_TRY(auto lease, sessions_->lend());
  for (size_t i = 0; i < kTableCount; ++i) {
    MDP_TRY_VOID([&]() -> Result<void> {
      auto cursor = cursor_of(lease.session(), static_cast<Table>(i), latch_);
      if (!cursor) return cursor.error();
      return {};
    }());
  }
  return {};
}

Result<void> WtStore::make_tables() {
  {
    MDP_TRY(SessionPtr session, own_session());
    for (size_t i = 0; i < kTableCount; ++i) {
      const std::string uri = table_uri(static_cast<Table>(i));
      if (const int code =
              session->create(session.get(), uri.c_str(), "key_format=u,value_format=u");
          code != 0)
        return latch_.fail(code, "making a table");
    }
  }
  MDP_TRY_VOID(checkpoint());
  MDP_TRY_VOID(sync_dir(layout_.db()));
  MDP_TRY_VOID(sync_dir(layout_.dir));
  return write_identity(layout_.identity(), {kFormat, options_.volume, true});
}

Result<std::unique_ptr<Store>> Store::open(StoreOptions options, Log log) {
  MDP_CHECK(!options.dir.empty() && !options.volume.empty());
  const Layout layout(options.dir);
  MDP_TRY_VOID(make_dir(layout.dir));
  MDP_TRY(LockFile lock, LockFile::take(layout.lock()));
  auto store = std::make_unique<WtStore>(std::move(options), log, std::move(lock));
  const auto step = [&](Result<void> done) -> Result<void> {
    if (done) return done;
    return damaged(layout, done.error());
  };
  MDP_TRY_VOID(step(store->identify()));
  MDP_TRY_VOID(step(store->recover()));
  MDP_TRY_VOID(step(store->start()));
  return std::unique_ptr<Store>(std::move(store));
}

Result<void> drop_store(const std::string& dir) {
  const Layout layout(dir);
  if (!store_exists(dir)) return {};
  MDP_TRY(LockFile lock, LockFile::take(layout.lock()));
  // The identity goes last: what is left when this is cut short is still ours.
  MDP_TRY_VOID(remove_database(layout));
  MDP_TRY_VOID(remove_file(layout.clean()));
  MDP_TRY_VOID(remove_file(layout.clean() + ".new"));
  MDP_TRY_VOID(remove_file(layout.identity() + ".new"));
  MDP_TRY_VOID(remove_file(layout.identity()));
  MDP_TRY_VOID(lock.remove());
  return sync_dir(layout.dir);
}

bool store_exists(const std::string& dir) {
  const Layout layout(dir);
  return file_exists(layout.identity()) || file_exists(layout.db());
}

}  // namespace fastmeta::store
