// What a driver's device can do, where calling and seeing would end the process: Rusticl has no function for it.
#pragma once

#include <CL/cl.h>

namespace gpucompute::test {

inline bool can_be_divided(cl_device_id device) {
  cl_device_partition_property ways[16] = {};
  return clGetDeviceInfo(device, CL_DEVICE_PARTITION_PROPERTIES, sizeof ways, ways, nullptr) == CL_SUCCESS &&
         ways[0] != 0;
}

}  // namespace gpucompute::test
