// What one thread of the storm does with objects whose content it knows.
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "storm.hpp"

namespace storm {
namespace {

constexpr std::size_t size = 20000;

const char *const sources[] = {
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n",
    "// another\nkernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n",
};

gpuc_arg scalar(std::int32_t value) {
  gpuc_arg arg{};
  arg.kind = GPUC_ARG_SCALAR;
  arg.type = GPUC_TYPE_I32;
  arg.value.i32 = value;
  return arg;
}

gpuc_launch one_dimension(std::size_t count, std::size_t offset) {
  gpuc_launch launch{};
  GOOD(gpuc_launch_init(&launch, sizeof launch));
  launch.global[0] = count;
  launch.offset[0] = offset;
  return launch;
}

}  // namespace

struct Worker::Operation {
  const char *name;
  void (Worker::*run)();
  unsigned weight;
  mutable std::atomic<std::uint64_t> count{0};
  Operation(const char *n, void (Worker::*r)(), unsigned w) : name(n), run(r), weight(w) {}
  Operation(const Operation &other) : name(other.name), run(other.run), weight(other.weight) {}
};

const std::vector<Worker::Operation> &Worker::operations() {
  static const auto *const all = new std::vector<Operation>{
      {"write", &Worker::write, 12},
      {"read", &Worker::read, 12},
      {"fill", &Worker::fill, 8},
      {"copy", &Worker::copy, 8},
      {"map", &Worker::map, 8},
      {"launch", &Worker::launch, 16},
      {"gemm", &Worker::gemm, 4},
      {"user event", &Worker::user_event, 4},
      {"markers", &Worker::markers, 6},
      {"program", &Worker::program, 4},
      {"broken program", &Worker::broken_program, 1},
      {"cache", &Worker::cache, 1},
      {"profile", &Worker::profile, 2},
      {"context", &Worker::context, 3},
      {"host memory", &Worker::host_memory, 4},
      {"proque", &Worker::proque, 2},
      {"own error", &Worker::own_error, 6},
      {"memory", &Worker::memory, 4},
      {"finish", &Worker::finish, 6},
  };
  return *all;
}

namespace {

// Operations that need no worker.
struct Free {
  const char *name;
  void (*run)(Dice &, gpuc_queue *);
  unsigned weight;
  std::atomic<std::uint64_t> count{0};
};
Free free_operations[] = {
    {"put shared", put_shared, 10},
    {"use shared", use_shared, 20},
    {"release twice", [](Dice &dice, gpuc_queue *) { release_twice(dice); }, 6},
    {"look around", [](Dice &dice, gpuc_queue *) { look_around(dice); }, 6},
    {"scenario", [](Dice &dice, gpuc_queue *) { run_scenario(dice); }, 3},
};

}  // namespace

Worker::Worker(unsigned number) : number_(number), dice_(settings.seed * 1000003 + number), mirror_(size) {
  for (unsigned char &byte : mirror_) byte = static_cast<unsigned char>(dice_.bits());
  GOOD(gpuc_queue_create(common.context, nullptr, 0, &queue_));
  GOOD(gpuc_buffer_create(common.context, size, 0, &data_));
  GOOD(gpuc_buffer_write(data_, queue_, 0, size, mirror_.data()));
}

Worker::~Worker() {
  read();
  gpuc_buffer_release(data_);
  gpuc_queue_release(queue_);
}

void Worker::step() {
  static const unsigned total = [] {
    unsigned sum = 0;
    for (const Operation &operation : operations()) sum += operation.weight;
    for (const Free &operation : free_operations) sum += operation.weight;
    return sum;
  }();
  std::size_t at = dice_.below(total);
  steps_.fetch_add(1, std::memory_order_relaxed);
  for (const Operation &operation : operations()) {
    if (at < operation.weight) {
      doing_ = operation.name;
      (this->*operation.run)();
      operation.count.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    at -= operation.weight;
  }
  for (Free &operation : free_operations) {
    if (at < operation.weight) {
      doing_ = operation.name;
      operation.run(dice_, queue_);
      operation.count.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    at -= operation.weight;
  }
}

void Worker::print_counts() {
  const auto print = [](const char *name, std::uint64_t count) {
    std::printf("%s %llu, ", name, static_cast<unsigned long long>(count));
    if (count == 0) std::printf("(never) ");
  };
  for (const Operation &operation : operations()) print(operation.name, operation.count);
  for (const Free &operation : free_operations) print(operation.name, operation.count);
  std::printf("log messages %llu\n", static_cast<unsigned long long>(log_messages()));
}

std::vector<unsigned char> Worker::random_bytes(std::size_t count) {
  std::vector<unsigned char> bytes(count);
  for (unsigned char &byte : bytes) byte = static_cast<unsigned char>(dice_.bits());
  return bytes;
}

void Worker::check(const char *what, const unsigned char *got, std::size_t offset, std::size_t count) {
  if (std::memcmp(got, mirror_.data() + offset, count) != 0)
    wrong(std::string(what) + " of thread " + std::to_string(number_) + " gives what was not written");
}

void Worker::write() {
  const std::size_t offset = dice_.below(size), count = 1 + dice_.below(size - offset);
  const std::vector<unsigned char> bytes = random_bytes(count);
  if (dice_.one_in(2)) {
    if (!GOOD(gpuc_buffer_write(data_, queue_, offset, count, bytes.data()))) return;
  } else {
    gpuc_event *event = nullptr;
    if (!GOOD(gpuc_buffer_write_async(data_, queue_, offset, count, bytes.data(), nullptr, 0, &event))) return;
    GOOD(gpuc_event_wait(event));
    gpuc_event_release(event);
  }
  std::memcpy(mirror_.data() + offset, bytes.data(), count);
}

void Worker::read() {
  const std::size_t offset = dice_.below(size), count = 1 + dice_.below(size - offset);
  std::vector<unsigned char> bytes(count, 0xee);
  if (dice_.one_in(2)) {
    if (!GOOD(gpuc_buffer_read(data_, queue_, offset, count, bytes.data()))) return;
  } else {
    gpuc_event *event = nullptr;
    if (!GOOD(gpuc_buffer_read_async(data_, queue_, offset, count, bytes.data(), nullptr, 0, &event))) return;
    GOOD(gpuc_event_wait(event));
    gpuc_event_release(event);
  }
  check("a read", bytes.data(), offset, count);
}

void Worker::fill() {
  const std::size_t pattern_size = std::size_t(1) << dice_.below(5);
  const std::size_t slots = size / pattern_size, first = dice_.below(slots), count = 1 + dice_.below(slots - first);
  const std::vector<unsigned char> pattern = random_bytes(pattern_size);
  if (!GOOD(gpuc_buffer_fill_async(data_, queue_, pattern.data(), pattern_size, first * pattern_size,
                                   count * pattern_size, nullptr, 0, nullptr)))
    return;
  for (std::size_t i = 0; i < count; ++i)
    std::memcpy(mirror_.data() + (first + i) * pattern_size, pattern.data(), pattern_size);
}

// Out to another buffer and back to another place, through a slice at times.
void Worker::copy() {
  const std::size_t count = 1 + dice_.below(size / 2), from = dice_.below(size - count + 1),
                    to = dice_.below(size - count + 1);
  gpuc_buffer *other = nullptr;
  if (!GOOD(gpuc_buffer_create(common.context, count, 0, &other))) return;
  const bool copied = GOOD(gpuc_buffer_copy_async(data_, other, queue_, from, 0, count, nullptr, 0, nullptr)) &&
                      GOOD(gpuc_buffer_copy_async(other, data_, queue_, 0, to, count, nullptr, 0, nullptr));
  gpuc_buffer_release(other);  // at once: the copies hold it
  if (copied) std::memmove(mirror_.data() + to, mirror_.data() + from, count);
}

void Worker::map() {
  const std::size_t offset = dice_.below(size), count = 1 + dice_.below(size - offset);
  void *pointer = nullptr;
  if (!GOOD(gpuc_buffer_map(data_, queue_, GPUC_MAP_READ | GPUC_MAP_WRITE, offset, count, &pointer))) return;
  check("a mapping", static_cast<unsigned char *>(pointer), offset, count);
  const std::vector<unsigned char> bytes = random_bytes(count);
  std::memcpy(pointer, bytes.data(), count);
  if (GOOD(gpuc_buffer_unmap_async(data_, queue_, pointer, nullptr, 0, nullptr)))
    std::memcpy(mirror_.data() + offset, bytes.data(), count);
}

// Of the one kernel that all threads share, with this thread's own arguments.
void Worker::launch() {
  const std::size_t first = dice_.below(size / 4), count = 1 + dice_.below(size / 4 - first);
  const auto value = static_cast<std::int32_t>(dice_.bits());
  gpuc_arg args[2] = {{}, scalar(value)};
  args[0].kind = GPUC_ARG_BUFFER;
  args[0].value.buffer = data_;
  const gpuc_launch launch = one_dimension(count, first);
  gpuc_event *event = nullptr;
  if (!GOOD(gpuc_kernel_launch(common.fill, queue_, &launch, args, 2, nullptr, 0, dice_.one_in(4) ? &event : nullptr)))
    return;
  if (event) GOOD(gpuc_event_wait(event));
  gpuc_event_release(event);
  for (std::size_t i = first; i < first + count; ++i) std::memcpy(mirror_.data() + 4 * i, &value, 4);
}

void Worker::gemm() {
  constexpr int n = 8;
  float a[n * n], b[n * n], c[n * n];
  for (int i = 0; i < n * n; ++i) {
    a[i] = static_cast<float>(dice_.below(9)) - 4;
    b[i] = static_cast<float>(dice_.below(9)) - 4;
    c[i] = 1e9f;
  }
  gpuc_buffer *buffers[3] = {};
  for (gpuc_buffer *&buffer : buffers)
    if (!GOOD(gpuc_buffer_create(common.context, sizeof a, 0, &buffer))) return;
  gpuc_gemm_desc desc{};
  GOOD(gpuc_gemm_desc_init(&desc, sizeof desc));
  desc.m = desc.n = desc.k = n;
  const bool done = GOOD(gpuc_buffer_write(buffers[0], queue_, 0, sizeof a, a)) &&
                    GOOD(gpuc_buffer_write(buffers[1], queue_, 0, sizeof b, b)) &&
                    GOOD(gpuc_buffer_write(buffers[2], queue_, 0, sizeof c, c)) &&
                    GOOD(gpuc_gemm(queue_, &desc, buffers[0], buffers[1], buffers[2], nullptr, 0, nullptr)) &&
                    GOOD(gpuc_buffer_read(buffers[2], queue_, 0, sizeof c, c));
  for (gpuc_buffer *buffer : buffers) gpuc_buffer_release(buffer);
  if (!done || !settings.compiles) return;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      float sum = 0;  // of small whole numbers: exact in any order
      for (int k = 0; k < n; ++k) sum += a[i * n + k] * b[k * n + j];
      if (c[i * n + j] != sum) return wrong("a product of thread " + std::to_string(number_) + " is not right");
    }
}

void Worker::user_event() {
  if (!settings.user_events) return;
  gpuc_event *user = nullptr, *marker = nullptr;
  std::int32_t fd = -1;
  if (!GOOD(gpuc_event_create_user(common.context, &user))) return;
  // On a queue of its own: this thread's other work does not wait for it.
  gpuc_queue *queue = nullptr;
  GOOD(gpuc_queue_create(common.context, nullptr, 0, &queue));
  GOOD(gpuc_queue_marker_async(queue, &user, 1, &marker));
  const bool watched = dice_.one_in(2);
  if (watched) GOOD(gpuc_event_get_fd(marker, &fd));
  if (gpuc_event_wait_for(marker, dice_.below(100000)) != GPUC_ERROR_TIMEOUT)
    wrong("a marker is complete before the event that it waits for");
  GOOD(gpuc_event_complete(user, 0));
  GOOD(gpuc_event_wait(marker));
  if (watched) {
    pollfd wait = {fd, POLLIN, 0};
    if (poll(&wait, 1, 60000) != 1) wrong("the descriptor of a complete event does not become readable");
    close(fd);
  }
  gpuc_event_release(marker);
  gpuc_event_release(user);
  gpuc_queue_release(queue);
}

void Worker::markers() {
  gpuc_event *events[4] = {};
  for (gpuc_event *&event : events)
    GOOD(dice_.one_in(2) ? gpuc_queue_marker_async(queue_, nullptr, 0, &event)
                         : gpuc_queue_barrier_async(queue_, nullptr, 0, &event));
  GOOD(gpuc_event_wait_all(events, 4));
  for (gpuc_event *event : events) {
    std::int32_t state = 0;
    if (GOOD(gpuc_event_get_state(event, &state)) && state != GPUC_EVENT_COMPLETE)
      wrong("a marker that was waited for is not complete");
    gpuc_event_release(event);
  }
}

void Worker::program() {
  gpuc_program *program = nullptr;
  gpuc_kernel *kernel = nullptr;
  char text[64] = {};
  size_t needed = 0;
  if (!GOOD(gpuc_program_create_from_source(common.context, sources[dice_.below(std::size(sources))],
                                            GPUC_NUL_TERMINATED, dice_.one_in(2) ? "-DX=1" : nullptr, &program)))
    return;
  if (GOOD(gpuc_kernel_create(program, "fill_value", &kernel)) &&
      GOOD(gpuc_kernel_get_name(kernel, text, sizeof text, &needed)) && std::string(text) != "fill_value")
    wrong("a kernel has another name");
  GOOD(gpuc_program_get_build_log(program, nullptr, nullptr, 0, &needed));
  gpuc_program_release(program);
  gpuc_kernel_release(kernel);
}

void Worker::broken_program() {
  gpuc_program *program = nullptr;
  const gpuc_status got = gpuc_program_create_from_source(common.context, "#error of this thread\n",
                                                          GPUC_NUL_TERMINATED, nullptr, &program);
  if (got != GPUC_ERROR_BUILD_FAILED || program) wrong("a program that is none builds");
}

void Worker::cache() {
  std::uint64_t number = 0, checked = 0, removed = 0;
  GOOD(gpuc_cache_get_number(GPUC_CACHE_ENTRIES, &number));
  if (dice_.one_in(3) && GOOD(gpuc_cache_verify(&checked, &removed)) && removed != 0)
    wrong("the cache has entries that are damaged");
  if (dice_.one_in(50)) GOOD(gpuc_cache_clear(&removed));
}

// Other threads' commands are in it, too.
void Worker::profile() {
  gpuc_profile *profile = nullptr;
  if (!GOOD(gpuc_profile_start(nullptr, &profile))) return;
  launch();
  read();
  GOOD(gpuc_profile_stop(profile, 1000000000));
  std::uint64_t rows = 0, count = 0, all = 0;
  char text[2048];
  size_t needed = 0;
  GOOD(gpuc_profile_get_number(profile, GPUC_PROFILE_ROWS, &rows));
  for (std::size_t row = 0; row < rows; ++row)
    if (GOOD(gpuc_profile_get_row_number(profile, row, GPUC_ROW_COUNT, &count))) all += count;
  std::uint64_t unfinished = 0;
  GOOD(gpuc_profile_get_number(profile, GPUC_PROFILE_UNFINISHED, &unfinished));
  if (all + unfinished < 2) wrong("a profile has fewer commands than there were");
  const gpuc_status got = gpuc_profile_report(profile, text, sizeof text, &needed);
  if (got != GPUC_OK && got != GPUC_ERROR_BUFFER_TOO_SMALL) GOOD(got);
  gpuc_profile_release(profile);
}

void Worker::context() {
  gpuc_context *context = nullptr;
  gpuc_queue *queue = nullptr;
  gpuc_buffer *buffer = nullptr;
  if (!GOOD(gpuc_context_create(&common.device, 1, &context))) return;
  GOOD(gpuc_queue_create(context, nullptr, 0, &queue));
  GOOD(gpuc_buffer_create(context, 4096, 0, &buffer));
  gpuc_context_release(context);  // its children keep it
  const std::vector<unsigned char> bytes = random_bytes(4096);
  std::vector<unsigned char> back(4096);
  GOOD(gpuc_buffer_write_async(buffer, queue, 0, 4096, bytes.data(), nullptr, 0, nullptr));
  GOOD(gpuc_buffer_read(buffer, queue, 0, 4096, back.data()));
  if (back != bytes) wrong("a buffer of a context of this thread has something else");
  gpuc_buffer_release(buffer);
  gpuc_queue_release(queue);
}

void Worker::host_memory() {
  gpuc_host_memory *memory = nullptr;
  void *pointer = nullptr;
  const std::size_t count = 1 + dice_.below(size);
  if (!GOOD(gpuc_host_memory_create(common.context, count, &memory))) return;
  if (GOOD(gpuc_host_memory_get(memory, &pointer, nullptr))) {
    std::memset(pointer, 0xee, count);
    if (GOOD(gpuc_buffer_read(data_, queue_, 0, count, pointer)))
      check("a read into pinned memory", static_cast<unsigned char *>(pointer), 0, count);
  }
  gpuc_host_memory_release(memory);
}

void Worker::proque() {
  gpuc_proque_options options{};
  gpuc_proque *proque = nullptr;
  gpuc_buffer *buffer = nullptr;
  GOOD(gpuc_proque_options_init(&options, sizeof options));
  options.context = common.context;
  options.dims = 1;
  options.size[0] = 100;
  if (!GOOD(gpuc_proque_create(sources[0], GPUC_NUL_TERMINATED, &options, &proque))) return;
  const auto value = static_cast<std::int32_t>(dice_.bits());
  std::int32_t back[100] = {};
  gpuc_arg args[2] = {{}, scalar(value)};
  if (GOOD(gpuc_proque_create_buffer(proque, GPUC_TYPE_I32, &buffer))) {
    args[0].kind = GPUC_ARG_BUFFER;
    args[0].value.buffer = buffer;
    if (GOOD(gpuc_proque_launch(proque, "fill_value", args, 2, nullptr, 0, nullptr)) &&
        GOOD(gpuc_proque_read(proque, buffer, back)))
      for (const std::int32_t got : back)
        if (got != value) {
          wrong("a ProQue computes something else");
          break;
        }
  }
  gpuc_buffer_release(buffer);
  gpuc_proque_release(proque);
}

// The record of the last failure is this thread's alone.
void Worker::own_error() {
  const std::string name = "none_" + std::to_string(number_) + "_" + std::to_string(dice_.bits());
  gpuc_kernel *kernel = nullptr;
  const gpuc_status got = gpuc_kernel_create(common.program, name.c_str(), &kernel);
  if (got != GPUC_ERROR_NOT_FOUND || gpuc_last_error_status() != GPUC_ERROR_NOT_FOUND ||
      std::string(gpuc_last_error_message()).find(name) == std::string::npos)
    wrong("the last failure of thread " + std::to_string(number_) + " is '" + gpuc_last_error_message() + "'");
}

void Worker::memory() {
  std::uint64_t number = 0;
  char text[4096];
  size_t needed = 0;
  GOOD(gpuc_context_get_memory(common.context, GPUC_MEMORY_IN_USE_BYTES, &number));
  if (number < size) wrong("fewer bytes are in use than this thread has");
  if (dice_.one_in(4)) GOOD(gpuc_context_trim(common.context, &number));
  const gpuc_status got = gpuc_context_memory_report(common.context, text, sizeof text, &needed);
  if (got != GPUC_OK && got != GPUC_ERROR_BUFFER_TOO_SMALL) GOOD(got);
}

void Worker::finish() { GOOD(dice_.one_in(2) ? gpuc_queue_finish(queue_) : gpuc_queue_flush(queue_)); }

}  // namespace storm
