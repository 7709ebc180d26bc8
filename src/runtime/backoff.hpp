// Waiting by looking: first often, then less and less, up to once a millisecond.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace gpucompute {

class Backoff {
 public:
  void pause() {
    if (rounds_ < 64) {
      ++rounds_;
      std::this_thread::yield();
      return;
    }
    std::this_thread::sleep_for(delay_);
    delay_ = std::min(delay_ * 2, std::chrono::microseconds(1000));
  }

 private:
  int rounds_ = 0;
  std::chrono::microseconds delay_{10};
};

}  // namespace gpucompute
