// What the tests of the C ABI share: owners of handles, checks of statuses and messages, a device to work on.
#pragma once

#include <doctest/doctest.h>
#include <gpucompute/gpucompute.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "faults/in_library.hpp"
#include "support/environment.hpp"
#include "support/skip.hpp"

namespace capi_test {

using gpucompute::test::Environment;

// A tuning table of its own.
class TuningFolder {
 public:
  TuningFolder() {
    char path[] = "/tmp/gpuc_tuning_XXXXXX";
    REQUIRE(mkdtemp(path));
    path_ = path;
    variable_ = std::make_unique<Environment>("GPUC_TUNING", path);
  }
  ~TuningFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
  std::unique_ptr<Environment> variable_;
};

// Owns one reference.
template <class H, void (*Release)(H *)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(H *adopted) : handle_(adopted) {}
  Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Handle &operator=(Handle &&other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Handle() { reset(); }

  operator H *() const { return handle_; }
  H *get() const { return handle_; }
  // For an out parameter.
  H **out() {
    reset();
    return &handle_;
  }
  void reset() {
    const InLibrary inside;
    Release(std::exchange(handle_, nullptr));
  }
  H *give() { return std::exchange(handle_, nullptr); }

 private:
  H *handle_ = nullptr;
};

using Platform = Handle<gpuc_platform, gpuc_platform_release>;
using Device = Handle<gpuc_device, gpuc_device_release>;
using Context = Handle<gpuc_context, gpuc_context_release>;
using Queue = Handle<gpuc_queue, gpuc_queue_release>;
using Event = Handle<gpuc_event, gpuc_event_release>;
using Buffer = Handle<gpuc_buffer, gpuc_buffer_release>;
using HostMemory = Handle<gpuc_host_memory, gpuc_host_memory_release>;
using Program = Handle<gpuc_program, gpuc_program_release>;
using Kernel = Handle<gpuc_kernel, gpuc_kernel_release>;
using ProQue = Handle<gpuc_proque, gpuc_proque_release>;
using Profile = Handle<gpuc_profile, gpuc_profile_release>;

// The name of a status, and the message where it is none that a test wants to see.
std::string named(gpuc_status status);

// Message and detail of the last failure.
std::string last_failure();

// Leaves a failure of its own in the thread's record, so that a later one can be told from it.
void poison_record();
// "" if the record tells of `status`, with a message in one line; else what is wrong with it.
std::string record_fault(gpuc_status status);

// The call succeeds, and leaves the record of the last failure alone.
#define OK(...)                                                                     \
  do {                                                                              \
    capi_test::poison_record();                                                     \
    const gpuc_status got_ = (__VA_ARGS__);                                         \
    INFO(#__VA_ARGS__ << ": " << capi_test::last_failure());                        \
    REQUIRE(capi_test::named(got_) == "GPUC_OK");                                   \
    CHECK(std::string(gpuc_last_error_message()) == "level is 99, must be 0 to 3"); \
  } while (0)

// The call fails with the status and leaves a message.
#define FAILS(expected, ...)                                 \
  do {                                                       \
    capi_test::poison_record();                              \
    const gpuc_status got_ = (__VA_ARGS__);                  \
    INFO(#__VA_ARGS__ << ": " << capi_test::last_failure()); \
    CHECK(capi_test::named(got_) == #expected);              \
    CHECK(capi_test::record_fault(got_) == "");              \
  } while (0)

// The message of the last failure has this text.
#define SAYS(fragment)                                   \
  do {                                                   \
    const std::string said_ = gpuc_last_error_message(); \
    INFO("message: " << said_);                          \
    CHECK(said_.find(fragment) != std::string::npos);    \
  } while (0)

// The kernels that the tests use. The fake device computes those that it knows, the others do nothing there.
extern const char *const kernel_source;

// One device, context and queue for all tests that need nothing special; never released.
struct Runtime {
  gpuc_device *device;
  gpuc_context *context;
  gpuc_queue *queue;
  gpuc_program *program;  // of kernel_source
};
const Runtime &runtime();

// A context of its own on the same device.
Context another_context();
Queue queue_of(gpuc_context *context, uint32_t flags = 0);
Buffer buffer_of(gpuc_context *context, size_t size, uint32_t flags = 0);
Kernel kernel_named(const char *name);
// A user event of the context that is not complete.
Event user_event(gpuc_context *context);
// A marker that waits for the user event.
Event marker_after(gpuc_queue *queue, gpuc_event *user);

gpuc_arg buffer_arg(gpuc_buffer *buffer);
gpuc_arg f32_arg(float value);
gpuc_arg i32_arg(int32_t value);
gpuc_arg local_arg(uint64_t size);
gpuc_arg bytes_arg(const void *bytes, uint64_t size);
gpuc_arg null_arg();

template <class T>
T initialised(gpuc_status (*init)(T *, size_t)) {
  T value;
  std::memset(&value, 0xa5, sizeof value);
  REQUIRE(named(init(&value, sizeof value)) == "GPUC_OK");
  return value;
}
inline gpuc_rect rect_init() { return initialised(gpuc_rect_init); }
inline gpuc_launch launch_init() { return initialised(gpuc_launch_init); }
inline gpuc_program_desc program_desc_init() { return initialised(gpuc_program_desc_init); }
inline gpuc_proque_options proque_options_init() { return initialised(gpuc_proque_options_init); }
inline gpuc_tune_options tune_options_init() { return initialised(gpuc_tune_options_init); }
// Measures as little as can be.
inline gpuc_tune_options hasty_tune_options() {
  gpuc_tune_options options = tune_options_init();
  options.type = GPUC_TYPE_F32;
  options.max_size = 32;
  options.seconds = 1e-9;
  return options;
}
inline gpuc_profile_options profile_options_init() { return initialised(gpuc_profile_options_init); }
inline gpuc_gemm_desc gemm_desc_init() { return initialised(gpuc_gemm_desc_init); }
inline gpuc_array_view array_view_init() { return initialised(gpuc_array_view_init); }
inline gpuc_matmul_options matmul_options_init() { return initialised(gpuc_matmul_options_init); }
gpuc_launch launch_1d(size_t global);

std::vector<unsigned char> read_back(gpuc_buffer *buffer, size_t size);

uint64_t device_number(gpuc_device_number key);
uint64_t capability(gpuc_capability key);
uint64_t memory_number(gpuc_context *context, gpuc_memory_number key);
std::string device_text(gpuc_device_string key);
bool is_fake();
bool is_pocl();
bool is_oclgrind();

// A string result, read as programs do: the size, then the text.
using StringCall = std::function<gpuc_status(char *, size_t, size_t *)>;
std::string text_of(const StringCall &call);
// Every rule of string results: capacity 0, too small, exact, more; the text is returned.
std::string check_string_result(const StringCall &call);

}  // namespace capi_test
