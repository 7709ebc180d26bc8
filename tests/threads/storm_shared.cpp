// Handles without an owner: any thread may use one while another releases it. Then the library says so, and that is
// all.
#include "storm.hpp"

namespace storm {
namespace {

enum Kind { buffer, event, queue, program, kernel, host_memory, context, kinds };

// Relaxed on purpose: what threads see of each other here must not hide what the library lacks.
constexpr std::size_t slot_count = 56;
std::atomic<void *> slots[slot_count];
std::atomic<gpuc_buffer *> victims[4];

Kind kind_of(std::size_t slot) { return static_cast<Kind>(slot % kinds); }

void release(Kind kind, void *handle) {
  switch (kind) {
    case buffer:
      return gpuc_buffer_release(static_cast<gpuc_buffer *>(handle));
    case event:
      return gpuc_event_release(static_cast<gpuc_event *>(handle));
    case queue:
      return gpuc_queue_release(static_cast<gpuc_queue *>(handle));
    case program:
      return gpuc_program_release(static_cast<gpuc_program *>(handle));
    case kernel:
      return gpuc_kernel_release(static_cast<gpuc_kernel *>(handle));
    case host_memory:
      return gpuc_host_memory_release(static_cast<gpuc_host_memory *>(handle));
    default:
      return gpuc_context_release(static_cast<gpuc_context *>(handle));
  }
}

gpuc_status retain(Kind kind, void *handle) {
  switch (kind) {
    case buffer:
      return gpuc_buffer_retain(static_cast<gpuc_buffer *>(handle));
    case event:
      return gpuc_event_retain(static_cast<gpuc_event *>(handle));
    case queue:
      return gpuc_queue_retain(static_cast<gpuc_queue *>(handle));
    case program:
      return gpuc_program_retain(static_cast<gpuc_program *>(handle));
    case kernel:
      return gpuc_kernel_retain(static_cast<gpuc_kernel *>(handle));
    case host_memory:
      return gpuc_host_memory_retain(static_cast<gpuc_host_memory *>(handle));
    default:
      return gpuc_context_retain(static_cast<gpuc_context *>(handle));
  }
}

void *make(Kind kind, Dice &dice, gpuc_queue *own) {
  gpuc_buffer *b = nullptr;
  gpuc_event *e = nullptr;
  gpuc_queue *q = nullptr;
  gpuc_kernel *k = nullptr;
  gpuc_host_memory *h = nullptr;
  gpuc_context *c = nullptr;
  switch (kind) {
    case buffer:
      GOOD(gpuc_buffer_create(common.context, 64 + dice.below(5000), 0, &b));
      return b;
    case event:
      GOOD(gpuc_queue_marker_async(own, nullptr, 0, &e));
      return e;
    case queue:
      GOOD(gpuc_queue_create(common.context, nullptr, 0, &q));
      return q;
    case program:
      GOOD(gpuc_program_retain(common.program));
      return common.program;
    case kernel:
      GOOD(gpuc_kernel_create(common.program, "fill_value", &k));
      return k;
    case host_memory:
      GOOD(gpuc_host_memory_create(common.context, 1 + dice.below(5000), &h));
      return h;
    default:
      GOOD(gpuc_context_create(&common.device, 1, &c));
      return c;
  }
}

// Of a handle that may be gone, or may go in the middle of this.
void use(Kind kind, void *handle, gpuc_queue *own) {
  size_t size = 0;
  uint64_t number = 0;
  char text[128];
  switch (kind) {
    case buffer: {
      const auto b = static_cast<gpuc_buffer *>(handle);
      unsigned char host[64] = {};
      const int pattern = 7;
      gpuc_buffer *slice = nullptr;
      gpuc_context *context = nullptr;
      GOOD_OR_GONE(gpuc_buffer_get_size(b, &size));
      GOOD_OR_GONE(gpuc_buffer_fill_async(b, own, &pattern, 4, 0, 64, nullptr, 0, nullptr));
      GOOD_OR_GONE(gpuc_buffer_read(b, own, 0, 64, host));
      if (GOOD_OR_GONE(gpuc_buffer_slice(b, 0, 64, &slice)) && slice) {
        // The slice is this thread's, and keeps the buffer alive.
        GOOD(gpuc_buffer_read(slice, own, 0, 64, host));
        gpuc_buffer_release(slice);
      }
      GOOD_OR_GONE(gpuc_buffer_get_context(b, &context));
      gpuc_context_release(context);
      return;
    }
    case event: {
      const auto e = static_cast<gpuc_event *>(handle);
      int32_t state = 0;
      GOOD_OR_GONE(gpuc_event_get_state(e, &state));
      GOOD_OR_GONE(gpuc_queue_marker_async(own, &e, 1, nullptr));
      GOOD_OR_GONE(gpuc_event_wait(e));
      GOOD_OR_GONE(gpuc_event_wait_all(&e, 1));
      return;
    }
    case queue: {
      const auto q = static_cast<gpuc_queue *>(handle);
      gpuc_device *device = nullptr;
      GOOD_OR_GONE(gpuc_queue_flush(q));
      GOOD_OR_GONE(gpuc_queue_marker_async(q, nullptr, 0, nullptr));
      GOOD_OR_GONE(gpuc_queue_finish(q));
      GOOD_OR_GONE(gpuc_queue_get_device(q, &device));
      gpuc_device_release(device);
      return;
    }
    case program: {
      const auto p = static_cast<gpuc_program *>(handle);
      int32_t cached = 0;
      GOOD_OR_GONE(gpuc_program_get_kernel_names(p, text, sizeof text, &size));
      GOOD_OR_GONE(gpuc_program_get_from_cache(p, &cached));
      return;
    }
    case kernel: {
      const auto k = static_cast<gpuc_kernel *>(handle);
      gpuc_program *of = nullptr;
      GOOD_OR_GONE(gpuc_kernel_get_name(k, text, sizeof text, &size));
      GOOD_OR_GONE(gpuc_kernel_get_arg_count(k, &size));
      GOOD_OR_GONE(gpuc_kernel_get_number(k, nullptr, GPUC_KERNEL_MAX_WORK_GROUP_SIZE, &number));
      GOOD_OR_GONE(gpuc_kernel_get_program(k, &of));
      gpuc_program_release(of);
      return;
    }
    case host_memory: {
      void *pointer = nullptr;
      GOOD_OR_GONE(gpuc_host_memory_get(static_cast<gpuc_host_memory *>(handle), &pointer, &size));
      return;
    }
    default: {
      const auto c = static_cast<gpuc_context *>(handle);
      gpuc_buffer *made = nullptr;
      uint64_t freed = 0;
      GOOD_OR_GONE(gpuc_context_get_memory(c, GPUC_MEMORY_IN_USE_BYTES, &number));
      GOOD_OR_GONE(gpuc_buffer_create(c, 64, 0, &made));
      gpuc_buffer_release(made);
      GOOD_OR_GONE(gpuc_context_trim(c, &freed));
    }
  }
}

}  // namespace

void put_shared(Dice &dice, gpuc_queue *own) {
  const std::size_t slot = dice.below(slot_count);
  void *old = slots[slot].exchange(make(kind_of(slot), dice, own), std::memory_order_relaxed);
  if (old) release(kind_of(slot), old);
}

void use_shared(Dice &dice, gpuc_queue *own) {
  const std::size_t slot = dice.below(slot_count);
  const Kind kind = kind_of(slot);
  void *handle = slots[slot].load(std::memory_order_relaxed);
  if (!handle) return;
  if (dice.one_in(2)) return use(kind, handle, own);
  if (retain(kind, handle) != GPUC_OK) return;  // gone meanwhile
  // Now it stays, whatever the others do.
  use(kind, handle, own);
  if (!GOOD(retain(kind, handle))) return;
  release(kind, handle);
  release(kind, handle);
}

// Every thread believes that it owns the one reference.
void release_twice(Dice &dice) {
  std::atomic<gpuc_buffer *> &victim = victims[dice.below(std::size(victims))];
  gpuc_buffer *fresh = nullptr;
  if (!GOOD(gpuc_buffer_create(common.context, 64, 0, &fresh))) return;
  gpuc_buffer *seen = victim.exchange(fresh, std::memory_order_relaxed);
  for (int i = 0; i < 3; ++i) {
    size_t size = 64;
    gpuc_buffer_release(victim.load(std::memory_order_relaxed));
    gpuc_buffer_release(seen);
    if (GOOD_OR_GONE(gpuc_buffer_get_size(fresh, &size)) && size != 64) wrong("a released buffer has another size");
  }
}

void release_shared() {
  for (std::size_t slot = 0; slot < slot_count; ++slot)
    if (void *handle = slots[slot].exchange(nullptr)) release(kind_of(slot), handle);
  for (auto &victim : victims) gpuc_buffer_release(victim.exchange(nullptr));
}

}  // namespace storm
