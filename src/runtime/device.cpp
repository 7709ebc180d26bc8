#include <gpucompute/device.hpp>
#include <gpucompute/platform.hpp>

#include <CL/cl_ext.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>

#include "runtime/cache.hpp"
#include "runtime/capability_probe.hpp"
#include "runtime/cl_query.hpp"
#include "support/log.hpp"

namespace gpucompute {
namespace {

// "OpenCL 3.0 CUDA" and "OpenCL C 1.2 pocl" give 300 and 120; 0 where there is no number.
std::uint64_t parse_version(const std::string &version) {
  const std::size_t digit = version.find_first_of("0123456789");
  int major = 0, minor = 0;
  if (digit == std::string::npos || std::sscanf(version.c_str() + digit, "%3d.%3d", &major, &minor) < 1) return 0;
  return static_cast<std::uint64_t>(major) * 100 + static_cast<std::uint64_t>(minor) * 10;
}

DeviceType device_type(cl_device_type bits) {
  // Checkers claim to be everything at once; the first that fits names them.
  if (bits & CL_DEVICE_TYPE_GPU) return DeviceType::gpu;
  if (bits & CL_DEVICE_TYPE_CPU) return DeviceType::cpu;
  if (bits & CL_DEVICE_TYPE_ACCELERATOR) return DeviceType::accelerator;
  return DeviceType::custom;
}

std::string read_uuid(cl_device_id device) {
  unsigned char bytes[CL_UUID_SIZE_KHR];
  if (clGetDeviceInfo(device, CL_DEVICE_UUID_KHR, sizeof bytes, bytes, nullptr) != CL_SUCCESS) return {};
  std::string hex;
  for (unsigned char byte : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", byte);
    hex += two;
  }
  return hex;
}

std::string pci_text(unsigned domain, unsigned bus, unsigned device, unsigned function) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04x:%02x:%02x.%x", domain, bus, device, function);
  return buffer;
}

std::uint64_t read_compute_capability(cl_device_id device) {
  constexpr cl_device_info major_nv = 0x4000, minor_nv = 0x4001;
  cl_uint major = 0, minor = 0;
  if (clGetDeviceInfo(device, major_nv, sizeof major, &major, nullptr) != CL_SUCCESS ||
      clGetDeviceInfo(device, minor_nv, sizeof minor, &minor, nullptr) != CL_SUCCESS)
    return 0;
  return std::uint64_t(major) * 100 + std::uint64_t(minor) * 10;
}

std::string read_pci_id(cl_device_id device) {
  cl_device_pci_bus_info_khr pci{};
  if (clGetDeviceInfo(device, CL_DEVICE_PCI_BUS_INFO_KHR, sizeof pci, &pci, nullptr) == CL_SUCCESS)
    return pci_text(pci.pci_domain, pci.pci_bus, pci.pci_device, pci.pci_function);
  // NVIDIA's older query: bus, and slot with the device in its upper bits.
  constexpr cl_device_info nv_bus = 0x4008, nv_slot = 0x4009, nv_domain = 0x400A;
  cl_uint bus = 0, slot = 0;
  if (clGetDeviceInfo(device, nv_bus, sizeof bus, &bus, nullptr) != CL_SUCCESS ||
      clGetDeviceInfo(device, nv_slot, sizeof slot, &slot, nullptr) != CL_SUCCESS)
    return {};
  return pci_text(device_value_or<cl_uint>(device, nv_domain, 0), bus, slot >> 3, slot & 7);
}

std::string first_word_lower(const std::string &name) {
  std::string word = name.substr(0, name.find_first_of(" :"));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return word;
}

// With the colon before it; a filter has no word for a custom device.
const char *type_part(DeviceType type) {
  switch (type) {
    case DeviceType::cpu:
      return ":cpu";
    case DeviceType::gpu:
      return ":gpu";
    case DeviceType::accelerator:
      return ":accelerator";
    case DeviceType::custom:
      return "";
  }
  return "";
}

}  // namespace

