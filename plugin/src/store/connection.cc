// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/connection.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace fastmeta::store {
namespace {

std::string configuration(const StoreOptions& options, bool create) {
  std::string text = create ? "create," : "";
  // No settings from files or the environment: what is here is all.
  text += "config_base=false,use_environment=false,";
  // A damaged, shortened file must be an error, not a SIGBUS.
  text += "mmap=false,";
  // method=none: a commit returns when its record is with the kernel. Without it
  // the record waits in this process, and a kill takes it.
  text += fmt::format("log=(enabled=true,archive=true,prealloc=true,file_max={}),", kLogFileBytes);
  text += "transaction_sync=(enabled=true,method=none),";
  text += "eviction=(threads_min=1,threads_max=4),statistics=(fast),";
  text += fmt::format("session_max={},cache_size={}", kSessionsMax,
                      std::max<uint64_t>(options.cache_bytes, uint64_t{1} << 20));
  return text;
}

}  // namespace

Connection::Connection(std::shared_ptr<Latch> latch) : latch_(std::move(latch)), events_{} {
  events_.handler.handle_error = &Connection::on_error;
  events_.handler.handle_message = &Connection::on_message;
  events_.latch = latch_.get();
}

int Connection::on_error(WT_EVENT_HANDLER* handler, WT_SESSION*, int code, const char* text) {
  reinterpret_cast<Events*>(handler)->latch->on_error(code, text);
  return 0;
}

int Connection::on_message(WT_EVENT_HANDLER* handler, WT_SESSION*, const char* text) {
  reinterpret_cast<Events*>(handler)->latch->on_message(text);
  return 0;
}

Result<std::unique_ptr<Connection>> Connection::open(const StoreOptions& options,
                                                     const std::string& home, bool create,
                                                     std::shared_ptr<Latch> latch) {
  std::unique_ptr<Connection> opened(new Connection(latch));
  const std::string config = configuration(options, create);
  const int code = wiredtiger_open(home.c_str(), &opened->events_.handler, config.c_str(),
                                   &opened->connection_);
  if (code != 0) {
    opened->connection_ = nullptr;
    return latch->describe(code, "opening it");
  }
  return opened;
}

Connection::~Connection() {
  // Errors have been reported; the next open recovers from the log.
  if (connection_) connection_->close(connection_, nullptr);
}

void Connection::abandon(std::unique_ptr<Connection> connection, LockFile lock) {
  using Kept = std::vector<std::pair<std::unique_ptr<Connection>, LockFile>>;
  static std::mutex mutex;
  static Kept* const kept = new Kept;  // never destroyed
  connection->latch_->silence();
  // The library that holds this code stays, and with it those it needs.
  Dl_info self{};
  if (::dladdr(reinterpret_cast<const void*>(&Connection::abandon), &self) != 0)
    (void)::dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  std::lock_guard guard(mutex);
  kept->emplace_back(std::move(connection), std::move(lock));
}

Result<void> Connection::close() {
  WT_CONNECTION* connection = std::exchange(connection_, nullptr);
  MDP_CHECK(connection);
  if (const int code = connection->close(connection, nullptr); code != 0)
    return latch_->fail(code, "closing it");
  return {};
}

Result<WT_SESSION*> Connection::open_session() {
  WT_SESSION* session = nullptr;
  // The isolation here spares each begin the parsing of its own.
  const int code =
      connection_->open_session(connection_, nullptr, "isolation=snapshot", &session);
  if (code != 0) return latch_->fail(code, "opening a session");
  return session;
}

}  // namespace fastmeta::store
