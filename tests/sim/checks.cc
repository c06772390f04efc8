// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/rules/accounting.h"
#include "model/schema/codec.h"
#include "util/bytes.h"

namespace fastmeta::sim {

using model::Ino;
using test::MemoryStore;

namespace {

struct Node {
  model::Attr attr;
  uint32_t names = 0, folders = 0;  // that lead to it; below it
  std::map<Ino, int64_t> parents;
};

std::map<Ino, Node> nodes_of(const MemoryStore& store, Findings& findings) {
  const model::KeySpace keys = sim_keys();
  std::map<Ino, Node> nodes;
  for (const auto& [key, value] : store.values()) {
    const auto parsed = keys.parse(key);
    if (!parsed || parsed->kind != 'i') continue;
    const auto* bytes = std::get_if<std::string>(&value);
    auto attr = bytes ? model::decode_attr(*bytes) : Result<model::Attr>(Error::answer(EIO));
    if (!attr) {
      findings.add(key + " is damaged");
      continue;
    }
    nodes[parsed->ino].attr = *attr;
  }
  return nodes;
}

void follow_names(const MemoryStore& store, std::map<Ino, Node>& nodes, Findings& findings) {
  const model::KeySpace keys = sim_keys();
  for (const auto& [key, value] : store.values()) {
    const auto parsed = keys.parse(key);
    if (!parsed || parsed->kind != 'd') continue;
    auto folder = nodes.find(parsed->ino);
    if (folder == nodes.end() || !folder->second.attr.is_dir()) {
      findings.add(key + " is of no folder");
      continue;
    }
    for (const auto& [name, bytes] : std::get<MemoryStore::Hash>(value)) {
      const auto entry = model::decode_dentry(bytes);
      auto node = entry ? nodes.find(entry->ino) : nodes.end();
      if (node == nodes.end() || node->second.attr.type != entry->type) {
        findings.add(fmt::format("{} {} leads nowhere", key, name));
        continue;
      }
      ++node->second.names;
      ++node->second.parents[parsed->ino];
      folder->second.folders += node->second.attr.is_dir();
    }
  }
}

// A ring of folders has names and parents, but nobody gets there.
void check_reached(const MemoryStore& store, const std::map<Ino, Node>& nodes,
                   Findings& findings) {
  std::set<Ino> reached{model::kRootIno, model::kTrashIno};
  std::vector<Ino> left(reached.begin(), reached.end());
  while (!left.empty()) {
    const model::ReadKey listing{model::ReadKind::kHash, sim_keys().dir(left.back()), {}, true};
    left.pop_back();
    for (const auto& [name, bytes] : store.read(listing).fields)
      if (const auto entry = model::decode_dentry(bytes))
        if (reached.insert(entry->ino).second) left.push_back(entry->ino);
  }
  for (const auto& [ino, node] : nodes)
    if (!reached.contains(ino) && node.names > 0)
      findings.add(fmt::format("inode {} has a name and cannot be reached", ino));
}

std::map<Ino, int64_t> counted_links(const MemoryStore& store, Ino ino) {
  std::map<Ino, int64_t> links;
  const model::ReadKey read{model::ReadKind::kHash, sim_keys().parents(ino), {}, true};
  for (const auto& [parent, count] : store.read(read).fields)
    links[parse_decimal<Ino>(parent).value_or(0)] = parse_decimal<int64_t>(count).value_or(0);
  return links;
}

void check_node(const MemoryStore& store, Ino ino, const Node& node, Findings& findings) {
  const auto wrong = [&](const std::string& what) {
    findings.add(fmt::format("inode {}: {}", ino, what));
  };
  const auto& attr = node.attr;
  if (attr.is_dir()) {
    const bool top = ino == model::kRootIno || ino == model::kTrashIno;
    if (!top && node.names != 1) wrong(fmt::format("a folder with {} names", node.names));
    // Folders that come into the trash do not count there.
    if (attr.nlink != (model::is_trash(ino) ? 2 : node.folders + 2))
      wrong(fmt::format("nlink {} of a folder with {} below it", attr.nlink, node.folders));
    if (!top && !node.parents.contains(attr.parent)) wrong("another parent");
    return;
  }
  std::map<Ino, int64_t> links;  // as counted
  if (attr.parent == 0) links = counted_links(store, ino);
  // A second name of a file that comes into the trash like the first within an hour replaces
  // it, and counts.
  int64_t replaced = 0;
  for (auto& [parent, count] : links) {
    const auto at = node.parents.find(parent);
    const int64_t names = at == node.parents.end() ? 0 : at->second;
    if (!model::is_trash(parent) || count <= names) continue;
    replaced += count - names;
    count = names;
  }
  if (attr.nlink != node.names + replaced)
    wrong(fmt::format("nlink {} with {} names", attr.nlink, node.names));
  if (node.names == 0 && replaced == 0) wrong("without a name");
  if (attr.parent != 0) {
    if (node.names > 0 && !node.parents.contains(attr.parent)) wrong("another parent");
    return;
  }
  for (const auto& [parent, count] : node.parents)
    if (links[parent] != count)
      wrong(fmt::format("links in folder {} are miscounted", parent));
}

}  // namespace

std::string slices_of(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items)
    if (auto slice = model::decode_slice(item))
      text += fmt::format(" {}@{}+{}", slice->id, slice->pos, slice->len);
  return "[" + text + " ]";
}

