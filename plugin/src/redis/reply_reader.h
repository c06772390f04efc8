// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes of the server to replies and push messages, by the parser of hiredis,
// which builds our values directly.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "redis/reply.h"

struct redisReader;

namespace fastmeta::redis {

class ReplyReader {
 public:
  enum class Found {
    kNothing,  // more bytes are needed
    kReply,
    kPush,
    kBroken,   // not the protocol: the connection is of no use any more
  };

  ReplyReader();
  ~ReplyReader();
  ReplyReader(ReplyReader&&) noexcept;
  ReplyReader& operator=(ReplyReader&&) noexcept;

  void feed(std::string_view bytes);
  Found next(Reply& out);

  // Every byte so far belonged to a reply that next() has given.
  bool drained() const;
  // What was wrong, after kBroken.
  const std::string& error() const { return error_; }

 private:
  struct Closer {
    void operator()(redisReader* reader) const;
  };
  struct Builder;

  // Behind a pointer: the parser keeps its address.
  std::unique_ptr<Builder> builder_;
  std::unique_ptr<redisReader, Closer> reader_;
  std::string error_;
};

}  // namespace fastmeta::redis
