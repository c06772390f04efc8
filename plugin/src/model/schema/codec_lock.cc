// SPDX-License-Identifier: GPL-3.0-or-later
// Fields and values of lockf{ino} and lockp{ino}.
#include "model/schema/codec.h"
#include "model/schema/corrupt.h"
#include "util/bytes.h"

namespace fastmeta::model {
namespace {

constexpr size_t kOwnerDigits = 16;
constexpr size_t kRangeBytes = 24;
constexpr uint32_t kWriteLock = 1;
constexpr std::string_view kHexDigits = "0123456789ABCDEF";

}  // namespace

std::string encode_lock_owner(const LockOwner& owner) {
  std::string out = std::to_string(owner.session) + "_";
  for (int shift = 60; shift >= 0; shift -= 4) out += kHexDigits[(owner.owner >> shift) & 15];
  return out;
}

Result<LockOwner> decode_lock_owner(std::string_view field) {
  const size_t bar = field.find('_');
  if (bar == std::string_view::npos) return corrupt_at(field.size(), "no '_' in the lock owner");
  LockOwner owner;
  const auto session = parse_decimal<uint64_t>(field.substr(0, bar));
  if (!session) return corrupt_at(0, "the session of the lock owner is no number");
  owner.session = *session;

  const std::string_view digits = field.substr(bar + 1);
  if (digits.size() != kOwnerDigits) return wrong_length(field.size(), bar + 1 + kOwnerDigits);
  for (size_t i = 0; i < digits.size(); ++i) {
    const size_t value = kHexDigits.find(digits[i]);
    if (value == std::string_view::npos)
      return corrupt_at(bar + 1 + i, "the lock owner is not in upper-case hex digits");
    owner.owner = owner.owner << 4 | value;
  }
  return owner;
}

std::string encode_lock_ranges(const std::vector<LockRange>& ranges) {
  std::string out;
  out.reserve(ranges.size() * kRangeBytes);
  for (const LockRange& range : ranges) {
    put_be(out, range.type);
    put_be(out, range.pid);
    put_be(out, range.start);
    put_be(out, range.end);
  }
  return out;
}

Result<std::vector<LockRange>> decode_lock_ranges(std::string_view bytes) {
  if (const size_t rest = bytes.size() % kRangeBytes; rest != 0)
    return corrupt_at(bytes.size() - rest,
                      "a range of " + std::to_string(rest) + " bytes instead of 24");
  std::vector<LockRange> ranges;
  ranges.reserve(bytes.size() / kRangeBytes);
  BytesReader in(bytes);
  while (in.left() > 0) {
    const size_t offset = bytes.size() - in.left();
    LockRange range;
    range.type = in.be<uint32_t>();
    range.pid = in.be<uint32_t>();
    range.start = in.be<uint64_t>();
    range.end = in.be<uint64_t>();
    if (range.type > kWriteLock)
      return corrupt_at(offset, "lock type " + std::to_string(range.type));
    if (range.start > range.end) return corrupt_at(offset + 8, "a range ends before it starts");
    if (!ranges.empty() && range.start <= ranges.back().end)
      return corrupt_at(offset + 8, "a range starts inside or before the one in front of it");
    ranges.push_back(range);
  }
  return ranges;
}

}  // namespace fastmeta::model
