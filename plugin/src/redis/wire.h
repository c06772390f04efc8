// SPDX-License-Identifier: GPL-3.0-or-later
// Commands in the protocol's form.
#pragma once

#include <span>
#include <string>

#include "redis/reply.h"

namespace fastmeta::redis {

void append_command(std::string& out, const Command& command);
void append_commands(std::string& out, std::span<const Command> commands);

// The command's name is this one, in any case of letters; `name` is in capitals.
bool names(const Command& command, std::string_view name);

}  // namespace fastmeta::redis
