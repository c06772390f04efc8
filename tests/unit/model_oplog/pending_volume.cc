// SPDX-License-Identifier: GPL-3.0-or-later
#include "pending_volume.h"

#include "model/merge.h"
#include "model/schema/codec.h"
#include "support/store_view.h"

namespace fastmeta::test {

namespace {

class OverlaidView : public View {
 public:
  OverlaidView(const PendingVolume& volume, const OverlaidReads& reads)
      : View(volume.facts, volume.keys), volume_(volume), reads_(reads) {}
  bool open_here(Ino ino) const override { return volume_.open.contains(ino); }

 protected:
  const RawValue* find(const ReadKey& read) const override { return reads_.find(read); }

 private:
  const PendingVolume& volume_;
  const OverlaidReads& reads_;
};

}  // namespace

int code_of(const Result<OperationReply>& result) {
  if (result) return 0;
  const Error& error = result.error();
  return error.fault == Fault::kAnswer ? error.code : 1000 + static_cast<int>(error.fault);
}

MemoryStore new_store() {
  MemoryStore store;
  const KeySpace keys;
  Attr root;
  root.type = FileType::kDirectory;
  root.perm = 0777;
  root.nlink = 2;
  root.length = kDirLength;
  root.parent = kRootIno;
  root.atime = root.mtime = root.ctime = {1'700'000'000, 0};
  store.values()[keys.attr(kRootIno)] = encode_attr(root);
  root.parent = kTrashIno;
  store.values()[keys.attr(kTrashIno + 1)] = encode_attr(root);
  return store;
}

Result<OperationReply> PendingVolume::run(const Operation& operation, const Replay* replay) {
  StoreView view(store, facts, keys, open);
  auto done = run_rule(view, [&](const View& seen, Mutations& to) {
    return apply(operation, seen, to, replay);
  });
  out = std::move(done.out);
  now.sec += 1;
  if (!done.result || out.empty()) return std::move(done.result);
  OplogRecord record;
  record.seq = log.size() + 1;
  record.time = now;
  record.operation = operation;
  for (const auto& [read, answer] : view.loaded())
    record.relied.push_back(relied_on(keys, read, answer));
  record.writes = out.writes;
  record.used_space = out.used_space;
  record.used_inodes = out.used_inodes;
  if (auto* copy = std::get_if<CopyRangeReply>(&*done.result)) record.copied = copy->pieces;
  log.push_back(std::move(record));
  store.apply(out);
  return std::move(done.result);
}

Ino PendingVolume::create(Ino parent, const std::string& name, FileType type) {
  CreateArgs want;
  want.who = kAnyone;
  want.now = now;
  want.parent = parent;
  want.name = name;
  want.type = type;
  want.mode = 0755;
  want.ino = next_ino_++;
  if (type == FileType::kSymlink) want.target = "t";
  EXPECT_EQ(code_of(run(want)), 0) << name;
  return want.ino;
}

int PendingVolume::unlink(Ino parent, const std::string& name, Ino trash) {
  return code_of(run(Unlink{{kAnyone, now, parent, name, trash}}));
}
int PendingVolume::rmdir(Ino parent, const std::string& name) {
  return code_of(run(Rmdir{{kAnyone, now, parent, name, 0}}));
}
int PendingVolume::rename(Ino parent, const std::string& name, Ino new_parent,
                          const std::string& new_name) {
  return code_of(run(RenameArgs{kAnyone, now, parent, name, new_parent, new_name, 0, 0}));
}
int PendingVolume::link(Ino ino, Ino parent, const std::string& name) {
  return code_of(run(LinkArgs{kAnyone, now, ino, parent, name}));
}
int PendingVolume::chmod(Ino ino, uint16_t mode) {
  SetattrArgs want;
  want.who = kAnyone;
  want.now = now;
  want.ino = ino;
  want.mode = mode;
  return code_of(run(want));
}
int PendingVolume::write(Ino ino, SliceRecord slice) {
  return code_of(run(WriteSliceArgs{now, now, ino, 0, slice}));
}

Attr PendingVolume::attr(Ino ino) const {
  const std::string* bytes = store.get<MemoryStore::String>(keys.attr(ino));
  MDP_CHECK(bytes);
  return *decode_attr(*bytes);
}

Operation random_operation(Dice& dice, const PendingVolume& volume) {
  const Timestamp now = volume.now;
  std::vector<Ino> dirs, others;
  for (const auto& [key, ignored] : volume.store.values()) {
    const auto parsed = volume.keys.parse(key);
    if (!parsed || parsed->kind != 'i' || is_trash(parsed->ino)) continue;
    (volume.attr(parsed->ino).is_dir() ? dirs : others).push_back(parsed->ino);
  }
  auto dir = [&]() -> Ino { return dice.one_in(20) ? 99 : dice.pick(dirs); };
  auto ino = [&] { return others.empty() || dice.one_in(6) ? dir() : dice.pick(others); };
  auto name = [&] { return std::string(1, static_cast<char>('a' + dice.below(3))); };
  const Ino trash = volume.facts.trash ? kTrashIno + 1 : 0;
  switch (dice.below(14)) {
    case 0: case 1: case 2: case 3: {
      CreateArgs want;
      want.who = kAnyone;
      want.now = now;
      want.parent = dir();
      want.name = name();
      const FileType types[] = {FileType::kFile, FileType::kFile, FileType::kDirectory,
                                FileType::kSymlink};
      want.type = dice.pick(types);
      want.mode = 0755;
      if (want.type == FileType::kSymlink) want.target = "t";
      want.ino = 100 + volume.log.size();
      return want;
    }
    case 4: return LinkArgs{kAnyone, now, ino(), dir(), name()};
    case 5: return Unlink{{kAnyone, now, dir(), name(), trash}};
    case 6: return Rmdir{{kAnyone, now, dir(), name(), trash}};
    case 7: case 8:
      return RenameArgs{kAnyone, now, dir(), name(), dir(), name(),
                        static_cast<uint32_t>(dice.below(3)), trash};
    case 9: {
      SetattrArgs want;
      want.who = kAnyone;
      want.now = now;
      want.ino = ino();
      if (dice.one_in(2)) want.mode = static_cast<uint16_t>(0700 + dice.below(8));
      if (dice.one_in(2)) want.mtime = Timestamp{static_cast<int64_t>(dice.below(1000)), 0};
      want.atime_now = dice.one_in(2);
      return want;
    }
    case 10:
      if (dice.one_in(2)) return RemoveXattrArgs{ino(), name()};
      return SetXattrArgs{ino(), name(), name(), 0};
    case 11: {
      const auto len = static_cast<uint32_t>(1 + dice.below(5000));
      const auto pos = static_cast<uint32_t>(dice.below(5000));
      const uint64_t id = volume.log.size() + 1;
      return WriteSliceArgs{now, now, ino(), static_cast<uint32_t>(dice.below(2)),
                            {pos, id, len, 0, len}};
    }
    case 12:
      if (dice.one_in(2)) return TruncateArgs{kAnyone, now, ino(), dice.below(9000)};
      return FallocateArgs{kAnyone, now, ino(), 0, dice.below(9000), 1 + dice.below(9000)};
    default:
      return CopyRangeArgs{kAnyone, now, ino(), dice.below(6000), ino(), dice.below(6000),
                           dice.below(6000), 0};
  }
}

void reintegrate(MemoryStore& server, const PendingVolume& from,
                 const std::vector<const OplogRecord*>& batch) {
  OverlaidReads reads;
  OverlaidView view(from, reads);
  std::vector<Mutations> all;
  for (const OplogRecord* record : batch) {
    auto decoded = decode_record(encode_record(*record));
    ASSERT_TRUE(decoded.has_value());
    const OplogRecord& r = *decoded;
    auto load = [&](const ReadKey& read) {
      if (!reads.find(read)) reads.load(read, server.read(read));
    };
    for (const Reliance& reliance : r.relied) {
      load(reliance.read);
      EXPECT_TRUE(still_holds(reliance, *reads.find(reliance.read)))
          << r.seq << " " << reliance.read.key << " " << reliance.read.field;
    }
    std::visit(
        [&](const auto& args) {
          Timestamp at = r.time;
          if constexpr (requires { args.now; }) at = args.now;
          if constexpr (requires { args.want.now; }) at = args.want.now;
          const Replay replay{at, 0, &r.copied};
          for (int round = 0; round < 10; ++round) {
            Mutations out;
            auto result = apply(r.operation, view, out, &replay);
            if (!result && result.error().fault == Fault::kMissing) {
              for (const ReadKey& read : view.needed()) load(read);
              view.clear_needed();
              continue;
            }
            EXPECT_EQ(code_of(result), 0) << r.seq << " " << name_of(kind_of(r.operation));
            for (const Write& write : out.writes) reads.write(write);
            all.push_back(std::move(out));
            return;
          }
          ADD_FAILURE() << "never has all it needs: " << r.seq;
        },
        r.operation);
  }
  for (const Write& write : merge(all).writes) server.apply(write);
}

}  // namespace fastmeta::test
