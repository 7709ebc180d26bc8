// Devices: what they report, what they can really do, and how one is selected.
#pragma once

#include <gpucompute/types.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gpucompute {

class Platform;

enum class DeviceType : int { cpu = 1, gpu = 2, accelerator = 3, custom = 4 };

// As the driver reports it. Sizes are bytes; versions are major * 100 + minor * 10.
struct DeviceInfo {
  std::string name, vendor, driver_version, version, c_version, profile, extensions, uuid, pci_id;
  DeviceType type = DeviceType::custom;
  std::uint64_t vendor_id = 0, compute_units = 0, clock_mhz = 0;
  std::uint64_t global_memory = 0, max_allocation = 0, local_memory = 0, constant_memory = 0, cache = 0, cache_line = 0;
  std::uint64_t max_work_group_size = 0, max_work_items[3] = {0, 0, 0};
  std::uint64_t address_bits = 0, slice_alignment = 1, timer_resolution_ns = 0, max_argument_bytes = 0;
  std::uint64_t nvidia_compute_capability = 0;  // as a version; 0 on other vendors' devices
  std::uint64_t vector_width_f32 = 0, vector_width_f64 = 0, opencl_version = 0, opencl_c_version = 0;
  bool unified_memory = false, out_of_order = false, available = false, compiler_available = false,
       little_endian = false, error_correction = false;
};

enum class Fp16 : int { none = 0, storage = 1, arithmetic = 2, math = 3 };

// What was found by compiling and running small kernels on the device.
struct Capabilities {
  Fp16 fp16 = Fp16::none;
  bool fp64 = false, int64_atomics = false, sub_groups = false, inline_ptx = false, spirv = false;
};

class Device final : public Object {
 public:
  Device(Platform &platform, cl_device_id native);  // reads the properties; throws Error
  cl_device_id native() const noexcept { return native_; }
  Platform &platform() const noexcept { return platform_; }
  const DeviceInfo &info() const noexcept { return info_; }
  bool has_extension(const char *name) const;
  // A filter that selects this device among all: "<platform's first word>:<type>:<index>",
  // without the type where it is custom.
  std::string filter() const;
  // Probed on first use (may take seconds) and kept in the on-disk cache per device and driver.
  const Capabilities &capabilities() const;

 private:
  Platform &platform_;
  cl_device_id native_;
  DeviceInfo info_;
  mutable std::once_flag probed_;
  mutable Capabilities capabilities_;
};

// The devices that a filter lets through, best first. The grammar is in gpucompute.h at gpuc_device_select; a filter
// with an index is refused. GPUC_DEVICE_ENFORCE hides what GPUC_DEVICE does not select.
// Throws Error(no_platform, no_device, invalid_argument).
std::vector<std::shared_ptr<Device>> list_devices(const std::string &filter);

// One device; with an empty filter GPUC_DEVICE's or the best.
std::shared_ptr<Device> select_device(const std::string &filter);

// The listed device with that id. Throws Error(no_device).
std::shared_ptr<Device> find_device(cl_device_id native);

}  // namespace gpucompute
