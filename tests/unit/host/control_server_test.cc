// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/server.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "control/client.h"
#include "control/socket_path.h"
#include "control/unix_socket.h"

namespace fastmeta::host {
namespace {

using std::chrono::milliseconds;

struct ControlServerTest : testing::Test {
  ControlServerTest() {
    std::string name = testing::TempDir() + "control-XXXXXX";
    folder = ::mkdtemp(name.data());
    path = folder + "/s.sock";
  }
  ~ControlServerTest() override { std::filesystem::remove_all(folder); }
  std::unique_ptr<ControlServer> listen(const ControlServer::Ours& ours = nullptr) {
    return ControlServer::listen(
        path, ours,
        [](const ControlRequest& r) { return format_answer("\"" + r.verb + "\""); }, &why);
  }
  std::string folder, path, why;
};

TEST_F(ControlServerTest, AnswersManyRequestsAndIsOnlyForItsOwner) {
  const auto server = listen();
  ASSERT_TRUE(server) << why;
  struct stat st{};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
  for (int i = 0; i < 50; ++i) {
    const auto reply = ask(path, ::geteuid(), {"status", "{}"}, milliseconds(5000), &why);
    ASSERT_TRUE(reply) << why;
    EXPECT_EQ(reply->text, "\"status\"");
  }
}

TEST_F(ControlServerTest, GarbageGetsAnErrorAndDoesNotDisturbOthers) {
  const auto server = listen();
  const int fd = connect_unix(path, &why);
  ASSERT_GE(fd, 0);
  ASSERT_TRUE(send_all(fd, "\xff\xfe garbage\n{\"verb\":\"next\"}\n"));
  std::string got;
  char bytes[4096];
  while (std::count(got.begin(), got.end(), '\n') < 2) {
    const ssize_t n = ::recv(fd, bytes, sizeof bytes, 0);
    ASSERT_GT(n, 0);
    got.append(bytes, static_cast<size_t>(n));
  }
  EXPECT_NE(got.find("\"ok\":false"), std::string::npos);
  EXPECT_NE(got.find("next"), std::string::npos);
  ::close(fd);
}

TEST_F(ControlServerTest, ALineWithoutAnEndIsCutOff) {
  const auto server = listen();
  const int fd = connect_unix(path, &why);
  ASSERT_GE(fd, 0);
  send_all(fd, std::string(kRequestMax + 10'000, 'x'));
  std::string got;
  char bytes[4096];
  for (ssize_t n; (n = ::recv(fd, bytes, sizeof bytes, 0)) > 0;) {
    got.append(bytes, static_cast<size_t>(n));
  }
  EXPECT_TRUE(got.empty() || got.find("too long") != std::string::npos) << got;
  ::close(fd);
  EXPECT_TRUE(ask(path, ::geteuid(), {"status", "{}"}, milliseconds(5000), &why));
}

TEST_F(ControlServerTest, TakesThePlaceOfASocketThatNobodyListensOn) {
  listen().reset();
  ASSERT_FALSE(std::filesystem::exists(path)) << "it cleans up";
  const int dead = listen_unix(path, false, &why);
  ASSERT_GE(dead, 0);
  ::close(dead);
  ASSERT_TRUE(std::filesystem::exists(path));
  const auto server = listen();
  ASSERT_TRUE(server) << why;
  EXPECT_FALSE(listen()) << "somebody listens now";
  EXPECT_NE(why.find("another process"), std::string::npos) << why;
}

TEST_F(ControlServerTest, ASuccessorTakesThePathAndKeepsItWhenItsPredecessorEnds) {
  auto first = listen();
  auto second = listen([] { return true; });
  ASSERT_TRUE(second) << why;
  first.reset();
  EXPECT_TRUE(ask(path, ::geteuid(), {"status", "{}"}, milliseconds(5000), &why)) << why;
}

// A mount that was taken away before it listens; its device number is another mount's by now.
TEST_F(ControlServerTest, WhoseTheNumberIsNoLongerTakesNothingFromASuccessor) {
  const auto successor = listen([] { return true; });
  ASSERT_TRUE(successor) << why;
  EXPECT_FALSE(listen([] { return false; }));
  EXPECT_NE(why.find(path), std::string::npos) << why;
  EXPECT_TRUE(ask(path, ::geteuid(), {"status", "{}"}, milliseconds(5000), &why)) << why;
}

TEST_F(ControlServerTest, WhoTakesThePathLastKeepsItBesideOneWhoWasNotFastEnough) {
  std::unique_ptr<ControlServer> next;
  std::thread successor;
  auto late = listen([&] {
    successor = std::thread([&] {
      std::string none;
      next = ControlServer::listen(
          path, [] { return true; }, [](const ControlRequest&) { return format_answer("1"); },
          &none);
    });
    std::this_thread::sleep_for(milliseconds(100));  // it was ours when we looked
    return true;
  });
  successor.join();
  late.reset();
  const auto reply = ask(path, ::geteuid(), {"status", "{}"}, milliseconds(5000), &why);
  ASSERT_TRUE(reply) << why;
  EXPECT_EQ(reply->text, "1");
}

TEST_F(ControlServerTest, ASecondWayToItGoesWithIt) {
  auto server = listen();
  const std::string other = folder + "/other.sock";
  server->link_from(other, [] { return true; });
  EXPECT_TRUE(ask(other, ::geteuid(), {"status", "{}"}, milliseconds(5000), &why)) << why;
  server.reset();
  EXPECT_FALSE(std::filesystem::is_symlink(other));
}

TEST_F(ControlServerTest, AClientThatIsSilentDoesNotKeepItFromEnding) {
  auto server = listen();
  const int fd = connect_unix(path, &why);
  ASSERT_GE(fd, 0);
  ASSERT_TRUE(ask(path, ::geteuid(), {"status", "{}"}, milliseconds(5000), &why));
  server.reset();
  ::close(fd);
}

TEST_F(ControlServerTest, NobodyListensIsAnErrorThatNamesTheSocket) {
  EXPECT_FALSE(ask(path, ::geteuid(), {"status", "{}"}, milliseconds(100), &why));
  EXPECT_NE(why.find(path), std::string::npos);
}

// A listener of that user in the folder, until the object goes.
class Stranger {
 public:
  Stranger(const std::string& path, unsigned int user) {
    std::string why;
    listener_ = listen_unix(path, true, &why);
    EXPECT_GE(listener_, 0) << why;
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    child_ = ::fork();
    if (child_ == 0) {
      // The kernel notes who listens when listen() is called.
      const bool ok = ::setresuid(user, user, user) == 0 && ::listen(listener_, 1) == 0;
      (void)!::write(ready[1], "1", ok ? 1 : 0);
      ::close(ready[1]);
      for (;;) {
        const int connection = ::accept(listener_, nullptr, nullptr);
        send_all(connection, format_answer("\"theirs\""));
      }
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
  }
  ~Stranger() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    ::close(listener_);
  }

 private:
  int listener_ = -1;
  pid_t child_ = -1;
};

constexpr unsigned int kUser = 54321, kOther = 54322;

TEST_F(ControlServerTest, OnlyWhoHasMountedIsAsked) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs the rights to become somebody else";
  {
    const Stranger theirs(path, kOther);
    EXPECT_FALSE(ask(path, kUser, {"status", "{}"}, milliseconds(5000), &why));
    EXPECT_NE(why.find("somebody else"), std::string::npos) << why;
  }
  const Stranger theirs(path, kUser);
  EXPECT_TRUE(ask(path, kUser, {"status", "{}"}, milliseconds(5000), &why)) << why;
}

TEST(SocketPath, AFolderInWhichOthersMayPutSomethingIsNoPlaceForASocket) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs the rights to give a folder away";
  const std::string folder = "/tmp/fastmeta-" + std::to_string(kUser);
  const std::string socket = folder + "/0-57.sock";
  const auto offered = [&] {
    const auto all = socket_candidates("0:57", kUser);
    return std::count(all.begin(), all.end(), socket) == 1;
  };
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(offered()) << "there is none yet";
  ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
  ASSERT_EQ(::chown(folder.c_str(), kUser, kUser), 0);
  EXPECT_TRUE(offered());
  ASSERT_EQ(::chmod(folder.c_str(), 0770), 0);
  EXPECT_FALSE(offered());
  ASSERT_EQ(::chmod(folder.c_str(), 0700), 0);
  ASSERT_EQ(::chown(folder.c_str(), kOther, kOther), 0);
  EXPECT_FALSE(offered());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace fastmeta::host
