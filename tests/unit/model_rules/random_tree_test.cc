// SPDX-License-Identifier: GPL-3.0-or-later
// Random operations on the rules and on a reference tree: the same errnos, the
// same tree, and a store without contradictions.
#include "fsck.h"
#include "model/schema/codec.h"
#include "reference_tree.h"
#include "support/seed.h"

namespace fastmeta::test {
namespace {

constexpr int kTreeOperations = 4000;
constexpr int kCheckEach = 100;
const std::vector<std::string> kNames = {"a", "b", "c", "d", "\xff\x01", std::string(255, 'z')};
const std::vector<Caller> kCallers = {kRoot, kRoot, kRoot, kAnn, kBob};
const std::vector<unsigned> kModes = {0644, 0755, 0777, 01777, 02775, 03777, 04755, 06755, 06644};
const std::vector<unsigned> kFlagValues = {0, 0, 0, kImmutable, kAppendOnly, kSkipTrash};

class RandomTree {
 public:
  RandomTree(uint64_t seed, bool trash) : dice_(seed) {
    options_.trash_was_on = trash;
    if (trash) w_.enable_trash();
  }

  void run() {
    for (int i = 0; i < kTreeOperations && !::testing::Test::HasFailure(); ++i) {
      step_ = "operation " + std::to_string(i) + ": ";
      step();
      if (i % kCheckEach == 0) check();
    }
    for (Ino ino : std::set<Ino>(ref_.open)) close(ino);
    w_.purge();
    check();
    EXPECT_GT(successes_, kTreeOperations / 4) << "hardly anything was tried";
    EXPECT_GE(errnos_.size(), 8u) << "hardly any error was tried";
  }

 private:
  static ReferenceTree::User user(const Caller& who) { return {who.uid, who.gid}; }

  // Mostly a directory that is there; now and then anything.
  Ino any_dir() {
    if (dice_.one_in(20)) return any_node();
    for (int tries = 0; tries < 30; ++tries) {
      const auto& [id, node] = dice_.pick(ref_.nodes);
      if (node.kind == ReferenceTree::kDir) return id;
    }
    return kRootIno;
  }
  Ino any_node() {
    if (dice_.one_in(30)) return dice_.below(w_.next_ino + 2);
    return dice_.pick(ref_.nodes).first;
  }
  std::string any_name(Ino dir) {
    auto at = ref_.nodes.find(dir);
    const bool taken = at != ref_.nodes.end() && !at->second.children.empty() && !dice_.one_in(4);
    return taken ? dice_.pick(at->second.children).first : dice_.pick(kNames);
  }
  Ino trash() {
    const Ino hour = w_.trash();
    if (hour != 0) ref_.add_hour(hour);
    return hour;
  }

  template <typename T>
  void expect(const Result<T>& got, int wanted, const std::string& what) {
    const int code = code_of(got);
    EXPECT_EQ(code, wanted) << step_ << what;
    if (code == 0) ++successes_;
    errnos_.insert(code);
  }

  void step() {
    const Caller who = dice_.pick(kCallers);
    switch (dice_.below(16)) {
      case 0: case 1: case 2: return create(who);
      case 3: return link();
      case 4: case 5: return unlink(who);
      case 6: return rmdir(who);
      case 7: case 8: case 9: return rename(who);
      case 10: return chmod(who);
      case 11: return chown(who);
      case 12: return dice_.one_in(4) ? flags() : contents();
      case 13: return contents();
      case 14: return xattr();
      default: return open_or_close();
    }
  }

