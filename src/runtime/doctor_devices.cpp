#include <CL/cl.h>

#include <algorithm>
#include <cstddef>

#include "runtime/doctor_parts.hpp"
#include "support/text.hpp"

namespace gpucompute::doctor {
namespace {

// A broken driver may report any count or size; nothing sensible is above these.
constexpr cl_uint max_count = 1024;
constexpr std::size_t max_text_bytes = std::size_t{1} << 20;

// Asks for properties of one object and keeps what fails.
template <class Handle>
struct Asker {
  using Query = cl_int(CL_API_CALL *)(Handle, cl_uint, std::size_t, void *, std::size_t *);
  Query query;
  const char *routine;
  Handle handle;
  std::string subject;
  std::vector<DoctorCall> &failed;

  bool succeeded(cl_int code, const char *property) const {
    if (code != CL_SUCCESS) {
      failed.push_back({routine, gpucompute::text(property, " of ", subject), code});
    }
    return code == CL_SUCCESS;
  }

  std::string words(cl_uint property, const char *name) const {
    std::size_t size = 0;
    if (!succeeded(query(handle, property, 0, nullptr, &size), name)) {
      return {};
    }
    std::string value(std::min(size, max_text_bytes), '\0');
    if (value.empty() || !succeeded(query(handle, property, value.size(), &value[0], nullptr), name)) {
      return {};
    }
    value.resize(std::min(value.find('\0'), value.size()));
    // Some drivers pad their names with spaces at either end.
    value.erase(0, std::min(value.find_first_not_of(' '), value.size()));
    return value.substr(0, length_without(value, " "));
  }

  template <class Number>
  Number number(cl_uint property, const char *name) const {
    Number value{};
    return succeeded(query(handle, property, sizeof value, &value, nullptr), name) ? value : Number{};
  }
};

std::string type_name(cl_device_type type) {
  if ((type & CL_DEVICE_TYPE_GPU) != 0) return "gpu";
  if ((type & CL_DEVICE_TYPE_CPU) != 0) return "cpu";
  if ((type & CL_DEVICE_TYPE_ACCELERATOR) != 0) return "accelerator";
  return (type & CL_DEVICE_TYPE_CUSTOM) != 0 ? "custom" : "unknown";
}

DoctorDevice describe_device(cl_device_id handle, const std::string &subject, std::vector<DoctorCall> &failed) {
  const Asker<cl_device_id> ask{clGetDeviceInfo, "clGetDeviceInfo", handle, subject, failed};
  DoctorDevice device;
  device.name = ask.words(CL_DEVICE_NAME, "CL_DEVICE_NAME");
  device.vendor = ask.words(CL_DEVICE_VENDOR, "CL_DEVICE_VENDOR");
  device.version = ask.words(CL_DEVICE_VERSION, "CL_DEVICE_VERSION");
  device.driver_version = ask.words(CL_DRIVER_VERSION, "CL_DRIVER_VERSION");
  device.type = type_name(ask.number<cl_device_type>(CL_DEVICE_TYPE, "CL_DEVICE_TYPE"));
  device.available = ask.number<cl_bool>(CL_DEVICE_AVAILABLE, "CL_DEVICE_AVAILABLE") != CL_FALSE;
  device.global_memory_bytes = ask.number<cl_ulong>(CL_DEVICE_GLOBAL_MEM_SIZE, "CL_DEVICE_GLOBAL_MEM_SIZE");
  device.max_allocation_bytes = ask.number<cl_ulong>(CL_DEVICE_MAX_MEM_ALLOC_SIZE, "CL_DEVICE_MAX_MEM_ALLOC_SIZE");
  device.compute_unit_count = ask.number<cl_uint>(CL_DEVICE_MAX_COMPUTE_UNITS, "CL_DEVICE_MAX_COMPUTE_UNITS");
  return device;
}

}  // namespace

std::vector<const void *> query_platforms(DoctorReport &report) {
  cl_uint count = 0;
  report.platforms_status = clGetPlatformIDs(0, nullptr, &count);
  std::vector<cl_platform_id> handles(report.platforms_status == CL_SUCCESS ? std::min(count, max_count) : 0);
  if (!handles.empty()) {
    report.platforms_status = clGetPlatformIDs(static_cast<cl_uint>(handles.size()), handles.data(), nullptr);
    if (report.platforms_status != CL_SUCCESS) {
      handles.clear();
    }
  }
  for (std::size_t p = 0; p < handles.size(); ++p) {
    const std::string subject = "platform " + std::to_string(p);
    const Asker<cl_platform_id> ask{clGetPlatformInfo, "clGetPlatformInfo", handles[p], subject, report.failed_calls};
    DoctorPlatform platform;
    platform.name = ask.words(CL_PLATFORM_NAME, "CL_PLATFORM_NAME");
    platform.vendor = ask.words(CL_PLATFORM_VENDOR, "CL_PLATFORM_VENDOR");
    platform.version = ask.words(CL_PLATFORM_VERSION, "CL_PLATFORM_VERSION");
    cl_uint device_count = 0;
    platform.devices_status = clGetDeviceIDs(handles[p], CL_DEVICE_TYPE_ALL, 0, nullptr, &device_count);
    std::vector<cl_device_id> devices(platform.devices_status == CL_SUCCESS ? std::min(device_count, max_count) : 0);
    if (!devices.empty()) {
      platform.devices_status =
          clGetDeviceIDs(handles[p], CL_DEVICE_TYPE_ALL, static_cast<cl_uint>(devices.size()), devices.data(), nullptr);
    }
    if (platform.devices_status != CL_SUCCESS) {
      devices.clear();
      if (platform.devices_status != CL_DEVICE_NOT_FOUND) {
        report.failed_calls.push_back({"clGetDeviceIDs", subject, platform.devices_status});
      }
    }
    for (std::size_t d = 0; d < devices.size(); ++d) {
      const std::string which = "device " + std::to_string(d) + " of " + subject;
      platform.devices.push_back(describe_device(devices[d], which, report.failed_calls));
    }
    report.platforms.push_back(platform);
  }
  return std::vector<const void *>(handles.begin(), handles.end());
}

}  // namespace gpucompute::doctor
