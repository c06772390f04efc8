// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuse/session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "daemon/fuse_connection.h"
#include "fuse/handlers.h"

namespace fastmeta::host {

namespace {

constexpr unsigned int kRequestsInBackground = 128;

// Only what differs from libfuse's own choice.
void choose_capabilities(const mdp_ops& ops, fuse_conn_info* conn) {
  const auto want = [&](unsigned int bit, bool on) {
    if (on) {
      conn->want |= conn->capable & bit;
    } else {
      conn->want &= ~bit;
    }
  };
  want(FUSE_CAP_PARALLEL_DIROPS, true);
  want(FUSE_CAP_ASYNC_DIO, true);
  want(FUSE_CAP_AUTO_INVAL_DATA, true);
  // The kernel would have us truncate before it sees that the file is a program that runs.
  want(FUSE_CAP_ATOMIC_O_TRUNC, false);
  want(FUSE_CAP_DONT_MASK, true);  // the plugin applies the umask
  want(FUSE_CAP_CACHE_SYMLINKS, true);  // a symlink never changes its target
  want(FUSE_CAP_READDIRPLUS, ops.readdirplus != nullptr);
  want(FUSE_CAP_READDIRPLUS_AUTO, ops.readdirplus != nullptr);
  want(FUSE_CAP_POSIX_LOCKS, ops.setlk != nullptr && ops.getlk != nullptr);
  want(FUSE_CAP_FLOCK_LOCKS, ops.flock != nullptr);
  // The kernel asks for setuid and setgid to be cleared by setattr, in time.
  want(FUSE_CAP_HANDLE_KILLPRIV, false);
  conn->max_background = kRequestsInBackground;
  conn->congestion_threshold = kRequestsInBackground * 3 / 4;
  conn->time_gran = 1;
}

void on_init(void* userdata, fuse_conn_info* conn) {
  FileSystem& fs = *static_cast<FileSystem*>(userdata);
  choose_capabilities(fs.ops, conn);
#ifdef FUSE_CAP_EXPIRE_ONLY
  static_cast<FusePort&>(fs.port).can_expire((conn->capable & FUSE_CAP_EXPIRE_ONLY) != 0);
#endif
}

fuse_lowlevel_ops handlers(const mdp_ops& ops) {
  fuse_lowlevel_ops out{};
  out.init = on_init;
  add_name_handlers(ops, &out);
  add_attr_handlers(ops, &out);
  add_xattr_handlers(ops, &out);
  add_dir_handlers(ops, &out);
  add_file_handlers(ops, &out);
  add_data_handlers(ops, &out);
  add_lock_handlers(ops, &out);
  add_flag_handlers(ops, &out);
  return out;
}

// Commas and backslashes separate options.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == ',' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string option_list(const SessionOptions& options) {
  std::string list = "default_permissions,subtype=fastmeta,fsname=" + escaped(options.fsname);
  if (options.allow_other) list += ",allow_other";
  if (options.read_only) list += ",ro";
  for (const std::string& option : options.options) list += "," + option;
  return list;
}

// Only to interrupt waiting.
void on_wake(int) {}

// Before anybody may send it: unhandled it would end the process.
void accept_wake_signal() {
  struct sigaction wake{};
  wake.sa_handler = on_wake;  // without SA_RESTART
  sigaction(SIGUSR2, &wake, nullptr);
  sigset_t usr2;
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  pthread_sigmask(SIG_UNBLOCK, &usr2, nullptr);
}

}  // namespace

Session::Session(FileSystem& fs, FusePort& port, SessionOptions options)
    : fs_(fs), port_(port), options_(std::move(options)) {
  accept_wake_signal();
}

std::unique_ptr<Session> Session::create(FileSystem& fs, FusePort& port,
                                         const SessionOptions& options, std::string* why) {
  std::unique_ptr<Session> out(new Session(fs, port, options));
  const std::string list = option_list(options);
  std::string words[] = {"fastmeta", "-o", list};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data()};
  fuse_args args = FUSE_ARGS_INIT(3, argv);
  const fuse_lowlevel_ops ops = handlers(fs.ops);
  out->session_ = fuse_session_new(&args, &ops, sizeof ops, &fs);
  fuse_opt_free_args(&args);
  if (out->session_ == nullptr) {
    *why = "mount options not accepted: " + list;
    return nullptr;
  }
  return out;
}

Session::~Session() {
  port_.close();
  unmount();
  if (session_ != nullptr) fuse_session_destroy(session_);
}

bool Session::mount(std::string* why) {
  if (fuse_session_mount(session_, options_.mount_point.c_str()) != 0) {
    *why = "cannot mount on " + options_.mount_point + " (reason above)";
    return false;
  }
  mounted_ = true;
  mount_ = mount_seen_at(options_.mount_point);
  port_.open(session_);
  return true;
}

int Session::serve() {
  fuse_loop_config* config = fuse_loop_cfg_create();
  fuse_loop_cfg_set_idle_threads(config, options_.threads_idle_max);
  fuse_loop_cfg_set_max_threads(config, options_.threads_max);
  const int rc = fuse_session_loop_mt(session_, config);
  fuse_loop_cfg_destroy(config);
  left_ = true;
  return rc > 0 ? 0 : rc;
}

bool Session::seen() const {
  const auto now = mount_seen_at(options_.mount_point);
  return mount_ && now && now->id == mount_->id && connected();
}

bool Session::connected() const {
  pollfd connection{fuse_session_fd(session_), 0, 0};
  return ::poll(&connection, 1, 0) == 0;
}

void Session::end() {
  const bool ours = seen();
  if (ours && unmount_unused(options_.mount_point) == 0) return wake_until_left();
  // In use: what programs have written through mappings comes to us now or never.
  const int fd =
      ours ? ::open(options_.mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    ::syncfs(fd);
    ::close(fd);
    wait_for_mapped_writes();
  }
  forced_ = true;
  wake_until_left();
}

// The kernel has sent all mapped pages when syncfs returns, but does not wait for our
// answers.
void Session::wait_for_mapped_writes() {
  using std::chrono::milliseconds;
  constexpr milliseconds kLook{50};
  constexpr int kQuietLooks = 3;
  constexpr int kLooksMax = 200;
  uint64_t seen = fs_.mapped_writes;
  for (int look = 0, quiet = 0; look < kLooksMax && quiet < kQuietLooks; ++look) {
    std::this_thread::sleep_for(kLook);
    const uint64_t now = fs_.mapped_writes;
    quiet = now == seen && fs_.mapped_writes_now == 0 ? quiet + 1 : 0;
    seen = now;
  }
}

// libfuse looks at its flag only between waits, and a signal that comes just before
// it waits is lost: so more than one.
void Session::wake_until_left() {
  using std::chrono::milliseconds;
  // Unmounted, the loop ends by itself as soon as the kernel says so.
  for (int round = 0; !left_; ++round) {
    if (forced_ || round > 50) fuse_session_exit(session_);
    if (forced_ || round > 50) pthread_kill(serving_, SIGUSR2);
    std::this_thread::sleep_for(milliseconds(20));
  }
}

void Session::unmount() {
  if (!mounted_) return;
  mounted_ = false;
  // Whoever still waits for an answer holds locks in the kernel that a notice may
  // be waiting for: end both before the session is taken down.
  const bool ours = seen();
  if (mount_ && connected() && (forced_ || !ours)) abort_connection(mount_->device);
  if (forced_ && ours) unmount_by_force(options_.mount_point);
  port_.close();
  // By path too, unless the connection has ended.
  if (ours || !connected()) fuse_session_unmount(session_);
}

}  // namespace fastmeta::host
