// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/identity.h"

#include <cerrno>
#include <initializer_list>
#include <sstream>

namespace fastmeta::engine {

using store::Table;

namespace {

constexpr std::string_view kIdentityRow = "identity";
constexpr std::string_view kProgressRow = "progress";
constexpr std::string_view kLeasesRow = "leases";

// Rows are texts: a version and numbers, parted by blanks; the client id is a word.
template <typename... Members>
std::string written(const Members&... members) {
  std::ostringstream out;
  out << 1;
  ((out << ' ' << members), ...);
  return out.str();
}

template <typename... Members>
Result<void> read_row(store::Transaction& transaction, std::string_view row, Members&... members) {
  MDP_TRY(auto text, transaction.get(Table::kIdentity, row));
  if (!text) return {};
  std::istringstream in(*text);
  int version = 0;
  in >> version;
  ((in >> members), ...);
  std::string more;
  if (in.fail() || version != 1 || in >> more)
    return Error{Fault::kCorrupt, EIO,
                 "the local store's row '" + std::string(row) +
                     "' is damaged: look at the cache directory with 'fastmeta cache check'"};
  return {};
}

}  // namespace

Result<Identity> load_identity(store::Transaction& transaction) {
  Identity i;
  MDP_TRY_VOID(read_row(transaction, kIdentityRow, i.client, i.incarnation, i.starts));
  return i;
}

Result<Progress> load_progress(store::Transaction& transaction) {
  Progress p;
  MDP_TRY_VOID(read_row(transaction, kProgressRow, p.low, p.highest_seq, p.next_conflict,
                        p.trimmed));
  return p;
}

Result<Leases> load_leases(store::Transaction& transaction) {
  Leases l;
  MDP_TRY_VOID(read_row(transaction, kLeasesRow, l.inode_highest, l.slice_highest, l.inode_next,
                        l.inode_last, l.slice_next, l.slice_last));
  return l;
}

Result<void> save(store::Transaction& transaction, const Identity& i) {
  return transaction.put(Table::kIdentity, kIdentityRow,
                         written(i.client, i.incarnation, i.starts));
}

Result<void> save(store::Transaction& transaction, const Progress& p) {
  return transaction.put(Table::kIdentity, kProgressRow,
                         written(p.low, p.highest_seq, p.next_conflict, p.trimmed));
}

Result<void> save(store::Transaction& transaction, const Leases& l) {
  return transaction.put(Table::kIdentity, kLeasesRow,
                         written(l.inode_highest, l.slice_highest, l.inode_next, l.inode_last,
                                 l.slice_next, l.slice_last));
}

}  // namespace fastmeta::engine
