// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/row_reader.h"

#include <algorithm>
#include <cerrno>

#include "engine/fastmeta/row_writer.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::ReadKey;

namespace {
// Attributes are asked for ahead of the page, so that a slow link is not paid for every
// buffer of the kernel.
constexpr size_t kAttrsAhead = 4096;
constexpr size_t kRowsEach = 4096;

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
    parts_.log.error("key {}: entry {} is no name; it is left out", quote(keys_.dir(dir_)),
                     quote(name));
    return;
  }
  auto dentry = model::decode_dentry(bytes);
  if (!dentry)
    parts_.log.error("key {}: entry {}: {}", quote(keys_.dir(dir_)), quote(name),
                     dentry.error().text);
  listing_->add(name, dentry ? *dentry : model::Dentry{});
}

Result<void> RowReader::restart() {
  listing_ = std::make_unique<Listing>();
  last_row_ = marker_key(keys_.dir(dir_));
  done_ = false;
  scan_.reset();
  MDP_TRY(const bool complete, mirror_.complete(dir_));
  return complete ? Result<void>() : list_rest();
}

Result<void> RowReader::list_rest() {
  // Before the server is asked: what is settled from here on is in either.
  MDP_TRY(Pending ours, pending());
  if (ours.emptied) {
    for (const auto& [name, bytes] : ours.names) add(name, bytes);
    done_ = true;
    return {};
  }
  auto listed = mirror_.list(dir_, parts_.config.cache.listing_max);
  if (!listed && listed.error().code != EFBIG) return std::move(listed).error();
  if (listed) {
    MDP_TRY(const bool stored, mirror_.complete(dir_));
    if (stored) return {};
  }
  removed_ = std::move(ours.removed);
  for (const auto& [name, bytes] : ours.names) add(name, bytes);
  if (!listed) {
    scan_.emplace(mirror_.scan_of(dir_));
    return {};
  }
  done_ = true;
  return add_of_server(listed->fields);
}

Result<RowReader::Pending> RowReader::pending() {
  if (!parts_.backlog.oldest()) return Pending{};
  const std::string prefix = marker_key(keys_.dir(dir_));
  MDP_TRY(auto transaction, parts_.tables.begin());
  Pending ours;
  Result<void> broken;
  MDP_TRY_VOID(transaction->scan(
      store::Table::kRows, prefix, [&](std::string_view key, std::string_view bytes) {
        if (!key.starts_with(prefix)) return false;
        auto row = decode_row(bytes);
        if (!row) {
          broken = std::move(row).error();
          return false;
        }
        const std::string_view name = key.substr(prefix.size());
        if (name.empty()) {  // the marker
          ours.emptied = row->local == Row::Local::kAbsent;
          return true;
        }
        if (row->local == Row::Local::kAbsent) ours.removed.emplace(name);
        if (row->local == Row::Local::kValue) ours.names.emplace_back(name, row->local_value);
        return true;
      }));
  MDP_TRY_VOID(std::move(broken));
  return ours;
}

Result<void> RowReader::add_of_server(
    std::span<const std::pair<std::string, std::string>> entries) {
  MDP_TRY(auto transaction, parts_.tables.begin());
  RowWriter rows(*transaction, keys_, parts_.validity);
  for (const auto& [name, bytes] : entries) {
    if (removed_.contains(name)) continue;
    MDP_TRY(const Row row, rows.load(row_key(keys_.dir(dir_), name)));
    if (row.local == Row::Local::kNone)
      add(name, bytes);
    else if (const std::string* value = entry_of(row))
      add(name, *value);
  }
  return {};
}

Result<void> RowReader::scan_page() {
  MDP_TRY(auto replies, scan_->next());
  std::vector<std::pair<std::string, std::string>> entries;
  for (size_t i = 0; i < replies.size(); i += 2)
    entries.emplace_back(std::move(replies[i].text), std::move(replies[i + 1].text));
  MDP_TRY_VOID(add_of_server(entries));
  done_ = scan_->done();
  return {};
}

Result<void> RowReader::read_until(uint64_t size) {
  const std::string prefix = marker_key(keys_.dir(dir_));
  while (!done_ && listing_->size() < size) {
    if (scan_) {
      MDP_TRY_VOID(scan_page());
      continue;
    }
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
