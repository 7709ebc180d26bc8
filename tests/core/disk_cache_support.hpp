// What the tests of the disk cache share: directories of their own, children with a time limit, made-up entries.
#pragma once

#include "support/disk_cache.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/sanitizers.hpp"
#include "support/sha256.hpp"

namespace disk_cache_test {

namespace fs = std::filesystem;
using gpucompute::cache_entry_header;
using gpucompute::cache_entry_payload;
using gpucompute::DiskCache;
using gpucompute::Sha256;
using Bytes = std::vector<unsigned char>;

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
inline pid_t start_child(const std::function<bool()> &body) {
  std::fflush(nullptr);  // or the child may print it again
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(600);
    int code = 2;
    try {
      code = body() ? 0 : 1;
    } catch (...) {
    }
    ::_exit(code);
  }
  return child;
}

inline int finish_child(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

inline int in_child(const std::function<bool()> &body) { return finish_child(start_child(body)); }

// As a user whom permissions bind: root is bound by none.
inline int in_child_without_root(const std::function<bool()> &body) {
  return in_child([&] {
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0))
      return false;
    return body();
  });
}

inline void give_to_nobody(const std::string &path) {
  if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
}

inline std::string key_of(std::uint64_t number) { return Sha256().number(number).hex(); }

inline Bytes pattern(std::uint64_t seed, std::size_t size) {
  Bytes out(size);
  std::mt19937_64 random(seed);
  for (unsigned char &byte : out) byte = static_cast<unsigned char>(random());
  return out;
}

inline bool put(DiskCache &cache, const std::string &key, const Bytes &data) {
  return cache.put(key, data.data(), data.size());
}

inline Bytes read_file(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

// In place or new, always private, whatever the umask.
inline bool write_file(const std::string &path, const Bytes &data) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool written = ::write(file, data.data(), data.size()) == static_cast<ssize_t>(data.size());
  return ::close(file) == 0 && written;
}

inline void set_age(const std::string &path, std::time_t seconds) {
  struct timespec times[2] = {};
  ::clock_gettime(CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= seconds;
  times[1] = times[0];
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

inline std::time_t age(const std::string &path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return std::time(nullptr) - info.st_mtim.tv_sec;
}

inline unsigned mode_of(const std::string &path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

inline std::size_t files_in(const std::string &path) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

inline bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

using gpucompute::test::sanitizer_allocator;

inline bool full_run() {
  const char *value = std::getenv("GPUC_TEST_FULL");
  return value && std::string(value) == "1";
}

}  // namespace disk_cache_test
