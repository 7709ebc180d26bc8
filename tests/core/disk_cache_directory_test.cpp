#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "disk_cache_support.hpp"

using namespace disk_cache_test;

TEST_SUITE_BEGIN("disk_cache");

TEST_CASE("disk cache: unsafe directories are refused with the reason") {
  const TemporaryDirectory base;
  ::chmod(base.path().c_str(), 0755);
  const auto refused = [](const std::string &path, const std::string &why) {
    DiskCache cache(path);
    CAPTURE(cache.reason());
    CHECK_FALSE(cache.usable());
    CHECK(contains(cache.reason(), why));
    CHECK_FALSE(put(cache, "ab", pattern(1, 10)));
    CHECK_FALSE(cache.get("ab"));
    CHECK(cache.clear() == 0);
    const DiskCache::Stats stats = cache.stats();
    CHECK(stats.hits + stats.misses + stats.stores + stats.store_failures + stats.entries == 0);
  };

  SUBCASE("writable by others") {
    for (const mode_t mode : {0777, 01777, 0770, 0720, 0702}) {
      const std::string path = base / "open";
      fs::create_directory(path);
      REQUIRE(::chmod(path.c_str(), mode) == 0);
      refused(path, "can be written by other users");
    }
    REQUIRE(::chmod((base / "open").c_str(), 0755) == 0);
    CHECK(DiskCache(base / "open").usable());
  }
  SUBCASE("a symbolic link") {
    fs::create_directory(base / "real");
    REQUIRE(::chmod((base / "real").c_str(), 0700) == 0);
    fs::create_directory_symlink(base / "real", base / "link");
    for (const char *name : {"link", "link/", "link//", "link/.", "link/./", "link//./."}) {
      CAPTURE(name);
      refused(base / name, "is a symbolic link");
    }
    fs::create_directory_symlink(base / "nowhere", base / "dangling");
    refused(base / "dangling", "is a symbolic link");
    CHECK_FALSE(fs::exists(base / "nowhere"));
    CHECK(DiskCache(base / "real/./").directory() == base / "real");
    CHECK(DiskCache(base / "link/below").usable());  // the user's own links further up are the user's choice
  }
  SUBCASE("not a directory") {
    REQUIRE(write_file(base / "file", {1}));
    refused(base / "file", "is not a directory");
    refused(base / "file/below", "cannot be");
    REQUIRE(::mkfifo((base / "fifo").c_str(), 0600) == 0);
    refused(base / "fifo", "is not a directory");
  }
  SUBCASE("no name, no limit") {
    refused("", "empty");
    refused(base / std::string("a\0b", 3), "zero byte");
    DiskCache none(base / "none", 0);
    CHECK_FALSE(none.usable());
    CHECK(contains(none.reason(), "limit"));
    CHECK_FALSE(fs::exists(base / "none"));
    refused(base / std::string(300, 'x'), "cannot be");
  }
  SUBCASE("another owner") {
    if (::geteuid() == 0) {
      fs::create_directory(base / "foreign");
      REQUIRE(::chmod((base / "foreign").c_str(), 0700) == 0);
      REQUIRE(::chown((base / "foreign").c_str(), 1, 1) == 0);
      refused(base / "foreign", "belongs to user 1, not to user 0");
    } else {
      refused("/usr", "belongs to user 0");
    }
  }
  SUBCASE("nowhere to write") {
    fs::create_directory(base / "locked");
    give_to_nobody(base / "locked");
    REQUIRE(::chmod((base / "locked").c_str(), 0500) == 0);
    CHECK(in_child_without_root([&] {
            const DiskCache cache(base / "locked/cache");
            return !cache.usable() && contains(cache.reason(), "cannot be made: Permission denied");
          }) == 0);
  }
}

TEST_CASE("disk cache: a directory that turns unsafe or vanishes later") {
  const TemporaryDirectory base;
  DiskCache cache(base / "cache");
  REQUIRE(put(cache, "ab", pattern(1, 10)));
  REQUIRE(::chmod(cache.directory().c_str(), 0777) == 0);
  CHECK_FALSE(cache.get("ab"));
  CHECK_FALSE(put(cache, "ab", pattern(1, 10)));
  CHECK(cache.stats().last_store_errno == EPERM);
  CHECK(cache.clear() == 0);
  REQUIRE(::chmod(cache.directory().c_str(), 0700) == 0);
  CHECK(cache.get("ab"));

  fs::remove_all(cache.directory());
  CHECK_FALSE(cache.get("ab"));
  CHECK(cache.stats().entries == 0);
  CHECK(put(cache, "ab", pattern(1, 10)));
  CHECK(cache.get("ab"));

  fs::remove_all(cache.directory());
  fs::create_directory(base / "elsewhere");
  fs::create_directory_symlink(base / "elsewhere", cache.directory());
  CHECK_FALSE(put(cache, "ab", pattern(1, 10)));
  CHECK(files_in(base / "elsewhere") == 0);
}

