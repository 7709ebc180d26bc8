// Programs that end, fork, or find odd devices: run by process_test.cpp, each in a process of its own.
// Says what is wrong on standard output, and ends with status 1 then. Nothing may ever come on standard error.
#define DOCTEST_CONFIG_IMPLEMENT
#include "scenarios.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace capi_test;

namespace {

int failures = 0;

void wrong(const std::string &what) {
  ++failures;
  std::printf("%s\n", what.c_str());
  std::fflush(stdout);
}

void expect(const char *call, gpuc_status expected, gpuc_status got) {
  if (got != expected)
    wrong(std::string(call) + " gives " + named(got) + " (" + gpuc_last_error_message() + "), not " + named(expected));
  else if (const std::string fault = got ? record_fault(got) : ""; !fault.empty())
    wrong(std::string(call) + ": " + fault);
}
#define EXPECT(status, ...) (poison_record(), expect(#__VA_ARGS__, status, __VA_ARGS__))

// Everything that the shapes below leave behind.
struct Objects {
  gpuc_platform *platform = nullptr;
  gpuc_device *device = nullptr;
  gpuc_context *context = nullptr;
  gpuc_queue *queue = nullptr;
  gpuc_buffer *buffer = nullptr;
  gpuc_buffer *large = nullptr;
  gpuc_host_memory *memory = nullptr;
  gpuc_program *program = nullptr;
  gpuc_kernel *kernel = nullptr;
  gpuc_proque *proque = nullptr;
  gpuc_event *event = nullptr;
} o;

constexpr size_t large_size = size_t(4) << 20;
unsigned char *large_host = nullptr;  // lives to the very end

const char *const source =
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n"
    "kernel void spin(global int *target, int rounds) {\n"
    "  int x = target[get_global_id(0)];\n"
    "  for (int i = 0; i < rounds; ++i) x = x * 1664525 + 1013904223;\n"
    "  target[get_global_id(0)] = x;\n}\n";

void release_all() {
  gpuc_event_release(o.event);
  gpuc_kernel_release(o.kernel);
  gpuc_proque_release(o.proque);
  gpuc_program_release(o.program);
  gpuc_host_memory_release(o.memory);
  gpuc_buffer_release(o.buffer);
  gpuc_buffer_release(o.large);
  gpuc_queue_release(o.queue);
  gpuc_context_release(o.context);
  gpuc_device_release(o.device);
  gpuc_platform_release(o.platform);
}

void make_all() {
  large_host = static_cast<unsigned char *>(std::calloc(large_size, 1));
  gpuc_proque_options options{};
  EXPECT(GPUC_OK, gpuc_device_select(nullptr, &o.device));
  EXPECT(GPUC_OK, gpuc_device_get_platform(o.device, &o.platform));
  EXPECT(GPUC_OK, gpuc_context_create(&o.device, 1, &o.context));
  EXPECT(GPUC_OK, gpuc_queue_create(o.context, nullptr, 0, &o.queue));
  EXPECT(GPUC_OK, gpuc_buffer_create(o.context, 4096, 0, &o.buffer));
  EXPECT(GPUC_OK, gpuc_buffer_create(o.context, large_size, 0, &o.large));
  EXPECT(GPUC_OK, gpuc_host_memory_create(o.context, 4096, &o.memory));
  EXPECT(GPUC_OK, gpuc_program_create_from_source(o.context, source, GPUC_NUL_TERMINATED, nullptr, &o.program));
  EXPECT(GPUC_OK, gpuc_kernel_create(o.program, "spin", &o.kernel));
  EXPECT(GPUC_OK, gpuc_proque_options_init(&options, sizeof options));
  options.context = o.context;
  EXPECT(GPUC_OK, gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &o.proque));
  EXPECT(GPUC_OK, gpuc_queue_marker_async(o.queue, nullptr, 0, &o.event));
  EXPECT(GPUC_OK, gpuc_queue_finish(o.queue));
}

void start_kernel(int rounds) {
  const gpuc_arg args[] = {buffer_arg(o.buffer), i32_arg(rounds)};
  gpuc_launch launch{};
  gpuc_launch_init(&launch, sizeof launch);
  launch.global[0] = 1024;
  EXPECT(GPUC_OK, gpuc_kernel_launch(o.kernel, o.queue, &launch, args, 2, nullptr, 0, nullptr));
  EXPECT(GPUC_OK, gpuc_queue_flush(o.queue));
}

