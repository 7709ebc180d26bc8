#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "disk_cache_support.hpp"

using namespace disk_cache_test;

TEST_SUITE_BEGIN("disk_cache");

TEST_CASE("disk cache: round trips") {
  const TemporaryDirectory base;
  DiskCache cache(base / "a/b/cache");
  REQUIRE(cache.usable());
  CHECK(cache.reason().empty());
  CHECK(cache.directory() == base / "a/b/cache");
  CHECK(mode_of(base / "a") == 0700);
  CHECK(mode_of(base / "a/b/cache") == 0700);

  const std::size_t sizes[] = {0, 1, 2, 119, 120, 4095, 4096, 4097, 65536, 1000003};
  for (const std::size_t size : sizes) {
    CAPTURE(size);
    CHECK_FALSE(cache.get(key_of(size)));
    REQUIRE(put(cache, key_of(size), pattern(size, size)));
    const auto found = cache.get(key_of(size));
    REQUIRE(found);
    CHECK(*found == pattern(size, size));
    CHECK(mode_of(cache.directory() + "/" + key_of(size) + ".bin") == 0600);
  }
  CHECK(cache.put(key_of(77), nullptr, 0));
  CHECK(cache.get(key_of(77))->empty());

  REQUIRE(put(cache, key_of(1), pattern(99, 500)));
  CHECK(*cache.get(key_of(1)) == pattern(99, 500));  // the latest store counts

  DiskCache other(base / "a/b/cache");
  CHECK(*other.get(key_of(4097)) == pattern(4097, 4097));

  const DiskCache::Stats stats = cache.stats();
  CHECK(stats.hits == 12);
  CHECK(stats.misses == 10);
  CHECK(stats.stores == 12);
  CHECK(stats.rejected == 0);
  CHECK(stats.store_failures == 0);
  CHECK(stats.evictions == 0);
  CHECK(stats.entries == 11);
  CHECK(stats.bytes > 1000003);
  CHECK(files_in(cache.directory()) == 11);

  CHECK(cache.clear() == 11);
  CHECK(cache.stats().entries == 0);
  CHECK(cache.stats().bytes == 0);
  CHECK_FALSE(cache.get(key_of(4097)));
  CHECK(put(cache, key_of(1), pattern(1, 1)));
}

TEST_CASE("disk cache: keys are kept apart") {
  const TemporaryDirectory base;
  DiskCache cache(base / "cache");
  const std::vector<std::string> good = {
      "0", "00", "a", "ab", "abc", "abcd", std::string(128, 'f'), std::string(127, 'f')};
  for (std::size_t i = 0; i < good.size(); ++i) REQUIRE(put(cache, good[i], pattern(i, 50)));
  for (std::size_t i = 0; i < good.size(); ++i) CHECK(*cache.get(good[i]) == pattern(i, 50));

  const std::vector<std::string> bad = {"",           "A",
                                        "g",          "../a",
                                        "a/b",        ".",
                                        "..",         "a.bin",
                                        " a",         "-",
                                        "0x1",        "a\n",
                                        "~",          std::string("a\0", 2),
                                        ".tmp-1-1-1", std::string(129, 'f')};
  for (const std::string &key : bad) {
    CAPTURE(key);
    CHECK_FALSE(put(cache, key, pattern(1, 50)));
    CHECK_FALSE(cache.get(key));
    CHECK(cache.stats().last_store_errno == EINVAL);
  }
  CHECK(cache.stats().store_failures == bad.size());
  CHECK(files_in(cache.directory()) == good.size());
  CHECK_FALSE(cache.put("ab", nullptr, 5));
  CHECK(cache.stats().last_store_errno == EFAULT);
  CHECK(*cache.get("ab") == pattern(3, 50));  // a failed store changes nothing

  // An entry under another entry's name is not that entry.
  fs::rename(cache.directory() + "/abc.bin", cache.directory() + "/abcd.bin");
  CHECK_FALSE(cache.get("abcd"));
  CHECK(cache.stats().rejected == 1);
}

