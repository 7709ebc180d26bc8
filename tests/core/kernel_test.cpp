// Launches: sizes, limits, lifetimes, and one kernel from many threads.
#include <doctest/doctest.h>
#include <gpucompute/kernel.hpp>

#include <array>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("program");

namespace {

const char *const ids_source = R"(
// Counts the visits of each id in a box, and those outside of it.
kernel void visit(global int *counts, int4 box, global int *outside) {
  int x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
  if (x < box.x && y < box.y && z < box.z) atomic_inc(counts + (z * box.y + y) * box.x + x);
  else atomic_inc(outside);
}
kernel __attribute__((reqd_work_group_size(4, 2, 1))) void fixed(global int *o) {
  if (get_global_id(0) == 0 && get_global_id(1) == 0) { o[0] = get_local_size(0); o[1] = get_local_size(1); o[2] = get_global_size(0); }
}
kernel void shape(global int *o) {
  if (get_global_id(0) == 0 && get_global_id(1) == 0 && get_global_id(2) == 0) {
    o[0] = get_local_size(0); o[1] = get_local_size(1); o[2] = get_local_size(2);
    o[3] = get_global_size(0); o[4] = get_global_size(1); o[5] = get_global_size(2); o[6] = get_work_dim();
  }
}
kernel void noop(global int *o) {}
)";

struct Visits {
  std::vector<std::int32_t> counts;
  std::int32_t outside = -1;
};

Visits visit(const Bench &bench, Program &program, const LaunchSize &size, std::int32_t x, std::int32_t y,
             std::int32_t z) {
  Visits visits;
  visits.counts.assign(static_cast<std::size_t>(x) * static_cast<std::size_t>(y) * static_cast<std::size_t>(z), 0);
  const auto counts = Buffer::create(*bench.context, 4 * visits.counts.size()),
             outside = Buffer::create(*bench.context, 4);
  const std::int32_t zero = 0, box[4] = {x, y, z, 0};
  counts->fill(*bench.queue, &zero, 4, 0, counts->size(), {}, nullptr);
  outside->fill(*bench.queue, &zero, 4, 0, 4, {}, nullptr);
  const Argument arguments[] = {argument(*counts), bytes_argument(box, 16), argument(*outside)};
  program.kernel("visit")->launch(*bench.queue, size, arguments, 3);
  counts->read(*bench.queue, 0, counts->size(), visits.counts.data());
  outside->read(*bench.queue, 0, 4, &visits.outside);
  return visits;
}

bool each_once(const Visits &visits) {
  return std::count(visits.counts.begin(), visits.counts.end(), 1) == static_cast<std::ptrdiff_t>(visits.counts.size());
}

}  // namespace

TEST_CASE("every work-item runs once, in one, two and three dimensions") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto program = bench.program(ids_source);
  for (const auto &n :
       {std::array<std::int32_t, 3>{37, 0, 0}, {1, 0, 0}, {13, 7, 0}, {1, 5, 0}, {5, 3, 11}, {1, 1, 1}}) {
    LaunchSize size =
        global_size(static_cast<std::size_t>(n[0]), static_cast<std::size_t>(n[1]), static_cast<std::size_t>(n[2]));
    const Visits visits = visit(bench, *program, size, n[0], std::max(1, n[1]), std::max(1, n[2]));
    CHECK(each_once(visits));
    CHECK(visits.outside == 0);
  }
  LaunchSize size = global_size(8, 6, 4);
  size.local[0] = 4;
  size.local[1] = 1;
  size.local[2] = 2;
  CHECK(each_once(visit(bench, *program, size, 8, 6, 4)));
}

TEST_CASE("offsets") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto program = bench.program(ids_source);
  LaunchSize size = global_size(5, 3, 2);
  size.offset[0] = 4;
  size.offset[1] = 2;
  size.offset[2] = 1;
  const Visits visits = visit(bench, *program, size, 9, 5, 3);
  CHECK(visits.outside == 0);
  int wrong = 0;
  for (int z = 0; z < 3; ++z)
    for (int y = 0; y < 5; ++y)
      for (int x = 0; x < 9; ++x)
        wrong += visits.counts[static_cast<std::size_t>((z * 5 + y) * 9 + x)] != (x >= 4 && y >= 2 && z >= 1);
  CHECK(wrong == 0);
}

