#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "disk_cache_support.hpp"

using namespace disk_cache_test;

TEST_SUITE_BEGIN("disk_cache");

TEST_CASE("disk cache: threads and processes on the same keys never see wrong data") {
  const TemporaryDirectory base;
  const std::string directory = base / "cache";
  const std::uint64_t limit = 60000;  // with evictions all the time
  const auto milliseconds = std::chrono::milliseconds(full_run() ? 20000 : 1500);
  const auto storm = [milliseconds](DiskCache &cache, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto end = std::chrono::steady_clock::now() + milliseconds;
    bool right = true;
    while (std::chrono::steady_clock::now() < end) {
      const std::uint64_t number = random() % 12;
      const std::string key = key_of(number);
      const Bytes expected = pattern(number, 500 * number * number / 6);
      switch (random() % 16) {
        case 0:
        case 1:
        case 2:
        case 3:
          put(cache, key, expected);
          break;
        case 4:  // damage, in place, while others read
          if (random() % 4 == 0) {
            if (::truncate((cache.directory() + "/" + key + ".bin").c_str(), 100) != 0) break;
          }
          break;
        case 5:
          if (random() % 64 == 0) cache.clear();
          break;
        default:
          if (const auto found = cache.get(key)) right = right && *found == expected;
      }
    }
    return right && cache.stats().hits > 0;
  };

  std::vector<pid_t> children;
  for (std::uint64_t i = 0; i < 8; ++i) {
    children.push_back(start_child([&, i] {
      DiskCache cache(directory, limit);
      return cache.usable() && storm(cache, 100 + i);
    }));
  }
  DiskCache cache(directory, limit);
  REQUIRE(cache.usable());
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      if (!storm(cache, i)) ++wrong;
    });
  }
  for (std::thread &thread : threads) thread.join();
  CHECK(wrong == 0);
  for (const pid_t child : children) CHECK(finish_child(child) == 0);

  // Nothing stays behind but entries.
  CHECK(files_in(directory) == cache.stats().entries);
  for (std::uint64_t i = 0; i < 12; ++i) CHECK(put(cache, key_of(i), pattern(i, 500 * i * i / 6)));
  CHECK(cache.stats().bytes <= limit);
}

TEST_CASE("disk cache: writers killed at any moment leave no wrong entry") {
  const TemporaryDirectory base;
  DiskCache cache(base / "cache");
  std::mt19937_64 random(5);
  std::size_t found = 0;
  for (int round = 0; round < (full_run() ? 500 : 40); ++round) {
    const pid_t child = start_child([&] {
      for (std::uint64_t i = 0;; ++i) put(cache, key_of(i % 4), pattern(i % 4, 100000));
      return true;
    });
    // Longer and longer, so that also a slow or busy machine gets to see an entry.
    std::this_thread::sleep_for(
        std::chrono::microseconds(500 + random() % (20000 + 2000 * static_cast<unsigned>(round))));
    REQUIRE(::kill(child, SIGKILL) == 0);
    CHECK(finish_child(child) == 1000 + SIGKILL);
    for (std::uint64_t i = 0; i < 4; ++i) {
      const auto data = cache.get(key_of(i));
      if (!data) continue;
      ++found;
      CHECK(*data == pattern(i, 100000));
    }
  }
  CHECK(found > 0);
  CHECK(cache.stats().rejected == 0);
}

// Not with a sanitizer: its allocator may be locked by another thread at the fork, and stays so in the child.
TEST_CASE("disk cache: a fork in the middle of the work leaves the child a working cache" *
          doctest::skip(sanitizer_allocator)) {
  const TemporaryDirectory base;
  DiskCache cache(base / "cache");
  REQUIRE(put(cache, key_of(0), pattern(0, 1000)));
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        put(cache, key_of(0), pattern(0, 1000));
        cache.get(key_of(0));
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    CHECK(in_child([&] {
            ::alarm(300);
            return put(cache, key_of(1), pattern(1, 1000)) && cache.get(key_of(1)) == pattern(1, 1000);
          }) == 0);
  }
  stop = true;
  for (std::thread &thread : threads) thread.join();
}

TEST_SUITE_END();
