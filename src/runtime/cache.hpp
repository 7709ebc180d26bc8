// The process's on-disk cache: one, opened on first use, never destroyed.
#pragma once

#include "support/disk_cache.hpp"

namespace gpucompute {

DiskCache &disk_cache();

}  // namespace gpucompute
