// SPDX-License-Identifier: GPL-3.0-or-later
// Which tables of plugins a host takes, in both directions of age.
#include "loader/negotiate.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <vector>

namespace fastmeta::host {
namespace {

template <typename Function>
void set(Function& member) {
  // Only its presence counts here.
  static const char somewhere = 0;
  const void* address = &somewhere;
  std::memcpy(&member, &address, sizeof member);
}

mdp_ops whole() {
  mdp_ops ops{};
  ops.struct_size = sizeof ops;
  ops.abi_major = MDP_ABI_MAJOR;
  ops.abi_minor = MDP_ABI_MINOR;
  ops.name = "test";
  ops.version = "1";
  set(ops.open);
  set(ops.start);
  set(ops.stop);
  set(ops.close);
  set(ops.describe);
  set(ops.lookup);
  set(ops.opendir);
  set(ops.readdir);
  set(ops.closedir);
  set(ops.getattr);
  set(ops.open_file);
  set(ops.close_file);
  set(ops.read_slices);
  set(ops.control);
  return ops;
}

TEST(Negotiation, TakesATableOfItsOwnVersion) {
  const mdp_ops theirs = whole();
  mdp_ops ours{};
  EXPECT_FALSE(adopt_ops(&theirs, "p.so", &ours));
  EXPECT_EQ(std::memcmp(&theirs, &ours, sizeof ours), 0);
}

TEST(Negotiation, WhatAnOlderPluginDoesNotHaveIsNull) {
  mdp_ops theirs = whole();
  theirs.struct_size = offsetof(mdp_ops, stats);  // control lies behind
  mdp_ops ours{};
  EXPECT_FALSE(adopt_ops(&theirs, "p.so", &ours));
  EXPECT_NE(ours.read_slices, nullptr);
  EXPECT_EQ(ours.control, nullptr);
  EXPECT_EQ(ours.struct_size, theirs.struct_size);
}

TEST(Negotiation, WhatANewerPluginHasMoreIsLeftAlone) {
  struct {
    mdp_ops known;
    void* later[8];
    char guard[64];
  } theirs{whole(), {}, {}};
  theirs.known.struct_size = sizeof(mdp_ops) + sizeof theirs.later;
  theirs.known.abi_minor = MDP_ABI_MINOR + 1;
  struct {
    mdp_ops ours;
    char guard[64];
  } mine{};
  std::memset(mine.guard, 0x5a, sizeof mine.guard);
  EXPECT_FALSE(adopt_ops(&theirs.known, "p.so", &mine.ours));
  EXPECT_NE(mine.ours.control, nullptr);
  for (const char byte : mine.guard) EXPECT_EQ(byte, 0x5a);
}

TEST(Negotiation, AnotherMajorIsRefusedWithBothNumbers) {
  mdp_ops theirs = whole();
  theirs.abi_major = 7;
  mdp_ops ours{};
  const auto why = adopt_ops(&theirs, "p.so", &ours);
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("version 7"), std::string::npos) << *why;
  EXPECT_NE(why->find("version " + std::to_string(MDP_ABI_MAJOR)), std::string::npos) << *why;
}

TEST(Negotiation, AnImpossibleSizeIsRefused) {
  for (const uint32_t size : {0u, 8u, 17u, 1u << 20, 0xffffffffu}) {
    mdp_ops theirs = whole();
    theirs.struct_size = size;
    mdp_ops ours{};
    const auto why = adopt_ops(&theirs, "p.so", &ours);
    ASSERT_TRUE(why) << size;
    EXPECT_NE(why->find(std::to_string(size) + " bytes"), std::string::npos) << *why;
  }
}

TEST(Negotiation, NoTableIsRefused) {
  mdp_ops ours{};
  EXPECT_TRUE(adopt_ops(nullptr, "p.so", &ours));
}

TEST(Negotiation, ARequiredMemberThatIsNullOrBeyondTheEndIsNamed) {
  mdp_ops theirs = whole();
  theirs.read_slices = nullptr;
  mdp_ops ours{};
  auto why = adopt_ops(&theirs, "p.so", &ours);
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("read_slices"), std::string::npos) << *why;
  EXPECT_EQ(ours.lookup, nullptr) << "nothing of it is used";

  theirs = whole();
  theirs.struct_size = offsetof(mdp_ops, open_file);
  why = adopt_ops(&theirs, "p.so", &ours);
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("open_file"), std::string::npos) << *why;
}

}  // namespace
}  // namespace fastmeta::host
