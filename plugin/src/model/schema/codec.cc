// SPDX-License-Identifier: GPL-3.0-or-later
// Entries, slice records, delayed slices, quotas and ACL rules.
#include "model/schema/codec.h"

#include "model/schema/corrupt.h"
#include "util/bytes.h"

namespace fastmeta::model {
namespace {

constexpr size_t kDentryBytes = 9;
constexpr size_t kDelayedSliceBytes = 12;
constexpr size_t kQuotaBytes = 16;
constexpr size_t kNamedAclBytes = 6;

void put_named(std::string& out, const std::vector<AclRule::Named>& list) {
  put_be(out, static_cast<uint32_t>(list.size()));
  for (const AclRule::Named& named : list) {
    put_be(out, named.id);
    put_be(out, named.perm);
  }
}

Result<std::vector<AclRule::Named>> get_named(BytesReader& in, size_t total, const char* what) {
  const size_t offset = total - in.left();
  const auto count = in.be<uint32_t>();
  if (!in.ok()) return corrupt_at(total, std::string("the rule ends before its ") + what);
  // Before anything is allocated for them: the count is not to be trusted.
  if (count > in.left() / kNamedAclBytes)
    return corrupt_at(offset, std::to_string(count) + " " + what + ", more than there are bytes");
  std::vector<AclRule::Named> list(count);
  for (AclRule::Named& named : list) {
    named.id = in.be<uint32_t>();
    named.perm = in.be<uint16_t>();
  }
  return list;
}

}  // namespace

std::string encode_dentry(const Dentry& dentry) {
  std::string out;
  put_be(out, static_cast<uint8_t>(dentry.type));
  put_be(out, dentry.ino);
  return out;
}

Result<Dentry> decode_dentry(std::string_view bytes) {
  if (bytes.size() != kDentryBytes) return wrong_length(bytes.size(), kDentryBytes);
  BytesReader in(bytes);
  const auto type = in.be<uint8_t>();
  if (!valid_type(type)) return corrupt_at(0, "file type " + std::to_string(type));
  const auto ino = in.be<uint64_t>();
  if (ino == 0) return corrupt_at(1, "inode 0");
  return Dentry{static_cast<FileType>(type), ino};
}

std::string encode_slice(const SliceRecord& record) {
  std::string out;
  put_be(out, record.pos);
  put_be(out, record.id);
  put_be(out, record.size);
  put_be(out, record.off);
  put_be(out, record.len);
  return out;
}

Result<SliceRecord> decode_slice(std::string_view bytes) {
  if (bytes.size() != kSliceRecordBytes) return wrong_length(bytes.size(), kSliceRecordBytes);
  BytesReader in(bytes);
  SliceRecord record;
  record.pos = in.be<uint32_t>();
  record.id = in.be<uint64_t>();
  record.size = in.be<uint32_t>();
  record.off = in.be<uint32_t>();
  record.len = in.be<uint32_t>();
  if (uint64_t{record.pos} + record.len > kChunkBytes)
    return corrupt_at(0, "position " + std::to_string(record.pos) + " and length " +
                             std::to_string(record.len) + " leave the chunk");
  // Of a record of zeros, size and off say nothing.
  if (record.id != 0 && uint64_t{record.off} + record.len > record.size)
    return corrupt_at(16, "offset " + std::to_string(record.off) + " and length " +
                              std::to_string(record.len) + " leave the slice of " +
                              std::to_string(record.size) + " bytes");
  return record;
}

std::string encode_delayed_slices(const std::vector<std::pair<uint64_t, uint32_t>>& slices) {
  std::string out;
  out.reserve(slices.size() * kDelayedSliceBytes);
  for (const auto& [id, size] : slices) {
    put_be(out, id);
    put_be(out, size);
  }
  return out;
}

Result<std::vector<std::pair<uint64_t, uint32_t>>> decode_delayed_slices(std::string_view bytes) {
  if (const size_t rest = bytes.size() % kDelayedSliceBytes; rest != 0)
    return corrupt_at(bytes.size() - rest, "a slice of " + std::to_string(rest) +
                                               " bytes instead of 12");
  std::vector<std::pair<uint64_t, uint32_t>> slices;
  slices.reserve(bytes.size() / kDelayedSliceBytes);
  BytesReader in(bytes);
  while (in.left() > 0) {
    const auto id = in.be<uint64_t>();
    const auto size = in.be<uint32_t>();
    slices.emplace_back(id, size);
  }
  return slices;
}

std::string encode_quota(const QuotaLimits& limits) {
  std::string out;
  put_be(out, static_cast<uint64_t>(limits.space));
  put_be(out, static_cast<uint64_t>(limits.inodes));
  return out;
}

Result<QuotaLimits> decode_quota(std::string_view bytes) {
  if (bytes.size() != kQuotaBytes) return wrong_length(bytes.size(), kQuotaBytes);
  BytesReader in(bytes);
  QuotaLimits limits;
  limits.space = static_cast<int64_t>(in.be<uint64_t>());
  limits.inodes = static_cast<int64_t>(in.be<uint64_t>());
  return limits;
}

std::string encode_acl(const AclRule& rule) {
  std::string out;
  put_be(out, rule.owner);
  put_be(out, rule.group);
  put_be(out, rule.mask);
  put_be(out, rule.other);
  put_named(out, rule.users);
  put_named(out, rule.groups);
  return out;
}

Result<AclRule> decode_acl(std::string_view bytes) {
  BytesReader in(bytes);
  AclRule rule;
  rule.owner = in.be<uint16_t>();
  rule.group = in.be<uint16_t>();
  rule.mask = in.be<uint16_t>();
  rule.other = in.be<uint16_t>();
  if (!in.ok()) return corrupt_at(bytes.size(), "the rule ends before its first four entries");
  MDP_TRY(rule.users, get_named(in, bytes.size(), "users"));
  MDP_TRY(rule.groups, get_named(in, bytes.size(), "groups"));
  if (in.left() > 0) return wrong_length(bytes.size(), bytes.size() - in.left());
  return rule;
}

}  // namespace fastmeta::model
