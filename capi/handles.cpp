#include "handles.hpp"

#include <mutex>

#include "support/fail.hpp"
#include "support/process.hpp"

namespace gpucompute::capi {
std::atomic<Slot *> chunks[bits::chunk_count];

namespace {

using namespace bits;

static_assert(sizeof(void *) == 8, "handles need 64-bit pointers");

std::mutex table_mutex;  // guards all below
std::uint32_t slots_made = 0;
// The free slots, linked through Slot::next: giving one back needs no memory. First out is the one that was free
// longest.
std::uint32_t first_free = 0, last_free = 0, free_count = 0;

Slot *slot_at(std::uint32_t index) {
  Slot *chunk = chunks[index / chunk_size].load(std::memory_order_acquire);
  return chunk ? chunk + index % chunk_size : nullptr;
}

// A free slot, so late after its last use that its generation comes back as late as can be.
Slot *take_slot() {
  std::lock_guard<std::mutex> lock(table_mutex);
  const bool table_full = slots_made == chunk_size * chunk_count;
  // While few are free, new ones are better than generations that wrap.
  if (free_count > 256 || (table_full && free_count > 0)) {
    Slot *slot = slot_at(first_free);
    first_free = slot->next;
    --free_count;
    return slot;
  }
  if (table_full)
    fail(Status::out_of_host_memory, "there are ", slots_made, " living handles, which is all there can be");
  if (slots_made % chunk_size == 0)
    chunks[slots_made / chunk_size].store(new Slot[chunk_size], std::memory_order_release);
  Slot *slot = slot_at(slots_made);
  slot->index = slots_made++;
  return slot;
}

void put_back(Slot *slot) noexcept {
  std::lock_guard<std::mutex> lock(table_mutex);
  if (free_count++ == 0)
    first_free = slot->index;
  else
    slot_at(last_free)->next = slot->index;
  last_free = slot->index;
}

std::uint64_t encode(unsigned type, std::uint64_t slot_generation, std::uint32_t index) {
  return std::uint64_t(type) << type_shift | slot_generation << index_bits | index;
}

}  // namespace

void destroy(Slot *slot) noexcept {
  std::shared_ptr<Object> object = std::move(slot->object);
  const std::uint64_t old_generation = generation(slot->state.load(std::memory_order_relaxed));
  std::uintptr_t handle = encode(slot->type, old_generation, slot->index);
  object->binding.compare_exchange_strong(handle, 0);
  slot->state.store(((old_generation + 1) & generation_mask) << generation_shift, std::memory_order_release);
  put_back(slot);
  // The object goes here, with no lock held: it may take others with it.
}

void fail_handle(std::uintptr_t handle, unsigned type, const char *type_name, const char *argument) {
  if (!handle) fail(Status::invalid_handle, argument, " is NULL, must be a ", type_name);
  const auto other = static_cast<unsigned>(handle >> type_shift);
  if (other == type)
    fail(Status::invalid_handle, argument, " is a ", type_name, " that was released, or was never one");
  fail(Status::invalid_handle, argument, " is not a ", type_name, " but something else");
}

ReservedSlot ReservedSlot::take() { return ReservedSlot(take_slot()); }

ReservedSlot::~ReservedSlot() {
  if (slot_) put_back(slot_);
}

std::uintptr_t give_new(std::shared_ptr<Object> object, unsigned type) {
  return ReservedSlot::take().give(std::move(object), type);
}

std::uintptr_t ReservedSlot::give(std::shared_ptr<Object> object, unsigned type) noexcept {
  Slot *slot = std::exchange(slot_, nullptr);
  Object *raw = object.get();
  slot->object = std::move(object);
  slot->type = type;
  const std::uint64_t slot_generation = generation(slot->state.load(std::memory_order_relaxed));
  const std::uint64_t handle = encode(type, slot_generation, slot->index);
  raw->binding.store(handle);
  slot->state.store(slot_generation << generation_shift | one_reference, std::memory_order_release);
  return handle;
}

std::uintptr_t give(std::shared_ptr<Object> object, unsigned type) {
  // Handed out before? Then it is the same handle, so that callers can compare.
  static std::mutex give_mutex;
  std::lock_guard<std::mutex> lock(give_mutex);
  if (const std::uintptr_t known = object->binding.load(); known && add(known, type, one_reference)) return known;
  return give_new(std::move(object), type);
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
