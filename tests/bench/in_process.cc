// SPDX-License-Identifier: GPL-3.0-or-later
// The plugin in this process, through its contract, in mode fast-meta:
// bench_in_process PLUGIN [inodes] [backlog records] [rtt ms]
// Prints microseconds per operation among 10,000 cached inodes and among `inodes`, memory and
// disk that these take, and how long a start needs that finds a backlog.
#include <dlfcn.h>
#include <fcntl.h>
#include <mdp/plugin.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/fault_proxy.h"
#include "support/redis_server.h"
#include "util/check.h"

namespace {

using fastmeta::test::FaultProxy;
using fastmeta::test::RedisServer;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr size_t kFew = 10'000;
constexpr size_t kFolder = 10'000;  // files each
constexpr int kWhy = 500;

const mdp_ops* ops = nullptr;
const mdp_caller who = [] {
  mdp_caller caller{};
  caller.struct_size = sizeof caller;
  return caller;
}();

mdp_host quiet_host() {
  mdp_host host{};
  host.struct_size = sizeof host;
  host.abi_major = MDP_ABI_MAJOR;
  host.abi_minor = MDP_ABI_MINOR;
  host.log = [](void*, int level, const char* text, size_t len) {
    if (level >= MDP_LOG_ERROR) std::fprintf(stderr, "%.*s\n", static_cast<int>(len), text);
  };
  host.invalidate_inode = [](void*, uint64_t, uint32_t) {};
  host.invalidate_entry = [](void*, uint64_t, const char*, size_t) {};
  host.invalidate_all = [](void*) {};
  host.invalidate_barrier = [](void*, uint32_t) { return 0; };
  host.delete_slice = [](void*, uint64_t, uint32_t) { return 0; };
  host.slice_is_durable = [](void*, uint64_t, uint32_t) { return 1; };
  return host;
}

class Volume {
 public:
  Volume(const std::string& url, const fs::path& cache) : host_(quiet_host()) {
    mdp_open_args args{};
    args.struct_size = sizeof args;
    args.meta_url = url.c_str();
    const std::string dir = cache.string();
    args.cache_dir = dir.c_str();
    const char* options[] = {"mode=fast-meta", "cache.max-size=20GiB",
                             "backlog.records-max=20000000",
                             "backlog.bytes-max=20GiB",
                             "ids.inode-reserve=1048576"};
    args.options = options;
    args.option_count = std::size(options);
    char why[kWhy] = "";
    if (ops->open(&args, &host_, &volume_, why, sizeof why) != 0 ||
        ops->start(volume_, why, sizeof why) != 0) {
      std::fprintf(stderr, "%s\n", why);
      std::exit(1);
    }
  }
  ~Volume() { close(MDP_STOP_KEEP); }
  void close(int mode) {
    if (!volume_) return;
    ops->stop(volume_, mode, 3'600'000);
    ops->close(volume_);
    volume_ = nullptr;
  }
  mdp_volume* get() const { return volume_; }
  mdp_health health() const {
    mdp_health health{};
    health.struct_size = sizeof health;
    ops->health(volume_, &health);
    return health;
  }
  template <typename Done>
  void wait(Done done) const {
    while (!done(health())) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  void writable() const {
    wait([](const mdp_health& h) { return h.state == MDP_WRITABLE; });
  }
  void drained() const {
    wait([](const mdp_health& h) { return h.backlog == 0; });
  }

 private:
  mdp_host host_;
  mdp_volume* volume_ = nullptr;
};

void must(int rc) {
  if (rc == 0) return;
  std::fprintf(stderr, "an operation failed: %s\n", std::strerror(-rc));
  std::exit(1);
}

template <typename Each>
double micros(size_t count, Each each) {
  const auto begin = Clock::now();
  for (size_t i = 0; i < count; ++i) each(i);
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count() /
         static_cast<double>(count);
}

struct File {
  uint64_t folder = 0, ino = 0;
  std::string name() const { return "file" + std::to_string(ino); }
};

uint64_t make_folder(const Volume& volume, size_t number) {
  const std::string name = "folder" + std::to_string(number);
  mdp_entry made;
  must(ops->mkdir(volume.get(), &who, MDP_ROOT_INO, name.data(), name.size(), 0755, &made));
  return made.attr.ino;
}

// Named after a running number; their inodes are what the plugin says.
struct Population {
  std::vector<File> files;
  std::vector<std::string> names;
  size_t folders = 0;

