// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/tables.h"

#include <cerrno>

#include "util/bytes.h"
#include "util/log.h"

namespace fastmeta::store {

std::string number_key(uint64_t number) {
  std::string key;
  put_be(key, number);
  return key;
}

Result<uint64_t> key_number(std::string_view key) {
  BytesReader reader(key);
  const auto number = reader.be<uint64_t>();
  if (!reader.ok() || reader.left() != 0)
    return Error{Fault::kCorrupt, EIO, "local store: key " + quote(key) + " is not a number"};
  return number;
}

}  // namespace fastmeta::store
