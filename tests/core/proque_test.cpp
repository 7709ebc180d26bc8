// The program-and-queue builder.
#include <doctest/doctest.h>
#include <gpucompute/platform.hpp>
#include <gpucompute/proque.hpp>

#include <fstream>
#include <thread>
#include <vector>

#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("program");

namespace {

const char *const source =
    "kernel void add(global float *x, float n) { x[get_global_id(0)] += n; }\n#ifdef MORE\nkernel void more(global "
    "float *x) { x[0] = MORE; }\n#endif\n";

ProQueOptions with_source() {
  ProQueOptions options;
  options.source = source;
  return options;
}

std::vector<float> floats(ProQue &proque, Buffer &buffer) {
  std::vector<float> got(buffer.size() / 4, -1);
  buffer.read(proque.queue(), 0, buffer.size(), got.data());
  return got;
}

}  // namespace

TEST_CASE("a source is all that a ProQue needs") {
  SKIP_WITHOUT_COMPILER();
  const auto proque = ProQue::create(with_source());
  CHECK(&proque->queue().context() == &proque->context());
  CHECK(&proque->program().context() == &proque->context());
  CHECK(proque->context().devices().front() == select_device(""));
  CHECK(proque->queue().flags() == 0);
  CHECK(proque->program().kernel_names() == std::vector<std::string>{"add"});
  CHECK_FAILS(Status::invalid_state, "no default dimensions", proque->dims());
  CHECK_FAILS(Status::invalid_state, "no default dimensions", proque->create_buffer(DataType::f32));
  CHECK_FAILS(Status::invalid_state, "no default dimensions", proque->launch("add", nullptr, 0));
  proque->set_dims({100});
  CHECK(proque->dims() == std::vector<std::size_t>{100});
  const auto buffer = proque->create_buffer(DataType::f32);
  CHECK(buffer->size() == 400);
  CHECK(floats(*proque, *buffer) == std::vector<float>(100, 0));
  const Argument arguments[] = {argument(*buffer), argument(2.5)};
  proque->launch("add", arguments, 2);
  std::shared_ptr<Event> done;
  proque->launch("add", arguments, 2, {}, &done);
  done->wait();
  CHECK(floats(*proque, *buffer) == std::vector<float>(100, 5));
}

TEST_CASE("a ProQue from a file, with macros and options") {
  SKIP_WITHOUT_COMPILER();
  const CompilerLeaks leaks;
  const TemporaryFolder folder;
  std::ofstream(folder / "more.cl") << source;
  ProQueOptions options;
  options.source_file = folder / "more.cl";
  options.defines = {{"MORE", "(HALF * 2)"}};
  options.options = "-DHALF=21";
  options.queue_flags = Queue::profiling;
  options.dims = {4, 3, 2};
  const auto proque = ProQue::create(options);
  CHECK(proque->queue().flags() == Queue::profiling);
  CHECK(proque->dims() == std::vector<std::size_t>{4, 3, 2});
  const auto buffer = proque->create_buffer(DataType::f32);
  CHECK(buffer->size() == 4 * 3 * 2 * 4);
  const Argument arguments[] = {argument(*buffer)};
  proque->launch("more", arguments, 1);
  CHECK(floats(*proque, *buffer)[0] == 42);
  options.source_file = folder / "none.cl";
  CHECK_FAILS(Status::file, "none.cl", ProQue::create(options));
  std::ofstream(folder / "wrong.cl") << "\nkernel void k(global int *x) { x[0] = y; }\n";
  options.source_file = folder / "wrong.cl";
  const Error error = failure_of([&] { ProQue::create(options); });
  CHECK(error.status() == Status::build_failed);
  CHECK_MESSAGE(contains(error.message(), "wrong.cl:2"), error.message());
}

TEST_CASE("a ProQue on a device or in a context of the caller's") {
  const auto device = select_device("");
  ProQueOptions options = with_source();
  options.device = device;
  CHECK(ProQue::create(options)->context().devices().front() == device);
  options = with_source();
  options.device_filter = device->filter();
  CHECK(ProQue::create(options)->context().devices().front() == device);
  options.device_filter = "no such device";
  CHECK_FAILS(Status::no_device, "no such device", ProQue::create(options));
  options = with_source();
  options.context = Context::create();
  CHECK(&ProQue::create(options)->context() == options.context.get());
  options.device = device;  // one of the context's
  CHECK(&ProQue::create(options)->queue().device() == device.get());
}

