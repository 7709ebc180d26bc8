// The cache and what other users of the machine put in its way. Two users are needed, and so the rights of root.
#include <doctest/doctest.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "disk_cache_support.hpp"
#include "support/skip.hpp"

using namespace disk_cache_test;

namespace {

constexpr uid_t somebody = 65533, another = 65532;

bool become(uid_t user) { return ::setgroups(0, nullptr) == 0 && ::setgid(user) == 0 && ::setuid(user) == 0; }

int in_child_as(uid_t user, const std::function<bool()> &body) {
  return in_child([&] { return become(user) && body(); });
}

bool make_directory(const std::string &path, mode_t mode) {
  return ::mkdir(path.c_str(), 0700) == 0 && ::chmod(path.c_str(), mode) == 0;
}

std::string refusal(const std::string &path) {
  DiskCache cache(path);
  if (put(cache, "ab", pattern(1, 10)) || cache.get("ab")) return "it is used";
  return cache.reason();
}

bool missing_rights() {
  if (::geteuid() == 0) return false;
  ::gpucompute::test::note_skip(true, "two users are needed, and the test does not run as root");
  return true;
}

// The files of a user in a directory.
std::size_t files_of(uid_t user, const std::string &path) {
  std::size_t count = 0;
  for (const auto &item : fs::directory_iterator(path)) {
    struct stat info {};
    count += ::lstat(item.path().c_str(), &info) == 0 && info.st_uid == user;
  }
  return count;
}

}  // namespace

TEST_SUITE_BEGIN("disk_cache");

TEST_CASE("disk cache: another user got there first") {
  if (missing_rights()) return;
  const TemporaryDirectory base;
  REQUIRE(::chmod(base.path().c_str(), 01777) == 0);  // like /tmp
  const std::string path = base / "cache", real = base / "real";

  SUBCASE("with a directory") {
    for (const mode_t mode : {0700, 0755, 0777, 01777}) {
      CAPTURE(mode);
      CHECK(in_child_as(another, [&] { return make_directory(path, mode); }) == 0);
      CHECK(in_child_as(somebody, [&] {
              const std::string why = refusal(path);
              return mode == 0700 ? contains(why, "cannot be opened: Permission denied")
                                  : contains(why, "belongs to user 65532, not to user 65533");
            }) == 0);
      CHECK(files_in(path) == 0);
      REQUIRE(::rmdir(path.c_str()) == 0);
    }
  }
  SUBCASE("with a link to a directory of ours") {
    CHECK(in_child_as(somebody, [&] { return make_directory(real, 0700); }) == 0);
    CHECK(in_child_as(another, [&] { return ::symlink(real.c_str(), path.c_str()) == 0; }) == 0);
    CHECK(in_child_as(somebody, [&] { return contains(refusal(path), "is a symbolic link"); }) == 0);
    CHECK(files_in(real) == 0);
  }
  SUBCASE("with a link further up") {
    // The directory itself is ours or is not, wherever the way to it leads.
    CHECK(in_child_as(another, [&] {
            return make_directory(real, 0755) && make_directory(real + "/gpucompute", 0755) &&
                   ::symlink(real.c_str(), path.c_str()) == 0;
          }) == 0);
    CHECK(in_child_as(somebody, [&] { return contains(refusal(path + "/gpucompute"), "belongs to user 65532"); }) == 0);
    CHECK(in_child_as(somebody, [&] { return contains(refusal(path + "/other"), "cannot be made"); }) == 0);
    CHECK(files_in(real + "/gpucompute") == 0);
  }
  SUBCASE("with a file") {
    CHECK(in_child_as(another, [&] { return write_file(path, {1}); }) == 0);
    CHECK(in_child_as(somebody, [&] { return contains(refusal(path), "is not a directory"); }) == 0);
  }
}

TEST_CASE("disk cache: what another user left in the directory is never believed") {
  if (missing_rights()) return;
  const TemporaryDirectory base;
  REQUIRE(::chmod(base.path().c_str(), 0755) == 0);
  const std::string path = base / "cache", entry = path + "/ab.bin";
  REQUIRE(make_directory(path, 0700));
  REQUIRE(::chown(path.c_str(), somebody, somebody) == 0);
  const Bytes ours = pattern(1, 500), theirs = pattern(2, 500);
  // Intact entries of another: made where they may, and moved here in the hour that the directory was open to all.
  const auto plant = [&](const std::function<bool()> &how) {
    fs::remove(entry);
    REQUIRE(::chmod(path.c_str(), 0777) == 0);
    CHECK(in_child_as(another, how) == 0);
    REQUIRE(::chmod(path.c_str(), 0700) == 0);
    struct stat info {};
    REQUIRE(::lstat(entry.c_str(), &info) == 0);
    CHECK(info.st_uid == another);
    CHECK(in_child_as(somebody, [&] {
            DiskCache cache(path);
            return cache.usable() && !cache.get("ab") && cache.stats().rejected == 1 && !fs::exists(entry) &&
                   put(cache, "ab", ours) && cache.get("ab") == ours;
          }) == 0);
  };
  Bytes whole = cache_entry_header("ab", theirs.data(), theirs.size());
  whole.insert(whole.end(), theirs.begin(), theirs.end());
  plant([&] { return write_file(entry, whole) && ::chmod(entry.c_str(), 0644) == 0; });
  plant([&] { return write_file(entry, whole) && ::chmod(entry.c_str(), 0666) == 0; });
  const std::string elsewhere = base / "elsewhere";
  REQUIRE(write_file(elsewhere, whole));
  REQUIRE(::chown(elsewhere.c_str(), somebody, somebody) == 0);  // even to a file of ours
  plant([&] { return ::symlink(elsewhere.c_str(), entry.c_str()) == 0; });
  CHECK(fs::exists(elsewhere));

  // While it is open to all, nothing of it is used, and nothing is written there.
  REQUIRE(::chmod(path.c_str(), 0777) == 0);
  CHECK(in_child_as(somebody, [&] { return contains(refusal(path), "can be written by other users"); }) == 0);
  CHECK(in_child_as(another, [&] { return contains(refusal(path), "belongs to user 65533"); }) == 0);
}

TEST_CASE("disk cache: a user without a home has no cache, least of all in /tmp") {
  if (missing_rights()) return;
  const std::size_t before = files_of(somebody, "/tmp");
  CHECK(in_child_as(somebody, [&] {
          const ScopedEnvironment scope({{"GPUC_CACHE", nullptr},
                                         {"GPUC_CACHE_DIR", nullptr},
                                         {"XDG_CACHE_HOME", nullptr},
                                         {"HOME", nullptr},
                                         {"TMPDIR", "/tmp"}});
          const auto cache = DiskCache::open_default();
          return !cache->usable() && contains(cache->reason(), "no place") && !put(*cache, "ab", pattern(1, 10)) &&
                 !cache->get("ab");
        }) == 0);
  // A home that is not there, or is another's, is no reason to go elsewhere.
  for (const char *home : {"/nonexistent", "/root", "/"}) {
    CAPTURE(home);
    CHECK(in_child_as(somebody, [&] {
            const ScopedEnvironment scope({{"GPUC_CACHE", nullptr},
                                           {"GPUC_CACHE_DIR", nullptr},
                                           {"XDG_CACHE_HOME", nullptr},
                                           {"HOME", home},
                                           {"TMPDIR", "/tmp"}});
            const auto cache = DiskCache::open_default();
            return !cache->usable() && !cache->reason().empty() && !put(*cache, "ab", pattern(1, 10));
          }) == 0);
  }
  CHECK(files_of(somebody, "/tmp") == before);
}

TEST_SUITE_END();
