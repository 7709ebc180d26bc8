#include "support/disk_cache.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/sha256.hpp"

namespace {

namespace fs = std::filesystem;
using gpucompute::cache_entry_header;
using gpucompute::cache_entry_payload;
using gpucompute::DiskCache;
using gpucompute::Sha256;
using Bytes = std::vector<unsigned char>;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "gpuc-disk-cache-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

// Sets variables (a null value unsets) and puts the old values back.
class ScopedEnvironment {
 public:
  explicit ScopedEnvironment(const std::map<std::string, const char *> &values) {
    for (const auto &[name, value] : values) {
      const char *old = std::getenv(name.c_str());
      old_.push_back({name, {old != nullptr, old ? old : ""}});
      set(name, value);
    }
  }
  ~ScopedEnvironment() {
    for (const auto &[name, old] : old_) set(name, old.first ? old.second.c_str() : nullptr);
  }
  ScopedEnvironment(const ScopedEnvironment &) = delete;
  ScopedEnvironment &operator=(const ScopedEnvironment &) = delete;

 private:
  static void set(const std::string &name, const char *value) {
    if (value) {
      ::setenv(name.c_str(), value, 1);
    } else {
      ::unsetenv(name.c_str());
    }
  }
  std::vector<std::pair<std::string, std::pair<bool, std::string>>> old_;
};

// Runs the body in a child with a time limit; 0 when it returned true.
pid_t start_child(const std::function<bool()> &body) {
  std::fflush(nullptr);  // or the child may print it again
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(120);
    int code = 2;
    try {
      code = body() ? 0 : 1;
    } catch (...) {
    }
    ::_exit(code);
  }
  return child;
}

int finish_child(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int in_child(const std::function<bool()> &body) { return finish_child(start_child(body)); }

// As a user whom permissions bind: root is bound by none.
int in_child_without_root(const std::function<bool()> &body) {
  return in_child([&] {
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0))
      return false;
    return body();
  });
}

void give_to_nobody(const std::string &path) {
  if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
}

std::string key_of(std::uint64_t number) { return Sha256().number(number).hex(); }

Bytes pattern(std::uint64_t seed, std::size_t size) {
  Bytes out(size);
  std::mt19937_64 random(seed);
  for (unsigned char &byte : out) byte = static_cast<unsigned char>(random());
  return out;
}

bool put(DiskCache &cache, const std::string &key, const Bytes &data) {
  return cache.put(key, data.data(), data.size());
}

Bytes read_file(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

// In place or new, always private, whatever the umask.
bool write_file(const std::string &path, const Bytes &data) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool written = ::write(file, data.data(), data.size()) == static_cast<ssize_t>(data.size());
  return ::close(file) == 0 && written;
}

