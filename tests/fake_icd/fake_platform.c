// The platform: the exported entry points, platform queries and the list of devices.
#include <string.h>

#include "fake.h"

struct _cl_platform_id fake_platform;
struct _cl_device_id fake_devices[FAKE_MAX_DEVICES];

FAKE_EXPORT CL_API_ENTRY cl_int CL_API_CALL clIcdGetPlatformIDsKHR(cl_uint num_entries, cl_platform_id *platforms,
                                                                   cl_uint *num_platforms) {
  fake_setup();
  if ((!platforms && !num_platforms) || (platforms && !num_entries)) return CL_INVALID_VALUE;
  if (num_platforms) *num_platforms = (cl_uint)fake_profile.platforms;
  if (!fake_profile.platforms) return CL_PLATFORM_NOT_FOUND_KHR;
  if (platforms) platforms[0] = &fake_platform;
  return CL_SUCCESS;
}

cl_int clGetPlatformIDs(cl_uint num_entries, cl_platform_id *platforms, cl_uint *num_platforms) {
  return clIcdGetPlatformIDsKHR(num_entries, platforms, num_platforms);
}

FAKE_EXPORT CL_API_ENTRY cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id platform, cl_platform_info name,
                                                              size_t size, void *value, size_t *size_ret) {
  fake_setup();
  if (!fake_is(platform, FAKE_PLATFORM)) return CL_INVALID_PLATFORM;
  switch (name) {
    case CL_PLATFORM_PROFILE:
      return fake_reply_text("FULL_PROFILE", size, value, size_ret);
    case CL_PLATFORM_VERSION:
      return fake_reply_text(fake_version_text(), size, value, size_ret);
    case CL_PLATFORM_NAME:
      return fake_reply_text(fake_profile.name, size, value, size_ret);
    case CL_PLATFORM_VENDOR:
      return fake_reply_text("gpucompute tests", size, value, size_ret);
    case CL_PLATFORM_EXTENSIONS:
      return fake_reply_text("cl_khr_icd", size, value, size_ret);
    case CL_PLATFORM_ICD_SUFFIX_KHR:
      return fake_reply_text("FAKE", size, value, size_ret);
  }
  if (fake_profile.version < 300) return CL_INVALID_VALUE;
  switch (name) {
    case CL_PLATFORM_HOST_TIMER_RESOLUTION:
      FAKE_REPLY(cl_ulong, fake_profile.timer_resolution);
    case CL_PLATFORM_NUMERIC_VERSION:
      FAKE_REPLY(cl_version, fake_version_number());
    case CL_PLATFORM_EXTENSIONS_WITH_VERSION: {
      const cl_name_version extension = {CL_MAKE_VERSION(1, 0, 0), "cl_khr_icd"};
      return fake_reply(&extension, sizeof extension, size, value, size_ret);
    }
  }
  return CL_INVALID_VALUE;
}

FAKE_EXPORT CL_API_ENTRY void *CL_API_CALL clGetExtensionFunctionAddress(const char *name) {
  void *address = NULL;  // through memory: C has no cast from a function to an object pointer
  if (name && !strcmp(name, "clIcdGetPlatformIDsKHR")) {
    cl_int (*function)(cl_uint, cl_platform_id *, cl_uint *) = clIcdGetPlatformIDsKHR;
    memcpy(&address, &function, sizeof address);
  } else if (name && !strcmp(name, "clGetPlatformInfo")) {
    cl_int (*function)(cl_platform_id, cl_platform_info, size_t, void *, size_t *) = clGetPlatformInfo;
    memcpy(&address, &function, sizeof address);
  }
  return address;
}

void *clGetExtensionFunctionAddressForPlatform(cl_platform_id platform, const char *name) {
  return fake_is(platform, FAKE_PLATFORM) ? clGetExtensionFunctionAddress(name) : NULL;
}

cl_int clUnloadPlatformCompiler(cl_platform_id platform) {
  return fake_is(platform, FAKE_PLATFORM) ? CL_SUCCESS : CL_INVALID_PLATFORM;
}

cl_int clUnloadCompiler(void) { return CL_SUCCESS; }

static cl_device_type type_of(cl_uint index) {
  return index + 1 == fake_profile.devices ? fake_profile.type : CL_DEVICE_TYPE_GPU;
}

// One may also ask for the default, the first of the devices. A custom device is not among all of them, says OpenCL;
// drivers give it all the same, and so does this one.
cl_int clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint num_entries, cl_device_id *devices,
                      cl_uint *num_devices) {
  const cl_device_type known = CL_DEVICE_TYPE_DEFAULT | CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_GPU |
                               CL_DEVICE_TYPE_ACCELERATOR | CL_DEVICE_TYPE_CUSTOM;
  if (!fake_is(platform, FAKE_PLATFORM)) return CL_INVALID_PLATFORM;
  if ((!devices && !num_devices) || (devices && !num_entries)) return CL_INVALID_VALUE;
  if (type != CL_DEVICE_TYPE_ALL && (type == 0 || (type & ~known))) return CL_INVALID_DEVICE_TYPE;
  cl_uint count = 0;
  for (cl_uint i = 0; i < fake_profile.devices; i++) {
    if (!(type & type_of(i)) && !(i == 0 && (type & CL_DEVICE_TYPE_DEFAULT)) && type != CL_DEVICE_TYPE_ALL) continue;
    if (devices && count < num_entries) devices[count] = &fake_devices[i];
    count++;
  }
  if (num_devices) *num_devices = count;
  return count ? CL_SUCCESS : CL_DEVICE_NOT_FOUND;
}

// ---- the virtual clock ----

static cl_ulong now = 1000000;

cl_ulong fake_clock(void) { return now; }

void fake_clock_advance(cl_ulong nanoseconds) {
  if (fake_profile.timer_resolution) now += nanoseconds;
}

cl_int clGetDeviceAndHostTimer(cl_device_id device, cl_ulong *device_timestamp, cl_ulong *host_timestamp) {
  if (fake_profile.version < 300) return CL_INVALID_OPERATION;
  if (!fake_is(device, FAKE_DEVICE)) return CL_INVALID_DEVICE;
  if (!device_timestamp || !host_timestamp) return CL_INVALID_VALUE;
  fake_lock();
  fake_clock_advance(1);
  *device_timestamp = *host_timestamp = now;
  fake_unlock();
  return CL_SUCCESS;
}

cl_int clGetHostTimer(cl_device_id device, cl_ulong *host_timestamp) {
  cl_ulong device_timestamp;
  return clGetDeviceAndHostTimer(device, &device_timestamp, host_timestamp);
}
