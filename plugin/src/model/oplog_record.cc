// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/oplog_record.h"

#include <cerrno>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "model/oplog_fields.h"

namespace fastmeta::model {

namespace {

constexpr uint32_t kMagic = 0x4c4f4d46;  // "FMOL"
constexpr uint16_t kVersion = 2;
constexpr uint16_t kVersionFirst = 1;
constexpr size_t kHeaderBytes = 24;
constexpr size_t kChecksumAt = 16;

uint64_t checksum(std::string_view head, std::string_view body) {
  return XXH3_64bits_withSeed(body.data(), body.size(), XXH3_64bits(head.data(), head.size()));
}

std::string header(uint16_t kind, std::string_view body) {
  FieldWriter head(kVersion);
  head.number(kMagic);
  head.number(kVersion);
  head.number(kind);
  head.number(static_cast<uint64_t>(body.size()));
  std::string bytes = std::move(head).take();
  FieldWriter sum(kVersion);
  sum.number(checksum(bytes, body));
  return bytes + std::move(sum).take();
}

Error broken_record(size_t offset, const std::string& what) {
  return {Fault::kCorrupt, EIO, "oplog record, offset " + std::to_string(offset) + ": " + what};
}

template <size_t... I>
bool make_operation(size_t index, Operation& operation, std::index_sequence<I...>) {
  return ((index == I && (operation.emplace<I>(), true)) || ...);
}

// Once everything around the body is right.
struct Header {
  uint16_t version = 0;
  uint16_t kind = 0;
};
Result<Header> check_header(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes)
    return broken_record(bytes.size(), "the bytes end within the header");
  FieldReader head(bytes.substr(0, kHeaderBytes), kVersion);
  uint32_t magic = 0;
  uint16_t version = 0;
  uint16_t kind = 0;
  uint64_t size = 0;
  uint64_t sum = 0;
  head.number(magic);
  head.number(version);
  head.number(kind);
  head.number(size);
  head.number(sum);
  if (magic != kMagic) return broken_record(0, "not an oplog record");
  if (version < kVersionFirst || version > kVersion)
    return broken_record(4, "version " + std::to_string(version) + ", only up to " +
                                std::to_string(kVersion) +
                                " is known: written by a newer fastmeta");
  const std::string_view body = bytes.substr(kHeaderBytes);
  if (size != body.size())
    return broken_record(8, "a body of " + std::to_string(size) + " bytes, " +
                                std::to_string(body.size()) + " are there");
  if (sum != checksum(bytes.substr(0, kChecksumAt), body))
    return broken_record(kChecksumAt, "the checksum does not match");
  return Header{version, kind};
}

std::string renumbered(const KeySpace& keys, const std::string& key, Ino from, Ino to) {
  const auto parsed = keys.parse(key);
  if (!parsed || parsed->ino != from) return key;
  switch (parsed->kind) {
    case 'i': return keys.attr(to);
    case 'c': return keys.chunk(to, parsed->index);
    case 'x': return keys.xattrs(to);
    case 'p': return keys.parents(to);
    default: return key;
  }
}

}  // namespace

void renumber(const KeySpace& keys, OplogRecord& record, Ino from, Ino to) {
  renumber(record.operation, from, to);
  for (Reliance& reliance : record.relied) {
    reliance.read.key = renumbered(keys, reliance.read.key, from, to);
    if (reliance.expect == Reliance::Expect::kEntry && reliance.value == from)
      reliance.value = to;
  }
}

std::string encode_record(const OplogRecord& record) {
  FieldWriter body(kVersion);
  fields_before(body, record);
  std::visit([&](const auto& args) { fields(body, args); }, record.operation);
  fields_behind(body, record);
  const std::string bytes = std::move(body).take();
  return header(static_cast<uint16_t>(kind_of(record.operation)), bytes) + bytes;
}

Result<OplogRecord> decode_record(std::string_view bytes) {
  MDP_TRY(const Header header, check_header(bytes));
  OplogRecord record;
  constexpr auto kKinds = std::make_index_sequence<std::variant_size_v<Operation>>();
  if (header.kind == 0 || !make_operation(header.kind - size_t{1}, record.operation, kKinds))
    return broken_record(6, "operation " + std::to_string(header.kind) + " is not known");
  FieldReader body(bytes.substr(kHeaderBytes), header.version);
  fields_before(body, record);
  std::visit([&](auto& args) { fields(body, args); }, record.operation);
  fields_behind(body, record);
  if (!body.ok()) return broken_record(kHeaderBytes + body.fault_offset(), body.problem());
  if (!body.done())
    return broken_record(kHeaderBytes + body.offset(), "bytes behind the last field");
  return record;
}

}  // namespace fastmeta::model
