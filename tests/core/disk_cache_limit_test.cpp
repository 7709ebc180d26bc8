#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "disk_cache_support.hpp"
#include "support/skip.hpp"

using namespace disk_cache_test;

TEST_SUITE_BEGIN("disk_cache");

TEST_CASE("disk cache: eviction by last use") {
  const TemporaryDirectory base;
  const std::uint64_t limit = 16000;
  const std::size_t payload = 1000 - cache_entry_header("0", nullptr, 0).size();  // files of 1000 bytes
  DiskCache cache(base / "cache", limit);
  const auto file = [&](char key) { return cache.directory() + "/" + key + ".bin"; };
  const std::string keys = "0123456789abcdef";
  for (std::size_t i = 0; i < keys.size(); ++i) {
    REQUIRE(put(cache, std::string(1, keys[i]), pattern(i, payload)));
    set_age(file(keys[i]), static_cast<std::time_t>(7200 * (20 - i)));
  }
  CHECK(cache.stats().bytes == limit);
  CHECK(cache.stats().evictions == 0);

  // A hit makes the oldest one young; a second one within the hour writes nothing.
  CHECK(age(file('0')) > 7200);
  CHECK(cache.get("0"));
  CHECK(age(file('0')) < 60);
  set_age(file('0'), 1800);
  CHECK(cache.get("0"));
  CHECK(age(file('0')) >= 1800);

  // A time in the future is no way to stay for ever.
  set_age(file('9'), -1000000);

  // 17,000 bytes, down to 14,000: the one from the future and the two least recently used.
  const std::size_t longer = payload - 1;  // the longer key makes up for it
  REQUIRE(put(cache, "ff", pattern(100, longer)));
  CHECK(cache.stats().evictions == 3);
  CHECK(cache.stats().bytes == limit / 8 * 7);
  for (const char key : keys) {
    CAPTURE(key);
    CHECK(fs::exists(file(key)) == !(key == '9' || key == '1' || key == '2'));
  }
  CHECK(*cache.get("ff") == pattern(100, longer));
  CHECK(*cache.get("0") == pattern(0, payload));
  CHECK(cache.get("3"));
  CHECK_FALSE(cache.get("1"));

  // The future entry too becomes one of today by a hit.
  set_age(file('3'), -1000000);
  CHECK(cache.get("3"));
  CHECK(age(file('3')) >= -60);
}

TEST_CASE("disk cache: the size limit") {
  const TemporaryDirectory base;
  const std::uint64_t limit = 100000;
  DiskCache cache(base / "cache", limit);
  std::mt19937_64 random(3);
  std::uint64_t stores = 0;
  for (std::uint64_t i = 0; i < 400; ++i) {
    const std::size_t size = random() % 24000;
    REQUIRE(put(cache, key_of(i), pattern(i, size)));
    ++stores;
    REQUIRE(cache.stats().bytes <= limit);
    REQUIRE(*cache.get(key_of(i)) == pattern(i, size));  // the newest one is never the victim
  }
  CHECK(cache.stats().entries + cache.stats().evictions == stores);

  // Many small ones.
  for (std::uint64_t i = 0; i < 1500; ++i) REQUIRE(put(cache, key_of(1000 + i), pattern(i, 20)));
  CHECK(cache.stats().bytes <= limit);
  CHECK(cache.stats().entries > 300);

  const std::size_t header = cache_entry_header(key_of(1), nullptr, 0).size();
  const std::size_t most = limit / 4 - header;
  CHECK(put(cache, key_of(1), pattern(1, most)));
  CHECK_FALSE(put(cache, key_of(2), pattern(1, most + 1)));
  CHECK(cache.stats().last_store_errno == EFBIG);
  const unsigned char byte = 0;
  CHECK_FALSE(cache.put(key_of(2), &byte, SIZE_MAX));
  CHECK_FALSE(cache.put(key_of(2), &byte, SIZE_MAX - header + 1));

  // Another object with a smaller limit brings the directory under its own.
  DiskCache small(cache.directory(), 20000);
  CHECK(put(small, key_of(3), pattern(3, 100)));
  CHECK(small.stats().bytes <= 20000);
  CHECK(cache.get(key_of(3)));
}

