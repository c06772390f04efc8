// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as the server's replies to the reads of a rule: through the reader of replies and
// the fetcher into the rule. The rule answers or refuses, and what it wants to write because
// of them can be read again: a bad value is never made the volume's.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fetcher.h"
#include "engine/redis_commands.h"
#include "model/operation.h"
#include "model/overlay.h"
#include "model/rules/locks.h"
#include "model/schema/codec.h"
#include "redis/reply_reader.h"
#include "support/no_client.h"
#include "util/check.h"

namespace {

using namespace fastmeta;
using model::ReadKey;
using model::ReadKind;
using model::WriteOp;
using redis::Reply;

// A server that has these replies and no others.
class Scripted final : public test::NoClient {
 public:
  explicit Scripted(std::string_view bytes) {
    redis::ReplyReader reader;
    reader.feed(bytes);
    for (Reply reply; replies_.size() < 64;) {
      const auto found = reader.next(reply);
      if (found == redis::ReplyReader::Found::kBroken) break;
      if (found == redis::ReplyReader::Found::kNothing) break;
      if (found == redis::ReplyReader::Found::kReply) replies_.push_back(std::move(reply));
    }
  }

  Result<std::vector<Reply>> read(std::span<const redis::Command> commands, Deadline) override {
    if (replies_.empty()) return nobody();
    std::vector<Reply> out;
    for (size_t i = 0; i < commands.size(); ++i) {
      out.push_back(replies_.empty() ? Reply{} : std::move(replies_.front()));
      if (!replies_.empty()) replies_.pop_front();
    }
    return out;
  }

 private:
  std::deque<Reply> replies_;
};

class Answered final : public model::View {
 public:
  using View::View;
  bool open_here(model::Ino) const override { return false; }
  std::map<ReadKey, model::RawValue> answers;