  void create(const Caller& who) {
    const Ino parent = any_dir();
    const std::string name = dice_.pick(kNames);
    static const std::vector<ReferenceTree::Kind> kKinds = {
        ReferenceTree::kFile, ReferenceTree::kFile, ReferenceTree::kDir, ReferenceTree::kDir,
        ReferenceTree::kSymlink, ReferenceTree::kFifo};
    const auto kind = dice_.pick(kKinds);
    const unsigned mode = dice_.pick(kModes);
    CreateArgs want;
    want.who = who;
    want.now = w_.now;
    want.parent = parent;
    want.name = name;
    want.type = static_cast<FileType>(kind);
    want.mode = static_cast<uint16_t>(mode);
    if (kind == ReferenceTree::kSymlink) want.target = "to/" + name;
    want.ino = w_.next_ino++;
    auto got = w_.run(
        [&](const View& seen, Mutations& to) { return model::create(seen, want, to); });
    expect(got, ref_.create(user(who), parent, name, kind, mode, want.target, want.ino), "create");
  }

  void link() {
    const Ino node = any_node(), parent = any_dir();
    const std::string name = dice_.pick(kNames);
    expect(w_.link(kRoot, node, parent, name), ref_.link(node, parent, name), "link");
  }

  void unlink(const Caller& who) {
    const Ino parent = any_dir(), hour = trash();
    const std::string name = any_name(parent);
    expect(w_.unlink(who, parent, name), ref_.unlink(user(who), parent, name, hour), "unlink");
  }

  void rmdir(const Caller& who) {
    const Ino parent = any_dir(), hour = trash();
    const std::string name = any_name(parent);
    expect(w_.rmdir(who, parent, name), ref_.rmdir(user(who), parent, name, hour), "rmdir");
  }

  void rename(const Caller& who) {
    const Ino from = any_dir(), hour = trash();
    const Ino to = dice_.one_in(3) ? from : any_dir();
    const std::string name = any_name(from), to_name = any_name(to);
    const uint32_t flags = static_cast<uint32_t>(dice_.below(4)) % 3;
    const std::string what = "rename " + std::to_string(from) + "/" + name + " to " +
                             std::to_string(to) + "/" + to_name + " flags " +
                             std::to_string(flags);
    expect(w_.rename(who, from, name, to, to_name, flags),
           ref_.rename(user(who), from, name, to, to_name, flags == kRenameNoReplace,
                       flags == kRenameExchange, hour),
           what);
  }

  void chmod(const Caller& who) {
    SetattrArgs want;
    want.who = who;
    want.ino = any_node();
    want.mode = static_cast<uint16_t>(dice_.pick(kModes));
    expect(w_.setattr(want), ref_.chmod(user(who), want.ino, *want.mode), "chmod");
  }

  void chown(const Caller& who) {
    SetattrArgs want;
    want.who = who;
    want.ino = any_node();
    want.uid = dice_.pick(kCallers).uid;
    want.gid = dice_.pick(kCallers).gid;
    expect(w_.setattr(want), ref_.chown(user(who), want.ino, *want.uid, *want.gid), "chown");
  }

  void flags() {
    SetattrArgs want;
    want.ino = any_node();
    want.flags = static_cast<uint8_t>(dice_.pick(kFlagValues));
    // A root directory that cannot be changed would end the test early.
    if (want.ino == kRootIno) return;
    expect(w_.setattr(want), ref_.set_flags(want.ino, *want.flags), "flags");
  }

  void contents() {
    const Ino ino = any_node();
    if (dice_.one_in(2)) {
      const auto len = static_cast<uint32_t>(1 + dice_.below(20000));
      const auto pos = static_cast<uint32_t>(dice_.below(20000));
      const auto chunk = static_cast<uint32_t>(dice_.below(3));
      expect(w_.write(ino, chunk, {pos, ++slice_, len, 0, len}),
             ref_.write_to(ino, chunk * kChunkBytes + pos + len), "write");
    } else {
      const uint64_t length = dice_.below(3) * kChunkBytes + dice_.below(20000);
      expect(w_.truncate(ino, length), ref_.resize(ino, length), "truncate");
    }
  }

