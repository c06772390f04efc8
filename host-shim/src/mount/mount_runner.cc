// SPDX-License-Identifier: GPL-3.0-or-later
#include "mount/mount_runner.h"

#include <fastmeta/version.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "cli/exit_code.h"
#include "control/server.h"
#include "control/socket_path.h"
#include "daemon/daemonize.h"
#include "daemon/death_watch.h"
#include "daemon/log.h"
#include "daemon/process.h"
#include "daemon/signals.h"
#include "fuse/session.h"
#include "kernel/notifier.h"
#include "mount/host_callbacks.h"
#include "mount/mounted.h"
#include "mount/volume_format.h"

namespace fastmeta::host {
namespace {

using std::chrono::milliseconds;

int fail(int code, const std::string& why) {
  std::fprintf(stderr, "fastmeta: %s\n", why.c_str());
  return code;
}

uint32_t to_ms(milliseconds duration) { return static_cast<uint32_t>(duration.count()); }

KernelView::Limits limits_of(const KernelCacheConfig& config) {
  KernelView::Limits limits;
  limits.rows_max = config.table_entries;
  limits.entry_ms = to_ms(config.entry_timeout);
  limits.attr_ms = to_ms(config.attr_timeout);
  limits.negative_ms = to_ms(config.negative_timeout);
  return limits;
}

SessionOptions session_options(const MountRequest& request, const std::string& volume) {
  const HostConfig& config = request.config;
  SessionOptions out;
  out.mount_point = *request.volume.mount_point;
  out.fsname = !request.fsname.empty()        ? request.fsname
               : !config.mount.fsname.empty() ? config.mount.fsname
                                              : "fastmeta:" + volume;
  out.allow_other = request.allow_other.value_or(config.mount.allow_other);
  out.read_only = request.volume.read_only;
  out.options = config.mount.options;
  out.options.insert(out.options.end(), request.options.begin(), request.options.end());
  out.threads_idle_max = config.threads_idle_max;
  out.threads_max = config.threads_max;
  return out;
}

// The default path names the mount's device. Another path asked for is found by the
// other commands through a link at the default one.
std::unique_ptr<ControlServer> open_control(const MountRequest& request, const LogFn& log,
                                            const std::optional<MountPoint>& mount,
                                            const Session& session, const Mounted& mounted) {
  std::string why = "control socket: the mount is not in /proc/self/mountinfo";
  const auto usual = mount ? own_socket_path(mount->device, &why) : std::nullopt;
  const std::string& asked = request.config.control_socket;
  const std::string path = !asked.empty() ? asked : usual.value_or("");
  // The number of a device that is gone is given to the next one.
  const ControlServer::Ours ours = [&session] { return session.connected(); };
  std::unique_ptr<ControlServer> server;
  if (!path.empty()) {
    server = ControlServer::listen(
        path, asked.empty() ? ours : nullptr,
        [&mounted](const ControlRequest& r) { return answer_control(mounted, r); }, &why);
  }
  if (server == nullptr) {
    log(MDP_LOG_WARN, why + "; status and other commands cannot reach this mount");
  } else if (!asked.empty() && usual) {
    server->link_from(*usual, ours);
  }
  return server;
}

// Everything between the volume and the kernel. Members are taken down in reverse.
class Service {
 public:
  Service(const MountRequest& request, const Plugin& plugin, OpenVolume& volume,
          HostCallbacks& callbacks, const LogFn& log, DeathWatch* watch)
      : request_(request),
        plugin_(plugin),
        volume_(volume),
        callbacks_(callbacks),
        log_(log),
        watch_(watch),
        view_(limits_of(request.config.kernel)) {}

  // Up to the mount. 0 or an exit code.
  int start(std::string* why);
  int serve();
  // Everything that is buffered goes out; whether all of it did.
  bool stop();
  const VolumeFormat& format() const { return format_; }

 private:
  int start_parts(std::string* why);

  const MountRequest& request_;
  const Plugin& plugin_;
  OpenVolume& volume_;
  HostCallbacks& callbacks_;
  const LogFn& log_;
  DeathWatch* const watch_;  // null when there is none

