// SPDX-License-Identifier: GPL-3.0-or-later
#include "reference_tree.h"

#include <cerrno>

namespace fastmeta::test {

ReferenceTree::ReferenceTree() {
  Node root;
  root.kind = kDir;
  root.perm = 0777;
  root.up = 1;
  nodes[1] = root;
}

ReferenceTree::Node* ReferenceTree::find(Id id) {
  auto at = nodes.find(id);
  return at == nodes.end() ? nullptr : &at->second;
}

ReferenceTree::Node* ReferenceTree::child(Node& dir, const std::string& name, Id& id) {
  auto at = dir.children.find(name);
  if (at == dir.children.end()) return nullptr;
  id = at->second;
  return find(id);
}

bool ReferenceTree::keeps_others_out(User who, const Node& dir, const Node& node) {
  if (!(dir.perm & 01000)) return false;
  return who.uid != 0 && dir.uid != who.uid && node.uid != who.uid;
}

bool ReferenceTree::is_above(Id upper, Id lower) {
  for (Id at = lower; at != 1 && !trash_dirs_.contains(at); at = nodes.at(at).up)
    if (at == upper) return true;
  return upper == 1;
}

int ReferenceTree::dir_links(const Node& dir) const {
  int links = 2;
  for (const auto& [name, id] : dir.children) links += nodes.at(id).kind == kDir;
  return links;
}

void ReferenceTree::add_hour(Id hour) {
  if (!trash_dirs_.insert(hour).second) return;
  Node node;
  node.kind = kDir;
  node.perm = 0555;
  node.up = kTop;
  nodes[hour] = node;
}

int ReferenceTree::create(User who, Id parent, const std::string& name, Kind kind, unsigned mode,
                          const std::string& target, Id id) {
  if (trash_dirs_.contains(parent)) return EPERM;
  Node* dir = find(parent);
  if (!dir) return ENOENT;
  if (dir->kind != kDir) return ENOTDIR;
  if (in_trash(*dir)) return ENOENT;
  if (dir->flags & 1) return EPERM;
  if (dir->children.contains(name)) return kind == kFile || kind == kDir ? 0 : EEXIST;
  Node node;
  node.kind = kind;
  node.uid = who.uid;
  node.gid = dir->perm & 02000 ? dir->gid : who.gid;
  node.perm = kind == kSymlink ? 0777 : mode & ~022u & 07777;
  if (kind == kDir) node.perm |= dir->perm & 02000;
  node.flags = dir->flags & 0x20;
  node.target = target;
  node.up = parent;
  dir->children[name] = id;
  nodes[id] = node;
  return 0;
}

int ReferenceTree::link(Id id, Id parent, const std::string& name) {
  if (trash_dirs_.contains(parent)) return EPERM;
  Node* node = find(id);
  if (!node || node->links == 0) return ENOENT;
  if (node->kind == kDir) return EPERM;
  Node* dir = find(parent);
  if (!dir) return ENOENT;
  if (dir->kind != kDir) return ENOTDIR;
  if (in_trash(*dir)) return ENOENT;
  if (dir->flags & 1) return EPERM;
  if (node->flags & 3) return EPERM;
  if (dir->children.contains(name)) return EEXIST;
  dir->children[name] = id;
  ++node->links;
  node->linked_once = true;
  return 0;
}

void ReferenceTree::drop_name(Id dir, const std::string& name, Id id, Id trash,
                              bool look_for_twin) {
  Node& node = nodes.at(id);
  nodes.at(dir).children.erase(name);
  if (node.flags & 0x20 || trash_dirs_.contains(dir)) trash = 0;
  if (trash) {
    const std::string kept =
        (std::to_string(dir) + "-" + std::to_string(id) + "-" + name).substr(0, 255);
    Node& hour = nodes.at(trash);
    if (!look_for_twin || node.links <= 1 || !hour.children.contains(kept)) {
      hour.children[kept] = id;
      node.up = trash;
      return;
    }
  }
  if (node.kind != kDir && --node.links > 0) return;
  if (node.kind == kFile && open.contains(id)) {
    node.links = 0;
    node.xattrs.clear();
    return;
  }
  nodes.erase(id);
}

int ReferenceTree::unlink(User who, Id parent, const std::string& name, Id trash) {
  if (trash_dirs_.contains(parent) && who.uid != 0) return EPERM;
  Node* dir = find(parent);
  if (!dir) return ENOENT;
  Id id = 0;
  Node* node = child(*dir, name, id);
  if (!node) return ENOENT;
  if (node->kind == kDir || dir->flags & 3) return EPERM;
  if (keeps_others_out(who, *dir, *node)) return EACCES;
  if (node->flags & 3) return EPERM;
  drop_name(parent, name, id, trash, true);
  return 0;
}

int ReferenceTree::rmdir(User who, Id parent, const std::string& name, Id trash) {
  if (trash_dirs_.contains(parent) && (who.uid != 0 || parent == kTop)) return EPERM;
  Node* dir = find(parent);
  if (!dir) return ENOENT;
  Id id = 0;
  Node* node = child(*dir, name, id);
  if (!node) return ENOENT;
  if (node->kind != kDir) return ENOTDIR;
  if (dir->flags & 3) return EPERM;
  if (!node->children.empty()) return ENOTEMPTY;
  if (keeps_others_out(who, *dir, *node)) return EACCES;
  drop_name(parent, name, id, trash, false);
  return 0;
}

int ReferenceTree::rename(User who, Id from, const std::string& name, Id to,
                          const std::string& to_name, bool no_replace, bool exchange, Id trash) {
  if (trash_dirs_.contains(from) && who.uid != 0) return EPERM;
  if (trash_dirs_.contains(to) || from == kTop) return EPERM;
  if (trash_dirs_.contains(from) && exchange) return EPERM;
  Node* source_dir = find(from);
  Id moved = 0, met = 0;
  Node* source = source_dir ? child(*source_dir, name, moved) : nullptr;
  if (!source) return ENOENT;
  if (from == to && name == to_name) return 0;
  Node* target_dir = find(to);
  Node* target = target_dir ? child(*target_dir, to_name, met) : nullptr;
  if (target && no_replace) return EEXIST;
  if (target == source) return 0;
  if (target && !exchange) {
    if (source->kind == kDir && target->kind != kDir) return ENOTDIR;
    if (source->kind != kDir && target->kind == kDir) return EISDIR;
  }
  if (!target_dir) return ENOENT;
  if (target_dir->kind != kDir) return ENOTDIR;
  if (in_trash(*target_dir)) return ENOENT;
  if (moved == to || moved == target_dir->up) return EPERM;
  if (from != to && source->kind == kDir && is_above(moved, to)) return EINVAL;
  if (from != to && exchange && target && target->kind == kDir && is_above(met, from))
    return EINVAL;
  if (source_dir->flags & 3 || target_dir->flags & 1 || source->flags & 3) return EPERM;
  if (from != to && source_dir->perm & 01000 && who.uid != 0 && who.uid != source->uid &&
      (who.uid != source_dir->uid || source->kind == kDir))
    return EACCES;
  if (target) {
    if (target->flags & 3) return EPERM;
    if (!exchange && target->kind == kDir && !target->children.empty()) return ENOTEMPTY;
    if (keeps_others_out(who, *target_dir, *target)) return EACCES;
  } else if (exchange) {
    return ENOENT;
  }
  if (keeps_others_out(who, *source_dir, *source)) return EACCES;

  if (target && exchange) {
    source_dir->children[name] = met;
    target->up = from;
  } else {
    if (target) drop_name(to, to_name, met, trash, false);
    source_dir->children.erase(name);
  }
  target_dir->children[to_name] = moved;
  source->up = to;
  return 0;
}

int ReferenceTree::chmod(User who, Id id, unsigned mode) {
  Node* node = find(id);
  if (!node) return ENOENT;
  if (trash_dirs_.contains(id) || (in_trash(*node) && !node->linked_once)) return EPERM;
  if (node->perm == mode) return 0;
  if (who.uid != 0 && who.uid != node->uid) {
    const bool only_less = (mode & ~node->perm & 06000) == 0;
    if ((mode ^ node->perm) & 01777 || !only_less) return EPERM;
  }
  node->perm = mode;
  return 0;
}

int ReferenceTree::chown(User who, Id id, unsigned uid, unsigned gid) {
  Node* node = find(id);
  if (!node) return ENOENT;
  if (trash_dirs_.contains(id) || (in_trash(*node) && !node->linked_once)) return EPERM;
  if (who.uid != 0 && who.uid != node->uid) return EPERM;
  if (node->kind != kDir && node->perm & 06000) {
    const bool group_runs = node->perm & 010;
    node->perm &= ~04000u;
    if (who.uid != 0 || group_runs) node->perm &= ~02000u;
  }
  node->uid = uid;
  node->gid = gid;
  return 0;
}

int ReferenceTree::set_flags(Id id, unsigned flags) {
  Node* node = find(id);
  if (!node) return ENOENT;
  if (trash_dirs_.contains(id) || (in_trash(*node) && !node->linked_once)) return EPERM;
  node->flags = flags;
  return 0;
}

int ReferenceTree::write_to(Id id, uint64_t end) {
  Node* node = find(id);
  if (!node) return ENOENT;
  if (node->kind != kFile) return EPERM;
  if (end > node->length) node->length = end;
  return 0;
}

int ReferenceTree::resize(Id id, uint64_t length) {
  Node* node = find(id);
  if (!node) return ENOENT;
  if (node->kind != kFile || node->flags & 3) return EPERM;
  node->length = length;
  return 0;
}

int ReferenceTree::set_xattr(Id id, const std::string& name, const std::string& value) {
  Node* node = find(id);
  if (!node) return ENOENT;
  node->xattrs[name] = value;
  return 0;
}

int ReferenceTree::remove_xattr(Id id, const std::string& name) {
  Node* node = find(id);
  return node && node->xattrs.erase(name) ? 0 : ENODATA;
}

void ReferenceTree::last_close(Id id) {
  open.erase(id);
  Node* node = find(id);
  if (node && node->kind == kFile && node->links == 0) nodes.erase(id);
}

}  // namespace fastmeta::test
