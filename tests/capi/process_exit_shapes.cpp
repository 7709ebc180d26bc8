#include "process_child.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <thread>
#include <vector>

namespace process_child {
namespace {

// documented: common GPUC_ERROR_SHUTTING_DOWN
void calls_at_exit() {
  expect_everywhere(GPUC_ERROR_SHUTTING_DOWN);
  release_all();
  if (failures) _exit(1);
}

// Copies that exit finds under way, one behind the other: it waits for them.
std::vector<unsigned char> arrived;

void check_arrived() {
  if (!std::equal(arrived.begin(), arrived.end(), large_host)) wrong("exit did not wait for the copies");
  if (failures) _exit(1);
}

// Ends the process in the middle of a call of the library.
void exit_in_log() {
  const auto sink = [](void *, gpuc_log_level, const char *) { std::exit(failures ? 1 : 0); };
  EXPECT(GPUC_OK, gpuc_log_set(sink, nullptr, GPUC_LOG_DEBUG));
  gpuc_program *program = nullptr;
  EXPECT(GPUC_OK, gpuc_program_create_from_source(o.context, source, GPUC_NUL_TERMINATED, nullptr, &program));
  wrong("nothing was logged");
}

}  // namespace

bool exit_shape(const std::string &shape) {
  static const char *const shapes[] = {"running_kernel",
                                       "released_running_kernel",
                                       "copies",
                                       "copies_arrive",
                                       "never_released",
                                       "second_thread",
                                       "busy_threads",
                                       "release_at_exit",
                                       "release_before_library_exit",
                                       "call_at_exit",
                                       "busy_call_at_exit",
                                       "watched_event",
                                       "blocked",
                                       "blocked_copy",
                                       "gemm",
                                       "exit_in_log",
                                       "quick_exit",
                                       "profile"};
  if (std::find(std::begin(shapes), std::end(shapes), shape) == std::end(shapes)) return false;
  if (shape == "call_at_exit" || shape == "busy_call_at_exit")
    std::atexit(calls_at_exit);  // before the library's: runs after
  if (shape == "release_at_exit") std::atexit(release_all);
  if (shape == "copies_arrive") std::atexit(check_arrived);  // after the library's work at exit
  make_all();
  if (shape == "release_before_library_exit") std::atexit(release_all);  // after the library's: runs before
  if (shape == "running_kernel" || shape == "busy_call_at_exit") start_kernel(100000);
  if (shape == "released_running_kernel") {
    start_kernel(100000);
    release_all();
  }
  if (shape == "copies" || shape == "release_at_exit" || shape == "release_before_library_exit") {
    for (int i = 0; i < 8; ++i) {
      gpuc_event *event = nullptr;
      EXPECT(GPUC_OK, gpuc_buffer_write_async(o.large, o.queue, 0, large_size, large_host, nullptr, 0,
                                              i % 2 ? &event : nullptr));
      EXPECT(GPUC_OK, gpuc_buffer_read_async(o.large, o.queue, 0, large_size, large_host, nullptr, 0, nullptr));
    }
    EXPECT(GPUC_OK, gpuc_queue_flush(o.queue));
  }
  if (shape == "copies_arrive") {
    for (std::size_t i = 0; i < large_size; ++i) large_host[i] = static_cast<unsigned char>(i * 7 + i / 256);
    arrived.assign(large_size, 0);
    EXPECT(GPUC_OK, gpuc_buffer_write_async(o.large, o.queue, 0, large_size, large_host, nullptr, 0, nullptr));
    EXPECT(GPUC_OK, gpuc_buffer_read_async(o.large, o.queue, 0, large_size, arrived.data(), nullptr, 0, nullptr));
  }
  if (shape == "watched_event" || shape == "blocked" || shape == "blocked_copy") {
    // Work that will never run: exit waits for two seconds at most.
    gpuc_event *user = nullptr, *blocked = nullptr;
    int32_t fd = -1;
    EXPECT(GPUC_OK, gpuc_event_create_user(o.context, &user));
    if (shape == "blocked_copy")
      EXPECT(GPUC_OK, gpuc_buffer_read_async(o.large, o.queue, 0, large_size, large_host, &user, 1, &blocked));
    else
      EXPECT(GPUC_OK, gpuc_buffer_write_async(o.buffer, o.queue, 0, 4096, large_host, &user, 1, &blocked));
    if (shape == "watched_event") EXPECT(GPUC_OK, gpuc_event_get_fd(blocked, &fd));
    if (shape == "watched_event") EXPECT(GPUC_OK, gpuc_event_complete(user, 0));
  }
  if (shape == "second_thread") {
    start_kernel(50000);
    std::thread([] { std::exit(failures ? 1 : 0); }).detach();
    // Meanwhile the first thread is in the library.
    unsigned char host[64];
    for (;;) gpuc_buffer_read(o.buffer, o.queue, 0, 64, host);
  }
  if (shape == "busy_threads") {
    for (int i = 0; i < 3; ++i)
      std::thread([] {
        unsigned char host[64];
        for (;;) {
          gpuc_buffer *buffer = nullptr;
          gpuc_buffer_create(o.context, 64, 0, &buffer);
          gpuc_buffer_read(buffer, o.queue, 0, 64, host);
          gpuc_buffer_release(buffer);
        }
      }).detach();
    usleep(20000);
  }
  if (shape == "gemm") {
    gpuc_gemm_desc desc{};
    EXPECT(GPUC_OK, gpuc_gemm_desc_init(&desc, sizeof desc));
    desc.m = desc.n = desc.k = 16;
    gpuc_buffer *c = nullptr;
    EXPECT(GPUC_OK, gpuc_buffer_create(o.context, 4096, 0, &c));
    EXPECT(GPUC_OK, gpuc_gemm(o.queue, &desc, o.buffer, o.large, c, nullptr, 0, nullptr));
  }
  if (shape == "exit_in_log") {
    start_kernel(50000);
    exit_in_log();
  }
  if (shape == "quick_exit") {
    start_kernel(50000);
    std::quick_exit(failures ? 1 : 0);
  }
  if (shape == "profile") {
    // Recorded to the very end, and never stopped.
    gpuc_profile *profile = nullptr;
    EXPECT(GPUC_OK, gpuc_profile_start(nullptr, &profile));
    for (int i = 0; i < 4; ++i)
      EXPECT(GPUC_OK, gpuc_buffer_write_async(o.large, o.queue, 0, large_size, large_host, nullptr, 0, nullptr));
    start_kernel(50000);
  }
  return true;
}

}  // namespace process_child
