// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/paths.h"

#include <optional>

#include "engine/fastmeta/row.h"
#include "model/operation.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::Ino;

namespace {

constexpr int kDepthMax = 64;
constexpr size_t kNamesMax = 100'000;  // looked at in one directory

// Pending value first; empty: none.
std::string value_of(const Row& row) {
  if (row.local == Row::Local::kValue) return row.local_value;
  return row.local == Row::Local::kNone && row.base == Row::Base::kPresent ? row.base_value
                                                                           : std::string();
}

std::optional<Row> attr_row(store::Transaction& transaction, const model::KeySpace& keys,
                            Ino ino) {
  auto bytes = transaction.get(store::Table::kRows, row_key(keys.attr(ino)));
  if (!bytes || !*bytes) return std::nullopt;
  auto row = decode_row(**bytes);
  return row ? std::optional(std::move(*row)) : std::nullopt;
}

Ino parent_of(store::Transaction& transaction, const model::KeySpace& keys, Ino ino) {
  const auto row = attr_row(transaction, keys, ino);
  if (!row) return 0;
  const auto attr = model::decode_attr(value_of(*row));
  return attr ? attr->parent : 0;
}

std::string name_in(store::Transaction& transaction, const model::KeySpace& keys, Ino parent,
                    Ino ino) {
  const std::string prefix = marker_key(keys.dir(parent));
  std::string name;
  size_t seen = 0;
  auto scanned = transaction.scan(
      store::Table::kRows, prefix, [&](std::string_view key, std::string_view bytes) {
        if (!key.starts_with(prefix) || ++seen > kNamesMax) return false;
        auto row = decode_row(bytes);
        if (!row) return true;
        auto dentry = model::decode_dentry(value_of(*row));
        if (!dentry || dentry->ino != ino) return true;
        name = key.substr(prefix.size());
        return false;
      });
  return scanned ? name : std::string();
}

std::string path_in(const std::string& folder, const std::string& name) {
  return folder == "/" ? "/" + name : folder + "/" + name;
}

}  // namespace

std::string path_of(store::Transaction& transaction, const model::KeySpace& keys, Ino ino) {
  std::string path;
  for (int depth = 0; depth < kDepthMax && ino != model::kRootIno; ++depth) {
    const Ino parent = parent_of(transaction, keys, ino);
    const std::string name = parent ? name_in(transaction, keys, parent, ino) : std::string();
    if (name.empty()) return "(inode " + std::to_string(ino) + ")" + path;
    path = "/" + name + path;
    ino = parent;
  }
  return path.empty() ? "/" : path;
}

std::string path_of(store::Transaction& transaction, const model::KeySpace& keys,
                    const model::Operation& operation) {
  auto named = [&](Ino parent, const std::string& name) {
    return path_in(path_of(transaction, keys, parent), name);
  };
  return std::visit(
      [&](const auto& want) -> std::string {
        using Want = std::decay_t<decltype(want)>;
        if constexpr (std::is_same_v<Want, model::Unlink> || std::is_same_v<Want, model::Rmdir>)
          return named(want.want.parent, want.want.name);
        else if constexpr (std::is_same_v<Want, model::CreateArgs> ||
                           std::is_same_v<Want, model::LinkArgs>)
          return named(want.parent, want.name);
        else if constexpr (std::is_same_v<Want, model::RenameArgs>)
          return named(want.parent, want.name) + " -> " + named(want.new_parent, want.new_name);
        else if constexpr (std::is_same_v<Want, model::CopyRangeArgs>)
          return path_of(transaction, keys, want.to);
        else
          return path_of(transaction, keys, want.ino);
      },
      operation);
}

std::string path_now(store::Transaction& transaction, const model::KeySpace& keys,
                     const Validity& validity, const model::Operation& operation) {
  const auto* create = std::get_if<model::CreateArgs>(&operation);
  for (Ino ino : model::inodes_of(operation)) {
    if (create && ino == create->ino) continue;  // was undone
    const auto row = attr_row(transaction, keys, ino);
    if (!row || value_of(*row).empty()) return {};
    if (row->local == Row::Local::kNone && !validity.valid(row->base_token, keys.attr(ino)))
      return {};
  }
  return path_of(transaction, keys, operation);
}

}  // namespace fastmeta::engine
