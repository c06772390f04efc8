// SPDX-License-Identifier: GPL-3.0-or-later
// The path of an inode as the local rows tell it, for people: best effort, bounded.
#pragma once

#include <string>

#include "engine/fastmeta/parts.h"
#include "model/operation.h"

namespace fastmeta::engine {

// "/a/b", or "(inode 5)" from where it is not known.
std::string path_of(store::Transaction& transaction, const model::KeySpace& keys, model::Ino ino);
// Of what an operation is about: the name it makes or changes, or its inode.
std::string path_of(store::Transaction& transaction, const model::KeySpace& keys,
                    const model::Operation& operation);

}  // namespace fastmeta::engine
