// SPDX-License-Identifier: GPL-3.0-or-later
// Any text as a metadata URL: it is understood, or refused as a mistake of the user.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "redis/address.h"
#include "util/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fastmeta;
  auto address = redis::parse_address({reinterpret_cast<const char*>(data), size});
  if (!address) {
    MDP_CHECK(address.error().fault == Fault::kConfig && address.error().code > 0);
    MDP_CHECK(!address.error().text.empty());
    return 0;
  }
  // What is shown leads to the same server again, without the password.
  auto again = redis::parse_address(address->display());
  if (address->form == redis::Address::Form::kTcp) {
    MDP_CHECK(again && again->host == address->host && again->port == address->port);
    MDP_CHECK(again->user == address->user && again->db == address->db);
    MDP_CHECK(again->password.empty());
  }
  return 0;
}
