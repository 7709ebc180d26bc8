#include "support.hpp"

#include <CL/cl.h>

#include "support/native_device.hpp"

using namespace capi_test;

namespace {

// Devices of other platforms than the one that the tests use, if there are any.
Device device_of_another_platform() {
  size_t count = 0;
  OK(gpuc_device_list(nullptr, nullptr, 0, &count));
  std::vector<gpuc_device *> items(count, nullptr);
  OK(gpuc_device_list(nullptr, items.data(), count, &count));
  Platform mine;
  OK(gpuc_device_get_platform(runtime().device, mine.out()));
  Device found;
  for (gpuc_device *item : items) {
    Device device(item);
    Platform platform;
    OK(gpuc_device_get_platform(device, platform.out()));
    if (platform.get() != mine.get()) found = std::move(device);
  }
  return found;
}

}  // namespace

TEST_SUITE("context") {
  TEST_CASE("creation") {
    Context context;
    OK(gpuc_context_create(nullptr, 0, context.out()));
    size_t count = 0;
    OK(gpuc_context_get_devices(context, nullptr, 0, &count));
    CHECK(count == 1);

    gpuc_device *device = runtime().device;
    OK(gpuc_context_create(&device, 1, context.out()));
    gpuc_device *items[3] = {nullptr, nullptr, nullptr};
    OK(gpuc_context_get_devices(context, items, 3, &count));
    CHECK(count == 1);
    CHECK(items[0] == device);
    CHECK(items[1] == nullptr);
    gpuc_device_release(items[0]);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_context_get_devices(context, items, 3, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_context_get_devices(context, nullptr, 3, &count));

    gpuc_context *none = context;
    gpuc_device *twice[2] = {device, device};
    // documented: gpuc_context_create GPUC_ERROR_INVALID_ARGUMENT
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_context_create(twice, 2, &none));
    SAYS("devices[1]");
    CHECK(none == nullptr);
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_context_create(twice, SIZE_MAX, &none));
    SAYS("device_count");
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_context_create(nullptr, 1, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_context_create(&device, 1, nullptr));
    gpuc_device *with_hole[2] = {device, nullptr};
    FAILS(GPUC_ERROR_INVALID_HANDLE, gpuc_context_create(with_hole, 2, &none));
    SAYS("devices[1]");

    if (const Device other = device_of_another_platform()) {
      gpuc_device *mixed[2] = {device, other};
      // documented: gpuc_context_create GPUC_ERROR_CONTEXT_MISMATCH
      FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_context_create(mixed, 2, &none));
      CHECK(none == nullptr);
    }
  }

  TEST_CASE("native handle") {
    void *native = nullptr;
    OK(gpuc_context_get_native(runtime().context, &native));
    cl_uint devices = 0;
    CHECK(clGetContextInfo(static_cast<cl_context>(native), CL_CONTEXT_NUM_DEVICES, sizeof devices, &devices,
                           nullptr) == CL_SUCCESS);
    CHECK(devices == 1);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_context_get_native(runtime().context, nullptr));

    // Around one of our own making: it lives on when the maker lets it go.
    void *native_device = nullptr;
    OK(gpuc_device_get_native(runtime().device, &native_device));
    auto id = static_cast<cl_device_id>(native_device);
    cl_int code = CL_SUCCESS;
    cl_context raw = clCreateContext(nullptr, 1, &id, nullptr, nullptr, &code);
    REQUIRE(code == CL_SUCCESS);
    Context wrapped;
    OK(gpuc_context_from_native(raw, wrapped.out()));
    clReleaseContext(raw);
    const Queue queue = queue_of(wrapped);
    const Buffer buffer = buffer_of(wrapped, 64);
    const std::string text = "kept by the library";
    OK(gpuc_buffer_write(buffer, queue, 0, text.size(), text.data()));
    std::string back(text.size(), ' ');
    OK(gpuc_buffer_read(buffer, queue, 0, back.size(), &back[0]));
    CHECK(back == text);

    gpuc_context *none = wrapped;
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_context_from_native(nullptr, &none));
    CHECK(none == nullptr);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_context_from_native(raw, nullptr));

    // Of sub-devices, where the driver can make them.
    const cl_device_partition_property partition[] = {CL_DEVICE_PARTITION_BY_COUNTS, 1,
                                                      CL_DEVICE_PARTITION_BY_COUNTS_LIST_END, 0};
    cl_device_id part = nullptr;
    if (!gpucompute::test::can_be_divided(id)) {
      SKIP_PART("the device cannot be divided");
    } else if (clCreateSubDevices(id, partition, 1, &part, nullptr) == CL_SUCCESS) {
      cl_context of_part = clCreateContext(nullptr, 1, &part, nullptr, nullptr, &code);
      REQUIRE(code == CL_SUCCESS);
      cl_device_id of_context = nullptr;
      clGetContextInfo(of_part, CL_CONTEXT_DEVICES, sizeof of_context, &of_context, nullptr);
      if (of_context == part) {  // PoCL 3.1 makes such a context of the whole device
        // unprovoked: gpuc_context_from_native GPUC_ERROR_UNSUPPORTED: no driver at hand comes here.
        FAILS(GPUC_ERROR_UNSUPPORTED, gpuc_context_from_native(of_part, &none));
        SAYS("sub-devices");
        CHECK(none == nullptr);
      }
      gpuc_device *no_device = nullptr;
      FAILS(GPUC_ERROR_NO_DEVICE, gpuc_device_from_native(part, &no_device));
      clReleaseContext(of_part);
      clReleaseDevice(part);
    }
  }

  TEST_CASE("memory figures") {
    const Context context = another_context();
    CHECK(memory_number(context, GPUC_MEMORY_IN_USE_BYTES) == 0);
    CHECK(memory_number(context, GPUC_MEMORY_LIVE_BUFFERS) == 0);
    CHECK(memory_number(context, GPUC_MEMORY_LIMIT_BYTES) == device_number(GPUC_DEVICE_GLOBAL_MEMORY_BYTES));
    {
      const Buffer one = buffer_of(context, 5000), two = buffer_of(context, 5000);
      CHECK(memory_number(context, GPUC_MEMORY_LIVE_BUFFERS) == 2);
      CHECK(memory_number(context, GPUC_MEMORY_IN_USE_BYTES) >= 10000);
      CHECK(memory_number(context, GPUC_MEMORY_MISSES) == 2);
    }
    CHECK(memory_number(context, GPUC_MEMORY_LIVE_BUFFERS) == 0);
    CHECK(memory_number(context, GPUC_MEMORY_CACHED_BUFFERS) == 2);
    const uint64_t cached = memory_number(context, GPUC_MEMORY_CACHED_BYTES);
    CHECK(cached >= 10000);
    { const Buffer again = buffer_of(context, 5000); }
    CHECK(memory_number(context, GPUC_MEMORY_HITS) == 1);
    CHECK(memory_number(context, GPUC_MEMORY_PEAK_BYTES) == cached);
    uint64_t freed = 0;
    OK(gpuc_context_trim(context, &freed));
    CHECK(freed == cached);
    CHECK(memory_number(context, GPUC_MEMORY_CACHED_BYTES) == 0);
    OK(gpuc_context_trim(context, nullptr));

    uint64_t value = 7;
    // documented: gpuc_context_get_memory GPUC_ERROR_INVALID_ARGUMENT
    for (const gpuc_memory_number key : {0, 9, -1})
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_context_get_memory(context, key, &value));
    CHECK(value == 7);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_context_get_memory(context, GPUC_MEMORY_HITS, nullptr));
  }

  TEST_CASE("memory limit and report") {
    const Context context = another_context();
    OK(gpuc_context_set_memory_limit(context, 1 << 20));
    CHECK(memory_number(context, GPUC_MEMORY_LIMIT_BYTES) == 1 << 20);
    const Buffer most = buffer_of(context, 900 << 10);
    gpuc_buffer *none = most;
    // documented: common GPUC_ERROR_OUT_OF_DEVICE_MEMORY
    FAILS(GPUC_ERROR_OUT_OF_DEVICE_MEMORY, gpuc_buffer_create(context, 900 << 10, 0, &none));
    CHECK(none == nullptr);
    const std::string detail = gpuc_last_error_detail();
    CHECK(detail.find("900 KiB") != std::string::npos);
    FAILS(GPUC_ERROR_OUT_OF_DEVICE_MEMORY, gpuc_buffer_create(context, 200 << 10, GPUC_BUFFER_UNPOOLED, &none));
    const Buffer small = buffer_of(context, 50 << 10);  // a smaller request works

    // documented: gpuc_context_memory_report GPUC_ERROR_BUFFER_TOO_SMALL
    const std::string report = check_string_result([&](char *buf, size_t capacity, size_t *needed) {
      return gpuc_context_memory_report(context, buf, capacity, needed);
    });
    CHECK(report.find("900 KiB") != std::string::npos);
    CHECK(report.find("limit: ") != std::string::npos);
    OK(gpuc_context_set_memory_limit(context, 0));
    CHECK(memory_number(context, GPUC_MEMORY_LIMIT_BYTES) == device_number(GPUC_DEVICE_GLOBAL_MEMORY_BYTES));
    buffer_of(context, 900 << 10);
    // Cached memory makes way for a request of another size.
    OK(gpuc_context_trim(context, nullptr));
    OK(gpuc_context_set_memory_limit(context, 2 << 20));
    { const Buffer gone = buffer_of(context, 900 << 10); }
    const Buffer other_size = buffer_of(context, 600 << 10);
    OK(gpuc_context_set_memory_limit(context, 1));
    FAILS(GPUC_ERROR_OUT_OF_DEVICE_MEMORY, gpuc_buffer_create(context, 1, 0, &none));
  }

  TEST_CASE("references") {
    Context context = another_context();
    OK(gpuc_context_retain(context));
    gpuc_context_release(context);
    buffer_of(context, 16);
    gpuc_context_release(nullptr);
  }
}
