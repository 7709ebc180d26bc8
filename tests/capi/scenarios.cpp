#include "scenarios.hpp"

#include <poll.h>
#include <unistd.h>

#include <cstdlib>

namespace capi_test {

bool device_compiles = false;

const std::map<std::string, std::set<gpuc_status>> &documented_statuses() {
  static const auto *const table = [] {
    auto *all = new std::map<std::string, std::set<gpuc_status>>{
#include "documented_statuses.inc"
    };
    const auto common = (*all)["common"];
    for (auto &[function, statuses] : *all) statuses.insert(common.begin(), common.end());
    return all;
  }();
  return *table;
}

bool Steps::operator()(const char *function, gpuc_status got) {
  if (got == GPUC_OK) return true;
  status_ = got;
  function_ = function;
  message_ = gpuc_last_error_message();
  const std::string failure = function_ + " gave " + named(got) + " (" + message_ + ")";
  const std::string fault = record_fault(got);
  if (!fault.empty()) wrong(failure + ": " + fault);
  const auto found = documented_statuses().find(function);
  if (found == documented_statuses().end())
    wrong(function_ + " is no function of the header");
  else if (!found->second.count(got))
    wrong(failure + ", which the header does not document");
  if (got == GPUC_ERROR_INTERNAL) wrong(failure);
  return false;
}

namespace {

// The function's result; the scenario ends where it is a failure.
#define STEP(function, ...)                               \
  do {                                                    \
    poison_record();                                      \
    if (!steps(#function, function(__VA_ARGS__))) return; \
  } while (0)
#define RIGHT(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) steps.wrong("line " + std::to_string(__LINE__) + ": " #condition); \
  } while (0)

#define BASICS(flags)                                   \
  Device device;                                        \
  Context context;                                      \
  Queue queue;                                          \
  STEP(gpuc_device_select, nullptr, device.out());      \
  gpuc_device *const devices[] = {device};              \
  STEP(gpuc_context_create, devices, 1, context.out()); \
  STEP(gpuc_queue_create, context, device, flags, queue.out())

gpuc_rect rect_of(size_t x, size_t y, size_t pitch) {
  gpuc_rect rect{};
  gpuc_rect_init(&rect, sizeof rect);
  rect.region[0] = x;
  rect.region[1] = y;
  rect.source_row_pitch_bytes = rect.destination_row_pitch_bytes = pitch;
  return rect;
}

gpuc_launch launch_of(size_t global) {
  gpuc_launch launch{};
  gpuc_launch_init(&launch, sizeof launch);
  launch.global[0] = global;
  return launch;
}

gpuc_program_desc uncached(const gpuc_text *source) {
  gpuc_program_desc desc{};
  gpuc_program_desc_init(&desc, sizeof desc);
  desc.sources = source;
  desc.source_count = 1;
  desc.flags = GPUC_PROGRAM_NO_CACHE;
  return desc;
}

const gpuc_text the_source{
    "scenario.cl",
    "kernel void vector_add(global const float *a, global const float *b, global float *c) {\n"
    "  size_t i = get_global_id(0); c[i] = a[i] + b[i];\n}\n"
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n",
    GPUC_NUL_TERMINATED};

void launch(Steps &steps) {
  BASICS(GPUC_QUEUE_PROFILING);
  constexpr size_t count = 64;
  std::vector<float> a(count, 1), b(count, 2), c(count, 0);
  Buffer ba, bb, bc;
  STEP(gpuc_buffer_create, context, count * 4, 0, ba.out());
  STEP(gpuc_buffer_create, context, count * 4, 0, bb.out());
  STEP(gpuc_buffer_create, context, count * 4, 0, bc.out());
  STEP(gpuc_buffer_write, ba, queue, 0, count * 4, a.data());
  STEP(gpuc_buffer_write, bb, queue, 0, count * 4, b.data());
  const gpuc_program_desc desc = uncached(&the_source);
  Program program;
  Kernel kernel;
  STEP(gpuc_program_create, context, &desc, program.out());
  STEP(gpuc_kernel_create, program, "vector_add", kernel.out());
  const gpuc_arg args[] = {buffer_arg(ba), buffer_arg(bb), buffer_arg(bc)};
  const gpuc_launch size = launch_of(count);
  Event event;
  STEP(gpuc_kernel_launch, kernel, queue, &size, args, 3, nullptr, 0, event.out());
  STEP(gpuc_kernel_launch, kernel, queue, &size, args, 3, nullptr, 0, nullptr);
  STEP(gpuc_event_wait, event);
  uint64_t started = 1, ended = 0;
  STEP(gpuc_event_get_times, event, nullptr, nullptr, &started, &ended);
  RIGHT(started <= ended);
  STEP(gpuc_buffer_read, bc, queue, 0, count * 4, c.data());
  RIGHT(c == std::vector<float>(count, 3));
  STEP(gpuc_queue_finish, queue);
}

void proque(Steps &steps) {
  ProQue all;
  gpuc_proque_options options{};
  gpuc_proque_options_init(&options, sizeof options);
  options.dims = 2;
  options.size[0] = 32;
  options.size[1] = 1;
  STEP(gpuc_proque_create, the_source.text, GPUC_NUL_TERMINATED, &options, all.out());
  Buffer buffer;
  STEP(gpuc_proque_create_buffer, all, GPUC_TYPE_I32, buffer.out());
  const gpuc_arg args[] = {buffer_arg(buffer), i32_arg(9)};
  Event event;
  STEP(gpuc_proque_launch, all, "fill_value", args, 2, nullptr, 0, event.out());
  gpuc_event *waits[] = {event};
  STEP(gpuc_proque_launch, all, "fill_value", args, 2, waits, 1, nullptr);
  STEP(gpuc_proque_finish, all);
  std::vector<int> back(32, 0);
  STEP(gpuc_proque_read, all, buffer, back.data());
  RIGHT(back == std::vector<int>(32, 9));
  STEP(gpuc_proque_write, all, buffer, back.data());
  Kernel kernel;
  Queue queue;
  STEP(gpuc_proque_get_kernel, all, "vector_add", kernel.out());
  STEP(gpuc_proque_get_queue, all, queue.out());
  STEP(gpuc_queue_finish, queue);
}

void buffers(Steps &steps) {
  BASICS(0);
  constexpr size_t size = 4096;
  // Static: what a command that could not be waited for still touches.
  static std::vector<unsigned char> data(size), back(size, 0), again(256, 0);
  back.assign(size, 0);
  again.assign(256, 0);
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<unsigned char>(i * 31 + i / 256);
  Buffer one, two, slice;
  STEP(gpuc_buffer_create, context, size, 0, one.out());
  STEP(gpuc_buffer_create, context, size, GPUC_BUFFER_UNPOOLED, two.out());
  STEP(gpuc_buffer_slice, one, 1024, 2048, slice.out());
  STEP(gpuc_buffer_write, one, queue, 0, size, data.data());
  STEP(gpuc_buffer_copy_async, one, two, queue, 0, 0, size, nullptr, 0, nullptr);
  const uint32_t pattern = 0x01020304;
  STEP(gpuc_buffer_fill_async, slice, queue, &pattern, 4, 0, 1024, nullptr, 0, nullptr);
  STEP(gpuc_buffer_read, one, queue, 0, size, back.data());
  RIGHT(std::memcmp(back.data(), data.data(), 1024) == 0);
  RIGHT(back[1024] == 4 && back[2047] == 1 && back[2048] == data[2048]);
  // A box of 16 x 4 with rows 64 bytes apart.
  const gpuc_rect box = rect_of(16, 4, 64);
  STEP(gpuc_buffer_write_rect, two, queue, &box, back.data() + 1024);
  STEP(gpuc_buffer_copy_rect_async, two, one, queue, &box, nullptr, 0, nullptr);
  std::vector<unsigned char> corner(256, 0);
  STEP(gpuc_buffer_read_rect, one, queue, &box, corner.data());
  RIGHT(corner[0] == 4 && corner[64 * 3 + 15] == 1 && corner[16] == 0);
  Event event;
  STEP(gpuc_buffer_write_rect_async, one, queue, &box, data.data(), nullptr, 0, event.out());
  gpuc_event *waits[] = {event};
  Event read;
  STEP(gpuc_buffer_read_rect_async, one, queue, &box, again.data(), waits, 1, read.out());
  STEP(gpuc_event_wait, read);
  RIGHT(again[64 + 15] == data[64 + 15]);
  void *pointer = nullptr;
  STEP(gpuc_buffer_map, two, queue, GPUC_MAP_READ | GPUC_MAP_WRITE, 100, 200, &pointer);
  static_cast<unsigned char *>(pointer)[0] = 77;
  STEP(gpuc_buffer_unmap_async, two, queue, pointer, nullptr, 0, event.out());
  STEP(gpuc_event_wait, event);
  STEP(gpuc_buffer_read, two, queue, 100, 1, back.data());
  RIGHT(back[0] == 77);
  void *mapped = nullptr;
  STEP(gpuc_buffer_map_async, one, queue, GPUC_MAP_WRITE | GPUC_MAP_DISCARD, 0, 64, nullptr, 0, &mapped, event.out());
  STEP(gpuc_event_wait, event);
  std::memset(mapped, 5, 64);
  STEP(gpuc_buffer_unmap_async, one, queue, mapped, nullptr, 0, nullptr);
  STEP(gpuc_buffer_read, one, queue, 0, 64, back.data());
  RIGHT(back[63] == 5);
}

void async(Steps &steps) {
  BASICS(0);
  Queue second;
  STEP(gpuc_queue_create, context, nullptr, 0, second.out());
  // Static: what a command that could not be waited for still touches.
  static std::vector<unsigned char> data(512, 3), back(512, 0);
  back.assign(512, 0);
  Buffer buffer, copy;
  STEP(gpuc_buffer_create, context, 512, 0, buffer.out());
  STEP(gpuc_buffer_create, context, 512, 0, copy.out());
  Event start, wrote, copied, read, marker;
  STEP(gpuc_event_create_user, context, start.out());
  gpuc_event *waits[] = {start};
  STEP(gpuc_buffer_write_async, buffer, queue, 0, 512, data.data(), waits, 1, wrote.out());
  gpuc_event *after_write[] = {wrote};
  STEP(gpuc_buffer_copy_async, buffer, copy, second, 0, 0, 512, after_write, 1, copied.out());
  STEP(gpuc_queue_barrier_async, second, nullptr, 0, nullptr);
  STEP(gpuc_buffer_read_async, copy, second, 0, 512, back.data(), nullptr, 0, read.out());
  STEP(gpuc_queue_marker_async, second, nullptr, 0, marker.out());
  int32_t fd = -1;
  STEP(gpuc_event_get_fd, marker, &fd);
  struct Close {
    int fd;
    ~Close() { close(fd); }
  } closer{fd};
  poison_record();
  const gpuc_status early = gpuc_event_wait_for(marker, 0);
  if (early != GPUC_ERROR_TIMEOUT) {
    if (early == GPUC_OK) steps.wrong("a command is complete before what it waits for");
    steps("gpuc_event_wait_for", early);
    return;
  }
  STEP(gpuc_event_complete, start, 0);
  gpuc_event *all[] = {wrote, copied, read};
  STEP(gpuc_event_wait_all, all, 3);
  RIGHT(back == data);
  STEP(gpuc_event_wait_for, marker, 2000000000);
  gpuc_event_state state = 0;
  STEP(gpuc_event_get_state, marker, &state);
  RIGHT(state == GPUC_EVENT_COMPLETE);
  pollfd readable{fd, POLLIN, 0};
  RIGHT(poll(&readable, 1, 5000) == 1);
  STEP(gpuc_queue_flush, queue);
  STEP(gpuc_queue_finish, second);
}

void pool(Steps &steps) {
  BASICS(0);
  STEP(gpuc_context_set_memory_limit, context, 64 << 10);
  const int zero = 0;
  std::vector<Buffer> kept(3);
  for (int round = 0; round < 3; ++round) {
    for (Buffer &buffer : kept) {
      STEP(gpuc_buffer_create, context, 10000, 0, buffer.out());
      STEP(gpuc_buffer_fill_async, buffer, queue, &zero, 4, 0, 10000, nullptr, 0, nullptr);
    }
    kept[static_cast<size_t>(round)].reset();
  }
  // Of another size: what is cached must go.
  Buffer large, none;
  for (Buffer &buffer : kept) buffer.reset();
  STEP(gpuc_buffer_create, context, 40000, 0, large.out());
  STEP(gpuc_buffer_fill_async, large, queue, &zero, 4, 0, 40000, nullptr, 0, nullptr);
  poison_record();
  const gpuc_status status = gpuc_buffer_create(context, 30000, 0, none.out());
  RIGHT(status != GPUC_OK);
  if (status != GPUC_ERROR_OUT_OF_DEVICE_MEMORY) {
    steps("gpuc_buffer_create", status);
    return;
  }
  uint64_t freed = 0;
  large.reset();
  STEP(gpuc_queue_finish, queue);
  STEP(gpuc_context_trim, context, &freed);
  STEP(gpuc_buffer_create, context, 30000, 0, none.out());
  int first = 1;
  STEP(gpuc_buffer_fill_async, none, queue, &zero, 4, 0, 30000, nullptr, 0, nullptr);
  STEP(gpuc_buffer_read, none, queue, 0, 4, &first);
  RIGHT(first == 0);
  uint64_t in_use = 0;
  STEP(gpuc_context_get_memory, context, GPUC_MEMORY_IN_USE_BYTES, &in_use);
  RIGHT(in_use >= 30000 && in_use < 40000);
}

void program_warm(Steps &steps) {
  BASICS(0);
  Program program;
  STEP(gpuc_program_create_from_source, context, the_source.text, GPUC_NUL_TERMINATED, "-cl-mad-enable", program.out());
  Kernel kernel;
  STEP(gpuc_kernel_create, program, "fill_value", kernel.out());
  Buffer buffer;
  STEP(gpuc_buffer_create, context, 64, 0, buffer.out());
  const gpuc_arg args[] = {buffer_arg(buffer), i32_arg(6)};
  const gpuc_launch size = launch_of(16);
  STEP(gpuc_kernel_launch, kernel, queue, &size, args, 2, nullptr, 0, nullptr);
  int back[16] = {};
  STEP(gpuc_buffer_read, buffer, queue, 0, 64, back);
  RIGHT(back[0] == 6 && back[15] == 6);
}

void program_cold(Steps &steps) {
  STEP(gpuc_cache_clear, nullptr);
  program_warm(steps);
  uint64_t entries = 0;
  STEP(gpuc_cache_get_number, GPUC_CACHE_ENTRIES, &entries);
}

void program_queries(Steps &steps) {
  BASICS(0);
  Program program, again, wrapped;
  const gpuc_program_desc desc = uncached(&the_source);
  STEP(gpuc_program_create, context, &desc, program.out());
  char text[4096];
  size_t needed = 0;
  STEP(gpuc_program_get_build_log, program, device, text, sizeof text, &needed);
  STEP(gpuc_program_get_kernel_names, program, text, sizeof text, &needed);
  RIGHT(std::string(text) == "fill_value;vector_add");
  STEP(gpuc_program_get_binary, program, nullptr, nullptr, 0, &needed);
  std::vector<unsigned char> binary(needed);
  STEP(gpuc_program_get_binary, program, nullptr, binary.data(), binary.size(), &needed);
  gpuc_program_desc from_binary{};
  gpuc_program_desc_init(&from_binary, sizeof from_binary);
  from_binary.binary = binary.data();
  from_binary.binary_size_bytes = binary.size();
  STEP(gpuc_program_create, context, &from_binary, again.out());
  Kernel kernel;
  STEP(gpuc_kernel_create, again, "fill_value", kernel.out());
  STEP(gpuc_kernel_get_arg_text, kernel, 0, text, sizeof text, &needed);
  uint64_t value = 0;
  STEP(gpuc_kernel_get_number, kernel, nullptr, GPUC_KERNEL_MAX_WORK_GROUP_SIZE, &value);
  void *native = nullptr;
  STEP(gpuc_program_get_native, program, &native);
  STEP(gpuc_program_from_native, context, native, wrapped.out());
  STEP(gpuc_kernel_create, wrapped, "vector_add", kernel.out());
}

void broken_program(Steps &steps) {
  BASICS(0);
  const gpuc_text source{"broken.cl", "kernel void fine(global int *x) {}\n#error SYNTAX_ERROR\n", GPUC_NUL_TERMINATED};
  const gpuc_program_desc desc = uncached(&source);
  Program program;
  poison_record();
  const gpuc_status status = gpuc_program_create(context, &desc, program.out());
  RIGHT(status != GPUC_OK);
  if (status != GPUC_ERROR_BUILD_FAILED) steps("gpuc_program_create", status);
}

void natives(Steps &steps) {
  BASICS(0);
  void *native_context = nullptr, *native_queue = nullptr, *native_buffer = nullptr, *native_event = nullptr;
  STEP(gpuc_context_get_native, context, &native_context);
  STEP(gpuc_queue_get_native, queue, &native_queue);
  Context of_native;
  Queue queue_of_native;
  STEP(gpuc_context_from_native, native_context, of_native.out());
  STEP(gpuc_queue_from_native, of_native, native_queue, queue_of_native.out());
  Buffer buffer, wrapped;
  STEP(gpuc_buffer_create, context, 256, 0, buffer.out());
  STEP(gpuc_buffer_get_native, buffer, &native_buffer, nullptr);
  STEP(gpuc_buffer_from_native, of_native, native_buffer, wrapped.out());
  const int nine = 9;
  Event event, event_of_native;
  STEP(gpuc_buffer_fill_async, wrapped, queue_of_native, &nine, 4, 0, 256, nullptr, 0, event.out());
  STEP(gpuc_event_get_native, event, &native_event);
  STEP(gpuc_event_from_native, of_native, native_event, event_of_native.out());
  STEP(gpuc_event_wait, event_of_native);
  int back[64] = {};
  STEP(gpuc_buffer_read, buffer, queue, 0, 256, back);
  RIGHT(back[63] == 9);
}

void host_memory(Steps &steps) {
  BASICS(0);
  HostMemory memory;
  STEP(gpuc_host_memory_create, context, 10000, memory.out());
  void *pointer = nullptr;
  STEP(gpuc_host_memory_get, memory, &pointer, nullptr);
  std::memset(pointer, 8, 10000);
  Buffer buffer;
  STEP(gpuc_buffer_create, context, 10000, 0, buffer.out());
  STEP(gpuc_buffer_write, buffer, queue, 0, 10000, pointer);
  std::memset(pointer, 0, 10000);
  STEP(gpuc_buffer_read, buffer, queue, 0, 10000, pointer);
  RIGHT(static_cast<unsigned char *>(pointer)[9999] == 8);
}

constexpr size_t large = (size_t(1) << 20) + 4096;

void transfer(Steps &steps) {
  BASICS(0);
  std::vector<unsigned char> data(large), back(large, 0);
  for (size_t i = 0; i < large; ++i) data[i] = static_cast<unsigned char>(i * 7 + i / 4096);
  Buffer buffer;
  STEP(gpuc_buffer_create, context, large, 0, buffer.out());
  STEP(gpuc_buffer_write, buffer, queue, 0, large, data.data());
  STEP(gpuc_buffer_read, buffer, queue, 0, large, back.data());
  RIGHT(back == data);
}

void transfer_async(Steps &steps) {
  BASICS(0);
  // Static: what a command that could not be waited for still touches.
  static std::vector<unsigned char> data(large, 1), back(large, 0);
  back.assign(large, 0);
  Buffer buffer;
  STEP(gpuc_buffer_create, context, large, 0, buffer.out());
  Event start, wrote, read;
  STEP(gpuc_event_create_user, context, start.out());
  gpuc_event *waits[] = {start};
  STEP(gpuc_buffer_write_async, buffer, queue, 0, large, data.data(), waits, 1, wrote.out());
  STEP(gpuc_buffer_read_async, buffer, queue, 0, large, back.data(), nullptr, 0, read.out());
  STEP(gpuc_event_complete, start, 0);
  gpuc_event *both[] = {wrote, read};
  STEP(gpuc_event_wait_all, both, 2);
  RIGHT(back == data);
}

void gemm_with(Steps &steps, const char *backend, int64_t k, gpuc_type type) {
  BASICS(0);
  const size_t element = gpuc_type_size_bytes(type);
  Buffer a, b, c;
  STEP(gpuc_buffer_create, context, 64 * element, 0, a.out());
  STEP(gpuc_buffer_create, context, 64 * element, 0, b.out());
  STEP(gpuc_buffer_create, context, 64 * element, 0, c.out());
  const std::vector<float> ones(64, 1);
  if (type == GPUC_TYPE_F32) {
    STEP(gpuc_buffer_write, a, queue, 0, 256, ones.data());
    STEP(gpuc_buffer_write, b, queue, 0, 256, ones.data());
    STEP(gpuc_buffer_write, c, queue, 0, 256, ones.data());
  }
  gpuc_gemm_desc desc{};
  gpuc_gemm_desc_init(&desc, sizeof desc);
  desc.type = type;
  desc.m = desc.n = 8;
  desc.k = k;
  desc.beta_real = 2;
  desc.backend = backend;
  char text[1024];
  size_t needed = 0;
  STEP(gpuc_gemm_explain, queue, &desc, text, sizeof text, &needed);
  Event event;
  STEP(gpuc_gemm, queue, &desc, a, b, c, nullptr, 0, event.out());
  gpuc_event *waits[] = {event};
  STEP(gpuc_gemm, queue, &desc, a, b, c, waits, 1, nullptr);
  STEP(gpuc_event_wait, event);
  STEP(gpuc_queue_finish, queue);
  if (type != GPUC_TYPE_F32 || !device_compiles) return;
  std::vector<float> back(64, 0);
  STEP(gpuc_buffer_read, c, queue, 0, 256, back.data());
  const float once = static_cast<float>(k) + 2, twice = static_cast<float>(k) + 2 * once;
  RIGHT(back == std::vector<float>(64, twice));
}

void gemm_reference(Steps &steps) { gemm_with(steps, "reference", 8, GPUC_TYPE_F32); }
void gemm_chosen(Steps &steps) { gemm_with(steps, nullptr, 8, GPUC_TYPE_F32); }
void gemm_scaling(Steps &steps) { gemm_with(steps, nullptr, 0, GPUC_TYPE_F32); }
void gemm_f64(Steps &steps) { gemm_with(steps, "reference", 8, GPUC_TYPE_F64); }

}  // namespace

const std::vector<Scenario> &scenarios() {
  static const std::vector<Scenario> all = {
      {"launch", launch, false},
      {"proque", proque, false},
      {"buffers", buffers, false},
      {"async", async, true},
      {"pool", pool, false},
      {"program_warm", program_warm, false},
      {"program_cold", program_cold, false},
      {"program_queries", program_queries, false},
      {"broken_program", broken_program, false},
      {"natives", natives, false},
      {"host_memory", host_memory, false},
      {"transfer", transfer, false},
      {"transfer_async", transfer_async, true},
      {"gemm_reference", gemm_reference, false},
      {"gemm_chosen", gemm_chosen, false},
      {"gemm_scaling", gemm_scaling, false},
      {"gemm_f64", gemm_f64, false},
  };
  return all;
}

}  // namespace capi_test
