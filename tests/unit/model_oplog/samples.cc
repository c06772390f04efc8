// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples.h"

#include <limits>
#include <string>

namespace fastmeta::test {

using namespace model;  // NOLINT: the tests speak of nothing else

namespace {

constexpr Caller kWho{1001, 1002, 022};

std::vector<Operation> sample_operations() {
  const Timestamp now{1'800'000'001, 123'456'789};
  CreateArgs create;
  create.who = kWho;
  create.now = now;
  create.parent = 11;
  create.name = "link";
  create.type = FileType::kSymlink;
  create.mode = 0644;
  create.rdev = 12;
  create.target = "to/there";
  create.ino = 13;
  create.open_for = kOpenThere | kOpenWrite;
  UnlinkArgs unlink{kWho, now, 11, "gone", kTrashIno + 3};
  UnlinkArgs rmdir{kWho, now, 11, "dir", 0};
  RenameArgs rename{kWho, now, 11, "old", 12, "new", kRenameExchange, kTrashIno + 3};
  SetattrArgs setattr;
  setattr.who = kWho;
  setattr.now = now;
  setattr.ino = 13;
  setattr.mode = 0600;
  setattr.gid = 7;
  setattr.mtime = {-1, 999'999'999};
  setattr.atime_now = true;
  setattr.flags = kAppendOnly;
  setattr.kill_suid = true;
  return {create,
          LinkArgs{kWho, now, 13, 11, "again"},
          Unlink{unlink},
          Rmdir{rmdir},
          rename,
          setattr,
          SetXattrArgs{13, "user.a", std::string("\0\xff", 2), kXattrReplace},
          RemoveXattrArgs{13, "user.a"},
          WriteSliceArgs{now, {1'800'000'000, 5}, 13, 2, {100, 77, 4096, 96, 4000}},
          TruncateArgs{kWho, now, 13, 1 << 20},
          FallocateArgs{kWho, now, 13, kFallocKeepSize | kFallocPunchHole, 4096, 8192},
          CopyRangeArgs{kWho, now, 13, 1, 14, 2, 3, 0},
          LastCloseArgs{now, 13}};
}

uint64_t any_number(Dice& dice) {
  switch (dice.below(4)) {
    case 0: return 0;
    case 1: return dice.below(1000);
    case 2: return std::numeric_limits<uint64_t>::max() - dice.below(2);
    default: return dice.below(std::numeric_limits<uint64_t>::max());
  }
}

template <typename T>
T number(Dice& dice) {
  return static_cast<T>(any_number(dice));
}

std::string any_text(Dice& dice) {
  std::string text(dice.below(dice.one_in(20) ? 5000 : 12), '\0');
  for (char& c : text) c = static_cast<char>(dice.below(256));
  return text;
}

Timestamp any_time(Dice& dice) {
  return {number<int64_t>(dice), static_cast<uint32_t>(dice.below(1'000'000'000))};
}

SliceRecord any_slice(Dice& dice) {
  return {number<uint32_t>(dice), any_number(dice), number<uint32_t>(dice),
          number<uint32_t>(dice), number<uint32_t>(dice)};
}

Caller any_caller(Dice& dice) {
  return {number<uint32_t>(dice), number<uint32_t>(dice), number<uint32_t>(dice)};
}

template <typename T, typename Draw>
std::optional<T> maybe(Dice& dice, Draw draw) {
  if (dice.one_in(2)) return std::nullopt;
  return draw(dice);
}

Operation any_operation(Dice& dice) {
  const Caller who = any_caller(dice);
  const Timestamp now = any_time(dice);
  auto u64 = [&] { return any_number(dice); };
  auto u32 = [&] { return number<uint32_t>(dice); };
  switch (static_cast<OperationKind>(1 + dice.below(13))) {
    case OperationKind::kCreate: {
      CreateArgs want;
      want.who = who;
      want.now = now;
      want.parent = u64();
      want.name = any_text(dice);
      want.type = static_cast<FileType>(1 + dice.below(7));
      want.mode = number<uint16_t>(dice);
      want.rdev = u32();
      want.target = any_text(dice);
      want.ino = u64();
      want.open_for = static_cast<uint8_t>(dice.below(kOpenForAll + 1));
      return want;
    }
    case OperationKind::kLink:
      return LinkArgs{who, now, u64(), u64(), any_text(dice)};
    case OperationKind::kUnlink:
      return Unlink{{who, now, u64(), any_text(dice), u64()}};
    case OperationKind::kRmdir:
      return Rmdir{{who, now, u64(), any_text(dice), u64()}};
    case OperationKind::kRename:
      return RenameArgs{who, now, u64(), any_text(dice), u64(), any_text(dice), u32(), u64()};
    case OperationKind::kSetattr: {
      SetattrArgs want;
      want.who = who;
      want.now = now;
      want.ino = u64();
      want.mode = maybe<uint16_t>(dice, number<uint16_t>);
      want.uid = maybe<uint32_t>(dice, number<uint32_t>);
      want.gid = maybe<uint32_t>(dice, number<uint32_t>);
      want.atime = maybe<Timestamp>(dice, any_time);
      want.mtime = maybe<Timestamp>(dice, any_time);
      want.atime_now = dice.one_in(2);
      want.mtime_now = dice.one_in(2);
      want.flags = maybe<uint8_t>(dice, number<uint8_t>);
      want.kill_suid = dice.one_in(2);
      return want;
    }
    case OperationKind::kSetXattr:
      return SetXattrArgs{u64(), any_text(dice), any_text(dice), u32()};
    case OperationKind::kRemoveXattr:
      return RemoveXattrArgs{u64(), any_text(dice)};
    case OperationKind::kWriteSlice:
      return WriteSliceArgs{now, any_time(dice), u64(), u32(), any_slice(dice)};
    case OperationKind::kTruncate:
      return TruncateArgs{who, now, u64(), u64()};
    case OperationKind::kFallocate:
      return FallocateArgs{who, now, u64(), u32(), u64(), u64()};
    case OperationKind::kCopyRange:
      return CopyRangeArgs{who, now, u64(), u64(), u64(), u64(), u64(), u32()};
    case OperationKind::kLastClose:
      return LastCloseArgs{now, u64()};
  }
  return {};
}

template <typename T, typename Draw>
std::vector<T> some(Dice& dice, Draw draw) {
  std::vector<T> items(dice.below(4));
  for (T& item : items) item = draw(dice);
  return items;
}

}  // namespace

std::vector<OplogRecord> sample_records() {
  std::vector<OplogRecord> records;
  for (Operation& operation : sample_operations()) {
    OplogRecord record;
    record.seq = 1000 + records.size();
    record.time = {1'800'000'002, 3};
    record.operation = std::move(operation);
    record.relied = {{{ReadKind::kString, "i11", {}}, Reliance::Expect::kInode, 2},
                     {{ReadKind::kField, "d11", "n", false}, Reliance::Expect::kAbsent, 0}};
    record.writes = {{WriteOp::kHSet, "d11", "n", "v", 0},
                     {WriteOp::kIncrBy, "usedSpace", {}, {}, -4096}};
    record.used_space = -4096;
    record.used_inodes = -1;
    record.locks = {{9, "lockf13"}};
    record.base_mtime = {1'700'000'000, 4};
    record.pid = 4711;
    record.uid = 1001;
    record.gid = 1002;
    const OperationKind kind = kind_of(record.operation);
    record.nameless = kind == OperationKind::kTruncate;
    record.staged = kind == OperationKind::kWriteSlice;
    if (kind == OperationKind::kCopyRange) record.copied = {{0, 77, 64, 8, 2}, {2, 0, 0, 0, 1}};
    records.push_back(std::move(record));
  }
  return records;
}

OplogRecord random_record(Dice& dice) {
  OplogRecord record;
  record.seq = any_number(dice);
  record.time = any_time(dice);
  record.operation = any_operation(dice);
  record.relied = some<Reliance>(dice, [](Dice& d) {
    ReadKey read{static_cast<ReadKind>(d.below(5)), any_text(d), any_text(d), d.one_in(2)};
    return Reliance{std::move(read), static_cast<Reliance::Expect>(d.below(5)), any_number(d)};
  });
  record.writes = some<Write>(dice, [](Dice& d) {
    return Write{static_cast<WriteOp>(1 + d.below(15)), any_text(d), any_text(d), any_text(d),
                 number<int64_t>(d)};
  });
  record.used_space = number<int64_t>(dice);
  record.used_inodes = number<int64_t>(dice);
  record.locks = some<LockGuard>(dice, [](Dice& d) {
    return LockGuard{any_number(d), any_text(d)};
  });
  record.copied = some<SliceRecord>(dice, any_slice);
  record.base_mtime = any_time(dice);
  record.staged = dice.one_in(2);
  record.pid = number<uint32_t>(dice);
  record.uid = number<uint32_t>(dice);
  record.gid = number<uint32_t>(dice);
  record.nameless = dice.one_in(2);
  return record;
}

}  // namespace fastmeta::test
