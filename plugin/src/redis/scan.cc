// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/scan.h"

#include <cerrno>
#include <utility>

#include "util/log.h"

namespace fastmeta::redis {

namespace {
constexpr int kTriesMax = 20;
}  // namespace

Result<std::vector<Reply>> Scan::next() {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (const uint64_t now = client_.epoch(); now != epoch_) {
      epoch_ = now;
      cursor_.assign(1, '0');
    }
    command_[cursor_at_] = cursor_;
    MDP_TRY(Reply page, client_.read_one(command_));
    if (page.is_error()) return refused(page, command_[0]);
    const bool pairs = command_[0] == "HSCAN";
    if (page.items.size() != 2 || !page.items[0].is_text() ||
        (pairs && page.items[1].items.size() % 2 != 0))
      return Error{Fault::kCorrupt, EIO,
                   fmt::format("the server answered {} with something else", command_[0])};
    if (client_.epoch() != epoch_) continue;  // which of the two has answered is not known
    cursor_ = std::move(page.items[0].text);
    done_ = cursor_ == "0";
    return std::move(page.items[1].items);
  }
  return Error{Fault::kUnreachable, EIO, "the connection is lost again and again during a scan"};
}

}  // namespace fastmeta::redis
