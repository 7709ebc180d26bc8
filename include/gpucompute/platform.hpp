// Platforms: the installed OpenCL drivers. They and their devices live until the process ends.
#pragma once

#include <gpucompute/types.hpp>

#include <memory>
#include <string>
#include <vector>

namespace gpucompute {

class Device;
class Error;

struct PlatformInfo {
  std::string name, vendor, version, profile, extensions;
};

class Platform final : public Object {
 public:
  explicit Platform(cl_platform_id native);  // reads the properties and the devices; throws Error
  cl_platform_id native() const noexcept { return native_; }
  const PlatformInfo &info() const noexcept { return info_; }
  // In the driver's order; unaffected by GPUC_DEVICE_ENFORCE.
  const std::vector<std::shared_ptr<Device>> &devices() const noexcept { return devices_; }

 private:
  friend void load_devices(Platform &platform, std::vector<Error> &failures);
  cl_platform_id native_;
  PlatformInfo info_;
  std::vector<std::shared_ptr<Device>> devices_;
};

// All platforms, read on first use. Throws Error(no_platform).
const std::vector<std::shared_ptr<Platform>> &platforms();

}  // namespace gpucompute