TEST_CASE("disk cache: the environment") {
  const TemporaryDirectory base;
  const std::string own = base / "own", xdg = base / "xdg", home = base / "home";
  fs::create_directory(home);
  std::map<std::string, const char *> values = {{"GPUC_CACHE", nullptr},
                                                {"GPUC_CACHE_LIMIT_MB", nullptr},
                                                {"GPUC_CACHE_DIR", own.c_str()},
                                                {"XDG_CACHE_HOME", xdg.c_str()},
                                                {"HOME", home.c_str()}};
  const auto open = [&] {
    const ScopedEnvironment scope(values);
    const auto cache = DiskCache::open_default();
    REQUIRE(cache);
    CHECK(cache->usable() == cache->reason().empty());
    return cache;
  };
  CHECK(open()->directory() == own);
  CHECK(open()->limit_bytes() == DiskCache::default_limit_bytes);
  CHECK(fs::is_directory(own));
  values["GPUC_CACHE_DIR"] = "";
  CHECK(open()->directory() == xdg + "/gpucompute");
  CHECK(open()->usable());
  values["XDG_CACHE_HOME"] = "relative";  // to be ignored, says the XDG specification
  CHECK(open()->directory() == home + "/.cache/gpucompute");
  values["XDG_CACHE_HOME"] = nullptr;
  CHECK(open()->directory() == home + "/.cache/gpucompute");
  CHECK(mode_of(home + "/.cache") == 0700);
  for (const char *bad : {static_cast<const char *>(nullptr), "", "relative"}) {
    values["HOME"] = bad;
    const auto cache = open();
    CHECK_FALSE(cache->usable());
    CHECK(cache->directory().empty());
    CHECK(contains(cache->reason(), "HOME"));
  }
  if (::geteuid() == 0) {
    REQUIRE(::chown(home.c_str(), 1, 1) == 0);
    values["HOME"] = home.c_str();
    CHECK_FALSE(open()->usable());
    CHECK(contains(open()->reason(), "belongs to user 1"));
  }

  values["GPUC_CACHE_DIR"] = own.c_str();
  for (const char *off : {"0", "off", "OFF"}) {
    values["GPUC_CACHE"] = off;
    const auto cache = open();
    CHECK_FALSE(cache->usable());
    CHECK(cache->reason() == std::string("disabled by GPUC_CACHE=") + off);
    CHECK_FALSE(put(*cache, "ab", pattern(1, 1)));
    CHECK(files_in(own) == 0);
  }
  for (const char *on : {"1", "", "on"}) {
    values["GPUC_CACHE"] = on;
    CHECK(open()->usable());
  }
  values["GPUC_CACHE_LIMIT_MB"] = "3";
  CHECK(open()->limit_bytes() == std::uint64_t{3} << 20);
  values["GPUC_CACHE_LIMIT_MB"] = "17592186044415";
  CHECK(open()->usable());
  for (const char *bad : {"0", "x", "3x", " 3", "-1", "1e3", "17592186044416", "99999999999999999999999"}) {
    CAPTURE(bad);
    values["GPUC_CACHE_LIMIT_MB"] = bad;
    CHECK_FALSE(open()->usable());
    CHECK(contains(open()->reason(), "limit") != contains(open()->reason(), "GPUC_CACHE_LIMIT_MB"));
  }
  values["GPUC_CACHE_LIMIT_MB"] = nullptr;

  // A relative directory means where the program was then.
  CHECK(in_child([&] {
          if (::chdir(base.path().c_str()) != 0) return false;
          DiskCache cache("here/cache");
          return cache.usable() && ::chdir("/") == 0 && put(cache, "ab", pattern(1, 1)) &&
                 fs::exists(base / "here/cache/ab.bin");
        }) == 0);
  if (::geteuid() == 0) {
    CHECK(in_child([&] {
            const ScopedEnvironment scope(values);
            return ::seteuid(1) == 0 && contains(DiskCache::open_default()->reason(), "not to be trusted");
          }) == 0);
  }
}

TEST_SUITE_END();