TEST_CASE("a size is rounded up when asked, and refused otherwise") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto program = bench.program(ids_source);
  for (std::size_t n : {1, 3, 4, 5, 61, 64, 65}) {
    CAPTURE(n);
    LaunchSize size = global_size(n);
    size.local[0] = 4;
    if (n % 4)
      CHECK_FAILS(Status::invalid_argument, "multiple of local[0] = 4", visit(bench, *program, size, 100, 1, 1));
    size.round_up = true;
    const Visits visits = visit(bench, *program, size, static_cast<std::int32_t>(n), 1, 1);
    CHECK(each_once(visits));
    CHECK(visits.outside == static_cast<std::int32_t>((4 - n % 4) % 4));
    // The local size is the library's choice: everything once, little more.
    size.local[0] = 0;
    const Visits chosen = visit(bench, *program, size, static_cast<std::int32_t>(n), 1, 1);
    CHECK(each_once(chosen));
    CHECK(static_cast<std::size_t>(chosen.outside) <
          std::max<std::size_t>(n, bench.device().info().max_work_group_size));
  }
  LaunchSize size = global_size(7, 5, 3);
  size.round_up = true;
  size.local[0] = size.local[1] = size.local[2] = 2;
  const Visits visits = visit(bench, *program, size, 7, 5, 3);
  CHECK(each_once(visits));
  CHECK(visits.outside == 8 * 6 * 4 - 7 * 5 * 3);
}

TEST_CASE("sizes reach the kernel") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto program = bench.program(ids_source);
  const auto out = Buffer::create(*bench.context, 28);
  const Argument arguments[] = {argument(*out)};
  LaunchSize size = global_size(8, 6, 4);
  size.local[0] = 2;
  size.local[1] = 3;
  size.local[2] = 1;
  program->kernel("shape")->launch(*bench.queue, size, arguments, 1);
  std::int32_t got[7];
  out->read(*bench.queue, 0, 28, got);
  const std::int32_t wanted[7] = {2, 3, 1, 8, 6, 4, 3};
  CHECK(std::memcmp(got, wanted, 28) == 0);
}

TEST_CASE("local sizes that cannot be are refused before the driver is asked") {
  const Bench bench;
  const auto program = bench.program(ids_source);
  const auto kernel = program->kernel("noop");
  const auto out = Buffer::create(*bench.context, 28);
  const Argument arguments[] = {argument(*out)};
  const auto launch = [&](const LaunchSize &size) { kernel->launch(*bench.queue, size, arguments, 1); };
  const DeviceInfo &info = bench.device().info();
  const std::uint64_t most = kernel->work_info(nullptr).max_work_group_size;
  CHECK(most >= 1);
  CHECK(most <= info.max_work_group_size);

  LaunchSize size = global_size(4 * info.max_work_items[0]);
  size.local[0] = 2 * info.max_work_items[0];
  CHECK_FAILS(Status::invalid_argument, "local[0]", launch(size));
  CHECK(failure_of([&] { launch(size); }).cl_code() == 0);
  size = global_size(2 * most, 2);
  size.local[0] = most;
  size.local[1] = 2;
  CHECK_FAILS(Status::invalid_argument, "a work-group of", launch(size));
  size.local[1] = 0;
  CHECK_FAILS(Status::invalid_argument, "zeros and non-zeros", launch(size));
  size = global_size(64);
  size.local[0] = SIZE_MAX;
  CHECK_FAILS(Status::invalid_argument, "local[0]", launch(size));
  for (std::uint32_t dims : {0u, 4u, UINT32_MAX}) {
    size = global_size(1);
    size.dims = dims;
    CHECK_FAILS(Status::invalid_argument, "must be 1, 2 or 3", launch(size));
  }
}

