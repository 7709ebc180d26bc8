#include "profile/trace_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#include "profile/device_clock.hpp"
#include "profile/recorder.hpp"
#include "profile/recorder_exit.hpp"
#include "support/fail.hpp"
#include "support/log.hpp"
#include "support/process.hpp"

namespace gpucompute {
namespace {

constexpr std::size_t write_at = std::size_t(64) << 10;  // bytes
constexpr std::uint64_t write_after = 100'000'000;       // ns
constexpr std::uint64_t default_limit = std::uint64_t(1) << 30;
constexpr std::size_t page = 4096;
constexpr std::string_view closing = "\n]\n";

// "a/b.json" of process 7: "a/b.7.json".
std::string of_this_process(const std::string &path) {
  const std::size_t slash = path.rfind('/'), dot = path.rfind('.');
  const bool has_extension = dot != std::string::npos && dot > 0 && (slash == std::string::npos || dot > slash + 1);
  const std::size_t at = has_extension ? dot : path.size();
  return path.substr(0, at) + "." + std::to_string(getpid()) + path.substr(at);
}

int open_file(const std::string &path) { return open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666); }

bool write_all(int fd, const char *data, std::size_t size, std::uint64_t at) noexcept {
  while (size > 0) {
    const ssize_t done = pwrite(fd, data, size, static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      if (done == 0) errno = ENOSPC;
      return false;
    }
    data += done;
    at += static_cast<std::uint64_t>(done);
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

}  // namespace

TraceFile::TraceFile(const std::string &path, bool shared_name, std::uint64_t limit_bytes)
    : path_(path), limit_(limit_bytes) {
  fd_ = open_file(path_);
  // The lock goes with the process; where a file system has none, two processes must be given two names.
  if (fd_ >= 0 && shared_name && flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(fd_);
    path_ = of_this_process(path);
    fd_ = open_file(path_);
  }
  if (fd_ < 0) fail(Status::file, "file '", path_, "' cannot be opened: ", std::strerror(errno));
  struct stat facts;
  const bool regular = fstat(fd_, &facts) == 0 && S_ISREG(facts.st_mode);
  if (!regular || ftruncate(fd_, 0) != 0) {
    const int error = errno;
    ::close(fd_);
    fail(Status::file, "file '", path_,
         "' cannot hold a trace: ", regular ? std::strerror(error) : "it is no regular file");
  }
  try {
    format_.open(text_);
    text_[0] = '[';  // the comma before the first event
    if (!write_out()) fail_to_write();
  } catch (...) {
    if (fd_ >= 0) ::close(fd_);
    throw;
  }
}

void TraceFile::fail_to_write() const {
  if (!error_) throw std::bad_alloc();  // there was no memory for the closing bracket
  fail(Status::file, "file '", path_, "' cannot be written: ", std::strerror(error_));
}

TraceFile::~TraceFile() {
  if (fd_ >= 0) ::close(fd_);
}

// How many bytes of text_ from `start` on are whole events that fit, with the bracket behind them, in `room`.
std::size_t TraceFile::events_within(std::size_t room, std::size_t start) const noexcept {
  std::size_t count = 0;
  while (start + count < text_.size()) {
    const std::size_t next = std::min(text_.find(",\n", start + count + 1), text_.size());
    if (next - start + closing.size() > room) break;
    count = next - start;
  }
  return count;
}

// A write puts events over the closing bracket and a new one behind them. Linux looks for a deadly signal between the
// pages of a write, so each stays within one page; spaces fill the rest of a page where the next event does not fit.
// What a signal can cost is a bracket between two pages, or the end of an event that is longer than a page.
bool TraceFile::write_out() noexcept {
  if (text_.empty() || fd_ < 0) return !error_;
  written_ = host_now_ns();
  std::size_t start = 0;
  while (start < text_.size()) {
    const std::size_t room = page - end_ % page;
    std::size_t count = events_within(room, start), spaces = 0;
    if (count == 0) {
      spaces = room;
      count = events_within(page, start);
      if (count == 0) count = std::min(text_.find(",\n", start + 1), text_.size()) - start;
    }
    try {
      piece_.assign(spaces, ' ').append(text_, start, count).append(closing);
    } catch (...) {
      text_.erase(0, start);
      return false;  // no memory now: later
    }
    if (!write_all(fd_, piece_.data(), piece_.size(), end_)) {
      error_ = errno;
      // Back to what was there: those bytes have their place on the disk already.
      if (end_ > 0 && ftruncate(fd_, static_cast<off_t>(end_ + closing.size())) == 0)
        write_all(fd_, closing.data(), closing.size(), end_);
      ::close(fd_);
      fd_ = -1;
      return false;
    }
    end_ += spaces + count;
    start += count;
  }
  text_.clear();
  return true;
}

void TraceFile::take(const ProfileRecord &record) noexcept {
  if (append(record)) return;
  try {  // without the lock: the log may call this library
    log(LogLevel::warning, "the trace '", path_, "' ends: ", std::strerror(error_));
  } catch (...) {
  }
}

// False: this write failed.
bool TraceFile::append(const ProfileRecord &record) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  if (fd_ < 0 || full_) return true;
  const std::size_t before = text_.size();
  try {
    format_.append(text_, record);
    // Spaces come to it at the end of each page, less than an event takes.
    if (end_ + text_.size() + text_.size() / 16 > limit_) {
      text_.resize(before);
      format_.note(text_, "the trace is full: GPUC_TRACE_LIMIT_MB");
      full_ = true;
    }
  } catch (...) {
    text_.resize(before);
    return true;
  }
  if (full_ || text_.size() >= write_at || host_now_ns() - written_ >= write_after) write_out();
  return error_ == 0;
}

void TraceFile::close() {
  std::lock_guard<std::mutex> lock(mutex_);
  const bool written = write_out();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  if (!written) fail_to_write();
}

std::string trace_path(const std::string &setting) {
  std::string path;
  for (std::size_t i = 0; i < setting.size(); ++i) {
    if (setting.compare(i, 2, "%p") == 0) {
      path += std::to_string(getpid());
      ++i;
    } else {
      path += setting[i];
    }
  }
  return path == "0" ? "" : path;
}

namespace {

std::shared_ptr<TraceFile> *environment_trace = nullptr;  // leaked: taken from by threads that outlive main()

void end_trace() noexcept {
  drain_profiles();
  try {
    (*environment_trace)->close();
  } catch (...) {  // the log was told
  }
}

// What there is to say goes into `warning` and `information`: no lock may be held while the log runs.
void start_trace(std::string &warning, std::string &information) {
  const char *setting = secure_getenv("GPUC_TRACE");
  const std::string path = trace_path(setting ? setting : "");
  if (path.empty()) return;
  std::uint64_t limit = default_limit;
  if (const char *megabytes = secure_getenv("GPUC_TRACE_LIMIT_MB")) {
    char *end = nullptr;
    const unsigned long long number = std::strtoull(megabytes, &end, 10);
    if (*megabytes >= '0' && *megabytes <= '9' && !*end && number > 0 && number < 1ull << 40)
      limit = number << 20;
    else
      warning = text("GPUC_TRACE_LIMIT_MB is '", megabytes, "', must be a number of megabytes: 1024 is taken");
  }
  try {
    auto file = std::make_shared<TraceFile>(path, path == setting, limit);
    information = text("a trace is written to '", file->path(), "'");
    environment_trace = new std::shared_ptr<TraceFile>(file);
    process_on_exit(end_trace);
    add_profile_sink(std::move(file));
  } catch (const Error &error) {
    warning = text("GPUC_TRACE: no trace: ", error.message());
  }
}

}  // namespace

void start_trace_from_environment() noexcept {
  static std::once_flag once;
  try {
    std::string warning, information;
    std::call_once(once, [&] { start_trace(warning, information); });
    if (!warning.empty()) log(LogLevel::warning, warning);
    if (!information.empty()) log(LogLevel::info, information);
  } catch (...) {  // no memory: the next context tries again
  }
}

}  // namespace gpucompute
