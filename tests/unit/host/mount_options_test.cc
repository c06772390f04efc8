// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/mount_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fastmeta::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

MountOptions parse(const std::vector<std::string>& arguments) {
  std::string why;
  const auto out = parse_mount_options(arguments, &why);
  EXPECT_TRUE(out) << why;
  return out.value_or(MountOptions{});
}

TEST(MountOptions, SortsWhatIsForTheKernelFromKeysOfTheConfiguration) {
  const auto out = parse({"ro,nosuid", "cache.ttl=5s,allow_other",
                          "fsname=x,mode=fast-meta,disconnect-grace=5s"});
  EXPECT_TRUE(out.read_only);
  EXPECT_THAT(out.kernel, ElementsAre("nosuid"));
  EXPECT_THAT(out.keys, ElementsAre("cache.ttl=5s", "mode=fast-meta", "disconnect-grace=5s"));
  EXPECT_EQ(out.allow_other, true);
  EXPECT_EQ(out.fsname, "x");
}

TEST(MountOptions, NothingGivenIsNothingChosen) {
  const auto out = parse({"", "rw,default_permissions,_netdev,x-systemd.automount,nofail"});
  EXPECT_FALSE(out.read_only);
  EXPECT_THAT(out.kernel, IsEmpty());
  EXPECT_THAT(out.keys, IsEmpty());
  EXPECT_FALSE(out.allow_other.has_value());
}

TEST(MountOptions, EntryForOthersCanBeRefused) {
  EXPECT_EQ(parse({"noallow_other"}).allow_other, false);
}

TEST(MountOptions, AnEscapedCommaIsPartOfAValue) {
  const auto out = parse({R"(meta.password=a\,b,ro)"});
  EXPECT_THAT(out.keys, ElementsAre("meta.password=a,b"));
  EXPECT_TRUE(out.read_only);
}

TEST(MountOptions, AnUnknownOptionIsNamedWithoutItsValue) {
  std::string why;
  EXPECT_FALSE(parse_mount_options({"ro,passwrd=secret"}, &why));
  EXPECT_NE(why.find("passwrd"), std::string::npos) << why;
  EXPECT_EQ(why.find("secret"), std::string::npos) << why;
  EXPECT_FALSE(parse_mount_options({"nonsense"}, &why));
}

}  // namespace
}  // namespace fastmeta::host