TEST_CASE("a kernel that is compiled for a local size has that") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto program = bench.program(ids_source);
  const auto kernel = program->kernel("fixed");
  CHECK(kernel->work_info(nullptr).required_size[0] == 4);
  CHECK(kernel->work_info(nullptr).required_size[1] == 2);
  CHECK(kernel->work_info(&bench.device()).required_size[2] == 1);
  const auto out = Buffer::create(*bench.context, 12);
  const Argument arguments[] = {argument(*out)};
  std::int32_t got[3];
  LaunchSize size = global_size(8, 4);
  for (bool given : {false, true}) {
    if (given) {
      size.local[0] = 4;
      size.local[1] = 2;
    }
    kernel->launch(*bench.queue, size, arguments, 1);
    out->read(*bench.queue, 0, 12, got);
    CHECK(got[0] == 4);
    CHECK(got[1] == 2);
  }
  size.local[0] = 2;
  CHECK_FAILS(Status::invalid_argument, "compiled for local size 4 x 2 x 1, got 2 x 2 x 1",
              kernel->launch(*bench.queue, size, arguments, 1));
  CHECK_FAILS(Status::invalid_argument, "got 4 x 1 x 1", kernel->launch(*bench.queue, global_size(8), arguments, 1));
  CHECK_FAILS(Status::invalid_argument, "multiple of local[0] = 4",
              kernel->launch(*bench.queue, global_size(7, 4), arguments, 1));
  size = global_size(7, 3);
  size.round_up = true;
  kernel->launch(*bench.queue, size, arguments, 1);
  out->read(*bench.queue, 0, 12, got);
  CHECK(got[2] == 8);
}

TEST_CASE("a size of 0 launches nothing but follows the waits") {
  const Bench bench;
  const auto program = bench.program(ids_source);
  for (const auto &n :
       {std::array<std::size_t, 3>{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {0, 0, 0}, {SIZE_MAX, SIZE_MAX, 0}}) {
    LaunchSize size;
    size.dims = 3;
    std::copy(n.begin(), n.end(), size.global);
    const Visits visits = visit(bench, *program, size, 2, 2, 2);
    CHECK(visits.outside == 0);
    CHECK(std::count(visits.counts.begin(), visits.counts.end(), 0) == 8);
  }
  const auto out = Buffer::create(*bench.context, 28);
  const Argument arguments[] = {argument(*out)};
  std::shared_ptr<Event> event;
  program->kernel("noop")->launch(*bench.queue, global_size(0), arguments, 1, {}, &event);
  REQUIRE(event);
  event->wait();
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const auto gate = Event::create_user(*bench.context);
  program->kernel("noop")->launch(*bench.queue, global_size(0), arguments, 1, WaitFor(*gate), &event);
  CHECK_FAILS(Status::timeout, "", event->wait_for(10'000'000));
  gate->complete(0);
  event->wait();
}

TEST_CASE("sizes whose product wraps are refused") {
  const Bench bench;
  const auto kernel = bench.program(ids_source)->kernel("noop");
  const auto out = Buffer::create(*bench.context, 28);
  const Argument arguments[] = {argument(*out)};
  const auto launch = [&](const LaunchSize &size) { kernel->launch(*bench.queue, size, arguments, 1); };
  const std::size_t big = std::size_t(1) << 32;
  CHECK_FAILS(Status::overflow, "product of the global sizes", launch(global_size(big, big)));
  CHECK_FAILS(Status::overflow, "product of the global sizes", launch(global_size(big, 4, std::size_t(1) << 30)));
  CHECK_FAILS(Status::overflow, "product of the global sizes", launch(global_size(SIZE_MAX, 2)));
  LaunchSize size = global_size(2);
  size.offset[0] = SIZE_MAX;
  CHECK_FAILS(Status::overflow, "global offset plus global size", launch(size));
  size = global_size(SIZE_MAX);
  size.local[0] = 2;
  size.round_up = true;
  CHECK_FAILS(Status::overflow, "rounded up", launch(size));
  size = global_size(big, big, big);
  size.local[0] = size.local[1] = size.local[2] = 1;
  CHECK_FAILS(Status::overflow, "", launch(size));
  size.round_up = true;
  CHECK_FAILS(Status::overflow, "", launch(size));
  // In dimensions that do not count, anything goes.
  size = global_size(1);
  size.global[1] = size.global[2] = SIZE_MAX;
  size.local[1] = SIZE_MAX;
  CHECK_NOTHROW(launch(size));
}

TEST_CASE("queue and kernel must be of one context") {
  const Bench bench, other;
  const auto kernel = bench.program(ids_source)->kernel("noop");
  const auto out = Buffer::create(*bench.context, 28);
  const Argument arguments[] = {argument(*out)};
  CHECK_FAILS(Status::context_mismatch, "kernel 'noop'", kernel->launch(*other.queue, global_size(1), arguments, 1));
}

TEST_CASE("a launch waits, and its event says when it is over") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const auto kernel = bench.program("kernel void one(global int *o) { *o = 1; }")->kernel("one");
  const auto out = bench.buffer(Bytes(4, 0));
  const Argument arguments[] = {argument(*out)};
  const auto gate = Event::create_user(*bench.context);
  std::shared_ptr<Event> ran;
  kernel->launch(*bench.queue, global_size(1), arguments, 1, WaitFor(*gate), &ran);
  const Bench elsewhere{bench.context, Queue::create(*bench.context, nullptr, 0)};
  CHECK_FAILS(Status::timeout, "kernel 'one'", ran->wait_for(20'000'000));
  CHECK(elsewhere.read(*out) == Bytes(4, 0));
  gate->complete(0);
  ran->wait();
  CHECK(elsewhere.read(*out) == Bytes{1, 0, 0, 0});
}

