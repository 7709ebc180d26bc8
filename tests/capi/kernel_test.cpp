#include "support.hpp"

#include <CL/cl.h>

using namespace capi_test;

namespace {

gpuc_context *context() { return runtime().context; }
gpuc_queue *queue() { return runtime().queue; }

std::vector<float> floats(gpuc_buffer *buffer, size_t count) {
  std::vector<float> values(count);
  OK(gpuc_buffer_read(buffer, queue(), 0, count * 4, values.data()));
  return values;
}

struct alignas(16) Float4 {
  float v[4];
};

// Good arguments for many_kinds.
std::vector<gpuc_arg> arguments_of_many_kinds(gpuc_buffer *buffer, const Float4 *vector) {
  gpuc_arg byte = i32_arg(200);
  return {buffer_arg(buffer), null_arg(), local_arg(64), bytes_arg(vector, sizeof *vector), i32_arg(7), byte};
}

}  // namespace

TEST_SUITE("kernel") {
  TEST_CASE("by name") {
    Kernel kernel = kernel_named("vector_add"), again = kernel_named("vector_add");
    // documented: gpuc_kernel_get_name GPUC_ERROR_BUFFER_TOO_SMALL
    CHECK(check_string_result([&](char *buf, size_t capacity, size_t *needed) {
            return gpuc_kernel_get_name(kernel, buf, capacity, needed);
          }) == "vector_add");
    Program program;
    OK(gpuc_kernel_get_program(kernel, program.out()));
    CHECK(program.get() == runtime().program);
    gpuc_kernel *none = kernel;
    for (const char *name : {"", "vector", "vector_add2", "VECTOR_ADD"}) {
      none = kernel;
      // documented: gpuc_kernel_create GPUC_ERROR_NOT_FOUND
      FAILS(GPUC_ERROR_NOT_FOUND, gpuc_kernel_create(runtime().program, name, &none));
      SAYS("axpy");
      CHECK(none == nullptr);
    }
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_kernel_create(runtime().program, nullptr, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_kernel_create(runtime().program, "axpy", nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_kernel_get_program(kernel, nullptr));
  }

  TEST_CASE("signature") {
    const Kernel kernel = kernel_named("many_kinds");
    size_t count = 0;
    OK(gpuc_kernel_get_arg_count(kernel, &count));
    CHECK(count == 6);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_kernel_get_arg_count(kernel, nullptr));
    const struct {
      gpuc_arg_space space;
      gpuc_type type;
      size_t size;
      const char *word;
    } expected[] = {{GPUC_ARG_SPACE_GLOBAL, GPUC_TYPE_I32, 0, "global int"},
                    {GPUC_ARG_SPACE_CONSTANT, GPUC_TYPE_I32, 0, "constant int"},
                    {GPUC_ARG_SPACE_LOCAL, GPUC_TYPE_I32, 0, "local int"},
                    {GPUC_ARG_SPACE_PRIVATE, GPUC_TYPE_NONE, 16, "float4"},
                    {GPUC_ARG_SPACE_PRIVATE, GPUC_TYPE_I64, 8, "long"},
                    {GPUC_ARG_SPACE_PRIVATE, GPUC_TYPE_U8, 1, "uchar"}};
    for (size_t i = 0; i < count; ++i) {
      CAPTURE(i);
      gpuc_arg_space space = -1;
      gpuc_type type = -1;
      size_t size = 99;
      OK(gpuc_kernel_get_arg(kernel, i, &space, &type, &size));
      CHECK(space == expected[i].space);
      CHECK(type == expected[i].type);
      CHECK(size == expected[i].size);
      OK(gpuc_kernel_get_arg(kernel, i, nullptr, nullptr, nullptr));
      // documented: gpuc_kernel_get_arg_text GPUC_ERROR_BUFFER_TOO_SMALL
      const std::string text = check_string_result([&](char *buf, size_t capacity, size_t *needed) {
        return gpuc_kernel_get_arg_text(kernel, i, buf, capacity, needed);
      });
      INFO(text);
      CHECK(text.find(expected[i].word) != std::string::npos);
    }
    for (const size_t index : {count, count + 1, SIZE_MAX}) {
      size_t needed = 0;
      // documented: gpuc_kernel_get_arg GPUC_ERROR_OUT_OF_RANGE
      FAILS(GPUC_ERROR_OUT_OF_RANGE, gpuc_kernel_get_arg(kernel, index, nullptr, nullptr, nullptr));
      // documented: gpuc_kernel_get_arg_text GPUC_ERROR_OUT_OF_RANGE
      FAILS(GPUC_ERROR_OUT_OF_RANGE, gpuc_kernel_get_arg_text(kernel, index, nullptr, 0, &needed));
    }
  }

  TEST_CASE("numbers") {
    const Kernel kernel = kernel_named("of_four");
    uint64_t value = 0;
    for (gpuc_kernel_number key = GPUC_KERNEL_MAX_WORK_GROUP_SIZE; key <= GPUC_KERNEL_REQUIRED_SIZE_Z; ++key)
      OK(gpuc_kernel_get_number(kernel, key % 2 ? nullptr : runtime().device, key, &value));
    OK(gpuc_kernel_get_number(kernel, nullptr, GPUC_KERNEL_REQUIRED_SIZE_X, &value));
    CHECK(value == 4);
    OK(gpuc_kernel_get_number(kernel, nullptr, GPUC_KERNEL_MAX_WORK_GROUP_SIZE, &value));
    CHECK(value >= 4);
    value = 7;
    // documented: gpuc_kernel_get_number GPUC_ERROR_INVALID_ARGUMENT
    for (const gpuc_kernel_number key : {0, 8, -1})
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_kernel_get_number(kernel, nullptr, key, &value));
    CHECK(value == 7);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_kernel_get_number(kernel, nullptr, GPUC_KERNEL_REQUIRED_SIZE_X, nullptr));
  }

  TEST_CASE("launch") {
    const Kernel kernel = kernel_named("axpy");
    const size_t count = 1000;
    const std::vector<float> x(count, 3), y(count, 1);
    const Buffer bx = buffer_of(context(), count * 4), by = buffer_of(context(), count * 4);
    OK(gpuc_buffer_write(bx, queue(), 0, count * 4, x.data()));
    OK(gpuc_buffer_write(by, queue(), 0, count * 4, y.data()));
    const gpuc_arg args[] = {f32_arg(2), buffer_arg(bx), buffer_arg(by), i32_arg(count)};
    gpuc_launch launch = launch_1d(count);
    Event event;
    OK(gpuc_kernel_launch(kernel, queue(), &launch, args, 4, nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    CHECK(floats(by, count) == std::vector<float>(count, 7));
    // Rounded up, with a local size and with one that is chosen.
    launch.flags = GPUC_LAUNCH_ROUND_UP;
    launch.local[0] = 64;
    OK(gpuc_kernel_launch(kernel, queue(), &launch, args, 4, nullptr, 0, nullptr));
    launch.local[0] = 0;
    gpuc_event *waits[] = {event};
    OK(gpuc_kernel_launch(kernel, queue(), &launch, args, 4, waits, 1, nullptr));
    CHECK(floats(by, count) == std::vector<float>(count, 19));
    // An offset: the last 500 only.
    launch = launch_1d(500);
    launch.offset[0] = 500;
    OK(gpuc_kernel_launch(kernel, queue(), &launch, args, 4, nullptr, 0, nullptr));
    const auto back = floats(by, count);
    CHECK(back[499] == 19);
    CHECK(back[500] == 25);
    // Nothing to do.
    launch = launch_1d(0);
    Event nothing;
    OK(gpuc_kernel_launch(kernel, queue(), &launch, args, 4, nullptr, 0, nothing.out()));
    OK(gpuc_event_wait(nothing));
    CHECK(floats(by, count) == back);
    // Slices.
    Buffer sx, sy;
    const size_t start = device_number(GPUC_DEVICE_SLICE_ALIGNMENT_BYTES);
    REQUIRE(start < count * 4 - 40);
    OK(gpuc_buffer_slice(bx, start, 40, sx.out()));
    OK(gpuc_buffer_slice(by, start, 40, sy.out()));
    const gpuc_arg of_slices[] = {f32_arg(1), buffer_arg(sx), buffer_arg(sy), i32_arg(10)};
    launch = launch_1d(10);
    OK(gpuc_kernel_launch(kernel, queue(), &launch, of_slices, 4, nullptr, 0, nullptr));
    const auto after = floats(by, count);
    CHECK(after[start / 4 - 1] == back[start / 4 - 1]);
    CHECK(after[start / 4] == back[start / 4] + 3);
    CHECK(after[start / 4 + 9] == back[start / 4 + 9] + 3);
    CHECK(after[start / 4 + 10] == back[start / 4 + 10]);
  }

  TEST_CASE("arguments of every kind") {
    const Kernel kernel = kernel_named("many_kinds");
    const Buffer buffer = buffer_of(context(), 64);
    const Float4 vector{{1, 1000, 2, 3}};
    auto args = arguments_of_many_kinds(buffer, &vector);
    gpuc_launch launch = launch_1d(16);
    launch.local[0] = 16;
    OK(gpuc_kernel_launch(kernel, queue(), &launch, args.data(), args.size(), nullptr, 0, nullptr));
    OK(gpuc_queue_finish(queue()));
    if (is_fake()) {
      SKIP_PART("the device has no compiler");
      return;
    }
    int back[16] = {};
    OK(gpuc_buffer_read(buffer, queue(), 0, 64, back));
    CHECK(back[0] == 7 + 200 + 1000);
    CHECK(back[15] == 7 + 200 + 1000);
    const Buffer constant = buffer_of(context(), 4);
    const int ten = 10;
    OK(gpuc_buffer_write(constant, queue(), 0, 4, &ten));
    args[1] = buffer_arg(constant);
    args[4].type = GPUC_TYPE_F64;  // a number of another type that the argument can hold
    args[4].value.f64 = 9;
    OK(gpuc_kernel_launch(kernel, queue(), &launch, args.data(), args.size(), nullptr, 0, nullptr));
    OK(gpuc_buffer_read(buffer, queue(), 0, 64, back));
    CHECK(back[3] == 9 + 200 + 10 + 1000);
  }

  // documented: gpuc_kernel_launch GPUC_ERROR_KERNEL_ARGUMENT
  TEST_CASE("bad arguments") {
    const Kernel kernel = kernel_named("many_kinds");
    const Buffer buffer = buffer_of(context(), 64);
    const Float4 vector{{0, 0, 0, 0}};
    const auto good = arguments_of_many_kinds(buffer, &vector);
    gpuc_launch launch = launch_1d(16);
    launch.local[0] = 16;
    const auto with = [&](size_t index, const gpuc_arg &arg) {
      auto args = good;
      args[index] = arg;
      gpuc_event *none = nullptr;
      const gpuc_status status =
          gpuc_kernel_launch(kernel, queue(), &launch, args.data(), args.size(), nullptr, 0, &none);
      CHECK(none == nullptr);
      return status;
    };
    for (const size_t count : {size_t(0), size_t(5), size_t(1025), SIZE_MAX}) {
      FAILS(GPUC_ERROR_KERNEL_ARGUMENT,
            gpuc_kernel_launch(kernel, queue(), &launch, good.data(), count, nullptr, 0, nullptr));
    }
    auto too_many = good;
    too_many.push_back(i32_arg(1));
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT,
          gpuc_kernel_launch(kernel, queue(), &launch, too_many.data(), 7, nullptr, 0, nullptr));
    SAYS("takes 6 arguments, got 7");
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(0, i32_arg(1)));
    SAYS("argument 0 'g'");
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(0, local_arg(4)));
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(1, bytes_arg(&vector, 8)));
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(2, buffer_arg(buffer)));
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(2, local_arg(0)));
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(2, local_arg(device_number(GPUC_DEVICE_LOCAL_MEMORY_BYTES) + 1)));
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(2, local_arg(UINT64_MAX)));
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(3, f32_arg(1)));
    SAYS("vector");
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(3, bytes_arg(&vector, 12)));
    SAYS("16 bytes, got 12");
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(3, null_arg()));
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(4, buffer_arg(buffer)));
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(4, f32_arg(1.5f)));
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(5, i32_arg(256)));
    SAYS("256");
    FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(5, i32_arg(-1)));
    gpuc_arg strange = i32_arg(1);
    for (const gpuc_arg_kind kind : {0, 6, -1, INT32_MAX}) {
      strange.kind = kind;
      FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(4, strange));
    }
    strange = i32_arg(1);
    for (const gpuc_type type : {int(GPUC_TYPE_NONE), int(GPUC_TYPE_C64), 99}) {
      strange.type = type;
      FAILS(GPUC_ERROR_KERNEL_ARGUMENT, with(4, strange));
    }
    FAILS(GPUC_ERROR_NULL_ARGUMENT, with(3, bytes_arg(nullptr, 16)));
    FAILS(GPUC_ERROR_INVALID_HANDLE, with(0, buffer_arg(nullptr)));
    SAYS("args[0]");
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_kernel_launch(kernel, queue(), &launch, nullptr, 6, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_kernel_launch(kernel, queue(), nullptr, good.data(), 6, nullptr, 0, nullptr));
  }

  // documented: gpuc_kernel_launch GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OVERFLOW
  TEST_CASE("bad sizes") {
    const Kernel kernel = kernel_named("fill_value"), of_four = kernel_named("of_four");
    const Buffer buffer = buffer_of(context(), 64);
    const gpuc_arg args[] = {buffer_arg(buffer), i32_arg(1)};
    gpuc_launch launch = launch_1d(16);
    const auto run = [&] { return gpuc_kernel_launch(kernel, queue(), &launch, args, 2, nullptr, 0, nullptr); };
    for (const uint32_t dims : {0u, 4u, 0xffffffffu}) {
      launch.dims = dims;
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
      SAYS("dims");
    }
    launch = launch_1d(16);
    launch.local[0] = 5;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    SAYS("global[0] is 16");
    launch.local[0] = device_number(GPUC_DEVICE_MAX_WORK_ITEMS_X) * 2;
    launch.global[0] = launch.local[0];
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    launch = launch_1d(16);
    launch.dims = 2;
    launch.global[1] = 16;
    launch.local[0] = 2;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    SAYS("zeros and non-zeros");
    launch = launch_1d(16);
    launch.flags = 2;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    SAYS("flags");
    launch = launch_1d(16);
    launch.reserved = 1;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run());
    launch = launch_1d(SIZE_MAX / 2);
    launch.dims = 2;
    launch.global[1] = 3;
    FAILS(GPUC_ERROR_OVERFLOW, run());
    launch = launch_1d(16);
    launch.offset[0] = SIZE_MAX - 3;
    FAILS(GPUC_ERROR_OVERFLOW, run());
    launch = launch_1d(SIZE_MAX);
    launch.local[0] = 2;
    launch.flags = GPUC_LAUNCH_ROUND_UP;
    FAILS(GPUC_ERROR_OVERFLOW, run());
    // A kernel that demands a local size.
    const gpuc_arg one[] = {buffer_arg(buffer)};
    launch = launch_1d(6);
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_kernel_launch(of_four, queue(), &launch, one, 1, nullptr, 0, nullptr));
    launch = launch_1d(8);
    launch.local[0] = 8;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_kernel_launch(of_four, queue(), &launch, one, 1, nullptr, 0, nullptr));
    SAYS("compiled for local size 4");
    launch = launch_1d(8);
    OK(gpuc_kernel_launch(of_four, queue(), &launch, one, 1, nullptr, 0, nullptr));
    OK(gpuc_queue_finish(queue()));
  }

  TEST_CASE("slices that start where a kernel cannot take them") {
    const Kernel kernel = kernel_named("fill_value");
    const Buffer buffer = buffer_of(context(), 4096);
    Buffer odd;
    if (device_number(GPUC_DEVICE_SLICE_ALIGNMENT_BYTES) == 1) return;
    OK(gpuc_buffer_slice(buffer, 1, 64, odd.out()));
    const gpuc_arg args[] = {buffer_arg(odd), i32_arg(1)};
    const gpuc_launch launch = launch_1d(16);
    // documented: gpuc_kernel_launch GPUC_ERROR_MISALIGNED
    FAILS(GPUC_ERROR_MISALIGNED, gpuc_kernel_launch(kernel, queue(), &launch, args, 2, nullptr, 0, nullptr));
    SAYS("argument 0");
  }

  // documented: gpuc_kernel_launch GPUC_ERROR_CONTEXT_MISMATCH
  TEST_CASE("objects of another context") {
    const Kernel kernel = kernel_named("fill_value");
    const Context other = another_context();
    const Queue foreign_queue = queue_of(other);
    const Buffer foreign = buffer_of(other, 64), mine = buffer_of(context(), 64);
    const gpuc_arg bad[] = {buffer_arg(foreign), i32_arg(1)}, good[] = {buffer_arg(mine), i32_arg(1)};
    const gpuc_launch launch = launch_1d(16);
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_kernel_launch(kernel, queue(), &launch, bad, 2, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH,
          gpuc_kernel_launch(kernel, foreign_queue, &launch, good, 2, nullptr, 0, nullptr));
  }

  TEST_CASE("native handle") {
    const Kernel kernel = kernel_named("axpy");
    void *native = nullptr, *another = nullptr;
    OK(gpuc_kernel_create_native(kernel, &native));
    OK(gpuc_kernel_create_native(kernel, &another));
    CHECK(native != another);
    cl_uint count = 0;
    CHECK(clGetKernelInfo(static_cast<cl_kernel>(native), CL_KERNEL_NUM_ARGS, sizeof count, &count, nullptr) ==
          CL_SUCCESS);
    CHECK(count == 4);
    clReleaseKernel(static_cast<cl_kernel>(native));
    clReleaseKernel(static_cast<cl_kernel>(another));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_kernel_create_native(kernel, nullptr));
  }

  TEST_CASE("references") {
    Kernel kernel = kernel_named("axpy");
    OK(gpuc_kernel_retain(kernel));
    gpuc_kernel_release(kernel);
    size_t count = 0;
    OK(gpuc_kernel_get_arg_count(kernel, &count));
    gpuc_kernel_release(nullptr);
  }
}
