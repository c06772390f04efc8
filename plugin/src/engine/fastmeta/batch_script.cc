// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/batch_script.h"

#include <cerrno>
#include <map>
#include <set>

#include "model/schema/codec.h"
#include "util/log.h"

namespace fastmeta::engine {

using model::RawValue;
using model::ReadKind;
using redis::Command;

namespace {

// Arguments: the number of comparisons, five words each; the number of writes, each
// "x", the number of its words, the words, or "p", key, difference of nlink, the bytes
// that were planned. Answers the first key that differs, or the writes' replies.
// Offsets, from 1: mtime 24-35, ctime 36-47, nlink 48-51 (codec_attr.cc).
constexpr const char* kScript = R"lua(
local at = 1
local function word() at = at + 1 return ARGV[at - 1] end
for _ = 1, tonumber(word()) do
  local kind, key, field, there, value = word(), word(), word(), word(), word()
  local same
  if kind == 's' or kind == 'f' then
    local now
    if kind == 's' then now = redis.call('GET', key) else now = redis.call('HGET', key, field) end
    if there == '1' then same = now == value else same = not now end
  elseif kind == 'd' then
    local now = redis.call('GET', key)
    same = now and #now == #value and now:sub(1, 23) == value:sub(1, 23)
           and now:sub(52) == value:sub(52)
  elseif kind == 'h' then same = redis.call('HLEN', key) == tonumber(value)
  elseif kind == 'l' then same = redis.call('LLEN', key) == tonumber(value)
  else same = redis.call('SISMEMBER', key, field) == 1 end
  if not same then return key end
end
local function number(s)
  local n = 0
  for i = 1, 4 do n = n * 256 + s:byte(i) end
  return n
end
local function bytes(n)
  local s = ''
  for _ = 1, 4 do s = string.char(n % 256) .. s n = math.floor(n / 256) end
  return s
end
local function later(a, b) if a > b then return a else return b end end
local replies = {}
for i = 1, tonumber(word()) do
  if word() == 'p' then
    local key, links, want = word(), tonumber(word()), word()
    local now = redis.call('GET', key)
    redis.call('SET', key, now:sub(1, 23) .. later(now:sub(24, 35), want:sub(24, 35)) ..
      later(now:sub(36, 47), want:sub(36, 47)) .. bytes(number(now:sub(48, 51)) + links) ..
      now:sub(52))
    replies[i] = 0
  else
    local command = {}
    for j = 1, tonumber(word()) do command[j] = word() end
    local reply = redis.pcall(unpack(command))
    if type(reply) == 'table' and reply.err then
      -- Nothing is written yet: as if it had not run. Later nothing can be taken back, so
      -- the rest and the cursor follow, as in a transaction.
      if i == 1 and reply.err:sub(1, 9) ~= 'WRONGTYPE' then return reply end
      replies[i] = command[2] .. ': ' .. reply.err
    else
      replies[i] = type(reply) == 'number' and reply or 0
    end
  end
end
return replies
)lua";

constexpr size_t kTimesAt = 23, kNlinkEnd = 51;

// May the planned attributes be put in as a patch of what was read: a directory, of
// which only links and times differ?
bool patchable(const std::string& read, const std::string& planned) {
  if (read.size() != planned.size() || read.size() < kNlinkEnd) return false;
  auto attr = model::decode_attr(read);
  return attr && attr->is_dir() && read.compare(0, kTimesAt, planned, 0, kTimesAt) == 0 &&
         read.compare(kNlinkEnd, std::string::npos, planned, kNlinkEnd, std::string::npos) == 0;
}

int64_t links_of(const std::string& bytes) {
  auto attr = model::decode_attr(bytes);
  return attr ? static_cast<int64_t>(attr->nlink) : 0;
}

}  // namespace