  void xattr() {
    const Ino ino = any_node();
    const std::string name = "user." + std::to_string(dice_.below(3));
    if (dice_.one_in(3)) {
      auto got = w_.run(
          [&](const View& seen, Mutations& to) { return removexattr(seen, ino, name, to); });
      return expect(got, ref_.remove_xattr(ino, name), "removexattr");
    }
    const std::string value = std::to_string(dice_.below(1000));
    auto got = w_.run([&](const View& seen, Mutations& to) {
      return setxattr(seen, {ino, name, value, 0}, to);
    });
    expect(got, ref_.set_xattr(ino, name, value), "setxattr");
  }

  void open_or_close() {
    if (!ref_.open.empty() && dice_.one_in(2)) return close(dice_.pick(ref_.open));
    const Ino ino = any_node();
    auto at = ref_.nodes.find(ino);
    if (at == ref_.nodes.end() || at->second.kind != ReferenceTree::kFile) return;
    ref_.open.insert(ino);
    w_.open.insert(ino);
  }

  void close(Ino ino) {
    const bool last = w_.exists(ino) && w_.attr(ino).nlink == 0;
    w_.open.erase(ino);
    ref_.last_close(ino);
    if (!last) return;
    ok(w_.run([&](const View& seen, Mutations& to) {
      return model::last_close(seen, {w_.now, ino}, to);
    }));
  }

  void check() {
    if (dice_.one_in(2)) w_.purge();
    EXPECT_EQ(fsck(w_, options_), Lines{}) << step_;
    size_t inodes = 0;
    for (const auto& [key, value] : w_.store.values())
      if (auto parsed = w_.keys.parse(key); parsed && parsed->kind == 'i')
        inodes += parsed->ino != kTrashIno;
    EXPECT_EQ(inodes, ref_.nodes.size()) << step_;
    for (const auto& [id, node] : ref_.nodes) compare(id, node);
  }

  void compare(Ino ino, const ReferenceTree::Node& node) {
    const std::string at = step_ + "inode " + std::to_string(ino);
    ASSERT_TRUE(w_.exists(ino)) << at;
    const Attr attr = w_.attr(ino);
    EXPECT_EQ(static_cast<int>(attr.type), node.kind) << at;
    EXPECT_EQ(attr.perm, node.perm) << at;
    EXPECT_EQ(attr.uid, node.uid) << at;
    EXPECT_EQ(attr.gid, node.gid) << at;
    EXPECT_EQ(attr.flags, node.flags) << at;
    const bool dir = node.kind == ReferenceTree::kDir;
    const int links = ref_.is_trash_dir(ino) ? 2 : dir ? ref_.dir_links(node) : node.links;
    EXPECT_EQ(attr.nlink, static_cast<uint32_t>(links)) << at;
    if (node.kind == ReferenceTree::kFile) {
      EXPECT_EQ(attr.length, node.length) << at;
    } else if (node.kind == ReferenceTree::kSymlink) {
      EXPECT_EQ(*w_.store.get<std::string>(w_.keys.symlink(ino)), node.target) << at;
    }
    EXPECT_EQ(attr.parent, node.linked_once ? 0 : node.up) << at;
    std::map<std::string, Ino> children;
    auto stored = w_.store.read({ReadKind::kHash, w_.keys.dir(ino), {}, true});
    for (const auto& [name, bytes] : stored.fields) children[name] = decode_dentry(bytes)->ino;
    EXPECT_EQ(children, node.children) << at;
    const auto* xattrs = w_.store.get<MemoryStore::Hash>(w_.keys.xattrs(ino));
    EXPECT_EQ(xattrs ? *xattrs : MemoryStore::Hash{}, node.xattrs) << at;
  }

  World w_;
  ReferenceTree ref_;
  Dice dice_;
  FsckOptions options_;
  std::string step_;
  uint64_t slice_ = 0;
  int successes_ = 0;
  std::set<int> errnos_;
};

TEST(RandomTree, BehavesLikeTheReference) { RandomTree(random_seed(), false).run(); }

TEST(RandomTree, WithTrashBehavesLikeTheReference) { RandomTree(random_seed(), true).run(); }

}  // namespace
}  // namespace fastmeta::test
