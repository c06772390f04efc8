// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis_model/commands.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "util/check.h"

namespace fastmeta::test {

using redis::Reply;

namespace {

const char* const kNotAnInteger = "ERR value is not an integer or out of range";
const char* const kOverflow = "ERR increment or decrement would overflow";

// hash-max-listpack-entries and -value of a server that is not configured otherwise.
constexpr size_t kBlockEntriesMax = 512;
constexpr size_t kBlockBytesMax = 64;

constexpr int64_t kScanCount = 10;

template <typename T>
bool is_empty(const T& container) {
  return container.empty();
}
bool is_empty(const std::string&) { return false; }  // the only value that may be

}  // namespace

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::optional<int64_t> parse_integer(std::string_view s) {
  int64_t n = 0;
  const auto [end, failure] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (failure != std::errc{} || std::to_string(n) != s) return std::nullopt;
  return n;
}

void not_modelled(const std::string& what) {
  std::fprintf(stderr, "the model of Redis does not have: %s\n", what.c_str());
  std::abort();
}

int64_t Call::integer(size_t at) {
  const auto n = parse_integer(args[at]);
  if (!n) fail(test::error(kNotAnInteger));
  return n.value_or(0);
}

template <typename T>
T* Call::find() {
  if (error) return nullptr;
  const auto at = keys.find(key());
  if (at == keys.end()) return nullptr;
  T* value = std::get_if<T>(&at->second);
  if (!value)
    fail(test::error("WRONGTYPE Operation against a key holding the wrong kind of value"));
  return value;
}

template <typename T>
T* Call::find_or_create() {
  T* value = find<T>();
  if (value || error) return value;
  return &keys[key()].emplace<T>();
}

void Call::wrote() {
  changed.push_back(key());
  const auto at = keys.find(key());
  if (at != keys.end() && std::visit([](const auto& v) { return is_empty(v); }, at->second))
    keys.erase(at);
}

namespace {

// --- Strings and keys

Reply get(Call& c) {
  const auto* value = c.find<std::string>();
  return value ? text(*value) : nil();
}

Reply set(Call& c) {
  if (c.args.size() > 3) not_modelled("options of SET");
  c.keys[c.key()] = c.args[2];
  c.wrote();
  return ok();
}

Reply setnx(Call& c) {
  if (!c.keys.emplace(c.key(), c.args[2]).second) return number(0);
  c.wrote();
  return number(1);
}

Reply mget(Call& c) {
  Reply out = array();
  for (size_t i = 1; i < c.args.size(); ++i) {
    const auto at = c.keys.find(c.args[i]);
    const auto* value = at == c.keys.end() ? nullptr : std::get_if<std::string>(&at->second);
    out.items.push_back(value ? text(*value) : nil());
  }
  return out;
}

Reply del(Call& c) {
  for (size_t i = 1; i < c.args.size(); ++i)
    if (c.keys.erase(c.args[i]) > 0) c.changed.push_back(c.args[i]);
  return number(static_cast<int64_t>(c.changed.size()));
}

Reply exists(Call& c) {
  int64_t found = 0;
  for (size_t i = 1; i < c.args.size(); ++i) found += c.keys.contains(c.args[i]);
  return number(found);
}

Reply type(Call& c) {
  constexpr const char* kNames[] = {"string", "list", "set", "zset", "hash"};  // as in Value
  const auto at = c.keys.find(c.key());
  return status(at == c.keys.end() ? "none" : kNames[at->second.index()]);
}

Reply incrby(Call& c) {
  const int64_t delta = c.integer(2);
  const auto* now = c.find<std::string>();
  if (c.error) return {};
  const auto n = parse_integer(now ? *now : "0");
  int64_t sum = 0;
  if (!n) return error(kNotAnInteger);
  if (__builtin_add_overflow(*n, delta, &sum)) return error(kOverflow);
  c.keys[c.key()] = std::to_string(sum);
  c.wrote();
  return number(sum);
}

// --- Hashes

void put_field(Hash& hash, const std::string& field, std::string value) {
  hash.is_table = hash.is_table || field.size() > kBlockBytesMax || value.size() > kBlockBytesMax;
  hash.fields[field] = std::move(value);
  hash.is_table = hash.is_table || hash.fields.size() > kBlockEntriesMax;
}

const std::string* find_field(const Hash* hash, const std::string& field) {
  if (!hash) return nullptr;
  const auto at = hash->fields.find(field);
  return at == hash->fields.end() ? nullptr : &at->second;
}

Reply hget(Call& c) {
  const auto* value = find_field(c.find<Hash>(), c.args[2]);
  return value ? text(*value) : nil();
}

Reply hexists(Call& c) { return number(find_field(c.find<Hash>(), c.args[2]) != nullptr); }

Reply hmget(Call& c) {
  const auto* hash = c.find<Hash>();
  Reply out = array();
  for (size_t i = 2; i < c.args.size(); ++i) {
    const auto* value = find_field(hash, c.args[i]);
    out.items.push_back(value ? text(*value) : nil());
  }
  return out;
}

Reply hset(Call& c) {
  if (c.args.size() % 2 == 1) return wrong_arity("hset");
  auto* hash = c.find_or_create<Hash>();
  if (!hash) return {};
  const size_t before = hash->fields.size();
  for (size_t i = 2; i < c.args.size(); i += 2) put_field(*hash, c.args[i], c.args[i + 1]);
  const size_t added = hash->fields.size() - before;
  c.wrote();
  return number(static_cast<int64_t>(added));
}

Reply hsetnx(Call& c) {
  auto* hash = c.find_or_create<Hash>();
  if (!hash) return {};
  if (find_field(hash, c.args[2])) return number(0);
  put_field(*hash, c.args[2], c.args[3]);
  c.wrote();
  return number(1);
}

Reply hincrby(Call& c) {
  const int64_t delta = c.integer(3);
  auto* hash = c.find_or_create<Hash>();
  if (!hash) return {};
  const auto* now = find_field(hash, c.args[2]);
  const auto n = parse_integer(now ? *now : "0");
  int64_t sum = 0;
  if (!n) return error("ERR hash value is not an integer");
  if (__builtin_add_overflow(*n, delta, &sum)) return error(kOverflow);
  put_field(*hash, c.args[2], std::to_string(sum));
  c.wrote();
  return number(sum);
}

// HDEL, SREM and ZREM.
template <typename Container>
Reply remove_members(Call& c, Container* from) {
  if (!from) return number(0);
  int64_t gone = 0;
  for (size_t i = 2; i < c.args.size(); ++i) gone += static_cast<int64_t>(from->erase(c.args[i]));
  if (gone > 0) c.wrote();
  return number(gone);
}

Reply hdel(Call& c) {
  auto* hash = c.find<Hash>();
  return remove_members(c, hash ? &hash->fields : nullptr);
}

Reply hlen(Call& c) {
  const auto* hash = c.find<Hash>();
  return number(hash ? static_cast<int64_t>(hash->fields.size()) : 0);
}

template <bool kFields, bool kValues>
Reply hash_contents(Call& c) {
  Reply out = array();
  if (const auto* hash = c.find<Hash>()) {
    for (const auto& [field, value] : hash->fields) {
      if (kFields) out.items.push_back(text(field));
      if (kValues) out.items.push_back(text(value));
    }
  }
  return out;
}

// --- Lists

// The part [first, last) that two indexes mean, negative ones from the end.
std::pair<int64_t, int64_t> range_of(const List& list, int64_t start, int64_t stop) {
  const auto size = static_cast<int64_t>(list.size());
  start = std::max<int64_t>(start < 0 ? start + size : start, 0);
  stop = std::min(stop < 0 ? stop + size : stop, size - 1);
  if (start > stop) return {0, 0};
  return {start, stop + 1};
}

Reply lrange(Call& c) {
  const int64_t start = c.integer(2), stop = c.integer(3);
  Reply out = array();
  if (const auto* list = c.find<List>()) {
    const auto [first, last] = range_of(*list, start, stop);
    for (int64_t i = first; i < last; ++i) out.items.push_back(text((*list)[size_t(i)]));
  }
  return out;
}

Reply ltrim(Call& c) {
  const int64_t start = c.integer(2), stop = c.integer(3);
  auto* list = c.find<List>();
  if (!list) return ok();
  const auto [first, last] = range_of(*list, start, stop);
  *list = List(list->begin() + first, list->begin() + last);
  c.wrote();
  return ok();
}

Reply llen(Call& c) {
  const auto* list = c.find<List>();
  return number(list ? static_cast<int64_t>(list->size()) : 0);
}

template <bool kFront, bool kCreates>
Reply push(Call& c) {
  auto* list = kCreates ? c.find_or_create<List>() : c.find<List>();
  if (!list) return number(0);
  for (size_t i = 2; i < c.args.size(); ++i)
    kFront ? list->push_front(c.args[i]) : list->push_back(c.args[i]);
  c.wrote();
  return number(static_cast<int64_t>(list->size()));
}

// --- Sets

Reply sadd(Call& c) {
  auto* members = c.find_or_create<Set>();
  if (!members) return {};
  int64_t added = 0;
  for (size_t i = 2; i < c.args.size(); ++i) added += members->insert(c.args[i]).second;
  if (added > 0) c.wrote();
  return number(added);
}

Reply srem(Call& c) { return remove_members(c, c.find<Set>()); }

Reply scard(Call& c) {
  const auto* members = c.find<Set>();
  return number(members ? static_cast<int64_t>(members->size()) : 0);
}

Reply sismember(Call& c) {
  const auto* members = c.find<Set>();
  return number(members && members->contains(c.args[2]));
}

Reply smembers(Call& c) {
  Reply out = array();
  if (const auto* members = c.find<Set>())
    for (const auto& member : *members) out.items.push_back(text(member));
  return out;
}

// --- Sorted sets

std::optional<double> parse_score(const std::string& s) {
  if (s.empty() || std::isspace(static_cast<unsigned char>(s[0]))) return std::nullopt;
  char* end = nullptr;
  errno = 0;
  const double score = std::strtod(s.c_str(), &end);
  const bool out_of_range = errno == ERANGE && (std::isinf(score) || score == 0);
  if (end != s.c_str() + s.size() || out_of_range || std::isnan(score)) return std::nullopt;
  return score;
}

Reply zadd(Call& c) {
  const bool only_there = lower(c.args[2]) == "xx";
  const size_t first = only_there ? 3 : 2;
  for (const char* option : {"nx", "xx", "gt", "lt", "ch", "incr"})
    if (lower(c.args[first]) == option) not_modelled("options of ZADD");
  if ((c.args.size() - first) % 2 == 1) return syntax_error();
  std::vector<double> scores;
  for (size_t i = first; i < c.args.size(); i += 2) {
    const auto score = parse_score(c.args[i]);
    if (!score) return error("ERR value is not a valid float");
    scores.push_back(*score + 0.0);  // a small set keeps no sign of 0; a large one does
  }
  auto* members = only_there ? c.find<SortedSet>() : c.find_or_create<SortedSet>();
  if (!members) return number(0);
  const size_t before = members->size();
  bool changes = false;
  for (size_t i = 0; i < scores.size(); ++i) {
    const std::string& member = c.args[first + 2 * i + 1];
    if (only_there && !members->contains(member)) continue;
    const auto [at, is_new] = members->emplace(member, scores[i]);
    changes = changes || is_new || at->second != scores[i];
    at->second = scores[i];
  }
  const size_t added = members->size() - before;
  if (changes) c.wrote();
  return number(static_cast<int64_t>(added));
}

Reply zrem(Call& c) { return remove_members(c, c.find<SortedSet>()); }

Reply zcard(Call& c) {
  const auto* members = c.find<SortedSet>();
  return number(members ? static_cast<int64_t>(members->size()) : 0);
}

Reply zscore(Call& c) {
  const auto* members = c.find<SortedSet>();
  const auto at = members ? members->find(c.args[2]) : SortedSet::const_iterator();
  if (!members || at == members->end()) return nil();
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.17g", at->second);
  return text(digits);
}

struct Bound {
  double score = 0;
  bool is_open = false;
};

std::optional<Bound> parse_bound(const std::string& s) {
  Bound out;
  out.is_open = s.starts_with('(');
  const char* from = s.c_str() + (out.is_open ? 1 : 0);
  char* end = nullptr;
  out.score = std::strtod(from, &end);
  if (*end != '\0' || std::isnan(out.score)) return std::nullopt;
  return out;
}

Reply zrangebyscore(Call& c) {
  int64_t offset = 0, limit = -1;
  for (size_t i = 4; i < c.args.size(); i += 3) {
    const std::string option = lower(c.args[i]);
    if (option == "withscores") not_modelled("ZRANGEBYSCORE WITHSCORES");
    if (option != "limit" || i + 2 >= c.args.size()) return syntax_error();
    offset = c.integer(i + 1);
    limit = c.integer(i + 2);
    if (c.error) return {};
  }
  const auto low = parse_bound(c.args[2]), high = parse_bound(c.args[3]);
  if (!low || !high) return error("ERR min or max is not a float");
  const auto* members = c.find<SortedSet>();
  Reply out = array();
  if (!members || offset < 0) return out;
  std::vector<std::pair<double, std::string_view>> fit;
  for (const auto& [member, score] : *members) {
    const bool above = low->is_open ? score > low->score : score >= low->score;
    const bool below = high->is_open ? score < high->score : score <= high->score;
    if (above && below) fit.emplace_back(score, member);
  }
  std::sort(fit.begin(), fit.end());
  for (size_t i = static_cast<size_t>(offset); i < fit.size() && limit != 0; ++i, --limit)
    out.items.push_back(text(std::string(fit[i].second)));
  return out;
}

// --- Iteration

// Every * and ?, and \ before a character that means itself.
bool glob(std::string_view pattern, std::string_view s) {
  for (; !pattern.empty(); pattern.remove_prefix(1)) {
    if (pattern[0] == '[') not_modelled("a class in a pattern");
    if (pattern[0] == '*') {
      for (size_t skipped = 0; skipped <= s.size(); ++skipped)
        if (glob(pattern.substr(1), s.substr(skipped))) return true;
      return false;
    }
    if (s.empty()) return false;
    const bool is_any = pattern[0] == '?';
    if (pattern[0] == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
    if (!is_any && pattern[0] != s[0]) return false;
    s.remove_prefix(1);
  }
  return s.empty();
}

uint64_t fnv1a(std::string_view s) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : s) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

struct ScanOptions {
  uint64_t cursor = 0;
  int64_t count = kScanCount;
  std::string pattern = "*";
};

void parse_cursor(Call& c, size_t at, ScanOptions& out) {
  const std::string& s = c.args[at];
  char* end = nullptr;
  errno = 0;
  out.cursor = std::strtoul(s.c_str(), &end, 10);
  const bool has_space = !s.empty() && std::isspace(static_cast<unsigned char>(s[0]));
  if (has_space || *end != '\0' || errno == ERANGE) c.fail(error("ERR invalid cursor"));
}

void parse_scan_options(Call& c, size_t from, ScanOptions& out) {
  for (size_t i = from; i < c.args.size() && !c.error; i += 2) {
    const std::string option = lower(c.args[i]);
    if (option == "type" && from == 2) not_modelled("SCAN TYPE");
    const bool complete = i + 1 < c.args.size();
    if (option == "count" && complete) {
      out.count = c.integer(i + 1);
      if (!c.error && out.count < 1) c.fail(syntax_error());
    } else if (option == "match" && complete) {
      out.pattern = c.args[i + 1];
    } else {
      c.fail(syntax_error());
    }
  }
}

// Steps through the entries in the order of a hash of their names, as Redis does: what is
// there from the first step to the last is told, what comes or goes meanwhile may be; the
// cursor is all that is remembered. Redis may tell a name twice, the model does not.
template <typename Entries, typename Tell>
Reply scan_entries(const Entries& entries, const ScanOptions& options, bool all_at_once,
                   Tell&& tell) {
  using Entry = typename Entries::const_pointer;
  std::vector<std::pair<uint64_t, Entry>> ahead;
  for (const auto& entry : entries)
    if (uint64_t hash = fnv1a(entry.first); all_at_once || hash >= options.cursor)
      ahead.emplace_back(hash, &entry);
  const auto by_hash = [](const auto& a, const auto& b) { return a.first < b.first; };
  uint64_t next = 0;
  if (!all_at_once && ahead.size() > static_cast<size_t>(options.count)) {
    std::nth_element(ahead.begin(), ahead.begin() + options.count, ahead.end(), by_hash);
    next = ahead[static_cast<size_t>(options.count)].first;
    std::erase_if(ahead, [&](const auto& entry) { return entry.first >= next; });
    MDP_CHECK(!ahead.empty());  // as many names of one hash as a step has: never seen
  }
  if (!all_at_once) std::sort(ahead.begin(), ahead.end(), by_hash);
  Reply items = array();
  for (const auto& [hash, entry] : ahead)
    if (glob(options.pattern, entry->first)) tell(*entry, items.items);
  return array({text(std::to_string(next)), std::move(items)});
}

Reply hscan(Call& c) {
  ScanOptions options;
  parse_cursor(c, 2, options);
  const auto* hash = c.find<Hash>();
  if (!hash) return array({text("0"), array()});
  parse_scan_options(c, 3, options);
  if (c.error) return {};
  return scan_entries(hash->fields, options, !hash->is_table, [](const auto& entry, auto& out) {
    out.push_back(text(entry.first));
    out.push_back(text(entry.second));
  });
}

Reply scan(Call& c) {
  ScanOptions options;
  parse_cursor(c, 1, options);
  parse_scan_options(c, 2, options);
  if (c.error) return {};
  return scan_entries(c.keys, options, false, [](const auto& entry, auto& out) {
    out.push_back(text(entry.first));
  });
}

using enum Demand;
constexpr DataCommand kCommands[] = {
    {"get", 2, get}, {"set", -3, set, kGrows}, {"setnx", 3, setnx, kGrows}, {"mget", -2, mget},
    {"del", -2, del, kChanges}, {"unlink", -2, del, kChanges}, {"exists", -2, exists},
    {"type", 2, type}, {"incrby", 3, incrby, kGrows}, {"hget", 3, hget},
    {"hset", -4, hset, kGrows}, {"hsetnx", 4, hsetnx, kGrows}, {"hdel", -3, hdel, kChanges},
    {"hgetall", 2, hash_contents<true, true>}, {"hkeys", 2, hash_contents<true, false>},
    {"hvals", 2, hash_contents<false, true>}, {"hlen", 2, hlen}, {"hmget", -3, hmget},
    {"hexists", 3, hexists}, {"hincrby", 4, hincrby, kGrows}, {"hscan", -3, hscan},
    {"lrange", 4, lrange}, {"llen", 2, llen}, {"ltrim", 4, ltrim, kChanges},
    {"rpush", -3, push<false, true>, kGrows}, {"rpushx", -3, push<false, false>, kGrows},
    {"lpush", -3, push<true, true>, kGrows}, {"sadd", -3, sadd, kGrows},
    {"srem", -3, srem, kChanges}, {"smembers", 2, smembers}, {"sismember", 3, sismember},
    {"scard", 2, scard}, {"zadd", -4, zadd, kGrows}, {"zrem", -3, zrem, kChanges},
    {"zscore", 3, zscore}, {"zcard", 2, zcard}, {"zrangebyscore", -4, zrangebyscore},
    {"scan", -2, scan},
};

}  // namespace

std::span<const DataCommand> data_commands() { return kCommands; }

}  // namespace fastmeta::test
