// The caching pool: size classes, reuse, the limit, and that no memory is reused before its last use ends.
#include "runtime/memory_pool.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <thread>
#include <vector>

#include "runtime/timeline.hpp"
#include "support/cl_handle.hpp"
#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("runtime");

namespace {

std::shared_ptr<Event> fill(Queue &queue, Buffer &buffer, unsigned char value, Waits waits = {}) {
  std::shared_ptr<Event> event;
  buffer.fill(queue, &value, 1, 0, buffer.size(), waits, &event);
  return event;
}

constexpr std::size_t KiB = 1024, MiB = 1024 * 1024;

}  // namespace

TEST_CASE("size classes hold the request, waste little, and never wrap") {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size < 40000; ++size) sizes.push_back(size);
  for (int shift = 15; shift < 64; ++shift)
    for (std::size_t eighth = 8; eighth < 16; ++eighth)
      for (std::size_t near : {-2, -1, 0, 1, 2}) sizes.push_back(((std::size_t(1) << shift) / 8 * eighth) + near);
  for (std::size_t near = 0; near < 1000; ++near) sizes.push_back(SIZE_MAX - near * near * near);
  Dice dice(5);
  CAPTURE(dice.seed());
  for (int i = 0; i < 20000; ++i) sizes.push_back(dice.bits() >> dice.between(0, 63));
  std::sort(sizes.begin(), sizes.end());
  std::size_t small = 0, wasteful = 0, unsteady = 0, unfixed = 0, last = 0;
  for (std::size_t size : sizes) {
    const std::size_t capacity = pool_size_class(size);
    small += capacity < size || capacity == 0;
    if (size > 4 * KiB)
      wasteful += (capacity - size) * 8 > size;
    else
      wasteful += capacity - size > 512;
    unsteady += capacity < last;
    unfixed += pool_size_class(capacity) != capacity;
    last = capacity;
  }
  CHECK(small == 0);
  CHECK(wasteful == 0);
  CHECK(unsteady == 0);
  CHECK(unfixed == 0);
  CHECK(pool_size_class(0) == 512);
  CHECK(pool_size_class(513) == 1024);
  CHECK(pool_size_class(MiB) == MiB);
  CHECK(pool_size_class(MiB + 1) == MiB + MiB / 8);
}

TEST_CASE("a released buffer's memory serves the next of its size, and the figures are exact") {
  const Bench bench;
  const auto context = bench.context;
  const auto figures = [&] { return context->memory(); };
  CHECK(figures().in_use == 0);
  CHECK(figures().misses == 0);
  auto buffer = Buffer::create(*context, 1000);
  CHECK(figures().in_use == 1024);
  CHECK(figures().peak == 1024);
  CHECK(figures().live_buffers == 1);
  CHECK(figures().misses == 1);
  const cl_mem first = block_of(*buffer);
  auto slice = buffer->slice(100, 200);
  fill(*bench.queue, *buffer, 1);
  bench.queue->finish();
  buffer.reset();
  CHECK(figures().live_buffers == 1);  // by its slice
  CHECK(figures().cached == 0);
  slice.reset();
  CHECK(figures().in_use == 0);
  CHECK(figures().live_buffers == 0);
  CHECK(figures().cached == 1024);
  CHECK(figures().cached_buffers == 1);
  CHECK(figures().hits == 0);

  auto other_size = Buffer::create(*context, 1025);
  CHECK(figures().misses == 2);
  auto again = Buffer::create(*context, 513);
  CHECK(block_of(*again) == first);
  CHECK(again->size() == 513);
  CHECK(figures().hits == 1);
  CHECK(figures().misses == 2);
  CHECK(figures().cached == 0);
  CHECK(figures().cached_buffers == 0);
  CHECK(figures().in_use == 1024 + 1536);
  CHECK(figures().peak == 1024 + 1536);
  again.reset();
  other_size.reset();
  CHECK(figures().cached == 1024 + 1536);
  CHECK(figures().cached_buffers == 2);
  CHECK(context->trim() == 1024 + 1536);
  CHECK(figures().cached == 0);
  CHECK(figures().cached_buffers == 0);
  CHECK(figures().peak == 1024 + 1536);
  CHECK(context->trim() == 0);
}

