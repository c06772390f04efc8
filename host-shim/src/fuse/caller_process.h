// SPDX-License-Identifier: GPL-3.0-or-later
// What there is to know of the thread that a request comes from, as the kernel says. Locks
// belong to processes: a change is made under a lock that another thread of the same process
// has taken.
#pragma once

#include <cstdint>

namespace fastmeta::host {

// The process of that thread; the thread itself when that is not known (it is gone). 0 is 0:
// the kernel asks for itself, or somebody whom this process cannot see.
uint32_t process_of(uint32_t thread);

// Whether a signal is ending that thread, or has; also when it is gone. Of one that this
// process cannot see it is not known: no.
bool is_dying(uint32_t thread);

}  // namespace fastmeta::host
