// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <syslog.h>

#include <algorithm>

namespace fastmeta::host {
namespace {

constexpr size_t kLineMax = 4096;

spdlog::level::level_enum spdlog_level(int level) {
  switch (level) {
    case MDP_LOG_DEBUG: return spdlog::level::debug;
    case MDP_LOG_INFO: return spdlog::level::info;
    case MDP_LOG_WARN: return spdlog::level::warn;
    default: return spdlog::level::err;
  }
}

// One line stays one line, whatever a plugin puts into it.
std::string one_line(const std::string& text) {
  std::string out = text.substr(0, kLineMax);
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return out;
}

}  // namespace

struct Log::Target {
  std::shared_ptr<spdlog::logger> logger;
};

Log::Log() : target_(std::make_unique<Target>()) {
  target_->logger = std::make_shared<spdlog::logger>(
      "fastmeta", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  target_->logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
}

Log::~Log() = default;

bool Log::open(const LogConfig& config, bool daemon, const std::string& ident,
               std::string* why) {
  try {
    spdlog::sink_ptr sink;
    if (!config.file.empty()) {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.file);
    } else if (daemon) {
      sink = std::make_shared<spdlog::sinks::syslog_sink_mt>(ident, LOG_PID, LOG_DAEMON, true);
    }
    if (sink != nullptr) {
      target_->logger = std::make_shared<spdlog::logger>("fastmeta", sink);
      target_->logger->set_pattern(config.file.empty() ? "%v"
                                                       : "%Y-%m-%d %H:%M:%S.%e [%P] %l: %v");
    }
  } catch (const spdlog::spdlog_ex& failed) {
    *why = "log file " + config.file + " (host.log.file): " + failed.what();
    return false;
  }
  target_->logger->set_level(spdlog_level(config.level));
  target_->logger->flush_on(spdlog::level::debug);
  return true;
}

void Log::write(int level, const std::string& text) {
  target_->logger->log(spdlog_level(level), one_line(text));
}

}  // namespace fastmeta::host
