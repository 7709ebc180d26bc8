// Reads properties of OpenCL objects, whatever their size.
#pragma once

#include <CL/cl.h>

#include <string>
#include <vector>

#include "support/cl_check.hpp"

namespace gpucompute {

// query(param, size, value, size_ret) is one of the clGet*Info functions with its object bound.
template <class Query>
std::string query_text(Query &&query, const char *routine) {
  std::size_t size = 0;
  cl_check(query(0, nullptr, &size), routine);
  std::string value(size, '\0');
  if (size) cl_check(query(size, value.data(), nullptr), routine);
  while (!value.empty() && (value.back() == '\0' || value.back() == ' ' || value.back() == '\n')) value.pop_back();
  return value;
}

inline std::string device_text(cl_device_id device, cl_device_info key) {
  return query_text([=](std::size_t n, void *p, std::size_t *r) { return clGetDeviceInfo(device, key, n, p, r); },
                    "clGetDeviceInfo");
}
inline std::string platform_text(cl_platform_id platform, cl_platform_info key) {
  return query_text([=](std::size_t n, void *p, std::size_t *r) { return clGetPlatformInfo(platform, key, n, p, r); },
                    "clGetPlatformInfo");
}

template <class T>
T device_value(cl_device_id device, cl_device_info key) {
  T value{};
  cl_check(clGetDeviceInfo(device, key, sizeof value, &value, nullptr), "clGetDeviceInfo");
  return value;
}

// For properties that some drivers lack.
template <class T>
T device_value_or(cl_device_id device, cl_device_info key, T fallback) noexcept {
  T value{};
  return clGetDeviceInfo(device, key, sizeof value, &value, nullptr) == CL_SUCCESS ? value : fallback;
}

}  // namespace gpucompute