MemoryStore contents_of(const test::RedisModel& model) {
  MemoryStore store;
  model.for_each_key([&](const std::string& key, const test::Value& value) {
    MemoryStore::Value& into = store.values()[key];
    if (const auto* text = std::get_if<std::string>(&value)) into = *text;
    if (const auto* hash = std::get_if<test::Hash>(&value)) into = hash->fields;
    if (const auto* list = std::get_if<test::List>(&value))
      into = MemoryStore::List(list->begin(), list->end());
    if (const auto* set = std::get_if<test::Set>(&value)) into = *set;
    if (const auto* sorted = std::get_if<test::SortedSet>(&value)) {
      MemoryStore::SortedSet scores;
      for (const auto& [member, score] : *sorted)
        scores.scores[member] = static_cast<int64_t>(score);
      into = scores;
    }
  });
  return store;
}

void check_volume(const MemoryStore& store, Findings& findings) {
  const model::KeySpace keys = sim_keys();
  auto nodes = nodes_of(store, findings);
  follow_names(store, nodes, findings);
  check_reached(store, nodes, findings);
  int64_t inodes = 0, space = 0;
  for (const auto& [ino, node] : nodes) {
    check_node(store, ino, node, findings);
    if (ino == model::kRootIno || ino == model::kTrashIno) continue;
    ++inodes;
    space += node.attr.is_file() ? static_cast<int64_t>(model::charged_space(node.attr.length))
                                 : 4096;
  }
  const int64_t counted = store.counter(keys.plain(model::kTotalInodes));
  if (counted != inodes)
    findings.add(fmt::format("totalInodes {} with {} inodes", counted, inodes));
  const int64_t used = store.counter(keys.plain(model::kUsedSpace));
  if (used != space) findings.add(fmt::format("usedSpace {}, not {}", used, space));
  for (const auto& [key, value] : store.values()) {
    const auto parsed = keys.parse(key);
    if (parsed && (parsed->kind == 'x' || parsed->kind == 's') && !nodes.contains(parsed->ino))
      findings.add(key + " is of no inode");
    if (key.starts_with("lockf")) findings.add(key + " is of users who have let go of it");
    if (key.starts_with("session") && std::holds_alternative<MemoryStore::Set>(value))
      findings.add(key + " keeps inodes that nobody has open");
  }
}

void check_statistics(const MemoryStore& store, Findings& findings) {
  const model::KeySpace keys = sim_keys();
  for (const auto& [ino, node] : nodes_of(store, findings)) {
    if (!node.attr.is_dir()) continue;
    int64_t length = 0, space = 0, entries = 0;
    for (const auto& [name, bytes] :
         store.read({model::ReadKind::kHash, keys.dir(ino), {}, true}).fields) {
      const auto entry = model::decode_dentry(bytes);
      const auto* attr = entry ? store.get<std::string>(keys.attr(entry->ino)) : nullptr;
      const auto child = attr ? model::decode_attr(*attr) : Result<model::Attr>(model::Attr());
      if (!child) continue;
      ++entries;
      if (child->is_file()) length += static_cast<int64_t>(child->length);
      space += child->is_file() ? static_cast<int64_t>(model::charged_space(child->length)) : 4096;
    }
    for (const auto& [row, right] : {std::pair{model::kDirUsedInodes, entries},
                                     std::pair{model::kDirUsedSpace, space},
                                     std::pair{model::kDirDataLength, length}}) {
      const auto held = store.field(keys.plain(row), std::to_string(ino));
      if (held != std::to_string(right))
        findings.add(fmt::format("{} of {}: {}, not {}", row, ino, held.value_or("none"), right));
    }
  }
}