TEST_CASE("contradictions are errors") {
  SKIP_WITHOUT_COMPILER();
  const CompilerLeaks leaks;
  ProQueOptions options;
  CHECK_FAILS(Status::invalid_argument, "neither source nor source_file", ProQue::create(options));
  options = with_source();
  options.source_file = "/dev/null";
  CHECK_FAILS(Status::invalid_argument, "both given", ProQue::create(options));
  options = with_source();
  options.device_filter = "cpu";
  options.device = select_device("");
  CHECK_FAILS(Status::invalid_argument, "together with device", ProQue::create(options));
  options.device.reset();
  options.context = Context::create();
  CHECK_FAILS(Status::invalid_argument, "together with context", ProQue::create(options));
  options = with_source();
  options.queue_flags = 16;
  CHECK_FAILS(Status::invalid_argument, "flags is 16", ProQue::create(options));
  options = with_source();
  options.dims = {1, 2, 3, 4};
  CHECK_FAILS(Status::invalid_argument, "dims", ProQue::create(options));
  options.dims = {3, 0};
  CHECK_FAILS(Status::invalid_argument, "size[1] is 0", ProQue::create(options));
  options.dims = {std::size_t(1) << 32, std::size_t(1) << 32};
  CHECK_FAILS(Status::overflow, "default dimensions", ProQue::create(options));
  options = with_source();
  options.source = "kernel void k(";
  CHECK_FAILS(Status::build_failed, "does not build", ProQue::create(options));
  options = with_source();
  options.defines = {{"1", "1"}};
  CHECK_FAILS(Status::invalid_argument, "'1'", ProQue::create(options));
}

TEST_CASE("default dimensions can change, and are whole") {
  ProQueOptions options = with_source();
  options.dims = {10};
  const auto proque = ProQue::create(options);
  CHECK_FAILS(Status::invalid_argument, "size[0] is 0", proque->set_dims({0}));
  CHECK_FAILS(Status::invalid_argument, "dims is 4", proque->set_dims({1, 1, 1, 1}));
  CHECK_FAILS(Status::overflow, "", proque->set_dims({SIZE_MAX, 2}));
  CHECK(proque->dims() == std::vector<std::size_t>{10});
  const std::pair<DataType, std::size_t> types[] = {{DataType::i8, 1},  {DataType::u16, 2},   {DataType::f32, 4},
                                                    {DataType::f64, 8}, {DataType::c128, 16}, {DataType::bf16, 2}};
  for (const auto &[type, size] : types) {
    const auto buffer = proque->create_buffer(type);
    CHECK(buffer->size() == 10 * size);
    Bytes got(buffer->size(), 0xEE);
    buffer->read(proque->queue(), 0, got.size(), got.data());
    CHECK(got == Bytes(10 * size, 0));
  }
  CHECK_FAILS(Status::invalid_argument, "not an element type", proque->create_buffer(DataType::none));
  CHECK_FAILS(Status::invalid_argument, "99", proque->create_buffer(static_cast<DataType>(99)));
  proque->set_dims({SIZE_MAX / 8});
  CHECK_FAILS(Status::overflow, "size of the buffer", proque->create_buffer(DataType::c128));
  CHECK_FAILS(Status::allocation_too_large, "", proque->create_buffer(DataType::i8));
  proque->set_dims({});
  CHECK_FAILS(Status::invalid_state, "", proque->dims());
  // Reused memory is zero, too.
  proque->set_dims({1000});
  for (int i = 0; i < 3; ++i) {
    const auto buffer = proque->create_buffer(DataType::u8);
    Bytes got(1000, 0xEE);
    buffer->read(proque->queue(), 0, 1000, got.data());
    CHECK(got == Bytes(1000, 0));
    buffer->fill(proque->queue(), "\xEE", 1, 0, 1000, {}, nullptr);
  }
}

TEST_CASE("kernels by name are the same each time") {
  ProQueOptions options = with_source();
  options.dims = {1};
  const auto proque = ProQue::create(options);
  const auto kernel = proque->kernel("add");
  CHECK(proque->kernel("add") == kernel);
  CHECK(kernel->name() == "add");
  CHECK_FAILS(Status::not_found, "'subtract'; it has: add", proque->kernel("subtract"));
  CHECK_FAILS(Status::not_found, "", proque->launch("", nullptr, 0));
  CHECK_FAILS(Status::kernel_argument, "takes 2 arguments", proque->launch("add", nullptr, 0));
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads program");

TEST_CASE("threads share a ProQue") {
  SKIP_WITHOUT_COMPILER();
  ProQueOptions options = with_source();
  options.dims = {256};
  const auto proque = ProQue::create(options);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<Kernel>> kernels(4);
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      kernels[t] = proque->kernel("add");
      const auto buffer = proque->create_buffer(DataType::f32);
      const Argument arguments[] = {argument(*buffer), argument(static_cast<float>(t + 1))};
      for (int i = 0; i < 20; ++i) {
        proque->launch("add", arguments, 2);
        if (i == 10) proque->set_dims(proque->dims());
      }
      wrong += floats(*proque, *buffer) != std::vector<float>(256, static_cast<float>(20 * (t + 1)));
    });
  for (auto &thread : threads) thread.join();
  CHECK(wrong == 0);
  for (const auto &kernel : kernels) CHECK(kernel == kernels[0]);
}

TEST_SUITE_END();
