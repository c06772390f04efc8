// SPDX-License-Identifier: GPL-3.0-or-later
// Directories: pages of entries in the caller's buffers.
#include <algorithm>
#include <cstring>

#include "abi/convert.h"
#include "abi/handle.h"
#include "abi/ops.h"

namespace fastmeta::abi {

namespace {

// An entry whose bytes break the schema is shown, so that it can be seen; using
// it gives the error.
constexpr uint64_t kBrokenIno = model::kVirtualInoFirst - 1;

int opendir(mdp_volume* v, const mdp_caller*, uint64_t ino, mdp_dir** out) {
  return guarded(v, "opendir", [&] {
    auto reader = v->volume->opendir(ino);
    if (!reader) return to_errno(v->log, reader.error(), "opendir");
    *out = new mdp_dir{std::move(*reader)};
    return 0;
  });
}

// A cookie is the position behind its entry.
int read(mdp_volume* v, mdp_dir* dir, uint64_t cookie, bool plus, mdp_dirent* out, size_t cap,
         char* names, size_t names_cap, size_t* count) {
  const char* operation = plus ? "readdirplus" : "readdir";
  return guarded(v, operation, [&] {
    // A name takes a byte at least: no more entries than that can fit.
    auto page = dir->reader->page(cookie, std::min(cap, names_cap), plus);
    if (!page) return to_errno(v->log, page.error(), operation);
    size_t used = 0, filled = 0;
    for (auto& item : *page) {
      if (used + item.name.size() > names_cap) break;
      mdp_dirent& entry = out[filled];
      entry = {};
      entry.cookie = cookie + filled + 1;
      entry.name_at = static_cast<uint32_t>(used);
      entry.name_len = static_cast<uint32_t>(item.name.size());
      std::memcpy(names + used, item.name.data(), item.name.size());
      used += item.name.size();
      entry.ino = item.dentry.ino ? item.dentry.ino : kBrokenIno;
      entry.type = item.dentry.ino ? type_bits(item.dentry.type) : 0;
      if (item.attr) {
        entry.have_entry = 1;
        engine::EntryReply reply;
        reply.ino = item.dentry.ino;
        reply.attr = std::move(*item.attr);
        reply.entry_valid = v->volume->entry_valid();
        reply.attr_valid = v->volume->attr_valid();
        entry.entry = to_c(reply);
      }
      ++filled;
    }
    *count = filled;
    return 0;
  });
}

int readdir(mdp_volume* v, mdp_dir* dir, uint64_t cookie, mdp_dirent* out, size_t cap,
            char* names, size_t names_cap, size_t* count) {
  return read(v, dir, cookie, false, out, cap, names, names_cap, count);
}

int readdirplus(mdp_volume* v, mdp_dir* dir, uint64_t cookie, mdp_dirent* out, size_t cap,
                char* names, size_t names_cap, size_t* count) {
  return read(v, dir, cookie, true, out, cap, names, names_cap, count);
}

void closedir(mdp_volume*, mdp_dir* dir) { delete dir; }

}  // namespace

void add_dir_ops(mdp_ops& ops) {
  ops.opendir = opendir;
  ops.readdir = readdir;
  ops.readdirplus = readdirplus;
  ops.closedir = closedir;
}

}  // namespace fastmeta::abi