TEST_CASE("the figures add up after any sequence of requests") {
  const Bench bench;
  Dice dice(6);
  CAPTURE(dice.seed());
  std::vector<std::shared_ptr<Buffer>> alive;
  std::map<std::size_t, std::size_t> cached;
  std::uint64_t in_use = 0, peak = 0, hits = 0, misses = 0, cached_bytes = 0;
  for (int step = 0; step < 2000; ++step) {
    const std::size_t what = dice.between(0, 99);
    if (what < 50 || alive.empty()) {
      const std::size_t size = dice.between(0, 5000);
      const std::size_t capacity = pool_size_class(size);
      alive.push_back(Buffer::create(*bench.context, size));
      in_use += capacity;
      if (cached[capacity]) {
        --cached[capacity];
        cached_bytes -= capacity;
        ++hits;
      } else {
        ++misses;
      }
    } else if (what < 98) {
      const std::size_t i = dice.between(0, alive.size() - 1);
      const std::size_t capacity = pool_size_class(alive[i]->size());
      alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(i));
      in_use -= capacity;
      ++cached[capacity];
      cached_bytes += capacity;
    } else {
      CHECK(bench.context->trim() == cached_bytes);
      cached.clear();
      cached_bytes = 0;
    }
    peak = std::max(peak, in_use);
    const MemoryStatistics s = bench.context->memory();
    const bool equal = s.in_use == in_use && s.peak == peak && s.hits == hits && s.misses == misses &&
                       s.cached == cached_bytes && s.live_buffers == alive.size();
    REQUIRE_MESSAGE(equal, "step ", step, ": in use ", s.in_use, " for ", in_use, ", peak ", s.peak, " for ", peak,
                    ", hits ", s.hits, " for ", hits, ", misses ", s.misses, " for ", misses, ", cached ", s.cached,
                    " for ", cached_bytes);
  }
}

TEST_CASE("memory is not reused before its last use ends") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const auto other = Queue::create(*bench.context, nullptr, 0);
  for (std::size_t size : {4 * KiB, 2 * MiB}) {
    CAPTURE(size);
    const MemoryStatistics before = bench.context->memory();
    auto first = Buffer::create(*bench.context, size);
    const cl_mem block = block_of(*first);
    const auto gate = Event::create_user(*bench.context);
    const auto filled = fill(*bench.queue, *first, 0xAA, WaitFor(*gate));
    first.reset();
    CHECK(bench.context->memory().cached == before.cached + size);

    const auto second = Buffer::create(*bench.context, size);
    CHECK(block_of(*second) != block);
    CHECK(bench.context->memory().misses == before.misses + 2);
    fill(*other, *second, 0x55)->wait();
    gate->complete(0);
    filled->wait();
    Bytes got(size, 0xEE);
    second->read(*other, 0, size, got.data());
    CHECK(got == Bytes(size, 0x55));

    bench.queue->finish();
    const auto third = Buffer::create(*bench.context, size);
    CHECK(block_of(*third) == block);
    CHECK(bench.context->memory().hits == before.hits + 1);
  }
}