  double grow(const Volume& volume, size_t count) {
    uint64_t folder = 0;
    double spent = 0;
    while (files.size() < count) {
      if (files.size() % kFolder == 0) folder = make_folder(volume, folders++);
      std::string name = "file" + std::to_string(files.size());
      mdp_entry made;
      const auto begin = Clock::now();
      must(ops->mknod(volume.get(), &who, folder, name.data(), name.size(), S_IFREG | 0644, 0,
                      &made));
      spent += std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
      files.push_back({folder, made.attr.ino});
      names.push_back(std::move(name));
    }
    return spent / static_cast<double>(count);
  }
};

struct Reads {
  double lookup = 0, getattr = 0;
};
Reads random_reads(const Volume& volume, const Population& all) {
  std::mt19937_64 random(7);
  std::vector<size_t> order(std::min<size_t>(all.files.size(), 100'000));
  for (size_t& at : order) at = random() % all.files.size();
  mdp_entry found;
  Reads reads;
  for (int warm = 0; warm < 2; ++warm) {
    reads.lookup = micros(order.size(), [&](size_t i) {
      const std::string& name = all.names[order[i]];
      must(ops->lookup(volume.get(), &who, all.files[order[i]].folder, name.data(), name.size(),
                       &found));
    });
    reads.getattr = micros(order.size(), [&](size_t i) {
      must(ops->getattr(volume.get(), &who, all.files[order[i]].ino, &found));
    });
  }
  return reads;
}

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

// Of the tables whose file is called so; empty: of all.
uint64_t disk_bytes(const fs::path& dir, const std::string& table = {}) {
  uint64_t sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    const fs::path& path = entry.path();
    if (path.extension() == ".wt" && (table.empty() || path.stem() == table))
      sum += entry.file_size();
  }
  return sum;
}

void writes(const Volume& volume) {
  const uint64_t folder = make_folder(volume, 999'999);
  mdp_dir* dir = nullptr;
  must(ops->opendir(volume.get(), &who, folder, &dir));
  ops->closedir(volume.get(), dir);
  const size_t count = 20'000;
  std::vector<uint64_t> inodes(count);
  const auto name = [](size_t i) { return "w" + std::to_string(i); };
  mdp_entry made;
  const double create = micros(count, [&](size_t i) {
    must(ops->mknod(volume.get(), &who, folder, name(i).data(), name(i).size(), S_IFREG | 0644, 0,
                    &made));
    inodes[i] = made.attr.ino;
  });
  mdp_setattr set{};
  set.struct_size = sizeof set;
  set.set = MDP_SET_MODE;
  set.mode = 0600;
  const double chmod = micros(count, [&](size_t i) {
    must(ops->setattr(volume.get(), &who, inodes[i], &set, &made));
  });
  const double rename = micros(count, [&](size_t i) {
    const std::string to = "r" + std::to_string(i);
    must(ops->rename(volume.get(), &who, folder, name(i).data(), name(i).size(), folder, to.data(),
                     to.size(), 0));
  });
  const double unlink = micros(count, [&](size_t i) {
    const std::string to = "r" + std::to_string(i);
    must(ops->unlink(volume.get(), &who, folder, to.data(), to.size()));
  });
  std::printf("create %.1f µs, chmod %.1f µs, rename %.1f µs, unlink %.1f µs\n", create, chmod,
              rename, unlink);
}

void show(const char* what, size_t inodes, const Reads& reads) {
  std::printf("%s: %zu inodes: lookup %.2f µs, getattr %.2f µs\n", what, inodes, reads.lookup,
              reads.getattr);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_in_process PLUGIN [inodes] [backlog records] [rtt ms]\n");
    return 2;
  }
  const size_t many = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1'000'000;
  const size_t backlog = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 100'000;
  const int rtt_ms = argc > 4 ? std::atoi(argv[4]) : 30;
  void* plugin = dlopen(argv[1], RTLD_NOW);
  void* found = plugin ? dlsym(plugin, MDP_PLUGIN_ENTRY_NAME) : nullptr;
  if (!found) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  ops = reinterpret_cast<mdp_plugin_entry_fn>(found)();

  RedisServer server;
  mdp_open_args args{};
  args.struct_size = sizeof args;
  const std::string url = server.url();
  args.meta_url = url.c_str();
  char why[kWhy] = "";
  must(ops->format(&args, R"({"Name":"bench","Storage":"file","Bucket":"/nowhere/","TrashDays":0})",
                   0, why, sizeof why));
  const fs::path cache = server.folder() / "cache";
  {
    Volume volume(url, cache);
    volume.writable();
    writes(volume);
    Population all;
    all.grow(volume, kFew);
    const Reads few = random_reads(volume, all);
    show("few", kFew, few);
    const uint64_t rss = resident_bytes();
    const double create = all.grow(volume, many);
    std::printf("%zu more creates: %.1f µs each\n", many - kFew, create);
    volume.drained();
    const Reads lots = random_reads(volume, all);
    show("many", many, lots);
    std::printf("slow-down %.2f; memory %llu MB more, in which this program's lists are %zu MB\n",
                std::max(lots.lookup / few.lookup, lots.getattr / few.getattr),
                static_cast<unsigned long long>((resident_bytes() - rss) >> 20),
                (many * (sizeof(File) + sizeof(std::string))) >> 20);
    volume.close(MDP_STOP_DRAIN);
    std::printf("disk %.0f bytes per inode, with all changes that are still kept %.0f\n",
                static_cast<double>(disk_bytes(cache, "rows")) / static_cast<double>(many),
                static_cast<double>(disk_bytes(cache)) / static_cast<double>(many));
    std::fflush(stdout);
  }
  FaultProxy proxy(server.port());
  uint64_t left = 0;
  {
    Volume volume(proxy.url(), cache);
    volume.writable();
    const uint64_t folder = make_folder(volume, 1'000'000);
    volume.drained();
    mdp_dir* dir = nullptr;
    must(ops->opendir(volume.get(), &who, folder, &dir));
    ops->closedir(volume.get(), dir);
    proxy.delay(std::chrono::seconds(1));
    mdp_entry made;
    for (size_t i = 0; i < backlog; ++i) {
      const std::string name = "b" + std::to_string(i);
      must(ops->mknod(volume.get(), &who, folder, name.data(), name.size(), S_IFREG | 0644, 0,
                      &made));
    }
    left = volume.health().backlog;
  }
  proxy.delay(std::chrono::milliseconds(rtt_ms) / 2);
  const auto begin = Clock::now();
  Volume volume(proxy.url(), cache);
  volume.writable();
  std::printf("a start with %llu changes pending, rtt %d ms: writable after %.2f s\n",
              static_cast<unsigned long long>(left), rtt_ms,
              std::chrono::duration<double>(Clock::now() - begin).count());
  return 0;
}
