// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/oplog_record.h"
#include "model/schema/codec.h"

namespace fastmeta::model {

using Expect = Reliance::Expect;

Reliance relied_on(const KeySpace& keys, const ReadKey& read, const RawValue& answer) {
  Reliance reliance{read, Expect::kNothing, 0};
  const auto parsed = keys.parse(read.key);
  if (!parsed || !read.watch) return reliance;
  const bool entry = parsed->kind == 'd' && read.kind == ReadKind::kField;
  const bool inode = parsed->kind == 'i' && read.kind == ReadKind::kString;
  if ((entry || inode) && !answer.exists) {
    reliance.expect = Expect::kAbsent;
  } else if (entry) {
    if (auto dentry = decode_dentry(answer.bytes)) {
      reliance.expect = Expect::kEntry;
      reliance.value = dentry->ino;
    }
  } else if (inode) {
    if (auto attr = decode_attr(answer.bytes)) {
      reliance.expect = Expect::kInode;
      reliance.value = static_cast<uint64_t>(attr->type);
    }
  } else if (parsed->kind == 'd' && read.kind == ReadKind::kHashCount && answer.count == 0) {
    reliance.expect = Expect::kEmpty;
  }
  return reliance;
}

bool still_holds(const Reliance& reliance, const RawValue& answer) {
  switch (reliance.expect) {
    case Expect::kNothing:
      return true;
    case Expect::kAbsent:
      return !answer.exists;
    case Expect::kEntry: {
      if (!answer.exists) return false;
      const auto dentry = decode_dentry(answer.bytes);
      return dentry && dentry->ino == reliance.value;
    }
    case Expect::kInode: {
      if (!answer.exists) return false;
      const auto attr = decode_attr(answer.bytes);
      return attr && static_cast<uint64_t>(attr->type) == reliance.value;
    }
    case Expect::kEmpty:
      return answer.count == 0;
  }
  return false;
}

}  // namespace fastmeta::model
