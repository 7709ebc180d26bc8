// Handles: numbers in the guise of pointers, checked on every use.
//
// A handle holds a type, an index into a table of slots, and the generation of the slot: a released handle has an old
// generation, another type's or a made-up one does not fit. 47 bits are used, so that runtimes that keep pointers in
// doubles (LuaJIT, JavaScript) carry them; type numbers leave out those that real addresses of Linux begin with.
#pragma once

#include <gpucompute/gpucompute.h>
#include <gpucompute/buffer.hpp>
#include <gpucompute/context.hpp>
#include <gpucompute/device.hpp>
#include <gpucompute/event.hpp>
#include <gpucompute/host_memory.hpp>
#include <gpucompute/kernel.hpp>
#include <gpucompute/platform.hpp>
#include <gpucompute/profile.hpp>
#include <gpucompute/program.hpp>
#include <gpucompute/proque.hpp>
#include <gpucompute/queue.hpp>

#include <atomic>
#include <memory>
#include <string>

namespace gpucompute::capi {

struct alignas(64) Slot {
  // See bits. Living while there is a reference; destroyed when neither is left.
  std::atomic<std::uint64_t> state{0};
  std::shared_ptr<Object> object;
  std::atomic<unsigned> type{0};
  std::uint32_t index = 0;
  std::uint32_t next = 0;  // while free: the slot that is free next
};

// Which core class a handle type stands for, its number and its name in messages.
template <class Handle>
struct HandleTraits;
#define GPUC_HANDLE(handle, core, number)        \
  template <>                                    \
  struct HandleTraits<handle> {                  \
    using Core = core;                           \
    static constexpr unsigned type = number;     \
    static constexpr const char *name = #handle; \
  }
GPUC_HANDLE(gpuc_platform, Platform, 1);
GPUC_HANDLE(gpuc_device, Device, 2);
GPUC_HANDLE(gpuc_context, Context, 3);
GPUC_HANDLE(gpuc_queue, Queue, 4);
GPUC_HANDLE(gpuc_event, Event, 5);
GPUC_HANDLE(gpuc_buffer, Buffer, 6);
GPUC_HANDLE(gpuc_host_memory, HostMemory, 7);
GPUC_HANDLE(gpuc_program, Program, 8);
GPUC_HANDLE(gpuc_kernel, Kernel, 9);
GPUC_HANDLE(gpuc_proque, ProQue, 12);
GPUC_HANDLE(gpuc_profile, Profile, 14);
#undef GPUC_HANDLE

// How handles and states are laid out.
namespace bits {
constexpr unsigned index_bits = 22, generation_bits = 21;  // handle: type : 4 | generation : 21 | index : 22
constexpr unsigned type_shift = index_bits + generation_bits;
constexpr unsigned pin_bits = 22, reference_bits = 21;  // state: generation : 21 | references : 21 | pins : 22
constexpr unsigned generation_shift = pin_bits + reference_bits;
constexpr std::uint64_t one_pin = 1, one_reference = std::uint64_t(1) << pin_bits;
constexpr std::uint64_t pin_mask = one_reference - 1, reference_mask = (std::uint64_t(1) << reference_bits) - 1;
constexpr std::uint64_t index_mask = (std::uint64_t(1) << index_bits) - 1;
constexpr std::uint64_t generation_mask = (std::uint64_t(1) << generation_bits) - 1;
constexpr std::size_t chunk_size = 1024, chunk_count = (std::size_t(1) << index_bits) / chunk_size;
}  // namespace bits

inline std::uint64_t references(std::uint64_t state) { return (state >> bits::pin_bits) & bits::reference_mask; }
inline std::uint64_t pins(std::uint64_t state) { return state & bits::pin_mask; }
inline std::uint64_t generation(std::uint64_t state) { return state >> bits::generation_shift; }

// The table. Chunks are never freed: a stale handle may look at its slot at any time, also while the process ends.
extern std::atomic<Slot *> chunks[bits::chunk_count];
void destroy(Slot *slot) noexcept;

// Adds a pin or a reference. Null where the handle is not a living one of the type.
inline Slot *add(std::uintptr_t handle, unsigned type, std::uint64_t what) noexcept {
  if (handle >> bits::type_shift != type) return nullptr;
  const std::uintptr_t index = handle & bits::index_mask;
  Slot *slot = chunks[index / bits::chunk_size].load(std::memory_order_acquire);
  if (!slot) return nullptr;
  slot += index % bits::chunk_size;
  const std::uint64_t wanted = (handle >> bits::index_bits) & bits::generation_mask;
  std::uint64_t state = slot->state.load(std::memory_order_relaxed);
  do {
    if (generation(state) != wanted || references(state) == 0 || slot->type.load(std::memory_order_relaxed) != type)
      return nullptr;
    if (what == bits::one_reference && references(state) == bits::reference_mask) return nullptr;
  } while (
      !slot->state.compare_exchange_weak(state, state + what, std::memory_order_acquire, std::memory_order_relaxed));
  return slot;
}

inline Slot *pin(std::uintptr_t handle, unsigned type) noexcept { return add(handle, type, bits::one_pin); }

inline void unpin(Slot *slot) noexcept {
  const std::uint64_t before = slot->state.fetch_sub(bits::one_pin, std::memory_order_acq_rel);
  if (pins(before) == 1 && references(before) == 0) destroy(slot);
}

[[noreturn]] void fail_handle(std::uintptr_t handle, unsigned type, const char *type_name, const char *argument);

// An object for the time of a call: a release meanwhile takes effect afterwards.
template <class Handle>
class Pinned {
 public:
  using Core = typename HandleTraits<Handle>::Core;

