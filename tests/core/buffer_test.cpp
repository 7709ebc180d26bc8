// Buffers and slices: reading, writing, copying, filling, mapping, and every size that is wrong.
#include <doctest/doctest.h>
#include <gpucompute/buffer.hpp>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

#include "support/cl_handle.hpp"
#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("runtime");

namespace {

// Places in a buffer that a write, copy or fill must not touch are compared, too: this is what the buffer should hold.
struct Mirror {
  const Bench &bench;
  Bytes expected;
  std::shared_ptr<Buffer> buffer;

  Mirror(const Bench &b, Dice &dice, std::size_t size)
      : bench(b), expected(dice.bytes(size)), buffer(b.buffer(expected)) {}
  bool holds() const { return bench.read(*buffer) == expected; }
  void put(std::size_t offset, const Bytes &data) {
    std::copy(data.begin(), data.end(), expected.begin() + static_cast<std::ptrdiff_t>(offset));
  }
};

// For a whole of `size` bytes: offsets and sizes that do not fit into it.
std::vector<std::pair<std::size_t, std::size_t>> outside(std::size_t size) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs = {{0, size + 1}, {size, 1}, {1, size}, {size + 1, 0}};
  for (std::size_t large :
       {(std::size_t(1) << 31) - 1, (std::size_t(1) << 31) + 1, (std::size_t(1) << 32) - 1, (std::size_t(1) << 32) + 1,
        (std::size_t(1) << 62) - 1000, (std::size_t(1) << 63), SIZE_MAX - 1, SIZE_MAX}) {
    pairs.emplace_back(0, large);
    pairs.emplace_back(large, 0);
    pairs.emplace_back(large, 1);
    pairs.emplace_back(1, large);
    pairs.emplace_back(size / 2, large);
    pairs.emplace_back(large, large);
    pairs.emplace_back(large, 0 - large + 1);  // their sum wraps to 1
  }
  return pairs;
}

}  // namespace

TEST_CASE("what is written is read, at odd offsets and sizes") {
  const Bench bench;
  Dice dice(10);
  CAPTURE(dice.seed());
  Mirror mirror(bench, dice, 70001);
  CHECK(mirror.holds());
  for (int i = 0; i < 100; ++i) {
    const std::size_t offset = dice.between(0, 70001), size = dice.between(0, 70001 - offset);
    CAPTURE(offset);
    CAPTURE(size);
    const Bytes data = dice.bytes(size);
    std::shared_ptr<Event> done;
    if (i % 2) {
      mirror.buffer->write(*bench.queue, offset, size, data.data());
    } else {
      mirror.buffer->write_async(*bench.queue, offset, size, data.data(), {}, &done);
      REQUIRE(done);
      done->wait();
    }
    mirror.put(offset, data);
    Bytes got(size + 2, 0xEE);
    if (i % 3) {
      mirror.buffer->read(*bench.queue, offset, size, got.data() + 1);
    } else {
      mirror.buffer->read_async(*bench.queue, offset, size, got.data() + 1, {}, &done);
      done->wait();
    }
    CHECK(std::equal(data.begin(), data.end(), got.begin() + 1));
    CHECK(got.front() == 0xEE);
    CHECK(got.back() == 0xEE);
    if (i % 20 == 0) CHECK(mirror.holds());
  }
  CHECK(mirror.holds());
}

TEST_CASE("slices of slices are windows of one buffer") {
  const Bench bench;
  Dice dice(11);
  CAPTURE(dice.seed());
  Mirror mirror(bench, dice, 10000);
  for (int i = 0; i < 50; ++i) {
    std::shared_ptr<Buffer> slice = mirror.buffer;
    std::size_t start = 0;
    for (int depth = 0; depth < 4; ++depth) {
      const std::size_t offset = dice.between(0, slice->size() / 3);
      start += offset;
      slice = slice->slice(offset, dice.between(slice->size() / 3, slice->size() - offset));
      CHECK(slice->offset() == start);
      CHECK(slice->root() == mirror.buffer->root());
    }
    const Bytes data = dice.bytes(slice->size());
    slice->write(*bench.queue, 0, data.size(), data.data());
    mirror.put(start, data);
    CHECK(bench.read(*slice) == data);
  }
  CHECK(mirror.holds());
  const auto empty = mirror.buffer->slice(10000, 0);
  CHECK(empty->size() == 0);
  CHECK(empty->slice(0, 0)->size() == 0);
  const auto slice = mirror.buffer->slice(100, 50);
  mirror.buffer.reset();
  CHECK(bench.read(*slice).size() == 50);  // it keeps the memory
  for (const auto &range : outside(50)) {
    const std::size_t offset = range.first, size = range.second;
    CAPTURE(offset);
    CAPTURE(size);
    CHECK_FAILS(Status::out_of_range, "the slice is bytes", slice->slice(offset, size));
  }
}

