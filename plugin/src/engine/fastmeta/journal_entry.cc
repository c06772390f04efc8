// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/journal_entry.h"

#include <errno.h>
#include <fmt/format.h>

#include <array>

#include "util/bytes.h"

namespace fastmeta::engine {
namespace {

constexpr uint32_t kMagic = 0x464d4a45;  // "FMJE"
constexpr uint16_t kVersion = 1;
constexpr size_t kSummedHeaderBytes = 12;
constexpr size_t kHeaderBytes = 16;

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0u);
    table[i] = crc;
  }
  return table;
}

// Entries are few: a table of bytes is fast enough.
uint32_t crc32c(std::string_view bytes, uint32_t before = 0) {
  static constexpr std::array<uint32_t, 256> kTable = crc_table();
  uint32_t crc = ~before;
  for (char c : bytes) crc = kTable[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

void put_text(std::string& out, std::string_view text) {
  put_be(out, static_cast<uint32_t>(text.size()));
  out += text;
}

Error corrupt(std::string_view what) {
  return {Fault::kCorrupt, EIO, fmt::format("journal entry: {}", what)};
}

// The body's fields; after the first that cannot be, everything reads as empty.
class Body {
 public:
  explicit Body(std::string_view bytes) : reader_(bytes) {}

  template <typename T>
  T number() {
    return reader_.be<T>();
  }
  std::string text() {
    size_t size = reader_.be<uint32_t>();
    if (!reader_.ok() || size > reader_.left()) {
      broken_ = true;
      return {};
    }
    std::string out(reader_.rest().substr(0, size));
    reader_ = BytesReader(reader_.rest().substr(size));
    return out;
  }
  // Of items of at least `least` bytes: a false count must not reserve memory.
  size_t count(size_t least) {
    size_t n = reader_.be<uint32_t>();
    if (n > reader_.left() / least) broken_ = true;
    return ok() ? n : 0;
  }
  void fail() { broken_ = true; }
  bool ok() const { return reader_.ok() && !broken_; }
  bool done() const { return reader_.left() == 0; }

 private:
  BytesReader reader_;
  bool broken_ = false;
};

Result<JournalEntry> decode_body(std::string_view bytes) {
  JournalEntry out;
  Body body(bytes);
  out.id = body.number<uint64_t>();
  out.seq = body.number<uint64_t>();
  out.time.sec = static_cast<int64_t>(body.number<uint64_t>());
  out.time.nsec = body.number<uint32_t>();
  out.error = static_cast<int>(body.number<uint32_t>());
  out.caused_by = body.number<uint64_t>();
  if (out.time.nsec >= 1'000'000'000 || out.error < 0) body.fail();
  out.reason = body.text();
  out.path_then = body.text();
  out.path_now = body.text();
  out.record = body.text();
  for (size_t left = body.count(9); left > 0 && body.ok(); --left) {
    JournalEntry::UndoRow& one = out.undo.emplace_back();
    one.row = body.text();
    uint8_t exists = body.number<uint8_t>();
    std::string value = body.text();
    if (exists > 1 || (exists == 0 && !value.empty())) body.fail();
    if (exists == 1) one.server = std::move(value);
  }
  for (size_t left = body.count(4); left > 0 && body.ok(); --left) out.later.push_back(body.text());
  if (!body.ok()) return corrupt("the bytes end within a field, or a field cannot be");
  if (!body.done()) return corrupt("bytes behind the last field");
  return out;
}

}  // namespace

const char* name_of(JournalEntry::State state) {
  switch (state) {
    case JournalEntry::State::kOpen: return "open";
    case JournalEntry::State::kReapplied: return "reapplied";
    case JournalEntry::State::kDiscarded: return "discarded";
  }
  return "unknown";
}

std::string encode_entry(const JournalEntry& entry) {
  std::string body;
  put_be(body, entry.id);
  put_be(body, entry.seq);
  put_be(body, static_cast<uint64_t>(entry.time.sec));
  put_be(body, entry.time.nsec);
  put_be(body, static_cast<uint32_t>(entry.error));
  put_be(body, entry.caused_by);
  put_text(body, entry.reason);
  put_text(body, entry.path_then);
  put_text(body, entry.path_now);
  put_text(body, entry.record);
  put_be(body, static_cast<uint32_t>(entry.undo.size()));
  for (const JournalEntry::UndoRow& one : entry.undo) {
    put_text(body, one.row);
    put_be(body, static_cast<uint8_t>(one.server.has_value()));
    put_text(body, one.server.value_or(""));
  }
  put_be(body, static_cast<uint32_t>(entry.later.size()));
  for (const std::string& one : entry.later) put_text(body, one);

  std::string out;
  put_be(out, kMagic);
  put_be(out, kVersion);
  put_be(out, static_cast<uint16_t>(entry.state));
  put_be(out, static_cast<uint32_t>(body.size()));
  put_be(out, crc32c(body, crc32c(out)));
  return out + body;
}

Result<JournalEntry> decode_entry(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return corrupt("the bytes end within the header");
  BytesReader head(bytes);
  uint32_t magic = head.be<uint32_t>();
  uint16_t version = head.be<uint16_t>();
  uint16_t state = head.be<uint16_t>();
  uint32_t size = head.be<uint32_t>();
  uint32_t sum = head.be<uint32_t>();
  std::string_view body = bytes.substr(kHeaderBytes);
  if (magic != kMagic) return corrupt("not one");
  if (version != kVersion)
    return corrupt(fmt::format("version {}, only {} is known: written by a newer fastmeta",
                               version, kVersion));
  if (size != body.size())
    return corrupt(fmt::format("a body of {} bytes, {} are there", size, body.size()));
  if (sum != crc32c(body, crc32c(bytes.substr(0, kSummedHeaderBytes))))
    return corrupt("the checksum does not match");
  if (state < 1 || state > static_cast<uint16_t>(JournalEntry::State::kDiscarded))
    return corrupt(fmt::format("state {} is not known", state));
  MDP_TRY(JournalEntry out, decode_body(body));
  out.state = static_cast<JournalEntry::State>(state);
  return out;
}

}  // namespace fastmeta::engine