void set_age(const std::string &path, std::time_t seconds) {
  struct timespec times[2] = {};
  ::clock_gettime(CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= seconds;
  times[1] = times[0];
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

std::time_t age(const std::string &path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return std::time(nullptr) - info.st_mtim.tv_sec;
}

unsigned mode_of(const std::string &path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

std::size_t files_in(const std::string &path) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitizer_allocator = true;
#elif defined(__has_feature)
constexpr bool sanitizer_allocator = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitizer_allocator = false;
#endif

bool full_run() {
  const char *value = std::getenv("GPUC_TEST_FULL");
  return value && std::string(value) == "1";
}

// One change of many kinds to a file: bits, bytes, cuts, insertions, blocks of zeros, pieces swapped.
Bytes mutant(const Bytes &original, std::mt19937_64 &random) {
  Bytes out = original;
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto at = [&](std::size_t index) { return out.begin() + static_cast<std::ptrdiff_t>(index); };
  switch (below(7)) {
    case 0:
      for (std::size_t n = 1 + below(8); n > 0; --n) {
        out[below(out.size())] ^= static_cast<unsigned char>(1u << below(8));
      }
      break;
    case 1:
      for (std::size_t n = 1 + below(4); n > 0; --n) {
        out[below(std::min<std::size_t>(out.size(), 32))] = static_cast<unsigned char>(random());  // the numbers
      }
      break;
    case 2:
      out.resize(below(out.size() + 1));
      break;
    case 3:
      for (std::size_t n = 1 + below(40); n > 0; --n) out.push_back(static_cast<unsigned char>(random()));
      break;
    case 4:
      out.insert(at(below(out.size() + 1)), static_cast<unsigned char>(random()));
      out.resize(below(2) ? original.size() : out.size());
      break;
    case 5: {
      const std::size_t begin = below(out.size());
      std::fill(at(begin), at(begin + below(out.size() - begin) + 1), static_cast<unsigned char>(below(2) ? 0 : 0xff));
      break;
    }
    default:
      std::rotate(at(0), at(below(out.size())), out.end());
  }
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("disk_cache");

TEST_CASE("sha256: known digests") {
  CHECK(Sha256().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Sha256().bytes("abc", 3).hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256().bytes("a", 1).bytes(nullptr, 0).bytes("bc", 2).hex() == Sha256().bytes("abc", 3).hex());
  const std::string million(1000000, 'a');
  CHECK(Sha256().bytes(million.data(), million.size()).hex() ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(Sha256().field("abc").hex() == Sha256().bytes("\3\0\0\0\0\0\0\0abc", 11).hex());
  CHECK(Sha256().number(0x0102).hex() == Sha256().bytes("\10\0\0\0\0\0\0\0\2\1\0\0\0\0\0\0", 16).hex());
}

TEST_CASE("sha256: fields are kept apart") {
  std::set<std::string> seen;
  seen.insert(Sha256().field("ab").field("c").hex());
  seen.insert(Sha256().field("a").field("bc").hex());
  seen.insert(Sha256().field("abc").hex());
  seen.insert(Sha256().field("abc").field("").hex());
  seen.insert(Sha256().field("").field("abc").hex());
  seen.insert(Sha256().field(std::string_view("abc\0", 4)).hex());
  CHECK(seen.size() == 6);
}

TEST_CASE("sha256: a digest does not end the sequence") {
  Sha256 hash;
  hash.bytes("a", 1);
  CHECK(hash.hex() == hash.hex());
  CHECK(hash.bytes("bc", 2).hex() == Sha256().bytes("abc", 3).hex());
}

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

TEST_CASE("disk cache: damage at every byte is found, removed and healed") {
  const TemporaryDirectory base;
  DiskCache cache(base / "cache");
  const std::string key = key_of(1);
  const std::string file = cache.directory() + "/" + key + ".bin";
  const Bytes data = pattern(1, 40);
  REQUIRE(put(cache, key, data));
  const Bytes original = read_file(file);
  REQUIRE(original.size() == cache_entry_header(key, data.data(), data.size()).size() + data.size());

  std::uint64_t rejected = 0;
  const auto refused = [&](const Bytes &content) {
    REQUIRE(write_file(file, content));
    const bool miss = !cache.get(key);
    const bool removed = !fs::exists(file);
    const bool counted = cache.stats().rejected == ++rejected;
    return miss && removed && counted;
  };
  for (std::size_t i = 0; i < original.size(); ++i) {
    CAPTURE(i);
    for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
      Bytes damaged = original;
      damaged[i] = static_cast<unsigned char>(damaged[i] ^ flip);
      CHECK(refused(damaged));
    }
    CHECK(refused(Bytes(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(i))));
    Bytes longer = original;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(i), longer[i]);
    CHECK(refused(longer));
    Bytes shorter = original;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(refused(shorter));
  }
  CHECK(refused({}));
  Bytes longer = original;
  longer.push_back(0);
  CHECK(refused(longer));
  Bytes twice = original;
  twice.insert(twice.end(), original.begin(), original.end());
  CHECK(refused(twice));
  CHECK(refused(Bytes(original.size(), 0)));

  CHECK(cache.stats().misses == rejected);
  CHECK(put(cache, key, data));
  CHECK(*cache.get(key) == data);

  // Blown up to far more than the limit, without using the disk.
  REQUIRE(::truncate(file.c_str(), off_t{1} << 40) == 0);
  CHECK_FALSE(cache.get(key));
  CHECK_FALSE(fs::exists(file));
  REQUIRE(put(cache, key, data));
  REQUIRE(::truncate(file.c_str(), off_t{400} << 20) == 0);  // below the limit: the lengths tell
  CHECK_FALSE(cache.get(key));
  CHECK_FALSE(fs::exists(file));
}

TEST_CASE("disk cache: random mutants") {
  const std::size_t count = full_run() ? 1000000 : 100000;
  const std::size_t through_disk = count / 2;
  const TemporaryDirectory base;
  DiskCache cache(base / "cache");
  std::mt19937_64 random(20240611);
  std::size_t identical = 0, accepted = 0, refused = 0;
  for (std::size_t i = 0; i < count; ++i) {
    static const std::size_t sizes[] = {0, 1, 40, 300, 3000};
    const std::size_t size = sizes[i / 1000 % std::size(sizes)];
    static std::map<std::size_t, Bytes> originals;
    const std::string key = "0123456789abcdef";
    Bytes &original = originals[size];
    if (original.empty()) {
      const Bytes data = pattern(size, size);
      original = cache_entry_header(key, data.data(), data.size());
      original.insert(original.end(), data.begin(), data.end());
      REQUIRE(cache_entry_payload(key, original.data(), original.size()) == original.size() - size);
    }
    const Bytes changed = mutant(original, random);
    bool found;
    if (i % 2 == 0) {
      REQUIRE(write_file(cache.directory() + "/" + key + ".bin", changed));
      found = cache.get(key).has_value();
    } else {
      // An exact copy on the heap, for the address sanitizer to see reads past its end.
      const std::unique_ptr<unsigned char[]> exact(new unsigned char[changed.size()]);
      std::copy(changed.begin(), changed.end(), exact.get());
      found = cache_entry_payload(key, exact.get(), changed.size()).has_value();
    }
    if (changed == original) {
      ++identical;
      if (!found) FAIL("an intact entry was refused");
    } else {
      ++(found ? accepted : refused);
    }
  }
  CHECK(accepted == 0);
  CHECK(refused > count * 9 / 10);
  CHECK(identical + accepted + refused == count);
  const DiskCache::Stats stats = cache.stats();
  CHECK(stats.hits + stats.misses == through_disk);
  CHECK(stats.rejected == stats.misses);
}

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
            ::alarm(5);
            return !cache.get("ab") && !fs::exists(file);
          }) == 0);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK(in_child([&] {
            ::alarm(5);
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
    if (in_child(mount_tiny) != 0) {
      MESSAGE("skipped: needs the right to mount");
      return;
    }
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
  for (std::uint64_t i = 0; i < 4; ++i) {
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
    std::this_thread::sleep_for(std::chrono::microseconds(500 + random() % 20000));
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
            ::alarm(30);
            return put(cache, key_of(1), pattern(1, 1000)) && cache.get(key_of(1)) == pattern(1, 1000);
          }) == 0);
  }
  stop = true;
  for (std::thread &thread : threads) thread.join();
}

TEST_SUITE_END();
