// SPDX-License-Identifier: GPL-3.0-or-later
// Attributes: getattr, setattr.
#include "fuse/file_system.h"
#include "fuse/handlers.h"

namespace fastmeta::host {
namespace {

void on_getattr(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi) {
  FileSystem& fs = fs_of(req);
  const uint64_t seen = fs.view.seen();
  const mdp_caller who = caller_of(req);
  const Overlay overlay(fi != nullptr ? handle_of(fi).data : fs.data.find(ino));
  mdp_entry entry{};
  const int rc = fs.ops.getattr(fs.volume, &who, ino, &entry);
  if (rc != 0) return reply_result(req, rc);
  if (overlay.apply(&entry.attr)) entry.attr_valid_ms = 0;
  reply_attr(req, seen, entry.attr, entry.attr_valid_ms);
}

mdp_setattr to_setattr(const struct stat& st, int to_set) {
  mdp_setattr set{};
  set.struct_size = sizeof set;
  const auto take = [&](int fuse, uint32_t mdp) {
    if ((to_set & fuse) != 0) set.set |= mdp;
  };
  take(FUSE_SET_ATTR_MODE, MDP_SET_MODE);
  take(FUSE_SET_ATTR_UID, MDP_SET_UID);
  take(FUSE_SET_ATTR_GID, MDP_SET_GID);
  take(FUSE_SET_ATTR_CTIME, MDP_SET_CTIME);
  // A change of the length moves mtime by itself, to the same moment.
  const bool moved = (to_set & FUSE_SET_ATTR_SIZE) != 0;
  if ((to_set & FUSE_SET_ATTR_ATIME_NOW) != 0) {
    set.set |= MDP_SET_ATIME_NOW;
  } else {
    take(FUSE_SET_ATTR_ATIME, MDP_SET_ATIME);
  }
  if ((to_set & FUSE_SET_ATTR_MTIME_NOW) != 0) {
    if (!moved) set.set |= MDP_SET_MTIME_NOW;
  } else {
    take(FUSE_SET_ATTR_MTIME, MDP_SET_MTIME);
  }
  set.mode = st.st_mode & 07777;
  set.uid = st.st_uid;
  set.gid = st.st_gid;
  set.atime = st.st_atim.tv_sec;
  set.mtime = st.st_mtim.tv_sec;
  set.ctime = st.st_ctim.tv_sec;
  set.atime_nsec = static_cast<uint32_t>(st.st_atim.tv_nsec);
  set.mtime_nsec = static_cast<uint32_t>(st.st_mtim.tv_nsec);
  set.ctime_nsec = static_cast<uint32_t>(st.st_ctim.tv_nsec);
  return set;
}

void on_setattr(fuse_req_t req, fuse_ino_t ino, struct stat* st, int to_set,
                fuse_file_info* fi) {
  FileSystem& fs = fs_of(req);
  const uint64_t seen = fs.view.seen();
  const mdp_caller who = caller_of(req);
  std::shared_ptr<FileData> data = fi != nullptr ? handle_of(fi).data : fs.data.find(ino);
  mdp_entry entry{};

  const bool resize = (to_set & FUSE_SET_ATTR_SIZE) != 0;
  if (resize) {
    if (fs.ops.truncate == nullptr) return reply_result(req, -ENOSYS);
    if (data == nullptr) data = fs.data.acquire(ino);
    const auto length = static_cast<uint64_t>(st->st_size);
    if (const int rc = data->truncate(who, length, &entry.attr); rc != 0) {
      return reply_result(req, rc);
    }
    fs.view.changed(ino);
  }

  const mdp_setattr set = to_setattr(*st, to_set);
  // What is written must not move the time again when it is committed.
  constexpr uint32_t kTimes = MDP_SET_ATIME | MDP_SET_MTIME | MDP_SET_MTIME_NOW;
  if ((set.set & kTimes) != 0 && data != nullptr && data->dirty()) data->drain(who);
  const Overlay overlay(data);
  if (set.set != 0 || !resize) {
    if (fs.ops.setattr == nullptr) return reply_result(req, -ENOSYS);
    if (const int rc = fs.ops.setattr(fs.volume, &who, ino, &set, &entry); rc != 0) {
      return reply_result(req, rc);
    }
    fs.view.changed(ino);
  }
  if (overlay.apply(&entry.attr)) entry.attr_valid_ms = 0;
  reply_attr(req, seen, entry.attr, entry.attr_valid_ms);
}

}  // namespace

void add_attr_handlers(const mdp_ops&, fuse_lowlevel_ops* out) {
  out->getattr = on_getattr;
  out->setattr = on_setattr;
}

}  // namespace fastmeta::host