TEST_CASE("buffers, kernel and program may be released right after the launch") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const std::size_t count = bench.slow() ? 256 : 65536;
  for (int i = 0; i < 30; ++i) {
    CAPTURE(i);
    const auto out = Buffer::create(*bench.context, 4 * count);
    std::shared_ptr<Event> gate;
    if (i % 2 && !quirks_of(bench.device()).no_user_events) gate = Event::create_user(*bench.context);
    {
      const auto kernel = bench
                              .program(
                                  "kernel void add(global const int *a, global const int *b, global int *o) { int i = "
                                  "get_global_id(0); o[i] = a[i] + b[i]; }")
                              ->kernel("add");
      const std::int32_t seven = 7, five = 5 + i;
      const std::uint32_t flags = i % 3 ? 0 : Buffer::unpooled;
      const std::size_t alignment = bench.device().info().slice_alignment;
      auto a = Buffer::create(*bench.context, 4 * count, flags),
           b = Buffer::create(*bench.context, 4 * count + alignment, flags)->slice(alignment, 4 * count);
      a->fill(*bench.queue, &seven, 4, 0, a->size(), {}, nullptr);
      b->fill(*bench.queue, &five, 4, 0, b->size(), {}, nullptr);
      const Argument arguments[] = {argument(*a), argument(*b), argument(*out)};
      if (gate)
        kernel->launch(*bench.queue, global_size(count), arguments, 3, WaitFor(*gate));
      else
        kernel->launch(*bench.queue, global_size(count), arguments, 3);
    }
    // Somebody else wants memory of that size, and writes to it at once.
    const Bench other{bench.context, Queue::create(*bench.context, nullptr, 0)};
    const auto next = Buffer::create(*bench.context, 4 * count);
    next->fill(*other.queue, "\xEE", 1, 0, next->size(), {}, nullptr);
    other.queue->finish();
    if (gate) gate->complete(0);
    std::vector<std::int32_t> got(count, -1);
    out->read(*bench.queue, 0, 4 * count, got.data());
    CHECK(std::count(got.begin(), got.end(), 12 + i) == static_cast<std::ptrdiff_t>(count));
  }
}