TEST_CASE("memory that two queues used waits for both") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const auto other = Queue::create(*bench.context, nullptr, 0), third = Queue::create(*bench.context, nullptr, 0);
  for (bool second_is_blocked : {false, true}) {
    CAPTURE(second_is_blocked);
    bench.context->trim();
    auto buffer = Buffer::create(*bench.context, 8 * KiB);
    const cl_mem block = block_of(*buffer);
    const auto gate = Event::create_user(*bench.context);
    Queue &blocked = second_is_blocked ? *other : *bench.queue;
    Queue &open = second_is_blocked ? *bench.queue : *other;
    // Uses in both orders, again and again.
    fill(*bench.queue, *buffer, 1)->wait();
    fill(*other, *buffer, 2)->wait();
    const auto last = fill(blocked, *buffer, 3, WaitFor(*gate));
    fill(open, *buffer, 4)->wait();
    buffer.reset();
    CHECK(block_of(*Buffer::create(*bench.context, 8 * KiB)) != block);
    CHECK(bench.context->trim() == 8 * KiB);  // the second one; the first is busy
    gate->complete(0);
    last->wait();
    other->finish();
    bench.queue->finish();
    CHECK(block_of(*Buffer::create(*bench.context, 8 * KiB)) == block);
  }
}

TEST_CASE("a use by a slice counts, by a copy, a kernel, a map and an asynchronous read") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const std::size_t size = 4 * KiB;
  const auto kernel = bench.program("kernel void set(global uchar *x) { x[get_global_id(0)] = 0xAA; }")->kernel("set");
  const auto keep = Buffer::create(*bench.context, size);
  const Rect rect = {{16, 4, 1}, {0, 0, 0}, 0, 0, {0, 0, 0}, 0, 0};
  Bytes host(size, 0xAA);
  for (int use = 0; use < 9; ++use) {
    CAPTURE(use);
    bench.context->trim();  // so that `next` could only be the block
    const auto queue = Queue::create(*bench.context, nullptr, 0);
    auto buffer = Buffer::create(*bench.context, size);
    const cl_mem block = block_of(*buffer);
    const auto gate = Event::create_user(*bench.context);
    const WaitFor waits(*gate);
    const Argument arguments[] = {argument(*buffer)};
    void *mapped = nullptr;
    switch (use) {
      case 0:
        buffer->slice(128, 256)->write_async(*queue, 0, 256, host.data(), waits, nullptr);
        break;
      case 1:
        buffer->copy_to(*keep, *queue, 0, 0, size, waits, nullptr);
        break;
      case 2:
        keep->copy_to(*buffer, *queue, 0, 0, size, waits, nullptr);
        break;
      case 3:
        kernel->launch(*queue, global_size(size), arguments, 1, waits, nullptr);
        break;
      case 4:
        buffer->read_async(*queue, 0, size, host.data(), waits, nullptr);
        break;
      case 5:
        buffer->write_rect(*queue, rect, host.data(), false, waits, nullptr);
        break;
      case 6:
        buffer->read_rect(*queue, rect, host.data(), false, waits, nullptr);
        break;
      case 7:
        keep->copy_rect_to(*buffer, *queue, rect, waits, nullptr);
        break;
      default:
        mapped = buffer->map(*queue, Buffer::map_write, 0, size, true, {}, nullptr);
        buffer->unmap(*queue, mapped, waits, nullptr);
    }
    buffer.reset();
    const auto next = Buffer::create(*bench.context, size);
    CHECK(block_of(*next) != block);
    gate->complete(0);
    queue->finish();
    CHECK(block_of(*Buffer::create(*bench.context, size)) == block);
  }
}