void check_data(const MemoryStore& store, const Slices& slices, const History* history,
                Findings& findings) {
  std::map<std::string, int64_t> references;  // by the fields of sliceRef
  std::set<Ino> dying;
  if (const auto* dead = store.get<MemoryStore::SortedSet>(sim_keys().plain(model::kDelFiles)))
    for (const auto& [member, score] : dead->scores)
      dying.insert(parse_decimal<Ino>(member.substr(0, member.find(':'))).value_or(0));
  for (const auto& [key, value] : store.values()) {
    const auto* list = std::get_if<MemoryStore::List>(&value);
    const auto parsed = sim_keys().parse(key);
    if (!list || !parsed) continue;
    if (!store.get<std::string>(sim_keys().attr(parsed->ino)) && !dying.contains(parsed->ino))
      findings.add(key + " is of no file, and nobody will delete it");
    for (const std::string& item : *list) {
      const auto slice = model::decode_slice(item);
      if (!slice || slice->id == 0) continue;
      ++references[model::slice_ref_field(slice->id, slice->size)];
      if (slices.is_deleted(slice->id))
        findings.add(fmt::format("{} refers to slice {}, whose data was deleted", key, slice->id));
    }
  }
  if (const auto* delayed = store.get<MemoryStore::Hash>(sim_keys().plain(model::kDelSlices)))
    for (const auto& [field, value] : *delayed) {
      const auto replaced = model::decode_delayed_slices(value);
      if (!replaced) continue;
      for (const auto& [id, size] : *replaced) ++references[model::slice_ref_field(id, size)];
    }
  if (history)
    for (const std::string& key : history->keys())
      for (const std::string& items : history->values({key, {}}))
        for (size_t at = 0; key[0] == 'c' && at < items.size(); at += model::kSliceRecordBytes)
          if (const auto slice = model::decode_slice(items.substr(at, model::kSliceRecordBytes));
              slice && slice->id != 0)
            references.try_emplace(model::slice_ref_field(slice->id, slice->size));
  for (const auto& [field, count] : references) {
    const auto counted = store.field(sim_keys().plain(model::kSliceRef), field);
    const int64_t expected = counted ? parse_decimal<int64_t>(*counted).value_or(0) + 1 : 1;
    if (count != expected)
      findings.add(fmt::format("{} records refer to slice {}, {} are counted", count, field,
                               expected));
  }
}

void check_view(const MemoryStore& store, SimMount& mount, Findings& findings) {
  const model::KeySpace keys = sim_keys();
  for (const auto& [key, value] : store.values()) {
    const auto parsed = keys.parse(key);
    if (!parsed) continue;
    model::ReadKind kind = model::ReadKind::kString;
    if (std::holds_alternative<MemoryStore::Hash>(value)) kind = model::ReadKind::kHash;
    if (std::holds_alternative<MemoryStore::List>(value)) kind = model::ReadKind::kList;
    const model::ReadKey read{kind, key, {}, true};
    auto seen = mount.executor().read_reply<model::RawValue>(
        [&](const model::View& view) { return view.raw(read); });
    if (!seen) {
      findings.add(fmt::format("{} cannot be read by {}: {}", key, mount.name(),
                               seen.error().text));
      continue;
    }
    model::RawValue there = store.read(read);
    std::ranges::sort(seen->fields);
    std::ranges::sort(there.fields);
    if (seen->bytes == there.bytes && seen->fields == there.fields && seen->items == there.items)
      continue;
    std::string names;
    auto differing = [&](const char* sign, const auto& some, const auto& others) {
      for (const auto& field : some)
        if (std::ranges::find(others, field) == others.end()) names += sign + field.first;
    };
    differing(" +", seen->fields, there.fields);
    differing(" -", there.fields, seen->fields);
    if (seen->items != there.items)
      names = fmt::format(": {}, not {}", slices_of(seen->items), slices_of(there.items));
    findings.add(
        fmt::format("{} is another for {} than in the server{}", key, mount.name(), names));
  }
}

}  // namespace fastmeta::sim
