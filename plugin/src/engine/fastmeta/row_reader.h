// SPDX-License-Identifier: GPL-3.0-or-later
// An open directory of mode fast-meta: its entries are read from the rows, a page a
// transaction, our pending changes over the server's. A directory that is not known as a
// whole is listed first; one with too many names for the store is kept in memory while
// it is open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/dir_reader.h"
#include "engine/fastmeta/local_view.h"
#include "engine/fastmeta/mirror.h"
#include "engine/listing.h"

namespace fastmeta::engine {

class RowReader final : public DirReader {
 public:
  RowReader(Parts& parts, Mirror& mirror, const model::KeySpace& keys, model::Ino dir)
      : parts_(parts), mirror_(mirror), keys_(keys), dir_(dir) {}

  Result<std::vector<Item>> page(uint64_t from, size_t count, bool with_attrs) override;

 private:
  Result<void> restart();
  // The rest of the directory, from the server, into the listing.
  Result<void> list_rest();
  // Reads rows behind the last name until the listing has `size` entries or ends.
  Result<void> read_until(uint64_t size);
  Result<void> fill_attrs(std::vector<Item>& items, uint64_t from);
  // What the rows know; `missing`: of the items and of some behind them, what they do not.
  Result<void> attrs_from_rows(std::vector<Item>& items, uint64_t from, const Fetched& fetched,
                               std::vector<model::ReadKey>* missing);
  void add(std::string_view name, std::string_view bytes);

  Parts& parts_;
  Mirror& mirror_;
  const model::KeySpace& keys_;
  const model::Ino dir_;

  std::unique_ptr<Listing> listing_;  // of what was read so far; positions are its own
  std::string last_row_;              // read up to here
  bool done_ = false;
};

}  // namespace fastmeta::engine
