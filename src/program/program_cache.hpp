// What the driver made of a program, in the on-disk cache.
#pragma once

#include <gpucompute/device.hpp>
#include <gpucompute/platform.hpp>

#include <optional>
#include <string>
#include <vector>

namespace gpucompute {

// The key covers everything that the binary depends on: text, options, device, driver, platform and this library's
// version.
std::string program_cache_key(const Device &device, const std::string &source, const std::string &options);
// The same of what it is made from. The first two numbers of the version are those of the ABI.
std::string program_cache_key(const std::string &library_version, const PlatformInfo &platform,
                              const DeviceInfo &device, const std::string &source, const std::string &options);

std::optional<std::vector<unsigned char>> load_program_binary(const std::string &key);
void store_program_binary(const std::string &key, const std::vector<unsigned char> &binary);

}  // namespace gpucompute
