// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake_plugin.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace fastmeta::host::test {
namespace {

constexpr uint32_t kPunchHole = 0x02;

// Replaces [piece.pos, piece.pos + len) of ordered pieces.
void lay(std::map<uint32_t, mdp_slice>& map, mdp_slice piece) {
  const uint32_t end = piece.pos + piece.len;
  std::map<uint32_t, mdp_slice> next;
  for (const auto& [pos, old] : map) {
    const uint32_t old_end = old.pos + old.len;
    if (old_end <= piece.pos || old.pos >= end) {
      next[pos] = old;
      continue;
    }
    if (old.pos < piece.pos) {
      mdp_slice left = old;
      left.len = piece.pos - old.pos;
      next[left.pos] = left;
    }
    if (old_end > end) {
      mdp_slice right = old;
      right.pos = end;
      right.off += end - old.pos;
      right.len = old_end - end;
      next[right.pos] = right;
    }
  }
  next[piece.pos] = piece;
  map = std::move(next);
}

}  // namespace

std::vector<mdp_slice> visible(const std::vector<mdp_slice>& records) {
  std::map<uint32_t, mdp_slice> map;
  uint32_t end = 0;
  for (const mdp_slice& record : records) {
    lay(map, record);
    end = std::max(end, record.pos + record.len);
  }
  std::vector<mdp_slice> out;
  uint32_t at = 0;
  for (const auto& [pos, piece] : map) {
    if (pos > at) out.push_back({0, at, 0, 0, pos - at});
    out.push_back(piece);
    at = pos + piece.len;
  }
  return out;
}

FakePlugin::FakePlugin() {
  ops_.struct_size = sizeof ops_;
  ops_.abi_major = MDP_ABI_MAJOR;
  ops_.new_slice = new_slice;
  ops_.write_slice = write_slice;
  ops_.read_slices = read_slices;
  ops_.getattr = getattr;
  ops_.truncate = truncate;
  ops_.fallocate = fallocate;
  ops_.copy_file_range = copy_file_range;
  ops_.compact_plan = compact_plan;
  ops_.compact_commit = compact_commit;
}

void FakePlugin::require(bool holds, const std::string& what) {
  if (!holds) violations_.push_back(what);
}

void FakePlugin::touch(File& file) {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  file.attr.ctime = now.tv_sec;
  file.attr.ctime_nsec = static_cast<uint32_t>(now.tv_nsec);
}

void FakePlugin::add_file(uint64_t ino) {
  std::lock_guard lock(mutex_);
  files_[ino].attr.ino = ino;
  touch(files_[ino]);
}

void FakePlugin::remove_file(uint64_t ino) {
  std::lock_guard lock(mutex_);
  files_.erase(ino);
}

FakePlugin::File FakePlugin::file(uint64_t ino) {
  std::lock_guard lock(mutex_);
  return files_.at(ino);
}

std::vector<mdp_slice> FakePlugin::records(uint64_t ino, uint32_t chunk) {
  std::lock_guard lock(mutex_);
  return files_.at(ino).chunks[chunk];
}

void FakePlugin::set_records(uint64_t ino, uint32_t chunk, std::vector<mdp_slice> records) {
  std::lock_guard lock(mutex_);
  files_.at(ino).chunks[chunk] = std::move(records);
}

void FakePlugin::set_length(uint64_t ino, uint64_t length) {
  std::lock_guard lock(mutex_);
  files_.at(ino).attr.length = length;
}

std::vector<std::string> FakePlugin::violations() {
  std::lock_guard lock(mutex_);
  return violations_;
}

std::vector<mdp_caller> FakePlugin::commit_callers() {
  std::lock_guard lock(mutex_);
  return commit_callers_;
}

int FakePlugin::new_slice(mdp_volume* v, uint64_t* id) {
  FakePlugin& me = self(v);
  if (const int rc = me.faulty("new_slice", 0); rc != 0) return rc;
  std::lock_guard lock(me.mutex_);
  *id = me.next_id_++;
  return 0;
}

