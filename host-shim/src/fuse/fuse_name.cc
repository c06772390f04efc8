// SPDX-License-Identifier: GPL-3.0-or-later
// Names: lookup, forget, making and removing entries.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "fuse/file_system.h"
#include "fuse/handlers.h"

namespace fastmeta::host {
namespace {

void on_lookup(fuse_req_t req, fuse_ino_t parent, const char* name) {
  if (refused_name(req, name)) return;
  FileSystem& fs = fs_of(req);
  KernelView::Answer answer(fs.view, fs.view.seen());
  const mdp_caller who = caller_of(req);
  mdp_entry entry{};
  const std::string_view bytes(name);
  const int rc =
      fs.ops.lookup(fs.volume, &who, parent, bytes.data(), bytes.size(), &entry);
  if (rc != 0) return reply_result(req, rc);
  if (entry.attr.ino != 0) overlay_entry(fs, who, &entry);
  reply_entry(req, answer, parent, bytes, entry);
}

void on_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups) {
  forget(fs_of(req), ino, lookups);
  fuse_reply_none(req);
}

void on_forget_multi(fuse_req_t req, size_t count, fuse_forget_data* forgets) {
  for (size_t i = 0; i < count; ++i) forget(fs_of(req), forgets[i].ino, forgets[i].nlookup);
  fuse_reply_none(req);
}

// Makes an entry by `call` and replies with it.
template <typename Call>
void make_entry(fuse_req_t req, fuse_ino_t parent, const char* name, Call call) {
  if (refused_name(req, name)) return;
  FileSystem& fs = fs_of(req);
  KernelView::Answer answer(fs.view, fs.view.seen());
  const mdp_caller who = caller_of(req);
  mdp_entry entry{};
  if (const int rc = call(fs, who, &entry); rc != 0) return reply_result(req, rc);
  fs.view.changed(parent);
  reply_entry(req, answer, parent, name, entry);
}

void on_mknod(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, dev_t rdev) {
  make_entry(req, parent, name, [&](FileSystem& fs, const mdp_caller& who, mdp_entry* out) {
    return fs.ops.mknod(fs.volume, &who, parent, name, std::strlen(name), mode,
                        static_cast<uint32_t>(rdev), out);
  });
}

void on_mkdir(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode) {
  make_entry(req, parent, name, [&](FileSystem& fs, const mdp_caller& who, mdp_entry* out) {
    return fs.ops.mkdir(fs.volume, &who, parent, name, std::strlen(name), mode, out);
  });
}

void on_symlink(fuse_req_t req, const char* target, fuse_ino_t parent, const char* name) {
  make_entry(req, parent, name, [&](FileSystem& fs, const mdp_caller& who, mdp_entry* out) {
    return fs.ops.symlink(fs.volume, &who, parent, name, std::strlen(name), target,
                          std::strlen(target), out);
  });
}

void on_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char* name) {
  make_entry(req, parent, name, [&](FileSystem& fs, const mdp_caller& who, mdp_entry* out) {
    const Overlay overlay(fs.data.find(ino));
    const int rc = fs.ops.link(fs.volume, &who, ino, parent, name, std::strlen(name), out);
    if (rc == 0) fs.view.changed(ino);
    if (rc == 0 && overlay.apply(&out->attr)) out->attr_valid_ms = 0;
    return rc;
  });
}

void on_readlink(fuse_req_t req, fuse_ino_t ino) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  std::vector<char> target(4096 + 1);
  size_t len = 0;
  const int rc =
      fs.ops.readlink(fs.volume, &who, ino, target.data(), target.size() - 1, &len);
  if (rc != 0) return reply_result(req, rc);
  target[len] = '\0';
  fuse_reply_readlink(req, target.data());
}

void on_unlink(fuse_req_t req, fuse_ino_t parent, const char* name) {
  if (refused_name(req, name)) return;
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  const int rc = fs.ops.unlink(fs.volume, &who, parent, name, std::strlen(name));
  if (rc == 0) fs.view.name_gone(parent, name);
  reply_result(req, rc);
}

void on_rmdir(fuse_req_t req, fuse_ino_t parent, const char* name) {
  if (refused_name(req, name)) return;
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  const int rc = fs.ops.rmdir(fs.volume, &who, parent, name, std::strlen(name));
  if (rc == 0) fs.view.name_gone(parent, name);
  reply_result(req, rc);
}

void on_rename(fuse_req_t req, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
               const char* new_name, unsigned int flags) {
  if (refused_name(req, name) || refused_name(req, new_name)) return;
  FileSystem& fs = fs_of(req);
  const uint64_t seen = fs.view.seen();
  const mdp_caller who = caller_of(req);
  const int rc = fs.ops.rename(fs.volume, &who, parent, name, std::strlen(name), new_parent,
                               new_name, std::strlen(new_name), flags);
  if (rc == 0) {
    fs.view.renamed(seen, {parent, name}, {new_parent, new_name}, (flags & RENAME_EXCHANGE) != 0);
  }
  reply_result(req, rc);
}

void on_statfs(fuse_req_t req, fuse_ino_t ino) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  mdp_statfs answer{};
  const int rc = fs.ops.statfs(fs.volume, &who, ino, &answer);
  if (rc != 0) return reply_result(req, rc);
  struct statvfs st{};
  st.f_bsize = st.f_frsize = 4096;
  st.f_blocks = answer.total_bytes / st.f_frsize;
  st.f_bfree = st.f_bavail = answer.avail_bytes / st.f_frsize;
  st.f_files = answer.used_inodes + answer.avail_inodes;
  st.f_ffree = st.f_favail = answer.avail_inodes;
  st.f_namemax = MDP_NAME_MAX;
  fuse_reply_statfs(req, &st);
}

}  // namespace

void add_name_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out) {
  out->lookup = on_lookup;
  out->forget = on_forget;
  out->forget_multi = on_forget_multi;
  if (ops.mknod != nullptr) out->mknod = on_mknod;
  if (ops.mkdir != nullptr) out->mkdir = on_mkdir;
  if (ops.symlink != nullptr) out->symlink = on_symlink;
  if (ops.readlink != nullptr) out->readlink = on_readlink;
  if (ops.link != nullptr) out->link = on_link;
  if (ops.unlink != nullptr) out->unlink = on_unlink;
  if (ops.rmdir != nullptr) out->rmdir = on_rmdir;
  if (ops.rename != nullptr) out->rename = on_rename;
  if (ops.statfs != nullptr) out->statfs = on_statfs;
}

}  // namespace fastmeta::host