TEST_CASE("buffers of every small size, and of none") {
  const Bench bench;
  Dice dice(12);
  CAPTURE(dice.seed());
  for (std::size_t size = 1; size <= 70; ++size) {
    const Mirror mirror(bench, dice, size);
    CHECK(mirror.buffer->size() == size);
    CHECK(mirror.holds());
  }
  const auto none = Buffer::create(*bench.context, 0);
  CHECK(none->size() == 0);
  unsigned char byte = 0xEE;
  CHECK_FAILS(Status::out_of_range, "the buffer has 0", none->write(*bench.queue, 0, 1, &byte));
  CHECK_FAILS(Status::out_of_range, "the buffer has 0", none->slice(0, 1));
}

TEST_CASE("size 0 moves nothing but still follows the waits") {
  const Bench bench;
  const Bytes content = {1, 2, 3, 4, 5, 6, 7, 8};
  const auto buffer = bench.buffer(content), other = bench.buffer(content);
  unsigned char host = 0xEE;
  const Rect rect = {{0, 4, 4}, {0, 0, 0}, 0, 0, {0, 0, 0}, 0, 0};
  for (std::size_t at : {0, 3, 8}) {
    buffer->write(*bench.queue, at, 0, nullptr);
    buffer->read(*bench.queue, at, 0, nullptr);
    buffer->write_async(*bench.queue, at, 0, nullptr, {}, nullptr);
    buffer->read_async(*bench.queue, at, 0, &host, {}, nullptr);
    buffer->copy_to(*other, *bench.queue, at, 8 - at, 0, {}, nullptr);
    buffer->copy_to(*buffer, *bench.queue, at, at, 0, {}, nullptr);
    buffer->fill(*bench.queue, &host, 1, at, 0, {}, nullptr);
  }
  buffer->write_rect(*bench.queue, rect, nullptr, true, {}, nullptr);
  buffer->read_rect(*bench.queue, rect, nullptr, true, {}, nullptr);
  buffer->copy_rect_to(*other, *bench.queue, rect, {}, nullptr);
  CHECK(bench.read(*buffer) == content);
  CHECK(bench.read(*other) == content);
  CHECK(host == 0xEE);
  CHECK_FAILS(Status::invalid_argument, "size_bytes is 0",
              buffer->map(*bench.queue, Buffer::map_read, 0, 0, true, {}, nullptr));

  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const auto gate = Event::create_user(*bench.context);
  const WaitFor waits(*gate);
  std::vector<std::shared_ptr<Event>> events(7);
  buffer->write_async(*bench.queue, 0, 0, nullptr, waits, &events[0]);
  buffer->read_async(*bench.queue, 0, 0, nullptr, waits, &events[1]);
  buffer->copy_to(*other, *bench.queue, 0, 0, 0, waits, &events[2]);
  buffer->fill(*bench.queue, &host, 1, 0, 0, waits, &events[3]);
  buffer->write_rect(*bench.queue, rect, nullptr, false, waits, &events[4]);
  buffer->read_rect(*bench.queue, rect, nullptr, false, waits, &events[5]);
  buffer->copy_rect_to(*other, *bench.queue, rect, waits, &events[6]);
  for (const auto &event : events) {
    REQUIRE(event);
    CHECK_FAILS(Status::timeout, "", event->wait_for(1'000'000));
  }
  gate->complete(0);
  wait_all(events.begin(), events.end());
}