int FakePlugin::write_slice(mdp_volume* v, const mdp_caller* who, uint64_t ino,
                            const mdp_slice_write* write, mdp_attr* out) {
  FakePlugin& me = self(v);
  if (const int rc = me.faulty("write_slice", ino); rc != 0) return rc;
  const mdp_slice& slice = write->slice;
  const bool there = !me.in_place || me.in_place(slice.id, slice.size);
  std::lock_guard lock(me.mutex_);
  const std::string name = "slice " + std::to_string(slice.id);
  me.require(there, name + " was committed before its objects were in place");
  me.require(slice.id != 0 && slice.len != 0, name + ": empty");
  me.require(slice.off == 0 && slice.size == slice.len, name + ": not all of it is used");
  me.require(uint64_t{slice.pos} + slice.len <= MDP_CHUNK_BYTES, name + " crosses its chunk");
  me.require(write->struct_size == sizeof *write && write->flags == 0, name + ": struct");
  me.require(me.known_ids_.emplace(slice.id, slice.size).second, name + " was committed twice");
  me.commit_callers_.push_back(*who);
  const auto it = me.files_.find(ino);
  if (it == me.files_.end()) return -ENOENT;
  File& file = it->second;
  file.chunks[write->chunk].push_back(slice);
  const uint64_t end = write->chunk * MDP_CHUNK_BYTES + slice.pos + slice.len;
  file.attr.length = std::max(file.attr.length, end);
  file.attr.mtime = write->mtime;
  file.attr.mtime_nsec = write->mtime_nsec;
  me.touch(file);
  *out = file.attr;
  return 0;
}

int FakePlugin::read_slices(mdp_volume* v, const mdp_caller*, uint64_t ino, uint32_t chunk,
                            uint32_t flags, mdp_slice* out, size_t cap, size_t* count,
                            uint32_t* records) {
  FakePlugin& me = self(v);
  if (const int rc = me.faulty("read_slices", ino); rc != 0) return rc;
  if (flags & MDP_READ_FRESH) ++me.fresh_reads_;
  std::lock_guard lock(me.mutex_);
  const auto it = me.files_.find(ino);
  if (it == me.files_.end()) return -ENOENT;
  const auto& list = it->second.chunks[chunk];
  const auto pieces = visible(list);
  if (pieces.size() > cap) return -ERANGE;
  std::copy(pieces.begin(), pieces.end(), out);
  *count = pieces.size();
  *records = static_cast<uint32_t>(list.size());
  return 0;
}

int FakePlugin::getattr(mdp_volume* v, const mdp_caller*, uint64_t ino, mdp_entry* out) {
  FakePlugin& me = self(v);
  if (const int rc = me.faulty("getattr", ino); rc != 0) return rc;
  std::lock_guard lock(me.mutex_);
  const auto it = me.files_.find(ino);
  if (it == me.files_.end()) return -ENOENT;
  *out = {};
  out->attr = it->second.attr;
  return 0;
}

// As the real one: growing is free, cutting adds zero records over what goes, so
// that it does not come back when the file grows again.
int FakePlugin::truncate(mdp_volume* v, const mdp_caller*, uint64_t ino, uint64_t length,
                         mdp_attr* out) {
  FakePlugin& me = self(v);
  std::lock_guard lock(me.mutex_);
  File& file = me.files_.at(ino);
  for (auto& [chunk, list] : file.chunks) {
    const uint64_t start = chunk * MDP_CHUNK_BYTES;
    const uint64_t keep = length > start ? std::min(length - start, MDP_CHUNK_BYTES) : 0;
    const auto left = static_cast<uint32_t>(MDP_CHUNK_BYTES - keep);
    if (left > 0) list.push_back({0, static_cast<uint32_t>(keep), 0, 0, left});
  }
  file.attr.length = length;
  me.touch(file);
  *out = file.attr;
  return 0;
}