TEST_CASE("disk cache: a directory that cannot be written is still read") {
  const TemporaryDirectory base;
  ::chmod(base.path().c_str(), 0755);
  fs::create_directory(base / "cache");
  give_to_nobody(base / "cache");
  REQUIRE(::chmod((base / "cache").c_str(), 0700) == 0);
  CHECK(in_child_without_root([&] {
          DiskCache cache(base / "cache");
          const std::string file = base / "cache/ab.bin";
          if (!put(cache, "ab", pattern(1, 1000)) || !put(cache, "cd", pattern(2, 1000))) return false;
          if (::chmod(cache.directory().c_str(), 0500) != 0) return false;
          DiskCache again(base / "cache");
          if (!again.usable() || again.get("ab") != pattern(1, 1000)) return false;
          if (put(again, "ef", pattern(3, 10)) || again.stats().last_store_errno != EACCES) return false;
          // A damaged entry cannot be removed then, and is refused each time.
          if (::truncate(file.c_str(), 5) != 0 || again.get("ab") || again.get("ab")) return false;
          if (again.stats().rejected != 2 || again.get("cd") != pattern(2, 1000)) return false;
          // Not even readable: misses. With the rights back, everything works again.
          if (::chmod(cache.directory().c_str(), 0) != 0 || again.get("cd") || DiskCache(base / "cache").usable()) {
            return false;
          }
          if (::chmod(cache.directory().c_str(), 0700) != 0 || !put(again, "ab", pattern(4, 10))) return false;
          // An unreadable entry is replaced by the next store.
          if (::chmod(file.c_str(), 0) != 0 || again.get("ab") || !put(again, "ab", pattern(5, 10))) return false;
          return again.get("ab") == pattern(5, 10);
        }) == 0);
}

TEST_CASE("disk cache: what is not a private regular file is no entry") {
  const TemporaryDirectory base;
  DiskCache cache(base / "cache");
  const std::string file = cache.directory() + "/ab.bin";
  const Bytes data = pattern(1, 100);
  REQUIRE(put(cache, "ab", data));

  SUBCASE("a symbolic link, even to an intact entry") {
    fs::rename(file, base / "outside");
    fs::create_symlink(base / "outside", file);
    CHECK_FALSE(cache.get("ab"));
    CHECK_FALSE(fs::is_symlink(file));
    CHECK(fs::exists(base / "outside"));
    fs::create_symlink(base / "outside", file);
    const Bytes before = read_file(base / "outside");
    CHECK(put(cache, "ab", pattern(2, 100)));  // replaces the link, does not write through it
    CHECK(read_file(base / "outside") == before);
    CHECK(fs::is_regular_file(fs::symlink_status(file)));
    CHECK(*cache.get("ab") == pattern(2, 100));
  }
  SUBCASE("a FIFO") {
    fs::remove(file);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK(in_child([&] {
            ::alarm(300);
            return !cache.get("ab") && !fs::exists(file);
          }) == 0);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK(in_child([&] {
            ::alarm(300);
            return put(cache, "ab", data) && cache.get("ab") == data;
          }) == 0);
  }
  SUBCASE("an empty directory") {
    fs::remove(file);
    fs::create_directory(file);
    CHECK_FALSE(cache.get("ab"));
    CHECK_FALSE(fs::exists(file));
    CHECK(put(cache, "ab", data));
  }
  SUBCASE("a full directory") {
    fs::remove(file);
    fs::create_directories(file + "/below");
    CHECK_FALSE(cache.get("ab"));
    CHECK(fs::exists(file + "/below"));  // not ours to remove
    CHECK_FALSE(put(cache, "ab", data));
    CHECK(cache.stats().last_store_errno != 0);
    CHECK(put(cache, "cd", data));
    CHECK(files_in(cache.directory()) == 2);  // no temporary file stays
  }
  SUBCASE("writable by others") {
    for (const mode_t mode : {0620, 0602, 0666}) {
      REQUIRE(put(cache, "ab", data));
      REQUIRE(::chmod(file.c_str(), mode) == 0);
      CHECK_FALSE(cache.get("ab"));
      CHECK_FALSE(fs::exists(file));
    }
  }
  SUBCASE("another owner") {
    if (::geteuid() != 0) return;
    REQUIRE(::chown(file.c_str(), 1, 1) == 0);
    CHECK_FALSE(cache.get("ab"));
    CHECK_FALSE(fs::exists(file));
  }
  SUBCASE("files of other names stay") {
    for (const char *name : {"notes.txt", "AB.bin", "xyz.bin", ".bin", "ab.bin.bak"}) {
      REQUIRE(write_file(cache.directory() + "/" + name, {1}));
    }
    CHECK(cache.stats().entries == 1);
    CHECK(cache.clear() == 1);
    CHECK(files_in(cache.directory()) == 5);
  }
}

TEST_CASE("disk cache: rights do not depend on the umask") {
  const TemporaryDirectory base;
  CHECK(in_child([&] {
          ::umask(0);
          DiskCache cache(base / "open/cache");
          return put(cache, "ab", pattern(1, 10)) && mode_of(base / "open") == 0700 &&
                 mode_of(cache.directory()) == 0700 && mode_of(cache.directory() + "/ab.bin") == 0600;
        }) == 0);
  CHECK(in_child([&] {
          DiskCache cache(base / "open/cache");
          ::umask(0777);
          return put(cache, "cd", pattern(1, 10)) && mode_of(cache.directory() + "/cd.bin") == 0600;
        }) == 0);
}

TEST_SUITE_END();
