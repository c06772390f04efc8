// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/client_cursor.h"

#include <algorithm>
#include <charconv>
#include <cerrno>
#include <limits>
#include <optional>

#include "util/bytes.h"

namespace fastmeta::model {

namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

std::string hex(uint64_t value) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return std::string(digits, end);
}

std::optional<uint64_t> parse_hex(std::string_view text) {
  uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The words of a text; whoever asks for more than there are gets empty ones.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}
  size_t offset() const { return offset_; }
  bool done() const { return offset_ >= text_.size(); }
  std::string_view next() {
    const size_t end = std::min(text_.find(' ', offset_), text_.size());
    const std::string_view word = text_.substr(offset_, end - offset_);
    offset_ = std::min(end + 1, text_.size());
    return word;
  }

 private:
  std::string_view text_;
  size_t offset_ = 0;
};

Error broken_cursor(size_t offset, const char* what) {
  return {Fault::kCorrupt, EIO,
          "client cursor, offset " + std::to_string(offset) + ": " + what};
}

std::optional<std::pair<uint64_t, uint64_t>> parse_range(std::string_view word) {
  const size_t dash = word.find('-');
  if (dash == word.npos) return std::nullopt;
  const auto first = parse_decimal<uint64_t>(word.substr(0, dash));
  const auto last = parse_decimal<uint64_t>(word.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return std::pair(*first, *last);
}

}  // namespace

bool ClientCursor::applied(uint64_t seq) const {
  if (seq <= low) return true;
  const auto at = std::ranges::lower_bound(above, seq, {}, &std::pair<uint64_t, uint64_t>::second);
  return at != above.end() && at->first <= seq;
}

void ClientCursor::add(uint64_t seq) {
  if (applied(seq)) return;
  auto next = std::ranges::upper_bound(above, seq, {}, &std::pair<uint64_t, uint64_t>::first);
  const bool joins_next = next != above.end() && next->first == seq + 1;
  const bool joins_before = next != above.begin() && std::prev(next)->second == seq - 1;
  if (joins_next && joins_before) {
    std::prev(next)->second = next->second;
    above.erase(next);
  } else if (joins_next) {
    next->first = seq;
  } else if (joins_before) {
    std::prev(next)->second = seq;
  } else {
    above.insert(next, {seq, seq});
  }
  if (above.front().first == low + 1) {
    low = above.front().second;
    above.erase(above.begin());
  }
}

std::string encode_cursor(const ClientCursor& cursor) {
  std::string text = (cursor.fence == 0 ? "1 " : "2 ") + hex(cursor.incarnation);
  if (cursor.fence != 0) text += " " + std::to_string(cursor.fence);
  text += " " + std::to_string(cursor.low);
  for (const auto& [first, last] : cursor.above)
    text += " " + std::to_string(first) + "-" + std::to_string(last);
  return text;
}

Result<ClientCursor> decode_cursor(std::string_view text) {
  Words words(text);
  const std::string_view version = words.next();
  if (version != "1" && version != "2") return broken_cursor(0, "a version other than 1 and 2");
  ClientCursor cursor;
  size_t at = words.offset();
  const auto incarnation = parse_hex(words.next());
  if (!incarnation) return broken_cursor(at, "the incarnation is no hexadecimal number");
  cursor.incarnation = *incarnation;
  at = words.offset();
  if (version == "2") {
    const auto fence = parse_decimal<uint64_t>(words.next());
    if (!fence || *fence == 0) return broken_cursor(at, "the fence is no number above 0");
    cursor.fence = *fence;
    at = words.offset();
  }
  const auto low = parse_decimal<uint64_t>(words.next());
  if (!low) return broken_cursor(at, "the lower end is no number");
  cursor.low = *low;
  while (!words.done()) {
    at = words.offset();
    const auto range = parse_range(words.next());
    if (!range) return broken_cursor(at, "not a range of numbers");
    const uint64_t before = cursor.highest();
    if (before == kMost || range->first <= before + 1)
      return broken_cursor(at, "a range touches what is before it");
    cursor.above.push_back(*range);
  }
  // Zeros in front and stray spaces: written by something else.
  if (encode_cursor(cursor) != text)
    return broken_cursor(text.size(), "not in the form it is written in");
  return cursor;
}

}  // namespace fastmeta::model
