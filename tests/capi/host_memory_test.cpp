#include "support.hpp"

#include <algorithm>

using namespace capi_test;

TEST_SUITE("host_memory") {
  TEST_CASE("creation and use") {
    const size_t size = 100000;
    HostMemory memory;
    OK(gpuc_host_memory_create(runtime().context, size, memory.out()));
    void *pointer = nullptr;
    size_t its_size = 0;
    OK(gpuc_host_memory_get(memory, &pointer, &its_size));
    CHECK(its_size == size);
    CHECK(reinterpret_cast<uintptr_t>(pointer) % 4096 == 0);
    auto *bytes = static_cast<unsigned char *>(pointer);
    CHECK(std::all_of(bytes, bytes + size, [](unsigned char byte) { return byte == 0; }));
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(i * 3);
    const Buffer buffer = buffer_of(runtime().context, size);
    OK(gpuc_buffer_write(buffer, runtime().queue, 0, size, bytes));
    CHECK(read_back(buffer, size) == std::vector<unsigned char>(bytes, bytes + size));
    std::memset(bytes, 0, size);
    Event event;
    OK(gpuc_buffer_read_async(buffer, runtime().queue, 0, size, bytes, nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    CHECK(bytes[70] == 210);
    OK(gpuc_host_memory_get(memory, &pointer, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_host_memory_get(memory, nullptr, &its_size));
  }

  TEST_CASE("bad sizes") {
    HostMemory memory;
    OK(gpuc_host_memory_create(runtime().context, 1, memory.out()));
    gpuc_host_memory *none = memory;
    // documented: gpuc_host_memory_create GPUC_ERROR_INVALID_ARGUMENT
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_host_memory_create(runtime().context, 0, &none));
    CHECK(none == nullptr);
    // documented: gpuc_host_memory_create GPUC_ERROR_ALLOCATION_TOO_LARGE
    for (const size_t size : {SIZE_MAX, size_t(device_number(GPUC_DEVICE_MAX_ALLOCATION_BYTES)) + 1})
      FAILS(GPUC_ERROR_ALLOCATION_TOO_LARGE, gpuc_host_memory_create(runtime().context, size, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_host_memory_create(runtime().context, 1, nullptr));
  }

  TEST_CASE("references") {
    HostMemory memory;
    {
      const Context context = another_context();
      OK(gpuc_host_memory_create(context, 4096, memory.out()));
    }
    OK(gpuc_host_memory_retain(memory));
    gpuc_host_memory_release(memory);
    void *pointer = nullptr;
    OK(gpuc_host_memory_get(memory, &pointer, nullptr));
    std::memset(pointer, 1, 4096);
    gpuc_host_memory_release(nullptr);
  }
}
