// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/view.h"

#include <algorithm>
#include <cerrno>

#include "model/schema/codec.h"
#include "util/bytes.h"
#include "util/log.h"

namespace fastmeta::model {
namespace {

std::string place(const ReadKey& read) {
  return read.kind == ReadKind::kField ? read.key + " field " + quote(read.field) : read.key;
}

// What a decoder said, with the place it cannot know in front of it.
Error corrupt_in(const std::string& where, Error error) {
  error.text = where + ": " + error.text;
  return error;
}

Error missing() { return {Fault::kMissing, EAGAIN, {}}; }

}  // namespace

Result<void> View::need(std::span<const ReadKey> reads) const {
  bool complete = true;
  for (const ReadKey& read : reads) {
    if (find(read)) continue;
    complete = false;
    auto noted = std::find(needed_.begin(), needed_.end(), read);
    if (noted == needed_.end())
      needed_.push_back(read);
    else
      noted->watch = noted->watch || read.watch;  // equality leaves it out; the stricter wins
  }
  if (!complete) return missing();
  return {};
}

Result<void> View::need(std::initializer_list<ReadKey> reads) const {
  return need(std::span<const ReadKey>(reads.begin(), reads.size()));
}

Result<const RawValue*> View::loaded(const ReadKey& read) const {
  if (const RawValue* value = find(read)) return value;
  MDP_TRY_VOID(need({read}));
  const RawValue* value = find(read);  // the view loaded it meanwhile
  if (!value) return missing();
  return value;
}

ReadKey View::attr_key(Ino ino) const { return {ReadKind::kString, keys_.attr(ino), {}}; }

ReadKey View::dentry_key(Ino parent, std::string_view name) const {
  return {ReadKind::kField, keys_.dir(parent), std::string(name)};
}

ReadKey View::dentry_key_unwatched(Ino parent, std::string_view name) const {
  return {ReadKind::kField, keys_.dir(parent), std::string(name), false};
}

ReadKey View::dir_count_key(Ino dir) const { return {ReadKind::kHashCount, keys_.dir(dir), {}}; }

ReadKey View::chunk_key(Ino ino, uint32_t chunk) const {
  return {ReadKind::kList, keys_.chunk(ino, chunk), {}};
}

ReadKey View::parents_key(Ino ino) const { return {ReadKind::kHash, keys_.parents(ino), {}}; }

ReadKey View::symlink_key(Ino ino) const { return {ReadKind::kString, keys_.symlink(ino), {}}; }

ReadKey View::xattr_key(Ino ino, std::string_view name) const {
  return {ReadKind::kField, keys_.xattrs(ino), std::string(name)};
}

ReadKey View::xattrs_key(Ino ino) const { return {ReadKind::kHash, keys_.xattrs(ino), {}}; }

Result<std::optional<Attr>> View::attr(Ino ino) const {
  const ReadKey read = attr_key(ino);
  MDP_TRY(const RawValue* value, loaded(read));
  if (!value->exists) return std::optional<Attr>();
  auto attr = decode_attr(value->bytes);
  if (!attr) return corrupt_in(place(read), std::move(attr).error());
  return std::optional<Attr>(std::move(*attr));
}

Result<std::optional<Dentry>> View::dentry(Ino parent, std::string_view name) const {
  const ReadKey read = dentry_key(parent, name);
  MDP_TRY(const RawValue* value, loaded(read));
  if (!value->exists) return std::optional<Dentry>();
  auto dentry = decode_dentry(value->bytes);
  if (!dentry) return corrupt_in(place(read), std::move(dentry).error());
  return std::optional<Dentry>(*dentry);
}

Result<bool> View::dentry_exists_unwatched(Ino parent, std::string_view name) const {
  MDP_TRY(const RawValue* value, loaded(dentry_key_unwatched(parent, name)));
  return value->exists;
}

Result<bool> View::dir_empty(Ino dir) const {
  MDP_TRY(const RawValue* value, loaded(dir_count_key(dir)));
  return value->count == 0;
}

Result<std::vector<SliceRecord>> View::chunk(Ino ino, uint32_t chunk) const {
  const ReadKey read = chunk_key(ino, chunk);
  MDP_TRY(const RawValue* value, loaded(read));
  std::vector<SliceRecord> records;
  records.reserve(value->items.size());
  for (const std::string& item : value->items) {
    auto record = decode_slice(item);
    if (!record)
      return corrupt_in(place(read) + " record " + std::to_string(records.size()),
                        std::move(record).error());
    records.push_back(*record);
  }
  return records;
}

Result<std::map<Ino, int64_t>> View::parents(Ino ino) const {
  const ReadKey read = parents_key(ino);
  MDP_TRY(const RawValue* value, loaded(read));
  std::map<Ino, int64_t> parents;
  for (const auto& [field, text] : value->fields) {
    const auto parent = parse_decimal<Ino>(field);
    const auto count = parse_decimal<int64_t>(text);
    if (!parent || !count)
      return Error{Fault::kCorrupt, EIO,
                   place(read) + " field " + quote(field) + ": offset 0: " +
                       (parent ? "the count is no number" : "the parent is no inode")};
    if (*count > 0) parents[*parent] = *count;
  }
  return parents;
}

Result<std::optional<std::string>> View::symlink(Ino ino) const {
  MDP_TRY(const RawValue* value, loaded(symlink_key(ino)));
  if (!value->exists) return std::optional<std::string>();
  return std::optional<std::string>(value->bytes);
}

Result<std::optional<std::string>> View::xattr(Ino ino, std::string_view name) const {
  MDP_TRY(const RawValue* value, loaded(xattr_key(ino, name)));
  if (!value->exists) return std::optional<std::string>();
  return std::optional<std::string>(value->bytes);
}

Result<std::vector<std::string>> View::xattr_names(Ino ino) const {
  MDP_TRY(const RawValue* value, loaded(xattrs_key(ino)));
  std::vector<std::string> names;
  names.reserve(value->fields.size());
  for (const auto& [name, ignored] : value->fields) names.push_back(name);
  return names;
}

Result<RawValue> View::raw(const ReadKey& read) const {
  MDP_TRY(const RawValue* value, loaded(read));
  return *value;
}

}  // namespace fastmeta::model
