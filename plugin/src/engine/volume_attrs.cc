// SPDX-License-Identifier: GPL-3.0-or-later
// Operations on attributes and extended attributes.
#include <cerrno>

#include "engine/volume.h"

namespace fastmeta::engine {

using model::Attr;
using model::Ino;
using model::View;

Result<EntryReply> Volume::getattr(Ino ino) {
  auto attr = read_file<Attr>(
      ino, [](const View& seen, Ino now) { return model::getattr(seen, now); });
  if (attr) return entry(ino, std::move(*attr));
  // An open file that another client removed is still a file to its holder.
  if (attr.error().fault == Fault::kAnswer && attr.error().code == ENOENT)
    if (auto last = open_.remembered(ino)) {
      last->nlink = 0;
      EntryReply gone;
      gone.ino = ino;
      gone.attr = std::move(*last);
      return gone;
    }
  return std::move(attr).error();
}

Result<EntryReply> Volume::setattr(model::SetattrArgs want) {
  want.now = clock_.now();
  WriteHints hints;
  hints.turn = want.ino;
  MDP_TRY(Attr attr, executor_->apply_reply<Attr>(want, hints));
  open_.remember(want.ino, attr);
  return entry(want.ino, std::move(attr));
}

Result<void> Volume::setxattr(model::SetXattrArgs want, model::Caller who) {
  WriteHints hints;
  hints.who = who;
  MDP_TRY_VOID(executor_->apply(want, hints));
  return {};
}

Result<std::string> Volume::getxattr(Ino ino, const std::string& name) {
  return read_file<std::string>(
      ino, [&](const View& seen, Ino now) { return model::getxattr(seen, now, name); });
}

Result<std::vector<std::string>> Volume::listxattr(Ino ino) {
  return read_file<std::vector<std::string>>(
      ino, [](const View& seen, Ino now) { return model::listxattr(seen, now); });
}

Result<void> Volume::removexattr(Ino ino, const std::string& name, model::Caller who) {
  WriteHints hints;
  hints.who = who;
  MDP_TRY_VOID(executor_->apply(model::RemoveXattrArgs{ino, name}, hints));
  return {};
}

}  // namespace fastmeta::engine
