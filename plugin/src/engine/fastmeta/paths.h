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

// The same once it was undone; empty: its folder or inode is not there, or nobody knows.
std::string path_now(store::Transaction& transaction, const model::KeySpace& keys,
                     const Validity& validity, const model::Operation& operation);

}  // namespace fastmeta::engine