// Every kind of function answers with this status at once, with its out handles nulled.
void expect_everywhere(gpuc_status status) {
  const auto set = [](auto *&handle) { handle = reinterpret_cast<std::decay_t<decltype(handle)>>(&o); };
  gpuc_platform *platform;
  gpuc_device *device;
  gpuc_context *context;
  gpuc_queue *queue;
  gpuc_event *event;
  gpuc_buffer *buffer;
  gpuc_host_memory *memory;
  gpuc_program *program;
  gpuc_kernel *kernel;
  gpuc_proque *proque;
  void *native;
  const auto set_all = [&] {
    set(platform), set(device), set(context), set(queue), set(event), set(buffer), set(memory), set(program),
        set(kernel), set(proque);
    native = &o;
  };
  set_all();
  size_t size = 0;
  uint64_t value = 0;
  int32_t number = 0;
  uint32_t flags = 0;
  char text[64];
  unsigned char host[64] = {};
  gpuc_rect rect{};
  gpuc_launch launch{};
  gpuc_program_desc desc{};
  gpuc_gemm_desc gemm{};
  EXPECT(status, gpuc_log_set(nullptr, nullptr, GPUC_LOG_OFF));
  EXPECT(status, gpuc_platform_list(&platform, 0, &size));
  EXPECT(status, gpuc_platform_get_string(o.platform, GPUC_PLATFORM_NAME, text, sizeof text, &size));
  EXPECT(status, gpuc_platform_retain(o.platform));
  EXPECT(status, gpuc_device_list(nullptr, &device, 0, &size));
  EXPECT(status, gpuc_device_select(nullptr, &device));
  EXPECT(status, gpuc_device_get_number(o.device, GPUC_DEVICE_TYPE, &value));
  EXPECT(status, gpuc_device_get_capability(o.device, GPUC_CAPABILITY_FP64, &value));
  EXPECT(status, gpuc_device_get_platform(o.device, &platform));
  EXPECT(status, gpuc_device_from_native(text, &device));
  EXPECT(status, gpuc_context_create(nullptr, 0, &context));
  EXPECT(status, gpuc_context_get_native(o.context, &native));
  EXPECT(status, gpuc_context_trim(o.context, &value));
  EXPECT(status, gpuc_context_memory_report(o.context, text, sizeof text, &size));
  EXPECT(status, gpuc_queue_create(o.context, nullptr, 0, &queue));
  EXPECT(status, gpuc_queue_get_flags(o.queue, &flags));
  EXPECT(status, gpuc_queue_flush(o.queue));
  EXPECT(status, gpuc_queue_finish(o.queue));
  EXPECT(status, gpuc_queue_marker_async(o.queue, nullptr, 0, &event));
  EXPECT(status, gpuc_event_wait(o.event));
  EXPECT(status, gpuc_event_wait_for(o.event, UINT64_MAX));
  EXPECT(status, gpuc_event_get_state(o.event, &number));
  EXPECT(status, gpuc_event_get_fd(o.event, &number));
  EXPECT(status, gpuc_event_create_user(o.context, &event));
  EXPECT(status, gpuc_event_complete(o.event, 0));
  EXPECT(status, gpuc_buffer_create(o.context, 64, 0, &buffer));
  EXPECT(status, gpuc_buffer_slice(o.buffer, 0, 4, &buffer));
  EXPECT(status, gpuc_buffer_write(o.buffer, o.queue, 0, 64, host));
  EXPECT(status, gpuc_buffer_read(o.buffer, o.queue, 0, 64, host));
  EXPECT(status, gpuc_buffer_read(o.large, o.queue, 0, large_size, large_host));
  EXPECT(status, gpuc_buffer_read_async(o.buffer, o.queue, 0, 64, host, nullptr, 0, &event));
  EXPECT(status, gpuc_rect_init(&rect, sizeof rect));
  EXPECT(status, gpuc_buffer_map(o.buffer, o.queue, GPUC_MAP_READ, 0, 4, &native));
  EXPECT(status, gpuc_buffer_get_native(o.buffer, &native, nullptr));
  EXPECT(status, gpuc_host_memory_create(o.context, 64, &memory));
  EXPECT(status, gpuc_program_create(o.context, &desc, &program));
  EXPECT(status, gpuc_program_create_from_source(o.context, source, GPUC_NUL_TERMINATED, nullptr, &program));
  EXPECT(status, gpuc_program_get_kernel_names(o.program, text, sizeof text, &size));
  EXPECT(status, gpuc_cache_get_number(GPUC_CACHE_HITS, &value));
  EXPECT(status, gpuc_cache_clear(nullptr));
  EXPECT(status, gpuc_kernel_create(o.program, "spin", &kernel));
  EXPECT(status, gpuc_kernel_launch(o.kernel, o.queue, &launch, nullptr, 0, nullptr, 0, &event));
  EXPECT(status, gpuc_proque_create(source, GPUC_NUL_TERMINATED, nullptr, &proque));
  EXPECT(status, gpuc_proque_create_buffer(o.proque, GPUC_TYPE_F32, &buffer));
  EXPECT(status, gpuc_proque_finish(o.proque));
  EXPECT(status, gpuc_gemm(o.queue, &gemm, o.buffer, o.buffer, o.buffer, nullptr, 0, &event));
  EXPECT(status, gpuc_doctor(GPUC_DOCTOR_TEXT, text, sizeof text, &size));
  if (platform || device || context || queue || event || buffer || memory || program || kernel || proque || native)
    wrong("an out handle is not NULL");
  if (gpuc_version() == 0 || gpuc_type_size_bytes(GPUC_TYPE_F64) != 8 || std::string(gpuc_status_name(status)).empty())
    wrong("functions that cannot fail do not work");
}

