// SPDX-License-Identifier: GPL-3.0-or-later
// Directories: read by pages of the plugin, cut to what the kernel asks for.
#include <sys/stat.h>

#include <cerrno>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fuse/file_system.h"
#include "fuse/handlers.h"

namespace fastmeta::host {
namespace {

// Offsets 1 and 2 stand behind "." and ".."; the plugin's cookies follow.
constexpr uint64_t kDot = 1;
constexpr uint64_t kDotDot = 2;
constexpr uint64_t kCookieMax = std::numeric_limits<int64_t>::max() - kDotDot;

constexpr size_t kPageEntries = 256;
constexpr size_t kPageNames = 64 * 1024;

DirHandle& dir_of(const fuse_file_info* fi) { return *reinterpret_cast<DirHandle*>(fi->fh); }

int load_page(FileSystem& fs, DirHandle& handle, uint64_t cookie, bool plus) {
  DirPage& page = handle.page;
  page.plus = plus;
  page.seen = fs.view.moment();
  if (cookie == 0) handle.begun = page.seen;
  page.begin = cookie;
  page.entries.resize(kPageEntries);
  page.names.resize(kPageNames);
  size_t count = 0;
  const auto read = plus ? fs.ops.readdirplus : fs.ops.readdir;
  const int rc = read(fs.volume, handle.dir, cookie, page.entries.data(), page.entries.size(),
                      page.names.data(), page.names.size(), &count);
  page.entries.resize(rc == 0 ? count : 0);
  for (const mdp_dirent& entry : page.entries) {
    if (entry.cookie > kCookieMax) return -EOVERFLOW;
  }
  return rc;
}

// Where in the page the entry behind `cookie` is; its size when it is not there.
size_t position(const DirPage& page, uint64_t cookie) {
  if (page.entries.empty()) return 0;
  if (page.begin == cookie) return 0;
  for (size_t i = 0; i + 1 < page.entries.size(); ++i) {
    if (page.entries[i].cookie == cookie) return i + 1;
  }
  return page.entries.size();
}

// A reply of directory entries that is being filled.
class Listing {
 public:
  Listing(fuse_req_t req, size_t size) : req_(req), buffer_(size) {}

  bool add(const std::string& name, uint64_t ino, uint32_t type, uint64_t offset) {
    struct stat st{};
    st.st_ino = ino;
    st.st_mode = type;
    return took(fuse_add_direntry(req_, at(), left(), name.c_str(), &st,
                                  static_cast<off_t>(offset)));
  }
  bool add(const std::string& name, const fuse_entry_param& entry, uint64_t offset) {
    return took(fuse_add_direntry_plus(req_, at(), left(), name.c_str(), &entry,
                                       static_cast<off_t>(offset)));
  }
  // Whether a whole entry of that name has room.
  bool fits(const std::string& name) const {
    return fuse_add_direntry_plus(req_, nullptr, 0, name.c_str(), nullptr, 0) <= left();
  }
  int send() { return fuse_reply_buf(req_, buffer_.data(), used_); }

 private:
  char* at() { return buffer_.data() + used_; }
  size_t left() const { return buffer_.size() - used_; }
  bool took(size_t size) {
    if (size > left()) return false;
    used_ += size;
    return true;
  }

