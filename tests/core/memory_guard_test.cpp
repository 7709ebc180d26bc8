// GPUC_DEBUG=memory. It is read once in a process, so these run in one of their own, started by the last test.
#include "runtime/memory_guard.hpp"

#include <doctest/doctest.h>
#include <gpucompute/gemm.hpp>

#include <mutex>
#include <string>
#include <vector>

#include "runtime/memory_pool.hpp"
#include "support/fixture.hpp"
#include "support/log.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

namespace {

const char *const source = R"(
kernel void poke(global uchar *x, int at, uchar value) { x[at] = value; }
kernel void fine(global uchar *x) { x[get_global_id(0)] = 1; }
kernel void keep(global uchar *x, global ulong *place) { place[0] = (ulong)x; }
kernel void late_read(global ulong *place, global uchar *out) { out[0] = ((global uchar *)place[0])[7]; }
kernel void late_write(global ulong *place) { ((global uchar *)place[0])[7] = 1; }
)";

struct Guarded : Bench {
  std::shared_ptr<Program> kernels = program(source);

  Guarded() { REQUIRE(context->pool().guard()); }
  std::shared_ptr<Event> poke(Buffer &buffer, int at, std::uint8_t value) const {
    const Argument arguments[] = {argument(buffer), argument(std::int32_t(at)), argument(value)};
    std::shared_ptr<Event> done;
    kernels->kernel("poke")->launch(*queue, global_size(1), arguments, 3, {}, &done);
    return done;
  }
};

std::mutex logged_mutex;
std::string logged;
void note(void *, int level, const char *message) {
  std::lock_guard<std::mutex> lock(logged_mutex);
  logged += std::to_string(level) + " " + message + "\n";
}

}  // namespace

TEST_SUITE_BEGIN("runtime");

TEST_CASE("guarded: a write past the end, or before the start, is told by whoever waits" * doctest::skip()) {
  const Guarded bench;
  log_set(note, nullptr, LogLevel::warning);
  for (const std::size_t size : {std::size_t(1), std::size_t(512), std::size_t(1000), std::size_t(70001)}) {
    CAPTURE(size);
    const auto buffer = Buffer::create(*bench.context, size), other = Buffer::create(*bench.context, size);
    const std::string named = " of " + std::to_string(size) + " bytes was written to ";
    const int end = static_cast<int>(size);

    logged.clear();
    bench.poke(*buffer, end, 0x5a);
    const Argument arguments[] = {argument(*other)};
    bench.kernels->kernel("fine")->launch(*bench.queue, global_size(1), arguments, 1, {}, nullptr);
    const Error failure = failure_of([&] { bench.queue->finish(); });
    CHECK(failure.status() == Status::execution_failed);
    for (const std::string &part : {named + "behind its end: 0 bytes past the end there is 0x5a, must be 0x",
                                    std::string("2 kernels, the last are kernel 'poke', kernel 'fine'")})
      CHECK_MESSAGE(contains(failure.message(), part), failure.message());
    CHECK_MESSAGE(contains(logged, "1 " + failure.message()), logged);
    bench.queue->finish();  // told once

    bench.poke(*buffer, end + 1023, 0);
    CHECK_FAILS(Status::execution_failed, "1023 bytes past the end", bench.queue->finish());
    bench.poke(*buffer, -1, 0x5b);
    CHECK_FAILS(Status::execution_failed, named + "in front of its start: 1 bytes before the start there is 0x5b",
                bench.poke(*buffer, 0, 1)->wait());
    bench.queue->finish();
    bench.poke(*buffer, end + 3, 0);
    Bytes content(size);
    CHECK_FAILS(Status::execution_failed, "3 bytes past the end", buffer->read(*bench.queue, 0, size, content.data()));
    bench.poke(*buffer, -9, 0);
    bench.poke(*buffer, end + 2, 0);
    CHECK_FAILS(Status::execution_failed, "2 bytes past the end", bench.poke(*buffer, 0, 1)->wait_for(UINT64_MAX));
    bench.queue->finish();
    // All inside: nothing to tell.
    bench.poke(*buffer, 0, 7);
    bench.poke(*buffer, end - 1, 7);
    bench.queue->finish();
    buffer->read(*bench.queue, 0, size, content.data());
    CHECK(content.back() == 7);
  }
  log_set(nullptr, nullptr, LogLevel::off);
}

TEST_CASE("guarded: a release looks, too" * doctest::skip()) {
  const Guarded bench;
  for (const std::uint32_t flags : {0u, Buffer::unpooled}) {
    auto buffer = Buffer::create(*bench.context, 3000, flags);
    bench.poke(*buffer, 3005, 0x5a);
    // Behind the library's back: its own wait would tell.
    REQUIRE(clFinish(bench.queue->native()) == CL_SUCCESS);
    std::shared_ptr<Event> marker;
    bench.queue->marker({}, &marker);
    REQUIRE(clFinish(bench.queue->native()) == CL_SUCCESS);
    buffer.reset();
    auto next = Buffer::create(*bench.context, 3000);
    const Error failure = failure_of([&] { bench.queue->finish(); });
    CHECK_MESSAGE(contains(failure.message(), "3000 bytes was written to behind its end: 5 bytes past"),
                  failure.message());
    bench.queue->finish();
  }
}

TEST_CASE("guarded: new memory is poison, again and again" * doctest::skip()) {
  const Guarded bench;
  for (int i = 0; i < 3; ++i)
    for (const std::size_t size : {std::size_t(13), std::size_t(4096), std::size_t(100003)}) {
      const auto buffer = Buffer::create(*bench.context, size);
      CHECK(bench.read(*buffer) == Bytes(size, 0xff));
      const unsigned char zero = 0;
      buffer->fill(*bench.queue, &zero, 1, 0, size, {}, nullptr);
      CHECK(bench.read(*buffer) == Bytes(size, 0));
    }
}

