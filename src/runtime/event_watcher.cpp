#include "runtime/event_watcher.hpp"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/backoff.hpp"
#include "support/process.hpp"

namespace gpucompute {
namespace {

struct Watched {
  std::shared_ptr<Event> event;
  int fd;
};

class Watcher {
 public:
  void add(Watched watched) {
    std::unique_lock<std::mutex> lock(mutex_);
    incoming_.push_back(std::move(watched));
    if (!running_) {
      std::thread([this] { run(); }).detach();
      running_ = true;
    }
    lock.unlock();
    wake_.notify_one();
  }

 private:
  void run() {
    std::vector<Watched> watched;
    Backoff backoff;
    while (process_running()) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        if (watched.empty() && incoming_.empty()) wake_.wait(lock, [this] { return !incoming_.empty(); });
        if (!incoming_.empty()) backoff = Backoff();
        for (Watched &one : incoming_) watched.push_back(std::move(one));
        incoming_.clear();
      }
      const auto pending =
          std::partition(watched.begin(), watched.end(), [](const Watched &one) { return !over(*one.event); });
      if (pending != watched.end()) backoff = Backoff();
      for (auto one = pending; one != watched.end(); ++one) signal(one->fd);
      watched.erase(pending, watched.end());
      if (!watched.empty()) backoff.pause();
    }
  }

  static bool over(const Event &event) {
    try {
      const EventState state = event.state();
      return state == EventState::complete || state == EventState::failed;
    } catch (...) {
      return true;  // the driver no longer knows it: whoever waits must be woken to find out
    }
  }

  static void signal(int fd) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(fd, &one, sizeof one);
    close(fd);
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Watched> incoming_;
  bool running_ = false;
};

}  // namespace

void watch(std::shared_ptr<Event> event, int eventfd) {
  static auto *const watcher = new Watcher;  // its thread runs until the process ends
  watcher->add({std::move(event), eventfd});
}

}  // namespace gpucompute
