// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as what a server sends: no crash, no memory for what is only announced,
// and the same replies however the bytes are split into reads.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redis/reply_reader.h"
#include "redis/server_info.h"
#include "util/check.h"

namespace {

using namespace fastmeta;
using namespace fastmeta::redis;

struct Seen {
  std::vector<Reply> replies;
  std::vector<bool> pushes;
  bool broken = false;
};

void take(ReplyReader& reader, Seen& seen) {
  for (;;) {
    Reply reply;
    ReplyReader::Found found = reader.next(reply);
    if (found == ReplyReader::Found::kBroken) {
      MDP_CHECK(!reader.error().empty());
      seen.broken = true;
    }
    if (found == ReplyReader::Found::kBroken || found == ReplyReader::Found::kNothing) return;
    seen.replies.push_back(std::move(reply));
    seen.pushes.push_back(found == ReplyReader::Found::kPush);
  }
}

Seen read_in_steps(std::string_view bytes, size_t step) {
  ReplyReader reader;
  Seen seen;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    reader.feed(bytes.substr(0, step));
    take(reader, seen);
  }
  return seen;
}

bool same(const Reply& a, const Reply& b) {
  if (a.kind != b.kind || a.text != b.text || a.number != b.number ||
      a.items.size() != b.items.size())
    return false;
  for (size_t i = 0; i < a.items.size(); ++i)
    if (!same(a.items[i], b.items[i])) return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Seen whole = read_in_steps(bytes, size + 1);
  for (size_t step : {size_t{1}, size_t{7}}) {
    Seen pieces = read_in_steps(bytes, step);
    MDP_CHECK(pieces.broken == whole.broken && pieces.pushes == whole.pushes);
    for (size_t i = 0; i < whole.replies.size(); ++i)
      MDP_CHECK(same(pieces.replies[i], whole.replies[i]));
  }
  for (const Reply& reply : whole.replies) {
    if (reply.is_error()) MDP_CHECK(refused(reply, "GET").fault == Fault::kRefused);
    if (reply.is_text()) (void)parse_info(reply.text);
  }
  return 0;
}