int wait_for(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// documented: common GPUC_ERROR_FORKED
[[noreturn]] void in_forked_child(bool release, bool orderly) {
  alarm(5);
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

void fork_shape(bool release, bool orderly, bool busy) {
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

void fork_among_threads() {
  make_all();
  std::atomic<bool> stop{false};
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
      }
    });
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
    alarm(30);
    make_all();
    EXPECT(GPUC_OK, gpuc_buffer_read(o.large, o.queue, 0, large_size, large_host));
    release_all();
    std::exit(failures ? 1 : 0);
  }
  if (const int status = wait_for(child)) wrong("the child ends with " + std::to_string(status));
  make_all();
  release_all();
}

// documented: common GPUC_ERROR_SHUTTING_DOWN
void calls_at_exit() {
  expect_everywhere(GPUC_ERROR_SHUTTING_DOWN);
  release_all();
  if (failures) _exit(1);
}

void exit_shape(const std::string &shape) {
  if (shape == "call_at_exit" || shape == "busy_call_at_exit")
    std::atexit(calls_at_exit);  // before the library's: runs after
  if (shape == "release_at_exit") std::atexit(release_all);
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
  if (shape == "watched_event" || shape == "blocked") {
    // Work that will never run: exit waits for two seconds at most.
    gpuc_event *user = nullptr, *blocked = nullptr;
    int32_t fd = -1;
    EXPECT(GPUC_OK, gpuc_event_create_user(o.context, &user));
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
}

void without_platform() {
  size_t count = 99;
  gpuc_platform *platform = nullptr;
  gpuc_device *device = nullptr;
  gpuc_context *context = nullptr;
  gpuc_proque *proque = nullptr;
  const auto says_what_to_do = [] {
    if (std::string(gpuc_last_error_message()).find("install") == std::string::npos)
      wrong(std::string("the message gives no advice: ") + gpuc_last_error_message());
  };
  // documented: gpuc_platform_list GPUC_ERROR_NO_PLATFORM
  EXPECT(GPUC_ERROR_NO_PLATFORM, gpuc_platform_list(&platform, 1, &count));
  says_what_to_do();
  if (count != 0) wrong("the count is not 0");
  // documented: gpuc_device_list GPUC_ERROR_NO_PLATFORM
  EXPECT(GPUC_ERROR_NO_PLATFORM, gpuc_device_list(nullptr, &device, 1, &count));
  says_what_to_do();
  // documented: gpuc_device_select GPUC_ERROR_NO_PLATFORM
  EXPECT(GPUC_ERROR_NO_PLATFORM, gpuc_device_select("gpu:0", &device));
  says_what_to_do();
  // documented: gpuc_context_create GPUC_ERROR_NO_PLATFORM
  EXPECT(GPUC_ERROR_NO_PLATFORM, gpuc_context_create(nullptr, 0, &context));
  says_what_to_do();
  // documented: gpuc_proque_create GPUC_ERROR_NO_PLATFORM
  EXPECT(GPUC_ERROR_NO_PLATFORM, gpuc_proque_create(source, GPUC_NUL_TERMINATED, nullptr, &proque));
  says_what_to_do();
  EXPECT(GPUC_ERROR_INVALID_ARGUMENT, gpuc_device_select("a::b", &device));
  EXPECT(GPUC_ERROR_INVALID_HANDLE, gpuc_queue_finish(nullptr));
  std::vector<char> report(1 << 20);
  for (const gpuc_doctor_format format : {GPUC_DOCTOR_TEXT, GPUC_DOCTOR_JSON}) {
    EXPECT(GPUC_OK, gpuc_doctor(format, report.data(), report.size(), &count));
    if (std::string(report.data()).find("pocl") == std::string::npos) wrong("the doctor does not say what to install");
  }
  uint64_t value = 0;
  EXPECT(GPUC_OK, gpuc_cache_get_number(GPUC_CACHE_ENTRIES, &value));
}

void without_device() {
  size_t count = 0;
  gpuc_device *device = nullptr;
  gpuc_context *context = nullptr;
  gpuc_proque *proque = nullptr;
  EXPECT(GPUC_OK, gpuc_platform_list(nullptr, 0, &count));
  if (count != 1) wrong("the platform is not listed");
  EXPECT(GPUC_ERROR_NO_DEVICE, gpuc_device_list(nullptr, &device, 1, &count));
  EXPECT(GPUC_ERROR_NO_DEVICE, gpuc_device_select(nullptr, &device));
  // documented: gpuc_context_create GPUC_ERROR_NO_DEVICE
  EXPECT(GPUC_ERROR_NO_DEVICE, gpuc_context_create(nullptr, 0, &context));
  EXPECT(GPUC_ERROR_NO_DEVICE, gpuc_proque_create(source, GPUC_NUL_TERMINATED, nullptr, &proque));
  std::vector<char> report(1 << 20);
  EXPECT(GPUC_OK, gpuc_doctor(GPUC_DOCTOR_TEXT, report.data(), report.size(), &count));
}

// Every scenario, its outcome on a line: right, or a status that the header documents.
void odd_device() {
  for (const Scenario &scenario : scenarios()) {
    Steps steps;
    scenario.run(steps);
    for (const std::string &problem : steps.problems()) wrong(std::string("PROBLEM ") + scenario.name + ": " + problem);
    std::printf("%s %s %s\n", scenario.name, gpuc_status_name(steps.status()), steps.function().c_str());
  }
}

// A device of 32 bits: global ids must fit.
void device_of_32_bits() {
  gpuc_proque_options options{};
  gpuc_proque_options_init(&options, sizeof options);
  EXPECT(GPUC_OK, gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &o.proque));
  EXPECT(GPUC_OK, gpuc_proque_get_context(o.proque, &o.context));
  EXPECT(GPUC_OK, gpuc_buffer_create(o.context, 64, 0, &o.buffer));
  const size_t size[1] = {size_t(1) << 33};
  EXPECT(GPUC_OK, gpuc_proque_set_dims(o.proque, 1, size));
  const gpuc_arg args[] = {buffer_arg(o.buffer), i32_arg(1)};
  // documented: gpuc_proque_launch GPUC_ERROR_OVERFLOW
  EXPECT(GPUC_ERROR_OVERFLOW, gpuc_proque_launch(o.proque, "fill_value", args, 2, nullptr, 0, nullptr));
  release_all();
}

