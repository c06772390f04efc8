// SPDX-License-Identifier: GPL-3.0-or-later
#include "abi/handle.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

using fastmeta::model::Ino;

mdp_volume::mdp_volume(const mdp_host& callbacks) {
  const size_t theirs = std::min<size_t>(callbacks.struct_size, sizeof host);
  std::memcpy(&host, &callbacks, theirs);
  if (host.log)
    log = fastmeta::Log([this](fastmeta::LogLevel level, std::string_view text) {
      host.log(host.ctx, static_cast<int>(level), text.data(), text.size());
    });
}

void mdp_volume::attr_changed(Ino ino) {
  if (host.invalidate_inode) host.invalidate_inode(host.ctx, ino, MDP_INVAL_ATTR);
}

void mdp_volume::data_changed(Ino ino) {
  if (host.invalidate_inode) host.invalidate_inode(host.ctx, ino, MDP_INVAL_DATA);
}

void mdp_volume::names_changed(Ino parent) {
  if (host.invalidate_entry) host.invalidate_entry(host.ctx, parent, "", 0);
}

void mdp_volume::all_changed() {
  if (host.invalidate_all) host.invalidate_all(host.ctx);
}

bool mdp_volume::invalidations_done(std::chrono::milliseconds timeout) {
  return !host.invalidate_barrier ||
         host.invalidate_barrier(host.ctx, static_cast<uint32_t>(timeout.count())) == 0;
}

int mdp_volume::delete_slice(uint64_t id, uint32_t size) {
  return host.delete_slice ? host.delete_slice(host.ctx, id, size) : -ENOSYS;
}

int mdp_volume::slice_is_durable(uint64_t id, uint32_t size) {
  return host.slice_is_durable ? host.slice_is_durable(host.ctx, id, size) : 1;
}

namespace fastmeta::abi {

int to_errno(const Log& log, const Error& error, const char* operation) {
  const int code = error.code > 0 ? error.code : EIO;
  switch (error.fault) {
    case Fault::kAnswer:
    case Fault::kConflict:
      break;  // the caller's business, or logged where it was given up
    case Fault::kUnreachable:
    case Fault::kDisconnected:
      log.debug("{}: {}", operation, error.text);  // the loss itself was announced
      break;
    default:
      log.error("{}: {}", operation, error.text);
  }
  return -code;
}

}  // namespace fastmeta::abi