TEST_CASE("copies between buffers and within one") {
  const Bench bench;
  Dice dice(13);
  CAPTURE(dice.seed());
  Mirror source(bench, dice, 5003), destination(bench, dice, 7001);
  const auto source_slice = source.buffer->slice(3, 5000), destination_slice = destination.buffer->slice(1, 7000);
  for (int i = 0; i < 60; ++i) {
    const std::size_t from = dice.between(0, 5000), size = dice.between(0, 5000 - from),
                      to = dice.between(0, 7000 - size);
    source_slice->copy_to(*destination_slice, *bench.queue, from, to, size, {}, nullptr);
    const auto start = source.expected.begin() + 3 + static_cast<std::ptrdiff_t>(from);
    destination.put(1 + to, Bytes(start, start + static_cast<std::ptrdiff_t>(size)));
  }
  CHECK(destination.holds());
  CHECK(source.holds());

  // Within one: what overlaps is refused, by any path to the bytes, and what only touches is copied.
  std::size_t refused = 0, copied = 0;
  for (int i = 0; i < 300; ++i) {
    const std::size_t size = dice.between(1, 1500);
    const std::size_t from = dice.between(0, 5000 - size), base = dice.between(0, 100);
    const std::size_t to = i % 4                 ? dice.between(0, 4900 - size)
                           : from >= base + size ? from - size - base
                                                 : dice.between(0, 4900 - size);
    const auto other_view = source.buffer->slice(3 + base, 5000 - base);
    const bool overlap = from < base + to + size && base + to < from + size;
    if (overlap) {
      CHECK_FAILS(Status::overlap, "share bytes",
                  source_slice->copy_to(*other_view, *bench.queue, from, to, size, {}, nullptr));
      ++refused;
      continue;
    }
    source_slice->copy_to(*other_view, *bench.queue, from, to, size, {}, nullptr);
    const auto start = source.expected.begin() + 3 + static_cast<std::ptrdiff_t>(from);
    const Bytes data(start, start + static_cast<std::ptrdiff_t>(size));
    source.put(3 + base + to, data);
    ++copied;
  }
  CHECK(refused > 20);
  CHECK(copied > 20);
  CHECK(source.holds());
  CHECK_FAILS(Status::overlap, "100 bytes at 3 and at 3",
              source_slice->copy_to(*source_slice, *bench.queue, 0, 0, 100, {}, nullptr));
  CHECK_NOTHROW(source_slice->copy_to(*source_slice, *bench.queue, 0, 100, 100, {}, nullptr));
}

TEST_CASE("fills with patterns of every size") {
  const Bench bench;
  Dice dice(14);
  CAPTURE(dice.seed());
  Mirror mirror(bench, dice, 4096);
  const auto slice = mirror.buffer->slice(256, 3072);
  for (std::size_t size : {1, 2, 4, 8, 16, 32, 64, 128}) {
    CAPTURE(size);
    const Bytes pattern = dice.bytes(size);
    const std::size_t offset = size * dice.between(0, 5), count = dice.between(1, 16);
    slice->fill(*bench.queue, pattern.data(), size, offset, size * count, {}, nullptr);
    for (std::size_t i = 0; i < count; ++i) mirror.put(256 + offset + i * size, pattern);
    CHECK(mirror.holds());
    if (size == 1) continue;
    CHECK_FAILS(Status::misaligned, "multiple",
                slice->fill(*bench.queue, pattern.data(), size, size / 2, size, {}, nullptr));
    CHECK_FAILS(Status::misaligned, "multiple",
                slice->fill(*bench.queue, pattern.data(), size, 0, size + size / 2, {}, nullptr));
    CHECK_FAILS(Status::misaligned, "byte 257",
                mirror.buffer->slice(257, 1024)->fill(*bench.queue, pattern.data(), size, 0, size, {}, nullptr));
    // The slice is misaligned, but not the place in the whole buffer.
    mirror.buffer->slice(255, 1024)->fill(*bench.queue, pattern.data(), size, 1, size, {}, nullptr);
    mirror.put(256, pattern);
    CHECK(mirror.holds());
  }
  const Bytes pattern(512, 1);
  for (std::size_t size :
       {std::size_t(0), std::size_t(3), std::size_t(12), std::size_t(127), std::size_t(256), SIZE_MAX})
    CHECK_FAILS(Status::invalid_argument, "pattern_size_bytes",
                slice->fill(*bench.queue, pattern.data(), size, 0, 0, {}, nullptr));
  CHECK(mirror.holds());
}

