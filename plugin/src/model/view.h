// SPDX-License-Identifier: GPL-3.0-or-later
// The state that a rule sees. Executors answer raw reads; the typed reads on
// top of them, with their checks of the stored bytes, are here once.
//
// A read that is not answered yet is noted and fails with Fault::kMissing; the
// executor loads what needed() lists and runs the rule again. need() notes
// several reads at once, so that a rule usually costs one round trip.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/read_key.h"
#include "model/schema/keys.h"
#include "model/types.h"
#include "util/result.h"

namespace fastmeta::model {

// What rules need to know of the volume and of this client. Limits are soft:
// the numbers are as of the last heartbeat plus our own changes since.
struct VolumeFacts {
  bool trash = false;
  uint64_t capacity = 0;     // bytes, 0: unlimited
  uint64_t inode_limit = 0;  // 0: unlimited
  int64_t used_space = 0;
  int64_t used_inodes = 0;
  uint64_t session = 0;                 // 0: none
  int64_t dir_mtime_step_ns = 100'000'000;  // skip rule of parent mtime updates
  bool dir_stats = true;
};

class View {
 public:
  View(const VolumeFacts& facts, const KeySpace& keys) : facts_(facts), keys_(keys) {}
  virtual ~View() = default;

  const VolumeFacts& facts() const { return facts_; }
  const KeySpace& keys() const { return keys_; }
  // Does this process hold the inode open?
  virtual bool open_here(Ino ino) const = 0;

  // Fails with kMissing after noting all of `reads` that are not loaded.
  Result<void> need(std::initializer_list<ReadKey> reads) const;
  Result<void> need(std::span<const ReadKey> reads) const;
  const std::vector<ReadKey>& needed() const { return needed_; }
  void clear_needed() { needed_.clear(); }

  // Reads by the names of the schema. Stored bytes that break it: kCorrupt,
  // EIO, with the key and the offset in the text.
  ReadKey attr_key(Ino ino) const;
  ReadKey dentry_key(Ino parent, std::string_view name) const;
  ReadKey dentry_key_unwatched(Ino parent, std::string_view name) const;
  ReadKey dir_count_key(Ino dir) const;
  ReadKey chunk_key(Ino ino, uint32_t chunk) const;
  ReadKey parents_key(Ino ino) const;
  ReadKey symlink_key(Ino ino) const;
  ReadKey xattr_key(Ino ino, std::string_view name) const;
  ReadKey xattrs_key(Ino ino) const;

  Result<std::optional<Attr>> attr(Ino ino) const;
  Result<std::optional<Dentry>> dentry(Ino parent, std::string_view name) const;
  Result<bool> dentry_exists_unwatched(Ino parent, std::string_view name) const;
  Result<bool> dir_empty(Ino dir) const;
  Result<std::vector<SliceRecord>> chunk(Ino ino, uint32_t chunk) const;
  // Parents of a hard-linked inode with their counts; counts <= 0 are left out.
  Result<std::map<Ino, int64_t>> parents(Ino ino) const;
  Result<std::optional<std::string>> symlink(Ino ino) const;
  Result<std::optional<std::string>> xattr(Ino ino, std::string_view name) const;
  Result<std::vector<std::string>> xattr_names(Ino ino) const;
  Result<RawValue> raw(const ReadKey& read) const;

 protected:
  // The loaded answer, or nullptr. Valid until the next load into this view.
  virtual const RawValue* find(const ReadKey& read) const = 0;

 private:
  Result<const RawValue*> loaded(const ReadKey& read) const;

  const VolumeFacts& facts_;
  const KeySpace& keys_;
  mutable std::vector<ReadKey> needed_;
};

}  // namespace fastmeta::model
