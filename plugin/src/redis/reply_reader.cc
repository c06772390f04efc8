// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/reply_reader.h"

#include <hiredis/hiredis.h>

#include <algorithm>

#include "util/check.h"
#include "util/log.h"

namespace fastmeta::redis {

struct ReplyReader::Builder {
  bool root_is_push = false;
};

namespace {

// Deeper than any reply of a command we send; a reply is freed by recursion.
constexpr int kDepthMax = 32;
// A string of the server has at most 512 MiB by default.
constexpr size_t kUnparsedBytesMax = size_t{1} << 30;
// An announced length alone must not reserve memory.
constexpr size_t kReserveMax = 1024;

int depth_of(const redisReadTask* task) {
  int depth = 0;
  for (; task->parent != nullptr && depth <= kDepthMax; task = task->parent) ++depth;
  return depth;
}

// A root value is on the heap, others are the next item of their parent. That
// list does not grow while the item's own children are being read, so addresses
// that the parser keeps stay right.
Reply* place(const redisReadTask* task, Reply::Kind kind) {
  Reply* reply = nullptr;
  if (task->parent == nullptr)
    reply = new Reply;
  else
    reply = &static_cast<Reply*>(task->parent->obj)->items.emplace_back();
  reply->kind = kind;
  return reply;
}

void* make_text(const redisReadTask* task, char* bytes, size_t size) {
  Reply::Kind kind = Reply::Kind::kText;
  if (task->type == REDIS_REPLY_STATUS) kind = Reply::Kind::kStatus;
  if (task->type == REDIS_REPLY_ERROR) kind = Reply::Kind::kError;
  if (task->type == REDIS_REPLY_VERB) {  // "txt:" comes first; the parser has checked it
    bytes += 4;
    size -= 4;
  }
  Reply* reply = place(task, kind);
  reply->text.assign(bytes, size);
  return reply;
}

void* make_number(const redisReadTask* task, long long value) {
  Reply* reply = place(task, Reply::Kind::kNumber);
  reply->number = value;
  return reply;
}

void* make_double(const redisReadTask* task, double, char* bytes, size_t size) {
  Reply* reply = place(task, Reply::Kind::kText);
  reply->text.assign(bytes, size);
  return reply;
}

void* make_nil(const redisReadTask* task) { return place(task, Reply::Kind::kNil); }

void* make_bool(const redisReadTask* task, int value) { return make_number(task, value); }

void free_reply(void* reply) { delete static_cast<Reply*>(reply); }

}  // namespace

void ReplyReader::Closer::operator()(redisReader* reader) const { redisReaderFree(reader); }

ReplyReader::ReplyReader() : builder_(std::make_unique<Builder>()) {
  static redisReplyObjectFunctions functions = {
      make_text,
      [](const redisReadTask* task, size_t count) -> void* {
        if (depth_of(task) >= kDepthMax) return nullptr;
        if (task->parent == nullptr)
          static_cast<Builder*>(task->privdata)->root_is_push = task->type == REDIS_REPLY_PUSH;
        Reply* reply = place(task, Reply::Kind::kArray);
        reply->items.reserve(std::min(count, kReserveMax));
        return reply;
      },
      make_number,
      make_double,
      make_nil,
      make_bool,
      free_reply,
  };
  reader_.reset(redisReaderCreateWithFunctions(&functions));
  MDP_CHECK(reader_);
  reader_->privdata = builder_.get();
}

ReplyReader::~ReplyReader() = default;
ReplyReader::ReplyReader(ReplyReader&&) noexcept = default;
ReplyReader& ReplyReader::operator=(ReplyReader&&) noexcept = default;

void ReplyReader::feed(std::string_view bytes) {
  if (!error_.empty() || bytes.empty()) return;
  if (reader_->len - reader_->pos + bytes.size() > kUnparsedBytesMax)
    error_ = "a reply is longer than 1 GiB";
  else if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
    error_ = "no memory for a reply";
}

ReplyReader::Found ReplyReader::next(Reply& out) {
  if (!error_.empty()) return Found::kBroken;
  builder_->root_is_push = builder_->root_is_push && reader_->ridx >= 0;
  void* raw = nullptr;
  if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
    error_ = quote(reader_->errstr);
    return Found::kBroken;
  }
  if (raw == nullptr) return Found::kNothing;
  std::unique_ptr<Reply> reply(static_cast<Reply*>(raw));
  out = std::move(*reply);
  return builder_->root_is_push ? Found::kPush : Found::kReply;
}

bool ReplyReader::drained() const {
  // Having looked for a next reply in vain, the parser waits for its type.
  bool between = reader_->ridx < 0 || (reader_->ridx == 0 && reader_->task[0]->type < 0);
  return between && reader_->pos == reader_->len;
}

}  // namespace fastmeta::redis
