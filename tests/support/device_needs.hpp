// What a test needs of the device under test and not every driver has.
#pragma once

#include <gpucompute/device.hpp>
#include <gpucompute/platform.hpp>

#include "support/skip.hpp"

namespace gpucompute::test {

// The fake ICD has kernels of its own and takes every source for them.
inline bool has_compiler(const Device &device) { return device.platform().info().name != "Fake OpenCL"; }

}  // namespace gpucompute::test

#define SKIP_WITHOUT_COMPILER() \
  if (!::gpucompute::test::has_compiler(*::gpucompute::select_device(""))) SKIP_TEST("the device has no compiler")
