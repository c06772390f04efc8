// SPDX-License-Identifier: GPL-3.0-or-later
// What the command's exit codes mean; the manual page lists them.
#pragma once

namespace fastmeta::host {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,       // it was tried and went wrong
  kUsage = 2,        // the command line or the configuration is wrong
  kUnreachable = 3,  // the metadata server does not answer
};

// For an error of the plugin's open, start or format (-errno).
int exit_code_of(int result);

}  // namespace fastmeta::host
