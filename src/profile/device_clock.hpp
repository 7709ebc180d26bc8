// Clocks: the host's, and how a device's runs against it.
#pragma once

#include <CL/cl.h>

#include <cstdint>
#include <mutex>

namespace gpucompute {

// Nanoseconds of the monotonic clock, the same in all processes of the machine.
std::uint64_t host_now_ns() noexcept;

// Finds what to add to a device's time to get the host's.
//
// Each observation says: the device's clock showed `device` at some moment between two readings of the host's. The
// intervals that follow are cut with each other; as clocks drift, an old one grows by 100 ppm of its age, and one that
// contradicts a new one is forgotten.
class ClockOffset {
 public:
  void observe(std::uint64_t host_before, std::uint64_t host_after, std::uint64_t device) noexcept;
  bool known() const noexcept { return known_; }
  std::uint64_t to_host(std::uint64_t device) const noexcept;
  std::uint64_t uncertainty_ns() const noexcept { return known_ ? static_cast<std::uint64_t>(high_ - low_) / 2 : 0; }

 private:
  bool known_ = false;
  std::int64_t low_ = 0, high_ = 0;  // the offset is between these
  std::uint64_t last_ = 0;
};

// One device's clock. Where the driver reads both clocks at once (clGetDeviceAndHostTimer, OpenCL 2.1 and later, where
// it is more than a name), that is asked once a second; else the time at which a command says that it was queued must
// lie within the call that queued it.
class DeviceClock {
 public:
  DeviceClock(cl_device_id device, bool has_timer) noexcept : device_(device), has_timer_(has_timer) {}

  // Another command's queued time, and the call that queued it.
  void observe(std::uint64_t call_begin, std::uint64_t call_end, std::uint64_t queued) noexcept;
  std::uint64_t to_host(std::uint64_t device_ns) const noexcept;

 private:
  void read_timer() noexcept;

  const cl_device_id device_;
  mutable std::mutex mutex_;
  bool has_timer_;
  std::uint64_t timer_read_ = 0;
  ClockOffset offset_;
};

}  // namespace gpucompute
