#include "support/disk_cache.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/sha256.hpp"
#include "support/text.hpp"

namespace gpucompute {
namespace {

constexpr std::time_t one_hour = 3600;
constexpr std::size_t longest_key = 128;
constexpr std::string_view entry_suffix = ".bin";
constexpr std::string_view temporary_prefix = ".tmp-";
constexpr std::int64_t stores_between_scans = 64;

// An entry is: magic (8 bytes), format version (4), key length (4), payload length (8), the key, SHA-256 of all these
// and the payload (32), the payload. Numbers are little-endian.
constexpr unsigned char magic[8] = {'G', 'P', 'U', 'C', 'B', 'L', 'O', 'B'};
constexpr std::uint32_t format_version = 1;
constexpr std::size_t fixed_size = 24;
constexpr std::size_t digest_size = SHA256_DIGEST_LENGTH;

constexpr std::size_t header_size(std::size_t key_length) noexcept { return fixed_size + key_length + digest_size; }

void put_number(unsigned char *out, std::uint64_t value, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<unsigned char>((value >> (8 * i)) & 0xff);
}

// Everything before the digest, the only bytes that it can be for this key and payload length.
void put_fields(unsigned char *out, std::string_view key, std::uint64_t payload) noexcept {
  std::memcpy(out, magic, sizeof magic);
  put_number(out + 8, format_version, 4);
  put_number(out + 12, key.size(), 4);
  put_number(out + 16, payload, 8);
  std::memcpy(out + fixed_size, key.data(), key.size());
}

bool fields_match(const unsigned char *file, std::string_view key, std::uint64_t payload) noexcept {
  unsigned char expected[fixed_size + longest_key];
  put_fields(expected, key, payload);
  return std::memcmp(file, expected, fixed_size + key.size()) == 0;
}

bool is_key(std::string_view key) noexcept {
  return !key.empty() && key.size() <= longest_key &&
         key.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_entry_name(std::string_view name) noexcept {
  return name.size() > entry_suffix.size() && name.substr(name.size() - entry_suffix.size()) == entry_suffix &&
         is_key(name.substr(0, name.size() - entry_suffix.size()));
}

bool is_temporary_name(std::string_view name) noexcept {
  return name.substr(0, temporary_prefix.size()) == temporary_prefix;
}

std::string entry_name(const std::string &key) { return key + std::string(entry_suffix); }

template <class F>
auto retry(F call) noexcept {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int value = -1) noexcept : value_(value) {}
  Descriptor(Descriptor &&other) noexcept : value_(other.release()) {}
  Descriptor &operator=(Descriptor &&other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() {
    const int saved = errno;
    close();
    errno = saved;
  }
  explicit operator bool() const noexcept { return value_ >= 0; }
  int get() const noexcept { return value_; }
  int release() noexcept { return std::exchange(value_, -1); }
  // Never retried: after EINTR the number may already be someone else's.
  int close() noexcept { return value_ < 0 ? 0 : ::close(release()); }

 private:
  int value_;
};

std::string words(int code) { return std::generic_category().message(code); }

// Ours, and nobody else could have written to it.
bool is_private(const struct stat &info) noexcept {
  return info.st_uid == ::geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool is_long_ago(const struct timespec &when, std::time_t now) noexcept {
  return when.tv_sec < now - one_hour || when.tv_sec > now + one_hour;  // a clock that was ahead, once
}

bool make_directory(const std::string &path) noexcept {
  return retry([&] { return ::mkdir(path.c_str(), S_IRWXU); }) == 0 || errno == EEXIST;
}

// With its parents.
bool make_directories(const std::string &path) {
  if (make_directory(path)) return true;
  if (errno != ENOENT) return false;
  const std::size_t last = path.find_last_of('/');
  const std::size_t end = last == std::string::npos ? last : path.find_last_not_of('/', last);
  if (end == std::string::npos) return false;
  return make_directories(path.substr(0, end + 1)) && make_directory(path);
}

// Opened and checked anew by every operation: in between, the directory may be removed or replaced, and a descriptor
// kept open may be closed, and its number reused, by a program that turns into a daemon.
Descriptor open_directory(const std::string &path, bool create, std::string *reason = nullptr) {
  const auto open = [&] {
    return Descriptor(retry([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  };
  Descriptor directory = open();
  if (!directory && errno == ENOENT && create) {
    if (!make_directories(path)) {
      const int error = errno;
      if (reason) *reason = text("cache directory \"", path, "\" cannot be made: ", words(error));
      errno = error;
      return Descriptor();
    }
    directory = open();
  }
  struct stat info {};
  if (!directory) {
    const int error = errno;
    if (reason) {
      const bool exists = ::lstat(path.c_str(), &info) == 0;
      *reason = exists && S_ISLNK(info.st_mode) ? text("cache directory \"", path, "\" is a symbolic link")
                : exists && !S_ISDIR(info.st_mode)
                    ? text("cache directory \"", path, "\" is not a directory")
                    : text("cache directory \"", path, "\" cannot be opened: ", words(error));
    }
    errno = error;
    return Descriptor();
  }
  if (retry([&] { return ::fstat(directory.get(), &info); }) != 0) {
    const int error = errno;
    if (reason) *reason = text("cache directory \"", path, "\" cannot be examined: ", words(error));
    errno = error;
    return Descriptor();
  }
  if (is_private(info)) return directory;
  if (reason) {
    *reason = info.st_uid != ::geteuid()
                  ? text("cache directory \"", path, "\" belongs to user ", info.st_uid, ", not to user ", ::geteuid())
                  : text("cache directory \"", path, "\" can be written by other users; chmod 700 it");
  }
  errno = EPERM;
  return Descriptor();
}

// Every file of ours in the directory; names of other people's making are left alone. False: some may be missing.
template <class F>
bool for_each_file(int directory, F visit) {
  Descriptor again(retry([&] { return ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!again) return false;
  const auto open = [&] { return ::fdopendir(again.get()); };
  DIR *stream = open();
  while (!stream && errno == EINTR) stream = open();
  const std::unique_ptr<DIR, int (*)(DIR *)> listing(stream, ::closedir);
  if (!listing) return false;
  again.release();
  for (;;) {
    errno = 0;
    const dirent *item = ::readdir(listing.get());
    if (!item && errno == EINTR) continue;
    if (!item) return errno == 0;
    const std::string_view name = item->d_name;
    const bool entry = is_entry_name(name);
    struct stat info {};
    if (!entry && !is_temporary_name(name)) continue;
    if (retry([&] { return ::fstatat(directory, item->d_name, &info, AT_SYMLINK_NOFOLLOW); }) != 0) continue;
    if (S_ISREG(info.st_mode)) visit(item->d_name, info, entry);
  }
}

// How much came, or -1.
std::int64_t read_all(int file, unsigned char *out, std::size_t size) noexcept {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = retry([&] { return ::read(file, out + done, size - done); });
    if (count < 0) return -1;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return static_cast<std::int64_t>(done);
}

bool write_all(int file, const unsigned char *data, std::size_t size) noexcept {
  while (size != 0) {
    const ssize_t count = retry([&] { return ::write(file, data, size); });
    if (count == 0) errno = EIO;
    if (count <= 0) return false;
    data += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

// A file under a name of its own, gone at the end unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(int directory) noexcept : directory_(directory) {
    static std::atomic<unsigned> counter{0};
    for (int attempt = 0; attempt < 100; ++attempt) {
      // The time tells apart processes that have the same id in different containers; O_EXCL decides.
      struct timespec now {};
      ::clock_gettime(CLOCK_REALTIME, &now);
      std::snprintf(name_, sizeof name_, "%s%ld-%u-%lx", temporary_prefix.data(), static_cast<long>(::getpid()),
                    counter.fetch_add(1, std::memory_order_relaxed), static_cast<unsigned long>(now.tv_nsec));
      file_ = Descriptor(retry([&] {
        return ::openat(directory_, name_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
      }));
      if (file_ || errno != EEXIST) break;
    }
    exists_ = static_cast<bool>(file_);
  }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  ~TemporaryFile() {
    const int saved = errno;
    if (exists_) (void)retry([&] { return ::unlinkat(directory_, name_, 0); });
    errno = saved;
  }
  explicit operator bool() const noexcept { return exists_; }
  int get() const noexcept { return file_.get(); }

  bool finish_as(const char *name) noexcept {
    // A umask may have taken these rights away.
    if (retry([&] { return ::fchmod(file_.get(), S_IRUSR | S_IWUSR); }) != 0) return false;
    if (retry([&] { return ::fsync(file_.get()); }) != 0 && errno != EINVAL && errno != ENOTSUP) return false;
    if (file_.close() != 0 && errno != EINTR) return false;
    if (retry([&] { return ::renameat(directory_, name_, directory_, name); }) != 0) return false;
    exists_ = false;
    return true;
  }

 private:
  int directory_;
  Descriptor file_;
  bool exists_ = false;
  char name_[80] = {};
};

// By name, but only while the name still stands for what was seen: someone may have stored a good entry meanwhile.
void remove_damaged(int directory, const char *name, const struct stat &seen) noexcept {
  struct stat now {};
  if (retry([&] { return ::fstatat(directory, name, &now, AT_SYMLINK_NOFOLLOW); }) != 0) return;
  if (seen.st_ino != now.st_ino || seen.st_dev != now.st_dev) return;
  (void)retry([&] { return ::unlinkat(directory, name, S_ISDIR(now.st_mode) ? AT_REMOVEDIR : 0); });
}

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

std::vector<unsigned char> cache_entry_header(const std::string &key_hex, const void *data, std::size_t size) {
  std::vector<unsigned char> header(header_size(key_hex.size()));
  const std::size_t fields = header.size() - digest_size;
  put_fields(header.data(), key_hex, size);
  const Sha256::Digest digest = Sha256().bytes(header.data(), fields).bytes(data, size).digest();
  std::copy(digest.begin(), digest.end(), header.begin() + static_cast<std::ptrdiff_t>(fields));
  return header;
}

std::optional<std::size_t> cache_entry_payload(const std::string &key_hex, const void *file,
                                               std::size_t size) noexcept {
  const auto *bytes = static_cast<const unsigned char *>(file);
  const std::size_t header = header_size(key_hex.size());
  if (!is_key(key_hex) || size < header || !fields_match(bytes, key_hex, size - header)) return std::nullopt;
  const Sha256::Digest digest =
      Sha256().bytes(bytes, header - digest_size).bytes(bytes + header, size - header).digest();
  if (std::memcmp(digest.data(), bytes + header - digest_size, digest_size) != 0) return std::nullopt;
  return header;
}

std::shared_ptr<DiskCache> DiskCache::open_default() {
  const auto unusable = [](std::string reason) {
    return std::shared_ptr<DiskCache>(new DiskCache(Unusable{}, std::move(reason)));
  };
  const std::string choice = environment("GPUC_CACHE");
  if (choice == "0" || choice == "off" || choice == "OFF") return unusable("disabled by GPUC_CACHE=" + choice);
  if (::getuid() != ::geteuid() || ::getgid() != ::getegid()) {
    return unusable("the program runs with the rights of another user, whose environment is not to be trusted");
  }

  std::uint64_t limit = default_limit_bytes;
  const std::string megabytes = environment("GPUC_CACHE_LIMIT_MB");
  if (!megabytes.empty()) {
    const char *end = megabytes.data() + megabytes.size();
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(megabytes.data(), end, value);
    if (error != std::errc() || stop != end || value > (UINT64_MAX >> 20)) {
      return unusable(text("GPUC_CACHE_LIMIT_MB is \"", megabytes, "\", must be a number of megabytes"));
    }
    limit = value << 20;
  }

  const std::string own = environment("GPUC_CACHE_DIR");
  if (!own.empty()) return std::make_shared<DiskCache>(own, limit);
  const std::string xdg = environment("XDG_CACHE_HOME");
  if (!xdg.empty() && xdg[0] == '/') return std::make_shared<DiskCache>(xdg + "/gpucompute", limit);
  const std::string home = environment("HOME");
  if (home.empty() || home[0] != '/') {
    return unusable("there is no place for the cache: none of GPUC_CACHE_DIR, XDG_CACHE_HOME and HOME is set");
  }
  // Under sudo, root would leave a directory behind that locks the user out of a cache of their own.
  struct stat info {};
  if (::geteuid() == 0 && ::stat(home.c_str(), &info) == 0 && info.st_uid != 0) {
    return unusable(text("HOME \"", home, "\" belongs to user ", info.st_uid, ", but the program runs as root"));
  }
  return std::make_shared<DiskCache>(home + "/.cache/gpucompute", limit);
}

DiskCache::DiskCache(Unusable, std::string reason) : reason_(std::move(reason)) {}

DiskCache::DiskCache(std::string directory, std::uint64_t limit_bytes)
    : directory_(std::move(directory)), limit_bytes_(std::min<std::uint64_t>(limit_bytes, INT64_MAX)) {
  if (directory_.empty() || directory_.find('\0') != std::string::npos) {
    reason_ = "the name of the cache directory is empty or holds a zero byte";
    return;
  }
  if (limit_bytes_ == 0) {
    reason_ = "the size limit of the cache is 0";
    return;
  }
  if (directory_[0] != '/') {  // the program may change its working directory later
    std::error_code error;
    const std::string here = std::filesystem::current_path(error).string();
    if (error) {
      reason_ = text("cache directory \"", directory_,
                     "\" is relative and the working directory is unknown: ", error.message());
      return;
    }
    directory_ = here + "/" + directory_;
  }
  // "link/" and "link/." would be followed in spite of O_NOFOLLOW.
  const auto ends_in = [this](std::string_view tail) {
    return directory_.size() > tail.size() &&
           std::string_view(directory_).substr(directory_.size() - tail.size()) == tail;
  };
  while (ends_in("/") || ends_in("/.")) directory_.pop_back();
  open_directory(directory_, true, &reason_);
}

std::optional<std::vector<unsigned char>> DiskCache::get(const std::string &key_hex) noexcept {
  if (!usable()) return std::nullopt;
  std::optional<std::vector<unsigned char>> found;
  try {
    if (is_key(key_hex)) found = read(key_hex);
  } catch (...) {  // only bad_alloc
  }
  (found ? hits_ : misses_).fetch_add(1, std::memory_order_relaxed);
  return found;
}

std::optional<std::vector<unsigned char>> DiskCache::read(const std::string &key) {
  const std::string name = entry_name(key);
  const Descriptor directory = open_directory(directory_, false);
  if (!directory) return std::nullopt;
  const auto damaged = [&](const struct stat &seen) {
    rejected_.fetch_add(1, std::memory_order_relaxed);
    remove_damaged(directory.get(), name.c_str(), seen);
    return std::nullopt;
  };

  struct stat info {};
  // Not blocking, or a FIFO of that name would hang us.
  const Descriptor file(retry([&] {
    return ::openat(directory.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  }));
  if (!file) {
    const bool odd = errno == ELOOP || errno == EMLINK || errno == ENXIO;  // a symbolic link or a socket
    if (odd && retry([&] { return ::fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW); }) == 0 &&
        !S_ISREG(info.st_mode)) {
      return damaged(info);
    }
    return std::nullopt;
  }
  if (retry([&] { return ::fstat(file.get(), &info); }) != 0) return std::nullopt;
  const std::size_t header = header_size(key.size());
  if (!S_ISREG(info.st_mode) || !is_private(info) || info.st_size < static_cast<off_t>(header) ||
      static_cast<std::uint64_t>(info.st_size) > limit_bytes_) {
    return damaged(info);
  }

  // The lengths first, before any of a file blown up to gigabytes is read.
  const std::size_t size = static_cast<std::size_t>(info.st_size);
  std::vector<unsigned char> bytes(header);
  std::int64_t count = read_all(file.get(), bytes.data(), header);
  if (count < 0) return std::nullopt;  // the disk's fault, not the entry's
  if (count != static_cast<std::int64_t>(header) || !fields_match(bytes.data(), key, size - header)) {
    return damaged(info);
  }
  bytes.resize(size);
  count = read_all(file.get(), bytes.data() + header, size - header);
  if (count < 0) return std::nullopt;
  if (count != static_cast<std::int64_t>(size - header) || !cache_entry_payload(key, bytes.data(), size)) {
    return damaged(info);
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header));

  // The time of last use, for the eviction; once an hour, so that hits do not write.
  if (is_long_ago(info.st_mtim, std::time(nullptr))) {
    struct timespec times[2] = {};
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    (void)::futimens(file.get(), times);
  }
  return bytes;
}

bool DiskCache::put(const std::string &key_hex, const void *data, std::size_t size) noexcept {
  if (!usable()) return false;
  int error = ENOMEM;
  try {
    error = write(key_hex, data, size);
  } catch (...) {  // only bad_alloc
  }
  if (error != 0) last_store_errno_.store(error, std::memory_order_relaxed);
  (error == 0 ? stores_ : store_failures_).fetch_add(1, std::memory_order_relaxed);
  return error == 0;
}

// 0 or the reason as an errno value.
int DiskCache::write(const std::string &key, const void *data, std::size_t size) {
  if (!is_key(key)) return EINVAL;
  if (!data && size != 0) return EFAULT;
  const std::uint64_t most = limit_bytes_ / 4;
  const std::uint64_t total = header_size(key.size()) + std::uint64_t{size};
  if (size > most || total > most) return EFBIG;
  // Writing past this limit does not fail, it kills the process with SIGXFSZ.
  struct rlimit file_size {};
  if (::getrlimit(RLIMIT_FSIZE, &file_size) == 0 && file_size.rlim_cur != RLIM_INFINITY && total > file_size.rlim_cur) {
    return EFBIG;
  }

  const std::string name = entry_name(key);
  const std::vector<unsigned char> header = cache_entry_header(key, data, size);
  const Descriptor directory = open_directory(directory_, true);
  if (!directory) return errno;
  {
    TemporaryFile file(directory.get());
    if (!file || !write_all(file.get(), header.data(), header.size()) ||
        !write_all(file.get(), static_cast<const unsigned char *>(data), size) || !file.finish_as(name.c_str())) {
      return errno;
    }
  }

  const auto stored = static_cast<std::int64_t>(total);
  const bool full = bytes_until_scan_.fetch_sub(stored, std::memory_order_relaxed) < stored;
  const bool due = stores_until_scan_.fetch_sub(1, std::memory_order_relaxed) <= 1;
  if (full || due) {
    try {
      make_room(directory.get(), name);
    } catch (...) {  // only bad_alloc: the entry is stored, and the next store tries again
    }
  }
  return 0;
}

// Sweeps what crashed writers left and, over the limit, evicts down to 7/8 of it, so that the work pays for some time.
void DiskCache::make_room(int directory, const std::string &just_written) {
  const std::time_t now = std::time(nullptr);
  std::uint64_t total = 0;
  const bool listed = for_each_file(directory, [&](const char *name, const struct stat &info, bool entry) {
    if (entry) {
      total += static_cast<std::uint64_t>(info.st_size);
    } else if (is_long_ago(info.st_mtim, now)) {
      (void)retry([&] { return ::unlinkat(directory, name, 0); });
    }
  });
  if (!listed) return;

  if (total > limit_bytes_) {
    struct Candidate {
      struct timespec used;
      std::uint64_t size;
      std::string name;
    };
    std::vector<Candidate> candidates;
    total = 0;
    for_each_file(directory, [&](const char *name, const struct stat &info, bool entry) {
      if (!entry) return;
      total += static_cast<std::uint64_t>(info.st_size);
      if (just_written == name) return;
      // A time in the future would never grow old.
      const struct timespec used = info.st_mtim.tv_sec > now + one_hour ? timespec{} : info.st_mtim;
      candidates.push_back({used, static_cast<std::uint64_t>(info.st_size), name});
    });
    std::sort(candidates.begin(), candidates.end(), [](const Candidate &a, const Candidate &b) {
      if (a.used.tv_sec != b.used.tv_sec) return a.used.tv_sec < b.used.tv_sec;
      return a.used.tv_nsec != b.used.tv_nsec ? a.used.tv_nsec < b.used.tv_nsec : a.name < b.name;
    });
    const std::uint64_t target = limit_bytes_ - limit_bytes_ / 8;
    for (const Candidate &candidate : candidates) {
      if (total <= target) break;
      const bool removed = retry([&] { return ::unlinkat(directory, candidate.name.c_str(), 0); }) == 0;
      if (!removed && errno != ENOENT) continue;
      total -= candidate.size;
      if (removed) evictions_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  // Other processes store too: with a sixteenth each between two looks, the overshoot stays small.
  const std::uint64_t room = total < limit_bytes_ ? std::min(limit_bytes_ - total, limit_bytes_ / 16) : 0;
  bytes_until_scan_.store(static_cast<std::int64_t>(room), std::memory_order_relaxed);
  stores_until_scan_.store(stores_between_scans, std::memory_order_relaxed);
}

std::uint64_t DiskCache::clear() noexcept {
  if (!usable()) return 0;
  std::uint64_t removed = 0;
  try {
    const Descriptor directory = open_directory(directory_, false);
    if (!directory) return 0;
    // Removing while listing makes some file systems skip names: again, until nothing is left.
    bool again = true;
    for (int pass = 0; again && pass < 8; ++pass) {  // not for ever, with others storing at the same time
      again = false;
      for_each_file(directory.get(), [&](const char *name, const struct stat &, bool entry) {
        if (retry([&] { return ::unlinkat(directory.get(), name, 0); }) != 0) return;
        again = true;
        if (entry) ++removed;
      });
    }
  } catch (...) {  // only bad_alloc
  }
  return removed;
}

DiskCache::Verified DiskCache::verify() noexcept {
  Verified out;
  if (!usable()) return out;
  try {
    std::vector<std::string> keys;
    {
      const Descriptor directory = open_directory(directory_, false);
      if (!directory) return out;
      for_each_file(directory.get(), [&](const char *name, const struct stat &, bool entry) {
        const std::string_view file(name);
        if (entry) keys.emplace_back(file.substr(0, file.find('.')));
      });
    }
    for (const std::string &key : keys) {
      const std::uint64_t before = rejected_.load(std::memory_order_relaxed);
      ++out.checked;
      if (!read(key) && rejected_.load(std::memory_order_relaxed) != before) ++out.removed;
    }
  } catch (...) {  // only bad_alloc
  }
  return out;
}

DiskCache::Stats DiskCache::stats() const noexcept {
  Stats out;
  out.hits = hits_.load(std::memory_order_relaxed);
  out.misses = misses_.load(std::memory_order_relaxed);
  out.rejected = rejected_.load(std::memory_order_relaxed);
  out.stores = stores_.load(std::memory_order_relaxed);
  out.store_failures = store_failures_.load(std::memory_order_relaxed);
  out.evictions = evictions_.load(std::memory_order_relaxed);
  out.last_store_errno = last_store_errno_.load(std::memory_order_relaxed);
  if (!usable()) return out;
  try {
    const Descriptor directory = open_directory(directory_, false);
    if (!directory) return out;
    for_each_file(directory.get(), [&](const char *, const struct stat &info, bool entry) {
      if (!entry) return;
      out.bytes += static_cast<std::uint64_t>(info.st_size);
      ++out.entries;
    });
  } catch (...) {  // only bad_alloc
  }
  return out;
}

}  // namespace gpucompute
