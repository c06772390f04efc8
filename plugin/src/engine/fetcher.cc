// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fetcher.h"

#include "engine/redis_commands.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::RawValue;
using model::ReadKey;
using model::ReadKind;
using redis::Command;
using redis::Reply;

namespace {

// An entry, the attributes of its inode, and the entries of a small directory in one round
// trip. Inode numbers that a Lua number cannot hold are left to a second read.
constexpr const char* kLookupScript =
    "local e = redis.call('HGET', KEYS[1], ARGV[1]) "
    "if not e then return {} end "
    "if #e ~= 9 then return {e} end "
    "local n = 0 for b = 2, 9 do n = n * 256 + string.byte(e, b) end "
    "if n > 4503599627370495 then return {e} end "
    "n = string.format('%.0f', n) "
    "local a = redis.call('GET', ARGV[2] .. 'i' .. n) "
    "if string.byte(e) ~= 2 or ARGV[3] == '0' then return {e, a} end "
    "local d = ARGV[2] .. 'd' .. n "
    "local c = redis.pcall('HLEN', d) "
    "if type(c) ~= 'number' or c > tonumber(ARGV[3]) then return {e, a} end "
    "return {e, a, redis.pcall('HGETALL', d)}";

}  // namespace

Result<Fetcher::Answers> Fetcher::fetch(std::span<const ReadKey> wanted, Deadline deadline) {
  std::vector<Command> commands;
  std::vector<bool> scripted;
  for (const ReadKey& read : wanted) {
    const auto parsed = read.kind == ReadKind::kField ? keys_.parse(read.key) : std::nullopt;
    scripted.push_back(parsed && parsed->kind == 'd' && scripts_.load(std::memory_order_relaxed));
    if (scripted.back())
      commands.push_back({"EVAL", kLookupScript, "1", read.key, read.field, keys_.prefix(),
                          listed_max_});
    else
      commands.push_back(to_command(read));
  }
  MDP_TRY(auto replies, client_.read(commands, deadline));
  Answers answers;
  answers.reserve(wanted.size() + 1);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!scripted[i]) {
      MDP_TRY(RawValue value, to_value(wanted[i], std::move(replies[i])));
      answers.emplace_back(wanted[i], std::move(value));
      continue;
    }
    Reply& pair = replies[i];
    if (pair.is_error() && !pair.text.starts_with("NOPERM") &&
        !pair.text.starts_with("ERR unknown"))
      return redis::refused(pair, "EVAL");
    if (pair.kind != Reply::Kind::kArray) {
      scripts_.store(false, std::memory_order_relaxed);
      continue;
    }
    MDP_TRY(RawValue entry,
            to_value(wanted[i], pair.items.empty() ? Reply{} : std::move(pair.items[0])));
    if (pair.items.size() > 1) {
      if (auto dentry = model::decode_dentry(entry.bytes)) {
        ReadKey attr{ReadKind::kString, keys_.attr(dentry->ino), {}, true};
        MDP_TRY(RawValue value, to_value(attr, std::move(pair.items[1])));
        answers.emplace_back(std::move(attr), std::move(value));
        if (pair.items.size() > 2 && !pair.items[2].is_error()) {
          ReadKey listing{ReadKind::kHash, keys_.dir(dentry->ino), kListing, true};
          MDP_TRY(RawValue entries, to_value(listing, std::move(pair.items[2])));
          answers.emplace_back(std::move(listing), std::move(entries));
        }
      }
    }
    answers.emplace_back(wanted[i], std::move(entry));
  }
  return answers;
}

}  // namespace fastmeta::engine
