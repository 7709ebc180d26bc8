// Handles that are none: every function with every kind of them. Order of release, references, races.
#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <set>
#include <thread>

using namespace capi_test;

namespace {

// Living objects of every type for the other arguments, and where results go.
struct World {
  gpuc_device *device = runtime().device;
  gpuc_context *context = runtime().context;
  gpuc_queue *queue = runtime().queue;
  gpuc_program *program = runtime().program;
  Platform platform;
  Buffer buffer = buffer_of(context, 256), other = buffer_of(context, 256);
  Event event;
  HostMemory memory;
  Kernel kernel = kernel_named("fill_value");
  ProQue proque;
  Profile profile;
  unsigned char host[256] = {};
  gpuc_rect box = rect_init();
  gpuc_launch launch = launch_1d(4);
  gpuc_program_desc desc = program_desc_init();
  gpuc_text source{nullptr, "kernel void k(global int *x) {}", GPUC_NUL_TERMINATED};
  gpuc_proque_options options = proque_options_init();
  gpuc_gemm_desc gemm = gemm_desc_init();
  gpuc_array_view array = array_view_init(), bad_array = array;
  gpuc_arg args[2] = {};
  size_t size = 0;
  int32_t number = 0;
  uint32_t flags = 0;
  uint64_t value = 0;
  void *pointer = nullptr;
  char text[64] = {};
  void *result = nullptr;  // an out handle
  bool has_result = false;