TEST_CASE("mapped memory is the buffer's") {
  const Bench bench;
  Dice dice(15);
  CAPTURE(dice.seed());
  Mirror mirror(bench, dice, 9001);
  const auto slice = mirror.buffer->slice(5, 8000);
  for (int i = 0; i < 12; ++i) {
    const std::size_t offset = dice.between(0, 7000), size = dice.between(1, 1000);
    CAPTURE(i);
    std::shared_ptr<Event> mapped_event, unmapped;
    const bool blocking = i % 2 == 0;
    const std::uint32_t flags[] = {Buffer::map_read, Buffer::map_read | Buffer::map_write, Buffer::map_write,
                                   Buffer::map_write | Buffer::map_discard};
    const std::uint32_t how = flags[i % 4];
    auto *pointer =
        static_cast<unsigned char *>(slice->map(*bench.queue, how, offset, size, blocking, {}, &mapped_event));
    REQUIRE(pointer);
    mapped_event->wait();
    const auto start = mirror.expected.begin() + 5 + static_cast<std::ptrdiff_t>(offset);
    if (how & Buffer::map_read) CHECK(std::equal(start, start + static_cast<std::ptrdiff_t>(size), pointer));
    if (how & Buffer::map_write) {
      const Bytes data = dice.bytes(size);
      std::copy(data.begin(), data.end(), pointer);
      mirror.put(5 + offset, data);
    }
    slice->unmap(*bench.queue, pointer, {}, &unmapped);
    unmapped->wait();
    CHECK(mirror.holds());
    CHECK_FAILS(Status::invalid_state, "not mapped", slice->unmap(*bench.queue, pointer, {}, nullptr));
  }
  int nothing = 0;
  CHECK_FAILS(Status::invalid_state, "not mapped", slice->unmap(*bench.queue, &nothing, {}, nullptr));
  CHECK_FAILS(Status::invalid_state, "not mapped", slice->unmap(*bench.queue, nullptr, {}, nullptr));
  const auto map = [&](std::uint32_t flags) { slice->map(*bench.queue, flags, 0, 8, true, {}, nullptr); };
  CHECK_FAILS(Status::invalid_argument, "GPUC_MAP_READ or", map(0));
  CHECK_FAILS(Status::invalid_argument, "GPUC_MAP_READ or", map(Buffer::map_discard));
  CHECK_FAILS(Status::invalid_argument, "GPUC_MAP_DISCARD", map(Buffer::map_discard | Buffer::map_read));
  CHECK_FAILS(Status::invalid_argument, "GPUC_MAP_DISCARD", map(7));
  CHECK_FAILS(Status::invalid_argument, "flags is 9", map(9));
  // Two maps at once; unmapped through the buffer, not the slice, which is the same memory.
  void *const one = slice->map(*bench.queue, Buffer::map_read, 0, 16, true, {}, nullptr);
  void *const two = mirror.buffer->map(*bench.queue, Buffer::map_read, 100, 16, true, {}, nullptr);
  mirror.buffer->unmap(*bench.queue, one, {}, nullptr);
  slice->unmap(*bench.queue, two, {}, nullptr);
  bench.queue->finish();
  CHECK(mirror.holds());
}

TEST_CASE("a buffer over host memory is that memory") {
  const Bench bench;
  alignas(4096) static unsigned char host[8192];
  if (!bench.context->unified_memory()) {
    CHECK_FAILS(Status::unsupported, "memory of its own", Buffer::over_host(*bench.context, host, sizeof host));
    return;
  }
  CHECK_FAILS(Status::invalid_argument, "size_bytes is 0", Buffer::over_host(*bench.context, host, 0));
  CHECK_FAILS(Status::allocation_too_large, "at most", Buffer::over_host(*bench.context, host, SIZE_MAX));
  Dice dice(16);
  CAPTURE(dice.seed());
  const Bytes content = dice.bytes(sizeof host);
  std::memcpy(host, content.data(), sizeof host);
  {
    const auto buffer = Buffer::over_host(*bench.context, host, sizeof host);
    CHECK(bench.context->memory().in_use == sizeof host);
    CHECK(bench.read(*buffer) == content);
    const auto kernel =
        bench.program("kernel void flip(global uchar *x) { x[get_global_id(0)] ^= 0xFF; }")->kernel("flip");
    const Argument arguments[] = {argument(*buffer)};
    kernel->launch(*bench.queue, global_size(sizeof host), arguments, 1);
    auto *pointer =
        static_cast<unsigned char *>(buffer->map(*bench.queue, Buffer::map_read, 0, sizeof host, true, {}, nullptr));
    CHECK(pointer == host);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < sizeof host; ++i) wrong += pointer[i] != (content[i] ^ 0xFF);
    CHECK(wrong == 0);
    buffer->unmap(*bench.queue, pointer, {}, nullptr);
    bench.queue->finish();
  }
  CHECK(bench.context->memory().in_use == 0);
  CHECK(bench.context->memory().cached == 0);
}

