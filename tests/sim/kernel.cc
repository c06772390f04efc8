// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/kernel.h"

namespace fastmeta::sim {

template <typename Key>
bool Kernel::old(const std::map<Key, uint64_t>& log, const Key& key, uint64_t moment) const {
  const auto at = log.find(key);
  return all_told_ > moment || (at != log.end() && at->second > moment);
}

void Kernel::remember(Ino ino, const std::string& attr, uint64_t moment) {
  if (!old(inodes_told_, ino, moment)) attrs_.insert_or_assign(ino, attr);
}

void Kernel::remember(const Name& name, const Held& entry, uint64_t moment) {
  if (!old(folders_told_, name.parent, moment) && !old(names_told_, name, moment))
    names_.insert_or_assign(name, entry);
}

void Kernel::inode_changed(Ino ino) {
  inodes_told_[ino] = ++told_;
  attrs_.erase(ino);
}

void Kernel::names_changed(Ino parent) {
  folders_told_[parent] = ++told_;
  names_.erase(names_.lower_bound({parent, {}}), names_.lower_bound({parent + 1, {}}));
}

void Kernel::name_changed(const Name& name) {
  names_told_[name] = ++told_;
  names_.erase(name);
}

void Kernel::all_changed() {
  all_told_ = ++told_;
  attrs_.clear();
  names_.clear();
}

void Kernel::done(const model::Operation& operation, const model::OperationReply& reply) {
  for (Ino ino : model::inodes_of(operation)) inode_changed(ino);
  if (const auto* made = std::get_if<model::CreateReply>(&reply)) inode_changed(made->ino);
  if (const auto* lost = std::get_if<model::UnlinkReply>(&reply)) inode_changed(lost->ino);
  if (const auto* moved = std::get_if<model::RenameReply>(&reply)) {
    inode_changed(moved->ino);
    inode_changed(moved->other);
  }
  if (const auto* create = std::get_if<model::CreateArgs>(&operation))
    name_changed({create->parent, create->name});
  if (const auto* link = std::get_if<model::LinkArgs>(&operation))
    name_changed({link->parent, link->name});
  if (const auto* lost = std::get_if<model::Unlink>(&operation))
    name_changed({lost->want.parent, lost->want.name});
  if (const auto* lost = std::get_if<model::Rmdir>(&operation))
    name_changed({lost->want.parent, lost->want.name});
  if (const auto* move = std::get_if<model::RenameArgs>(&operation)) {
    name_changed({move->parent, move->name});
    name_changed({move->new_parent, move->new_name});
  }
}

void Kernel::clear() { *this = Kernel(); }

}  // namespace fastmeta::sim
