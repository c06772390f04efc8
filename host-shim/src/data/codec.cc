// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/codec.h"

#include <lz4.h>
#include <zstd.h>

#include <cctype>
#include <cerrno>
#include <memory>
#include <string>

namespace fastmeta::host {
namespace {

constexpr int kZstdLevel = 1;  // what other clients use

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// One per thread: creating a context costs more than a small block.
ZSTD_CCtx* packing_context() {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  return context.get();
}

ZSTD_DCtx* unpacking_context() {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  return context.get();
}

}  // namespace

std::optional<Compression> compression_by_name(std::string_view name) {
  std::string lower;
  for (const char c : name) {
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (lower.empty() || lower == "none") return Compression::kNone;
  if (lower == "lz4") return Compression::kLz4;
  if (lower == "zstd") return Compression::kZstd;
  return std::nullopt;
}

size_t encoded_most(Compression how, size_t size) {
  switch (how) {
    case Compression::kLz4:
      return static_cast<size_t>(LZ4_compressBound(static_cast<int>(size)));
    case Compression::kZstd:
      // Frames of other levels, with a checksum, are read too.
      return ZSTD_compressBound(size) + 64;
    case Compression::kNone:
      break;
  }
  return size;
}

int encode(Compression how, const char* in, size_t size, std::vector<char>* out) {
  out->resize(encoded_most(how, size));
  if (how == Compression::kLz4) {
    const int n = LZ4_compress_default(in, out->data(), static_cast<int>(size),
                                       static_cast<int>(out->size()));
    if (n <= 0) return -EIO;
    out->resize(static_cast<size_t>(n));
    return 0;
  }
  const size_t n = ZSTD_compressCCtx(packing_context(), out->data(), out->size(), in, size,
                                     kZstdLevel);
  if (ZSTD_isError(n)) return -EIO;
  out->resize(n);
  return 0;
}

int decode(Compression how, const char* in, size_t in_size, char* out, size_t size) {
  if (how == Compression::kLz4) {
    const int n = LZ4_decompress_safe(in, out, static_cast<int>(in_size),
                                      static_cast<int>(size));
    return n >= 0 && static_cast<size_t>(n) == size ? 0 : -EBADMSG;
  }
  const size_t n = ZSTD_decompressDCtx(unpacking_context(), out, size, in, in_size);
  return !ZSTD_isError(n) && n == size ? 0 : -EBADMSG;
}

}  // namespace fastmeta::host