TEST_CASE("a cl_mem can be wrapped") {
  const Bench bench;
  const auto other = Context::create();
  cl_int code = CL_SUCCESS;
  Bytes content(1000, 3);
  cl_mem native =
      clCreateBuffer(bench.context->native(), CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, 1000, content.data(), &code);
  REQUIRE(code == CL_SUCCESS);
  const auto references = [&] {
    cl_uint count = 0;
    clGetMemObjectInfo(native, CL_MEM_REFERENCE_COUNT, sizeof count, &count, nullptr);
    return count;
  };
  {
    const auto buffer = Buffer::wrap(*bench.context, native);
    CHECK(buffer->size() == 1000);
    CHECK(buffer->root() == native);
    CHECK(bench.read(*buffer) == content);
    buffer->slice(500, 500)->fill(*bench.queue, "x", 1, 0, 500, {}, nullptr);
    std::fill(content.begin() + 500, content.end(), 'x');
    CHECK(bench.read(*buffer) == content);
    CHECK(references() >= 2);
    CHECK_FAILS(Status::context_mismatch, "cl_mem", Buffer::wrap(*other, native));
  }
  bench.queue->finish();
  CHECK(soon([&] { return references() == 1; }));
  CHECK(bench.context->memory().cached_buffers == 0);
  clReleaseMemObject(native);
}

TEST_CASE("what does not fit into the buffer is refused by every function") {
  const Bench bench;
  Dice dice(17);
  const Mirror mirror(bench, dice, 1000);
  const auto other = Buffer::create(*bench.context, 2000);
  Bytes host(16);
  for (const auto &range : outside(1000)) {
    const std::size_t o = range.first, s = range.second;
    CAPTURE(o);
    CAPTURE(s);
    Buffer &buffer = *mirror.buffer;
    Queue &queue = *bench.queue;
    std::shared_ptr<Event> event;
    CHECK_FAILS(Status::out_of_range, "the write is bytes", buffer.write(queue, o, s, host.data()));
    CHECK_FAILS(Status::out_of_range, "the read is bytes", buffer.read(queue, o, s, host.data()));
    CHECK_FAILS(Status::out_of_range, "the write", buffer.write_async(queue, o, s, host.data(), {}, &event));
    CHECK_FAILS(Status::out_of_range, "the read", buffer.read_async(queue, o, s, host.data(), {}, &event));
    CHECK_FAILS(Status::out_of_range, "the fill", buffer.fill(queue, host.data(), 1, o, s, {}, &event));
    CHECK_FAILS(Status::out_of_range, "the map", buffer.map(queue, Buffer::map_read, o, s, true, {}, &event));
    CHECK_FAILS(Status::out_of_range, "the source", buffer.copy_to(*other, queue, o, 0, s, {}, &event));
    CHECK_FAILS(Status::out_of_range, "the destination",
                other->slice(0, 2000)->copy_to(buffer, queue, 0, o, std::min<std::size_t>(s, 2000), {}, &event));
    CHECK(event == nullptr);
  }
  CHECK(mirror.holds());
}

TEST_CASE("queue and buffers must be of one context") {
  const Bench bench, other;
  const auto buffer = bench.buffer(Bytes(64, 1)), foreign = other.buffer(Bytes(64, 2));
  unsigned char host[64];
  const Rect rect = {{4, 4, 1}, {0, 0, 0}, 0, 0, {0, 0, 0}, 0, 0};
  Queue &q = *other.queue;
  CHECK_FAILS(Status::context_mismatch, "the write", buffer->write(q, 0, 64, host));
  CHECK_FAILS(Status::context_mismatch, "the read", buffer->read(q, 0, 64, host));
  CHECK_FAILS(Status::context_mismatch, "the write", buffer->write_async(q, 0, 64, host, {}, nullptr));
  CHECK_FAILS(Status::context_mismatch, "the read", buffer->read_async(q, 0, 0, host, {}, nullptr));
  CHECK_FAILS(Status::context_mismatch, "the fill", buffer->fill(q, host, 1, 0, 64, {}, nullptr));
  CHECK_FAILS(Status::context_mismatch, "the map", buffer->map(q, 1, 0, 64, true, {}, nullptr));
  CHECK_FAILS(Status::context_mismatch, "the unmap", buffer->unmap(q, host, {}, nullptr));
  CHECK_FAILS(Status::context_mismatch, "the source", buffer->copy_to(*foreign, q, 0, 0, 64, {}, nullptr));
  CHECK_FAILS(Status::context_mismatch, "the destination", foreign->copy_to(*buffer, q, 0, 0, 64, {}, nullptr));
  CHECK_FAILS(Status::context_mismatch, "the copy", foreign->copy_rect_to(*buffer, q, rect, {}, nullptr));
  CHECK_FAILS(Status::context_mismatch, "the write", buffer->write_rect(q, rect, host, true, {}, nullptr));
  CHECK_FAILS(Status::context_mismatch, "the read", buffer->read_rect(q, rect, host, true, {}, nullptr));
  CHECK(bench.read(*buffer) == Bytes(64, 1));
  CHECK(other.read(*foreign) == Bytes(64, 2));
}

