// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel says which thread a request comes from. Locks belong to processes, and a change
// is made under a lock that another thread of the same process has taken.
#pragma once

#include <cstdint>

namespace fastmeta::host {

// The process of that thread; the thread itself when that is not known (it is gone). 0 is 0:
// the kernel asks for itself, or somebody whom this process cannot see.
uint32_t process_of(uint32_t thread);

}  // namespace fastmeta::host
