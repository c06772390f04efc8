// SPDX-License-Identifier: GPL-3.0-or-later
#include "mount/host_callbacks.h"

#include <cerrno>
#include <string>
#include <string_view>

namespace fastmeta::host {

HostCallbacks::HostCallbacks(LogFn log) : log_(std::move(log)) {
  table_.struct_size = sizeof table_;
  table_.abi_major = MDP_ABI_MAJOR;
  table_.abi_minor = MDP_ABI_MINOR;
  table_.ctx = this;
  table_.log = [](void* ctx, int level, const char* text, size_t len) {
    self(ctx).log_(level, std::string(text, len));
  };
  table_.invalidate_inode = [](void* ctx, uint64_t ino, uint32_t what) {
    if (KernelView* view = self(ctx).view_) view->invalidate_inode(ino, what);
  };
  table_.invalidate_entry = [](void* ctx, uint64_t parent, const char* name, size_t len) {
    if (KernelView* view = self(ctx).view_) {
      view->invalidate_entry(parent, std::string_view(name, len));
    }
  };
  table_.invalidate_all = [](void* ctx) {
    if (KernelView* view = self(ctx).view_) view->invalidate_all();
  };
  table_.invalidate_barrier = [](void* ctx, uint32_t timeout_ms) {
    KernelView* view = self(ctx).view_;
    return view == nullptr ? 0 : view->barrier(std::chrono::milliseconds(timeout_ms));
  };
  table_.delete_slice = [](void* ctx, uint64_t id, uint32_t size) {
    DataEngine* data = self(ctx).data_;
    return data == nullptr ? -ENOTSUP : data->delete_slice(id, size);
  };
  table_.slice_is_durable = [](void* ctx, uint64_t id, uint32_t size) {
    DataEngine* data = self(ctx).data_;
    return data == nullptr ? -ENOTSUP : data->slice_is_durable(id, size);
  };
}

}  // namespace fastmeta::host
