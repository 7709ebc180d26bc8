// Finds out what a device can do by compiling and running small kernels there.
#pragma once

#include <gpucompute/device.hpp>
#include <gpucompute/platform.hpp>

#include <string>

namespace gpucompute {

// Reads the on-disk cache first and stores what it found. Never throws for what a device cannot do, but where it has no
// memory for the attempt. `was_probed`: it did not come from the cache.
Capabilities probe_capabilities(const Device &device, bool &was_probed);

// The name of that record in the cache: all that the answers depend on.
std::string capabilities_cache_key(const std::string &library_version, const PlatformInfo &platform,
                                   const DeviceInfo &device);

}  // namespace gpucompute
