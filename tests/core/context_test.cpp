// Contexts, and pinned host memory.
#include <doctest/doctest.h>
#include <gpucompute/host_memory.hpp>
#include <gpucompute/platform.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/pinned_ranges.hpp"
#include "support/fixture.hpp"
#include "support/native_device.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("runtime");

namespace {

cl_uint references(cl_context context) {
  cl_uint count = 0;
  REQUIRE(clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof count, &count, nullptr) == CL_SUCCESS);
  return count;
}

int closed = 0;

}  // namespace

TEST_CASE("a context takes devices of one platform, each once") {
  const auto device = select_device("");
  const auto by_default = Context::create();
  CHECK(by_default->devices() == std::vector<std::shared_ptr<Device>>{device});
  const auto context = Context::create({device});
  CHECK(context->devices().size() == 1);
  CHECK(context->has(*device));
  CHECK(context->device_or_first(nullptr) == device);
  CHECK(context->device_or_first(device.get()) == device);
  CHECK(context->unified_memory() == device->info().unified_memory);
  CHECK(context->max_allocation() == device->info().max_allocation);
  CHECK(context->memory().limit == device->info().global_memory);
  CHECK(context->native() != by_default->native());
  CHECK_FAILS(Status::invalid_argument, "devices[1] is given twice", Context::create({device, device}));
  cl_device_id native = nullptr;
  REQUIRE(clGetContextInfo(context->native(), CL_CONTEXT_DEVICES, sizeof native, &native, nullptr) == CL_SUCCESS);
  CHECK(native == device->native());
}

TEST_CASE("a cl_context can be wrapped") {
  const auto device = select_device("");
  cl_device_id id = device->native();
  cl_int code = CL_SUCCESS;
  cl_context native = clCreateContext(nullptr, 1, &id, nullptr, nullptr, &code);
  REQUIRE(code == CL_SUCCESS);
  {
    const auto context = Context::wrap(native);
    CHECK(context->native() == native);
    CHECK(context->devices() == std::vector<std::shared_ptr<Device>>{device});
    CHECK(references(native) >= 2);
    const auto queue = Queue::create(*context, nullptr, 0);
    const auto buffer = Buffer::create(*context, 100);
    const Bytes content(100, 7);
    buffer->write(*queue, 0, 100, content.data());
    Bytes got(100);
    buffer->read(*queue, 0, 100, got.data());
    CHECK(got == content);
  }
  CHECK(soon([&] { return references(native) == 1; }));
  clReleaseContext(native);
}

TEST_CASE("a context of sub-devices is refused") {
  const auto device = select_device("");
  const cl_device_partition_property halves[] = {CL_DEVICE_PARTITION_EQUALLY, 1, 0};
  cl_uint count = 0;
  if (!can_be_divided(device->native())) SKIP_TEST("the device cannot be divided");
  if (clCreateSubDevices(device->native(), halves, 0, nullptr, &count) != CL_SUCCESS || count < 1)
    SKIP_TEST("the device cannot be divided");
  std::vector<cl_device_id> parts(count);
  REQUIRE(clCreateSubDevices(device->native(), halves, count, parts.data(), nullptr) == CL_SUCCESS);
  cl_int code = CL_SUCCESS;
  cl_context native = clCreateContext(nullptr, 1, parts.data(), nullptr, nullptr, &code);
  REQUIRE(code == CL_SUCCESS);
  const cl_uint before = references(native);
  cl_device_id told = nullptr;
  REQUIRE(clGetContextInfo(native, CL_CONTEXT_DEVICES, sizeof told, &told, nullptr) == CL_SUCCESS);
  if (told == device->native())  // PoCL's contexts are always of the whole device
    CHECK(Context::wrap(native)->devices().front() == device);
  else
    CHECK_FAILS(Status::unsupported, "sub-devices", Context::wrap(native));
  CHECK(references(native) == before);
  clReleaseContext(native);
  for (cl_device_id part : parts) clReleaseDevice(part);
}

TEST_CASE("what is made of a context keeps it alive") {
  std::weak_ptr<Context> watch;
  auto bench = std::make_unique<Bench>();
  watch = bench->context;
  auto buffer = Buffer::create(*bench->context, 64);
  auto slice = buffer->slice(0, 32);
  auto program = bench->program("kernel void k(global int *x) { x[0] = 1; }");
  auto kernel = program->kernel("k");
  std::shared_ptr<Event> event;
  bench->queue->marker({}, &event);
  bench.reset();
  buffer.reset();
  program.reset();
  CHECK_FALSE(watch.expired());
  slice.reset();
  CHECK_FALSE(watch.expired());
  event->wait();
  event.reset();
  CHECK_FALSE(watch.expired());
  kernel.reset();
  CHECK(watch.expired());
}

