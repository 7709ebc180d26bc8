#include "support.hpp"

#include <algorithm>

namespace capi_test {

const char *const kernel_source = R"(
kernel void vector_add(global const float *a, global const float *b, global float *c) {
  size_t i = get_global_id(0);
  c[i] = a[i] + b[i];
}
kernel void axpy(float a, global const float *x, global float *y, int n) {
  int i = (int)get_global_id(0);
  if (i < n) y[i] = a * x[i] + y[i];
}
kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }
kernel void many_kinds(global int *g, constant int *c, local int *l, float4 v, long n, uchar b) {
  l[get_local_id(0)] = (int)n + b;
  g[get_global_id(0)] = l[get_local_id(0)] + (c ? c[0] : 0) + (int)v.y;
}
kernel __attribute__((reqd_work_group_size(4, 1, 1))) void of_four(global int *target) { target[get_global_id(0)] = 4; }
)";

std::string named(gpuc_status status) { return gpuc_status_name(status); }

std::string last_failure() { return std::string(gpuc_last_error_message()) + "\n" + gpuc_last_error_detail(); }

void poison_record() { gpuc_log_set(nullptr, nullptr, 99); }

std::string record_fault(gpuc_status status) {
  const std::string message = gpuc_last_error_message();
  if (gpuc_last_error_status() != status) return "the record has " + named(gpuc_last_error_status());
  if (message.empty()) return "there is no message";
  if (message == "level is 99, must be 0 to 3") return "the message is an earlier failure's";
  if (message.find('\n') != std::string::npos) return "the message has several lines: " + message;
  if (!gpuc_last_error_detail() || !gpuc_last_error_routine()) return "a text of the record is NULL";
  if ((gpuc_last_error_cl_code() != 0) != (*gpuc_last_error_routine() != '\0'))
    return "the record has an OpenCL code or a routine, but not both";
  return "";
}

const Runtime &runtime() {
  static const Runtime *const made = [] {
    auto *r = new Runtime{};
    OK(gpuc_device_select(nullptr, &r->device));
    OK(gpuc_context_create(&r->device, 1, &r->context));
    OK(gpuc_queue_create(r->context, nullptr, 0, &r->queue));
    OK(gpuc_program_create_from_source(r->context, kernel_source, GPUC_NUL_TERMINATED, nullptr, &r->program));
    return r;
  }();
  return *made;
}

Context another_context() {
  Context context;
  OK(gpuc_context_create(&runtime().device, 1, context.out()));
  return context;
}

Queue queue_of(gpuc_context *context, uint32_t flags) {
  Queue queue;
  OK(gpuc_queue_create(context, nullptr, flags, queue.out()));
  return queue;
}

Buffer buffer_of(gpuc_context *context, size_t size, uint32_t flags) {
  Buffer buffer;
  OK(gpuc_buffer_create(context, size, flags, buffer.out()));
  return buffer;
}

Kernel kernel_named(const char *name) {
  Kernel kernel;
  OK(gpuc_kernel_create(runtime().program, name, kernel.out()));
  return kernel;
}

Event user_event(gpuc_context *context) {
  Event event;
  OK(gpuc_event_create_user(context, event.out()));
  return event;
}

Event marker_after(gpuc_queue *queue, gpuc_event *user) {
  Event event;
  OK(gpuc_queue_marker_async(queue, &user, 1, event.out()));
  return event;
}

gpuc_arg buffer_arg(gpuc_buffer *buffer) {
  gpuc_arg arg{};
  arg.kind = GPUC_ARG_BUFFER;
  arg.value.buffer = buffer;
  return arg;
}

gpuc_arg f32_arg(float value) {
  gpuc_arg arg{};
  arg.kind = GPUC_ARG_SCALAR;
  arg.type = GPUC_TYPE_F32;
  arg.value.f32 = value;
  return arg;
}

gpuc_arg i32_arg(int32_t value) {
  gpuc_arg arg{};
  arg.kind = GPUC_ARG_SCALAR;
  arg.type = GPUC_TYPE_I32;
  arg.value.i32 = value;
  return arg;
}

