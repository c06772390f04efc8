// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/trash.h"

#include <fmt/format.h>

#include <set>
#include <variant>

#include "model/schema/codec.h"
#include "util/bytes.h"

namespace fastmeta::sim {

using model::Ino;
using model::is_trash;

namespace {

constexpr size_t kPage = 50;

void move(Ino& ino) {
  if (is_trash(ino)) ino = kOnlyHour;
}

// Every entry of a folder; nothing when it cannot be read now.
std::vector<Trashed> listed(SimMount& mount, Ino dir) {
  std::vector<Trashed> found;
  auto reader = mount.opendir(dir);
  for (;;) {
    auto page = reader->page(found.size(), kPage, false);
    if (!page) return {};
    for (const auto& item : *page) found.push_back({dir, std::string(item.name), item.dentry});
    if (page->size() < kPage) return found;
  }
}

std::vector<Trashed> listed(const test::MemoryStore& store, Ino dir) {
  std::vector<Trashed> found;
  const model::ReadKey read{model::ReadKind::kHash, sim_keys().dir(dir), {}, true};
  for (const auto& [name, bytes] : store.read(read).fields)
    if (const auto entry = model::decode_dentry(bytes)) found.push_back({dir, name, *entry});
  return found;
}

template <typename From>
std::vector<Trashed> all_of(From& from) {
  std::vector<Trashed> found;
  for (const Trashed& hour : listed(from, model::kTrashIno))
    for (Trashed& one : listed(from, hour.entry.ino)) found.push_back(std::move(one));
  return found;
}

}  // namespace

model::Attr trash_folder(Ino parent) {
  model::Attr attr;
  attr.type = model::FileType::kDirectory;
  attr.perm = 0555;
  attr.nlink = 2;
  attr.length = 4096;
  attr.parent = parent;
  return attr;
}

model::Operation in_only_hour(model::Operation operation) {
  std::visit(
      [](auto& want) {
        auto removal = [](auto& args) {
          move(args.parent);
          args.trash = is_trash(args.parent) ? 0 : kOnlyHour;
        };
        if constexpr (requires { want.want.trash; }) removal(want.want);
        else if constexpr (requires { want.trash; }) removal(want);
      },
      operation);
  return operation;
}

bool leaves_trash(const model::Operation& operation) {
  if (const auto* op = std::get_if<model::Unlink>(&operation)) return is_trash(op->want.parent);
  if (const auto* op = std::get_if<model::Rmdir>(&operation)) return is_trash(op->want.parent);
  const auto* want = std::get_if<model::RenameArgs>(&operation);
  return want && is_trash(want->parent);
}

void put_in_only_hour(model::Attr& attr) { move(attr.parent); }

std::map<std::string, int64_t> parents_with_one_hour(const model::RawValue& parents) {
  std::map<std::string, int64_t> counts;
  for (const auto& [field, count] : parents.fields) {
    Ino parent = parse_decimal<Ino>(field).value_or(0);
    move(parent);
    counts[std::to_string(parent)] += parse_decimal<int64_t>(count).value_or(0);
  }
  std::erase_if(counts, [](const auto& one) { return one.second == 0; });
  return counts;
}

std::vector<Trashed> trashed_of(SimMount& mount) { return all_of(mount); }
std::vector<Trashed> trashed_of(const test::MemoryStore& store) { return all_of(store); }
std::vector<Trashed> trashed_in(const test::MemoryStore& store, Ino hour) {
  return listed(store, hour);
}

void check_trash(const test::MemoryStore& store, Findings& findings) {
  std::set<Ino> hours;
  for (const Trashed& hour : listed(store, model::kTrashIno)) {
    hours.insert(hour.entry.ino);
    if (hour.name.size() != sizeof "2027-01-15-08" - 1 || !is_trash(hour.entry.ino))
      findings.add(fmt::format("{} ({}) is no hour of the trash", hour.name, hour.entry.ino));
  }
  for (const auto& [key, value] : store.values()) {
    const auto parsed = sim_keys().parse(key);
    if (parsed && (parsed->kind == 'd' || parsed->kind == 'i') && is_trash(parsed->ino) &&
        parsed->ino != model::kTrashIno && !hours.contains(parsed->ino))
      findings.add(key + " is of no hour of the trash");
  }
  for (const Trashed& one : trashed_of(store)) {
    const size_t dash = one.name.find('-');
    const std::string middle = fmt::format("-{}-", one.entry.ino);
    if (!parse_decimal<Ino>(one.name.substr(0, dash)) || one.name.find(middle) != dash)
      findings.add(fmt::format("{} in the trash does not tell of inode {}", one.name,
                               one.entry.ino));
  }
}

}  // namespace fastmeta::sim
