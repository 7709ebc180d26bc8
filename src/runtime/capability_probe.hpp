// Finds out what a device can do by compiling and running small kernels there.
#pragma once

#include <gpucompute/device.hpp>

namespace gpucompute {

// Reads the on-disk cache first and stores what it found. Never throws for what a device cannot do; a device on which
// not even a context can be made can do nothing.
Capabilities probe_capabilities(const Device &device);

}  // namespace gpucompute
