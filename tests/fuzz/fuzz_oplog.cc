// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as an oplog record and as a client's cursor: no crash, and what is understood
// is what would be written (of an older version: what is written is understood the same).
// The checksum would hide the fields from the fuzzer, so the bytes are also tried as a body
// that has the right one.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/client_cursor.h"
#include "model/oplog_record.h"
#include "util/check.h"

namespace {

using namespace fastmeta;
using namespace fastmeta::model;

void put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

constexpr uint16_t kOldVersion = 1, kVersion = 2;

std::string sealed(uint16_t version, uint8_t kind, std::string_view body) {
  std::string bytes = "FMOL";
  put(bytes, version, 2);
  put(bytes, kind, 2);
  put(bytes, body.size(), 8);
  const uint64_t seed = XXH3_64bits(bytes.data(), bytes.size());
  put(bytes, XXH3_64bits_withSeed(body.data(), body.size(), seed), 8);
  return bytes.append(body);
}

bool record(std::string_view bytes) {
  auto decoded = decode_record(bytes);
  if (!decoded) {
    MDP_CHECK(decoded.error().fault == Fault::kCorrupt && !decoded.error().text.empty());
    return false;
  }
  const std::string written = encode_record(*decoded);
  if (written[4] == bytes[4]) {
    MDP_CHECK(written == bytes);
  } else {
    auto again = decode_record(written);
    MDP_CHECK(again && encode_record(*again) == written);
  }
  for (const Reliance& reliance : decoded->relied) {
    RawValue answer;
    answer.exists = true;
    answer.bytes = reliance.read.field;
    (void)still_holds(reliance, answer);
    (void)relied_on(KeySpace(), reliance.read, answer);
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)record(bytes);
  if (size > 0) {
    (void)record(sealed(kVersion, data[0], bytes.substr(1)));
    (void)record(sealed(kOldVersion, data[0], bytes.substr(1)));
  }
  auto cursor = decode_cursor(bytes);
  if (!cursor) {
    MDP_CHECK(cursor.error().fault == Fault::kCorrupt);
    return 0;
  }
  MDP_CHECK(encode_cursor(*cursor) == bytes);
  const uint64_t high = cursor->highest();
  cursor->add(high + 1);
  MDP_CHECK(high == UINT64_MAX || cursor->applied(high + 1));
  MDP_CHECK(*decode_cursor(encode_cursor(*cursor)) == *cursor);
  return 0;
}
