// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/local_view.h"

#include "model/schema/codec.h"
#include "util/bytes.h"
#include "util/log.h"

namespace fastmeta::engine {

using model::RawValue;
using model::ReadKey;
using model::ReadKind;

namespace {

std::vector<std::string> records_of(const std::string& joined) {
  std::vector<std::string> items;
  for (size_t at = 0; at < joined.size(); at += model::kSliceRecordBytes)
    items.push_back(joined.substr(at, model::kSliceRecordBytes));
  return items;
}

// The base's answer with the pending change of the row over it.
RawValue overlaid(ReadKind kind, RawValue answer, const Row& row) {
  switch (row.local) {
    case Row::Local::kNone:
      break;
    case Row::Local::kAbsent:
      answer = RawValue{};
      break;
    case Row::Local::kValue:
      answer = RawValue{};
      answer.exists = true;
      if (kind == ReadKind::kList)
        answer.items = records_of(row.local_value);
      else
        answer.bytes = row.local_value;
      break;
    case Row::Local::kAppend:
      for (std::string& item : records_of(row.local_value)) answer.items.push_back(std::move(item));
      break;
    case Row::Local::kDelta: {
      const int64_t before =
          answer.exists ? parse_decimal<int64_t>(answer.bytes).value_or(0) : 0;
      answer.exists = true;
      answer.bytes = std::to_string(incremented(before, row.local_delta));
      break;
    }
  }
  return answer;
}

RawValue stored(ReadKind kind, const Row& row) {
  RawValue answer;
  if (row.base != Row::Base::kPresent) return answer;
  answer.exists = true;
  if (kind == ReadKind::kList)
    answer.items = records_of(row.base_value);
  else
    answer.bytes = row.base_value;
  return answer;
}

}  // namespace

const Row& LocalView::row(const std::string& name) const {
  if (auto it = rows_.find(name); it != rows_.end()) return it->second;
  Row row;
  auto bytes = transaction_.get(store::Table::kRows, name);
  if (!bytes) {
    failure_ = std::move(bytes).error();
  } else if (*bytes) {
    auto decoded = decode_row(**bytes);
    if (decoded) {
      row = std::move(*decoded);
    } else {
      failure_ = std::move(decoded).error();
      failure_->text = quote(name) + ": " + failure_->text;
    }
  }
  return rows_.emplace(name, std::move(row)).first->second;
}

bool LocalView::born(const std::string& key) const {
  if (fresh_) return false;
  const auto parsed = keys().parse(key);
  if (!parsed || parsed->kind == 'i') return false;
  const Row& inode = row(row_key(keys().attr(parsed->ino)));
  return inode.born && validity_.valid(*inode.born, key);
}

bool LocalView::whole(const std::string& key) const {
  const Row& marker = row(marker_key(key));
  if (marker.local == Row::Local::kAbsent) return true;
  if (!fresh_ && marker.base == Row::Base::kPresent && validity_.valid(marker.base_token, key))
    return true;
  return born(key);
}

// What was fetched for this call, unless a change of ours has been sent and settled since:
// then the row knows better, or nobody does.
const RawValue* LocalView::fetched(const ReadKey& read, const Row& known) const {
  const Fetched::Answer* answer = fetched_.find(read);
  if (!answer || answer->token < known.base_token || answer->token.epoch != validity_.epoch())
    return nullptr;
  if (known.blank() && answer->token < validity_.forgotten()) return nullptr;
  return &answer->value;
}

LocalView::Answer LocalView::base(const ReadKey& read, const Row& known) const {
  if (!fresh_) {
    if (known.base != Row::Base::kUnknown && validity_.valid(known.base_token, read.key))
      return stored(read.kind, known);
    // A row that says that nobody knows is a trace too: its key was written.
    const bool forgotten = known.base == Row::Base::kUnknown && known.base_token != Token{};
    if (!forgotten && (read.kind == ReadKind::kField
                           ? whole(read.key)
                           : known.base == Row::Base::kUnknown && born(read.key)))
      return stored(read.kind, known);
  }
  if (const RawValue* answer = fetched(read, known)) return *answer;
  if (read.kind == ReadKind::kField)
    if (const RawValue* hash = fetched({ReadKind::kHash, read.key, {}, true}, known)) {
      RawValue answer;
      for (const auto& [field, value] : hash->fields)
        if (field == read.field) {
          answer.exists = true;
          answer.bytes = value;
        }
      return answer;
    }
  return std::nullopt;
}

LocalView::Answer LocalView::one_row(const ReadKey& read) const {
  const Row& known =
      row(read.kind == ReadKind::kField ? row_key(read.key, read.field) : row_key(read.key));
  switch (known.local) {
    case Row::Local::kAbsent:
    case Row::Local::kValue:
      return overlaid(read.kind, {}, known);
    default:
      break;
  }
  if (read.kind == ReadKind::kField &&
      row(marker_key(read.key)).local == Row::Local::kAbsent && known.local == Row::Local::kNone)
    return RawValue{};
  Answer answer = base(read, known);
  if (!answer) return std::nullopt;
  return overlaid(read.kind, std::move(*answer), known);
}

LocalView::Answer LocalView::hash(const std::string& key) const {
  if (whole(key))
    if (Answer answer = hash(key, true)) return answer;
  return hash(key, false);
}

// known: the rows are the whole hash, otherwise what was fetched is.
LocalView::Answer LocalView::hash(const std::string& key, bool known) const {
  std::map<std::string, std::string, std::less<>> fields;
  const Row& all = row(marker_key(key));
  const bool emptied = all.local == Row::Local::kAbsent;
  Token asked;
  if (!known) {
    const ReadKey hash{ReadKind::kHash, key, {}, true};
    const RawValue* answer = fetched(hash, all);
    if (!answer) return std::nullopt;
    asked = fetched_.find(hash)->token;
    fields.insert(answer->fields.begin(), answer->fields.end());
  }
  bool doubtful = false;
  const std::string marker = marker_key(key);
  auto scanned = transaction_.scan(
      store::Table::kRows, marker, [&](std::string_view name, std::string_view bytes) {
        if (!name.starts_with(marker)) return false;
        if (name.size() == marker.size()) return true;
        auto decoded = decode_row(bytes);
        if (!decoded) {
          failure_ = std::move(decoded).error();
          return false;
        }
        const std::string_view field = name.substr(marker.size());
        RawValue answer;
        // Ours, settled since: known, or to be asked for anew.
        const bool later = known ? !emptied && decoded->base_token != Token{}
                                 : asked < decoded->base_token;
        if (later && decoded->base == Row::Base::kUnknown && decoded->local == Row::Local::kNone)
          doubtful = true;
        if (known ? !emptied : later) {
          answer = stored(ReadKind::kField, *decoded);
        } else if (auto it = fields.find(field); it != fields.end()) {
          answer.exists = true;
          answer.bytes = it->second;
        }
        answer = overlaid(ReadKind::kField, std::move(answer), *decoded);
        if (answer.exists)
          fields.insert_or_assign(std::string(field), std::move(answer.bytes));
        else if (auto it = fields.find(field); it != fields.end())
          fields.erase(it);
        return true;
      });
  if (!scanned) failure_ = std::move(scanned).error();
  if (doubtful) return std::nullopt;
  RawValue answer;
  answer.exists = !fields.empty();
  answer.fields.assign(fields.begin(), fields.end());
  return answer;
}

LocalView::Answer LocalView::count(const ReadKey& read) const {
  const auto parsed = keys().parse(read.key);
  // Rules ask for the number of xattrs only to have it watched.
  if (parsed && parsed->kind != 'd') return RawValue{};
  RawValue answer;
  const bool known = whole(read.key);
  const bool listed = fetched({ReadKind::kHash, read.key, {}, true}, row(marker_key(read.key)));
  if (known || listed) {
    // Whether there is an entry is all that rules want to know.
    if (!known) {
      Answer all = hash(read.key);
      if (!all) return std::nullopt;
      answer.count = all->fields.size();
      return answer;
    }
    const bool emptied = row(marker_key(read.key)).local == Row::Local::kAbsent;
    const std::string marker = marker_key(read.key);
    auto scanned = transaction_.scan(
        store::Table::kRows, marker, [&](std::string_view name, std::string_view bytes) {
          if (!name.starts_with(marker)) return false;
          if (name.size() == marker.size()) return true;
          auto decoded = decode_row(bytes);
          if (!decoded) {
            failure_ = std::move(decoded).error();
            return false;
          }
          RawValue one = emptied ? RawValue{} : stored(ReadKind::kField, *decoded);
          if (overlaid(ReadKind::kField, std::move(one), *decoded).exists) answer.count = 1;
          return answer.count == 0;
        });
    if (!scanned) failure_ = std::move(scanned).error();
    return answer;
  }
  // A directory with too many entries to list them all.
  if (const RawValue* number = fetched(read, row(marker_key(read.key)))) return *number;
  return std::nullopt;
}

LocalView::Answer LocalView::compute(const ReadKey& read) const {
  switch (read.kind) {
    case ReadKind::kHash: return hash(read.key);
    case ReadKind::kHashCount: return count(read);
    default: return one_row(read);
  }
}

const RawValue* LocalView::find(const ReadKey& read) const {
  if (auto it = answered_.find(read); it != answered_.end()) return &it->second;
  // Keys that have no rows (locks, counters) are answered by the server alone.
  Answer answer;
  if (keys().parse(read.key)) {
    answer = compute(read);
  } else if (const auto* fetched = fetched_.find(read)) {
    answer = fetched->value;
  }
  if (failure_ || !answer) {
    ++counts_.misses;
    return nullptr;
  }
  ++counts_.hits;
  return &answered_.emplace(read, std::move(*answer)).first->second;
}

std::optional<model::Attr> LocalView::shown(model::Ino ino) const {
  auto it = answered_.find({ReadKind::kString, keys().attr(ino), {}, true});
  if (ino == 0 || it == answered_.end() || !it->second.exists) return std::nullopt;
  auto attr = model::decode_attr(it->second.bytes);
  return attr ? std::optional(*std::move(attr)) : std::nullopt;
}

}  // namespace fastmeta::engine
