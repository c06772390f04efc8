// SPDX-License-Identifier: GPL-3.0-or-later
// Extended attributes.
#include <cstring>
#include <vector>

#include "fuse/file_system.h"
#include "fuse/handlers.h"

namespace fastmeta::host {
namespace {

void on_setxattr(fuse_req_t req, fuse_ino_t ino, const char* name, const char* value,
                 size_t size, int flags) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  reply_result(req, fs.ops.setxattr(fs.volume, &who, ino, name, std::strlen(name), value, size,
                                    static_cast<uint32_t>(flags)));
}

// call(buffer, capacity, &size); capacity 0 asks for the size only.
template <typename Call>
void reply_bytes(fuse_req_t req, size_t capacity, Call call) {
  std::vector<char> bytes(capacity);
  size_t size = 0;
  const int rc = call(bytes.data(), capacity, &size);
  if (rc != 0) return reply_result(req, rc);
  if (capacity == 0) {
    fuse_reply_xattr(req, size);
  } else {
    fuse_reply_buf(req, bytes.data(), size);
  }
}

void on_getxattr(fuse_req_t req, fuse_ino_t ino, const char* name, size_t capacity) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  reply_bytes(req, capacity, [&](char* buffer, size_t cap, size_t* size) {
    return fs.ops.getxattr(fs.volume, &who, ino, name, std::strlen(name), buffer, cap, size);
  });
}

void on_listxattr(fuse_req_t req, fuse_ino_t ino, size_t capacity) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  reply_bytes(req, capacity, [&](char* buffer, size_t cap, size_t* size) {
    return fs.ops.listxattr(fs.volume, &who, ino, buffer, cap, size);
  });
}

void on_removexattr(fuse_req_t req, fuse_ino_t ino, const char* name) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  reply_result(req, fs.ops.removexattr(fs.volume, &who, ino, name, std::strlen(name)));
}

}  // namespace

void add_xattr_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out) {
  if (ops.setxattr != nullptr) out->setxattr = on_setxattr;
  if (ops.getxattr != nullptr) out->getxattr = on_getxattr;
  if (ops.listxattr != nullptr) out->listxattr = on_listxattr;
  if (ops.removexattr != nullptr) out->removexattr = on_removexattr;
}

}  // namespace fastmeta::host
