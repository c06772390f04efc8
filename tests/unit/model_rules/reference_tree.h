// SPDX-License-Identifier: GPL-3.0-or-later
// A small file system of its own: nodes that point to each other, no keys, no
// counters. What it answers and looks like is what the rules are compared with.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace fastmeta::test {

class ReferenceTree {
 public:
  using Id = uint64_t;
  enum Kind { kFile = 1, kDir = 2, kSymlink = 3, kFifo = 4 };
  struct Node {
    Kind kind = kFile;
    unsigned perm = 0, uid = 0, gid = 0;
    unsigned flags = 0;  // 1 immutable, 2 append-only, 0x20 skip-trash
    uint64_t length = 0;
    int links = 1;                 // names of a file
    bool linked_once = false;      // has ever had a second name
    Id up = 0;                     // where its (last known) name is
    std::string target;
    std::map<std::string, Id> children;
    std::map<std::string, std::string> xattrs;
  };
  struct User {
    unsigned uid, gid;
  };

  ReferenceTree();

  std::map<Id, Node> nodes;  // all that are reachable, trashed or held open
  std::set<Id> open;

  // Each gives 0 or an errno. `trash` is the hour directory or 0.
  int create(User who, Id parent, const std::string& name, Kind kind, unsigned mode,
             const std::string& target, Id id);
  int link(Id id, Id parent, const std::string& name);
  int unlink(User who, Id parent, const std::string& name, Id trash);
  int rmdir(User who, Id parent, const std::string& name, Id trash);
  int rename(User who, Id from, const std::string& name, Id to, const std::string& to_name,
             bool no_replace, bool exchange, Id trash);
  int chmod(User who, Id id, unsigned mode);
  int chown(User who, Id id, unsigned uid, unsigned gid);  // both
  int set_flags(Id id, unsigned flags);
  int write_to(Id id, uint64_t end);
  int resize(Id id, uint64_t length);
  int set_xattr(Id id, const std::string& name, const std::string& value);
  int remove_xattr(Id id, const std::string& name);
  void last_close(Id id);
  void add_hour(Id hour);

  // Links of a directory, derived.
  int dir_links(const Node& dir) const;
  bool is_trash_dir(Id id) const { return trash_dirs_.contains(id); }

 private:
  Node* find(Id id);
  Node* child(Node& dir, const std::string& name, Id& id);
  bool in_trash(const Node& node) const { return trash_dirs_.contains(node.up) && node.up != kTop; }
  static bool keeps_others_out(User who, const Node& dir, const Node& node);
  bool is_above(Id upper, Id lower);
  void drop_name(Id dir, const std::string& name, Id id, Id trash, bool look_for_twin);

  static constexpr Id kTop = 0x7FFFFFFF10000000;
  std::set<Id> trash_dirs_ = {kTop};
};

}  // namespace fastmeta::test