TEST_CASE("disk cache: old temporary files are swept") {
  const TemporaryDirectory base;
  fs::create_directory(base / "cache");
  REQUIRE(::chmod((base / "cache").c_str(), 0700) == 0);
  const std::string old = base / "cache/.tmp-1-2-3", fresh = base / "cache/.tmp-1-2-4";
  const std::string future = base / "cache/.tmp-1-2-5", foreign = base / "cache/.other";
  for (const std::string &path : {old, fresh, future, foreign}) REQUIRE(write_file(path, {1, 2, 3}));
  set_age(old, 3700);
  set_age(fresh, 3000);
  set_age(future, -3700);
  set_age(foreign, 100000);
  DiskCache cache(base / "cache");
  CHECK(cache.stats().entries == 0);
  CHECK(put(cache, "ab", pattern(1, 1)));
  CHECK_FALSE(fs::exists(old));
  CHECK_FALSE(fs::exists(future));
  CHECK(fs::exists(fresh));
  CHECK(fs::exists(foreign));

  set_age(fresh, 3700);
  for (std::uint64_t i = 0; i < 64; ++i) REQUIRE(put(cache, key_of(i), pattern(i, 10)));
  CHECK_FALSE(fs::exists(fresh));  // a process that lives long sweeps from time to time

  REQUIRE(write_file(fresh, {1}));
  CHECK(cache.clear() == 65);
  CHECK(files_in(base / "cache") == 1);
}

TEST_CASE("disk cache: no space, no descriptors, no size left") {
  const TemporaryDirectory base;
  DiskCache cache(base / "cache");
  REQUIRE(put(cache, "ab", pattern(1, 10000)));

  SUBCASE("a file size limit does not kill") {
    CHECK(in_child([&] {
            struct rlimit limit = {5000, 5000};
            if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
            return !put(cache, "cd", pattern(2, 10000)) && cache.stats().last_store_errno == EFBIG &&
                   put(cache, "ef", pattern(3, 1000)) && cache.get("ab") == pattern(1, 10000);
          }) == 0);
  }
  SUBCASE("no descriptors left") {
    CHECK(in_child([&] {
            std::vector<int> held;
            for (int more; (more = ::open("/dev/null", O_RDONLY)) >= 0;) held.push_back(more);
            // With 0, 1 and 2 free, each step of both operations fails once.
            for (int free = 0; free < 3; ++free) {
              const bool got = cache.get("ab").has_value();
              const bool stored = put(cache, "cd", pattern(2, 10));
              const DiskCache::Stats stats = cache.stats();
              if (got != (free == 2) || stored != (free == 2) || stats.rejected != 0) return false;
              ::close(held[static_cast<std::size_t>(free)]);
            }
            return cache.get("ab") == pattern(1, 10000) && cache.get("cd") == pattern(2, 10);
          }) == 0);
  }
  SUBCASE("a full disk") {
    // In a mount namespace of the child's own, so that nothing stays mounted whatever happens.
    const std::string mounted = base / "tiny";
    fs::create_directory(mounted);
    const auto mount_tiny = [&] {
      return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
             ::mount("none", mounted.c_str(), "tmpfs", 0, "size=64k,mode=700") == 0;
    };
    if (in_child(mount_tiny) != 0) SKIP_TEST("needs the right to mount");
    CHECK(in_child([&] {
            if (!mount_tiny()) return false;
            DiskCache tiny(mounted);
            std::uint64_t stored = 0, failed = 0;
            for (std::uint64_t i = 0; i < 20; ++i) ++(put(tiny, key_of(i), pattern(i, 9000)) ? stored : failed);
            if (stored == 0 || failed == 0 || tiny.stats().last_store_errno != ENOSPC) return false;
            for (std::uint64_t i = 0; i < stored; ++i) {
              if (tiny.get(key_of(i)) != pattern(i, 9000)) return false;
            }
            return files_in(mounted) == stored;
          }) == 0);
  }
  CHECK(*cache.get("ab") == pattern(1, 10000));
}

TEST_SUITE_END();