gpuc_arg local_arg(uint64_t size) {
  gpuc_arg arg{};
  arg.kind = GPUC_ARG_LOCAL;
  arg.size_bytes = size;
  return arg;
}

gpuc_arg bytes_arg(const void *bytes, uint64_t size) {
  gpuc_arg arg{};
  arg.kind = GPUC_ARG_BYTES;
  arg.size_bytes = size;
  arg.value.bytes = bytes;
  return arg;
}

gpuc_arg null_arg() {
  gpuc_arg arg{};
  arg.kind = GPUC_ARG_NULL;
  return arg;
}

gpuc_launch launch_1d(size_t global) {
  gpuc_launch launch = launch_init();
  launch.global[0] = global;
  return launch;
}

std::vector<unsigned char> read_back(gpuc_buffer *buffer, size_t size) {
  std::vector<unsigned char> bytes(size, 0xee);
  OK(gpuc_buffer_read(buffer, runtime().queue, 0, size, bytes.data()));
  return bytes;
}

uint64_t device_number(gpuc_device_number key) {
  uint64_t value = 0;
  OK(gpuc_device_get_number(runtime().device, key, &value));
  return value;
}

uint64_t capability(gpuc_capability key) {
  uint64_t value = 0;
  OK(gpuc_device_get_capability(runtime().device, key, &value));
  return value;
}

uint64_t memory_number(gpuc_context *context, gpuc_memory_number key) {
  uint64_t value = 0;
  OK(gpuc_context_get_memory(context, key, &value));
  return value;
}

std::string device_text(gpuc_device_string key) {
  return text_of([&](char *buf, size_t capacity, size_t *needed) {
    return gpuc_device_get_string(runtime().device, key, buf, capacity, needed);
  });
}

bool is_fake() { return device_text(GPUC_DEVICE_FILTER).find("fake") != std::string::npos; }
bool is_pocl() { return device_text(GPUC_DEVICE_FILTER).find("portable") != std::string::npos; }
bool is_oclgrind() { return device_text(GPUC_DEVICE_FILTER).find("oclgrind") != std::string::npos; }

std::string text_of(const StringCall &call) {
  size_t needed = 0;
  OK(call(nullptr, 0, &needed));
  std::vector<char> buffer(needed + 1, '#');
  OK(call(buffer.data(), needed, &needed));
  return std::string(buffer.data());
}

std::string check_string_result(const StringCall &call) {
  size_t needed = 0;
  char untouched[4] = {'#', '#', '#', '#'};
  OK(call(untouched, 0, &needed));
  CHECK(untouched[0] == '#');
  REQUIRE(needed >= 1);
  OK(call(nullptr, 0, &needed));

  // Exact, and with room to spare; nothing is written past the end.
  std::vector<char> exact(needed + 8, '#'), roomy(needed + 100, '#');
  size_t again = 0;
  OK(call(exact.data(), needed, &again));
  CHECK(again == needed);
  CHECK(exact[needed - 1] == '\0');
  CHECK(std::strlen(exact.data()) == needed - 1);
  CHECK(std::all_of(exact.begin() + static_cast<std::ptrdiff_t>(needed), exact.end(), [](char c) { return c == '#'; }));
  OK(call(roomy.data(), roomy.size(), nullptr));
  CHECK(std::string(roomy.data()) == exact.data());

  // Too small: nothing is written, and the size is told.
  if (needed > 1) {
    for (const size_t capacity : {size_t(1), needed - 1}) {
      std::vector<char> small(needed, '#');
      again = 0;
      FAILS(GPUC_ERROR_BUFFER_TOO_SMALL, call(small.data(), capacity, &again));
      SAYS("capacity is ");
      CHECK(again == needed);
      CHECK(std::all_of(small.begin(), small.end(), [](char c) { return c == '#'; }));
    }
  }
  // documented: common GPUC_ERROR_NULL_ARGUMENT
  FAILS(GPUC_ERROR_NULL_ARGUMENT, call(nullptr, needed, &needed));
  FAILS(GPUC_ERROR_NULL_ARGUMENT, call(nullptr, 0, nullptr));
  return std::string(exact.data());
}

}  // namespace capi_test