TEST_CASE("a slice is a kernel argument where the device's alignment allows it") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const std::size_t alignment = bench.device().info().slice_alignment;
  const auto kernel =
      bench.program("kernel void add(global uchar *x, uchar n) { x[get_global_id(0)] += n; }")->kernel("add");
  Dice dice(18);
  CAPTURE(dice.seed());
  Mirror mirror(bench, dice, 4 * alignment + 100);
  for (std::size_t i = 0; i < 5; ++i) {
    const std::size_t size = i == 4 ? 100 : 10 + i;
    const auto slice = mirror.buffer->slice(i * alignment, size);
    const auto n = static_cast<std::uint8_t>(i + 1);
    const Argument arguments[] = {argument(*slice), argument(n)};
    for (int twice = 0; twice < 2; ++twice) kernel->launch(*bench.queue, global_size(size), arguments, 2);
    for (std::size_t k = 0; k < size; ++k)
      mirror.expected[i * alignment + k] = static_cast<unsigned char>(mirror.expected[i * alignment + k] + 2 * n);
  }
  CHECK(mirror.holds());
  // The same slice of a slice; made, used and dropped many times.
  for (int i = 0; i < 20; ++i) {
    const auto slice = mirror.buffer->slice(alignment, 2 * alignment)->slice(alignment, 10);
    const Argument arguments[] = {argument(*slice), argument(std::uint8_t(3))};
    kernel->launch(*bench.queue, global_size(10), arguments, 2);
  }
  for (std::size_t k = 0; k < 10; ++k)
    mirror.expected[2 * alignment + k] = static_cast<unsigned char>(mirror.expected[2 * alignment + k] + 60);
  CHECK(mirror.holds());
  if (alignment > 1) {
    const auto slice = mirror.buffer->slice(alignment / 2, 10);
    const Argument arguments[] = {argument(*slice), argument(std::uint8_t(1))};
    const auto launch = [&] { kernel->launch(*bench.queue, global_size(10), arguments, 2); };
    CHECK_FAILS(Status::misaligned, "multiple of " + std::to_string(alignment), launch());
    CHECK_FAILS(Status::misaligned, "argument 0", launch());
    CHECK_FAILS(Status::misaligned, "kernel 'add'", launch());
    CHECK_FAILS(Status::misaligned, "starts at byte " + std::to_string(alignment / 2), launch());
  }
  CHECK(mirror.holds());
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads runtime");

