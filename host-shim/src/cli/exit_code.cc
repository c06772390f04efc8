// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/exit_code.h"

#include <cerrno>

namespace fastmeta::host {

int exit_code_of(int result) {
  switch (-result) {
    case 0:
      return kOk;
    case EINVAL:
      return kUsage;
    case ETIMEDOUT:
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENOTCONN:
      return kUnreachable;
    default:
      return kFailed;
  }
}

}  // namespace fastmeta::host
