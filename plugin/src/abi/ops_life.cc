// SPDX-License-Identifier: GPL-3.0-or-later
// Life cycle and inspection.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "abi/convert.h"
#include "abi/handle.h"
#include "abi/ops.h"
#include "config/plugin_config.h"
#include "engine/fastmeta/inspect.h"

namespace fastmeta::abi {

namespace {

void say(const std::string& text, char* why, size_t cap) {
  if (!why || cap == 0) return;
  const size_t n = std::min(text.size(), cap - 1);
  std::memcpy(why, text.data(), n);
  why[n] = '\0';
}

// The frame of the calls that answer with a text.
template <typename Call>
int explained(char* why, size_t cap, Call&& call) noexcept {
  try {
    Result<void> done = call();
    if (done) return 0;
    say(done.error().text, why, cap);
    // A host tells a server that is away from a volume that is wrong.
    const Fault fault = done.error().fault;
    if (fault == Fault::kUnreachable || fault == Fault::kDisconnected) return -EHOSTUNREACH;
    return done.error().code > 0 ? -done.error().code : -EIO;
  } catch (const std::bad_alloc&) {
    say("out of memory", why, cap);
    return -ENOMEM;
  } catch (const std::exception& e) {
    say(e.what(), why, cap);
    return -EIO;
  }
}

mdp_open_args known_args(const mdp_open_args* args) {
  mdp_open_args copy{};
  std::memcpy(&copy, args, std::min<size_t>(args->struct_size, sizeof copy));
  return copy;
}

Result<config::PluginConfig> load_config(const mdp_open_args& args) {
  auto text = [](const char* s) { return s ? std::optional<std::string>(s) : std::nullopt; };
  std::vector<std::string> options;
  for (size_t i = 0; i < args.option_count; ++i) options.emplace_back(args.options[i]);
  return config::load_plugin_config(text(args.config_file), text(args.meta_url),
                                    text(args.cache_dir), options);
}

int probe(const mdp_open_args* args, char* json, size_t cap, char* why, size_t why_cap) {
  int fits = 0;
  const int done = explained(why, why_cap, [&]() -> Result<void> {
    MDP_TRY(auto config, load_config(known_args(args)));
    fits = put_text(config.effective_json, json, cap);
    return {};
  });
  return done != 0 ? done : fits;
}

int format(const mdp_open_args* args, const char* settings, int force, char* why,
           size_t why_cap) {
  return explained(why, why_cap, [&]() -> Result<void> {
    MDP_TRY(auto config, load_config(known_args(args)));
    return engine::format_volume(config, settings, force != 0, Log());
  });
}

int open(const mdp_open_args* args, const mdp_host* host, mdp_volume** out, char* why,
         size_t why_cap) {
  return explained(why, why_cap, [&]() -> Result<void> {
    const mdp_open_args a = known_args(args);
    if (host->abi_major != MDP_ABI_MAJOR)
      return Error{Fault::kConfig, EINVAL,
                   fmt::format("the host speaks major version {} of the contract, this plugin {}",
                               host->abi_major, MDP_ABI_MAJOR)};
    MDP_TRY(auto config, load_config(a));
    auto handle = std::make_unique<mdp_volume>(*host);
    engine::Volume::Options options;
    options.read_only = (a.flags & MDP_OPEN_READ_ONLY) != 0;
    options.mount_point = a.mount_point ? a.mount_point : "";
    MDP_TRY(handle->volume,
            engine::Volume::open(std::move(config), std::move(options), *handle, handle->log));
    *out = handle.release();
    return {};
  });
}

int start(mdp_volume* v, char* why, size_t why_cap) {
  return explained(why, why_cap, [&] { return v->volume->start(); });
}

int stop(mdp_volume* v, int mode, uint32_t timeout_ms) {
  return guarded(v, "stop", [&] {
    std::chrono::milliseconds wait(mode == MDP_STOP_DRAIN ? timeout_ms : 0);
    if (mode == MDP_STOP_WAIT_CONFIGURED) wait = v->volume->config().drain_timeout;
    return v->volume->stop(wait) == 0 ? 0 : -EAGAIN;
  });
}

void close(mdp_volume* v) { delete v; }

int describe(mdp_volume* v, char* json, size_t cap) {
  return guarded(v, "describe", [&] { return put_text(v->volume->setting_json(), json, cap); });
}

int stats(mdp_volume* v, char* json, size_t cap) {
  return guarded(v, "stats", [&] { return put_text(v->volume->stats_json(), json, cap); });
}

uint32_t state_to_c(engine::State state) {
  switch (state) {
    case engine::State::kStarting: return MDP_STARTING;
    case engine::State::kRecovering: return MDP_RECOVERING;
    case engine::State::kWritable: return MDP_WRITABLE;
    case engine::State::kReadOnly: return MDP_READ_ONLY;
    case engine::State::kFailed: return MDP_FAILED;
    case engine::State::kStopped: return MDP_STOPPED;
  }
  return MDP_FAILED;
}

int health(mdp_volume* v, mdp_health* out) {
  return guarded(v, "health", [&] {
    const auto seen = v->volume->health();
    mdp_health mine{};
    mine.struct_size = out->struct_size;
    mine.state = state_to_c(seen.state);
    mine.backlog = v->volume->backlog();
    say(seen.reason, mine.reason, sizeof mine.reason);
    std::memcpy(out, &mine, std::min<size_t>(out->struct_size, sizeof mine));
    return 0;
  });
}

int control(mdp_volume* v, const char* verb, const char* request, char* reply, size_t cap) {
  return guarded(v, "control", [&] {
    auto answer = v->volume->control(verb, request ? request : "");
    if (!answer) {
      say(answer.error().text, reply, cap);
      return to_errno(v->log, answer.error(), "control");
    }
    return put_text(*answer, reply, cap);
  });
}

int inspect(const mdp_open_args* args, const char* verb, const char* request, char* reply,
            size_t cap, char* why, size_t why_cap) {
  int fits = 0;
  const int done = explained(why, why_cap, [&]() -> Result<void> {
    MDP_TRY(auto config, load_config(known_args(args)));
    MDP_TRY(const std::string answer, engine::inspect(config, verb, request ? request : "", Log()));
    fits = put_text(answer, reply, cap);
    return {};
  });
  return done != 0 ? done : fits;
}

}  // namespace

void add_life_ops(mdp_ops& ops) {
  ops.probe = probe;
  ops.format = format;
  ops.open = open;
  ops.start = start;
  ops.stop = stop;
  ops.close = close;
  ops.describe = describe;
  ops.stats = stats;
  ops.health = health;
  ops.control = control;
  ops.inspect = inspect;
}

}  // namespace fastmeta::abi