TEST_CASE("threads write to slices of one buffer, and make one slice an argument") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const std::size_t part = 4096;
  const auto buffer = Buffer::create(*bench.context, 4 * part);
  const auto kernel = bench.program("kernel void add(global uchar *x) { x[get_global_id(0)] += 1; }")->kernel("add");
  std::atomic<int> wrong{0};
  for (int round = 0; round < 10; ++round) {
    std::vector<std::shared_ptr<Buffer>> slices;
    for (std::size_t t = 0; t < 4; ++t) slices.push_back(buffer->slice(t * part, part));
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        Dice dice(800 + t);
        const auto queue = Queue::create(*bench.context, nullptr, 0);
        Bytes data = dice.bytes(part), got(part);
        slices[t]->write(*queue, 0, part, data.data());
        const Argument arguments[] = {argument(*slices[t])};
        kernel->launch(*queue, global_size(part), arguments, 1);
        for (auto &byte : data) byte = static_cast<unsigned char>(byte + 1);
        slices[t]->read(*queue, 0, part, got.data());
        wrong += got != data;
      });
    for (auto &thread : threads) thread.join();
    // All four make the sub-buffer of one slice at once.
    const auto shared = buffer->slice(part, part);
    std::vector<cl_mem> made(4, nullptr);
    threads.clear();
    for (std::size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] { made[t] = shared->argument(bench.device(), 0, "add"); });
    for (auto &thread : threads) thread.join();
    for (cl_mem one : made) wrong += one != made[0] || one == nullptr;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a buffer that goes while it is mapped is unmapped") {
  const Bench bench;
  for (const std::uint32_t flags : {0u, Queue::out_of_order}) {
    if (flags && !bench.device().info().out_of_order) continue;
    const auto queue = Queue::create(*bench.context, nullptr, flags);
    cl_int code = CL_SUCCESS;
    const ClMem native(clCreateBuffer(bench.context->native(), CL_MEM_READ_WRITE, 4096, nullptr, &code));
    REQUIRE(code == CL_SUCCESS);
    auto buffer = Buffer::wrap(*bench.context, native.get());
    buffer->map(*queue, Buffer::map_read, 0, 100, true, {}, nullptr);
    buffer->map(*queue, Buffer::map_read, 2048, 100, false, {}, nullptr);
    queue->finish();
    const auto mapped = [&] {
      cl_uint count = 99;
      CHECK(clGetMemObjectInfo(native.get(), CL_MEM_MAP_COUNT, sizeof count, &count, nullptr) == CL_SUCCESS);
      return count;
    };
    CHECK(mapped() == 2);
    buffer.reset();
    queue->finish();
    CHECK(mapped() == 0);
  }
}

TEST_CASE("an unmap does not overtake its map") {
  const Bench bench;
  if (quirks_of(bench.device()).no_user_events) {
    SKIP_PART("commands that wait for a user event never complete");
    return;
  }
  Dice dice(17);
  CAPTURE(dice.seed());
  const std::uint32_t flags = bench.device().info().out_of_order ? Queue::out_of_order : 0;
  const auto one = Queue::create(*bench.context, nullptr, flags), two = Queue::create(*bench.context, nullptr, 0);
  for (const auto &queue : {one, two}) {
    Mirror mirror(bench, dice, 5000);
    const auto gate = Event::create_user(*bench.context);
    void *pointer =
        mirror.buffer->map(*one, Buffer::map_read | Buffer::map_write, 100, 3000, false, WaitFor(*gate), nullptr);
    mirror.buffer->unmap(*queue, pointer, {}, nullptr);
    gate->complete(0);
    one->finish();
    two->finish();
    // What overtakes writes what the map has not read yet, or crashes.
    CHECK(mirror.holds());
  }
  const auto gate = Event::create_user(*bench.context);
  auto buffer = bench.buffer(dice.bytes(5000));
  buffer->map(*one, Buffer::map_read | Buffer::map_write, 0, 5000, false, WaitFor(*gate), nullptr);
  buffer.reset();
  gate->complete(0);
  CHECK_NOTHROW(one->finish());
}

TEST_CASE("a blocking write is there for commands of other queues") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto kernel = bench.program("kernel void put(global uchar *x, uchar value) { x[2] = value; }")->kernel("put");
  const auto other = Queue::create(*bench.context, nullptr, 0);
  const auto buffer = Buffer::create(*bench.context, 8192);
  const Rect part{{1024, 1, 1}, {0, 0, 0}, 0, 0, {0, 0, 0}, 0, 0};
  const Bytes data(1024, 200);
  const int rounds = quirks_of(bench.device()).checker ? 10 : 2000;
  int lost = 0;
  for (int i = 0; i < rounds; ++i) {
    if (i % 2)
      buffer->write(*bench.queue, 0, data.size(), data.data());
    else
      buffer->write_rect(*bench.queue, part, data.data(), true, {}, nullptr);
    const Argument arguments[] = {argument(*buffer), argument(static_cast<std::uint8_t>(i % 200))};
    kernel->launch(*other, global_size(1), arguments, 2);
    other->finish();
    std::uint8_t got = 0;
    buffer->read(*bench.queue, 2, 1, &got);
    lost += got != i % 200;
  }
  CHECK(lost == 0);
}

TEST_SUITE_END();
