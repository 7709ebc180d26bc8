#include "program/program_cache.hpp"

#include "runtime/cache.hpp"
#include "support/sha256.hpp"

namespace gpucompute {

std::string program_cache_key(const std::string &library_version, const PlatformInfo &platform,
                              const DeviceInfo &device, const std::string &source, const std::string &options) {
  Sha256 hash;
  for (const std::string &part :
       {std::string("program 1"), library_version, platform.name, platform.version, device.name, device.vendor,
        device.version, device.c_version, device.driver_version, std::to_string(device.address_bits), options, source})
    hash.field(part);
  return hash.hex();
}

std::string program_cache_key(const Device &device, const std::string &source, const std::string &options) {
  return program_cache_key(GPUCOMPUTE_VERSION, device.platform().info(), device.info(), source, options);
}

std::optional<std::vector<unsigned char>> load_program_binary(const std::string &key) { return disk_cache().get(key); }

void store_program_binary(const std::string &key, const std::vector<unsigned char> &binary) {
  if (!binary.empty()) disk_cache().put(key, binary.data(), binary.size());
}

}  // namespace gpucompute