  World() {
    OK(gpuc_device_get_platform(device, platform.out()));
    OK(gpuc_queue_marker_async(queue, nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    OK(gpuc_host_memory_create(context, 64, memory.out()));
    options.context = context;
    OK(gpuc_proque_create(source.text, GPUC_NUL_TERMINATED, &options, proque.out()));
    OK(gpuc_profile_start(nullptr, profile.out()));
    OK(gpuc_profile_stop(profile, 0));
    box.region[0] = 4;
    desc.sources = &source;
    desc.source_count = 1;
    gemm.m = gemm.n = gemm.k = 1;
    array.buffer = buffer;
    array.ndim = 1;
    array.shape[0] = 4;
    array.strides_bytes[0] = 4;
    args[0] = buffer_arg(buffer);
    args[1] = i32_arg(1);
  }

  // The array over another buffer.
  gpuc_array_view *over(gpuc_buffer *other_buffer) {
    bad_array = array;
    bad_array.buffer = other_buffer;
    return &bad_array;
  }

  template <class T>
  T **out() {
    has_result = true;
    result = this;
    return reinterpret_cast<T **>(&result);
  }

  std::vector<void *> living() const {
    return {platform.get(), device,       context, queue,        event.get(),  buffer.get(),
            other.get(),    memory.get(), program, kernel.get(), proque.get(), profile.get()};
  }
};

// An argument that is a handle: the function, its name, its type, whether NULL is allowed.
struct Argument {
  const char *function, *name, *type;
  bool optional;
  std::function<gpuc_status(World &, void *)> call;
};

#define HANDLE(function, name, type, ...)                                                                                             \
  {                                                                                                                                   \
#function, name, #type, false, [](World &w, void *bad) { (void)w; auto *h = static_cast<type *>(bad); return function(__VA_ARGS__); } \
  }
#define OPTIONAL(function, name, type, ...)                                                                                          \
  {                                                                                                                                  \
#function, name, #type, true, [](World &w, void *bad) { (void)w; auto *h = static_cast<type *>(bad); return function(__VA_ARGS__); } \
  }

const std::vector<Argument> &arguments() {
  static const std::vector<Argument> all = {
      HANDLE(gpuc_platform_get_string, "platform", gpuc_platform, h, GPUC_PLATFORM_NAME, w.text, 64, &w.size),
      HANDLE(gpuc_platform_get_native, "platform", gpuc_platform, h, &w.pointer),
      HANDLE(gpuc_platform_retain, "platform", gpuc_platform, h),
      HANDLE(gpuc_device_get_string, "device", gpuc_device, h, GPUC_DEVICE_NAME, w.text, 64, &w.size),
      HANDLE(gpuc_device_get_number, "device", gpuc_device, h, GPUC_DEVICE_TYPE, &w.value),
      HANDLE(gpuc_device_get_capability, "device", gpuc_device, h, GPUC_CAPABILITY_FP64, &w.value),
      HANDLE(gpuc_device_get_platform, "device", gpuc_device, h, w.out<gpuc_platform>()),
      HANDLE(gpuc_device_get_native, "device", gpuc_device, h, &w.pointer),
      HANDLE(gpuc_device_retain, "device", gpuc_device, h),
      HANDLE(gpuc_context_create, "devices[0]", gpuc_device, &h, 1, w.out<gpuc_context>()),
      HANDLE(gpuc_context_get_native, "context", gpuc_context, h, &w.pointer),
      HANDLE(gpuc_context_get_devices, "context", gpuc_context, h, w.out<gpuc_device>(), 0, &w.size),
      HANDLE(gpuc_context_get_memory, "context", gpuc_context, h, GPUC_MEMORY_HITS, &w.value),
      HANDLE(gpuc_context_set_memory_limit, "context", gpuc_context, h, 0),
      HANDLE(gpuc_context_trim, "context", gpuc_context, h, &w.value),
      HANDLE(gpuc_context_memory_report, "context", gpuc_context, h, w.text, 64, &w.size),
      HANDLE(gpuc_context_retain, "context", gpuc_context, h),
      HANDLE(gpuc_queue_create, "context", gpuc_context, h, nullptr, 0, w.out<gpuc_queue>()),
      OPTIONAL(gpuc_queue_create, "device", gpuc_device, w.context, h, 0, w.out<gpuc_queue>()),
      HANDLE(gpuc_queue_from_native, "context", gpuc_context, h, &w, w.out<gpuc_queue>()),
      HANDLE(gpuc_queue_get_native, "queue", gpuc_queue, h, &w.pointer),
      HANDLE(gpuc_queue_get_context, "queue", gpuc_queue, h, w.out<gpuc_context>()),
      HANDLE(gpuc_queue_get_device, "queue", gpuc_queue, h, w.out<gpuc_device>()),
      HANDLE(gpuc_queue_get_flags, "queue", gpuc_queue, h, &w.flags),
      HANDLE(gpuc_queue_flush, "queue", gpuc_queue, h),
      HANDLE(gpuc_queue_finish, "queue", gpuc_queue, h),
      HANDLE(gpuc_queue_marker_async, "queue", gpuc_queue, h, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_queue_marker_async, "waits[0]", gpuc_event, w.queue, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_queue_barrier_async, "queue", gpuc_queue, h, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_queue_barrier_async, "waits[0]", gpuc_event, w.queue, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_queue_retain, "queue", gpuc_queue, h),
      HANDLE(gpuc_event_wait, "event", gpuc_event, h),
      HANDLE(gpuc_event_wait_for, "event", gpuc_event, h, 0),
      HANDLE(gpuc_event_wait_all, "events[0]", gpuc_event, &h, 1),
      HANDLE(gpuc_event_get_state, "event", gpuc_event, h, &w.number),
      HANDLE(gpuc_event_get_times, "event", gpuc_event, h, &w.value, nullptr, nullptr, nullptr),
      HANDLE(gpuc_event_get_fd, "event", gpuc_event, h, &w.number),
      HANDLE(gpuc_event_create_user, "context", gpuc_context, h, w.out<gpuc_event>()),
      HANDLE(gpuc_event_complete, "event", gpuc_event, h, 0),
      HANDLE(gpuc_event_from_native, "context", gpuc_context, h, &w, w.out<gpuc_event>()),
      HANDLE(gpuc_event_get_native, "event", gpuc_event, h, &w.pointer),
      HANDLE(gpuc_event_retain, "event", gpuc_event, h),
      HANDLE(gpuc_buffer_create, "context", gpuc_context, h, 16, 0, w.out<gpuc_buffer>()),
      HANDLE(gpuc_buffer_create_over_host, "context", gpuc_context, h, w.host, 16, w.out<gpuc_buffer>()),
      HANDLE(gpuc_buffer_slice, "buffer", gpuc_buffer, h, 0, 4, w.out<gpuc_buffer>()),
      HANDLE(gpuc_buffer_get_size, "buffer", gpuc_buffer, h, &w.size),
      HANDLE(gpuc_buffer_get_offset, "buffer", gpuc_buffer, h, &w.size),
      HANDLE(gpuc_buffer_get_context, "buffer", gpuc_buffer, h, w.out<gpuc_context>()),
      HANDLE(gpuc_buffer_write, "buffer", gpuc_buffer, h, w.queue, 0, 4, w.host),
      HANDLE(gpuc_buffer_write, "queue", gpuc_queue, w.buffer, h, 0, 4, w.host),
      HANDLE(gpuc_buffer_read, "buffer", gpuc_buffer, h, w.queue, 0, 4, w.host),
      HANDLE(gpuc_buffer_read, "queue", gpuc_queue, w.buffer, h, 0, 4, w.host),
      HANDLE(gpuc_buffer_write_async, "buffer", gpuc_buffer, h, w.queue, 0, 4, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_write_async, "queue", gpuc_queue, w.buffer, h, 0, 4, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_write_async, "waits[0]", gpuc_event, w.buffer, w.queue, 0, 4, w.host, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_read_async, "buffer", gpuc_buffer, h, w.queue, 0, 4, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_read_async, "queue", gpuc_queue, w.buffer, h, 0, 4, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_read_async, "waits[0]", gpuc_event, w.buffer, w.queue, 0, 4, w.host, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_copy_async, "source", gpuc_buffer, h, w.other, w.queue, 0, 0, 4, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_copy_async, "destination", gpuc_buffer, w.buffer, h, w.queue, 0, 0, 4, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_copy_async, "queue", gpuc_queue, w.buffer, w.other, h, 0, 0, 4, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_copy_async, "waits[0]", gpuc_event, w.buffer, w.other, w.queue, 0, 0, 4, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_fill_async, "buffer", gpuc_buffer, h, w.queue, w.host, 4, 0, 4, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_fill_async, "queue", gpuc_queue, w.buffer, h, w.host, 4, 0, 4, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_fill_async, "waits[0]", gpuc_event, w.buffer, w.queue, w.host, 4, 0, 4, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_write_rect, "buffer", gpuc_buffer, h, w.queue, &w.box, w.host),
      HANDLE(gpuc_buffer_write_rect, "queue", gpuc_queue, w.buffer, h, &w.box, w.host),
      HANDLE(gpuc_buffer_read_rect, "buffer", gpuc_buffer, h, w.queue, &w.box, w.host),
      HANDLE(gpuc_buffer_read_rect, "queue", gpuc_queue, w.buffer, h, &w.box, w.host),
      HANDLE(gpuc_buffer_write_rect_async, "buffer", gpuc_buffer, h, w.queue, &w.box, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_write_rect_async, "queue", gpuc_queue, w.buffer, h, &w.box, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_write_rect_async, "waits[0]", gpuc_event, w.buffer, w.queue, &w.box, w.host, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_read_rect_async, "buffer", gpuc_buffer, h, w.queue, &w.box, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_read_rect_async, "queue", gpuc_queue, w.buffer, h, &w.box, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_read_rect_async, "waits[0]", gpuc_event, w.buffer, w.queue, &w.box, w.host, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_copy_rect_async, "source", gpuc_buffer, h, w.other, w.queue, &w.box, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_copy_rect_async, "destination", gpuc_buffer, w.buffer, h, w.queue, &w.box, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_copy_rect_async, "queue", gpuc_queue, w.buffer, w.other, h, &w.box, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_copy_rect_async, "waits[0]", gpuc_event, w.buffer, w.other, w.queue, &w.box, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_map, "buffer", gpuc_buffer, h, w.queue, GPUC_MAP_READ, 0, 4, w.out<void>()),
      HANDLE(gpuc_buffer_map, "queue", gpuc_queue, w.buffer, h, GPUC_MAP_READ, 0, 4, w.out<void>()),
      HANDLE(gpuc_buffer_map_async, "buffer", gpuc_buffer, h, w.queue, GPUC_MAP_READ, 0, 4, nullptr, 0, &w.pointer, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_map_async, "queue", gpuc_queue, w.buffer, h, GPUC_MAP_READ, 0, 4, nullptr, 0, &w.pointer, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_map_async, "waits[0]", gpuc_event, w.buffer, w.queue, GPUC_MAP_READ, 0, 4, &h, 1, &w.pointer, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_unmap_async, "buffer", gpuc_buffer, h, w.queue, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_unmap_async, "queue", gpuc_queue, w.buffer, h, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_unmap_async, "waits[0]", gpuc_event, w.buffer, w.queue, w.host, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_buffer_from_native, "context", gpuc_context, h, &w, w.out<gpuc_buffer>()),
      HANDLE(gpuc_buffer_get_native, "buffer", gpuc_buffer, h, &w.pointer, &w.size),
      HANDLE(gpuc_buffer_retain, "buffer", gpuc_buffer, h),
      HANDLE(gpuc_host_memory_create, "context", gpuc_context, h, 16, w.out<gpuc_host_memory>()),
      HANDLE(gpuc_host_memory_get, "memory", gpuc_host_memory, h, &w.pointer, &w.size),
      HANDLE(gpuc_host_memory_retain, "memory", gpuc_host_memory, h),
      HANDLE(gpuc_program_create, "context", gpuc_context, h, &w.desc, w.out<gpuc_program>()),
      HANDLE(gpuc_program_create_from_source, "context", gpuc_context, h, w.source.text, GPUC_NUL_TERMINATED, nullptr, w.out<gpuc_program>()),
      HANDLE(gpuc_program_get_build_log, "program", gpuc_program, h, nullptr, w.text, 64, &w.size),
      OPTIONAL(gpuc_program_get_build_log, "device", gpuc_device, w.program, h, w.text, 64, &w.size),
      HANDLE(gpuc_program_get_binary, "program", gpuc_program, h, nullptr, w.text, 64, &w.size),
      OPTIONAL(gpuc_program_get_binary, "device", gpuc_device, w.program, h, w.text, 64, &w.size),
      HANDLE(gpuc_program_get_kernel_names, "program", gpuc_program, h, w.text, 64, &w.size),
      HANDLE(gpuc_program_get_from_cache, "program", gpuc_program, h, &w.number),
      HANDLE(gpuc_program_from_native, "context", gpuc_context, h, &w, w.out<gpuc_program>()),
      HANDLE(gpuc_program_get_native, "program", gpuc_program, h, &w.pointer),
      HANDLE(gpuc_program_retain, "program", gpuc_program, h),
      HANDLE(gpuc_kernel_create, "program", gpuc_program, h, "axpy", w.out<gpuc_kernel>()),
      HANDLE(gpuc_kernel_get_name, "kernel", gpuc_kernel, h, w.text, 64, &w.size),
      HANDLE(gpuc_kernel_get_program, "kernel", gpuc_kernel, h, w.out<gpuc_program>()),
      HANDLE(gpuc_kernel_get_arg_count, "kernel", gpuc_kernel, h, &w.size),
      HANDLE(gpuc_kernel_get_arg, "kernel", gpuc_kernel, h, 0, nullptr, nullptr, &w.size),
      HANDLE(gpuc_kernel_get_arg_text, "kernel", gpuc_kernel, h, 0, w.text, 64, &w.size),
      HANDLE(gpuc_kernel_get_number, "kernel", gpuc_kernel, h, nullptr, GPUC_KERNEL_REQUIRED_SIZE_X, &w.value),
      OPTIONAL(gpuc_kernel_get_number, "device", gpuc_device, w.kernel, h, GPUC_KERNEL_REQUIRED_SIZE_X, &w.value),
      HANDLE(gpuc_kernel_launch, "kernel", gpuc_kernel, h, w.queue, &w.launch, w.args, 2, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_kernel_launch, "queue", gpuc_queue, w.kernel, h, &w.launch, w.args, 2, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_kernel_launch, "waits[0]", gpuc_event, w.kernel, w.queue, &w.launch, w.args, 2, &h, 1, w.out<gpuc_event>()),
      {"gpuc_kernel_launch", "args[0].value.buffer", "gpuc_buffer", false,
       [](World &w, void *bad) {
         const gpuc_arg args[] = {buffer_arg(static_cast<gpuc_buffer *>(bad)), i32_arg(1)};
         return gpuc_kernel_launch(w.kernel, w.queue, &w.launch, args, 2, nullptr, 0, w.out<gpuc_event>());
       }},
      HANDLE(gpuc_kernel_create_native, "kernel", gpuc_kernel, h, &w.pointer),
      HANDLE(gpuc_kernel_retain, "kernel", gpuc_kernel, h),
      {"gpuc_proque_create", "options->device", "gpuc_device", true,
       [](World &w, void *bad) {
         gpuc_proque_options options = proque_options_init();
         options.device = static_cast<gpuc_device *>(bad);
         return gpuc_proque_create(w.source.text, GPUC_NUL_TERMINATED, &options, w.out<gpuc_proque>());
       }},
      {"gpuc_proque_create", "options->context", "gpuc_context", true,
       [](World &w, void *bad) {
         gpuc_proque_options options = proque_options_init();
         options.context = static_cast<gpuc_context *>(bad);
         return gpuc_proque_create(w.source.text, GPUC_NUL_TERMINATED, &options, w.out<gpuc_proque>());
       }},
      HANDLE(gpuc_proque_get_context, "proque", gpuc_proque, h, w.out<gpuc_context>()),
      HANDLE(gpuc_proque_get_queue, "proque", gpuc_proque, h, w.out<gpuc_queue>()),
      HANDLE(gpuc_proque_get_program, "proque", gpuc_proque, h, w.out<gpuc_program>()),
      HANDLE(gpuc_proque_set_dims, "proque", gpuc_proque, h, 0, nullptr),
      HANDLE(gpuc_proque_create_buffer, "proque", gpuc_proque, h, GPUC_TYPE_F32, w.out<gpuc_buffer>()),
      HANDLE(gpuc_proque_get_kernel, "proque", gpuc_proque, h, "k", w.out<gpuc_kernel>()),
      HANDLE(gpuc_proque_launch, "proque", gpuc_proque, h, "k", w.args, 1, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_proque_launch, "waits[0]", gpuc_event, w.proque, "k", w.args, 1, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_proque_write, "proque", gpuc_proque, h, w.buffer, w.host),
      HANDLE(gpuc_proque_write, "buffer", gpuc_buffer, w.proque, h, w.host),
      HANDLE(gpuc_proque_read, "proque", gpuc_proque, h, w.buffer, w.host),
      HANDLE(gpuc_proque_read, "buffer", gpuc_buffer, w.proque, h, w.host),
      HANDLE(gpuc_proque_finish, "proque", gpuc_proque, h),
      HANDLE(gpuc_proque_retain, "proque", gpuc_proque, h),
      HANDLE(gpuc_gemm, "queue", gpuc_queue, h, &w.gemm, w.buffer, w.buffer, w.other, nullptr, 0, w.out<gpuc_event>()),
      OPTIONAL(gpuc_gemm, "a", gpuc_buffer, w.queue, &w.gemm, h, w.buffer, w.other, nullptr, 0, w.out<gpuc_event>()),
      OPTIONAL(gpuc_gemm, "b", gpuc_buffer, w.queue, &w.gemm, w.buffer, h, w.other, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_gemm, "c", gpuc_buffer, w.queue, &w.gemm, w.buffer, w.buffer, h, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_gemm, "waits[0]", gpuc_event, w.queue, &w.gemm, w.buffer, w.buffer, w.other, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_profile_stop, "profile", gpuc_profile, h, 0),
      HANDLE(gpuc_profile_get_number, "profile", gpuc_profile, h, GPUC_PROFILE_ROWS, &w.value),
      HANDLE(gpuc_profile_get_row_number, "profile", gpuc_profile, h, 0, GPUC_ROW_COUNT, &w.value),
      HANDLE(gpuc_profile_get_row_string, "profile", gpuc_profile, h, 0, GPUC_PROFILE_NAME, w.text, 64, &w.size),
      HANDLE(gpuc_profile_get_record_number, "profile", gpuc_profile, h, 0, GPUC_RECORD_DIMS, &w.value),
      HANDLE(gpuc_profile_get_record_string, "profile", gpuc_profile, h, 0, GPUC_PROFILE_NAME, w.text, 64, &w.size),
      HANDLE(gpuc_profile_report, "profile", gpuc_profile, h, w.text, 64, &w.size),
      HANDLE(gpuc_profile_write_trace, "profile", gpuc_profile, h, "/nonexistent/x"),
      HANDLE(gpuc_profile_retain, "profile", gpuc_profile, h),
      HANDLE(gpuc_gemm_explain, "queue", gpuc_queue, h, &w.gemm, w.text, 64, &w.size),
      HANDLE(gpuc_array_copy, "queue", gpuc_queue, h, &w.array, &w.array, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_copy, "destination->buffer", gpuc_buffer, w.queue, w.over(h), &w.array, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_copy, "source->buffer", gpuc_buffer, w.queue, &w.array, w.over(h), nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_copy, "waits[0]", gpuc_event, w.queue, &w.array, &w.array, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_array_fill, "queue", gpuc_queue, h, &w.array, w.host, GPUC_TYPE_I32, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_fill, "view->buffer", gpuc_buffer, w.queue, w.over(h), w.host, GPUC_TYPE_I32, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_fill, "waits[0]", gpuc_event, w.queue, &w.array, w.host, GPUC_TYPE_I32, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_array_arange, "queue", gpuc_queue, h, &w.array, w.host, w.host, GPUC_TYPE_I32, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_arange, "view->buffer", gpuc_buffer, w.queue, w.over(h), w.host, w.host, GPUC_TYPE_I32, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_arange, "waits[0]", gpuc_event, w.queue, &w.array, w.host, w.host, GPUC_TYPE_I32, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_array_read, "queue", gpuc_queue, h, &w.array, w.host),
      HANDLE(gpuc_array_read, "view->buffer", gpuc_buffer, w.queue, w.over(h), w.host),
      HANDLE(gpuc_array_write, "queue", gpuc_queue, h, &w.array, w.host),
      HANDLE(gpuc_array_write, "view->buffer", gpuc_buffer, w.queue, w.over(h), w.host),
      HANDLE(gpuc_array_read_async, "queue", gpuc_queue, h, &w.array, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_read_async, "view->buffer", gpuc_buffer, w.queue, w.over(h), w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_read_async, "waits[0]", gpuc_event, w.queue, &w.array, w.host, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_array_write_async, "queue", gpuc_queue, h, &w.array, w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_write_async, "view->buffer", gpuc_buffer, w.queue, w.over(h), w.host, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_write_async, "waits[0]", gpuc_event, w.queue, &w.array, w.host, &h, 1, w.out<gpuc_event>()),
      HANDLE(gpuc_array_matmul, "queue", gpuc_queue, h, &w.array, &w.array, &w.array, nullptr, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_matmul, "a->buffer", gpuc_buffer, w.queue, w.over(h), &w.array, &w.array, nullptr, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_matmul, "b->buffer", gpuc_buffer, w.queue, &w.array, w.over(h), &w.array, nullptr, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_matmul, "c->buffer", gpuc_buffer, w.queue, &w.array, &w.array, w.over(h), nullptr, nullptr, 0, w.out<gpuc_event>()),
      HANDLE(gpuc_array_matmul, "waits[0]", gpuc_event, w.queue, &w.array, &w.array, &w.array, nullptr, &h, 1, w.out<gpuc_event>()),
  };
  return all;
}

void release_as(const std::string &type, void *handle) {
#define GPUC_RELEASE(name) \
  if (type == "gpuc_" #name) gpuc_##name##_release(static_cast<gpuc_##name *>(handle));
  GPUC_RELEASE(platform)
  GPUC_RELEASE(device)
  GPUC_RELEASE(context)
  GPUC_RELEASE(queue)
  GPUC_RELEASE(event)
  GPUC_RELEASE(buffer)
  GPUC_RELEASE(host_memory)
  GPUC_RELEASE(program)
  GPUC_RELEASE(kernel)
  GPUC_RELEASE(proque)
  GPUC_RELEASE(profile)
#undef GPUC_RELEASE
}

const char *const all_types[] = {"gpuc_platform", "gpuc_device", "gpuc_context", "gpuc_queue",
                                 "gpuc_event",    "gpuc_buffer", "gpuc_kernel",  "gpuc_host_memory",
                                 "gpuc_program",  "gpuc_proque", "gpuc_profile"};

// A handle of each type that was good once.
std::vector<std::pair<std::string, void *>> released_handles() {
  std::vector<std::pair<std::string, void *>> all;
  const World gone;
  all = {{"gpuc_event", gone.event.get()},        {"gpuc_buffer", gone.buffer.get()},
         {"gpuc_host_memory", gone.memory.get()}, {"gpuc_kernel", gone.kernel.get()},
         {"gpuc_profile", gone.profile.get()},    {"gpuc_proque", gone.proque.get()}};
  const Context context = another_context();
  const Queue queue = queue_of(context);
  Program program;
  OK(gpuc_program_create_from_source(context, "kernel void k() {}", GPUC_NUL_TERMINATED, nullptr, program.out()));
  all.insert(all.end(),
             {{"gpuc_context", context.get()}, {"gpuc_queue", queue.get()}, {"gpuc_program", program.get()}});
  return all;
}

struct Bad {
  std::string kind;
  void *handle;
};

std::vector<Bad> bad_handles(const World &w, const std::string &type) {
  static int global_variable = 0;
  static const auto heap = std::make_unique<int>(0);
  int on_stack = 0;
  std::vector<Bad> all = {{"NULL", nullptr},
                          {"stack", &on_stack},
                          {"heap", heap.get()},
                          {"static", &global_variable},
                          {"function", reinterpret_cast<void *>(&gpuc_version)}};
  for (const auto &[released_type, handle] : released_handles())
    all.push_back({released_type == type ? "released" : "released, of another type", handle});
  const auto living = w.living();
  const char *const living_types[] = {"gpuc_platform", "gpuc_device", "gpuc_context", "gpuc_queue",
                                      "gpuc_event",    "gpuc_buffer", "gpuc_buffer",  "gpuc_host_memory",
                                      "gpuc_program",  "gpuc_kernel", "gpuc_proque",  "gpuc_profile"};
  const auto is_living = [&](uint64_t value) {
    return std::any_of(living.begin(), living.end(),
                       [&](void *handle) { return reinterpret_cast<uint64_t>(handle) == value; });
  };
  for (size_t i = 0; i < living.size(); ++i) {
    if (type != living_types[i]) {
      all.push_back({"wrong type", living[i]});
      continue;
    }
    for (int bit = 0; bit < 64; ++bit) {
      const uint64_t forged = reinterpret_cast<uint64_t>(living[i]) ^ (uint64_t(1) << bit);
      if (!is_living(forged)) all.push_back({"forged", reinterpret_cast<void *>(forged)});
    }
  }
  static std::mt19937_64 random(20240601);
  for (int i = 0; i < 32; ++i) {
    // Of all widths: the smaller ones are nearer to what handles are.
    const uint64_t value = random() >> (random() % 60);
    if (!is_living(value)) all.push_back({"random", reinterpret_cast<void *>(value)});
  }
  return all;
}

}  // namespace

TEST_SUITE("handles") {
  // documented: common GPUC_ERROR_INVALID_HANDLE
  TEST_CASE("every function refuses every kind of bad handle") {
    World w;
    size_t checked = 0;
    for (const char *type : all_types) {
      const auto bad = bad_handles(w, type);
      for (const Argument &argument : arguments()) {
        if (std::strcmp(argument.type, type) != 0) continue;
        for (const Bad &one : bad) {
          if (!one.handle && argument.optional) continue;
          ++checked;
          poison_record();
          w.has_result = false;
          const gpuc_status status = argument.call(w, one.handle);
          const std::string message = gpuc_last_error_message();
          std::string fault = record_fault(status);
          if (status != GPUC_ERROR_INVALID_HANDLE)
            fault = "gives " + named(status);
          else if (w.has_result && std::strstr(argument.function, "get_devices") == nullptr && w.result)
            fault = "leaves its out handle";
          // _retain knows of its argument only that it is its own.
          const std::string word = std::strstr(argument.function, "_retain") ? argument.type : argument.name;
          if (fault.empty() && message.compare(0, word.size(), word) != 0)
            fault = "does not name the argument: " + message;
          if (!fault.empty())
            FAIL_CHECK(std::string(argument.function)
                       << ", " << std::string(argument.name) << ", " << one.kind << ": " << fault);
        }
      }
    }
    CHECK(checked > 5000);
    OK(gpuc_queue_finish(w.queue));
  }

  TEST_CASE("releasing a bad handle does nothing") {
    World w;
    const auto living = w.living();
    for (const char *type : all_types) {
      for (const Bad &one : bad_handles(w, type)) release_as(type, one.handle);
    }
    // Everything is there still.
    for (const Argument &argument : arguments()) {
      const std::string function = argument.function;
      if (function.size() < 7 || function.substr(function.size() - 7) != "_retain") continue;
      for (void *handle : living) {
        if (argument.call(w, handle) == GPUC_OK) release_as(argument.type, handle);
      }
    }
    void *pointer = nullptr;
    OK(gpuc_host_memory_get(w.memory, &pointer, nullptr));
    OK(gpuc_buffer_write(w.buffer, w.queue, 0, 4, w.host));
    OK(gpuc_kernel_launch(w.kernel, w.queue, &w.launch, w.args, 2, nullptr, 0, nullptr));
    OK(gpuc_proque_finish(w.proque));
    OK(gpuc_event_wait(w.event));
    OK(gpuc_platform_get_native(w.platform, &pointer));
  }

  TEST_CASE("stale handles stay refused") {
    const Buffer whole = buffer_of(runtime().context, 64);
    std::vector<gpuc_buffer *> stale;
    size_t wrong = 0, size = 0;
    for (int i = 0; i < 100000; ++i) {
      gpuc_buffer *slice = nullptr;
      if (gpuc_buffer_slice(whole, 0, 8, &slice) != GPUC_OK) ++wrong;
      gpuc_buffer_release(slice);
      if (i % 997 == 0) stale.push_back(slice);
      if (i % 10007 == 0)
        for (gpuc_buffer *old : stale) wrong += gpuc_buffer_get_size(old, &size) != GPUC_ERROR_INVALID_HANDLE;
    }
    for (gpuc_buffer *old : stale) wrong += gpuc_buffer_get_size(old, &size) != GPUC_ERROR_INVALID_HANDLE;
    CHECK(wrong == 0);
    CHECK(std::set<gpuc_buffer *>(stale.begin(), stale.end()).size() == stale.size());
  }

  TEST_CASE("a place in the table that is used again gives another handle") {
    const Buffer whole = buffer_of(runtime().context, 64);
    std::vector<gpuc_buffer *> old, fresh;
    std::set<gpuc_buffer *> all;
    const auto make = [&](std::vector<gpuc_buffer *> &to) {
      for (int i = 0; i < 2000; ++i) {
        to.push_back(nullptr);
        OK(gpuc_buffer_slice(whole, 0, 8, &to.back()));
        all.insert(to.back());
      }
    };
    make(old);
    for (gpuc_buffer *slice : old) gpuc_buffer_release(slice);
    make(fresh);
    CHECK(all.size() == 4000);
    size_t wrong = 0, size = 0;
    for (gpuc_buffer *slice : old) wrong += gpuc_buffer_get_size(slice, &size) != GPUC_ERROR_INVALID_HANDLE;
    for (gpuc_buffer *slice : old) gpuc_buffer_release(slice);  // does nothing to the new ones
    for (gpuc_buffer *slice : fresh) wrong += gpuc_buffer_get_size(slice, &size) != GPUC_OK;
    CHECK(wrong == 0);
    for (gpuc_buffer *slice : fresh) gpuc_buffer_release(slice);
  }

  TEST_CASE("any order of release") {
    int order[6] = {0, 1, 2, 3, 4, 5};
    int permutations = 0;
    do {
      ++permutations;
      Context context = another_context();
      Queue queue = queue_of(context);
      Buffer buffer = buffer_of(context, 64);
      Program program;
      Kernel kernel;
      Event event;
      OK(gpuc_program_create_from_source(context, kernel_source, GPUC_NUL_TERMINATED, nullptr, program.out()));
      OK(gpuc_kernel_create(program, "fill_value", kernel.out()));
      const gpuc_arg args[] = {buffer_arg(buffer), i32_arg(permutations)};
      const gpuc_launch launch = launch_1d(16);
      OK(gpuc_kernel_launch(kernel, queue, &launch, args, 2, nullptr, 0, event.out()));
      for (const int which : order) switch (which) {
          case 0:
            context.reset();
            break;
          case 1:
            queue.reset();
            break;
          case 2: {
            int value = 0;
            if (queue && context) OK(gpuc_buffer_read(buffer, queue, 60, 4, &value));
            buffer.reset();
            break;
          }
          case 3:
            program.reset();
            break;
          case 4:
            kernel.reset();
            break;
          default:
            OK(gpuc_event_wait(event));
            event.reset();
        }
    } while (std::next_permutation(order, order + 6));
    CHECK(permutations == 720);
  }

  TEST_CASE("references and identity") {
    Buffer buffer = buffer_of(runtime().context, 16);
    size_t size = 0;
    for (int i = 0; i < 1000; ++i) OK(gpuc_buffer_retain(buffer));
    for (int i = 0; i < 1000; ++i) gpuc_buffer_release(buffer);
    OK(gpuc_buffer_get_size(buffer, &size));
    gpuc_buffer *raw = buffer.give();
    gpuc_buffer_release(raw);
    FAILS(GPUC_ERROR_INVALID_HANDLE, gpuc_buffer_get_size(raw, &size));
    FAILS(GPUC_ERROR_INVALID_HANDLE, gpuc_buffer_retain(raw));
    SAYS("released");
    gpuc_buffer_release(raw);

    // A getter gives the same handle each time, with a reference of its own.
    const Buffer other = buffer_of(runtime().context, 16);
    Context one, two;
    OK(gpuc_buffer_get_context(other, one.out()));
    OK(gpuc_buffer_get_context(other, two.out()));
    CHECK(one.get() == runtime().context);
    CHECK(two.get() == runtime().context);
    // And after the last handle went, a new one of the same object.
    const Context context = another_context();
    Queue queue = queue_of(context);
    Context again;
    OK(gpuc_queue_get_context(queue, again.out()));
    CHECK(again.get() == context.get());
  }

  TEST_CASE("a parent whose handle was released is given anew") {
    Context context = another_context();
    const Queue queue = queue_of(context);
    gpuc_context *old = context;
    context.reset();
    size_t count = 0;
    FAILS(GPUC_ERROR_INVALID_HANDLE, gpuc_context_get_devices(old, nullptr, 0, &count));
    OK(gpuc_queue_get_context(queue, context.out()));
    CHECK(context.get() != old);
    OK(gpuc_context_get_devices(context, nullptr, 0, &count));
    Context same;
    OK(gpuc_queue_get_context(queue, same.out()));
    CHECK(same.get() == context.get());
  }
}

TEST_SUITE("handles, threads") {
  TEST_CASE("eight threads release and use one handle") {
    const Buffer whole = buffer_of(runtime().context, 64);
    constexpr int thread_count = 8, rounds = 2000;
    std::atomic<gpuc_buffer *> shared{nullptr};
    std::atomic<int> arrived{0}, round{0}, odd{0}, used{0};
    const auto work = [&](int self) {
      for (int r = 1; r <= rounds; ++r) {
        while (round.load() < r) std::this_thread::yield();
        gpuc_buffer *buffer = shared.load();
        for (int i = 0; i < 3; ++i) {
          size_t size = 0;
          gpuc_buffer *slice = nullptr;
          const gpuc_status status =
              i == 2 ? gpuc_buffer_slice(buffer, 0, 4, &slice) : gpuc_buffer_get_size(buffer, &size);
          if (status == GPUC_OK)
            used.fetch_add(1);
          else if (status != GPUC_ERROR_INVALID_HANDLE)
            odd.fetch_add(1);
          if (status == GPUC_OK && i != 2 && size != 8) odd.fetch_add(1);
          gpuc_buffer_release(slice);
          if (i == self % 3) gpuc_buffer_release(buffer);
        }
        arrived.fetch_add(1);
      }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; ++i) threads.emplace_back(work, i);
    size_t still_there = 0;
    for (int r = 1; r <= rounds; ++r) {
      gpuc_buffer *slice = nullptr;
      if (gpuc_buffer_slice(whole, 8, 8, &slice) != GPUC_OK) odd.fetch_add(1);
      shared = slice;
      arrived = 0;
      round = r;
      while (arrived.load() < thread_count) std::this_thread::yield();
      size_t size = 0;
      still_there += gpuc_buffer_get_size(slice, &size) == GPUC_OK;
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(odd == 0);
    CHECK(still_there == 0);
    CHECK(used > 0);
    CHECK(read_back(whole, 8).size() == 8);
  }

  TEST_CASE("two threads release one reference at the same moment") {
    Context context = another_context();
    constexpr int rounds = 100000;
    std::atomic<gpuc_buffer *> shared{nullptr};
    std::atomic<int> round{0}, done{0};
    const auto release = [&](int r) {
      unsigned spins = 0;
      while (round.load(std::memory_order_acquire) < r)
        if (++spins % 1024 == 0) std::this_thread::yield();
      gpuc_buffer_release(shared.load(std::memory_order_relaxed));
      done.fetch_add(1, std::memory_order_release);
    };
    std::thread other([&] {
      for (int r = 1; r <= rounds; ++r) release(r);
    });
    int failed = 0;
    for (int r = 1; r <= rounds; ++r) {
      gpuc_buffer *buffer = nullptr;
      failed += gpuc_buffer_create(context, 64, 0, &buffer) != GPUC_OK;
      shared = buffer;
      round.store(r, std::memory_order_release);
      // The other thread learns of it a little later; how much is different everywhere.
      for (volatile int wait = 0; wait < r % 200; wait = wait + 1) {
      }
      release(r);
      while (done.load(std::memory_order_acquire) < 2 * r) std::this_thread::yield();
    }
    other.join();
    CHECK(failed == 0);
    uint64_t living = 0;
    OK(gpuc_context_get_memory(context, GPUC_MEMORY_LIVE_BUFFERS, &living));
    CHECK(living == 0);
  }

  TEST_CASE("a handle that is released twice during a call ends with the call") {
    if (is_oclgrind()) SKIP_TEST("commands that wait for a user event never complete");
    Event gate;
    OK(gpuc_event_create_user(runtime().context, gate.out()));
    gpuc_event *const waits[] = {gate};
    gpuc_queue *queue = nullptr;
    OK(gpuc_queue_create(runtime().context, nullptr, 0, &queue));
    OK(gpuc_queue_marker_async(queue, waits, 1, nullptr));
    std::thread waiting([&] { gpuc_queue_finish(queue); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // it is in there, or there is little to see
    for (int i = 0; i < 3; ++i) gpuc_queue_release(queue);
    CHECK(gpuc_queue_flush(queue) == GPUC_ERROR_INVALID_HANDLE);
    OK(gpuc_event_complete(gate, 0));
    waiting.join();
    CHECK(gpuc_queue_flush(queue) == GPUC_ERROR_INVALID_HANDLE);
    CHECK(gpuc_queue_retain(queue) == GPUC_ERROR_INVALID_HANDLE);
  }

  TEST_CASE("getters and releases of one parent") {
    const Buffer buffer = buffer_of(runtime().context, 64);
    std::atomic<int> odd{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int r = 0; r < 5000; ++r) {
          gpuc_context *context = nullptr;
          if (gpuc_buffer_get_context(buffer, &context) != GPUC_OK || context != runtime().context) odd.fetch_add(1);
          gpuc_context_release(context);
        }
      });
    for (std::thread &thread : threads) thread.join();
    CHECK(odd == 0);
    // Of a parent that nobody else holds: its handle comes and goes.
    Context parent = another_context();
    const Buffer child = buffer_of(parent, 64);
    parent.reset();
    threads.clear();
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int r = 0; r < 5000; ++r) {
          gpuc_context *context = nullptr;
          uint64_t value = 0;
          if (gpuc_buffer_get_context(child, &context) != GPUC_OK) odd.fetch_add(1);
          if (gpuc_context_get_memory(context, GPUC_MEMORY_LIVE_BUFFERS, &value) != GPUC_OK || value != 1)
            odd.fetch_add(1);
          gpuc_context_release(context);
        }
      });
    for (std::thread &thread : threads) thread.join();
    CHECK(odd == 0);
  }
}
