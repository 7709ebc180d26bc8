#include "program/program_cache.hpp"

#include <gpucompute/platform.hpp>

#include "runtime/cache.hpp"
#include "support/sha256.hpp"

namespace gpucompute {

std::string program_cache_key(const Device &device, const std::string &source, const std::string &options) {
  const DeviceInfo &info = device.info();
  const PlatformInfo &platform = device.platform().info();
  Sha256 hash;
  for (const std::string &part : {std::string("program 1"), std::string(GPUCOMPUTE_VERSION), platform.name,
                                  platform.version, info.name, info.vendor, info.version, info.c_version,
                                  info.driver_version, std::to_string(info.address_bits), options, source})
    hash.field(part);
  return hash.hex();
}

std::optional<std::vector<unsigned char>> load_program_binary(const std::string &key) { return disk_cache().get(key); }

void store_program_binary(const std::string &key, const std::vector<unsigned char> &binary) {
  if (!binary.empty()) disk_cache().put(key, binary.data(), binary.size());
}

}  // namespace gpucompute
