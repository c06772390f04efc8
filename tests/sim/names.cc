// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/client.h"
#include "sim/user.h"

namespace fastmeta::sim {

namespace {

// What a change of names is made of.
struct Moves {
  std::vector<std::pair<model::Ino, std::string>> given, taken;
};

// replaced: a rename took the place of another node.
Moves moves_of(const model::Operation& operation, bool replaced) {
  Moves moves;
  if (const auto* create = std::get_if<model::CreateArgs>(&operation))
    moves.given.emplace_back(create->parent, create->name);
  if (const auto* link = std::get_if<model::LinkArgs>(&operation))
    moves.given.emplace_back(link->parent, link->name);
  if (const auto* gone = std::get_if<model::Unlink>(&operation))
    moves.taken.emplace_back(gone->want.parent, gone->want.name);
  if (const auto* gone = std::get_if<model::Rmdir>(&operation))
    moves.taken.emplace_back(gone->want.parent, gone->want.name);
  const auto* moved = std::get_if<model::RenameArgs>(&operation);
  if (moved && moved->flags != model::kRenameExchange) {
    moves.taken.emplace_back(moved->parent, moved->name);
    if (!replaced) moves.given.emplace_back(moved->new_parent, moved->new_name);
  }
  for (auto* places : {&moves.given, &moves.taken})  // there names are the server's matter
    std::erase_if(*places, [](const auto& place) { return model::is_trash(place.first); });
  return moves;
}

bool shareable(const model::Operation& operation) {
  const auto* create = std::get_if<model::CreateArgs>(&operation);
  return create && create->open_for != 0;
}

}  // namespace

void Names::acknowledged(const model::Operation& operation, const model::OperationReply& reply) {
  if (const auto* made = std::get_if<model::CreateReply>(&reply); made && made->existed) return;
  const auto* moved = std::get_if<model::RenameReply>(&reply);
  const Moves moves = moves_of(operation, moved && moved->other != 0);
  const std::string said = model::name_of(model::kind_of(operation));
  for (const Place& place : moves.given) {
    Account& account = accounts_[place];
    ++account.left;
    account.may_be_shared += shareable(operation);
    account.story += " +" + said;
  }
  for (const Place& place : moves.taken) {
    --accounts_[place].left;
    accounts_[place].story += " -" + said;
  }
  given_ += moves.given.size();
}

void Names::unanswered(const model::Operation& operation) {
  const Moves moves = moves_of(operation, false);
  for (const Place& place : moves.given) accounts_[place].unknown = true;
  for (const Place& place : moves.taken) accounts_[place].unknown = true;
}

void Names::undone(const model::OplogRecord& record) {
  bool replaced = false;
  if (const auto* moved = std::get_if<model::RenameArgs>(&record.operation)) {
    const std::string dir = sim_keys().dir(moved->new_parent);
    replaced = std::ranges::any_of(record.relied, [&](const model::Reliance& one) {
      return one.read.key == dir && one.read.field == moved->new_name &&
             one.expect == model::Reliance::Expect::kEntry;
    });
  }
  const Moves moves = moves_of(record.operation, replaced);
  const std::string said = fmt::format("{}#{}", model::name_of(model::kind_of(record.operation)),
                                       record.seq);
  for (const Place& place : moves.given) {
    Account& account = accounts_[place];
    --account.left;
    account.may_be_shared -= shareable(record.operation);
    account.story += " undone+" + said;
  }
  for (const Place& place : moves.taken) {
    ++accounts_[place].left;
    accounts_[place].story += " undone-" + said;
  }
}

void Names::check(const test::MemoryStore& store, Findings& findings) const {
  for (const auto& [place, account] : accounts_) {
    if (account.unknown) continue;
    const auto& [parent, name] = place;
    const int64_t there = store.field(sim_keys().dir(parent), name).has_value();
    if (account.left >= there && account.left <= there + account.may_be_shared) continue;
    findings.add(fmt::format("{} of folder {} is {}, and was given {} times more than taken:{}",
                             name, parent, there ? "there" : "not there", account.left,
                             account.story));
  }
}

}  // namespace fastmeta::sim