  Pinned() = default;
  // `argument` names the argument in the message.
  Pinned(const Handle *handle, const char *argument)
      : slot_(pin(reinterpret_cast<std::uintptr_t>(handle), HandleTraits<Handle>::type)) {
    if (!slot_)
      fail_handle(reinterpret_cast<std::uintptr_t>(handle), HandleTraits<Handle>::type, HandleTraits<Handle>::name,
                  argument);
  }
  // One of an array: "waits[3]"; `rest` follows the index.
  Pinned(const Handle *handle, const char *array, std::size_t index, const char *rest = "")
      : slot_(pin(reinterpret_cast<std::uintptr_t>(handle), HandleTraits<Handle>::type)) {
    if (!slot_)
      fail_handle(reinterpret_cast<std::uintptr_t>(handle), HandleTraits<Handle>::type, HandleTraits<Handle>::name,
                  (array + ("[" + std::to_string(index) + "]") + rest).c_str());
  }
  Pinned(Pinned &&other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  Pinned &operator=(Pinned &&other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~Pinned() {
    if (slot_) unpin(slot_);
  }

  Slot *give() noexcept { return std::exchange(slot_, nullptr); }  // the caller unpins it

  Core *get() const noexcept { return slot_ ? static_cast<Core *>(slot_->object.get()) : nullptr; }
  Core &operator*() const noexcept { return *get(); }
  Core *operator->() const noexcept { return get(); }
  std::shared_ptr<Core> shared() const { return slot_ ? std::static_pointer_cast<Core>(slot_->object) : nullptr; }

 private:
  Slot *slot_ = nullptr;
};

// A NULL handle gives an empty one.
template <class Handle>
Pinned<Handle> pin_optional(const Handle *handle, const char *argument) {
  return handle ? Pinned<Handle>(handle, argument) : Pinned<Handle>();
}

// A slot that is taken before the object is there, so that giving out its handle cannot fail.
class ReservedSlot {
 public:
  ReservedSlot() = default;
  static ReservedSlot take();
  ReservedSlot(ReservedSlot &&other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  ReservedSlot &operator=(ReservedSlot &&other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~ReservedSlot();

  // As give_new.
  std::uintptr_t give(std::shared_ptr<Object> object, unsigned type) noexcept;

 private:
  explicit ReservedSlot(Slot *slot) noexcept : slot_(slot) {}
  Slot *slot_ = nullptr;
};

std::uintptr_t give(std::shared_ptr<Object> object, unsigned type);
std::uintptr_t give_new(std::shared_ptr<Object> object, unsigned type);
void retain(std::uintptr_t handle, unsigned type, const char *type_name);
void release(std::uintptr_t handle, unsigned type) noexcept;

// A handle with one reference, for the caller: the one that the object has already, or a new one.
template <class Handle>
Handle *give(std::shared_ptr<typename HandleTraits<Handle>::Core> object) {
  return reinterpret_cast<Handle *>(
      give(std::static_pointer_cast<Object>(std::move(object)), HandleTraits<Handle>::type));
}

// The same for an object that nobody else has seen yet.
template <class Handle>
Handle *give_new(std::shared_ptr<typename HandleTraits<Handle>::Core> object) {
  return reinterpret_cast<Handle *>(
      give_new(std::static_pointer_cast<Object>(std::move(object)), HandleTraits<Handle>::type));
}

template <class Handle>
void retain(Handle *handle) {
  retain(reinterpret_cast<std::uintptr_t>(handle), HandleTraits<Handle>::type, HandleTraits<Handle>::name);
}

template <class Handle>
void release(Handle *handle) noexcept {
  release(reinterpret_cast<std::uintptr_t>(handle), HandleTraits<Handle>::type);
}

}  // namespace gpucompute::capi
