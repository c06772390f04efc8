// SPDX-License-Identifier: GPL-3.0-or-later
#include "loader/plugin_loader.h"

#include <fastmeta/version.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace fastmeta::host {
namespace {

struct LoaderTest : testing::Test {
  LoaderTest() {
    std::string name = testing::TempDir() + "loader-XXXXXX";
    folder = ::mkdtemp(name.data());
  }
  ~LoaderTest() override {
    std::filesystem::remove_all(folder);
    ::unsetenv("FASTMETA_PLUGIN");
  }
  // The message with which the file is refused.
  std::string refused(const std::string& path) {
    std::string why;
    EXPECT_FALSE(Plugin::load(path, &why));
    EXPECT_NE(why.find(path), std::string::npos) << why;
    return why;
  }
  std::string folder;
};

TEST_F(LoaderTest, AFileThatIsNotThere) {
  EXPECT_NE(refused(folder + "/none.so").find("cannot be read"), std::string::npos);
}

TEST_F(LoaderTest, AFolder) {
  EXPECT_NE(refused(folder).find("not a file"), std::string::npos);
}

TEST_F(LoaderTest, AFileThatIsNoSharedObject) {
  std::ofstream(folder + "/text.so") << "#!/bin/sh\n";
  EXPECT_NE(refused(folder + "/text.so").find("not a shared object"), std::string::npos);
  std::ofstream(folder + "/empty.so").flush();
  EXPECT_NE(refused(folder + "/empty.so").find("not a shared object"), std::string::npos);
}

TEST_F(LoaderTest, ASharedObjectThatIsCut) {
  std::ofstream(folder + "/cut.so", std::ios::binary) << "\177ELF" << std::string(100, '\0');
  EXPECT_NE(refused(folder + "/cut.so").find("cannot be loaded"), std::string::npos);
}

TEST_F(LoaderTest, ASharedObjectThatIsNoPlugin) {
  for (const char* library : {"/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6",
                              "/lib64/libm.so.6"}) {
    if (!std::filesystem::exists(library)) continue;
    EXPECT_NE(refused(library).find("not a metadata plugin"), std::string::npos);
    return;
  }
  GTEST_SKIP() << "no library at hand";
}

TEST_F(LoaderTest, TheCommandLineWinsOverTheEnvironment) {
  ::setenv("FASTMETA_PLUGIN", "/from/env.so", 1);
  std::string why;
  EXPECT_EQ(find_plugin("/asked/for.so", &why), "/asked/for.so");
  EXPECT_EQ(find_plugin("", &why), "/from/env.so");
}

TEST_F(LoaderTest, LooksBesideTheCommandThenInTheLibrariesFolder) {
  const auto path = plugin_search_path("/opt/x/bin/fastmeta");
  ASSERT_EQ(path.size(), 2u);
  EXPECT_EQ(path[0], "/opt/x/bin/fastmeta.so");
  EXPECT_EQ(path[1].substr(0, 10), "/opt/x/lib");
  EXPECT_NE(path[1].find("/fastmeta/fastmeta.so"), std::string::npos);
}

}  // namespace
}  // namespace fastmeta::host
