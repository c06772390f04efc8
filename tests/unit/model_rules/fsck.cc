// SPDX-License-Identifier: GPL-3.0-or-later
#include "fsck.h"

#include "model/schema/codec.h"
#include "util/bytes.h"

namespace fastmeta::test {

namespace {

class Fsck {
 public:
  Fsck(const World& world, const FsckOptions& options) : w_(world), options_(options) {}

  std::vector<std::string> run() {
    load();
    for (const auto& [ino, attr] : inodes_) check_inode(ino, attr);
    for (const auto& [dir, entries] : entries_) check_entries(dir, entries);
    check_counters();
    check_side_keys();
    check_slices();
    return std::move(complaints_);
  }

 private:
  void complain(const std::string& what) { complaints_.push_back(what); }

  void load() {
    for (const auto& [key, value] : w_.store.values()) {
      const auto parsed = w_.keys.parse(key);
      if (!parsed) continue;
      if (parsed->kind == 'i') {
        inodes_[parsed->ino] = *decode_attr(std::get<std::string>(value));
      } else if (parsed->kind == 'd') {
        for (const auto& [name, bytes] : std::get<MemoryStore::Hash>(value)) {
          const Dentry entry = *decode_dentry(bytes);
          entries_[parsed->ino][name] = entry;
          ++names_[entry.ino][parsed->ino];
        }
      } else if (parsed->kind == 'c') {
        chunks_.push_back(*parsed);
      }
    }
    if (const auto* set = w_.store.get<MemoryStore::Set>(
            w_.keys.session_sustained(w_.facts.session)))
      for (const std::string& member : *set) sustained_.insert(*parse_decimal<Ino>(member));
  }

  static bool is_hour(Ino ino, const Attr& attr) {
    return is_trash(ino) && attr.parent == kTrashIno;
  }

  void check_inode(Ino ino, const Attr& attr) {
    const std::string who = "inode " + std::to_string(ino) + ": ";
    const auto& names = names_[ino];
    uint64_t count = 0;
    for (const auto& [dir, n] : names) count += n;
    const bool top = ino == kRootIno || ino == kTrashIno;
    const bool lost_in_trash = options_.trash_was_on && attr.parent == 0 && attr.nlink > 0;
    if (!top && !lost_in_trash && (count == 0) != sustained_.contains(ino))
      complain(who + "names or a session");
    if (attr.is_dir()) {
      check_dir(ino, attr, count);
    } else if (attr.nlink < count || (!options_.trash_was_on && attr.nlink != count)) {
      complain(who + "nlink " + std::to_string(attr.nlink) + ", names " + std::to_string(count));
    }
    if (attr.nlink == 0 && !sustained_.contains(ino)) complain(who + "nlink 0");
    if (!top && attr.nlink > 0) check_parents(ino, attr, names);
  }

  void check_dir(Ino ino, const Attr& attr, uint64_t names) {
    const std::string who = "directory " + std::to_string(ino) + ": ";
    uint32_t links = 2;
    DirStatDelta sum;
    for (const auto& [name, entry] : entries_[ino]) {
      if (entry.type == FileType::kDirectory) ++links;
      const Attr& child = inodes_[entry.ino];
      const uint64_t length = child.is_file() ? child.length : 0;
      sum.length += static_cast<int64_t>(length);
      sum.space += static_cast<int64_t>(charged_space(length));
      ++sum.inodes;
    }
    if (is_trash(ino)) return check_trash_dir(ino, attr, sum.inodes);
    if (attr.nlink != links)
      complain(who + "nlink " + std::to_string(attr.nlink) + ", should be " +
               std::to_string(links));
    if (ino != kRootIno && names != 1) complain(who + std::to_string(names) + " names");
    auto at = w_.stats.find(ino);
    const DirStatDelta kept = at == w_.stats.end() ? DirStatDelta{} : at->second;
    if (kept.length != sum.length || kept.space != sum.space || kept.inodes != sum.inodes)
      complain(who + "statistics " + std::to_string(kept.length) + " " +
               std::to_string(kept.space) + " " + std::to_string(kept.inodes) + ", should be " +
               std::to_string(sum.length) + " " + std::to_string(sum.space) + " " +
               std::to_string(sum.inodes));
  }

  void check_trash_dir(Ino ino, const Attr& attr, int64_t entries) {
    const std::string who = "trash directory " + std::to_string(ino) + ": ";
    if (attr.nlink != 2) complain(who + "nlink " + std::to_string(attr.nlink));
    auto at = w_.stats.find(ino);
    const int64_t kept = at == w_.stats.end() ? 0 : at->second.inodes;
    if (is_hour(ino, attr) && kept < entries) complain(who + "statistics");
  }