 protected:
  const model::RawValue* find(const ReadKey& read) const override {
    const auto at = answers.find(read);
    return at == answers.end() ? nullptr : &at->second;
  }
};

const model::KeySpace kKeys;

// Whoever reads the volume next understands it.
void sound(const model::Mutations& out) {
  for (const model::Write& write : out.writes) {
    const auto parsed = kKeys.parse(write.key);
    const char kind = parsed ? parsed->kind : '?';
    if (write.op == WriteOp::kSet && kind == 'i') {
      MDP_CHECK(model::decode_attr(write.value));
    } else if (write.op == WriteOp::kHSet && kind == 'd') {
      MDP_CHECK(!write.field.empty() && model::decode_dentry(write.value));
    } else if (write.op == WriteOp::kRPush && kind == 'c') {
      MDP_CHECK(write.value.size() % model::kSliceRecordBytes == 0);
      for (size_t at = 0; at < write.value.size(); at += model::kSliceRecordBytes)
        MDP_CHECK(model::decode_slice(
            std::string_view(write.value).substr(at, model::kSliceRecordBytes)));
    }
  }
}

constexpr model::Ino kDir = 1, kFile = 2, kOther = 3;
const Timestamp kNow{1'700'000'000, 5};
const model::Caller kWho{1000, 1000, 022};

std::vector<model::Operation> operations() {
  model::CreateArgs create{kWho, kNow, kDir, "a", model::FileType::kFile, 0644, 0, "", 9, {}, 0};
  model::CreateArgs open = create;
  open.open_for = model::kOpenThere | model::kOpenTruncate;
  const model::UnlinkArgs gone{kWho, kNow, kDir, "a", 0, {}};
  model::SetattrArgs chown;
  chown.who = {};
  chown.now = kNow;
  chown.ino = kFile;
  chown.mode = 04755;
  chown.uid = 5;
  chown.mtime_now = true;
  const model::SliceRecord slice{100, 7, 4096, 0, 4096};
  const uint64_t far = model::kChunkBytes - 10;
  return {
      create,
      open,
      model::LinkArgs{kWho, kNow, kFile, kDir, "a"},
      model::Unlink{gone},
      model::Rmdir{gone},
      model::RenameArgs{kWho, kNow, kDir, "a", kOther, "b", 0, 0, {}},
      model::RenameArgs{kWho, kNow, kDir, "a", kOther, "b", model::kRenameExchange, 0, {}},
      chown,
      model::SetXattrArgs{kFile, "user.a", "v", 0},
      model::RemoveXattrArgs{kFile, "user.a"},
      model::WriteSliceArgs{kNow, kNow, kFile, 1, slice},
      model::TruncateArgs{kWho, kNow, kFile, far},
      model::FallocateArgs{kWho, kNow, kFile, model::kFallocZeroRange, 10, far},
      model::CopyRangeArgs{kWho, kNow, kFile, 10, kOther, far, 5000, 0},
      model::LastCloseArgs{kNow, kFile, {}},
  };
}

using Rule = std::function<Result<void>(const model::View&, model::Mutations&)>;

std::vector<Rule> rules() {
  std::vector<Rule> out;
  for (const model::Operation& one : operations())
    out.push_back([one](const model::View& seen, model::Mutations& changes) -> Result<void> {
      MDP_TRY_VOID(model::apply(one, seen, changes));
      return {};
    });
  const auto reads = [&](auto rule) {
    out.push_back([rule](const model::View& seen, model::Mutations&) -> Result<void> {
      MDP_TRY_VOID(rule(seen));
      return {};
    });
  };
  reads([](const model::View& v) { return model::lookup(v, {kDir, "a"}); });
  reads([](const model::View& v) { return model::lookup(v, {kDir, ".."}); });
  reads([](const model::View& v) { return model::getattr(v, kFile); });
  reads([](const model::View& v) { return model::open(v, {kWho, kFile, true, false, true}); });
  reads([](const model::View& v) { return model::read_slices(v, kFile, 0); });
  reads([](const model::View& v) { return model::readlink(v, kFile); });
  reads([](const model::View& v) { return model::listxattr(v, kFile); });
  reads([](const model::View& v) { return v.parents(kFile); });
  reads([](const model::View& v) {
    return model::get_plock(v, kFile, 7, {1, 0, 0, 100});
  });
  out.push_back([](const model::View& v, model::Mutations& changes) {
    return model::set_plock(v, kFile, 7, {1, 0, 10, 100}, changes);
  });
  out.push_back([](const model::View& v, model::Mutations& changes) {
    return model::flock(v, kFile, 7, model::LockType::kWrite, changes);
  });
  out.push_back([](const model::View& v, model::Mutations& changes) {
    return model::delete_chunk(v, kFile, 0, changes);
  });
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Rule> kRules = rules();
  if (size == 0) return 0;
  const Rule& rule = kRules[data[0] % kRules.size()];
  Scripted server({reinterpret_cast<const char*>(data) + 1, size - 1});
  engine::Fetcher fetcher(server, kKeys, 100);
  model::VolumeFacts facts;
  facts.session = 3;
  Answered view(facts, kKeys);
  for (;;) {
    model::Mutations changes;
    const auto done = rule(view, changes);
    if (done) {
      sound(changes);
      return 0;
    }
    if (done.error().fault != Fault::kMissing) {
      MDP_CHECK(done.error().code > 0);
      MDP_CHECK(done.error().fault == Fault::kAnswer || !done.error().text.empty());
      return 0;
    }
    MDP_CHECK(!view.needed().empty());
    auto answers = fetcher.fetch(view.needed(), server.deadline());
    if (!answers) {
      MDP_CHECK(!answers.error().text.empty());
      return 0;
    }
    for (auto& [read, value] : *answers) {
      if (engine::Fetcher::is_listing(read))
        for (const auto& [name, entry] : value.fields) (void)model::decode_dentry(entry);
      else
        view.answers.insert_or_assign(read, std::move(value));
    }
    view.clear_needed();
  }
}
