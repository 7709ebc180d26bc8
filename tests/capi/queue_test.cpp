#include "support.hpp"

#include <CL/cl.h>

using namespace capi_test;

TEST_SUITE("queue") {
  TEST_CASE("creation") {
    gpuc_context *context = runtime().context;
    for (const uint32_t flags : {0u, uint32_t(GPUC_QUEUE_PROFILING)}) {
      Queue queue;
      OK(gpuc_queue_create(context, runtime().device, flags, queue.out()));
      uint32_t known = 99;
      OK(gpuc_queue_get_flags(queue, &known));
      CHECK(known == flags);
      Context its_context;
      Device its_device;
      OK(gpuc_queue_get_context(queue, its_context.out()));
      OK(gpuc_queue_get_device(queue, its_device.out()));
      CHECK(its_context.get() == context);
      CHECK(its_device.get() == runtime().device);
    }
    gpuc_queue *none = runtime().queue;
    if (device_number(GPUC_DEVICE_OUT_OF_ORDER)) {
      const Queue queue = queue_of(context, GPUC_QUEUE_OUT_OF_ORDER);
      uint32_t flags = 0;
      OK(gpuc_queue_get_flags(queue, &flags));
      CHECK(flags == GPUC_QUEUE_OUT_OF_ORDER);
    } else {
      // unprovoked: gpuc_queue_create GPUC_ERROR_UNSUPPORTED: every driver at hand has out-of-order queues.
      FAILS(GPUC_ERROR_UNSUPPORTED, gpuc_queue_create(context, nullptr, GPUC_QUEUE_OUT_OF_ORDER, &none));
      CHECK(none == nullptr);
    }
    // documented: gpuc_queue_create GPUC_ERROR_INVALID_ARGUMENT
    for (const uint32_t flags : {4u, 8u, 0x80000000u, 0xffffffffu}) {
      none = runtime().queue;
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_queue_create(context, nullptr, flags, &none));
      SAYS("flags");
      CHECK(none == nullptr);
    }
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_queue_create(context, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_queue_get_flags(runtime().queue, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_queue_get_context(runtime().queue, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_queue_get_device(runtime().queue, nullptr));
  }

  // documented: gpuc_queue_create GPUC_ERROR_CONTEXT_MISMATCH
  TEST_CASE("a device of another context") {
    size_t count = 0;
    OK(gpuc_device_list(nullptr, nullptr, 0, &count));
    std::vector<gpuc_device *> items(count, nullptr);
    OK(gpuc_device_list(nullptr, items.data(), count, &count));
    for (gpuc_device *item : items) {
      const Device device(item);
      gpuc_queue *none = runtime().queue;
      if (item == runtime().device) continue;
      FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_queue_create(runtime().context, device, 0, &none));
      CHECK(none == nullptr);
    }
  }

  TEST_CASE("native handle") {
    void *native = nullptr, *native_context = nullptr, *native_device = nullptr;
    OK(gpuc_queue_get_native(runtime().queue, &native));
    CHECK(clFinish(static_cast<cl_command_queue>(native)) == CL_SUCCESS);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_queue_get_native(runtime().queue, nullptr));

    OK(gpuc_context_get_native(runtime().context, &native_context));
    OK(gpuc_device_get_native(runtime().device, &native_device));
    cl_int code = CL_SUCCESS;
    cl_command_queue raw =
        clCreateCommandQueue(static_cast<cl_context>(native_context), static_cast<cl_device_id>(native_device),
                             CL_QUEUE_PROFILING_ENABLE, &code);
    REQUIRE(code == CL_SUCCESS);
    Queue wrapped;
    OK(gpuc_queue_from_native(runtime().context, raw, wrapped.out()));
    uint32_t flags = 0;
    OK(gpuc_queue_get_flags(wrapped, &flags));
    CHECK(flags == GPUC_QUEUE_PROFILING);
    gpuc_queue *none = wrapped;
    const Context other = another_context();
    // documented: gpuc_queue_from_native GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_queue_from_native(other, raw, &none));
    CHECK(none == nullptr);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_queue_from_native(other, nullptr, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_queue_from_native(other, raw, nullptr));
    clReleaseCommandQueue(raw);
    OK(gpuc_queue_finish(wrapped));
  }

  TEST_CASE("flush, finish, markers and barriers") {
    const Queue queue = queue_of(runtime().context);
    OK(gpuc_queue_flush(queue));
    OK(gpuc_queue_finish(queue));
    Event first, second;
    OK(gpuc_queue_marker_async(queue, nullptr, 0, first.out()));
    gpuc_event *waits[] = {first};
    OK(gpuc_queue_barrier_async(queue, waits, 1, second.out()));
    OK(gpuc_queue_marker_async(queue, waits, 1, nullptr));
    OK(gpuc_queue_barrier_async(queue, nullptr, 0, nullptr));
    OK(gpuc_queue_finish(queue));
    gpuc_event_state state = -1;
    OK(gpuc_event_get_state(second, &state));
    CHECK(state == GPUC_EVENT_COMPLETE);

    const Context other = another_context();
    const Event foreign = user_event(other);
    OK(gpuc_event_complete(foreign, 0));
    gpuc_event *bad[] = {first, foreign};
    gpuc_event *none = first;
    // documented: gpuc_queue_marker_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_queue_marker_async(queue, bad, 2, &none));
    SAYS("waits[1]");
    CHECK(none == nullptr);
    none = first;
    // documented: gpuc_queue_barrier_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_queue_barrier_async(queue, bad, 2, &none));
    CHECK(none == nullptr);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_queue_marker_async(queue, nullptr, 1, &none));
    SAYS("waits");
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_queue_barrier_async(queue, nullptr, 1, &none));
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_queue_barrier_async(queue, waits, SIZE_MAX, &none));
    SAYS("wait_count");
  }

  TEST_CASE("many waits") {
    const Queue queue = queue_of(runtime().context);
    std::vector<Event> events(40);
    std::vector<gpuc_event *> waits;
    for (Event &event : events) {
      OK(gpuc_queue_marker_async(queue, nullptr, 0, event.out()));
      waits.push_back(event);
    }
    Event last;
    OK(gpuc_queue_marker_async(queue, waits.data(), waits.size(), last.out()));
    OK(gpuc_event_wait(last));
  }

  TEST_CASE("references") {
    Queue queue = queue_of(runtime().context);
    OK(gpuc_queue_retain(queue));
    gpuc_queue_release(queue);
    OK(gpuc_queue_finish(queue));
    gpuc_queue_release(nullptr);
  }
}
