// SPDX-License-Identifier: GPL-3.0-or-later
// The value of i{ino}, big-endian:
//    0 u8  flags           31 u32 mtime ns      63 u64 parent
//    1 u16 type, perm      35 i64 ctime s       71 u32 access ACL   } both or none
//    3 u32 uid             43 u32 ctime ns      75 u32 default ACL  }
//    7 u32 gid             47 u32 nlink          . u8  tier, if not 0
//   11 i64 atime s         51 u64 length         . one padding byte, 0
//   19 u32 atime ns        59 u32 rdev
//   23 i64 mtime s
// What is optional is told from the number of bytes left: 8 or more are ACL ids,
// one more is the tier. Whoever adds a field behind the tier keeps to that.
#include "model/schema/codec.h"
#include "model/schema/corrupt.h"
#include "util/bytes.h"

namespace fastmeta::model {
namespace {

constexpr size_t kFixedBytes = 71;
constexpr size_t kAclBytes = 8;
constexpr std::string_view kPad("\0", 1);

void put_time(std::string& out, Timestamp t) {
  put_be(out, static_cast<uint64_t>(t.sec));
  put_be(out, t.nsec);
}

// Nanoseconds of a second or more are let pass: the standard client's Java side
// stores them for times before 1970.
Timestamp get_time(BytesReader& in) {
  Timestamp t;
  t.sec = static_cast<int64_t>(in.be<uint64_t>());
  t.nsec = in.be<uint32_t>();
  return t;
}

}  // namespace

std::string encode_attr(const Attr& attr) {
  std::string out;
  out.reserve(kFixedBytes + kAclBytes + 2 + attr.unknown_tail.size());
  put_be(out, attr.flags);
  put_be(out, static_cast<uint16_t>(static_cast<uint16_t>(attr.type) << 12 | (attr.perm & 07777)));
  put_be(out, attr.uid);
  put_be(out, attr.gid);
  put_time(out, attr.atime);
  put_time(out, attr.mtime);
  put_time(out, attr.ctime);
  put_be(out, attr.nlink);
  put_be(out, attr.length);
  put_be(out, attr.rdev);
  put_be(out, attr.parent);

  const bool tail = !attr.unknown_tail.empty();
  if (attr.access_acl != 0 || attr.default_acl != 0 || (tail && attr.acl_before_tail)) {
    put_be(out, attr.access_acl);
    put_be(out, attr.default_acl);
  }
  if (attr.tier != 0 || tail) put_be(out, attr.tier);
  out += tail ? std::string_view(attr.unknown_tail) : kPad;
  return out;
}

Result<Attr> decode_attr(std::string_view bytes) {
  if (bytes.size() < kFixedBytes)
    return corrupt_at(bytes.size(), "attributes end, " + std::to_string(kFixedBytes) +
                                        " bytes are the least");
  BytesReader in(bytes);
  Attr attr;
  attr.flags = in.be<uint8_t>();
  const auto mode = in.be<uint16_t>();
  const auto type = static_cast<uint8_t>(mode >> 12);
  if (!valid_type(type)) return corrupt_at(1, "file type " + std::to_string(type));
  attr.type = static_cast<FileType>(type);
  attr.perm = mode & 07777;
  attr.uid = in.be<uint32_t>();
  attr.gid = in.be<uint32_t>();
  attr.atime = get_time(in);
  attr.mtime = get_time(in);
  attr.ctime = get_time(in);
  attr.nlink = in.be<uint32_t>();
  attr.length = in.be<uint64_t>();
  attr.rdev = in.be<uint32_t>();
  attr.parent = in.be<uint64_t>();

  bool acl_stored = false;
  if (in.left() >= kAclBytes) {
    attr.access_acl = in.be<uint32_t>();
    attr.default_acl = in.be<uint32_t>();
    acl_stored = true;
  }
  if (in.left() >= 1) attr.tier = in.be<uint8_t>();
  if (in.rest() != kPad) attr.unknown_tail = in.rest();
  attr.acl_before_tail = acl_stored && !attr.unknown_tail.empty();
  return attr;
}

}  // namespace fastmeta::model