  VolumeFormat format_;
  KernelView view_;
  FusePort port_;
  std::unique_ptr<DataEngine> data_;
  std::unique_ptr<Notifier> notifier_;
  std::unique_ptr<FileSystem> fs_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Mounted> mounted_;
  std::unique_ptr<ControlServer> control_;
};

int Service::start(std::string* why) {
  std::string json;
  if (const int rc = volume_.describe(&json); rc != 0) {
    *why = std::string("the plugin does not describe the volume: ") + ::strerror(-rc);
    return kFailed;
  }
  const auto format = parse_volume_format(json, why);
  if (!format) return kUsage;
  format_ = *format;
  const int code = start_parts(why);
  // What has started is taken down in the same order as after a mount.
  if (code != kOk) stop();
  return code;
}

int Service::start_parts(std::string* why) {
  const mdp_ops& ops = plugin_.ops();
  data_ = DataEngine::open(format_, request_.config.data, &ops, volume_.get(), log_, why);
  if (data_ == nullptr) return kFailed;
  callbacks_.serve(&view_, data_.get());
  notifier_ = std::make_unique<Notifier>(view_, port_,
                                         [this](uint64_t ino) { data_->invalidate(ino); });
  fs_.reset(new FileSystem{ops, volume_.get(), *data_, view_, port_, log_, {}, {}, {}, {}, {}, {}});
  session_ = Session::create(*fs_, port_, session_options(request_, format_.name), why);
  if (session_ == nullptr) return kUsage;

  notifier_->start();
  if (const int rc = volume_.start(why); rc != 0) return exit_code_of(rc);
  data_->start();
  if (!session_->mount(why)) return kFailed;
  mounted_.reset(new Mounted{plugin_, volume_.get(), *data_, view_, format_.name,
                             *request_.volume.mount_point, std::time(nullptr)});
  const auto mount = find_mount(*request_.volume.mount_point);
  if (watch_ != nullptr && mount) watch_->mounted(mount->device);
  control_ = open_control(request_, log_, mount, *session_, *mounted_);
  return kOk;
}

int Service::serve() {
  const EndSignals signals(
      [this](int signal) {
        log_(MDP_LOG_INFO, std::string("unmounting: ") + ::strsignal(signal));
        session_->end();
      },
      [this](int signal) {
        log_(MDP_LOG_WARN, std::string("still unmounting, ignored: ") + ::strsignal(signal));
      });
  const int rc = session_->serve();
  session_->unmount();
  if (watch_ != nullptr) watch_->unmounted();
  if (rc != 0) log_(MDP_LOG_ERROR, std::string("session: ") + ::strerror(-rc));
  const bool stored = stop();
  return rc == 0 && stored ? kOk : kFailed;
}

bool Service::stop() {
  control_.reset();
  const milliseconds timeout = request_.config.stop_timeout;
  bool all = true;
  const auto check = [&](int rc, const char* what) {
    if (rc == 0) return;
    all = false;
    log_(MDP_LOG_ERROR, std::string(what) + ": " + ::strerror(-rc));
  };
  if (fs_ != nullptr) fs_->lock_waiters.stop();
  if (data_ != nullptr) check(data_->stop(timeout), "storing what was buffered");
  if (fs_ != nullptr) close_left_open(*fs_);
  if (const int rc = volume_.stop(timeout); rc == -EAGAIN) {
    log_(MDP_LOG_WARN, std::to_string(volume_.left()) +
                           " changes are not sent yet; they are kept for the next mount");
  } else {
    check(rc, "stopping the plugin");
  }
  if (notifier_ != nullptr) notifier_->stop();
  callbacks_.serve(nullptr, nullptr);
  return all;
}

}  // namespace

int run_mount(const MountRequest& request) {
  Background background(request.foreground);
  EndSignals::block();
  std::string why, unwatched;
  const auto watch = DeathWatch::start(*request.volume.mount_point, &unwatched);
  Log log;
  if (!log.open(request.config.log, !request.foreground, "fastmeta", &why)) {
    return fail(kUsage, why);
  }
  const LogFn log_fn = log.fn();
  if (watch == nullptr) log_fn(MDP_LOG_WARN, "nobody watches for our death: " + unwatched);
  const auto plugin = Plugin::load(request.plugin, &why);
  if (plugin == nullptr) return fail(kFailed, why);

  HostCallbacks callbacks(log_fn);
  int result = 0;
  const auto volume =
      OpenVolume::open(plugin->ops(), request.volume, callbacks.table(), &result, &why);
  if (volume == nullptr) return fail(exit_code_of(result), why);

  Service service(request, *plugin, *volume, callbacks, log_fn, watch.get());
  if (const int code = service.start(&why); code != kOk) return fail(code, why);
  log_fn(MDP_LOG_INFO, "volume " + service.format().name + " is mounted on " +
                           *request.volume.mount_point + " by fastmeta " + FASTMETA_VERSION +
                           ", plugin " + plugin->ops().name + " " + plugin->ops().version);
  background.ready();
  const int code = service.serve();
  log_fn(MDP_LOG_INFO, *request.volume.mount_point + " is unmounted");
  return code;
}

}  // namespace fastmeta::host
