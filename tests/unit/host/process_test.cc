// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fastmeta::host {
namespace {

TEST(Mountinfo, FindsOursAndUnescapesPaths) {
  const auto mounts = parse_mountinfo(
      "23 1 0:20 / /proc rw,nosuid - proc proc rw\n"
      "90 23 0:57 / /mnt/a\\040b\\134c rw,nosuid shared:5 master:1 - fuse.fastmeta fastmeta:v "
      "rw,user_id=1000,group_id=0\n"
      "91 23 0:58 / /mnt/j rw - fuse.juicefs JuiceFS:v rw\n"
      "short line\n");
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0].path, "/mnt/a b\\c");
  EXPECT_EQ(mounts[0].device, "0:57");
  EXPECT_EQ(mounts[0].source, "fastmeta:v");
  EXPECT_EQ(mounts[0].user, 1000u);
}

std::string hidden(std::string argument) {
  std::string command = "fastmeta";
  char* argv[] = {command.data(), argument.data()};
  hide_passwords(2, argv);
  return argument;
}

TEST(Passwords, AreHiddenBehindKeysThatSaySo) {
  EXPECT_EQ(hidden("meta.password=word"), "meta.password=****");
  EXPECT_EQ(hidden("-ometa.password=word"), "-ometa.password=****");
  EXPECT_EQ(hidden("--option=meta.password=word"), "--option=meta.password=****");
  EXPECT_EQ(hidden("ro,meta.password=a=b,mode=x"), "ro,meta.password=**********");
  EXPECT_EQ(hidden("meta.url=redis://u:x@h,meta.password=word"),
            "meta.url=redis://u:*@h,meta.password=****");
  EXPECT_EQ(hidden("store.secret-key=k"), "store.secret-key=*");
  EXPECT_EQ(hidden("mode=passthrough,fsname=password"), "mode=passthrough,fsname=password");
  EXPECT_EQ(hidden("/home/password"), "/home/password");
}

TEST(Passwords, AreHiddenInUrls) {
  EXPECT_EQ(hidden("redis://user:secret@host/1"), "redis://user:******@host/1");
  EXPECT_EQ(hidden("redis://:p@ss:word@host:6379/1"), "redis://:*********@host:6379/1");
  EXPECT_EQ(hidden("meta.url=redis://u:x@h"), "meta.url=redis://u:*@h");
  EXPECT_EQ(hidden("redis://host:6379/1"), "redis://host:6379/1");
  EXPECT_EQ(hidden("redis://user@host/a:b@c"), "redis://user@host/a:b@c");
  EXPECT_EQ(hidden("redis://"), "redis://");
  EXPECT_EQ(hidden("/mnt/a:b@c"), "/mnt/a:b@c");
}

TEST(Processes, TheEndOfOneIsWaitedFor) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::usleep(50'000);
    ::_exit(0);
  }
  EXPECT_FALSE(wait_for_end(child, std::chrono::milliseconds(1)));
  EXPECT_TRUE(wait_for_end(child, std::chrono::milliseconds(5000)));
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(wait_for_end(child, std::chrono::milliseconds(1))) << "long gone";
}

}  // namespace
}  // namespace fastmeta::host
