#include "support/process.hpp"

#include <pthread.h>

#include <cstdlib>
#include <mutex>

#include "support/fail.hpp"

namespace gpucompute {

std::atomic<ProcessState> process_state{ProcessState::running};

namespace {

constexpr int drain_capacity = 8;
std::atomic<int> drain_count{0};
void (*drains[drain_capacity])() noexcept;

void in_child() { process_state.store(ProcessState::forked); }

void at_exit() {
  ProcessState running = ProcessState::running;
  if (!process_state.compare_exchange_strong(running, ProcessState::exiting)) return;
  for (int i = drain_count.load(); i > 0; --i) drains[i - 1]();
}

}  // namespace

void require_running() {
  switch (process_state.load(std::memory_order_relaxed)) {
    case ProcessState::running:
      return;
    case ProcessState::forked:
      fail(Status::forked,
           "this process was forked from one that had used OpenCL, which drivers do not survive; "
           "start it with exec or the multiprocessing method 'spawn'");
    case ProcessState::exiting:
      fail(Status::shutting_down, "the process is in exit()");
  }
}

void process_arm() {
  static std::once_flag once;
  std::call_once(once, [] {
    pthread_atfork(nullptr, nullptr, in_child);
    std::atexit(at_exit);
  });
}

void process_on_exit(void (*drain)() noexcept) noexcept {
  const int i = drain_count.load();
  if (i >= drain_capacity) return;
  drains[i] = drain;
  drain_count.store(i + 1);
}

}  // namespace gpucompute