  fuse_req_t req_;
  std::vector<char> buffer_;
  size_t used_ = 0;
};

// An entry that the kernel may only list: it does not count as a lookup.
bool add_bare(Listing& out, bool plus, const std::string& name, uint64_t ino, uint32_t type,
              uint64_t offset) {
  if (!plus) return out.add(name, ino, type, offset);
  fuse_entry_param bare{};
  bare.attr.st_ino = ino;
  bare.attr.st_mode = type;
  return out.add(name, bare, offset);
}

fuse_entry_param param_of(const mdp_entry& entry) {
  fuse_entry_param e{};
  e.ino = entry.attr.ino;
  e.attr = to_stat(entry.attr);
  return e;
}

// What a page of the plugin gives to a reply. Only of what fits a lookup is counted.
void add_entries(FileSystem& fs, const mdp_caller& who, const DirHandle& handle, size_t from,
                 Listing& out, std::optional<KernelView::Answer>& answer,
                 std::vector<uint64_t>& counted) {
  const DirPage& page = handle.page;
  std::string name;
  answer.emplace(fs.view, handle.begun, page.seen);
  for (size_t next = from; next < page.entries.size(); ++next) {
    mdp_dirent entry = page.entries[next];
    const uint64_t behind = entry.cookie + kDotDot;
    name.assign(page.names.data() + entry.name_at, entry.name_len);
    if (!page.plus || entry.have_entry == 0) {
      if (!add_bare(out, page.plus, name, entry.ino, entry.type, behind)) return;
      continue;
    }
    if (!out.fits(name)) return;
    overlay_entry(fs, who, &entry.entry);
    const auto timeouts = answer->entry(handle.ino, name, entry.entry);
    fuse_entry_param e = param_of(entry.entry);
    e.entry_timeout = timeouts.entry;
    e.attr_timeout = timeouts.attr;
    out.add(name, e, behind);
    counted.push_back(e.ino);
  }
}

int fill(FileSystem& fs, const mdp_caller& who, DirHandle& handle, uint64_t at, bool plus,
         Listing& out, std::optional<KernelView::Answer>& answer,
         std::vector<uint64_t>& counted) {
  std::lock_guard lock(handle.mutex);
  const bool from_start = at == 0;
  if (at < kDot) {
    if (!add_bare(out, plus, ".", handle.ino, S_IFDIR, kDot)) return -EINVAL;
    at = kDot;
  }
  if (at < kDotDot) {
    // Whose number it is the kernel knows by itself.
    if (!add_bare(out, plus, "..", MDP_ROOT_INO, S_IFDIR, kDotDot)) return 0;
    at = kDotDot;
  }
  const uint64_t cookie = at - kDotDot;
  size_t next = position(handle.page, cookie);
  if (next >= handle.page.entries.size() || handle.page.plus != plus || from_start) {
    if (const int rc = load_page(fs, handle, cookie, plus); rc != 0) return rc;
    next = 0;
  }
  add_entries(fs, who, handle, next, out, answer, counted);
  return 0;
}

void read_dir(fuse_req_t req, size_t size, off_t offset, fuse_file_info* fi, bool plus) {
  FileSystem& fs = fs_of(req);
  Listing out(req, size);
  std::optional<KernelView::Answer> answer;
  std::vector<uint64_t> counted;
  const int rc = fill(fs, caller_of(req), dir_of(fi), static_cast<uint64_t>(offset), plus, out,
                      answer, counted);
  // With the reply the kernel may close the directory: the handle is not touched any
  // more, its mutex is free.
  const int sent = rc != 0 ? fuse_reply_err(req, -rc) : out.send();
  if (rc != 0 || sent != 0) {
    for (const uint64_t ino : counted) forget(fs, ino, 1);
  }
}

void on_opendir(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  auto handle = std::make_unique<DirHandle>();
  handle->ino = ino;
  handle->begun = fs.view.moment();
  const int rc = fs.ops.opendir(fs.volume, &who, ino, &handle->dir);
  if (rc != 0) return reply_result(req, rc);
  DirHandle* open = fs.dirs.add(std::move(handle));
  fi->fh = reinterpret_cast<uint64_t>(open);
  if (fuse_reply_open(req, fi) != 0) fs.ops.closedir(fs.volume, fs.dirs.take(open)->dir);
}

void on_readdir(fuse_req_t req, fuse_ino_t, size_t size, off_t offset, fuse_file_info* fi) {
  read_dir(req, size, offset, fi, false);
}

void on_readdirplus(fuse_req_t req, fuse_ino_t, size_t size, off_t offset,
                    fuse_file_info* fi) {
  read_dir(req, size, offset, fi, true);
}

void on_releasedir(fuse_req_t req, fuse_ino_t, fuse_file_info* fi) {
  FileSystem& fs = fs_of(req);
  fs.ops.closedir(fs.volume, fs.dirs.take(&dir_of(fi))->dir);
  fuse_reply_err(req, 0);
}

void on_fsyncdir(fuse_req_t req, fuse_ino_t ino, int, fuse_file_info*) {
  FileSystem& fs = fs_of(req);
  reply_result(req, fs.ops.fsync(fs.volume, ino, MDP_FSYNC_CONFIGURED));
}

}  // namespace

void add_dir_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out) {
  out->opendir = on_opendir;
  out->readdir = on_readdir;
  if (ops.readdirplus != nullptr) out->readdirplus = on_readdirplus;
  out->releasedir = on_releasedir;
  if (ops.fsync != nullptr) out->fsyncdir = on_fsyncdir;
}

}  // namespace fastmeta::host