TEST_CASE("a request over the limit fails with a report, and a smaller one then works") {
  const Bench bench;
  bench.context->set_memory_limit(MiB);
  CHECK(bench.context->memory().limit == MiB);
  const auto half = Buffer::create(*bench.context, 512 * KiB);
  const auto quarter = Buffer::create(*bench.context, 200 * KiB), again = Buffer::create(*bench.context, 200 * KiB);
  const MemoryStatistics before = bench.context->memory();
  const Error error = failure_of([&] { Buffer::create(*bench.context, 600 * KiB); });
  CHECK(error.status() == Status::out_of_device_memory);
  CHECK(contains(error.message(), "600 KiB"));
  CHECK(contains(error.message(), "of 1024 KiB"));
  CHECK(error.message().find('\n') == std::string::npos);
  CHECK(contains(error.detail(), "1 x 512 KiB"));
  CHECK(contains(error.detail(), "2 x 200 KiB"));
  CHECK(contains(error.detail(), "3 buffers"));
  CHECK(error.detail() == bench.context->memory_report());
  const MemoryStatistics after = bench.context->memory();
  CHECK(after.in_use == before.in_use);
  CHECK(after.live_buffers == 3);
  CHECK_NOTHROW(Buffer::create(*bench.context, 64 * KiB));
  // Exactly to the limit, and one more.
  const auto rest = Buffer::create(*bench.context, MiB - 512 * KiB - 2 * pool_size_class(200 * KiB));
  CHECK(bench.context->memory().in_use == MiB);
  CHECK_FAILS(Status::out_of_device_memory, "no memory", Buffer::create(*bench.context, 1));
  bench.context->set_memory_limit(0);
  CHECK(bench.context->memory().limit == bench.device().info().global_memory);
  CHECK_NOTHROW(Buffer::create(*bench.context, MiB));
}

TEST_CASE("the report tells sixteen sizes and how many are smaller") {
  const Bench bench;
  std::vector<std::shared_ptr<Buffer>> buffers;
  for (std::size_t i = 1; i <= 20; ++i)
    for (std::size_t k = 0; k < i; ++k) buffers.push_back(Buffer::create(*bench.context, 10 * i));
  const std::string report = bench.context->memory_report();
  CHECK(contains(report, "20 x 200 bytes"));
  CHECK(contains(report, "5 x 50 bytes"));
  CHECK_FALSE(contains(report, "4 x 40 bytes"));
  CHECK(contains(report, "and 4 smaller sizes"));
  CHECK(contains(report, "210 buffers"));
}

TEST_CASE("cached memory is given back before a request fails") {
  const Bench bench;
  bench.context->set_memory_limit(MiB);
  auto half = Buffer::create(*bench.context, 512 * KiB);
  half.reset();
  CHECK(bench.context->memory().cached == 512 * KiB);
  const auto large = Buffer::create(*bench.context, MiB);
  CHECK(bench.context->memory().cached == 0);
  CHECK(bench.context->memory().in_use == MiB);
}

TEST_CASE("a request waits for memory that a running command still has") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  bench.context->set_memory_limit(MiB);
  auto first = Buffer::create(*bench.context, MiB);
  const auto gate = Event::create_user(*bench.context);
  fill(*bench.queue, *first, 1, WaitFor(*gate));
  first.reset();
  std::thread later([&] {
    std::this_thread::sleep_for(100ms);
    gate->complete(0);
  });
  const auto start = std::chrono::steady_clock::now();
  CHECK_NOTHROW(Buffer::create(*bench.context, 900 * KiB));
  CHECK(std::chrono::steady_clock::now() - start >= 90ms);
  later.join();
}

TEST_CASE("more than the device allows in one buffer is refused before the driver is asked") {
  const Bench bench;
  const std::uint64_t most = bench.context->max_allocation();
  const MemoryStatistics before = bench.context->memory();
  for (std::uint64_t size : {most + 1, most * 2, std::uint64_t(1) << 62, UINT64_MAX - 1, UINT64_MAX})
    for (std::uint32_t flags : {0u, Buffer::unpooled}) {
      const Error error = failure_of([&] { Buffer::create(*bench.context, size, flags); });
      CHECK(error.status() == Status::allocation_too_large);
      CHECK(error.cl_code() == 0);
      CHECK(contains(error.message(), std::to_string(most)));
    }
  CHECK(bench.context->memory().misses == before.misses);
  // Whole device memory, 64 GiB: within the limits of the driver or refused by ours, never accepted beyond the budget.
  bench.context->set_memory_limit(16 * MiB);
  CHECK_FAILS(Status::out_of_device_memory, "no memory", Buffer::create(*bench.context, most));
  CHECK(bench.context->memory().in_use == 0);
}

