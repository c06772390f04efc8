// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta config check, fastmeta config show
#include <CLI/App.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/mount_options.h"
#include "cli/plugin_option.h"
#include "config/host_config.h"
#include "mount/open_volume.h"
#include "mount/plugin_text.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;

struct ConfigArguments {
  std::string what, config_file, plugin;
  std::vector<std::string> options;
  bool json = false;
};

// The effective values of the host's and the plugin's keys, merged. Every mistake
// of both is told.
std::optional<Json> load_settings(const VolumeArgs& args, const std::string& plugin_path,
                                  int* code) {
  std::string why;
  const auto plugin = load_plugin(plugin_path, &why);
  if (plugin == nullptr) {
    *code = complain(kFailed, why);
    return std::nullopt;
  }
  std::string complaints;
  Json all = Json::object();
  const auto host = load_host_config(args.config_file, args.options, &why);
  if (host) {
    all = Json::parse(host->effective_json, nullptr, false);
  } else {
    complaints = why;
  }
  if (plugin->ops().probe != nullptr) {
    const OpenArgs c(args);
    std::array<char, 4096> reason{};
    std::string text;
    const int rc = read_text(&text, [&](char* buffer, size_t cap) {
      return plugin->ops().probe(c.get(), buffer, cap, reason.data(), reason.size());
    });
    const std::string theirs = reason[0] != '\0' ? reason.data() : std::strerror(-rc);
    // A file that cannot be read at all is one mistake, not two.
    if (rc != 0 && theirs != complaints) complaints += (complaints.empty() ? "" : "\n") + theirs;
    if (rc == 0) {
      const Json values = Json::parse(text, nullptr, false);
      if (values.is_object() && all.is_object()) all.update(values);
    }
  }
  if (complaints.empty()) return all;
  std::fprintf(stderr, "%s\n", complaints.c_str());
  *code = kUsage;
  return std::nullopt;
}

VolumeArgs args_of(const ConfigArguments& arguments) {
  VolumeArgs args;
  args.options = arguments.options;
  if (!arguments.config_file.empty()) args.config_file = arguments.config_file;
  if (arguments.what.find("://") != std::string::npos) {
    args.meta_url = arguments.what;
  } else if (!arguments.what.empty()) {
    args.config_file = arguments.what;
  }
  return args;
}

int run_check(const ConfigArguments& arguments) {
  int code = kOk;
  if (!load_settings(args_of(arguments), arguments.plugin, &code)) return code;
  std::printf("%s: no mistakes\n", arguments.what.c_str());
  return kOk;
}

int run_show(const ConfigArguments& arguments) {
  int code = kOk;
  std::string why;
  const auto options = parse_mount_options(arguments.options, &why);
  if (!options) return complain(kUsage, why);
  VolumeArgs args = args_of(arguments);
  args.options = options->keys;
  const auto values = load_settings(args, arguments.plugin, &code);
  if (!values) return code;
  if (arguments.json) {
    std::printf("%s\n", values->dump(2).c_str());
    return kOk;
  }
  for (const auto& [key, row] : values->items()) {
    const Json value = row.value("value", Json());
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    std::printf("%-32s %-24s %s\n", key.c_str(), text.empty() ? "\"\"" : text.c_str(),
                row.value("from", std::string()).c_str());
  }
  return kOk;
}

}  // namespace

void add_config(CLI::App& app, Run* chosen) {
  CLI::App* config = app.add_subcommand("config", "Look at configurations");
  config->require_subcommand(1);

  auto checked = std::make_shared<ConfigArguments>();
  CLI::App* check = config->add_subcommand("check", "Find what is wrong in a file");
  check->add_option("FILE", checked->what, "Configuration file (YAML)")->required();
  check->add_option("--plugin", checked->plugin, kPluginHelp);
  check->callback([=] { *chosen = [checked] { return run_check(*checked); }; });

  auto shown = std::make_shared<ConfigArguments>();
  CLI::App* show = config->add_subcommand(
      "show", "Effective values and where each comes from; secrets are not shown");
  show->add_option("WHAT", shown->what, "Configuration file, or META-URL");
  show->add_option("-c,--config", shown->config_file, "Configuration file, beside a META-URL");
  show->add_option("-o", shown->options, "Key of the configuration (section.key=value)")
      ->allow_extra_args(false);
  show->add_option("--plugin", shown->plugin, kPluginHelp);
  show->add_flag("--json", shown->json, "As JSON");
  show->callback([=] { *chosen = [shown] { return run_show(*shown); }; });
}

}  // namespace fastmeta::host