Device::Device(Platform &platform, cl_device_id native) : platform_(platform), native_(native) {
  DeviceInfo &i = info_;
  i.name = device_text(native, CL_DEVICE_NAME);
  i.vendor = device_text(native, CL_DEVICE_VENDOR);
  i.driver_version = device_text(native, CL_DRIVER_VERSION);
  i.version = device_text(native, CL_DEVICE_VERSION);
  i.opencl_version = parse_version(i.version);
  i.c_version = i.opencl_version >= 110 ? device_text(native, CL_DEVICE_OPENCL_C_VERSION) : std::string("OpenCL C 1.0");
  i.opencl_c_version = parse_version(i.c_version);
  i.profile = device_text(native, CL_DEVICE_PROFILE);
  i.extensions = device_text(native, CL_DEVICE_EXTENSIONS);
  i.uuid = read_uuid(native);
  i.pci_id = read_pci_id(native);
  i.type = device_type(device_value<cl_device_type>(native, CL_DEVICE_TYPE));
  i.vendor_id = device_value<cl_uint>(native, CL_DEVICE_VENDOR_ID);
  if (i.extensions.find("cl_nv_device_attribute_query") != std::string::npos)
    i.nvidia_compute_capability = read_compute_capability(native);
  i.compute_units = device_value<cl_uint>(native, CL_DEVICE_MAX_COMPUTE_UNITS);
  i.clock_mhz = device_value<cl_uint>(native, CL_DEVICE_MAX_CLOCK_FREQUENCY);
  i.global_memory = device_value<cl_ulong>(native, CL_DEVICE_GLOBAL_MEM_SIZE);
  i.max_allocation = device_value<cl_ulong>(native, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
  i.local_memory = device_value<cl_ulong>(native, CL_DEVICE_LOCAL_MEM_SIZE);
  i.constant_memory = device_value<cl_ulong>(native, CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE);
  i.cache = device_value_or<cl_ulong>(native, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, 0);
  i.cache_line = device_value_or<cl_uint>(native, CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE, 0);
  i.max_work_group_size = device_value<std::size_t>(native, CL_DEVICE_MAX_WORK_GROUP_SIZE);
  std::size_t items[16] = {};
  if (device_value<cl_uint>(native, CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS) <= 16)
    cl_check(clGetDeviceInfo(native, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof items, items, nullptr), "clGetDeviceInfo");
  for (int d = 0; d < 3; ++d) i.max_work_items[d] = items[d];
  i.address_bits = device_value<cl_uint>(native, CL_DEVICE_ADDRESS_BITS);
  i.slice_alignment = std::max<std::uint64_t>(1, device_value<cl_uint>(native, CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8);
  i.timer_resolution_ns = device_value_or<std::size_t>(native, CL_DEVICE_PROFILING_TIMER_RESOLUTION, 0);
  i.max_argument_bytes = device_value<std::size_t>(native, CL_DEVICE_MAX_PARAMETER_SIZE);
  i.vector_width_f32 = device_value_or<cl_uint>(native, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, 1);
  i.vector_width_f64 = device_value_or<cl_uint>(native, CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE, 0);
  i.unified_memory = device_value_or<cl_bool>(native, CL_DEVICE_HOST_UNIFIED_MEMORY, CL_FALSE) != CL_FALSE;
  i.out_of_order = (device_value<cl_command_queue_properties>(native, CL_DEVICE_QUEUE_PROPERTIES) &
                    CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
  i.available = device_value<cl_bool>(native, CL_DEVICE_AVAILABLE) != CL_FALSE;
  i.compiler_available = device_value<cl_bool>(native, CL_DEVICE_COMPILER_AVAILABLE) != CL_FALSE;
  i.little_endian = device_value<cl_bool>(native, CL_DEVICE_ENDIAN_LITTLE) != CL_FALSE;
  i.error_correction = device_value_or<cl_bool>(native, CL_DEVICE_ERROR_CORRECTION_SUPPORT, CL_FALSE) != CL_FALSE;
}

bool Device::has_extension(const char *name) const {
  const std::string &all = info_.extensions;
  const std::size_t length = std::strlen(name);
  for (std::size_t at = all.find(name); at != std::string::npos; at = all.find(name, at + 1)) {
    const bool starts = at == 0 || all[at - 1] == ' ';
    const bool ends = at + length == all.size() || all[at + length] == ' ';
    if (starts && ends) return true;
  }
  return false;
}

std::string Device::filter() const {
  const std::string word = first_word_lower(platform_.info().name);
  const std::string prefix = word + type_part(info_.type);
  // The index counts what select_device would count: everything that the prefix lets through, best first.
  const auto matches = list_devices(prefix);
  for (std::size_t i = 0; i < matches.size(); ++i)
    if (matches[i].get() == this) return prefix + ":" + std::to_string(i);
  return prefix;
}

const Capabilities &Device::capabilities() const {
  disk_cache();
  bool was_probed = false;
  std::call_once(probed_, [&] { capabilities_ = probe_capabilities(*this, was_probed); });
  // Afterwards, and the cache opened before: the log may ask for capabilities.
  const Capabilities &found = capabilities_;
  if (was_probed)
    log(LogLevel::info, "probed ", info_.name, ": fp16 ", static_cast<int>(found.fp16), ", fp64 ", found.fp64,
        ", int64 atomics ", found.int64_atomics, ", sub-groups ", found.sub_groups, ", inline PTX ", found.inline_ptx,
        ", SPIR-V ", found.spirv);
  return found;
}

}  // namespace gpucompute
