// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/operation.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace fastmeta::model {

namespace {

template <OperationKind kind, typename Args>
constexpr bool kInPlace =
    std::is_same_v<std::variant_alternative_t<static_cast<size_t>(kind) - 1, Operation>, Args>;
static_assert(kInPlace<OperationKind::kCreate, CreateArgs> &&
              kInPlace<OperationKind::kLink, LinkArgs> &&
              kInPlace<OperationKind::kUnlink, Unlink> &&
              kInPlace<OperationKind::kRmdir, Rmdir> &&
              kInPlace<OperationKind::kRename, RenameArgs> &&
              kInPlace<OperationKind::kSetattr, SetattrArgs> &&
              kInPlace<OperationKind::kSetXattr, SetXattrArgs> &&
              kInPlace<OperationKind::kRemoveXattr, RemoveXattrArgs> &&
              kInPlace<OperationKind::kWriteSlice, WriteSliceArgs> &&
              kInPlace<OperationKind::kTruncate, TruncateArgs> &&
              kInPlace<OperationKind::kFallocate, FallocateArgs> &&
              kInPlace<OperationKind::kCopyRange, CopyRangeArgs> &&
              kInPlace<OperationKind::kLastClose, LastCloseArgs> &&
              std::variant_size_v<Operation> == 13,
              "the kinds are stored: the order of Operation is theirs");

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;  // clang 14 does not find it by itself

template <typename Reply>
Result<OperationReply> as_reply(Result<Reply> result) {
  if (!result) return std::move(result).error();
  return OperationReply(std::move(*result));
}

Result<OperationReply> as_reply(Result<void> result) {
  if (!result) return std::move(result).error();
  return OperationReply(std::monostate{});
}

Result<OperationReply> run(const Operation& operation, const View& seen, Mutations& out,
                           const std::vector<SliceRecord>* copied) {
  return std::visit(
      Overloaded{
          [&](const CreateArgs& want) { return as_reply(create(seen, want, out)); },
          [&](const LinkArgs& want) { return as_reply(link(seen, want, out)); },
          [&](const Unlink& op) { return as_reply(unlink(seen, op.want, out)); },
          [&](const Rmdir& op) { return as_reply(rmdir(seen, op.want, out)); },
          [&](const RenameArgs& want) { return as_reply(rename(seen, want, out)); },
          [&](const SetattrArgs& want) { return as_reply(setattr(seen, want, out)); },
          [&](const SetXattrArgs& want) { return as_reply(setxattr(seen, want, out)); },
          [&](const RemoveXattrArgs& want) {
            return as_reply(removexattr(seen, want.ino, want.name, out));
          },
          [&](const WriteSliceArgs& want) { return as_reply(write_slice(seen, want, out)); },
          [&](const TruncateArgs& want) { return as_reply(truncate(seen, want, out)); },
          [&](const FallocateArgs& want) { return as_reply(fallocate(seen, want, out)); },
          [&](const CopyRangeArgs& want) {
            return as_reply(copy_file_range(seen, want, out, copied));
          },
          [&](const LastCloseArgs& want) { return as_reply(last_close(seen, want, out)); },
      },
      operation);
}

void move_trash(Ino& trash, const Replay& replay) {
  if (trash != 0 && replay.trash != 0) trash = replay.trash;
}

Operation as_of(const Replay& replay, Operation operation) {
  auto removal = [&](UnlinkArgs& want) {
    want.applied_at = replay.at;
    move_trash(want.trash, replay);
  };
  std::visit(Overloaded{
                 [&](CreateArgs& want) { want.applied_at = replay.at; },
                 [&](Unlink& op) { removal(op.want); },
                 [&](Rmdir& op) { removal(op.want); },
                 [&](RenameArgs& want) {
                   want.applied_at = replay.at;
                   move_trash(want.trash, replay);
                 },
                 [&](LastCloseArgs& want) { want.applied_at = replay.at; },
                 [](auto&) {},
             },
             operation);
  return operation;
}

}  // namespace

OperationKind kind_of(const Operation& operation) {
  return static_cast<OperationKind>(operation.index() + 1);
}

const char* name_of(OperationKind kind) {
  switch (kind) {
    case OperationKind::kCreate: return "create";
    case OperationKind::kLink: return "link";
    case OperationKind::kUnlink: return "unlink";
    case OperationKind::kRmdir: return "rmdir";
    case OperationKind::kRename: return "rename";
    case OperationKind::kSetattr: return "setattr";
    case OperationKind::kSetXattr: return "setxattr";
    case OperationKind::kRemoveXattr: return "removexattr";
    case OperationKind::kWriteSlice: return "write_slice";
    case OperationKind::kTruncate: return "truncate";
    case OperationKind::kFallocate: return "fallocate";
    case OperationKind::kCopyRange: return "copy_file_range";
    case OperationKind::kLastClose: return "last_close";
  }
  return "unknown";
}

Result<OperationReply> apply(const Operation& operation, const View& seen, Mutations& out,
                             const Replay* replay) {
  if (!replay) return run(operation, seen, out, nullptr);
  return run(as_of(*replay, operation), seen, out, replay->copied);
}

std::vector<Ino> inodes_of(const Operation& operation) {
  using Inodes = std::vector<Ino>;
  Inodes inodes = std::visit(
      Overloaded{
          [](const CreateArgs& want) { return Inodes{want.parent, want.ino}; },
          [](const LinkArgs& want) { return Inodes{want.ino, want.parent}; },
          [](const Unlink& op) { return Inodes{op.want.parent}; },
          [](const Rmdir& op) { return Inodes{op.want.parent}; },
          [](const RenameArgs& want) { return Inodes{want.parent, want.new_parent}; },
          [](const CopyRangeArgs& want) { return Inodes{want.from, want.to}; },
          [](const auto& want) { return Inodes{want.ino}; },
      },
      operation);
  std::ranges::sort(inodes);
  inodes.erase(std::unique(inodes.begin(), inodes.end()), inodes.end());
  return inodes;
}

void renumber(Operation& operation, Ino from, Ino to) {
  auto change = [&](Ino& ino) {
    if (ino == from) ino = to;
  };
  std::visit(Overloaded{
                 [](Unlink&) {},
                 [](Rmdir&) {},
                 [](RenameArgs&) {},
                 [&](CopyRangeArgs& want) {
                   change(want.from);
                   change(want.to);
                 },
                 [&](auto& want) { change(want.ino); },
             },
             operation);
}

const Caller* caller_of(const Operation& operation) {
  return std::visit(
      [](const auto& want) -> const Caller* {
        if constexpr (requires { want.want.who; }) {
          return &want.want.who;
        } else if constexpr (requires { want.who; }) {
          return &want.who;
        } else {
          return nullptr;
        }
      },
      operation);
}

Ino subject_of(const Operation& operation) {
  return std::visit(Overloaded{
                        [](const SetattrArgs& want) { return want.ino; },
                        [](const SetXattrArgs& want) { return want.ino; },
                        [](const RemoveXattrArgs& want) { return want.ino; },
                        [&](const auto&) { return content_of(operation); },
                    },
                    operation);
}

Ino content_of(const Operation& operation) {
  return std::visit(Overloaded{
                        [](const WriteSliceArgs& want) { return want.ino; },
                        [](const TruncateArgs& want) { return want.ino; },
                        [](const FallocateArgs& want) { return want.ino; },
                        [](const CopyRangeArgs& want) { return want.to; },
                        [](const auto&) { return Ino{0}; },
                    },
                    operation);
}

}  // namespace fastmeta::model
