// SPDX-License-Identifier: GPL-3.0-or-later
// A disk that fills up, in a file system of the test's own.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "rig.h"

namespace fastmeta::store::test {
namespace {

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=256m") != 0)
      GTEST_SKIP() << "needs the right to mount";
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(dir_.path().c_str(), MNT_DETACH);
  }
  void take_space(uint64_t bytes) {
    const int fd = ::open((dir_ / "ballast").c_str(), O_WRONLY | O_CREAT, 0600);
    ASSERT_EQ(::posix_fallocate(fd, 0, static_cast<off_t>(bytes)), 0);
    ::close(fd);
  }
  // Commits until one is refused; the number of those that were not.
  static uint64_t write_until_refused(Store& store, Error& error) {
    for (uint64_t n = 0;; ++n) {
      auto tx = store.begin();
      auto done = tx ? (*tx)->put(Table::kOplog, number_key(n), std::string(100000, 'x'))
                     : Result<void>(tx.error());
      if (done) done = (*tx)->commit();
      if (done) continue;
      error = done.error();
      return n;
    }
  }

  TempDir dir_;
  bool mounted_ = false;
};

// Without a reserve WiredTiger most often panics: this process is done with it. The next
// one has all that was acknowledged.
TEST_F(FullDisk, LatchesUntilTheNextProcessWhichHasAllThatWasAcknowledged) {
  take_space(uint64_t{96} << 20);
  const StoreOptions options = options_in(dir_ / "store");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int status = in_child([&] {
    auto store = must_open(options);
    Error error;
    const uint64_t written = write_until_refused(*store, error);
    const auto latched = [](const auto& result) {
      return !result && result.error().fault == Fault::kLocalStore && result.error().code == EIO;
    };
    MDP_CHECK(error.fault == Fault::kLocalStore && error.code == EIO);
    MDP_CHECK(latched(store->begin()) && latched(store->may_write()) && latched(store->sync()));
    MDP_CHECK(latched(store->checkpoint()) && latched(store->verify()));
    MDP_CHECK(latched(store->compact()) && latched(store->close_clean()));
    store.reset();  // does not hang
    // In use for ever where it had panicked. Else the disk is still full, if closing left no room.
    const auto again = Store::open(options, Log());
    MDP_CHECK(again || again.error().fault == Fault::kConfig ||
              again.error().fault == Fault::kLocalStore);
    if (again) MDP_CHECK(all(**again, Table::kOplog).size() >= written);
    return ::write(ends[1], &written, sizeof written) == sizeof written ? 0 : 1;
  });
  ASSERT_EQ(status, 0);
  uint64_t written = 0;
  ASSERT_EQ(::read(ends[0], &written, sizeof written), static_cast<ssize_t>(sizeof written));
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_GT(written, 100U);

  std::filesystem::remove(dir_ / "ballast");
  auto store = must_open(options);
  EXPECT_TRUE(store->unclean_start());
  EXPECT_GE(all(*store, Table::kOplog).size(), written);
  EXPECT_EQ(*store->verify(), "");
}

TEST_F(FullDisk, WithAReserveRefusesWithoutHarm) {
  StoreOptions options = options_in(dir_ / "store");
  options.free_space_reserve = uint64_t{128} << 20;
  options.checkpoint_log_bytes = uint64_t{8} << 20;
  auto store = must_open(options);
  Error error;
  const uint64_t written = write_until_refused(*store, error);
  EXPECT_EQ(error.fault, Fault::kLocalStore);
  EXPECT_EQ(error.code, ENOSPC);
  EXPECT_EQ(store->may_write().error().code, ENOSPC);
  EXPECT_EQ(all(*store, Table::kOplog).size(), written);
  EXPECT_TRUE(store->sync());
  EXPECT_TRUE(store->checkpoint());
  EXPECT_TRUE(store->close_clean());
}

}  // namespace
}  // namespace fastmeta::store::test
