#include "support.hpp"

#include <CL/cl.h>

#include <numeric>

using namespace capi_test;

namespace {

std::vector<unsigned char> counting(size_t size) {
  std::vector<unsigned char> bytes(size);
  std::iota(bytes.begin(), bytes.end(), static_cast<unsigned char>(1));
  return bytes;
}

gpuc_context *context() { return runtime().context; }
gpuc_queue *queue() { return runtime().queue; }

}  // namespace

TEST_SUITE("buffer") {
  TEST_CASE("creation") {
    for (const size_t size : {size_t(0), size_t(1), size_t(511), size_t(512), size_t(513), size_t(1) << 20}) {
      for (const uint32_t flags : {0u, uint32_t(GPUC_BUFFER_UNPOOLED)}) {
        const Buffer buffer = buffer_of(context(), size, flags);
        size_t value = 99;
        OK(gpuc_buffer_get_size(buffer, &value));
        CHECK(value == size);
        value = 99;
        OK(gpuc_buffer_get_offset(buffer, &value));
        CHECK(value == 0);
        Context owner;
        OK(gpuc_buffer_get_context(buffer, owner.out()));
        CHECK(owner.get() == context());
        const auto data = counting(size);
        OK(gpuc_buffer_write(buffer, queue(), 0, size, data.data()));
        CHECK(read_back(buffer, size) == data);
      }
    }
    const Buffer buffer = buffer_of(context(), 4);
    gpuc_buffer *none = buffer;
    // documented: gpuc_buffer_create GPUC_ERROR_INVALID_ARGUMENT
    for (const uint32_t flags : {2u, 0x80000000u, 0xffffffffu}) {
      none = buffer;
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_buffer_create(context(), 4, flags, &none));
      CHECK(none == nullptr);
    }
    const size_t most = device_number(GPUC_DEVICE_MAX_ALLOCATION_BYTES);
    // documented: gpuc_buffer_create GPUC_ERROR_ALLOCATION_TOO_LARGE
    for (const size_t size : {most + 1, SIZE_MAX, SIZE_MAX / 2}) {
      none = buffer;
      FAILS(GPUC_ERROR_ALLOCATION_TOO_LARGE, gpuc_buffer_create(context(), size, 0, &none));
      SAYS("size_bytes");
      CHECK(none == nullptr);
    }
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_create(context(), 4, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_get_size(buffer, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_get_offset(buffer, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_get_context(buffer, nullptr));
  }

  TEST_CASE("over host memory") {
    alignas(4096) static unsigned char host[8192];
    Buffer buffer;
    gpuc_buffer *none = nullptr;
    if (!device_number(GPUC_DEVICE_UNIFIED_MEMORY)) {
      // documented: gpuc_buffer_create_over_host GPUC_ERROR_UNSUPPORTED
      FAILS(GPUC_ERROR_UNSUPPORTED, gpuc_buffer_create_over_host(context(), host, sizeof host, &none));
      CHECK(none == nullptr);
    } else {
      std::memset(host, 7, sizeof host);
      OK(gpuc_buffer_create_over_host(context(), host, sizeof host, buffer.out()));
      CHECK(read_back(buffer, 4) == std::vector<unsigned char>(4, 7));
      const unsigned char nine = 9;
      OK(gpuc_buffer_fill_async(buffer, queue(), &nine, 1, 16, 16, nullptr, 0, nullptr));
      void *pointer = nullptr;
      OK(gpuc_buffer_map(buffer, queue(), GPUC_MAP_READ, 0, sizeof host, &pointer));
      CHECK(pointer == host);
      CHECK(host[15] == 7);
      CHECK(host[16] == 9);
      OK(gpuc_buffer_unmap_async(buffer, queue(), pointer, nullptr, 0, nullptr));
      OK(gpuc_queue_finish(queue()));
      // documented: gpuc_buffer_create_over_host GPUC_ERROR_ALLOCATION_TOO_LARGE
      FAILS(GPUC_ERROR_ALLOCATION_TOO_LARGE, gpuc_buffer_create_over_host(context(), host, SIZE_MAX, &none));
    }
    // documented: gpuc_buffer_create_over_host GPUC_ERROR_INVALID_ARGUMENT
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_buffer_create_over_host(context(), host, 0, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_create_over_host(context(), nullptr, 64, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_create_over_host(context(), host, 64, nullptr));
  }

  TEST_CASE("slices") {
    const Buffer whole = buffer_of(context(), 1000);
    const auto data = counting(1000);
    OK(gpuc_buffer_write(whole, queue(), 0, 1000, data.data()));
    Buffer slice, inner, empty;
    OK(gpuc_buffer_slice(whole, 100, 500, slice.out()));
    OK(gpuc_buffer_slice(slice, 50, 50, inner.out()));
    OK(gpuc_buffer_slice(whole, 1000, 0, empty.out()));
    size_t value = 0;
    OK(gpuc_buffer_get_offset(inner, &value));
    CHECK(value == 150);
    OK(gpuc_buffer_get_size(inner, &value));
    CHECK(value == 50);
    CHECK(read_back(inner, 50) == std::vector<unsigned char>(data.begin() + 150, data.begin() + 200));
    const unsigned char zeros[50] = {};
    OK(gpuc_buffer_write(inner, queue(), 0, 50, zeros));
    CHECK(read_back(whole, 1000)[150] == 0);
    OK(gpuc_buffer_write(empty, queue(), 0, 0, nullptr));

    gpuc_buffer *none = slice;
    // documented: gpuc_buffer_slice GPUC_ERROR_OUT_OF_RANGE
    const std::pair<size_t, size_t> bad[] = {{0, 1001},     {1001, 0},     {1000, 1},           {999, 2},
                                             {SIZE_MAX, 1}, {1, SIZE_MAX}, {SIZE_MAX, SIZE_MAX}};
    for (const auto &[offset, size] : bad) {
      none = slice;
      FAILS(GPUC_ERROR_OUT_OF_RANGE, gpuc_buffer_slice(whole, offset, size, &none));
      CHECK(none == nullptr);
    }
    FAILS(GPUC_ERROR_OUT_OF_RANGE,
          gpuc_buffer_slice(slice, 450, 51, &none));  // within the buffer, not within the slice
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_slice(whole, 0, 1, nullptr));

    // A slice keeps the memory alive.
    Buffer parent = buffer_of(context(), 64);
    OK(gpuc_buffer_write(parent, queue(), 0, 64, data.data()));
    OK(gpuc_buffer_slice(parent, 10, 10, slice.out()));
    parent.reset();
    CHECK(read_back(slice, 10) == std::vector<unsigned char>(data.begin() + 10, data.begin() + 20));
  }

  TEST_CASE("write and read") {
    const Buffer buffer = buffer_of(context(), 256);
    const auto data = counting(256);
    OK(gpuc_buffer_write(buffer, queue(), 0, 256, data.data()));
    std::vector<unsigned char> back(100, 0);
    OK(gpuc_buffer_read(buffer, queue(), 56, 100, back.data()));
    CHECK(back == std::vector<unsigned char>(data.begin() + 56, data.begin() + 156));
    OK(gpuc_buffer_read(buffer, queue(), 256, 0, nullptr));
    OK(gpuc_buffer_write(buffer, queue(), 0, 0, nullptr));

    Event wrote, read;
    OK(gpuc_buffer_write_async(buffer, queue(), 10, 20, data.data() + 100, nullptr, 0, wrote.out()));
    gpuc_event *waits[] = {wrote};
    OK(gpuc_buffer_read_async(buffer, queue(), 0, 40, back.data(), waits, 1, read.out()));
    OK(gpuc_event_wait(read));
    CHECK(back[9] == data[9]);
    CHECK(back[10] == data[100]);
    CHECK(back[29] == data[119]);
    CHECK(back[30] == data[30]);
    // Of nothing, with an event all the same.
    Event of_nothing;
    OK(gpuc_buffer_write_async(buffer, queue(), 0, 0, nullptr, waits, 1, of_nothing.out()));
    OK(gpuc_event_wait(of_nothing));
    OK(gpuc_buffer_read_async(buffer, queue(), 0, 0, nullptr, nullptr, 0, of_nothing.out()));
    OK(gpuc_event_wait(of_nothing));

    const std::pair<size_t, size_t> bad[] = {{0, 257},      {257, 0},      {256, 1},
                                             {SIZE_MAX, 1}, {1, SIZE_MAX}, {SIZE_MAX - 1, 4}};
    for (const auto &[offset, size] : bad) {
      gpuc_event *none = wrote;
      // documented: gpuc_buffer_write GPUC_ERROR_OUT_OF_RANGE
      FAILS(GPUC_ERROR_OUT_OF_RANGE, gpuc_buffer_write(buffer, queue(), offset, size, data.data()));
      // documented: gpuc_buffer_read GPUC_ERROR_OUT_OF_RANGE
      FAILS(GPUC_ERROR_OUT_OF_RANGE, gpuc_buffer_read(buffer, queue(), offset, size, back.data()));
      // documented: gpuc_buffer_write_async GPUC_ERROR_OUT_OF_RANGE
      FAILS(GPUC_ERROR_OUT_OF_RANGE,
            gpuc_buffer_write_async(buffer, queue(), offset, size, data.data(), nullptr, 0, &none));
      CHECK(none == nullptr);
      none = wrote;
      // documented: gpuc_buffer_read_async GPUC_ERROR_OUT_OF_RANGE
      FAILS(GPUC_ERROR_OUT_OF_RANGE,
            gpuc_buffer_read_async(buffer, queue(), offset, size, back.data(), nullptr, 0, &none));
      CHECK(none == nullptr);
    }
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_write(buffer, queue(), 0, 1, nullptr));
    SAYS("host");
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_read(buffer, queue(), 0, 1, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_write_async(buffer, queue(), 0, 1, nullptr, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_read_async(buffer, queue(), 0, 1, nullptr, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_read_async(buffer, queue(), 0, 1, back.data(), nullptr, 1, nullptr));
  }

  TEST_CASE("copy") {
    const Buffer source = buffer_of(context(), 256), target = buffer_of(context(), 256);
    const auto data = counting(256);
    OK(gpuc_buffer_write(source, queue(), 0, 256, data.data()));
    const unsigned char zero = 0;
    OK(gpuc_buffer_fill_async(target, queue(), &zero, 1, 0, 256, nullptr, 0, nullptr));
    Event event;
    OK(gpuc_buffer_copy_async(source, target, queue(), 10, 200, 20, nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    const auto back = read_back(target, 256);
    CHECK(back[199] == 0);
    CHECK(back[200] == data[10]);
    CHECK(back[219] == data[29]);
    CHECK(back[220] == 0);
    // Within one buffer, side by side.
    Buffer left, right;
    OK(gpuc_buffer_slice(source, 0, 128, left.out()));
    OK(gpuc_buffer_slice(source, 128, 128, right.out()));
    OK(gpuc_buffer_copy_async(left, right, queue(), 0, 0, 128, nullptr, 0, nullptr));
    CHECK(read_back(right, 128) == std::vector<unsigned char>(data.begin(), data.begin() + 128));
    OK(gpuc_buffer_copy_async(source, source, queue(), 0, 0, 0, nullptr, 0, nullptr));

    gpuc_event *none = event;
    // documented: gpuc_buffer_copy_async GPUC_ERROR_OVERLAP
    FAILS(GPUC_ERROR_OVERLAP, gpuc_buffer_copy_async(source, source, queue(), 0, 10, 11, nullptr, 0, &none));
    CHECK(none == nullptr);
    FAILS(GPUC_ERROR_OVERLAP, gpuc_buffer_copy_async(source, right, queue(), 120, 0, 9, nullptr, 0, nullptr));
    // documented: gpuc_buffer_copy_async GPUC_ERROR_OUT_OF_RANGE
    FAILS(GPUC_ERROR_OUT_OF_RANGE, gpuc_buffer_copy_async(source, target, queue(), 250, 0, 7, nullptr, 0, nullptr));
    SAYS("source");
    FAILS(GPUC_ERROR_OUT_OF_RANGE,
          gpuc_buffer_copy_async(source, target, queue(), 0, SIZE_MAX, 2, nullptr, 0, nullptr));
    SAYS("destination");
  }

  TEST_CASE("fill") {
    const Buffer buffer = buffer_of(context(), 1024);
    const auto pattern = counting(128);
    for (const size_t size : {1, 2, 4, 8, 16, 32, 64, 128}) {
      OK(gpuc_buffer_fill_async(buffer, queue(), pattern.data(), size, 128, 512, nullptr, 0, nullptr));
      const auto back = read_back(buffer, 1024);
      bool right = true;
      for (size_t i = 0; i < 512; ++i) right = right && back[128 + i] == pattern[i % size];
      CHECK(right);
    }
    Event event;
    OK(gpuc_buffer_fill_async(buffer, queue(), pattern.data(), 4, 0, 0, nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    // documented: gpuc_buffer_fill_async GPUC_ERROR_INVALID_ARGUMENT
    for (const size_t size : {size_t(0), size_t(3), size_t(12), size_t(256), SIZE_MAX}) {
      FAILS(GPUC_ERROR_INVALID_ARGUMENT,
            gpuc_buffer_fill_async(buffer, queue(), pattern.data(), size, 0, 0, nullptr, 0, nullptr));
      SAYS("pattern_size_bytes");
    }
    // documented: gpuc_buffer_fill_async GPUC_ERROR_MISALIGNED
    FAILS(GPUC_ERROR_MISALIGNED, gpuc_buffer_fill_async(buffer, queue(), pattern.data(), 4, 2, 8, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_MISALIGNED, gpuc_buffer_fill_async(buffer, queue(), pattern.data(), 4, 0, 6, nullptr, 0, nullptr));
    Buffer odd;
    OK(gpuc_buffer_slice(buffer, 6, 100, odd.out()));
    FAILS(GPUC_ERROR_MISALIGNED, gpuc_buffer_fill_async(odd, queue(), pattern.data(), 4, 0, 8, nullptr, 0, nullptr));
    OK(gpuc_buffer_fill_async(odd, queue(), pattern.data(), 4, 2, 8, nullptr, 0, nullptr));
    // documented: gpuc_buffer_fill_async GPUC_ERROR_OUT_OF_RANGE
    FAILS(GPUC_ERROR_OUT_OF_RANGE,
          gpuc_buffer_fill_async(buffer, queue(), pattern.data(), 4, 1024, 4, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_OUT_OF_RANGE,
          gpuc_buffer_fill_async(buffer, queue(), pattern.data(), 4, SIZE_MAX - 3, 8, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_fill_async(buffer, queue(), nullptr, 4, 0, 8, nullptr, 0, nullptr));
    SAYS("pattern");
  }

  TEST_CASE("map") {
    const Buffer buffer = buffer_of(context(), 256);
    const auto data = counting(256);
    OK(gpuc_buffer_write(buffer, queue(), 0, 256, data.data()));
    void *pointer = nullptr;
    OK(gpuc_buffer_map(buffer, queue(), GPUC_MAP_READ | GPUC_MAP_WRITE, 16, 32, &pointer));
    REQUIRE(pointer != nullptr);
    CHECK(std::memcmp(pointer, data.data() + 16, 32) == 0);
    std::memset(pointer, 0x55, 32);
    Event event;
    OK(gpuc_buffer_unmap_async(buffer, queue(), pointer, nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    CHECK(read_back(buffer, 256)[16] == 0x55);
    CHECK(read_back(buffer, 256)[48] == data[48]);
    // documented: gpuc_buffer_unmap_async GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_buffer_unmap_async(buffer, queue(), pointer, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_buffer_unmap_async(buffer, queue(), &pointer, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_unmap_async(buffer, queue(), nullptr, nullptr, 0, nullptr));

    OK(gpuc_buffer_map_async(buffer, queue(), GPUC_MAP_WRITE | GPUC_MAP_DISCARD, 0, 256, nullptr, 0, &pointer,
                             event.out()));
    OK(gpuc_event_wait(event));
    std::memset(pointer, 0x66, 256);
    OK(gpuc_buffer_unmap_async(buffer, queue(), pointer, nullptr, 0, nullptr));
    CHECK(read_back(buffer, 256) == std::vector<unsigned char>(256, 0x66));

    for (const uint32_t flags : {0u, 4u, 5u, 7u, 8u, 9u, 0xffffffffu}) {
      gpuc_event *none = event;
      pointer = &none;
      // documented: gpuc_buffer_map GPUC_ERROR_INVALID_ARGUMENT
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_buffer_map(buffer, queue(), flags, 0, 16, &pointer));
      CHECK(pointer == nullptr);
      // documented: gpuc_buffer_map_async GPUC_ERROR_INVALID_ARGUMENT
      FAILS(GPUC_ERROR_INVALID_ARGUMENT,
            gpuc_buffer_map_async(buffer, queue(), flags, 0, 16, nullptr, 0, &pointer, &none));
      CHECK(none == nullptr);
    }
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_buffer_map(buffer, queue(), GPUC_MAP_READ, 0, 0, &pointer));
    SAYS("size_bytes");
    // documented: gpuc_buffer_map GPUC_ERROR_OUT_OF_RANGE
    FAILS(GPUC_ERROR_OUT_OF_RANGE, gpuc_buffer_map(buffer, queue(), GPUC_MAP_READ, 250, 7, &pointer));
    // documented: gpuc_buffer_map_async GPUC_ERROR_OUT_OF_RANGE
    FAILS(GPUC_ERROR_OUT_OF_RANGE,
          gpuc_buffer_map_async(buffer, queue(), GPUC_MAP_READ, SIZE_MAX, 2, nullptr, 0, &pointer, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_map(buffer, queue(), GPUC_MAP_READ, 0, 1, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT,
          gpuc_buffer_map_async(buffer, queue(), GPUC_MAP_READ, 0, 1, nullptr, 0, nullptr, nullptr));

    // Released while mapped: its memory is not given to another buffer. PoCL keeps such memory for ever.
    if (!is_fake()) return;
    Buffer mapped = buffer_of(context(), 4096);
    OK(gpuc_buffer_map(mapped, queue(), GPUC_MAP_WRITE, 0, 4096, &pointer));
    const uint64_t cached = memory_number(context(), GPUC_MEMORY_CACHED_BUFFERS);
    mapped.reset();
    CHECK(memory_number(context(), GPUC_MEMORY_CACHED_BUFFERS) == cached);
  }

  TEST_CASE("queue and buffer of different contexts") {
    const Context other = another_context();
    const Buffer mine = buffer_of(context(), 256), foreign = buffer_of(other, 256);
    const Queue foreign_queue = queue_of(other);
    unsigned char host[256] = {};
    void *pointer = nullptr;
    gpuc_event *none = nullptr;
    gpuc_rect box = rect_init();
    box.region[0] = 4;
    // documented: gpuc_buffer_write GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_write(foreign, queue(), 0, 4, host));
    // documented: gpuc_buffer_read GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_read(foreign, queue(), 0, 4, host));
    // documented: gpuc_buffer_write_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_write_async(foreign, queue(), 0, 4, host, nullptr, 0, &none));
    // documented: gpuc_buffer_read_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_read_async(foreign, queue(), 0, 4, host, nullptr, 0, &none));
    // documented: gpuc_buffer_copy_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_copy_async(mine, foreign, queue(), 0, 0, 4, nullptr, 0, &none));
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_copy_async(foreign, mine, queue(), 0, 0, 4, nullptr, 0, &none));
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_copy_async(mine, mine, foreign_queue, 0, 8, 4, nullptr, 0, &none));
    // documented: gpuc_buffer_fill_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_fill_async(foreign, queue(), host, 4, 0, 4, nullptr, 0, &none));
    // documented: gpuc_buffer_write_rect GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_write_rect(foreign, queue(), &box, host));
    // documented: gpuc_buffer_read_rect GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_read_rect(foreign, queue(), &box, host));
    // documented: gpuc_buffer_write_rect_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_write_rect_async(foreign, queue(), &box, host, nullptr, 0, &none));
    // documented: gpuc_buffer_read_rect_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_read_rect_async(foreign, queue(), &box, host, nullptr, 0, &none));
    // documented: gpuc_buffer_copy_rect_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_copy_rect_async(mine, foreign, queue(), &box, nullptr, 0, &none));
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_copy_rect_async(foreign, mine, queue(), &box, nullptr, 0, &none));
    // documented: gpuc_buffer_map GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_map(foreign, queue(), GPUC_MAP_READ, 0, 4, &pointer));
    // documented: gpuc_buffer_map_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH,
          gpuc_buffer_map_async(foreign, queue(), GPUC_MAP_READ, 0, 4, nullptr, 0, &pointer, &none));
    OK(gpuc_buffer_map(mine, queue(), GPUC_MAP_READ, 0, 4, &pointer));
    // documented: gpuc_buffer_unmap_async GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_unmap_async(mine, foreign_queue, pointer, nullptr, 0, &none));
    OK(gpuc_buffer_unmap_async(mine, queue(), pointer, nullptr, 0, nullptr));
    const Event event = user_event(other);
    OK(gpuc_event_complete(event, 0));
    gpuc_event *waits[] = {event};
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_write_async(mine, queue(), 0, 4, host, waits, 1, &none));
    OK(gpuc_queue_finish(queue()));
  }

  TEST_CASE("native handle") {
    void *native_context = nullptr, *native = nullptr;
    OK(gpuc_context_get_native(context(), &native_context));
    cl_int code = CL_SUCCESS;
    cl_mem raw = clCreateBuffer(static_cast<cl_context>(native_context), CL_MEM_READ_WRITE, 300, nullptr, &code);
    REQUIRE(code == CL_SUCCESS);
    Buffer wrapped, slice;
    OK(gpuc_buffer_from_native(context(), raw, wrapped.out()));
    const Context other = another_context();
    gpuc_buffer *none = wrapped;
    // documented: gpuc_buffer_from_native GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_buffer_from_native(other, raw, &none));
    CHECK(none == nullptr);
    clReleaseMemObject(raw);
    size_t size = 0, offset = 99;
    OK(gpuc_buffer_get_size(wrapped, &size));
    CHECK(size == 300);
    const auto data = counting(300);
    OK(gpuc_buffer_write(wrapped, queue(), 0, 300, data.data()));
    CHECK(read_back(wrapped, 300) == data);
    OK(gpuc_buffer_slice(wrapped, 100, 10, slice.out()));
    OK(gpuc_buffer_get_native(slice, &native, &offset));
    CHECK(native == raw);
    CHECK(offset == 100);
    OK(gpuc_buffer_get_native(slice, &native, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_get_native(slice, nullptr, &offset));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_from_native(context(), nullptr, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_from_native(context(), raw, nullptr));

    // Memory that others may use does not go to another buffer.
    Buffer seen = buffer_of(context(), 3000);
    OK(gpuc_buffer_get_native(seen, &native, nullptr));
    const uint64_t cached = memory_number(context(), GPUC_MEMORY_CACHED_BUFFERS);
    seen.reset();
    CHECK(memory_number(context(), GPUC_MEMORY_CACHED_BUFFERS) == cached);

    cl_image_format format{CL_RGBA, CL_UNSIGNED_INT8};
    cl_image_desc desc{};
    desc.image_type = CL_MEM_OBJECT_IMAGE2D;
    desc.image_width = desc.image_height = 16;
    cl_mem image =
        clCreateImage(static_cast<cl_context>(native_context), CL_MEM_READ_WRITE, &format, &desc, nullptr, &code);
    if (code == CL_SUCCESS) {
      // documented: gpuc_buffer_from_native GPUC_ERROR_INVALID_ARGUMENT
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_buffer_from_native(context(), image, &none));
      CHECK(none == nullptr);
      clReleaseMemObject(image);
    }
  }

  TEST_CASE("released while in use") {
    // Commands keep what they use.
    const Queue own = queue_of(context());
    std::vector<unsigned char> back(1 << 16, 0);
    const auto data = counting(1 << 16);
    Event event;
    {
      const Buffer source = buffer_of(context(), 1 << 16), target = buffer_of(context(), 1 << 16);
      OK(gpuc_buffer_write_async(source, own, 0, 1 << 16, data.data(), nullptr, 0, nullptr));
      OK(gpuc_buffer_copy_async(source, target, own, 0, 0, 1 << 16, nullptr, 0, nullptr));
      OK(gpuc_buffer_read_async(target, own, 0, 1 << 16, back.data(), nullptr, 0, event.out()));
    }
    OK(gpuc_event_wait(event));
    CHECK(back == data);
  }

  TEST_CASE("references") {
    Buffer buffer = buffer_of(context(), 16);
    OK(gpuc_buffer_retain(buffer));
    gpuc_buffer_release(buffer);
    read_back(buffer, 16);
    gpuc_buffer_release(nullptr);
  }
}
