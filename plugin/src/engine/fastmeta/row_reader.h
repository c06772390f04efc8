// SPDX-License-Identifier: GPL-3.0-or-later
// An open directory of mode fast-meta: its entries are read from the rows, a page a
// transaction, our pending changes over the server's. A directory that is not known as a
// whole is listed first. One with too many names for the store, or into which others write all
// the time, is read from the server, page by page, under what was pending here when that began:
// whether a page shows a change that was sent in the middle of it does not matter then.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/dir_reader.h"
#include "engine/fastmeta/local_view.h"
#include "engine/fastmeta/mirror.h"
#include "engine/listing.h"
#include "redis/scan.h"

namespace fastmeta::engine {

class RowReader final : public DirReader {
 public:
  RowReader(Parts& parts, Mirror& mirror, const model::KeySpace& keys, model::Ino dir)
      : parts_(parts), mirror_(mirror), keys_(keys), dir_(dir) {}

  Result<std::vector<Item>> page(uint64_t from, size_t count, bool with_attrs) override;

 private:
  Result<void> restart();
  // The rest of the directory, from the server: into the rows, or on its way into the listing.
  Result<void> list_rest();
  // Our pending changes of the directory's names.
  struct Pending {
    std::vector<std::pair<std::string, std::string>> names;  // and their values
    std::set<std::string, std::less<>> removed;
    bool emptied = false;  // with the directory
  };
  Result<Pending> pending();
  // What the server said, under our pending changes of then and of now.
  Result<void> add_of_server(std::span<const std::pair<std::string, std::string>> entries);
  Result<void> scan_page();
  // Reads on behind the last name until the listing has `size` entries or ends.
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
  std::optional<redis::Scan> scan_;   // instead of rows
  std::set<std::string, std::less<>> removed_;  // by us, when the scan began
  bool done_ = false;
};

}  // namespace fastmeta::engine