TEST_CASE("what is unpooled, handed out, wrapped or mapped does not return to the pool") {
  const Bench bench;
  const auto cached = [&] { return bench.context->memory().cached_buffers; };
  auto buffer = Buffer::create(*bench.context, 1000, Buffer::unpooled);
  CHECK(bench.context->memory().in_use == 1000);
  buffer.reset();
  CHECK(cached() == 0);

  buffer = Buffer::create(*bench.context, 1000);
  const cl_mem root = buffer->slice(8, 8)->escape();
  CHECK(root == buffer->root());
  buffer.reset();
  CHECK(cached() == 0);

  buffer = Buffer::create(*bench.context, 1000);
  void *pointer = buffer->map(*bench.queue, Buffer::map_read, 0, 1000, true, {}, nullptr);
  CHECK(pointer != nullptr);
  const ClMem forgotten = ClMem::share(buffer->root());
  buffer.reset();
  CHECK(cached() == 0);
  bench.queue->finish();
  cl_uint maps = 9;
  CHECK(clGetMemObjectInfo(forgotten.get(), CL_MEM_MAP_COUNT, sizeof maps, &maps, nullptr) == CL_SUCCESS);
  CHECK(maps == 0);
  CHECK(bench.context->memory().in_use == 0);
  CHECK(bench.context->memory().live_buffers == 0);

  buffer = Buffer::create(*bench.context, 1000);
  pointer = buffer->map(*bench.queue, Buffer::map_read, 0, 1000, true, {}, nullptr);
  buffer->unmap(*bench.queue, pointer, {}, nullptr);
  buffer.reset();
  CHECK(cached() == 1);
  {
    const Environment off("GPUC_POOL", "0");
    const auto context = Context::create();
    Buffer::create(*context, 1000).reset();
    CHECK(context->memory().cached_buffers == 0);
    CHECK(context->memory().misses == 1);
  }
  CHECK_FAILS(Status::invalid_argument, "flags is 2", Buffer::create(*bench.context, 1, 2));
}

TEST_CASE("short-lived queues that use a long-lived buffer do not pile up") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 4096);
  std::vector<std::weak_ptr<Timeline>> timelines;
  for (int i = 0; i < 64; ++i) {
    const auto queue = Queue::create(*bench.context, nullptr, 0);
    timelines.push_back(queue->timeline());
    const auto value = static_cast<unsigned char>(i);
    buffer->fill(*queue, &value, 1, 0, 4096, {}, nullptr);
    queue->finish();
  }
  const auto alive =
      std::count_if(timelines.begin(), timelines.end(), [](const auto &weak) { return !weak.expired(); });
  CHECK(alive <= 9);
  CHECK(bench.read(*buffer) == Bytes(4096, 63));
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads runtime");

TEST_CASE("threads allocate, use and release; no contents are mixed up and the figures end exact") {
  const Bench bench;
  bench.context->set_memory_limit(64 * MiB);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([t, &bench, &wrong] {
      const auto queue = Queue::create(*bench.context, nullptr, 0);
      Dice dice(700 + static_cast<std::uint64_t>(t));
      for (int i = 0; i < 60; ++i) {
        const std::size_t size = std::size_t(512) << dice.between(0, 4);
        const auto value = static_cast<unsigned char>(40 * t + i % 40);
        const auto buffer = Buffer::create(*bench.context, size);
        buffer->fill(*queue, &value, 1, 0, size, {}, nullptr);
        if (i % 4 == 0) continue;  // released with the fill in flight
        if (i % 16 == 1) bench.context->trim();
        Bytes got(size);
        buffer->read(*queue, 0, size, got.data());
        wrong += got != Bytes(size, value);
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(wrong == 0);
  const MemoryStatistics s = bench.context->memory();
  CHECK(s.in_use == 0);
  CHECK(s.live_buffers == 0);
  CHECK(s.hits + s.misses == 360);
  CHECK(bench.context->trim() == s.cached);
  CHECK(bench.context->memory().cached == 0);
}

TEST_SUITE_END();