// A device that is lost in the middle: told as such, what is there can be released.
void lost_device() {
  gpuc_status status = GPUC_OK;
  make_all();
  if (failures) {  // lost within make_all: said by one of its calls
    failures = 0;
    release_all();
    return;
  }
  for (int i = 0; i < 1000 && status == GPUC_OK; ++i) {
    poison_record();
    status = gpuc_buffer_write(o.buffer, o.queue, 0, 64, large_host);
    if (status == GPUC_OK) status = gpuc_queue_finish(o.queue);
  }
  std::printf("first %s\n", gpuc_status_name(status));
  for (int i = 0; i < 3; ++i) EXPECT(GPUC_ERROR_DEVICE_LOST, gpuc_queue_finish(o.queue));
  EXPECT(GPUC_ERROR_DEVICE_LOST, gpuc_buffer_write(o.buffer, o.queue, 0, 64, large_host));
  EXPECT(GPUC_ERROR_DEVICE_LOST, gpuc_queue_marker_async(o.queue, nullptr, 0, nullptr));
  for (int i = 0; i < 100; ++i) {
    gpuc_buffer *buffer = nullptr;
    gpuc_buffer_create(o.context, 4096, 0, &buffer);
    gpuc_buffer_release(buffer);
  }
  release_all();
}

}  // namespace

int main(int argc, char **argv) {
  const std::string shape = argc > 1 ? argv[1] : "";
  if (shape == "fork")
    fork_shape(true, true, false);
  else if (shape == "fork_busy")
    fork_shape(true, true, true);
  else if (shape == "fork_no_release")
    fork_shape(false, true, true);
  else if (shape == "fork_underscore_exit")
    fork_shape(true, false, false);
  else if (shape == "fork_among_threads")
    fork_among_threads();
  else if (shape == "fork_before_use")
    fork_before_use();
  else if (shape == "no_platform")
    without_platform();
  else if (shape == "no_device")
    without_device();
  else if (shape == "odd_device")
    odd_device();
  else if (shape == "bits32")
    device_of_32_bits();
  else if (shape == "lost")
    lost_device();
  else
    exit_shape(shape);
  return failures ? 1 : 0;
}
