// The on-disk cache, as far as the ABI shows it.
#include "support.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace capi_test;

namespace {

uint64_t number(gpuc_cache_number key) {
  uint64_t value = 0;
  OK(gpuc_cache_get_number(key, &value));
  return value;
}

}  // namespace

TEST_SUITE("cache") {
  TEST_CASE("figures") {
    for (gpuc_cache_number key = GPUC_CACHE_HITS; key <= GPUC_CACHE_BYTES; ++key) number(key);
    uint64_t value = 7;
    // documented: gpuc_cache_get_number GPUC_ERROR_INVALID_ARGUMENT
    for (const gpuc_cache_number key : {0, 8, -1})
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_cache_get_number(key, &value));
    CHECK(value == 7);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_cache_get_number(GPUC_CACHE_HITS, nullptr));
  }

  TEST_CASE("directory") {
    // documented: gpuc_cache_get_directory GPUC_ERROR_BUFFER_TOO_SMALL
    check_string_result(
        [](char *buf, size_t capacity, size_t *needed) { return gpuc_cache_get_directory(buf, capacity, needed); });
  }

  TEST_CASE("a second build comes from the cache") {
    const std::string directory = text_of(
        [](char *buf, size_t capacity, size_t *needed) { return gpuc_cache_get_directory(buf, capacity, needed); });
    if (directory.empty()) return;
    runtime();
    // A source that no other process has.
    const std::string source =
        "// " + std::to_string(getpid()) + " " + std::to_string(number(GPUC_CACHE_STORES)) +
        "\nkernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n";
    const uint64_t stores = number(GPUC_CACHE_STORES), hits = number(GPUC_CACHE_HITS),
                   misses = number(GPUC_CACHE_MISSES);
    int32_t from_cache = 7;
    Program first, second;
    OK(gpuc_program_create_from_source(runtime().context, source.data(), source.size(), nullptr, first.out()));
    OK(gpuc_program_get_from_cache(first, &from_cache));
    CHECK(from_cache == 0);
    CHECK(number(GPUC_CACHE_STORES) == stores + 1);
    CHECK(number(GPUC_CACHE_MISSES) == misses + 1);
    OK(gpuc_program_create_from_source(runtime().context, source.data(), source.size(), nullptr, second.out()));
    OK(gpuc_program_get_from_cache(second, &from_cache));
    CHECK(from_cache == 1);
    CHECK(number(GPUC_CACHE_HITS) == hits + 1);
    CHECK(number(GPUC_CACHE_ENTRIES) >= 1);
    CHECK(number(GPUC_CACHE_BYTES) >= 1);
  }

  TEST_CASE("verifying") {
    const std::string directory = text_of(
        [](char *buf, size_t capacity, size_t *needed) { return gpuc_cache_get_directory(buf, capacity, needed); });
    if (directory.empty()) return;
    Program program;
    const std::string source = "// " + std::to_string(getpid()) + "\nkernel void verified(global int *x) {}\n";
    OK(gpuc_program_create_from_source(runtime().context, source.data(), source.size(), nullptr, program.out()));
    uint64_t checked = 99, removed = 99;
    OK(gpuc_cache_verify(&checked, &removed));
    CHECK(checked == number(GPUC_CACHE_ENTRIES));
    CHECK(checked >= 1);
    CHECK(removed == 0);
    // A last byte that is another.
    for (const auto &entry : std::filesystem::directory_iterator(directory)) {
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(-1, std::ios::end);
      const char last = static_cast<char>(file.get());
      file.seekp(-1, std::ios::end);
      file.put(static_cast<char>(last ^ 1));
      break;
    }
    OK(gpuc_cache_verify(&checked, &removed));
    CHECK(removed == 1);
    CHECK(number(GPUC_CACHE_ENTRIES) == checked - 1);
    OK(gpuc_cache_verify(nullptr, nullptr));
  }

  TEST_CASE("clearing") {
    uint64_t removed = 99;
    OK(gpuc_cache_clear(&removed));
    CHECK(removed != 99);
    OK(gpuc_cache_clear(nullptr));
    CHECK(number(GPUC_CACHE_ENTRIES) == 0);
  }
}
