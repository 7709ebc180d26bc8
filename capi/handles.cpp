#include "handles.hpp"

#include <deque>
#include <mutex>

#include "support/fail.hpp"
#include "support/process.hpp"

namespace gpucompute::capi {
namespace {

static_assert(sizeof(void *) == 8, "handles need 64-bit pointers");

// type : 4 | generation : 21 | index : 22
constexpr unsigned index_bits = 22, generation_bits = 21, type_shift = index_bits + generation_bits;
constexpr std::uint64_t generation_mask = (std::uint64_t(1) << generation_bits) - 1;

constexpr unsigned pin_bits = 22, reference_bits = 21, generation_shift = pin_bits + reference_bits;
constexpr std::uint64_t one_pin = 1, one_reference = std::uint64_t(1) << pin_bits;
constexpr std::uint64_t reference_mask = (std::uint64_t(1) << reference_bits) - 1;

std::uint64_t references(std::uint64_t state) { return (state >> pin_bits) & reference_mask; }
std::uint64_t pins(std::uint64_t state) { return state & (one_reference - 1); }
std::uint64_t generation(std::uint64_t state) { return state >> generation_shift; }

constexpr std::size_t chunk_size = 1024, chunk_count = (std::size_t(1) << index_bits) / chunk_size;

// Chunks are never freed: a stale handle may look at its slot at any time, also while the process ends.
std::atomic<Slot *> chunks[chunk_count];
std::mutex table_mutex;  // guards all below
std::uint32_t slots_made = 0;

std::deque<std::uint32_t> &free_slots() {
  static auto *const queue = new std::deque<std::uint32_t>;
  return *queue;
}

Slot *slot_at(std::uint32_t index) {
  Slot *chunk = chunks[index / chunk_size].load(std::memory_order_acquire);
  return chunk ? chunk + index % chunk_size : nullptr;
}

// Fills `index`. The slot that was free longest comes first, so that a generation comes back as late as can be.
Slot *take_slot(std::uint32_t &index) {
  std::lock_guard<std::mutex> lock(table_mutex);
  auto &free = free_slots();
  // While there are few, new ones are better than generations that wrap.
  if (free.size() > 256) {
    index = free.front();
    free.pop_front();
    return slot_at(index);
  }
  if (slots_made == chunk_size * chunk_count) {
    if (free.empty())
      fail(Status::out_of_host_memory, "there are ", slots_made, " living handles, which is all there can be");
    index = free.front();
    free.pop_front();
    return slot_at(index);
  }
  if (slots_made % chunk_size == 0)
    chunks[slots_made / chunk_size].store(new Slot[chunk_size], std::memory_order_release);
  index = slots_made++;
  slot_at(index)->index = index;
  return slot_at(index);
}

void put_back(std::uint32_t index) noexcept {
  std::lock_guard<std::mutex> lock(table_mutex);
  try {
    free_slots().push_back(index);
  } catch (...) {  // the slot is never used again
  }
}

std::uint64_t encode(unsigned type, std::uint64_t slot_generation, std::uint32_t index) {
  return std::uint64_t(type) << type_shift | slot_generation << index_bits | index;
}

Slot *find(std::uintptr_t handle, unsigned type, std::uint64_t &wanted_generation) noexcept {
  if (handle >> type_shift != type) return nullptr;
  wanted_generation = (handle >> index_bits) & generation_mask;
  return slot_at(handle & ((1u << index_bits) - 1));
}

// Adds a pin or a reference if the handle is a living one.
Slot *add(std::uintptr_t handle, unsigned type, std::uint64_t what) noexcept {
  std::uint64_t wanted;
  Slot *slot = find(handle, type, wanted);
  if (!slot) return nullptr;
  std::uint64_t state = slot->state.load(std::memory_order_relaxed);
  for (;;) {
    if (generation(state) != wanted || references(state) == 0 || slot->type != type) return nullptr;
    if (what == one_reference && references(state) == reference_mask) return nullptr;
    if (slot->state.compare_exchange_weak(state, state + what, std::memory_order_acquire, std::memory_order_relaxed))
      return slot;
  }
}

void destroy(Slot *slot) noexcept {
  std::shared_ptr<Object> object = std::move(slot->object);
  const std::uint32_t index = slot->index;
  const std::uint64_t old_generation = generation(slot->state.load(std::memory_order_relaxed));
  std::uintptr_t handle = encode(slot->type, old_generation, index);
  object->binding.compare_exchange_strong(handle, 0);
  slot->state.store(((old_generation + 1) & generation_mask) << generation_shift, std::memory_order_release);
  put_back(index);
  // The object goes here, with no lock held: it may take others with it.
}

}  // namespace

Slot *pin(std::uintptr_t handle, unsigned type) noexcept { return add(handle, type, one_pin); }

void unpin(Slot *slot) noexcept {
  const std::uint64_t before = slot->state.fetch_sub(one_pin, std::memory_order_acq_rel);
  if (pins(before) == 1 && references(before) == 0) destroy(slot);
}

void fail_handle(std::uintptr_t handle, unsigned type, const char *type_name, const char *argument) {
  if (!handle) fail(Status::invalid_handle, argument, " is NULL, must be a ", type_name);
  const auto other = static_cast<unsigned>(handle >> type_shift);
  if (other == type)
    fail(Status::invalid_handle, argument, " is a ", type_name, " that was released, or was never one");
  fail(Status::invalid_handle, argument, " is not a ", type_name, " but something else");
}

std::uintptr_t give(std::shared_ptr<Object> object, unsigned type) {
  // Handed out before? Then it is the same handle, so that callers can compare.
  static std::mutex give_mutex;
  std::lock_guard<std::mutex> lock(give_mutex);
  if (const std::uintptr_t known = object->binding.load(); known && add(known, type, one_reference)) return known;
  std::uint32_t index;
  Slot *slot = take_slot(index);
  Object *raw = object.get();
  slot->object = std::move(object);
  slot->type = type;
  const std::uint64_t slot_generation = generation(slot->state.load(std::memory_order_relaxed));
  const std::uint64_t handle = encode(type, slot_generation, index);
  raw->binding.store(handle);
  slot->state.store(slot_generation << generation_shift | one_reference, std::memory_order_release);
  return handle;
}

void retain(std::uintptr_t handle, unsigned type, const char *type_name) {
  if (!add(handle, type, one_reference)) fail_handle(handle, type, type_name, type_name);
}

void release(std::uintptr_t handle, unsigned type) noexcept {
  if (!handle || !process_running()) return;
  Slot *slot = pin(handle, type);  // keeps the slot while the reference goes
  if (!slot) return;
  std::uint64_t state = slot->state.load(std::memory_order_relaxed);
  while (references(state) > 0 &&
         !slot->state.compare_exchange_weak(state, state - one_reference, std::memory_order_acq_rel)) {
  }
  unpin(slot);
}

}  // namespace gpucompute::capi
