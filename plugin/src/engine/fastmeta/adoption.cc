// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/adoption.h"

namespace fastmeta::engine {

Result<std::optional<Adoption>> find_adoption(const LocalView& view,
                                              const model::Operation& clashing) {
  const auto* create = std::get_if<model::CreateArgs>(&clashing);
  if (!create || (create->open_for & model::kOpenThere) == 0) return std::optional<Adoption>();
  auto found = model::lookup(view, {create->parent, create->name});
  if (!found && found.error().fault == Fault::kAnswer) return std::optional<Adoption>();
  if (!found) return std::move(found).error();

  model::OpenArgs how;
  how.who = create->who;
  how.ino = found->ino;
  how.read = (create->open_for & model::kOpenRead) != 0;
  how.write = (create->open_for & model::kOpenWrite) != 0;
  how.append = (create->open_for & model::kOpenAppend) != 0;
  how.truncate = (create->open_for & model::kOpenTruncate) != 0;
  auto attr = model::open(view, how);
  if (!attr && attr.error().fault == Fault::kAnswer) return std::optional<Adoption>();
  if (!attr) return std::move(attr).error();
  if (!attr->is_file() || !model::may_open(*attr, how)) return std::optional<Adoption>();

  Adoption adoption;
  adoption.ours = create->ino;
  adoption.theirs = found->ino;
  if (how.truncate && attr->length != 0) {
    adoption.first.emplace();
    adoption.first->who = create->who;
    adoption.first->now = create->now;
    adoption.first->ino = found->ino;
  }
  return std::optional(std::move(adoption));
}

}  // namespace fastmeta::engine