TEST_CASE("what a kernel says of itself") {
  const Bench bench;
  const auto kernel = bench.program(ids_source)->kernel("visit");
  CHECK(kernel->name() == "visit");
  REQUIRE(kernel->arguments().size() == 3);
  CHECK(kernel->arguments()[1].vector_width == 4);
  CHECK(kernel->arguments()[1].size == 16);
  const KernelWorkInfo &info = kernel->work_info(nullptr);
  CHECK(&info == &kernel->work_info(&bench.device()));
  CHECK(info.preferred_multiple >= 1);
  CHECK(info.required_size[0] == 0);
  cl_kernel one = kernel->create_native(), two = kernel->create_native();
  CHECK(one != two);
  clReleaseKernel(one);
  clReleaseKernel(two);
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads program");

TEST_CASE("a launch has all of its own arguments, from many threads at once") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  // Each launch writes one number that depends on every argument; mixed-up arguments give another, or another place.
  const auto kernel = bench
                          .program(R"(
kernel void blend(global ulong *out, uint i, uint a, ulong b, float c, local uint *l, global const uint *table) {
  l[0] = a;
  out[i] = ((ulong)l[0] << 32) ^ b ^ ((ulong)as_uint(c) << 7) ^ ((ulong)table[i & 15] << 11) ^ i;
})")
                          ->kernel("blend");
  const std::size_t threads_count = 8, launches = bench.slow() ? 25 : 2500;
  std::vector<std::uint64_t> wrong(threads_count, ~0ull);
  std::vector<std::thread> threads;
  const auto shared_queue = bench.queue;
  for (std::size_t t = 0; t < threads_count; ++t)
    threads.emplace_back([&, t] {
      Dice dice(1000 + t);
      // Half of them share a queue.
      const auto queue = t % 2 ? Queue::create(*bench.context, nullptr, 0) : shared_queue;
      std::vector<std::uint64_t> expected(launches), got(launches, 0xEEEEEEEEEEEEEEEE);
      std::vector<std::uint32_t> table(16);
      for (auto &entry : table) entry = static_cast<std::uint32_t>(dice.bits());
      const auto out = Buffer::create(*bench.context, 8 * launches), tables = Buffer::create(*bench.context, 64);
      out->write(*queue, 0, 8 * launches, got.data());
      tables->write(*queue, 0, 64, table.data());
      for (std::size_t i = 0; i < launches; ++i) {
        const auto a = static_cast<std::uint32_t>(dice.bits());
        const std::uint64_t b = dice.bits();
        const auto c = static_cast<float>(dice.real(-1e6, 1e6));
        std::uint32_t c_bits;
        std::memcpy(&c_bits, &c, 4);
        expected[i] =
            (std::uint64_t(a) << 32) ^ b ^ (std::uint64_t(c_bits) << 7) ^ (std::uint64_t(table[i & 15]) << 11) ^ i;
        const Argument arguments[] = {
            argument(*out), argument(static_cast<std::uint32_t>(i)), argument(a),      argument(b),
            argument(c),    local_argument(4 * (1 + t % 3)),         argument(*tables)};
        kernel->launch(*queue, global_size(1), arguments, 7);
        if (i % 512 == 511) queue->flush();
      }
      out->read(*queue, 0, 8 * launches, got.data());
      std::uint64_t bad = 0;
      for (std::size_t i = 0; i < launches; ++i) bad += got[i] != expected[i];
      wrong[t] = bad;
    });
  for (auto &thread : threads) thread.join();
  for (std::size_t t = 0; t < threads_count; ++t) {
    CAPTURE(t);
    CHECK(wrong[t] == 0);
  }
}

TEST_CASE("threads launch while others get their arguments wrong") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto kernel =
      bench.program("kernel void store(global int *out, uint i, int v) { out[i] = v; }")->kernel("store");
  const std::size_t launches = bench.slow() ? 10 : 300;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const Bench mine{bench.context, Queue::create(*bench.context, nullptr, 0)};
      const auto out = mine.buffer(Bytes(4 * launches, 0xEE));
      for (std::size_t i = 0; i < launches; ++i) {
        const Argument arguments[] = {argument(*out), argument(static_cast<std::uint32_t>(i)),
                                      argument(t * 1000 + static_cast<int>(i))};
        const Argument bad[] = {arguments[0], argument(static_cast<std::uint32_t>(0)), argument(1e20)};
        if (failure_of([&] { kernel->launch(*mine.queue, global_size(1), bad, 3); }).status() !=
            Status::kernel_argument)
          ++wrong;
        kernel->launch(*mine.queue, global_size(1), arguments, 3);
      }
      std::vector<std::int32_t> got(launches);
      out->read(*mine.queue, 0, 4 * launches, got.data());
      for (std::size_t i = 0; i < launches; ++i) wrong += got[i] != t * 1000 + static_cast<int>(i);
    });
  for (auto &thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_SUITE_END();
