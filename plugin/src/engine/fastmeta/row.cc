// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/row.h"

#include <cerrno>

namespace fastmeta::engine {
namespace {

// Row, version 1: one byte (base | local << 2 | born << 5), then
//   base:           epoch, seq; present: length, bytes
//   local not none: last_seq; value and append: length, bytes; delta: zigzag
//   born:           epoch, seq
// Numbers are LEB128. Nothing may follow.
constexpr uint8_t kBornBit = 1 << 5;
constexpr uint8_t kKnownBits = 0x3F;

void put_number(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void put_bytes(std::string& out, std::string_view bytes) {
  put_number(out, bytes.size());
  out.append(bytes);
}

uint64_t zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
int64_t unzigzag(uint64_t v) { return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1); }

class Reader {
 public:
  explicit Reader(std::string_view all) : all_(all) {}

  uint64_t number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ >= all_.size()) return fail();
      const auto byte = static_cast<uint8_t>(all_[at_++]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return fail();
  }
  std::string bytes() {
    const uint64_t size = number();
    if (!ok_ || size > all_.size() - at_) {
      fail();
      return {};
    }
    std::string out(all_.substr(at_, size));
    at_ += size;
    return out;
  }
  Token token() {
    Token t;
    t.epoch = number();
    t.seq = number();
    return t;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return at_ == all_.size(); }
  size_t at() const { return at_; }

 private:
  uint64_t fail() {
    ok_ = false;
    return 0;
  }
  std::string_view all_;
  size_t at_ = 1;  // behind the first byte
  bool ok_ = true;
};

Error broken_row(size_t offset, const char* what) {
  return {Fault::kCorrupt, EIO,
          "local row: offset " + std::to_string(offset) + ": " + what};
}

}  // namespace

int64_t incremented(int64_t number, int64_t by) {
  int64_t sum = 0;
  return __builtin_add_overflow(number, by, &sum) ? number : sum;
}

std::string encode_row(const Row& row) {
  std::string out;
  out.reserve(16 + row.base_value.size() + row.local_value.size());
  out.push_back(static_cast<char>(static_cast<uint8_t>(row.base) |
                                  static_cast<uint8_t>(row.local) << 2 |
                                  (row.born ? kBornBit : 0)));
  put_number(out, row.base_token.epoch);
  put_number(out, row.base_token.seq);
  if (row.base == Row::Base::kPresent) put_bytes(out, row.base_value);
  if (row.local != Row::Local::kNone) {
    put_number(out, row.last_seq);
    if (row.local == Row::Local::kValue || row.local == Row::Local::kAppend)
      put_bytes(out, row.local_value);
    if (row.local == Row::Local::kDelta) put_number(out, zigzag(row.local_delta));
  }
  if (row.born) {
    put_number(out, row.born->epoch);
    put_number(out, row.born->seq);
  }
  return out;
}

Result<Row> decode_row(std::string_view bytes) {
  if (bytes.empty()) return broken_row(0, "it is empty");
  const auto head = static_cast<uint8_t>(bytes[0]);
  const int base = head & 3;
  const int local = (head >> 2) & 7;
  if ((head & ~kKnownBits) != 0 || base > 2 || local > 4) return broken_row(0, "unknown kind");
  Row row;
  row.base = static_cast<Row::Base>(base);
  row.local = static_cast<Row::Local>(local);
  Reader in(bytes);
  row.base_token = in.token();
  if (row.base == Row::Base::kPresent) row.base_value = in.bytes();
  if (row.local != Row::Local::kNone) {
    row.last_seq = in.number();
    if (row.local == Row::Local::kValue || row.local == Row::Local::kAppend)
      row.local_value = in.bytes();
    if (row.local == Row::Local::kDelta) row.local_delta = unzigzag(in.number());
  }
  if (head & kBornBit) row.born = in.token();
  if (!in.ok()) return broken_row(in.at(), "it ends too early");
  if (!in.at_end()) return broken_row(in.at(), "bytes behind its end");
  return row;
}

std::string row_key(std::string_view key) { return std::string(key); }

std::string row_key(std::string_view key, std::string_view field) {
  std::string out;
  out.reserve(key.size() + 1 + field.size());
  out.append(key);
  out.push_back('\0');
  out.append(field);
  return out;
}

std::string marker_key(std::string_view key) { return row_key(key, {}); }

RowName parse_row_key(std::string_view row) {
  RowName name;
  const size_t nul = row.find('\0');
  name.key = row.substr(0, nul);
  if (nul == std::string_view::npos) return name;
  name.in_hash = true;
  name.field = row.substr(nul + 1);
  name.marker = name.field.empty();
  return name;
}

}  // namespace fastmeta::engine
