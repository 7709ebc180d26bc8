#include "support.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

using namespace capi_test;

namespace {

constexpr uint64_t minute = 60000000000;

Profile start(uint64_t max_records = 1000) {
  gpuc_profile_options options = profile_options_init();
  options.max_records = max_records;
  Profile profile;
  OK(gpuc_profile_start(&options, profile.out()));
  return profile;
}

uint64_t number(gpuc_profile *profile, gpuc_profile_number key) {
  uint64_t value = UINT64_MAX;
  OK(gpuc_profile_get_number(profile, key, &value));
  return value;
}

uint64_t row_number(gpuc_profile *profile, size_t row, gpuc_row_number key) {
  uint64_t value = UINT64_MAX;
  OK(gpuc_profile_get_row_number(profile, row, key, &value));
  return value;
}

uint64_t record_number(gpuc_profile *profile, size_t record, gpuc_record_number key) {
  uint64_t value = UINT64_MAX;
  OK(gpuc_profile_get_record_number(profile, record, key, &value));
  return value;
}

std::string row_text(gpuc_profile *profile, size_t row, gpuc_profile_string key) {
  return check_string_result([&](char *buf, size_t capacity, size_t *needed) {
    return gpuc_profile_get_row_string(profile, row, key, buf, capacity, needed);
  });
}

std::string record_text(gpuc_profile *profile, size_t record, gpuc_profile_string key) {
  return check_string_result([&](char *buf, size_t capacity, size_t *needed) {
    return gpuc_profile_get_record_string(profile, record, key, buf, capacity, needed);
  });
}

// Three launches and a copy of 256 bytes to the host, on a queue of its own.
Profile profile_of_work() {
  Profile profile = start();
  const Queue queue = queue_of(runtime().context);
  const Buffer buffer = buffer_of(runtime().context, 256);
  const Kernel kernel = kernel_named("fill_value");
  const gpuc_arg args[] = {buffer_arg(buffer), i32_arg(7)};
  gpuc_launch launch = launch_1d(64);
  launch.local[0] = 1;
  for (int i = 0; i < 3; ++i) OK(gpuc_kernel_launch(kernel, queue, &launch, args, 2, nullptr, 0, nullptr));
  std::vector<unsigned char> host(256);
  OK(gpuc_buffer_read(buffer, queue, 0, 256, host.data()));
  OK(gpuc_profile_stop(profile, minute));
  return profile;
}

}  // namespace

