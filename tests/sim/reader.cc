// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

#include "model/schema/codec.h"
#include "util/check.h"

namespace fastmeta::sim {

using engine::Row;
using model::Ino;
using model::ReadKey;
using model::ReadKind;
using model::View;

namespace {

constexpr Time kReaderPause = 12 * kMillisecond;
constexpr uint64_t kAbsentOneIn = 8;   // names that nobody has ever used
constexpr uint64_t kListOneIn = 3;
constexpr uint64_t kOursOneIn = 3;     // keys with pending changes
constexpr size_t kPage = 5;
constexpr uint64_t kBetweenPages = 20 * kMillisecond;
constexpr uint64_t kKernelOneIn = 6;

std::string printed(const Held& value) {
  if (!value) return "-";
  std::string text;
  for (unsigned char c : *value) text += fmt::format("{:02x}", c);
  return text;
}

std::string row_of(const Place& place) {
  return place.field.empty() ? engine::row_key(place.key)
                             : engine::row_key(place.key, place.field);
}

// A replay has another one, which is not worth a notice.
std::string without_ctime(const std::string& bytes) {
  auto attr = model::decode_attr(bytes);
  if (!attr) return bytes;
  attr->ctime = {};
  return model::encode_attr(*attr);
}

// The rule's own answer is looked at no further: it is made of these.
template <typename Reply>
Result<void> answered(const Result<Reply>& reply) {
  if (reply || reply.error().fault == Fault::kAnswer) return {};
  return reply.error();
}

}  // namespace

void Reader::work(const std::function<bool()>& stop) {
  last_.clear();
  while (!stop() && findings_.empty()) {
    scheduler_.sleep(static_cast<Time>(dice_.below(static_cast<uint64_t>(kReaderPause))));
    ask();
    if (dice_.one_in(kKernelOneIn)) look_at_kernel(false);
  }
}

Reader::Begin Reader::begin() const {
  return {mount_.redis().pushes(), mount_.own_changes(), mount_.host().kernel.moment()};
}

void Reader::ask() {
  const auto& pending = mount_.pending();
  const bool ours = !pending.empty() && dice_.one_in(kOursOneIn);
  const std::string key = ours ? std::string(engine::parse_row_key(dice_.pick(pending)).key)
                               : dice_.pick(history_.keys());
  const auto parsed = sim_keys().parse(key);
  const Ino ino = parsed->ino;
  switch (parsed->kind) {
    case 'i':
      return ask([&](const View& seen) -> Result<std::vector<ReadKey>> {
        MDP_TRY_VOID(answered(model::getattr(seen, ino)));
        return std::vector{seen.attr_key(ino)};
      });
    case 's':
      return ask([&](const View& seen) -> Result<std::vector<ReadKey>> {
        MDP_TRY_VOID(answered(model::readlink(seen, ino)));
        return std::vector{seen.symlink_key(ino)};
      });
    case 'c':
      return ask([&](const View& seen) -> Result<std::vector<ReadKey>> {
        MDP_TRY_VOID(answered(model::read_slices(seen, ino, parsed->index)));
        return std::vector{seen.chunk_key(ino, parsed->index)};
      });
    case 'x': {
      const auto names = history_.fields(key);
      if (names.empty() || dice_.one_in(2))
        return ask([&](const View& seen) -> Result<std::vector<ReadKey>> {
          MDP_TRY_VOID(answered(model::listxattr(seen, ino)));
          return std::vector{seen.xattrs_key(ino)};
        });
      const std::string& name = dice_.pick(names);
      return ask([&](const View& seen) -> Result<std::vector<ReadKey>> {
        MDP_TRY_VOID(answered(model::getxattr(seen, ino, name)));
        return std::vector{seen.xattr_key(ino, name)};
      });
    }
    case 'p':
      return ask([&](const View& seen) -> Result<std::vector<ReadKey>> {
        return std::vector{seen.parents_key(ino)};
      });
    default:
      return dice_.one_in(kListOneIn) ? list(ino) : look_up(ino);
  }
}

void Reader::ask(const Asks& asks) {
  const Begin start = begin();
  std::vector<std::pair<ReadKey, model::RawValue>> seen;
  auto done = mount_.executor().read(
      [&](const View& view) -> Result<void> {
        seen.clear();
        MDP_TRY(const auto reads, asks(view));
        for (const ReadKey& read : reads) {
          MDP_TRY(auto value, view.raw(read));
          seen.emplace_back(read, std::move(value));
        }
        return {};
      },
      false);
  if (!done) return refused(done.error());
  for (const auto& [read, value] : seen) {
    judge(start, read, value);
    if (!mount_.remembers()) continue;
    const auto parsed = sim_keys().parse(read.key);
    Kernel& kernel = mount_.host().kernel;
    if (parsed->kind == 'i' && value.exists)
      kernel.remember(parsed->ino, value.bytes, start.kernel);
    if (parsed->kind == 'd')
      kernel.remember({parsed->ino, read.field}, value.exists ? Held(value.bytes) : Held(),
                      start.kernel);
  }
}

// The server could not be asked, or the store is broken; one that is full answers all the same.
void Reader::refused(const Error& error) {
  if (error.code == ENOSPC)
    findings_.add(fmt::format("a read on {}: {}", mount_.name(), error.text));
}

void Reader::look_up(Ino parent) {
  const auto names = history_.fields(sim_keys().dir(parent));
  const std::string name =
      names.empty() || dice_.one_in(kAbsentOneIn) ? "nobody" : dice_.pick(names);
  ask([&](const View& seen) -> Result<std::vector<ReadKey>> {
    const auto found = model::lookup(seen, {parent, name});
    MDP_TRY_VOID(answered(found));
    std::vector<ReadKey> reads{seen.dentry_key(parent, name)};
    if (found) reads.push_back(seen.attr_key(found->ino));
    return reads;
  });
}

void Reader::list(Ino dir) {
  const Begin start = begin();
  const std::string key = sim_keys().dir(dir);
  auto reader = mount_.opendir(dir);
  std::map<std::string, std::string> found;
  std::vector<std::pair<Ino, std::string>> attrs;
  std::vector<Begin> begins;
  const bool with_attrs = dice_.one_in(2);  // then many names are read ahead
  for (uint64_t at = 0;;) {
    const Begin asked = begin();
    auto page = reader->page(at, kPage, with_attrs);
    if (!page) return refused(page.error());
    for (const auto& item : *page) {
      if (!found.emplace(item.name, model::encode_dentry(item.dentry)).second)
        findings_.add(fmt::format("{} is listed twice in {} by {}", item.name, key, mount_.name()));
      if (!item.attr) continue;
      const std::string attr = model::encode_attr(*item.attr);
      if (mount_.remembers()) {
        Kernel& kernel = mount_.host().kernel;
        kernel.remember({dir, std::string(item.name)}, model::encode_dentry(item.dentry),
                        start.kernel);
        kernel.remember(item.dentry.ino, attr, asked.kernel);
      }
      attrs.emplace_back(item.dentry.ino, attr);
      begins.push_back(asked);
    }
    at += page->size();
    if (page->size() < kPage) break;
    if (dice_.one_in(2)) scheduler_.sleep(static_cast<Time>(dice_.below(kBetweenPages)));
  }
  for (const auto& [name, entry] : found) judge(start, Place{key, name}, entry);
  for (const std::string& name : history_.fields(key))
    if (!found.contains(name)) judge(start, Place{key, name}, std::nullopt);
  for (size_t i = 0; i < attrs.size(); ++i)
    judge(begins[i], Place{sim_keys().attr(attrs[i].first), {}}, attrs[i].second);
}

void Reader::judge(const Begin& begin, const ReadKey& read, const model::RawValue& got) {
  switch (read.kind) {
    case ReadKind::kString:
      return judge(begin, Place{read.key, {}}, got.exists ? Held(got.bytes) : Held());
    case ReadKind::kField:
      return judge(begin, Place{read.key, read.field}, got.exists ? Held(got.bytes) : Held());
    case ReadKind::kList: {
      std::string all;
      for (const std::string& item : got.items) all += item;
      return judge(begin, Place{read.key, {}}, got.items.empty() ? Held() : Held(std::move(all)));
    }
    default: {
      const std::map<std::string, std::string> fields(got.fields.begin(), got.fields.end());
      for (const auto& [field, value] : fields) judge(begin, Place{read.key, field}, value);
      for (const std::string& field : history_.fields(read.key))
        if (!fields.contains(field)) judge(begin, Place{read.key, field}, std::nullopt);
    }
  }
}

void Reader::judge(const Begin& begin, const Place& place, const Held& got) {
  const OwnChange own = mount_.own(row_of(place));
  const OwnChange hash =
      place.field.empty() ? OwnChange() : mount_.own(engine::marker_key(place.key));
  // Came while it was asked for: both with and without it is right.
  if (hash.number > begin.own) return;
  if (own.number > begin.own) {
    const bool ended = !own.pending && own.earlier <= begin.own && !own.ended.empty();
    if (ended && !hash.pending) judge_ended(begin, place, got, own);
    return;
  }
  ++judged_;
  Held base = got;
  if (own.pending || hash.pending) {
    const Row row = mount_.row(row_of(place));
    if (row.local == Row::Local::kDelta) return;  // counts of names
    if (row.local == Row::Local::kAppend) {
      if (base && base->ends_with(row.local_value))
        base->resize(base->size() - row.local_value.size());
      else
        base = "a pending record is missing";
      if (base->empty()) base.reset();
    } else {
      const Held pending =
          row.local == Row::Local::kValue ? Held(row.local_value) : std::nullopt;
      if (got != pending)
        findings_.add(fmt::format("{} {} on {}: {}, not the pending {}", place.key, place.field,
                                  mount_.name(), printed(got), printed(pending)));
      return;
    }
  }
  const bool pending = own.pending || hash.pending;
  Moment from = std::max(mount_.redis().announced(place.key, begin.pushes), last_[place]);
  if (!pending) from = std::max(from, own.settled);
  const auto at = history_.first(place, from, [&](const Held& held) { return held == base; });
  if (!at)
    findings_.add(fmt::format("{} {} on {}: {} is older than moment {} (told {}, settled {}):{}",
                              place.key, place.field, mount_.name(), printed(base), from,
                              mount_.redis().announced(place.key, begin.pushes), own.settled,
                              history_.told(place)));
  else if (!pending)
    last_[place] = *at;
}

void Reader::judge_ended(const Begin& begin, const Place& place, const Held& got,
                         const OwnChange& own) {
  const auto row = engine::decode_row(own.ended);
  MDP_CHECK(row);
  if (row->local == Row::Local::kDelta) return;
  ++judged_;
  const bool with_it = row->local == Row::Local::kAbsent   ? !got
                       : row->local == Row::Local::kValue ? got == row->local_value
                                                          : got && got->ends_with(row->local_value);
  if (with_it) return;
  const Moment from = std::max({mount_.redis().announced(place.key, begin.pushes), last_[place],
                                own.settled});
  if (!history_.first(place, from, [&](const Held& held) { return held == got; }))
    findings_.add(fmt::format("{} {} on {}: {} is without what was settled at moment {}, {}:{}",
                              place.key, place.field, mount_.name(), printed(got), own.settled,
                              printed(row->local_value), history_.told(place)));
}

void Reader::look_at_kernel(bool quiet) {
  // Until it is writable it may remember what was acknowledged and is to be offered again.
  if (!quiet && !mount_.ready()) return;
  const Kernel& kernel = mount_.host().kernel;
  for (const auto& [ino, attr] : kernel.attrs())
    remembered(Place{sim_keys().attr(ino), {}}, attr, quiet);
  for (const auto& [name, entry] : kernel.names())
    remembered(Place{sim_keys().dir(name.parent), name.name}, entry, quiet);
}

void Reader::remembered(const Place& place, const Held& value, bool quiet) {
  ++judged_;
  const auto same = [&](const Held& held) {
    return value == held || (value && held && place.field.empty() &&
                             without_ctime(*value) == without_ctime(*held));
  };
  const OwnChange own = mount_.own(row_of(place));
  if (own.pending) {
    const Row row = mount_.row(row_of(place));
    const Held pending = row.local == Row::Local::kValue ? Held(row.local_value) : std::nullopt;
    if (!same(pending))
      findings_.add(fmt::format("the kernel of {} remembers {} {} as {}, not the pending {}",
                                mount_.name(), place.key, place.field, printed(value),
                                printed(pending)));
    return;
  }
  const Moment told = mount_.redis().announced(place.key, mount_.redis().pushes());
  const Moment from = quiet ? history_.now() : std::max(told, own.settled);
  if (!history_.first(place, from, same))
    findings_.add(fmt::format("the kernel of {} remembers {} {} as {}, older than moment {} (told "
                              "{}, settled {}):{}",
                              mount_.name(), place.key, place.field, printed(value), from, told,
                              own.settled, history_.told(place)));
}

}  // namespace fastmeta::sim
