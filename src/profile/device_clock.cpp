#include "profile/device_clock.hpp"

#include <algorithm>
#include <chrono>

namespace gpucompute {
namespace {

constexpr std::uint64_t second = 1'000'000'000, slack = 1'000'000;

}  // namespace

std::uint64_t host_now_ns() noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

void ClockOffset::observe(std::uint64_t host_before, std::uint64_t host_after, std::uint64_t device) noexcept {
  // Unsigned and then signed: a device's clock may be far ahead of the host's, or near the end of its range.
  const auto low = static_cast<std::int64_t>(host_before - device);
  const auto high = static_cast<std::int64_t>(host_after - device);
  if (high < low) return;
  if (known_ && host_after > last_) {
    const auto drift = static_cast<std::int64_t>((host_after - last_) / 10000);
    low_ -= drift;
    high_ += drift;
  }
  last_ = std::max(last_, host_after);
  if (!known_ || low > high_ || high < low_) {
    low_ = low;
    high_ = high;
    known_ = true;
    return;
  }
  low_ = std::max(low_, low);
  high_ = std::min(high_, high);
}

std::uint64_t ClockOffset::to_host(std::uint64_t device) const noexcept {
  return device + static_cast<std::uint64_t>(low_ + (high_ - low_) / 2);
}

void DeviceClock::read_timer() noexcept {
  const std::uint64_t before = host_now_ns();
  if (timer_read_ && before - timer_read_ < second) return;
  cl_ulong device = 0, host = 0;
  if (clGetDeviceAndHostTimer(device_, &device, &host) != CL_SUCCESS) {
    has_timer_ = false;
    return;
  }
  const std::uint64_t after = host_now_ns();
  timer_read_ = after;
  offset_.observe(before, after, device);
}

void DeviceClock::observe(std::uint64_t call_begin, std::uint64_t call_end, std::uint64_t queued) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  if (has_timer_) {
    read_timer();
    // A driver may well give another clock than that of its events.
    const std::uint64_t told = offset_.known() ? offset_.to_host(queued) : 0;
    if (has_timer_ && told + slack >= call_begin && told <= call_end + slack) return;
    has_timer_ = false;
    offset_ = ClockOffset();
  }
  offset_.observe(call_begin, call_end, queued);
}

std::uint64_t DeviceClock::to_host(std::uint64_t device_ns) const noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  return offset_.to_host(device_ns);
}

}  // namespace gpucompute
