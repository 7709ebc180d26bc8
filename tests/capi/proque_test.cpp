#include "support.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

using namespace capi_test;

namespace {

const char *const source =
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n"
    "kernel __attribute__((reqd_work_group_size(4, 1, 1))) void of_four(global int *x) { x[get_global_id(0)] = 4; }\n";

gpuc_proque_options options_of(size_t count) {
  gpuc_proque_options options = proque_options_init();
  options.device = runtime().device;
  options.dims = 1;
  options.size[0] = count;
  return options;
}

ProQue create(const gpuc_proque_options &options) {
  ProQue proque;
  OK(gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, proque.out()));
  return proque;
}

}  // namespace

TEST_SUITE("proque") {
  TEST_CASE("the shortest way") {
    ProQue proque;
    OK(gpuc_proque_create(source, GPUC_NUL_TERMINATED, nullptr, proque.out()));
    const size_t size[1] = {100};
    OK(gpuc_proque_set_dims(proque, 1, size));
    Buffer buffer;
    OK(gpuc_proque_create_buffer(proque, GPUC_TYPE_I32, buffer.out()));
    std::vector<int> back(100, 99);
    OK(gpuc_proque_read(proque, buffer, back.data()));
    CHECK(back == std::vector<int>(100, 0));
    const gpuc_arg args[] = {buffer_arg(buffer), i32_arg(5)};
    Event event;
    OK(gpuc_proque_launch(proque, "fill_value", args, 2, nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    gpuc_event *waits[] = {event};
    OK(gpuc_proque_launch(proque, "fill_value", args, 2, waits, 1, nullptr));
    OK(gpuc_proque_finish(proque));
    OK(gpuc_proque_read(proque, buffer, back.data()));
    CHECK(back == std::vector<int>(100, 5));
    for (int i = 0; i < 100; ++i) back[static_cast<size_t>(i)] = i;
    OK(gpuc_proque_write(proque, buffer, back.data()));
    std::vector<int> again(100, 0);
    OK(gpuc_proque_read(proque, buffer, again.data()));
    CHECK(again == back);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_write(proque, buffer, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_read(proque, buffer, nullptr));
  }

  TEST_CASE("with all options") {
    gpuc_proque_options options = options_of(16);
    const gpuc_define defines[] = {{"NUMBER", "int"}};
    options.device = nullptr;
    options.context = runtime().context;
    options.defines = defines;
    options.define_count = 1;
    options.options = "-cl-mad-enable";
    options.queue_flags = GPUC_QUEUE_PROFILING;
    ProQue proque;
    OK(gpuc_proque_create(
        "kernel void fill_value(global NUMBER *target, NUMBER value) { target[get_global_id(0)] = value; }",
        GPUC_NUL_TERMINATED, &options, proque.out()));
    Context context;
    Queue queue;
    Program program;
    OK(gpuc_proque_get_context(proque, context.out()));
    CHECK(context.get() == runtime().context);
    OK(gpuc_proque_get_queue(proque, queue.out()));
    uint32_t flags = 0;
    OK(gpuc_queue_get_flags(queue, &flags));
    CHECK(flags == GPUC_QUEUE_PROFILING);
    OK(gpuc_proque_get_program(proque, program.out()));
    Kernel kernel, again;
    OK(gpuc_proque_get_kernel(proque, "fill_value", kernel.out()));
    OK(gpuc_proque_get_kernel(proque, "fill_value", again.out()));
    CHECK(kernel.get() == again.get());
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_get_context(proque, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_get_queue(proque, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_get_program(proque, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_get_kernel(proque, "fill_value", nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_get_kernel(proque, nullptr, again.out()));
    // What it gave out lives on.
    proque.reset();
    OK(gpuc_queue_finish(queue));

    options = proque_options_init();
    const std::string filter = device_text(GPUC_DEVICE_FILTER);
    options.device_filter = filter.c_str();
    proque = create(options);
    OK(gpuc_proque_get_queue(proque, queue.out()));
    Device device;
    OK(gpuc_queue_get_device(queue, device.out()));
    CHECK(device.get() == runtime().device);
  }

  TEST_CASE("source from a file") {
    char path[] = "/tmp/gpuc_proque_XXXXXX";
    const int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, source, std::strlen(source)) == static_cast<ssize_t>(std::strlen(source)));
    close(fd);
    gpuc_proque_options options = options_of(4);
    options.source_file = path;
    ProQue proque;
    OK(gpuc_proque_create(nullptr, 0, &options, proque.out()));
    gpuc_proque *none = proque;
    // documented: gpuc_proque_create GPUC_ERROR_INVALID_ARGUMENT
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &none));
    SAYS("source_file");
    CHECK(none == nullptr);
    remove(path);
    // documented: gpuc_proque_create GPUC_ERROR_FILE
    FAILS(GPUC_ERROR_FILE, gpuc_proque_create(nullptr, 0, &options, &none));
    SAYS(path);
    options.source_file = "/";
    FAILS(GPUC_ERROR_FILE, gpuc_proque_create(nullptr, 0, &options, &none));
  }

  TEST_CASE("contradictions") {
    gpuc_proque *none = nullptr;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_proque_create(nullptr, 0, nullptr, &none));
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_proque_create("", GPUC_NUL_TERMINATED, nullptr, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_create(source, GPUC_NUL_TERMINATED, nullptr, nullptr));
    gpuc_proque_options options = options_of(4);
    const auto run = [&] { return gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &none); };
    options.device_filter = "0";
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    SAYS("device_filter");
    options.device = nullptr;
    options.context = runtime().context;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    options.context = nullptr;
    options.device_filter = "a:b:c:d:e:f";
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    // documented: gpuc_proque_create GPUC_ERROR_NO_DEVICE
    options.device_filter = "no such device";
    FAILS(GPUC_ERROR_NO_DEVICE, run());
    options = options_of(4);
    options.flags = 1;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    options = options_of(4);
    options.queue_flags = 64;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    options = options_of(4);
    options.dims = 4;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    SAYS("dims");
    options = options_of(0);
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    options = options_of(4);
    options.define_count = 1;
    FAILS(GPUC_ERROR_NULL_ARGUMENT, run());
    options = options_of(4);
    options.dims = 2;
    options.size[0] = SIZE_MAX / 2;
    options.size[1] = 3;
    // documented: gpuc_proque_create GPUC_ERROR_OVERFLOW
    FAILS(GPUC_ERROR_OVERFLOW, run());
    SAYS("the product of the default dimensions");
    options = options_of(4);
    // documented: gpuc_proque_create GPUC_ERROR_BUILD_FAILED
    FAILS(GPUC_ERROR_BUILD_FAILED, gpuc_proque_create("#error SYNTAX_ERROR\n", GPUC_NUL_TERMINATED, &options, &none));
    CHECK(none == nullptr);
    if (!device_number(GPUC_DEVICE_OUT_OF_ORDER)) {
      options.queue_flags = GPUC_QUEUE_OUT_OF_ORDER;
      // unprovoked: gpuc_proque_create GPUC_ERROR_UNSUPPORTED: every driver at hand has out-of-order queues.
      FAILS(GPUC_ERROR_UNSUPPORTED, run());
    }
    // A device that is not in the context.
    size_t count = 0;
    OK(gpuc_device_list(nullptr, nullptr, 0, &count));
    std::vector<gpuc_device *> items(count, nullptr);
    OK(gpuc_device_list(nullptr, items.data(), count, &count));
    for (gpuc_device *item : items) {
      const Device device(item);
      if (item == runtime().device) continue;
      options = options_of(4);
      options.device = device;
      options.context = runtime().context;
      // documented: gpuc_proque_create GPUC_ERROR_CONTEXT_MISMATCH
      FAILS(GPUC_ERROR_CONTEXT_MISMATCH, run());
    }
  }

  TEST_CASE("default dimensions") {
    ProQue proque = create(options_of(4));
    // documented: gpuc_proque_set_dims GPUC_ERROR_INVALID_ARGUMENT
    const size_t with_zero[3] = {4, 0, 4}, huge[3] = {SIZE_MAX, 2, 1}, good[3] = {2, 3, 4};
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_proque_set_dims(proque, 3, with_zero));
    SAYS("size[1]");
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_proque_set_dims(proque, 4, good));
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_proque_set_dims(proque, UINT32_MAX, good));
    // documented: gpuc_proque_set_dims GPUC_ERROR_OVERFLOW
    FAILS(GPUC_ERROR_OVERFLOW, gpuc_proque_set_dims(proque, 2, huge));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_set_dims(proque, 1, nullptr));
    OK(gpuc_proque_set_dims(proque, 3, good));
    Buffer buffer;
    OK(gpuc_proque_create_buffer(proque, GPUC_TYPE_C64, buffer.out()));
    size_t size = 0;
    OK(gpuc_buffer_get_size(buffer, &size));
    CHECK(size == 2 * 3 * 4 * 8);
    gpuc_buffer *none = buffer;
    // documented: gpuc_proque_create_buffer GPUC_ERROR_INVALID_ARGUMENT
    for (const gpuc_type type : {int(GPUC_TYPE_NONE), 18, -1})
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_proque_create_buffer(proque, type, &none));
    CHECK(none == nullptr);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_create_buffer(proque, GPUC_TYPE_F32, nullptr));
    const size_t half[2] = {SIZE_MAX / 8, 2};
    OK(gpuc_proque_set_dims(proque, 2, half));
    // documented: gpuc_proque_create_buffer GPUC_ERROR_OVERFLOW
    FAILS(GPUC_ERROR_OVERFLOW, gpuc_proque_create_buffer(proque, GPUC_TYPE_F64, &none));
    const size_t large[1] = {SIZE_MAX / 16};
    OK(gpuc_proque_set_dims(proque, 1, large));
    // documented: gpuc_proque_create_buffer GPUC_ERROR_ALLOCATION_TOO_LARGE
    FAILS(GPUC_ERROR_ALLOCATION_TOO_LARGE, gpuc_proque_create_buffer(proque, GPUC_TYPE_F64, &none));
    OK(gpuc_proque_set_dims(proque, 0, nullptr));
    // documented: gpuc_proque_create_buffer GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_proque_create_buffer(proque, GPUC_TYPE_F32, &none));
    // documented: gpuc_proque_launch GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_proque_launch(proque, "fill_value", nullptr, 0, nullptr, 0, nullptr));
  }

  TEST_CASE("launches that are refused") {
    const ProQue proque = create(options_of(4096));
    Buffer buffer;
    OK(gpuc_proque_create_buffer(proque, GPUC_TYPE_I32, buffer.out()));
    gpuc_arg args[] = {buffer_arg(buffer), i32_arg(1)};
    gpuc_kernel *no_kernel = nullptr;
    gpuc_event *none = nullptr;
    // documented: gpuc_proque_get_kernel GPUC_ERROR_NOT_FOUND
    FAILS(GPUC_ERROR_NOT_FOUND, gpuc_proque_get_kernel(proque, "nothing", &no_kernel));
    SAYS("fill_value");
    // documented: gpuc_proque_launch GPUC_ERROR_NOT_FOUND
    FAILS(GPUC_ERROR_NOT_FOUND, gpuc_proque_launch(proque, "nothing", args, 2, nullptr, 0, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_proque_launch(proque, nullptr, args, 2, nullptr, 0, &none));
    // documented: gpuc_proque_launch GPUC_ERROR_KERNEL_ARGUMENT
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, gpuc_proque_launch(proque, "fill_value", args, 1, nullptr, 0, &none));
    Buffer odd;
    OK(gpuc_buffer_slice(buffer, 1, 64, odd.out()));
    args[0] = buffer_arg(odd);
    if (device_number(GPUC_DEVICE_SLICE_ALIGNMENT_BYTES) > 1) {
      // documented: gpuc_proque_launch GPUC_ERROR_MISALIGNED
      FAILS(GPUC_ERROR_MISALIGNED, gpuc_proque_launch(proque, "fill_value", args, 2, nullptr, 0, &none));
    }
    const Context other = another_context();
    const Buffer foreign = buffer_of(other, 4096 * 4);
    args[0] = buffer_arg(foreign);
    // documented: gpuc_proque_launch GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_proque_launch(proque, "fill_value", args, 2, nullptr, 0, &none));
    std::vector<int> host(4096);
    // documented: gpuc_proque_write GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_proque_write(proque, foreign, host.data()));
    // documented: gpuc_proque_read GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_proque_read(proque, foreign, host.data()));
    // Six work-items of a kernel that runs in fours.
    const size_t six[1] = {6};
    OK(gpuc_proque_set_dims(proque, 1, six));
    args[0] = buffer_arg(buffer);
    // documented: gpuc_proque_launch GPUC_ERROR_INVALID_ARGUMENT
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_proque_launch(proque, "of_four", args, 1, nullptr, 0, &none));
  }

  TEST_CASE("references") {
    ProQue proque = create(options_of(4));
    OK(gpuc_proque_retain(proque));
    gpuc_proque_release(proque);
    OK(gpuc_proque_finish(proque));
    gpuc_proque_release(nullptr);
  }
}
