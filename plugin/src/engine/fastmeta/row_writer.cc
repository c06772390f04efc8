// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/row_writer.h"

#include <algorithm>
#include <utility>

#include "util/bytes.h"
#include "util/log.h"

namespace fastmeta::engine {

using model::RawValue;
using model::ReadKey;
using model::ReadKind;
using model::Write;
using model::WriteOp;
using store::Table;

namespace {

bool names_hash(char kind) { return kind == 'd' || kind == 'p' || kind == 'x'; }

void set_base(Row& row, bool exists, std::string value, Token token) {
  row.base = exists ? Row::Base::kPresent : Row::Base::kAbsent;
  row.base_value = exists ? std::move(value) : std::string();
  row.base_token = token;
}

std::string joined(const std::vector<std::string>& items) {
  std::string all;
  for (const std::string& item : items) all += item;
  return all;
}

// The base's number; a field that is absent counts 0.
int64_t number_of(const Row& row) {
  return row.base == Row::Base::kPresent ? parse_decimal<int64_t>(row.base_value).value_or(0) : 0;
}

}  // namespace

Result<Row> RowWriter::load(const std::string& row) {
  MDP_TRY(auto bytes, transaction_.get(Table::kRows, row));
  if (!bytes) return Row{};
  auto decoded = decode_row(*bytes);
  if (decoded) return decoded;
  Error error = std::move(decoded).error();
  error.text = quote(row) + ": " + error.text;
  return error;
}

Result<void> RowWriter::save(const std::string& row, const Row& value) {
  if (value.blank()) return transaction_.erase(Table::kRows, row);
  return transaction_.put(Table::kRows, row, encode_row(value));
}

Result<void> RowWriter::each_field(
    std::string_view hash, const std::function<Result<void>(const std::string& row, Row)>& visit) {
  const std::string marker = marker_key(hash);
  std::vector<std::pair<std::string, std::string>> found;
  MDP_TRY_VOID(transaction_.scan(Table::kRows, marker,
                                 [&](std::string_view key, std::string_view value) {
                                   if (!key.starts_with(marker)) return false;
                                   if (key.size() > marker.size()) found.emplace_back(key, value);
                                   return true;
                                 }));
  for (const auto& [key, bytes] : found) {
    MDP_TRY(Row row, decode_row(bytes));
    MDP_TRY_VOID(visit(key, std::move(row)));
  }
  return {};
}

Result<void> RowWriter::pending(const Write& write, uint64_t seq, bool is_new) {
  const auto parsed = keys_.parse(write.key);
  if (!parsed) return {};
  auto change = [&](const std::string& name, auto&& with) -> Result<void> {
    MDP_TRY(Row row, load(name));
    with(row);
    row.last_seq = seq;
    return save(name, row);
  };
  auto local = [&](Row::Local kind, const std::string& value) {
    return [&row_value = value, kind](Row& row) {
      row.local = kind;
      row.local_value = kind == Row::Local::kValue ? row_value : std::string();
      row.local_delta = 0;
    };
  };
  switch (write.op) {
    case WriteOp::kSet:
      return change(row_key(write.key), [&](Row& row) {
        local(Row::Local::kValue, write.value)(row);
        if (is_new && parsed->kind == 'i') {
          row.born = validity_.now();
          if (row.base == Row::Base::kUnknown) set_base(row, false, {}, *row.born);
        }
      });
    case WriteOp::kDel:
      if (!names_hash(parsed->kind))
        return change(row_key(write.key), local(Row::Local::kAbsent, {}));
      MDP_TRY_VOID(each_field(write.key, [&](const std::string& name, Row row) -> Result<void> {
        local(Row::Local::kAbsent, {})(row);
        row.last_seq = seq;
        return save(name, row);
      }));
      return change(marker_key(write.key), local(Row::Local::kAbsent, {}));
    case WriteOp::kHSet:
      return change(row_key(write.key, write.field), local(Row::Local::kValue, write.value));
    case WriteOp::kHDel:
      return change(row_key(write.key, write.field), local(Row::Local::kAbsent, {}));
    case WriteOp::kHIncrBy:
      return change(row_key(write.key, write.field), [&](Row& row) {
        if (row.local == Row::Local::kValue || row.local == Row::Local::kAbsent) {
          const int64_t before = row.local == Row::Local::kValue
                                     ? parse_decimal<int64_t>(row.local_value).value_or(0)
                                     : 0;
          row.local = Row::Local::kValue;
          row.local_value = std::to_string(incremented(before, write.delta));
        } else {
          row.local = Row::Local::kDelta;
          row.local_delta = incremented(row.local_delta, write.delta);
        }
      });
    case WriteOp::kRPush:
    case WriteOp::kRPushX:
      return change(row_key(write.key), [&](Row& row) {
        if (row.local == Row::Local::kNone) row.local_value.clear();
        if (row.local != Row::Local::kValue) row.local = Row::Local::kAppend;
        row.local_value += write.value;
      });
    default:
      MDP_CHECK(!"a write that the local executor does not make");
  }
}

Result<void> RowWriter::fill(const ReadKey& read, const RawValue& answer, Token token) {
  const auto parsed = keys_.parse(read.key);
  if (!parsed) return {};
  auto put = [&](const std::string& name, bool exists, std::string value) -> Result<void> {
    MDP_TRY(Row row, load(name));
    if (token < row.base_token) return {};
    set_base(row, exists, std::move(value), token);
    if (parsed->kind == 'i' && row.born && !validity_.valid(*row.born, read.key)) row.born.reset();
    return save(name, row);
  };
  switch (read.kind) {
    case ReadKind::kString:
      return put(row_key(read.key), answer.exists, answer.bytes);
    case ReadKind::kField:
      return put(row_key(read.key, read.field), answer.exists, answer.bytes);
    case ReadKind::kList:
      return put(row_key(read.key), !answer.items.empty(), joined(answer.items));
    case ReadKind::kHashCount:
      if (answer.count != 0) return {};
      [[fallthrough]];
    case ReadKind::kHash: {
      // The whole hash: rows that agree already are left (row.h, 2), what it does not
      // hold becomes absent.
      MDP_TRY(Row marker, load(marker_key(read.key)));
      if (marker.base != Row::Base::kUnknown && token < marker.base_token) return {};
      std::vector<std::pair<std::string_view, std::string_view>> fields(answer.fields.begin(),
                                                                         answer.fields.end());
      std::sort(fields.begin(), fields.end());
      std::vector<std::pair<std::string, Row>> changed;
      size_t at = 0;
      auto missing_up_to = [&](std::string_view field, bool all) {
        for (; at < fields.size() && (all || fields[at].first < field); ++at) {
          Row row;
          set_base(row, true, std::string(fields[at].second), token);
          changed.emplace_back(row_key(read.key, fields[at].first), std::move(row));
        }
      };
      MDP_TRY_VOID(each_field(read.key, [&](const std::string& name, Row row) -> Result<void> {
        const std::string_view field = parse_row_key(name).field;
        missing_up_to(field, false);
        const bool there = at < fields.size() && fields[at].first == field;
        const std::string_view value = there ? fields[at].second : std::string_view();
        if (there) ++at;
        if (row.base_token > token) return {};
        const bool agrees = there ? row.base == Row::Base::kPresent && row.base_value == value
                                  : row.base == Row::Base::kAbsent;
        if (agrees) return {};
        set_base(row, there, std::string(value), token);
        changed.emplace_back(name, std::move(row));
        return {};
      }));
      missing_up_to({}, true);
      for (const auto& [name, row] : changed) MDP_TRY_VOID(save(name, row));
      set_base(marker, true, {}, token);
      return save(marker_key(read.key), marker);
    }
  }
  return {};
}

Result<void> RowWriter::applied(const Write& write, Token sent) {
  const auto parsed = keys_.parse(write.key);
  if (!parsed) return {};
  if (names_hash(parsed->kind)) {
    // A listing that came behind it knows better; rows that agreed with it kept their tokens.
    MDP_TRY(const Row marker, load(marker_key(write.key)));
    if (marker.base == Row::Base::kPresent && marker.base_token > sent) return {};
  }
  auto put = [&](const std::string& name, bool exists, const std::string& value) -> Result<void> {
    MDP_TRY(Row row, load(name));
    if (row.base_token > sent) return {};  // a read that came behind it knows better
    set_base(row, exists, value, sent);
    return save(name, row);
  };
  // A value made from the old one.
  auto derive = [&](const std::string& name, auto&& next) -> Result<void> {
    MDP_TRY(Row row, load(name));
    if (row.base_token >= sent) return {};
    bool holds = row.base != Row::Base::kUnknown && validity_.valid(row.base_token, write.key);
    if (!holds) {
      // Of an inode that was made here, what has no row yet is empty.
      MDP_TRY(Row inode, load(row_key(keys_.attr(parsed->ino))));
      holds = row.base == Row::Base::kUnknown && row.base_token == Token{} && inode.born &&
              validity_.valid(*inode.born, write.key);
    }
    if (names_hash(parsed->kind)) {
      MDP_TRY(const Row marker, load(marker_key(write.key)));
      const bool listed = marker.base == Row::Base::kPresent;
      // Read when it was on its way: what the listing says is made of it already.
      if (listed && marker.base_token == sent) return {};
      holds = holds || (listed && validity_.valid(marker.base_token, write.key));
    }
    if (holds) {
      set_base(row, true, next(row), sent);
    } else {
      row.base = Row::Base::kUnknown;
      row.base_value.clear();
      row.base_token = sent;
    }
    return save(name, row);
  };
  switch (write.op) {
    case WriteOp::kSet:
      return put(row_key(write.key), true, write.value);
    case WriteOp::kDel:
      if (!names_hash(parsed->kind)) return put(row_key(write.key), false, {});
      MDP_TRY_VOID(each_field(write.key, [&](const std::string& name, Row row) -> Result<void> {
        if (row.base_token >= sent) return {};
        set_base(row, false, {}, sent);
        return save(name, row);
      }));
      return put(marker_key(write.key), true, {});
    case WriteOp::kHSet:
      return put(row_key(write.key, write.field), true, write.value);
    case WriteOp::kHDel:
      return put(row_key(write.key, write.field), false, {});
    case WriteOp::kHIncrBy:
      return derive(row_key(write.key, write.field),
                    [&](const Row& row) {
                      return std::to_string(incremented(number_of(row), write.delta));
                    });
    case WriteOp::kRPush:
      return derive(row_key(write.key),
                    [&](const Row& row) { return row.base_value + write.value; });
    default: {
      // RPUSHX did or did not: ask when it is needed. What else writes these keys is
      // not made by records.
      const bool field = write.op == WriteOp::kHSetNx;
      const std::string name = field ? row_key(write.key, write.field) : row_key(write.key);
      MDP_TRY(Row row, load(name));
      if (row.base_token > sent) return {};  // equal: of a push in the same batch
      row.base = Row::Base::kUnknown;
      row.base_value.clear();
      row.base_token = sent;
      return save(name, row);
    }
  }
}

Result<void> RowWriter::settled(const Write& write, uint64_t seq, std::optional<Row>* ended) {
  const auto parsed = keys_.parse(write.key);
  if (!parsed) return {};
  auto clear = [&](const std::string& name) -> Result<void> {
    MDP_TRY(Row row, load(name));
    if (row.local == Row::Local::kNone) return {};
    if (row.last_seq <= seq) {
      if (ended) *ended = row;
      row.local = Row::Local::kNone;
      row.local_value.clear();
      row.local_delta = 0;
      row.last_seq = 0;
    } else if (row.local == Row::Local::kAppend) {
      if (row.local_value.starts_with(write.value)) row.local_value.erase(0, write.value.size());
    } else if (row.local == Row::Local::kDelta) {
      int64_t rest = 0;
      row.local_delta =
          __builtin_sub_overflow(row.local_delta, write.delta, &rest) ? 0 : rest;
    }
    return save(name, row);
  };
  switch (write.op) {
    case WriteOp::kDel:
      if (!names_hash(parsed->kind)) return clear(row_key(write.key));
      MDP_TRY_VOID(each_field(write.key, [&](const std::string& name, Row row) -> Result<void> {
        if (row.local == Row::Local::kNone || row.last_seq > seq) return {};
        return clear(name);
      }));
      return clear(marker_key(write.key));
    case WriteOp::kHSet:
    case WriteOp::kHDel:
    case WriteOp::kHIncrBy:
      return clear(row_key(write.key, write.field));
    default:
      return clear(row_key(write.key));
  }
}

Result<void> RowWriter::drop_pending(const Write& write) {
  const auto parsed = keys_.parse(write.key);
  if (!parsed) return {};
  auto clear = [&](const std::string& name, Row row) -> Result<void> {
    row.local = Row::Local::kNone;
    row.local_value.clear();
    row.local_delta = 0;
    row.last_seq = 0;
    row.born.reset();
    return save(name, row);
  };
  auto clear_named = [&](const std::string& name) -> Result<void> {
    MDP_TRY(Row row, load(name));
    return clear(name, std::move(row));
  };
  switch (write.op) {
    case WriteOp::kDel:
      if (!names_hash(parsed->kind)) return clear_named(row_key(write.key));
      MDP_TRY_VOID(each_field(write.key, [&](const std::string& name, Row row) -> Result<void> {
        return clear(name, std::move(row));
      }));
      return clear_named(marker_key(write.key));
    case WriteOp::kHSet:
    case WriteOp::kHDel:
    case WriteOp::kHIncrBy:
      return clear_named(row_key(write.key, write.field));
    default:
      return clear_named(row_key(write.key));
  }
}

}  // namespace fastmeta::engine
