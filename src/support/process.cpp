#include "support/process.hpp"

#include <pthread.h>

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "support/fail.hpp"

namespace gpucompute {

std::atomic<ProcessState> process_state{ProcessState::running};

namespace {

constexpr int drain_capacity = 8;
std::mutex drain_mutex;
int drain_count = 0;
void (*drains[drain_capacity])() noexcept;

std::atomic<int> at_work{0};

void end_background_work() noexcept {
  process_state.store(ProcessState::ended);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (at_work.load() != 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::microseconds(50));
}

// glibc's lock of what atexit() keeps: taken by one thread while another forks, it stays taken in the child, whose
// exit() then waits for it for ever. So no fork happens while we are in atexit().
std::mutex arming;

void before_fork() { arming.lock(); }
void in_parent() { arming.unlock(); }
void in_child() {
  arming.unlock();
  process_state.store(ProcessState::forked);
}

void run_drains() noexcept {
  std::unique_lock<std::mutex> lock(drain_mutex);
  for (int i = drain_count; i > 0; --i) {
    const auto drain = drains[i - 1];
    lock.unlock();
    drain();
    lock.lock();
  }
}

void at_exit() {
  ProcessState running = ProcessState::running;
  if (!process_state.compare_exchange_strong(running, ProcessState::exiting)) return;
  // On a thread of its own: the thread-local objects of the one in exit() are gone, and some drivers have such (seen
  // with Oclgrind, whose heap is damaged by any call from here).
  try {
    std::thread(run_drains).join();
  } catch (...) {  // no thread to be had: better no drain than one that may crash
  }
  end_background_work();
}

}  // namespace

BackgroundWork::BackgroundWork() noexcept {
  at_work.fetch_add(1);
  const ProcessState state = process_state.load();
  allowed_ = state == ProcessState::running || state == ProcessState::exiting;
  if (!allowed_) at_work.fetch_sub(1);
}

BackgroundWork::~BackgroundWork() {
  if (allowed_) at_work.fetch_sub(1);
}

void rest_of_process() noexcept {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

void require_running() {
  switch (process_state.load(std::memory_order_relaxed)) {
    case ProcessState::running:
      return;
    case ProcessState::forked:
      fail(Status::forked,
           "this process was forked from one that had used OpenCL, which drivers do not survive; "
           "start it with exec or the multiprocessing method 'spawn'");
    case ProcessState::exiting:
    case ProcessState::ended:
      fail(Status::shutting_down, "the process is in exit()");
  }
}

void process_arm() {
  static std::once_flag once;
  std::call_once(once, [] {
    pthread_atfork(before_fork, in_parent, in_child);
    std::lock_guard<std::mutex> lock(arming);
    std::atexit(at_exit);
  });
}

void process_arm_again() noexcept {
  static std::atomic<int> left{64};
  if (left.load(std::memory_order_relaxed) <= 0 || left.fetch_sub(1) <= 0) return;
  std::lock_guard<std::mutex> lock(arming);
  std::atexit(at_exit);
}

void process_on_exit(void (*drain)() noexcept) noexcept {
  std::lock_guard<std::mutex> lock(drain_mutex);
  if (drain_count < drain_capacity) drains[drain_count++] = drain;
}

}  // namespace gpucompute
