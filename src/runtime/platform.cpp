#include <gpucompute/device.hpp>
#include <gpucompute/platform.hpp>

#include <algorithm>
#include <mutex>

#include "runtime/cl_query.hpp"
#include "support/log.hpp"
#include "support/process.hpp"

namespace gpucompute {

Platform::Platform(cl_platform_id native) : native_(native) {
  info_.name = platform_text(native, CL_PLATFORM_NAME);
  info_.vendor = platform_text(native, CL_PLATFORM_VENDOR);
  info_.version = platform_text(native, CL_PLATFORM_VERSION);
  info_.profile = platform_text(native, CL_PLATFORM_PROFILE);
  info_.extensions = platform_text(native, CL_PLATFORM_EXTENSIONS);
}

void load_devices(Platform &platform, std::vector<Error> &failures) {
  cl_uint count = 0;
  const cl_int code = clGetDeviceIDs(platform.native(), CL_DEVICE_TYPE_ALL, 0, nullptr, &count);
  if (code == CL_DEVICE_NOT_FOUND || (code == CL_SUCCESS && count == 0)) return;
  cl_check(code, "clGetDeviceIDs");
  std::vector<cl_device_id> ids(count);
  cl_check(clGetDeviceIDs(platform.native(), CL_DEVICE_TYPE_ALL, count, ids.data(), nullptr), "clGetDeviceIDs");
  for (cl_device_id id : ids) {
    try {
      platform.devices_.push_back(std::make_shared<Device>(platform, id));
    } catch (const Error &error) {
      // One broken device must not hide the others.
      failures.push_back(error);
    }
  }
}

namespace {

using PlatformList = std::vector<std::shared_ptr<Platform>>;

PlatformList load_platforms(std::vector<Error> &failures) {
  cl_uint count = 0;
  const cl_int code = clGetPlatformIDs(0, nullptr, &count);
  process_arm();  // after the drivers are loaded: exit hooks run in reverse order
  if (code == -1001 || (code == CL_SUCCESS && count == 0))
    throw Error(Status::no_platform,
                "no OpenCL platform is installed: install a driver, for a CPU the package pocl-opencl-icd; "
                "gpuc_doctor() tells what was looked at",
                {}, code, "clGetPlatformIDs");
  cl_check(code, "clGetPlatformIDs");
  std::vector<cl_platform_id> ids(count);
  cl_check(clGetPlatformIDs(count, ids.data(), nullptr), "clGetPlatformIDs");
  PlatformList list;
  for (cl_platform_id id : ids) {
    try {
      auto platform = std::make_shared<Platform>(id);
      load_devices(*platform, failures);
      list.push_back(std::move(platform));
    } catch (const Error &error) {
      failures.push_back(error);
    }
  }
  // Nothing at all, and not because there is nothing: not to be kept, another time may go better.
  const bool any_device =
      std::any_of(list.begin(), list.end(), [](const auto &platform) { return !platform->devices().empty(); });
  if (!any_device && !failures.empty()) throw Error(failures.front());
  return list;
}

}  // namespace

const std::vector<std::shared_ptr<Platform>> &platforms() {
  // Never destroyed: nothing of a driver is touched after main() returns. Failure is not kept: a later call tries anew.
  static std::mutex mutex;
  static std::atomic<PlatformList *> list{nullptr};
  if (PlatformList *loaded = list.load(std::memory_order_acquire)) return *loaded;
  require_running();
  std::vector<Error> failures;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!list.load()) list.store(new PlatformList(load_platforms(failures)), std::memory_order_release);
  }
  // Without the lock: the log may call this library.
  for (const Error &failure : failures)
    log(LogLevel::warning, "an OpenCL platform or device is left out: ", failure.message());
  return *list.load();
}

}  // namespace gpucompute
