// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passthrough/scan_reader.h"

#include <algorithm>
#include <cerrno>

#include "engine/redis_commands.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::ReadKey;
using model::ReadKind;
using redis::Command;

namespace {
constexpr const char* kScanCount = "10000";
// Attributes are asked for ahead of the page, so that a slow link is not paid
// for every buffer of the kernel.
constexpr size_t kAttrsAhead = 4096;
}  // namespace

ScanReader::ScanReader(redis::Client& client, const model::KeySpace& keys, ValueCache& cache,
                     Log log, model::Ino dir, size_t listing_max)
    : client_(client),
      keys_(keys),
      cache_(cache),
      log_(std::move(log)),
      dir_(dir),
      listing_max_(listing_max) {
  restart();
}

void ScanReader::restart() {
  shared_ = cache_.find_listing(keys_.dir(dir_));
  if (shared_) return;
  own_ = std::make_shared<Listing>();
  broken_ = false;
  scan_.emplace(client_, Command{"HSCAN", keys_.dir(dir_), "0", "COUNT", kScanCount}, 2);
  token_ = cache_.begin();
}

Result<void> ScanReader::scan_until(uint64_t size) {
  while (!scan_->done() && own_->size() < size) {
    MDP_TRY(const auto entries, scan_->next());
    for (size_t i = 0; i < entries.size(); i += 2) {
      const std::string& name = entries[i].text;
      if (name.empty() || name.size() > model::kNameMax ||
          name.find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
        log_.error("key {}: entry {} is no name; it is left out", quote(keys_.dir(dir_)),
                   quote(name));
        broken_ = true;
        continue;
      }
      auto dentry = model::decode_dentry(entries[i + 1].text);
      if (!dentry) {
        log_.error("key {}: entry {}: {}", quote(keys_.dir(dir_)), quote(name),
                   dentry.error().text);
        broken_ = true;
      }
      own_->add(name, dentry ? *dentry : model::Dentry{});
    }
    if (scan_->done() && !broken_ && own_->size() <= listing_max_)
      cache_.store_listing(token_, keys_.dir(dir_), own_);
  }
  return {};
}

Result<std::vector<DirReader::Item>> ScanReader::page(uint64_t from, size_t count,
                                                     bool with_attrs) {
  if (from == 0) restart();
  if (!shared_) MDP_TRY_VOID(scan_until(from + count));
  const Listing& listing = shared_ ? *shared_ : *own_;
  std::vector<Item> items;
  for (uint64_t at = from; at < listing.size() && items.size() < count; ++at) {
    auto found = listing.at(at);
    items.push_back({found.name, found.dentry, std::nullopt});
  }
  if (with_attrs) MDP_TRY_VOID(fill_attrs(items, from));
  return items;
}

Result<void> ScanReader::fill_attrs(std::vector<Item>& items, uint64_t from) {
  auto decode = [&](Item& item, const std::string& bytes) {
    if (auto attr = model::decode_attr(bytes))
      item.attr = std::move(*attr);
    else
      log_.error("key {}: {}", quote(keys_.attr(item.dentry.ino)), attr.error().text);
  };
  std::vector<Item*> missing;
  for (Item& item : items) {
    if (item.dentry.ino == 0) continue;
    const ReadKey read{ReadKind::kString, keys_.attr(item.dentry.ino), {}, true};
    if (auto cached = cache_.find(read)) {
      if (cached->exists) decode(item, cached->bytes);
    } else {
      missing.push_back(&item);
    }
  }
  if (missing.empty()) return {};

  Command command{"MGET"};
  for (Item* item : missing) command.push_back(keys_.attr(item->dentry.ino));
  const Listing& listing = shared_ ? *shared_ : *own_;
  if (cache_.enabled())
    for (uint64_t at = from + items.size();
         at < listing.size() && command.size() <= kAttrsAhead; ++at)
      if (const model::Ino ino = listing.at(at).dentry.ino) command.push_back(keys_.attr(ino));
  const ValueCache::Token token = cache_.begin();
  MDP_TRY(auto replies, client_.read(std::span(&command, 1), client_.deadline()));
  redis::Reply& attrs = replies[0];
  if (attrs.is_error()) return redis::refused(attrs, "MGET");
  if (attrs.items.size() != command.size() - 1)
    return Error{Fault::kCorrupt, EIO, "the server answered MGET with another number of values"};
  for (size_t i = 0; i < attrs.items.size(); ++i) {
    const ReadKey read{ReadKind::kString, command[i + 1], {}, true};
    MDP_TRY(model::RawValue value, to_value(read, std::move(attrs.items[i])));
    if (i < missing.size() && value.exists) decode(*missing[i], value.bytes);
    cache_.store(token, read, value);
  }
  return {};
}

}  // namespace fastmeta::engine