Command script_command(const model::KeySpace& keys, const SyncBatch& batch,
                       const std::string& client_key, const std::optional<std::string>& cursor,
                       const std::vector<Command>& writes) {
  std::map<std::string, std::string> patched;  // key -> bytes as read
  for (const Command& write : writes) {
    if (write[0] != "SET" || write[1] == client_key) continue;
    auto read = batch.raw.find({ReadKind::kString, write[1], {}, true});
    if (read != batch.raw.end() && read->second.exists &&
        patchable(read->second.bytes, write[2]))
      patched.emplace(write[1], read->second.bytes);
  }
  // A directory's links and times may be another's as long as they are not written whole.
  std::set<std::string_view> whole;
  for (const Command& write : writes)
    if (write[0] == "SET" && !patched.contains(write[1])) whole.insert(write[1]);
  std::vector<std::string> words;
  size_t compared = 0;
  auto compare = [&](std::string kind, const std::string& key, const std::string& field,
                     bool there, std::string value) {
    ++compared;
    words.insert(words.end(), {std::move(kind), key, field, there ? "1" : "0", std::move(value)});
  };
  compare("s", client_key, {}, cursor.has_value(), cursor.value_or(std::string()));
  for (const auto& [read, value] : batch.raw) {
    if (!read.watch) continue;
    const auto parsed = keys.parse(read.key);
    switch (read.kind) {
      case ReadKind::kString: {
        auto dir = model::decode_attr(value.bytes);
        const bool parent = value.exists && parsed && parsed->kind == 'i' && dir && dir->is_dir();
        const bool parts = parent && !whole.contains(read.key);
        compare(parts ? "d" : "s", read.key, {}, value.exists, value.bytes);
        break;
      }
      case ReadKind::kField:
        compare("f", read.key, read.field, value.exists, value.bytes);
        break;
      case ReadKind::kHash:
        compare("h", read.key, {}, true, std::to_string(value.fields.size()));
        break;
      case ReadKind::kHashCount:
        if (value.count == 0) compare("h", read.key, {}, true, "0");
        break;
      case ReadKind::kList:
        compare("l", read.key, {}, true, std::to_string(value.items.size()));
        break;
    }
  }
  for (const auto& [guard, held] : batch.locked) {
    if (!held) continue;
    compare("m", keys.session_locks(guard.first), guard.second, true, {});
    compare("f", guard.second, held->first, true, held->second);
  }

  Command command{"EVAL", kScript, "0", std::to_string(compared)};
  command.insert(command.end(), std::make_move_iterator(words.begin()),
                 std::make_move_iterator(words.end()));
  command.push_back(std::to_string(writes.size()));
  for (const Command& write : writes) {
    auto patch = write[0] == "SET" ? patched.find(write[1]) : patched.end();
    if (patch != patched.end()) {
      command.insert(command.end(),
                     {"p", write[1], std::to_string(links_of(write[2]) - links_of(patch->second)),
                      write[2]});
      continue;
    }
    command.push_back("x");
    command.push_back(std::to_string(write.size()));
    command.insert(command.end(), write.begin(), write.end());
  }
  return command;
}

bool scripts_refused(const redis::Reply& reply) {
  return reply.is_error() &&
         (reply.text.starts_with("NOPERM") || reply.text.starts_with("ERR unknown"));
}

Result<void> judge_script(SyncBatch& batch, const redis::Reply& reply) {
  if (reply.is_error()) return redis::refused(reply, "EVAL");
  if (reply.is_text()) return Error{Fault::kConflict, EIO, "changed: " + quote(reply.text)};
  for (const redis::Reply& item : reply.items)
    if (item.is_text())
      return Error{
          Fault::kCorrupt, EIO,
          "a write was refused inside a script whose rest took effect: key " + quote(item.text)};
  for (const model::SliceRelease& release : batch.merged.releases)
    if (release.write < reply.items.size() && reply.items[release.write].number < 0)
      batch.unreferenced.push_back(release);
  return {};
}

}  // namespace fastmeta::engine
