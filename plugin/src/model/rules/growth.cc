// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/growth.h"

#include "model/rules/checks.h"

namespace fastmeta::model {

Result<int64_t> grow(const View& seen, Attr& attr, uint64_t length) {
  const int64_t space = static_cast<int64_t>(charged_space(length)) -
                        static_cast<int64_t>(charged_space(attr.length));
  MDP_TRY_VOID(check_limits(seen.facts(), space, 0));
  attr.length = length;
  return space;
}

}  // namespace fastmeta::model
