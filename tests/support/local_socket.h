// SPDX-License-Identifier: GPL-3.0-or-later
// TCP sockets on the loopback address, for what stands in for a network in tests.
#pragma once

#include <cstdint>

namespace fastmeta::test {

// Listens on a free port. Aborts when it cannot.
int listen_local(uint16_t& port);
// -1 when nobody listens.
int connect_local(uint16_t port);
// A TCP port that nobody listens on at this moment.
uint16_t free_port();

}  // namespace fastmeta::test