TEST_CASE("the hook of a context runs once, when it closes") {
  closed = 0;
  auto context = Context::create();
  context->on_close([]() noexcept { ++closed; });
  CHECK(closed == 0);
  context.reset();
  CHECK(closed == 1);
}

TEST_CASE("attachments are made once for each key and go with the context") {
  static int made = 0;
  made = 0;
  static const int key_a = 0, key_b = 0;
  const auto make = []() -> std::shared_ptr<void> { return std::make_shared<int>(++made); };
  auto context = Context::create();
  const auto a = context->attachment(&key_a, make);
  CHECK(context->attachment(&key_a, make) == a);
  const auto b = context->attachment(&key_b, make);
  CHECK(a != b);
  CHECK(made == 2);
  const std::weak_ptr<void> watch = b;
  context.reset();
  CHECK(watch.use_count() == 1);
  CHECK(*std::static_pointer_cast<int>(a) == 1);
}

TEST_CASE("host memory is zero, pinned, and known to be so") {
  const Bench bench;
  const std::size_t size = 100001;
  auto memory = HostMemory::create(*bench.context, size);
  CHECK(memory->size() == size);
  auto *bytes = static_cast<unsigned char *>(memory->pointer());
  REQUIRE(bytes);
  CHECK(std::count(bytes, bytes + size, 0) == static_cast<std::ptrdiff_t>(size));
  const PinnedRanges &pinned = bench.context->pinned();
  CHECK(pinned.contains(bytes, size));
  CHECK(pinned.contains(bytes + 1, size - 1));
  CHECK(pinned.contains(bytes + size, 0));
  CHECK_FALSE(pinned.contains(bytes + 1, size));
  CHECK_FALSE(pinned.contains(bytes - 1, 1));
  CHECK_FALSE(pinned.contains(bytes + size, 1));
  CHECK_FALSE(pinned.contains(bytes, SIZE_MAX));

  Dice dice(4);
  CAPTURE(dice.seed());
  const Bytes content = dice.bytes(size);
  std::memcpy(bytes, content.data(), size);
  const auto buffer = Buffer::create(*bench.context, size);
  buffer->write(*bench.queue, 0, size, bytes);
  CHECK(bench.read(*buffer) == content);
  std::memset(bytes, 0xEE, size);
  std::shared_ptr<Event> done;
  buffer->read_async(*bench.queue, 0, size, bytes, {}, &done);
  done->wait();
  CHECK(std::memcmp(bytes, content.data(), size) == 0);

  const void *const where = bytes;
  memory.reset();
  CHECK_FALSE(pinned.contains(where, 1));
  CHECK_FAILS(Status::invalid_argument, "size_bytes is 0", HostMemory::create(*bench.context, 0));
  CHECK_FAILS(Status::allocation_too_large, "at most", HostMemory::create(*bench.context, SIZE_MAX));
  CHECK_FAILS(Status::allocation_too_large, "at most",
              HostMemory::create(*bench.context, bench.context->max_allocation() + 1));
}

TEST_CASE("pinned ranges beside each other are apart") {
  PinnedRanges ranges;
  const std::vector<char> bytes(300);
  const char *area = bytes.data();
  ranges.add(area, 100);
  ranges.add(area + 200, 100);
  CHECK(ranges.contains(area + 50, 50));
  CHECK_FALSE(ranges.contains(area + 50, 51));
  CHECK_FALSE(ranges.contains(area + 150, 1));
  CHECK(ranges.contains(area + 200, 100));
  CHECK_FALSE(ranges.contains(area + 50, 200));
  ranges.remove(area);
  CHECK_FALSE(ranges.contains(area, 1));
  CHECK(ranges.contains(area + 299, 1));
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads runtime");

TEST_CASE("threads make and drop contexts and what is in them") {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t, &wrong] {
      for (int i = 0; i < 10; ++i) {
        const Bench bench;
        const Bytes content(1000, static_cast<unsigned char>(16 * t + i));
        const auto buffer = bench.buffer(content);
        wrong += bench.read(*buffer) != content;
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_SUITE_END();
