// SPDX-License-Identifier: GPL-3.0-or-later
// libfuse, one version of its interface for all files.
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>