  void check_parents(Ino ino, const Attr& attr, const std::map<Ino, uint64_t>& names) {
    const std::string who = "inode " + std::to_string(ino) + ": ";
    const auto* hash = w_.store.get<MemoryStore::Hash>(w_.keys.parents(ino));
    if (attr.parent != 0) {
      if (hash) complain(who + "both a parent and parents");
      if (names.size() != 1 || names.begin()->first != attr.parent) complain(who + "parent");
      return;
    }
    std::map<Ino, int64_t> counts;
    int64_t sum = 0;
    if (hash) {
      for (const auto& [field, value] : *hash) {
        const int64_t n = *parse_decimal<int64_t>(value);
        if (n < 0) complain(who + "a negative count of parents");
        if (n > 0) counts[*parse_decimal<Ino>(field)] = n;
        sum += n;
      }
    }
    if (sum != attr.nlink) complain(who + "parents do not sum up to nlink");
    for (const auto& [dir, n] : names) {
      const bool exact = !is_trash(dir);
      if (exact ? counts[dir] != static_cast<int64_t>(n) : counts[dir] < static_cast<int64_t>(n))
        complain(who + "parent count of " + std::to_string(dir));
    }
    for (const auto& [dir, n] : counts)
      if (!names.contains(dir) && !is_trash(dir))
        complain(who + "is not in its parent " + std::to_string(dir));
  }

  void check_entries(Ino dir, const std::map<std::string, Dentry>& entries) {
    if (!inodes_.contains(dir)) complain("entries of a missing directory " + std::to_string(dir));
    for (const auto& [name, entry] : entries) {
      auto at = inodes_.find(entry.ino);
      if (at == inodes_.end() || at->second.type != entry.type)
        complain("entry " + name + " of " + std::to_string(dir) + ": no inode of its type");
    }
  }

  void check_counters() {
    int64_t space = 0, count = 0;
    for (const auto& [ino, attr] : inodes_) {
      if (ino == kRootIno || ino == kTrashIno) continue;
      space += static_cast<int64_t>(charged_space(attr.is_file() ? attr.length : 0));
      ++count;
    }
    if (space != w_.store.counter(w_.keys.plain(kUsedSpace))) complain("usedSpace");
    if (count != w_.store.counter(w_.keys.plain(kTotalInodes))) complain("totalInodes");
  }

  void check_side_keys() {
    for (const auto& [key, value] : w_.store.values()) {
      const auto parsed = w_.keys.parse(key);
      if (!parsed) continue;
      auto at = inodes_.find(parsed->ino);
      const bool there = at != inodes_.end();
      if ((parsed->kind == 'x' || parsed->kind == 'p') && !there)
        complain(key + " without its inode");
      if (parsed->kind == 's' && (!there || at->second.type != FileType::kSymlink))
        complain(key + " without its symlink");
    }
    for (const auto& [ino, attr] : inodes_)
      if (attr.type == FileType::kSymlink && !w_.store.get<std::string>(w_.keys.symlink(ino)))
        complain("symlink without target " + std::to_string(ino));
    for (Ino ino : sustained_)
      if (!inodes_.contains(ino)) complain("session holds a missing inode");
  }

  // A chunk list belongs to an inode or to a file that waits to be deleted.
  // Behind the last length of a deleted file the standard client leaves lists
  // to gc, too.
  bool owned(const KeySpace::Parsed& chunk) const {
    if (inodes_.contains(chunk.ino)) return true;
    auto at = w_.final_length.find(chunk.ino);
    if (at == w_.final_length.end()) return false;
    if (chunk.index * kChunkBytes >= at->second) return true;
    const auto* dead = w_.store.get<MemoryStore::SortedSet>(w_.keys.plain(kDelFiles));
    return dead && dead->scores.contains(dead_file_member(chunk.ino, at->second));
  }

  void check_slices() {
    std::map<std::pair<uint64_t, uint32_t>, int64_t> references;
    for (const auto& chunk : chunks_) {
      if (!owned(chunk)) complain("chunk list of a missing inode " + std::to_string(chunk.ino));
      for (const SliceRecord& record : w_.records(chunk.ino, chunk.index))
        if (record.id != 0) ++references[{record.id, record.size}];
    }
    if (const auto* later = w_.store.get<MemoryStore::Hash>(w_.keys.plain(kDelSlices))) {
      for (const auto& [field, bytes] : *later) {
        const auto slices = decode_delayed_slices(bytes).value();
        for (const auto& slice : slices) ++references[slice];
      }
    }
    std::map<uint64_t, uint32_t> sizes;
    for (const auto& [slice, count] : references) {
      const std::string field = slice_ref_field(slice.first, slice.second);
      const auto stored = w_.store.field(w_.keys.plain(kSliceRef), field);
      if ((stored ? *parse_decimal<int64_t>(*stored) : 0) != count - 1)
        complain("sliceRef " + field + " is " + stored.value_or("absent") + ", records " +
                 std::to_string(count));
      if (w_.deleted_slices.contains(slice)) complain("deleted slice in use: " + field);
      if (!sizes.emplace(slice).second) complain("slice of two sizes: " + field);
    }
    if (const auto* kept = w_.store.get<MemoryStore::Hash>(w_.keys.plain(kSliceRef)))
      for (const auto& [field, value] : *kept)
        if (*parse_decimal<int64_t>(value) < 0) complain("sliceRef " + field + " is negative");
  }

  const World& w_;
  const FsckOptions& options_;
  std::vector<std::string> complaints_;
  std::map<Ino, Attr> inodes_;
  std::map<Ino, std::map<std::string, Dentry>> entries_;
  std::map<Ino, std::map<Ino, uint64_t>> names_;  // inode -> directory -> entries
  std::vector<KeySpace::Parsed> chunks_;
  std::set<Ino> sustained_;
};

}  // namespace

std::vector<std::string> fsck(const World& world, const FsckOptions& options) {
  return Fsck(world, options).run();
}

}  // namespace fastmeta::test
