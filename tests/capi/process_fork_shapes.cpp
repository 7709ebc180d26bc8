#include "process_child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace process_child {
namespace {

// Seconds, for what hangs; no machine is so busy that what does not would take as long.
constexpr unsigned limit = 300;

int wait_for(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// documented: common GPUC_ERROR_FORKED
[[noreturn]] void in_forked_child(bool release, bool orderly) {
  alarm(limit);
  failures = 0;  // the parent counts its own
  expect_everywhere(GPUC_ERROR_FORKED);
  if (std::string(gpuc_last_error_message()).find("fork") == std::string::npos)
    wrong("the message does not tell of the fork");
  if (release) {
    release_all();
    expect_everywhere(GPUC_ERROR_FORKED);
  }
  if (orderly) std::exit(failures ? 1 : 0);
  std::fflush(stdout);
  _exit(failures ? 1 : 0);
}

void fork_once(bool release, bool orderly, bool busy) {
  make_all();
  if (busy) start_kernel(20000);
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) in_forked_child(release, orderly);
  if (const int status = wait_for(child)) wrong("the child ends with " + std::to_string(status));
  // The parent goes on.
  EXPECT(GPUC_OK, gpuc_queue_finish(o.queue));
  EXPECT(GPUC_OK, gpuc_buffer_read(o.large, o.queue, 0, large_size, large_host));
  release_all();
}

// Each thread has had a round before the first fork: a driver that still loads compiled kernels registers functions for
// the end of the process, and glibc's lock of these, taken at a fork, keeps the child's exit() waiting for ever.
void fork_among_threads() {
  make_all();
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      unsigned char host[64];
      while (!stop) {
        gpuc_buffer *buffer = nullptr;
        gpuc_buffer_create(o.context, 64, 0, &buffer);
        gpuc_buffer_read(buffer, o.queue, 0, 64, host);
        gpuc_buffer_write(o.large, o.queue, 0, large_size, large_host);
        gpuc_buffer_release(buffer);
        ++rounds;
      }
    });
  while (rounds < 12) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) in_forked_child(i % 2 == 0, i % 4 < 2);
    if (const int status = wait_for(child))
      wrong("child " + std::to_string(i) + " ends with " + std::to_string(status));
  }
  stop = true;
  for (std::thread &thread : threads) thread.join();
}

void fork_before_use() {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(limit);
    make_all();
    EXPECT(GPUC_OK, gpuc_buffer_read(o.large, o.queue, 0, large_size, large_host));
    release_all();
    std::exit(failures ? 1 : 0);
  }
  if (const int status = wait_for(child)) wrong("the child ends with " + std::to_string(status));
  make_all();
  release_all();
}

// Twice, as what becomes a daemon does; the parents in between end in an orderly way.
void fork_twice() {
  make_all();
  start_kernel(20000);
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(limit);
    const pid_t grandchild = fork();
    if (grandchild == 0) in_forked_child(true, true);
    if (const int status = wait_for(grandchild)) wrong("the grandchild ends with " + std::to_string(status));
    std::exit(failures ? 1 : 0);
  }
  if (const int status = wait_for(child)) wrong("the child ends with " + std::to_string(status));
}

// The child of a thread has that thread alone.
void fork_in_thread() {
  make_all();
  start_kernel(20000);
  std::thread([] {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) in_forked_child(true, true);
    if (const int status = wait_for(child)) wrong("the child ends with " + std::to_string(status));
  }).join();
  release_all();
}

// In the middle of a call of the library.
void fork_in_log() {
  make_all();
  static bool forked = false;
  const auto sink = [](void *, gpuc_log_level, const char *) {
    if (forked) return;
    forked = true;
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) in_forked_child(true, false);
    if (const int status = wait_for(child)) wrong("the child ends with " + std::to_string(status));
  };
  EXPECT(GPUC_OK, gpuc_log_set(sink, nullptr, GPUC_LOG_DEBUG));
  gpuc_program *program = nullptr;
  EXPECT(GPUC_OK, gpuc_program_create_from_source(o.context, source, GPUC_NUL_TERMINATED, nullptr, &program));
  EXPECT(GPUC_OK, gpuc_log_set(nullptr, nullptr, GPUC_LOG_OFF));
  if (!forked) wrong("nothing was logged");
  gpuc_program_release(program);
  release_all();
}

// What is started with exec after the fork has nothing of its parent's.
void fork_exec() {
  make_all();
  start_kernel(20000);
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(limit);
    execl("/proc/self/exe", "capi_process_child", "copies", static_cast<char *>(nullptr));
    _exit(127);
  }
  if (const int status = wait_for(child)) wrong("the child ends with " + std::to_string(status));
}

void fork_at_exit() {
  std::atexit([] {
    const pid_t child = fork();
    if (child == 0) {
      alarm(limit);
      release_all();
      _exit(gpuc_queue_finish(o.queue) == GPUC_OK ? 1 : 0);
    }
    if (const int status = wait_for(child)) wrong("the child ends with " + std::to_string(status));
    if (failures) _exit(1);
  });
  make_all();
  start_kernel(20000);
}

}  // namespace

bool fork_shape(const std::string &shape) {
  if (shape == "fork")
    fork_once(true, true, false);
  else if (shape == "fork_busy")
    fork_once(true, true, true);
  else if (shape == "fork_no_release")
    fork_once(false, true, true);
  else if (shape == "fork_underscore_exit")
    fork_once(true, false, false);
  else if (shape == "fork_among_threads")
    fork_among_threads();
  else if (shape == "fork_before_use")
    fork_before_use();
  else if (shape == "fork_twice")
    fork_twice();
  else if (shape == "fork_in_thread")
    fork_in_thread();
  else if (shape == "fork_in_log")
    fork_in_log();
  else if (shape == "fork_exec")
    fork_exec();
  else if (shape == "fork_at_exit")
    fork_at_exit();
  else
    return false;
  return true;
}

}  // namespace process_child
