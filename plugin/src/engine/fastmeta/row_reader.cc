// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/row_reader.h"

#include <algorithm>
#include <cerrno>

#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::RawValue;
using model::ReadKey;
using model::ReadKind;

namespace {
// Attributes are asked for ahead of the page, so that a slow link is not paid for every
// buffer of the kernel.
constexpr size_t kAttrsAhead = 4096;
constexpr size_t kRowsEach = 4096;
constexpr int kListTriesMax = 100;

// Is there an entry in this row, pending change first; its value.
const std::string* entry_of(const Row& row) {
  switch (row.local) {
    case Row::Local::kValue: return &row.local_value;
    case Row::Local::kNone: return row.base == Row::Base::kPresent ? &row.base_value : nullptr;
    default: return nullptr;
  }
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= model::kNameMax &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

}  // namespace

void RowReader::add(std::string_view name, std::string_view bytes) {
  if (!is_name(name)) {
    parts_.log.error("key {}: entry {} is no name; it is left out", quoted(keys_.dir(dir_)),
                     quoted(name));
    return;
  }
  auto dentry = model::decode_dentry(bytes);
  if (!dentry)
    parts_.log.error("key {}: entry {}: {}", quoted(keys_.dir(dir_)), quoted(name),
                     dentry.error().text);
  listing_->add(name, dentry ? *dentry : model::Dentry{});
}

Result<void> RowReader::restart() {
  listing_ = std::make_unique<Listing>();
  last_row_ = marker_key(keys_.dir(dir_));
  done_ = false;
  MDP_TRY(const bool complete, mirror_.complete(dir_));
  return complete ? Result<void>() : list_rest();
}

Result<void> RowReader::list_rest() {
  Token token = parts_.validity.now();
  auto listed = mirror_.list(dir_, parts_.config.cache.listing_max);
  if (!listed && listed.error().code != EFBIG) return std::move(listed).error();
  if (listed) {
    MDP_TRY(const bool stored, mirror_.complete(dir_));
    if (stored) return {};
  }
  // Others write into it all the time, or it is too large to be stored: what was listed
  // is kept here.
  const ReadKey whole{ReadKind::kHash, keys_.dir(dir_), {}, true};
  for (int i = 0; i < kListTriesMax; ++i) {
    if (i > 0 || !listed) {
      token = parts_.validity.now();
      listed = mirror_.list(dir_, SIZE_MAX);
      if (!listed) return std::move(listed).error();
    }
    Fetched fetched;
    fetched.put(whole, std::move(*listed), token);
    MDP_TRY(auto transaction, parts_.tables.begin());
    const model::VolumeFacts facts;
    LocalView view(facts, keys_, parts_.open, parts_.validity, *transaction, fetched, true);
    auto entries = view.raw(whole);
    if (view.failure()) return *view.failure();
    // Missing: a change of ours was settled since it was asked.
    if (!entries && entries.error().fault == Fault::kMissing) continue;
    if (!entries) return std::move(entries).error();
    // In the order of rows, as the pages before.
    for (const auto& [name, bytes] : entries->fields)
      if (row_key(keys_.dir(dir_), name) > last_row_) add(name, bytes);
    done_ = true;
    return {};
  }
  return Error{Fault::kConflict, EIO, "the directory changes faster than it can be listed"};
}

Result<void> RowReader::read_until(uint64_t size) {
  const std::string prefix = marker_key(keys_.dir(dir_));
  while (!done_ && listing_->size() < size) {
    MDP_TRY(auto transaction, parts_.tables.begin());
    // Eviction between two pages: the rows are not all there any more.
    MDP_TRY(const bool whole, mirror_.holds_all(*transaction, dir_));
    if (!whole) {
      transaction.reset();
      MDP_TRY_VOID(list_rest());
      continue;
    }
    Result<void> broken;
    size_t rows = 0;
    bool more = false;
    std::string from = last_row_;
    from.push_back('\0');  // the first key behind it
    MDP_TRY_VOID(transaction->scan(
        store::Table::kRows, from, [&](std::string_view key, std::string_view bytes) {
          if (!key.starts_with(prefix)) return false;
          if (++rows > kRowsEach || listing_->size() >= size) {
            more = true;
            return false;
          }
          last_row_ = key;
          auto row = decode_row(bytes);
          if (!row) {
            broken = std::move(row).error();
            return false;
          }
          if (const std::string* value = entry_of(*row)) add(key.substr(prefix.size()), *value);
          return true;
        }));
    MDP_TRY_VOID(std::move(broken));
    done_ = !more;
  }
  return {};
}

Result<std::vector<DirReader::Item>> RowReader::page(uint64_t from, size_t count,
                                                     bool with_attrs) {
  if (from == 0 || !listing_) MDP_TRY_VOID(restart());
  // All that is read now, at once: names move when the listing grows.
  MDP_TRY_VOID(read_until(from + count + (with_attrs ? kAttrsAhead : 0)));
  std::vector<Item> items;
  for (uint64_t at = from; at < listing_->size() && items.size() < count; ++at) {
    auto found = listing_->at(at);
    items.push_back({found.name, found.dentry, std::nullopt});
  }
  if (with_attrs) MDP_TRY_VOID(fill_attrs(items, from));
  return items;
}

Result<void> RowReader::fill_attrs(std::vector<Item>& items, uint64_t from) {
  Fetched fetched;
  std::vector<ReadKey> missing;
  MDP_TRY_VOID(attrs_from_rows(items, from, fetched, &missing));
  if (missing.empty()) return {};
  MDP_TRY_VOID(mirror_.fetch(missing, fetched));
  return attrs_from_rows(items, from, fetched, nullptr);
}

Result<void> RowReader::attrs_from_rows(std::vector<Item>& items, uint64_t from,
                                        const Fetched& fetched, std::vector<ReadKey>* missing) {
  MDP_TRY(auto transaction, parts_.tables.begin());
  const model::VolumeFacts facts;
  LocalView view(facts, keys_, parts_.open, parts_.validity, *transaction, fetched, false);
  for (Item& item : items) {
    if (item.dentry.ino == 0 || item.attr) continue;
    auto attr = view.attr(item.dentry.ino);
    if (view.failure()) return *view.failure();
    if (attr)
      item.attr = std::move(*attr);
    else if (attr.error().fault != Fault::kMissing)
      parts_.log.error("{}", attr.error().text);
  }
  mirror_.count(view.counts());
  if (!missing || view.needed().empty()) return {};
  const uint64_t end = std::min<uint64_t>(listing_->size(), from + items.size() + kAttrsAhead);
  for (uint64_t at = from + items.size(); at < end; ++at)
    if (const model::Ino ino = listing_->at(at).dentry.ino) static_cast<void>(view.attr(ino));
  *missing = view.needed();
  return {};
}

}  // namespace fastmeta::engine
