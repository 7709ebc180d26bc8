// What scenarios are written with.
#pragma once

#include <mutex>
#include <vector>

#include "scenarios.hpp"

namespace capi_test {

// The function's result; the scenario ends where it is a failure.
#define STEP(function, ...)                                                    \
  do {                                                                         \
    if (!steps.call(#function, [&] { return function(__VA_ARGS__); })) return; \
  } while (0)
// The same for a call that must fail.
#define MUST_FAIL(status, function, ...)                     \
  do {                                                       \
    gpuc_status got_ = GPUC_OK;                              \
    poison_record();                                         \
    {                                                        \
      const InLibrary inside;                                \
      got_ = function(__VA_ARGS__);                          \
    }                                                        \
    if (got_ == GPUC_OK) steps.wrong(#function " succeeds"); \
    if (got_ != (status)) {                                  \
      steps(#function, got_);                                \
      return;                                                \
    }                                                        \
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

inline constexpr size_t large_size = (size_t(1) << 20) + 4096;

// Goes before memory that the library gave and that commands may still use: waits for them, whatever failed.
class Finished {
 public:
  Finished(const Steps &steps, gpuc_queue *queue) : steps_(steps), queue_(queue) {}
  ~Finished() {
    steps_.end_faults();
    gpuc_queue_finish(queue_);
  }
  Finished(const Finished &) = delete;
  Finished &operator=(const Finished &) = delete;

 private:
  const Steps &steps_;
  gpuc_queue *queue_;
};

// Memory that a command which could not be waited for may still touch: never freed, and used again by a later scenario.
class Lasting {
 public:
  Lasting(size_t size, unsigned char value) {
    {
      const std::lock_guard<std::mutex> lock(mutex());
      if (!unused().empty()) {
        bytes_ = unused().back();
        unused().pop_back();
      }
    }
    if (!bytes_) {
      bytes_ = new std::vector<unsigned char>;
      bytes_->reserve(large_size);
    }
    bytes_->assign(size, value);
  }
  ~Lasting() {
    const std::lock_guard<std::mutex> lock(mutex());
    unused().push_back(bytes_);
  }
  Lasting(const Lasting &) = delete;
  Lasting &operator=(const Lasting &) = delete;
  std::vector<unsigned char> &operator*() const { return *bytes_; }

 private:
  static std::mutex &mutex() {
    static auto *const made = new std::mutex;
    return *made;
  }
  static std::vector<std::vector<unsigned char> *> &unused() {
    static auto *const made = new std::vector<std::vector<unsigned char> *>;
    return *made;
  }
  std::vector<unsigned char> *bytes_ = nullptr;
};

inline gpuc_rect rect_of(size_t x, size_t y, size_t pitch) {
  gpuc_rect rect{};
  gpuc_rect_init(&rect, sizeof rect);
  rect.region[0] = x;
  rect.region[1] = y;
  rect.source_row_pitch_bytes = rect.destination_row_pitch_bytes = pitch;
  return rect;
}

inline gpuc_launch launch_of(size_t global) {
  gpuc_launch launch{};
  gpuc_launch_init(&launch, sizeof launch);
  launch.global[0] = global;
  return launch;
}

inline gpuc_program_desc uncached(const gpuc_text *source) {
  gpuc_program_desc desc{};
  gpuc_program_desc_init(&desc, sizeof desc);
  desc.sources = source;
  desc.source_count = 1;
  desc.flags = GPUC_PROGRAM_NO_CACHE;
  return desc;
}

inline const gpuc_text the_source{
    "scenario.cl",
    "kernel void vector_add(global const float *a, global const float *b, global float *c) {\n"
    "  size_t i = get_global_id(0); c[i] = a[i] + b[i];\n}\n"
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n",
    GPUC_NUL_TERMINATED};

}  // namespace capi_test
