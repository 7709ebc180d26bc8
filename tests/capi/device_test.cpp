#include "support.hpp"

#include <CL/cl.h>

#include <cstdlib>

using namespace capi_test;

TEST_SUITE("device") {
  static std::vector<Device> list(const char *filter) {
    size_t count = 0;
    OK(gpuc_device_list(filter, nullptr, 0, &count));
    std::vector<gpuc_device *> items(count, nullptr);
    OK(gpuc_device_list(filter, items.data(), count, &count));
    std::vector<Device> result;
    for (gpuc_device *device : items) result.emplace_back(device);
    return result;
  }

  TEST_CASE("listing") {
    const auto all = list(nullptr);
    REQUIRE(all.size() >= 1);
    CHECK(list("").size() == all.size());
    gpuc_device *one[1] = {nullptr};
    size_t count = 0;
    OK(gpuc_device_list(nullptr, one, 1, &count));
    CHECK(count == all.size());
    CHECK(one[0] == all[0].get());
    gpuc_device_release(one[0]);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_device_list(nullptr, nullptr, 1, &count));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_device_list(nullptr, one, 1, nullptr));

    // documented: gpuc_device_list GPUC_ERROR_INVALID_ARGUMENT
    for (const char *filter : {"0", "pocl:0", "a:b:c:d:e", ":", "gpu:cpu", "a::b", "gpu:"}) {
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_device_list(filter, one, 1, &count));
      SAYS(filter);
      CHECK(count == 0);
    }
    // documented: gpuc_device_list GPUC_ERROR_NO_DEVICE
    FAILS(GPUC_ERROR_NO_DEVICE, gpuc_device_list("no such device", one, 1, &count));
    SAYS("no such device");
    SAYS(device_text(GPUC_DEVICE_NAME));  // lists what there is
  }

  TEST_CASE("selection") {
    const auto all = list(nullptr);
    for (const Device &device : all) {
      const std::string filter = text_of([&](char *buf, size_t capacity, size_t *needed) {
        return gpuc_device_get_string(device, GPUC_DEVICE_FILTER, buf, capacity, needed);
      });
      Device found;
      OK(gpuc_device_select(filter.c_str(), found.out()));
      CHECK(found.get() == device.get());
    }
    for (const char *filter : {static_cast<const char *>(nullptr), ""}) {
      Device found;
      OK(gpuc_device_select(filter, found.out()));
      if (!std::getenv("GPUC_DEVICE")) CHECK(found.get() == all[0].get());
    }
    Device first;
    OK(gpuc_device_select("0", first.out()));
    gpuc_device *none = first;
    // documented: gpuc_device_select GPUC_ERROR_NO_DEVICE
    FAILS(GPUC_ERROR_NO_DEVICE, gpuc_device_select("999", &none));
    CHECK(none == nullptr);
    FAILS(GPUC_ERROR_NO_DEVICE, gpuc_device_select("no such device", &none));
    // documented: gpuc_device_select GPUC_ERROR_INVALID_ARGUMENT
    for (const char *filter : {"0:1", "1234567", "99999999999999999999999", "a:b:c:d:e", "gpu:gpu", "::"}) {
      none = first;
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_device_select(filter, &none));
      CHECK(none == nullptr);
    }
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_device_select(nullptr, nullptr));
  }

  TEST_CASE("texts") {
    for (gpuc_device_string key = GPUC_DEVICE_NAME; key <= GPUC_DEVICE_FILTER; ++key) {
      // documented: gpuc_device_get_string GPUC_ERROR_BUFFER_TOO_SMALL
      const std::string text = check_string_result([&](char *buf, size_t capacity, size_t *needed) {
        return gpuc_device_get_string(runtime().device, key, buf, capacity, needed);
      });
      CHECK((key == GPUC_DEVICE_UUID || key == GPUC_DEVICE_PCI_ID || key == GPUC_DEVICE_EXTENSIONS || !text.empty()));
      if (key == GPUC_DEVICE_UUID) CHECK((text.empty() || text.size() == 32));
    }
    for (const gpuc_device_string key : {0, 11, -7}) {
      size_t needed = 0;
      // documented: gpuc_device_get_string GPUC_ERROR_INVALID_ARGUMENT
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_device_get_string(runtime().device, key, nullptr, 0, &needed));
    }
  }

  TEST_CASE("numbers") {
    for (gpuc_device_number key = GPUC_DEVICE_TYPE; key <= GPUC_DEVICE_ERROR_CORRECTION; ++key) device_number(key);
    CHECK(device_number(GPUC_DEVICE_TYPE) >= GPUC_DEVICE_TYPE_CPU);
    CHECK(device_number(GPUC_DEVICE_TYPE) <= GPUC_DEVICE_TYPE_CUSTOM);
    CHECK(device_number(GPUC_DEVICE_MAX_ALLOCATION_BYTES) <= device_number(GPUC_DEVICE_GLOBAL_MEMORY_BYTES));
    CHECK(device_number(GPUC_DEVICE_MAX_WORK_GROUP_SIZE) >= 1);
    CHECK(device_number(GPUC_DEVICE_SLICE_ALIGNMENT_BYTES) >= 1);
    CHECK(device_number(GPUC_DEVICE_AVAILABLE) == 1);
    CHECK(device_number(GPUC_DEVICE_OPENCL_VERSION) >= 110);
    uint64_t value = 7;
    // documented: gpuc_device_get_number GPUC_ERROR_INVALID_ARGUMENT
    for (const gpuc_device_number key : {0, 29, -1, INT32_MIN}) {
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_device_get_number(runtime().device, key, &value));
      CHECK(value == 7);
    }
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_device_get_number(runtime().device, GPUC_DEVICE_TYPE, nullptr));
  }

  TEST_CASE("capabilities") {
    for (gpuc_capability key = GPUC_CAPABILITY_FP16; key <= GPUC_CAPABILITY_SPIRV; ++key)
      CHECK(capability(key) <= (key == GPUC_CAPABILITY_FP16 ? uint64_t(GPUC_FP16_MATH) : 1));
    uint64_t value = 7;
    // documented: gpuc_device_get_capability GPUC_ERROR_INVALID_ARGUMENT
    for (const gpuc_capability key : {0, 7, -1})
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_device_get_capability(runtime().device, key, &value));
    CHECK(value == 7);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_device_get_capability(runtime().device, GPUC_CAPABILITY_FP64, nullptr));
  }

  TEST_CASE("platform and native handle") {
    Platform platform;
    OK(gpuc_device_get_platform(runtime().device, platform.out()));
    void *native = nullptr, *native_platform = nullptr;
    OK(gpuc_platform_get_native(platform, &native_platform));
    OK(gpuc_device_get_native(runtime().device, &native));
    cl_platform_id owner = nullptr;
    CHECK(clGetDeviceInfo(static_cast<cl_device_id>(native), CL_DEVICE_PLATFORM, sizeof owner, &owner, nullptr) ==
          CL_SUCCESS);
    CHECK(owner == native_platform);
    Device same;
    OK(gpuc_device_from_native(native, same.out()));
    CHECK(same.get() == runtime().device);
    gpuc_device *none = same;
    int other = 0;
    // documented: gpuc_device_from_native GPUC_ERROR_NO_DEVICE
    FAILS(GPUC_ERROR_NO_DEVICE, gpuc_device_from_native(&other, &none));
    CHECK(none == nullptr);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_device_from_native(nullptr, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_device_from_native(native, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_device_get_native(runtime().device, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_device_get_platform(runtime().device, nullptr));
  }

  TEST_CASE("references") {
    Device device;
    OK(gpuc_device_select(nullptr, device.out()));
    OK(gpuc_device_retain(device));
    gpuc_device_release(device);
    device_number(GPUC_DEVICE_TYPE);
    gpuc_device_release(nullptr);
  }
}
