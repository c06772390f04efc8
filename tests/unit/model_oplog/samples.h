// SPDX-License-Identifier: GPL-3.0-or-later
// Oplog records for tests: one fixed one of each kind, and random ones.
#pragma once

#include <vector>

#include "model/oplog_record.h"
#include "support/seed.h"

namespace fastmeta::test {

// In the order of OperationKind; no field has the value of another, or its default.
std::vector<model::OplogRecord> sample_records();
// Odd bytes in names, extreme numbers, lists of any length.
model::OplogRecord random_record(Dice& dice);

}  // namespace fastmeta::test