TEST_SUITE("profile") {
  TEST_CASE("rows and records") {
    const Profile profile = profile_of_work();
    CHECK(number(profile, GPUC_PROFILE_ROWS) == 2);
    CHECK(number(profile, GPUC_PROFILE_RECORDS) == 4);
    CHECK(number(profile, GPUC_PROFILE_DROPPED) == 0);
    CHECK(number(profile, GPUC_PROFILE_UNFINISHED) == 0);
    CHECK(number(profile, GPUC_PROFILE_DURATION_NS) > 0);
    const bool kernel_first = row_number(profile, 0, GPUC_ROW_OPERATION) == GPUC_OPERATION_KERNEL;
    const size_t kernel = kernel_first ? 0 : 1, read = 1 - kernel;
    CHECK(row_text(profile, kernel, GPUC_PROFILE_NAME) == "fill_value");
    CHECK(row_text(profile, kernel, GPUC_PROFILE_OPERATION) == "kernel");
    CHECK(row_text(profile, kernel, GPUC_PROFILE_DEVICE) == device_text(GPUC_DEVICE_NAME));
    CHECK(row_number(profile, kernel, GPUC_ROW_COUNT) == 3);
    CHECK(row_number(profile, kernel, GPUC_ROW_TIMED) == 3);
    CHECK(row_number(profile, kernel, GPUC_ROW_FAILED) == 0);
    CHECK(row_number(profile, kernel, GPUC_ROW_BYTES) == 0);
    CHECK(row_number(profile, kernel, GPUC_ROW_TIMED_BYTES) == 0);
    CHECK(row_number(profile, kernel, GPUC_ROW_HOST_NS) > 0);
    CHECK(row_text(profile, read, GPUC_PROFILE_NAME) == "read");
    CHECK(row_number(profile, read, GPUC_ROW_OPERATION) == GPUC_OPERATION_READ);
    CHECK(row_number(profile, read, GPUC_ROW_BYTES) == 256);
    CHECK(row_number(profile, read, GPUC_ROW_TIMED_BYTES) == 256);
    for (const size_t row : {kernel, read}) {
      CHECK(row_number(profile, row, GPUC_ROW_CLOCK) == GPUC_CLOCK_DEVICE);
      const uint64_t total = row_number(profile, row, GPUC_ROW_TOTAL_NS);
      const uint64_t least = row_number(profile, row, GPUC_ROW_MIN_NS);
      const uint64_t mean = row_number(profile, row, GPUC_ROW_MEAN_NS);
      const uint64_t most = row_number(profile, row, GPUC_ROW_MAX_NS);
      CHECK(least <= mean);
      CHECK(mean <= most);
      CHECK(most <= total);
      CHECK(total / row_number(profile, row, GPUC_ROW_TIMED) == mean);
    }
    CHECK(row_number(profile, 0, GPUC_ROW_TOTAL_NS) >= row_number(profile, 1, GPUC_ROW_TOTAL_NS));

    uint64_t before = 0;
    for (size_t i = 0; i < 4; ++i) {
      const bool is_kernel = i < 3;
      CHECK(record_text(profile, i, GPUC_PROFILE_NAME) == (is_kernel ? "fill_value" : "read"));
      CHECK(record_text(profile, i, GPUC_PROFILE_OPERATION) == (is_kernel ? "kernel" : "read"));
      CHECK(record_text(profile, i, GPUC_PROFILE_DEVICE) == device_text(GPUC_DEVICE_NAME));
      CHECK(record_text(profile, i, GPUC_PROFILE_THREAD) != "");
      CHECK(record_number(profile, i, GPUC_RECORD_OPERATION) ==
            uint64_t(is_kernel ? GPUC_OPERATION_KERNEL : GPUC_OPERATION_READ));
      CHECK(record_number(profile, i, GPUC_RECORD_QUEUE) > 0);
      CHECK(record_number(profile, i, GPUC_RECORD_THREAD) == uint64_t(getpid()));
      const uint64_t call = record_number(profile, i, GPUC_RECORD_CALL_BEGIN_NS);
      const uint64_t begin = record_number(profile, i, GPUC_RECORD_BEGIN_NS);
      const uint64_t end = record_number(profile, i, GPUC_RECORD_END_NS);
      CHECK(call >= before);
      CHECK(record_number(profile, i, GPUC_RECORD_CALL_END_NS) >= call);
      CHECK(begin >= call);
      CHECK(end - begin == record_number(profile, i, GPUC_RECORD_DURATION_NS));
      CHECK(record_number(profile, i, GPUC_RECORD_CLOCK) == GPUC_CLOCK_DEVICE);
      CHECK(record_number(profile, i, GPUC_RECORD_BYTES) == (is_kernel ? 0 : 256));
      CHECK(record_number(profile, i, GPUC_RECORD_CL_CODE) == 0);
      CHECK(record_number(profile, i, GPUC_RECORD_DIMS) == (is_kernel ? 1 : 0));
      CHECK(record_number(profile, i, GPUC_RECORD_GLOBAL_X) == (is_kernel ? 64 : 0));
      CHECK(record_number(profile, i, GPUC_RECORD_GLOBAL_Y) == 0);
      CHECK(record_number(profile, i, GPUC_RECORD_GLOBAL_Z) == 0);
      CHECK(record_number(profile, i, GPUC_RECORD_LOCAL_X) == (is_kernel ? 1 : 0));
      CHECK(record_number(profile, i, GPUC_RECORD_LOCAL_Y) == 0);
      CHECK(record_number(profile, i, GPUC_RECORD_LOCAL_Z) == 0);
      before = call;
    }
    const std::string report = check_string_result([&](char *buf, size_t capacity, size_t *needed) {
      return gpuc_profile_report(profile, buf, capacity, needed);
    });
    CHECK(report.find("fill_value") != std::string::npos);
  }

  TEST_CASE("wrong keys and places") {
    const Profile profile = profile_of_work();
    uint64_t value = 77;
    char text[64];
    size_t needed = 0;
    for (const int32_t key : {0, -1, 99}) {
      // documented: gpuc_profile_get_number GPUC_ERROR_INVALID_ARGUMENT
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_profile_get_number(profile, key, &value));
      SAYS("key is " + std::to_string(key));
      // documented: gpuc_profile_get_row_number GPUC_ERROR_INVALID_ARGUMENT
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_profile_get_row_number(profile, 0, key, &value));
      // documented: gpuc_profile_get_record_number GPUC_ERROR_INVALID_ARGUMENT
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_profile_get_record_number(profile, 0, key, &value));
      // documented: gpuc_profile_get_row_string GPUC_ERROR_INVALID_ARGUMENT
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_profile_get_row_string(profile, 0, key, text, sizeof text, &needed));
      // documented: gpuc_profile_get_record_string GPUC_ERROR_INVALID_ARGUMENT
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_profile_get_record_string(profile, 0, key, text, sizeof text, &needed));
    }
    FAILS(GPUC_ERROR_INVALID_ARGUMENT,
          gpuc_profile_get_row_string(profile, 0, GPUC_PROFILE_THREAD, text, sizeof text, &needed));
    for (const size_t place : {size_t(4), SIZE_MAX}) {
      // documented: gpuc_profile_get_row_number GPUC_ERROR_OUT_OF_RANGE
      FAILS(GPUC_ERROR_OUT_OF_RANGE, gpuc_profile_get_row_number(profile, place, GPUC_ROW_COUNT, &value));
      SAYS("the profile has 2 rows");
      // documented: gpuc_profile_get_row_string GPUC_ERROR_OUT_OF_RANGE
      FAILS(GPUC_ERROR_OUT_OF_RANGE,
            gpuc_profile_get_row_string(profile, place, GPUC_PROFILE_NAME, text, sizeof text, &needed));
      // documented: gpuc_profile_get_record_number GPUC_ERROR_OUT_OF_RANGE
      FAILS(GPUC_ERROR_OUT_OF_RANGE, gpuc_profile_get_record_number(profile, place, GPUC_RECORD_DIMS, &value));
      SAYS("the profile has 4 records");
      // documented: gpuc_profile_get_record_string GPUC_ERROR_OUT_OF_RANGE
      FAILS(GPUC_ERROR_OUT_OF_RANGE,
            gpuc_profile_get_record_string(profile, place, GPUC_PROFILE_NAME, text, sizeof text, &needed));
    }
    // documented: gpuc_profile_get_row_string GPUC_ERROR_BUFFER_TOO_SMALL
    FAILS(GPUC_ERROR_BUFFER_TOO_SMALL, gpuc_profile_get_row_string(profile, 0, GPUC_PROFILE_NAME, text, 1, &needed));
    // documented: gpuc_profile_get_record_string GPUC_ERROR_BUFFER_TOO_SMALL
    FAILS(GPUC_ERROR_BUFFER_TOO_SMALL, gpuc_profile_get_record_string(profile, 0, GPUC_PROFILE_NAME, text, 1, &needed));
    // documented: gpuc_profile_report GPUC_ERROR_BUFFER_TOO_SMALL
    FAILS(GPUC_ERROR_BUFFER_TOO_SMALL, gpuc_profile_report(profile, text, 1, &needed));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_profile_get_number(profile, GPUC_PROFILE_ROWS, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_profile_get_row_number(profile, 0, GPUC_ROW_COUNT, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_profile_get_record_number(profile, 0, GPUC_RECORD_DIMS, nullptr));
    CHECK(value == 77);
  }

  TEST_CASE("states") {
    const Profile profile = start();
    uint64_t value = 0;
    char text[64];
    size_t needed = 0;
    // documented: gpuc_profile_get_number GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_profile_get_number(profile, GPUC_PROFILE_ROWS, &value));
    SAYS("still running");
    // documented: gpuc_profile_get_row_number GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_profile_get_row_number(profile, 0, GPUC_ROW_COUNT, &value));
    // documented: gpuc_profile_get_row_string GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE,
          gpuc_profile_get_row_string(profile, 0, GPUC_PROFILE_NAME, text, sizeof text, &needed));
    // documented: gpuc_profile_get_record_number GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_profile_get_record_number(profile, 0, GPUC_RECORD_DIMS, &value));
    // documented: gpuc_profile_get_record_string GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE,
          gpuc_profile_get_record_string(profile, 0, GPUC_PROFILE_NAME, text, sizeof text, &needed));
    // documented: gpuc_profile_report GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_profile_report(profile, text, sizeof text, &needed));
    // documented: gpuc_profile_write_trace GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_profile_write_trace(profile, "/nonexistent/x"));
    OK(gpuc_profile_stop(profile, 0));
    // documented: gpuc_profile_stop GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_profile_stop(profile, 0));
    SAYS("stopped before");
    // documented: gpuc_profile_write_trace GPUC_ERROR_FILE
    FAILS(GPUC_ERROR_FILE, gpuc_profile_write_trace(profile, "/nonexistent/x"));
    SAYS("/nonexistent/x");
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_profile_write_trace(profile, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_profile_start(nullptr, nullptr));
    gpuc_profile *none = profile;
    gpuc_profile_options options = profile_options_init();
    options.flags = 1;
    // documented: gpuc_profile_start GPUC_ERROR_INVALID_ARGUMENT
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_profile_start(&options, &none));
    SAYS("flags");
    CHECK(none == nullptr);
    Profile by_default;
    OK(gpuc_profile_start(nullptr, by_default.out()));
    OK(gpuc_profile_retain(by_default));
    gpuc_profile_release(by_default);
    OK(gpuc_profile_stop(by_default, 0));
    gpuc_profile_release(nullptr);
  }

  TEST_CASE("commands that never end") {
    if (is_oclgrind()) SKIP_TEST("commands that wait for a user event never complete");
    const Profile profile = start();
    const Queue queue = queue_of(runtime().context);
    const Buffer buffer = buffer_of(runtime().context, 256);
    const Event gate = user_event(runtime().context);
    gpuc_event *waits[] = {gate};
    const unsigned char one = 1;
    OK(gpuc_buffer_fill_async(buffer, queue, &one, 1, 0, 256, waits, 1, nullptr));
    OK(gpuc_profile_stop(profile, 1000000));
    CHECK(number(profile, GPUC_PROFILE_UNFINISHED) == 1);
    CHECK(number(profile, GPUC_PROFILE_ROWS) == 0);
    OK(gpuc_event_complete(gate, 0));
    OK(gpuc_queue_finish(queue));
  }

  TEST_CASE("a trace") {
    const Profile profile = profile_of_work();
    char name[] = "/tmp/gpuc_trace_XXXXXX";
    const int fd = mkstemp(name);
    REQUIRE(fd >= 0);
    close(fd);
    OK(gpuc_profile_write_trace(profile, name));
    std::ifstream file(name);
    const std::string trace(std::istreambuf_iterator<char>(file), {});
    CHECK(trace.substr(0, 2) == "[\n");
    CHECK(trace.substr(trace.size() - 3) == "\n]\n");
    CHECK(trace.find("\"launch fill_value\"") != std::string::npos);
    CHECK(trace.find("\"clock\":\"device\"") != std::string::npos);
    std::remove(name);
  }

  TEST_CASE("room") {
    const Profile profile = start(0);
    const Queue queue = queue_of(runtime().context);
    const Buffer buffer = buffer_of(runtime().context, 256);
    std::vector<unsigned char> host(256);
    OK(gpuc_buffer_read(buffer, queue, 0, 256, host.data()));
    OK(gpuc_profile_stop(profile, minute));
    CHECK(number(profile, GPUC_PROFILE_RECORDS) == 0);
    CHECK(number(profile, GPUC_PROFILE_DROPPED) == 1);
    CHECK(row_number(profile, 0, GPUC_ROW_COUNT) == 1);
  }
}
