// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

#include "model/schema/codec.h"

namespace fastmeta::test {

World::World() {
  facts.session = 7;
  Attr root;
  root.type = FileType::kDirectory;
  root.perm = 0777;
  root.nlink = 2;
  root.length = kDirLength;
  root.parent = kRootIno;
  root.atime = root.mtime = root.ctime = {1'700'000'000, 0};
  put(kRootIno, root);
}

void World::settle() {
  const std::vector<int64_t> replies = store.apply(out);
  int64_t space = 0, inodes = 0;
  for (const Write& w : out.writes) {
    if (w.key == keys.plain(kUsedSpace)) space += w.delta;
    if (w.key == keys.plain(kTotalInodes)) inodes += w.delta;
  }
  EXPECT_EQ(space, out.used_space);
  EXPECT_EQ(inodes, out.used_inodes);
  facts.used_space += space;
  facts.used_inodes += inodes;
  for (const DirStatDelta& d : out.dir_stats) {
    DirStatDelta& sum = stats[d.dir];
    sum.length += d.length;
    sum.space += d.space;
    sum.inodes += d.inodes;
  }
  for (const SliceRelease& r : out.releases) {
    const Write& w = out.writes.at(r.write);
    EXPECT_EQ(describe(w), "HINCRBY sliceRef " + slice_ref_field(r.id, r.size) + " -1");
    if (replies.at(r.write) >= 0) continue;
    EXPECT_TRUE(deleted_slices.emplace(r.id, r.size).second) << "deleted twice: " << r.id;
    Mutations gone;
    gone.hdel(w.key, w.field);
    store.apply(gone);
  }
  for (const DeadFile& dead : out.dead_files) {
    dead_files.push_back(dead);
    EXPECT_TRUE(final_length.emplace(dead.ino, dead.length).second);
  }
  if (!out.empty()) ++now.sec;
}

Result<CreateReply> World::create(Caller who, Ino parent, const std::string& name, FileType type,
                                  uint16_t mode) {
  CreateArgs want;
  want.who = who;
  want.now = now;
  want.parent = parent;
  want.name = name;
  want.type = type;
  want.mode = mode;
  want.ino = next_ino++;
  return run([&](const View& seen, Mutations& to) { return model::create(seen, want, to); });
}

Result<CreateReply> World::symlink(Caller who, Ino parent, const std::string& name,
                                   const std::string& target) {
  CreateArgs want;
  want.who = who;
  want.now = now;
  want.parent = parent;
  want.name = name;
  want.type = FileType::kSymlink;
  want.target = target;
  want.ino = next_ino++;
  return run([&](const View& seen, Mutations& to) { return model::create(seen, want, to); });
}

Ino World::mkdir(Ino parent, const std::string& name, uint16_t mode, Caller who) {
  auto made = create(who, parent, name, FileType::kDirectory, mode);
  EXPECT_EQ(code_of(made), 0);
  return made->ino;
}

Ino World::file(Ino parent, const std::string& name, uint16_t mode, Caller who) {
  auto made = create(who, parent, name, FileType::kFile, mode);
  EXPECT_EQ(code_of(made), 0);
  return made->ino;
}

Ino World::link_to(Ino ino, Ino parent, const std::string& name) {
  EXPECT_EQ(code_of(link(kRoot, ino, parent, name)), 0);
  return ino;
}

Result<Found> World::lookup(Ino parent, const std::string& name) {
  return run([&](const View& seen, Mutations&) { return model::lookup(seen, {parent, name}); });
}

Result<Found> World::link(Caller who, Ino ino, Ino parent, const std::string& name) {
  return run([&](const View& seen, Mutations& to) {
    return model::link(seen, {who, now, ino, parent, name}, to);
  });
}

Result<UnlinkReply> World::unlink(Caller who, Ino parent, const std::string& name) {
  const UnlinkArgs want{who, now, parent, name, trash()};
  return run([&](const View& seen, Mutations& to) { return model::unlink(seen, want, to); });
}

Result<UnlinkReply> World::rmdir(Caller who, Ino parent, const std::string& name) {
  const UnlinkArgs want{who, now, parent, name, trash()};
  return run([&](const View& seen, Mutations& to) { return model::rmdir(seen, want, to); });
}

Result<RenameReply> World::rename(Caller who, Ino parent, const std::string& name, Ino new_parent,
                                  const std::string& new_name, uint32_t flags) {
  const RenameArgs want{who, now, parent, name, new_parent, new_name, flags, trash()};
  return run([&](const View& seen, Mutations& to) { return model::rename(seen, want, to); });
}

Result<Attr> World::setattr(SetattrArgs want) {
  want.now = now;
  return run([&](const View& seen, Mutations& to) { return model::setattr(seen, want, to); });
}

Result<Attr> World::write(Ino ino, uint32_t chunk, SliceRecord slice) {
  const WriteSliceArgs want{now, now, ino, chunk, slice};
  return run([&](const View& seen, Mutations& to) { return write_slice(seen, want, to); });
}

Result<Attr> World::truncate(Ino ino, uint64_t length) {
  return run([&](const View& seen, Mutations& to) {
    return model::truncate(seen, {kRoot, now, ino, length}, to);
  });
}

Result<Attr> World::fallocate(Ino ino, uint32_t mode, uint64_t off, uint64_t len) {
  return run([&](const View& seen, Mutations& to) {
    return model::fallocate(seen, {kRoot, now, ino, mode, off, len}, to);
  });
}

Result<CopyRangeReply> World::copy(Ino from, uint64_t from_off, Ino to, uint64_t to_off,
                                   uint64_t len) {
  const CopyRangeArgs want{kRoot, now, from, from_off, to, to_off, len, 0};
  return run([&](const View& seen, Mutations& to_write) {
    return model::copy_file_range(seen, want, to_write);
  });
}

Ino World::trash() {
  if (!facts.trash) return 0;
  const TrashHourArgs want{now, kTrashIno + 1 + next_ino};
  auto hour = run([&](const View& seen, Mutations& to) { return trash_hour(seen, want, to); });
  EXPECT_EQ(code_of(hour), 0);
  if (hour->created) ++next_ino;
  return hour->ino;
}

void World::enable_trash() {
  facts.trash = true;
  Attr root = attr(kRootIno);
  root.perm = 0555;
  put(kTrashIno, root);
}

Attr World::attr(Ino ino) const {
  const auto* bytes = store.get<std::string>(keys.attr(ino));
  EXPECT_TRUE(bytes) << "no inode " << ino;
  return bytes ? *decode_attr(*bytes) : Attr{};
}

void World::put(Ino ino, const Attr& attr) {
  store.values()[keys.attr(ino)] = encode_attr(attr);
}

std::vector<SliceRecord> World::records(Ino ino, uint32_t chunk) const {
  std::vector<SliceRecord> found;
  if (const auto* items = store.get<MemoryStore::List>(keys.chunk(ino, chunk)))
    for (const std::string& item : *items) found.push_back(*decode_slice(item));
  return found;
}

void World::purge() {
  for (const DeadFile& dead : std::exchange(dead_files, {})) {
    for (uint32_t chunk = 0; chunk * kChunkBytes < dead.length; ++chunk) {
      auto done = run([&](const View& seen, Mutations& to) {
        return delete_chunk(seen, dead.ino, chunk, to);
      });
      EXPECT_EQ(code_of(done), 0);
    }
    Mutations settled;
    settled.zrem(keys.plain(kDelFiles), dead_file_member(dead.ino, dead.length));
    store.apply(settled);
  }
}

}  // namespace fastmeta::test
