// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as an entry of the conflict journal and as what else the local store keeps
// beside the rows: no crash, what is understood is what would be written, and whatever it
// is, `fastmeta conflicts` and `fastmeta oplog` have an answer. The checksum would hide the
// fields from the fuzzer, so the bytes are also tried as a body that has the right one.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/fastmeta/applied_window.h"
#include "engine/fastmeta/identity.h"
#include "engine/fastmeta/inspect.h"
#include "engine/fastmeta/journal_entry.h"
#include "memory_tables/memory_tables.h"
#include "util/bytes.h"
#include "util/check.h"

namespace {

using namespace fastmeta;
using namespace fastmeta::engine;
using store::Table;

// Bit by bit, beside the one of the codec.
uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0u);
  }
  return ~crc;
}

std::string sealed(uint8_t state, std::string_view body) {
  std::string head = "FMJE";
  put_be(head, uint16_t{1});
  put_be(head, static_cast<uint16_t>(state));
  put_be(head, static_cast<uint32_t>(body.size()));
  put_be(head, crc32c(head + std::string(body)));
  return head.append(body);
}

void entry(std::string_view bytes) {
  auto decoded = decode_entry(bytes);
  if (decoded) {
    MDP_CHECK(encode_entry(*decoded) == bytes);
    MDP_CHECK(name_of(decoded->state) != std::string_view("unknown"));
  } else {
    MDP_CHECK(decoded.error().fault == Fault::kCorrupt && !decoded.error().text.empty());
  }
}

// What a verb answers is JSON of text that a terminal and another program can take.
nlohmann::json ask(store::Tables& tables, const char* verb, const char* request) {
  auto answer = inspect_tables(tables, verb, request);
  MDP_CHECK(answer);
  auto parsed = nlohmann::json::parse(*answer, nullptr, false);
  MDP_CHECK(parsed.is_object());
  for (char c : *answer) MDP_CHECK(static_cast<uint8_t>(c) >= ' ');
  return parsed;
}

void shown(const std::string& bytes) {
  test::MemoryTables tables;
  auto transaction = tables.begin();
  MDP_CHECK((*transaction)->put(Table::kJournal, store::number_key(1), bytes));
  MDP_CHECK((*transaction)->put(Table::kOplog, store::number_key(1), bytes));
  MDP_CHECK((*transaction)->commit());
  const auto conflicts = ask(tables, "conflicts", R"({"full":true})");
  MDP_CHECK(conflicts["conflicts"].size() == 1 && conflicts["more"] == false);
  MDP_CHECK(ask(tables, "oplog", "{}")["records"].size() == 1);
  (void)ask(tables, "conflict", R"({"id":1})");
  (void)ask(tables, "oplog-record", R"({"seq":1})");
}

// Texts of the identity table: read back the same, or refused.
template <typename T>
void number_row(std::string_view row, std::string_view bytes,
                Result<T> (*load)(store::Transaction&)) {
  test::MemoryTables tables;
  auto transaction = tables.begin();
  MDP_CHECK((*transaction)->put(Table::kIdentity, row, bytes));
  auto loaded = load(**transaction);
  if (!loaded) {
    MDP_CHECK(loaded.error().fault == Fault::kCorrupt);
    return;
  }
  MDP_CHECK(save(**transaction, *loaded));
  auto again = load(**transaction);
  MDP_CHECK(again && *again == *loaded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  entry(bytes);
  if (size > 0) {
    const std::string right = sealed(data[0], bytes.substr(1));
    entry(right);
    shown(right);
  }
  number_row<Identity>("identity", bytes, load_identity);
  number_row<Progress>("progress", bytes, load_progress);
  number_row<Leases>("leases", bytes, load_leases);
  (void)applied_record(bytes);
  // As a request of whoever asks.
  test::MemoryTables tables;
  for (const char* verb : {"oplog", "oplog-record", "conflicts", "conflict"}) {
    auto answer = inspect_tables(tables, verb, bytes);
    MDP_CHECK(answer || !answer.error().text.empty());
  }
  return 0;
}
