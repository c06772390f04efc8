// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a configuration file of the host, and its lines as settings: effective values or
// an error with a text.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "config/host_config.h"

namespace {

void check(bool holds) {
  if (!holds) __builtin_trap();
}

// A file without a disk.
class File {
 public:
  explicit File(const std::string& text) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    check(fd_ >= 0 && ::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~File() { ::close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  const int fd_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fastmeta::host;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const File file(text);
  std::vector<std::string> settings;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) settings.push_back("host." + line);
  const auto judge = [](const std::optional<std::string>& path,
                        const std::vector<std::string>& options) {
    std::string why;
    const auto loaded = load_host_config(path, options, &why);
    check(loaded ? why.empty() && !loaded->effective_json.empty() : !why.empty());
  };
  judge(file.path(), {});
  judge(std::nullopt, settings);
  return 0;
}
