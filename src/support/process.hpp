// What the process as a whole is doing: running, a forked child, or in exit(), before and after our last work there.
#pragma once

#include <atomic>

namespace gpucompute {

enum class ProcessState : int { running = 0, forked = 1, exiting = 2, ended = 3 };

extern std::atomic<ProcessState> process_state;

// False in a forked child and during exit: OpenCL must not be called any more, not even to release.
inline bool process_running() noexcept {
  return process_state.load(std::memory_order_relaxed) == ProcessState::running;
}

// Also true while exit waits for what is under way: threads that work at that go on, and only they.
inline bool driver_remains() noexcept {
  const ProcessState state = process_state.load(std::memory_order_relaxed);
  return state == ProcessState::running || state == ProcessState::exiting;
}

// Our own threads call drivers, or touch memory of theirs, only while one of these lives and is true. The end of exit's
// work makes all that come later false, and waits for those that live, a second at most: a driver that is taken down
// completes what such a thread waits for, and what it would do then finds nothing.
class BackgroundWork {
 public:
  BackgroundWork() noexcept;
  BackgroundWork(const BackgroundWork &) = delete;
  BackgroundWork &operator=(const BackgroundWork &) = delete;
  ~BackgroundWork();
  explicit operator bool() const noexcept { return allowed_; }

 private:
  bool allowed_;
};

// Where such a thread stays when it is false: to end a thread, too, may call into a driver.
[[noreturn]] void rest_of_process() noexcept;

// Throws Error(forked or shutting_down) unless the process is running.
void require_running();

// Installs the fork and exit hooks, once. Called right after the drivers are loaded, so that ours run before theirs.
void process_arm();

// Installs the exit hook once more, 64 times at most; call after the first commands of a queue. A driver's compiler
// registers its clean-up when it is first used, which would run before ours and take away what a kernel that is still
// being compiled needs.
void process_arm_again() noexcept;

// Adds a function to be run at exit, after new calls are refused, in reverse order, on a thread of its
// own. At most 8; never removed.
void process_on_exit(void (*drain)() noexcept) noexcept;

}  // namespace gpucompute
