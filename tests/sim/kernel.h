// SPDX-License-Identifier: GPL-3.0-or-later
// What a kernel remembers of a mount's answers until it is told otherwise, as if timeouts
// were endless. The host keeps a table of it (see its kernel_view.h); here the two are one:
// an answer that is older than something told since is not remembered, and what the kernel
// changes by itself it asks for again.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "model/operation.h"
#include "model/types.h"
#include "sim/history.h"

namespace fastmeta::sim {

class Kernel {
 public:
  using Ino = model::Ino;
  struct Name {
    Ino parent;
    std::string name;
    auto operator<=>(const Name&) const = default;
  };

  // Taken before the mount is asked.
  uint64_t moment() const { return told_; }
  void remember(Ino ino, const std::string& attr, uint64_t moment);
  void remember(const Name& name, const Held& entry, uint64_t moment);

  void inode_changed(Ino ino);
  void names_changed(Ino parent);
  void all_changed();
  // Carried out through this mount.
  void done(const model::Operation& operation, const model::OperationReply& reply);
  // Unmounted.
  void clear();

  const std::map<Ino, std::string>& attrs() const { return attrs_; }
  const std::map<Name, Held>& names() const { return names_; }

 private:
  void name_changed(const Name& name);
  template <typename Key>
  bool old(const std::map<Key, uint64_t>& log, const Key& key, uint64_t moment) const;

  uint64_t told_ = 0;
  uint64_t all_told_ = 0;
  std::map<Ino, uint64_t> inodes_told_, folders_told_;
  std::map<Name, uint64_t> names_told_;
  std::map<Ino, std::string> attrs_;
  std::map<Name, Held> names_;
};

}  // namespace fastmeta::sim
