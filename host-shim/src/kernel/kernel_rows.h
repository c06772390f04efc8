// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of the table of what the kernel remembers. Each row is in lists that it
// leaves by being destroyed, so that no list can name a row that is gone.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <string>
#include <unordered_map>

namespace fastmeta::host {

struct NameDir;

namespace bi = boost::intrusive;
template <typename Tag>
using AutoHook = bi::list_base_hook<bi::tag<Tag>, bi::link_mode<bi::auto_unlink>>;
template <typename Row, typename Tag>
using AutoList = bi::list<Row, bi::base_hook<AutoHook<Tag>>, bi::constant_time_size<false>>;

struct ByAge;    // oldest first; timeouts hardly differ, so it is also the order of expiry
struct ByInode;  // the names of one inode

// A directory entry, or the absence of one (ino 0), that the kernel was given with
// a timeout.
struct NameRow : AutoHook<ByAge>, AutoHook<ByInode> {
  NameDir* dir = nullptr;
  const std::string* name = nullptr;  // its key in dir->names
  uint64_t ino = 0;
  int64_t until = 0;  // ms: the kernel has forgotten it by then
  int64_t given = 0;  // ms
};

struct NameDir {
  uint64_t parent = 0;
  std::unordered_map<std::string, NameRow> names;
};

// An inode that the kernel knows.
struct InodeRow : AutoHook<ByAge> {
  uint64_t ino = 0;
  uint64_t lookups = 0;  // to be taken back by forget
  int64_t until = 0;     // ms: its attributes are remembered until then; 0: not at all
  int64_t given = 0;     // ms

  // The attributes last given.
  bool known = false;
  uint64_t length = 0;
  int64_t mtime = 0;
  uint32_t mtime_nsec = 0;
  int64_t ctime = 0;
  uint32_t ctime_nsec = 0;

  // Contents that the page cache may hold: as of the last open here.
  bool pages = false;
  uint64_t pages_length = 0;
  int64_t pages_mtime = 0;
  uint32_t pages_mtime_nsec = 0;

  AutoList<NameRow, ByInode> names;
};

}  // namespace fastmeta::host
