#include "runtime/event_watcher.hpp"

#include <unistd.h>

#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "runtime/backoff.hpp"
#include "support/process.hpp"

namespace gpucompute {
namespace {

struct Watched {
  std::shared_ptr<Event> event;
  int fd;
};

// What is watched moves from list to list, which needs no memory: the thread has nobody to tell that there is none.
class Watcher {
 public:
  void add(Watched watched) {
    std::list<Watched> one;
    one.push_back(std::move(watched));
    std::unique_lock<std::mutex> lock(mutex_);
    if (!running_) {
      std::thread([this] { run(); }).detach();
      running_ = true;
    }
    incoming_.splice(incoming_.end(), one);
    lock.unlock();
    wake_.notify_one();
  }

 private:
  void run() noexcept {
    std::list<Watched> watched;
    Backoff backoff;
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        if (watched.empty() && incoming_.empty()) wake_.wait(lock, [this] { return !incoming_.empty(); });
        if (!incoming_.empty()) backoff = Backoff();
        watched.splice(watched.end(), incoming_);
      }
      for (auto one = watched.begin(); one != watched.end();) {
        const BackgroundWork work;
        if (!work) rest_of_process();
        const auto seen = one++;
        if (!over(*seen->event)) continue;
        backoff = Backoff();
        signal(seen->fd);
        watched.erase(seen);
      }
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
  std::list<Watched> incoming_;
  bool running_ = false;
};

}  // namespace

void watch(std::shared_ptr<Event> event, int eventfd) {
  static auto *const watcher = new Watcher;  // its thread runs until the process ends
  watcher->add({std::move(event), eventfd});
}

}  // namespace gpucompute
