#include "support.hpp"

#include <CL/cl.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <thread>

using namespace capi_test;

namespace {

gpuc_event_state state_of(gpuc_event *event) {
  gpuc_event_state state = -1;
  OK(gpuc_event_get_state(event, &state));
  return state;
}

bool readable(int fd, int timeout_ms) {
  pollfd one{fd, POLLIN, 0};
  return poll(&one, 1, timeout_ms) == 1 && (one.revents & POLLIN);
}

// Oclgrind never runs what waits for a user event.
#define NEEDS_USER_EVENTS() \
  if (is_oclgrind()) SKIP_TEST("commands that wait for a user event never complete")

}  // namespace

TEST_SUITE("event") {
  TEST_CASE("waiting") {
    const Queue queue = queue_of(runtime().context);
    Event event;
    OK(gpuc_queue_marker_async(queue, nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    OK(gpuc_event_wait_for(event, 0));
    OK(gpuc_event_wait_for(event, UINT64_MAX));
    CHECK(state_of(event) == GPUC_EVENT_COMPLETE);
    gpuc_event *several[] = {event, event};
    OK(gpuc_event_wait_all(several, 2));
    OK(gpuc_event_wait_all(nullptr, 0));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_event_wait_all(nullptr, 1));
    gpuc_event *with_hole[] = {event, nullptr};
    FAILS(GPUC_ERROR_INVALID_HANDLE, gpuc_event_wait_all(with_hole, 2));
    SAYS("events[1]");
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_event_get_state(event, nullptr));
  }

  TEST_CASE("user events") {
    NEEDS_USER_EVENTS();
    const Queue queue = queue_of(runtime().context);
    const Event user = user_event(runtime().context);
    const Event marker = marker_after(queue, user);
    CHECK(state_of(marker) < GPUC_EVENT_COMPLETE);
    // documented: gpuc_event_wait_for GPUC_ERROR_TIMEOUT
    FAILS(GPUC_ERROR_TIMEOUT, gpuc_event_wait_for(marker, 0));
    const auto begin = std::chrono::steady_clock::now();
    FAILS(GPUC_ERROR_TIMEOUT, gpuc_event_wait_for(marker, 20000000));
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(20));
    FAILS(GPUC_ERROR_TIMEOUT, gpuc_event_wait_for(user, 1));

    // documented: gpuc_event_complete GPUC_ERROR_INVALID_ARGUMENT
    for (const int32_t code : {1, 3, INT32_MAX}) FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_event_complete(user, code));
    // documented: gpuc_event_complete GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_event_complete(marker, 0));
    OK(gpuc_event_complete(user, 0));
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_event_complete(user, 0));
    SAYS("completed before");
    OK(gpuc_event_wait(marker));
    CHECK(state_of(user) == GPUC_EVENT_COMPLETE);
    gpuc_event *none = user;
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_event_create_user(runtime().context, nullptr));
    FAILS(GPUC_ERROR_INVALID_HANDLE, gpuc_event_create_user(nullptr, &none));
    CHECK(none == nullptr);
  }

  TEST_CASE("commands that fail") {
    NEEDS_USER_EVENTS();
    const Queue queue = queue_of(runtime().context);
    const Event user = user_event(runtime().context);
    const Buffer buffer = buffer_of(runtime().context, 64);
    const std::vector<char> data(64, 'x');
    Event copy, good;
    gpuc_event *waits[] = {user};
    OK(gpuc_buffer_write_async(buffer, queue, 0, 64, data.data(), waits, 1, copy.out()));
    OK(gpuc_event_complete(user, -5));
    // documented: gpuc_event_wait GPUC_ERROR_EXECUTION_FAILED
    FAILS(GPUC_ERROR_EXECUTION_FAILED, gpuc_event_wait(copy));
    SAYS("a write");  // names the command
    // documented: gpuc_event_wait_for GPUC_ERROR_EXECUTION_FAILED
    FAILS(GPUC_ERROR_EXECUTION_FAILED, gpuc_event_wait_for(copy, 1000000000));
    SAYS("a write");
    CHECK(state_of(copy) == GPUC_EVENT_FAILED);
    CHECK(state_of(user) == GPUC_EVENT_FAILED);
    const Queue other = queue_of(runtime().context);
    OK(gpuc_queue_marker_async(other, nullptr, 0, good.out()));
    gpuc_event *all[] = {good, copy, user};
    // documented: gpuc_event_wait_all GPUC_ERROR_EXECUTION_FAILED
    FAILS(GPUC_ERROR_EXECUTION_FAILED, gpuc_event_wait_all(all, 3));
    SAYS("a write");  // the first that failed
    CHECK(state_of(good) == GPUC_EVENT_COMPLETE);
    uint64_t ended = 0;
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_event_get_times(copy, nullptr, nullptr, nullptr, &ended));
  }

  TEST_CASE("a user event that is released lets nothing wait for ever") {
    NEEDS_USER_EVENTS();
    const Queue queue = queue_of(runtime().context);
    Event user = user_event(runtime().context);
    const Event marker = marker_after(queue, user);
    user.reset();
    if (is_pocl()) {  // where failing it could end the process
      OK(gpuc_event_wait_for(marker, 600000000000));
    } else {
      FAILS(GPUC_ERROR_EXECUTION_FAILED, gpuc_event_wait(marker));
    }
  }

  TEST_CASE("times") {
    const Queue queue = queue_of(runtime().context, GPUC_QUEUE_PROFILING);
    const Buffer buffer = buffer_of(runtime().context, 4096);
    Event event;
    const int zero = 0;
    OK(gpuc_buffer_fill_async(buffer, queue, &zero, sizeof zero, 0, 4096, nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    uint64_t queued = 0, submitted = 0, started = 0, ended = 0;
    OK(gpuc_event_get_times(event, &queued, &submitted, &started, &ended));
    CHECK(queued <= submitted);
    CHECK(submitted <= started);
    CHECK(started <= ended);
    OK(gpuc_event_get_times(event, nullptr, nullptr, nullptr, nullptr));

    Event plain;
    OK(gpuc_queue_marker_async(runtime().queue, nullptr, 0, plain.out()));
    OK(gpuc_event_wait(plain));
    if (is_oclgrind()) {
      SKIP_PART("queues always keep times");
    } else {
      // documented: gpuc_event_get_times GPUC_ERROR_INVALID_STATE
      FAILS(GPUC_ERROR_INVALID_STATE, gpuc_event_get_times(plain, &queued, nullptr, nullptr, nullptr));
      SAYS("GPUC_QUEUE_PROFILING");
    }
    const Event user = user_event(runtime().context);
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_event_get_times(user, &queued, nullptr, nullptr, nullptr));
    OK(gpuc_event_complete(user, 0));
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_event_get_times(user, &queued, nullptr, nullptr, nullptr));
  }

  TEST_CASE("file descriptor") {
    NEEDS_USER_EVENTS();
    const Queue queue = queue_of(runtime().context);
    Event user = user_event(runtime().context);
    Event marker = marker_after(queue, user);
    int32_t fd = -1, another = -1, closed_early = -1;
    OK(gpuc_event_get_fd(marker, &fd));
    OK(gpuc_event_get_fd(marker, &another));
    OK(gpuc_event_get_fd(marker, &closed_early));
    CHECK(fd >= 0);
    CHECK(fd != another);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC));
    close(closed_early);
    CHECK_FALSE(readable(fd, 5));
    marker.reset();  // the descriptor does not need the event's handle
    OK(gpuc_event_complete(user, 0));
    CHECK(readable(fd, 5000));
    CHECK(readable(another, 5000));
    close(fd);
    close(another);

    // A failure makes it readable too.
    user = user_event(runtime().context);
    marker = marker_after(queue, user);
    OK(gpuc_event_get_fd(marker, &fd));
    OK(gpuc_event_complete(user, -5));
    CHECK(readable(fd, 5000));
    close(fd);
    // And so it is from the start for what is over.
    OK(gpuc_event_get_fd(user, &fd));
    CHECK(readable(fd, 5000));
    close(fd);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_event_get_fd(user, nullptr));

    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 0;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    fd = 7;
    const gpuc_status status = gpuc_event_get_fd(user, &fd);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    // documented: gpuc_event_get_fd GPUC_ERROR_FILE
    CHECK(named(status) == "GPUC_ERROR_FILE");
    CHECK(record_fault(status) == "");
    CHECK(fd == -1);
  }

  TEST_CASE("native handle") {
    Event event;
    OK(gpuc_queue_marker_async(runtime().queue, nullptr, 0, event.out()));
    void *native = nullptr;
    OK(gpuc_event_get_native(event, &native));
    auto raw = static_cast<cl_event>(native);
    CHECK(clWaitForEvents(1, &raw) == CL_SUCCESS);
    Event wrapped;
    OK(gpuc_event_from_native(runtime().context, raw, wrapped.out()));
    event.reset();
    OK(gpuc_event_wait(wrapped));
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_event_complete(wrapped, 0));
    const Context other = another_context();
    gpuc_event *none = wrapped;
    // documented: gpuc_event_from_native GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_event_from_native(other, raw, &none));
    CHECK(none == nullptr);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_event_from_native(other, nullptr, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_event_from_native(other, raw, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_event_get_native(wrapped, nullptr));
  }

  TEST_CASE("waits across queues") {
    // What another queue waits for is handed to the device.
    const Queue one = queue_of(runtime().context), two = queue_of(runtime().context);
    const Buffer buffer = buffer_of(runtime().context, 1024);
    const int pattern = 0x01020304;
    Event filled, read;
    OK(gpuc_buffer_fill_async(buffer, one, &pattern, 4, 0, 1024, nullptr, 0, filled.out()));
    std::vector<int> back(256, 0);
    gpuc_event *waits[] = {filled};
    OK(gpuc_buffer_read_async(buffer, two, 0, 1024, back.data(), waits, 1, read.out()));
    OK(gpuc_event_wait(read));
    CHECK(back == std::vector<int>(256, pattern));
  }

  TEST_CASE("references") {
    Event event = user_event(runtime().context);
    OK(gpuc_event_retain(event));
    gpuc_event_release(event);
    OK(gpuc_event_complete(event, 0));
    gpuc_event_release(nullptr);
  }
}
