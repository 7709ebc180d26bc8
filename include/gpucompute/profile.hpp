// Profiles: what the library did on devices and how long it took. docs/profiling.md is the manual.
#pragma once

#include <gpucompute/types.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gpucompute {

enum class Operation : int {
  kernel = 1,
  gemm = 2,
  write = 3,
  read = 4,
  copy = 5,
  fill = 6,
  map = 7,
  unmap = 8,
  marker = 9,
  barrier = 10,
  build = 11,
};

// "kernel", "gemm" and so on. Static strings.
const char *name_of(Operation operation) noexcept;

// Which clock measured how long a command took.
enum class ProfileClock : int { none = 0, device = 1, host = 2 };

// A queue as profiles show it.
struct ProfiledQueue {
  unsigned number;  // counts the queues of the process, from 1
  bool in_order, has_times;
  std::string device;
};

// One command, one build, or (operation gemm without a queue) the call that put several commands on a queue. Times are
// nanoseconds of the host's monotonic clock.
struct ProfileRecord {
  Operation operation = Operation::marker;
  std::string name;  // of the kernel, of the matrix product; else the operation's
  std::uint64_t id = 0;
  std::shared_ptr<const ProfiledQueue> queue;        // null for a build
  std::uint64_t call_begin_ns = 0, call_end_ns = 0;  // of the call that put it on the queue
  std::int32_t thread = 0;                           // the system's number of the calling thread
  char thread_name[16] = {};
  ProfileClock clock = ProfileClock::none;    // none: when it ran is not known
  std::uint64_t begin_ns = 0, end_ns = 0;     // when it ran
  std::uint64_t duration_ns = 0;              // by the clock that measured it
  std::uint64_t bytes = 0;                    // moved; 0 for kernels
  std::uint32_t dims = 0;                     // of a kernel; 0 otherwise
  std::size_t global[3] = {}, local[3] = {};  // local: all 0 where the driver chose
  std::int32_t code = 0;                      // the OpenCL error with which it failed
};

// What takes records. Called from any thread, several at once.
class ProfileSink {
 public:
  virtual ~ProfileSink() = default;
  virtual void take(const ProfileRecord &record) noexcept = 0;

  // Commands that were seen and have not come to an end; those of which nothing could be kept.
  std::atomic<std::uint64_t> outstanding{0}, lost{0};
  std::atomic<bool> gone{false};  // removed: it takes no more of what begins now
};

// All commands of one operation, name and device.
struct ProfileRow {
  Operation operation;
  std::string name, device;
  ProfileClock clock = ProfileClock::none;
  std::uint64_t count = 0, timed = 0, failed = 0, bytes = 0, timed_bytes = 0;
  std::uint64_t total_ns = 0, min_ns = 0, max_ns = 0;  // of those that have times
  std::uint64_t host_ns = 0;                           // in the calls
};

class ProfileData;

class Profile final : public Object {
 public:
  static constexpr std::uint64_t default_max_records = 200000;

  // Starts to record all that the process does from now on.
  static std::shared_ptr<Profile> start(std::uint64_t max_records = default_max_records);
  ~Profile() override;  // ends it, where nobody did

  // Ends it, and waits so long for the commands that were recorded. Throws Error(invalid_state) the second time.
  void stop(std::uint64_t timeout_ns);

  // Results: only after stop(). Throw Error(invalid_state).
  const std::vector<ProfileRow> &rows() const;        // the one that took longest first
  const std::vector<ProfileRecord> &records() const;  // in the order in which the calls were made
  std::uint64_t dropped() const;                      // records that found no room; rows count them
  std::uint64_t unfinished() const;                   // commands not complete at the end of stop()
  std::uint64_t duration_ns() const;                  // from start() to stop()
  std::string report() const;                         // a table to be read
  void write_trace(const std::string &path) const;    // throws Error(file)

 private:
  explicit Profile(std::shared_ptr<ProfileData> data) : data_(std::move(data)) {}

  std::shared_ptr<ProfileData> data_;  // shared with the recorder
};

}  // namespace gpucompute