TEST_CASE("guarded: released memory is poison, and a write to it is found" * doctest::skip()) {
  const Guarded bench;
  // A pointer kept on the device is good where memory stays where it is.
  if (bench.slow() || bench.device().info().type != DeviceType::cpu) {
    SKIP_PART("pointers are not kept on the device");
    return;
  }
  const auto place = Buffer::create(*bench.context, 8), seen = Buffer::create(*bench.context, 1);
  const auto launch = [&](const char *name, std::vector<Argument> arguments) {
    bench.kernels->kernel(name)->launch(*bench.queue, global_size(1), arguments.data(), arguments.size(), {}, nullptr);
    bench.queue->finish();
  };
  auto buffer = bench.buffer(Bytes(5000, 3));
  launch("keep", {argument(*buffer), argument(*place)});
  launch("late_read", {argument(*place), argument(*seen)});
  CHECK(bench.read(*seen) == Bytes{3});
  buffer.reset();
  launch("late_read", {argument(*place), argument(*seen)});
  CHECK(bench.read(*seen) == Bytes{0xff});
  launch("late_write", {argument(*place)});
  const auto next = Buffer::create(*bench.context, 5000);  // the same block
  CHECK_FAILS(Status::execution_failed, "of 5000 bytes was written to after its release: byte 7 is 0x01, must be 0xff",
              bench.queue->finish());
  CHECK(bench.read(*next) == Bytes(5000, 0xff));
}

TEST_CASE("guarded: slices, maps, copies and native handles see the buffer alone" * doctest::skip()) {
  const Guarded bench;
  Dice dice(91);
  CAPTURE(dice.seed());
  const Bytes content = dice.bytes(9000);
  const auto buffer = bench.buffer(content);
  CHECK(bench.read(*buffer) == content);
  const std::size_t step = bench.device().info().slice_alignment;
  const auto slice = buffer->slice(step, 500);
  bench.poke(*slice, 0, 0x11);
  bench.poke(*slice, 499, 0x22);
  bench.queue->finish();
  Bytes expected = content;
  expected[step] = 0x11;
  expected[step + 499] = 0x22;
  CHECK(bench.read(*buffer) == expected);

  void *mapped = buffer->map(*bench.queue, Buffer::map_read, 10, 100, true, {}, nullptr);
  CHECK(std::equal(expected.begin() + 10, expected.begin() + 110, static_cast<unsigned char *>(mapped)));
  buffer->unmap(*bench.queue, mapped, {}, nullptr);

  const auto copy = Buffer::create(*bench.context, 9000);
  buffer->copy_to(*copy, *bench.queue, 0, 0, 9000, {}, nullptr);
  CHECK(bench.read(*copy) == expected);

  // What others get starts at the first byte, has the size that was asked for, and is left alone at the release.
  auto shared = bench.buffer(content);
  const cl_mem native = shared->escape();
  REQUIRE(clRetainMemObject(native) == CL_SUCCESS);
  std::size_t size = 0;
  REQUIRE(clGetMemObjectInfo(native, CL_MEM_SIZE, sizeof size, &size, nullptr) == CL_SUCCESS);
  CHECK(size == 9000);
  shared.reset();
  Bytes back(9000);
  REQUIRE(clEnqueueReadBuffer(bench.queue->native(), native, CL_TRUE, 0, 9000, back.data(), 0, nullptr, nullptr) ==
          CL_SUCCESS);
  CHECK(back == content);
  clReleaseMemObject(native);

  CHECK(Buffer::create(*bench.context, 0)->size() == 0);
  // Too large for zones around it.
  const auto largest = static_cast<std::size_t>(bench.context->max_allocation());
  if (largest < (std::size_t(1) << 30) && largest + (1 << 20) < bench.context->memory().limit)
    CHECK(Buffer::create(*bench.context, largest)->size() == largest);
}

TEST_CASE("guarded: a product" * doctest::skip()) {
  const Guarded bench;
  const auto a = bench.buffer(Bytes(4 * 37 * 41, 0)), b = bench.buffer(Bytes(4 * 41 * 29, 0));
  const auto c = Buffer::create(*bench.context, 4 * 37 * 29);
  GemmProblem p;
  p.type = DataType::f32;
  p.m = 37;
  p.n = 29;
  p.k = 41;
  gemm(*bench.queue, p, a.get(), b.get(), *c);
  bench.queue->finish();
  CHECK(bench.read(*c) == Bytes(4 * 37 * 29, 0));
}

TEST_CASE("misspelt debugging" * doctest::skip()) {
  log_set(note, nullptr, LogLevel::warning);
  const Bench bench;
  CHECK_FALSE(bench.context->pool().guard());
  CHECK_MESSAGE(contains(logged, "GPUC_DEBUG has the word 'memroy', which is not known"), logged);
  log_set(nullptr, nullptr, LogLevel::off);
}

TEST_CASE("memory debugging") {
  SKIP_WITHOUT_COMPILER();
  int status = -1;
  const std::string said = run_apart("guarded:*", "GPUC_DEBUG=memory", status);
  CHECK_MESSAGE(status == 0, said);
  const std::string unpooled =
      run_apart("guarded: a write*,guarded: a release*,guarded: slices*", "GPUC_DEBUG=,memory GPUC_POOL=0", status);
  CHECK_MESSAGE(status == 0, unpooled);
  const std::string misspelt = run_apart("misspelt debugging", "GPUC_DEBUG=memroy", status);
  CHECK_MESSAGE(status == 0, misspelt);
}

TEST_SUITE_END();
