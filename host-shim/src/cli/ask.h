// SPDX-License-Identifier: GPL-3.0-or-later
// Whom an admin command asks: the daemon of a mount, or, for what lies in a cache
// directory, the plugin itself when the volume is not mounted.
#pragma once

#include <CLI/App.hpp>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "control/client.h"

namespace fastmeta::host {

// The answer's data, or nothing and a message on stderr.
std::optional<nlohmann::json> ask_mount(const std::string& place, const ControlRequest& request,
                                        std::chrono::milliseconds timeout);

void print_json(const nlohmann::json& json);

// "500ms", "30s", "5m", "1h"; "0".
std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);

// Where the local store of a volume is, as the command line says.
struct StorePlace {
  std::string place;        // a mount point, a file below it, or a cache directory
  std::string config_file;  // of a volume that is not mounted
  std::string plugin;
};
// Adds PLACE, -c and --plugin.
void add_place(CLI::App& command, StorePlace* place, bool mounted_too);

// As ask_mount; unmounted: the plugin's `inspect`. *code: the exit code when there is
// nothing.
std::optional<nlohmann::json> ask_store(const StorePlace& place, const ControlRequest& request,
                                        int* code);
// Of an unmounted volume only.
std::optional<nlohmann::json> ask_directory(const StorePlace& place, const ControlRequest& request,
                                            int* code);

}  // namespace fastmeta::host