int FakePlugin::fallocate(mdp_volume* v, const mdp_caller*, uint64_t ino, uint32_t mode,
                          uint64_t off, uint64_t len, mdp_attr* out) {
  FakePlugin& me = self(v);
  if ((mode & kPunchHole) == 0) return -ENOTSUP;
  std::lock_guard lock(me.mutex_);
  File& file = me.files_.at(ino);
  const auto chunk = static_cast<uint32_t>(off / MDP_CHUNK_BYTES);
  const auto pos = static_cast<uint32_t>(off % MDP_CHUNK_BYTES);
  if (pos + len > MDP_CHUNK_BYTES) return -EINVAL;  // more than tests need
  file.chunks[chunk].push_back({0, pos, 0, 0, static_cast<uint32_t>(len)});
  me.touch(file);
  *out = file.attr;
  return 0;
}

int FakePlugin::copy_file_range(mdp_volume* v, const mdp_caller*, uint64_t from,
                                uint64_t from_off, uint64_t to, uint64_t to_off, uint64_t len,
                                uint32_t, uint64_t* copied, mdp_attr* to_attr) {
  FakePlugin& me = self(v);
  std::lock_guard lock(me.mutex_);
  if (from_off % MDP_CHUNK_BYTES + len > MDP_CHUNK_BYTES) return -EINVAL;
  File& target = me.files_.at(to);
  const auto pos = static_cast<uint32_t>(from_off % MDP_CHUNK_BYTES);
  const auto pieces =
      visible(me.files_.at(from).chunks[static_cast<uint32_t>(from_off / MDP_CHUNK_BYTES)]);
  for (mdp_slice piece : pieces) {
    const uint64_t first = std::max(piece.pos, pos);
    const uint64_t last = std::min<uint64_t>(piece.pos + piece.len, pos + len);
    if (first >= last) continue;
    piece.off += static_cast<uint32_t>(first - piece.pos);
    piece.len = static_cast<uint32_t>(last - first);
    piece.pos = static_cast<uint32_t>(to_off + (first - pos));
    target.chunks[0].push_back(piece);
  }
  target.attr.length = std::max(target.attr.length, to_off + len);
  *copied = len;
  *to_attr = target.attr;
  return 0;
}

int FakePlugin::compact_plan(mdp_volume* v, uint64_t ino, uint32_t chunk, mdp_compaction* plan,
                             mdp_slice* pieces, size_t cap, size_t* count) {
  FakePlugin& me = self(v);
  if (const int rc = me.faulty("compact_plan", ino); rc != 0) return rc;
  std::lock_guard lock(me.mutex_);
  const auto it = me.files_.find(ino);
  if (it == me.files_.end()) return -ENOENT;
  const auto& list = it->second.chunks[chunk];
  if (list.size() < 2) return -ENODATA;
  auto all = visible(list);
  if (all.front().id == 0) all.erase(all.begin());
  if (all.empty()) return -ENODATA;
  if (all.size() > cap) return -ERANGE;
  std::copy(all.begin(), all.end(), pieces);
  *count = all.size();
  plan->chunk = chunk;
  plan->records = static_cast<uint32_t>(list.size());
  plan->pos = all.front().pos;
  plan->size = all.back().pos + all.back().len - plan->pos;
  return 0;
}

int FakePlugin::compact_commit(mdp_volume* v, uint64_t ino, const mdp_compaction* plan,
                               uint64_t id) {
  FakePlugin& me = self(v);
  if (const int rc = me.faulty("compact_commit", ino); rc != 0) return rc;
  const bool there = !me.in_place || me.in_place(id, plan->size);
  std::vector<mdp_slice> gone;
  {
    std::lock_guard lock(me.mutex_);
    me.require(there, "merged slice committed before its objects were in place");
    const auto it = me.files_.find(ino);
    if (it == me.files_.end()) return -ENOENT;
    auto& list = it->second.chunks[plan->chunk];
    if (list.size() < plan->records) return -EAGAIN;
    gone.assign(list.begin(), list.begin() + plan->records);
    list.erase(list.begin(), list.begin() + plan->records);
    list.insert(list.begin(), {id, plan->pos, plan->size, 0, plan->size});
  }
  for (const mdp_slice& old : gone) {
    if (me.unreferenced && old.id != 0) me.unreferenced(old.id, old.size);
  }
  return 0;
}

}  // namespace fastmeta::host::test
