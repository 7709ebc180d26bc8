// The caching pool of a context's device memory.
//
// One memory object per block, in size classes at most an eighth apart; nothing is split, so a kernel's buffer is a
// buffer of the driver's with nothing else in it. A released block waits in its class until the commands that use it
// are complete (timelines tell), and then serves the next request of its class.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/error.hpp>
#include <gpucompute/event.hpp>

#include <atomic>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "support/cl_handle.hpp"

namespace gpucompute {

class Timeline;
class MemoryGuard;
struct RedZones;

// One memory object and the commands that last used it.
class Block {
 public:
  Block(cl_mem adopted, std::size_t capacity, bool pooled);

  cl_mem memory() const noexcept { return memory_.get(); }  // starts at the buffer's first byte
  // The driver's object, of which sub-buffers are made, and where in it the buffer starts: the same as memory() and 0,
  // unless there are red zones.
  cl_mem whole() const noexcept { return whole_ ? whole_.get() : memory_.get(); }
  std::size_t front() const noexcept { return front_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::uint64_t id() const noexcept { return id_; }
  bool pooled() const noexcept { return pooled_.load(std::memory_order_relaxed); }
  void keep_out_of_pool() noexcept { pooled_.store(false, std::memory_order_relaxed); }

  // Commands of the timeline use the block from now on; keeps the timeline alive until that is known to be over. The
  // next calls for the same timeline cost a comparison.
  void used(const std::shared_ptr<Timeline> &timeline) noexcept;
  // The buffer is gone: what its timelines were given until now is what may still use the block.
  void retire() noexcept;
  // All uses are over. Does not wait; may put markers on queues. Only for a retired block.
  bool idle() noexcept { return wait_idle(std::chrono::nanoseconds(0)); }
  bool wait_idle(std::chrono::nanoseconds limit) noexcept;

  // With red zones (memory_guard.hpp): while a buffer has the block, and from its release until the next one has.
  void guardable();
  bool is_guardable() const noexcept { return static_cast<bool>(whole_); }
  void guard(ClMem inside, std::shared_ptr<RedZones> zones) noexcept;
  void unguard(bool poisoned) noexcept;
  const std::shared_ptr<RedZones> &zones() const noexcept { return zones_; }
  const std::shared_ptr<RedZones> &released() const noexcept { return released_; }
  bool poisoned() const noexcept { return poisoned_; }

 private:
  struct Use {
    std::shared_ptr<Timeline> timeline;
    std::uint64_t sequence;  // once retired
  };

  ClMem whole_, memory_;
  std::size_t front_ = 0;
  std::shared_ptr<RedZones> zones_, released_;
  bool poisoned_ = false;
  std::size_t capacity_;
  std::uint64_t id_;
  std::atomic<bool> pooled_;
  std::atomic<Timeline *> first_{nullptr};  // that of uses_[0]: the common case, one queue, without the lock
  std::mutex mutex_;
  std::vector<Use> uses_;
};

class MemoryPool;

// A block on loan to a buffer and its slices; goes back when the last of them goes.
class BlockLease {
 public:
  BlockLease(MemoryPool &pool, std::unique_ptr<Block> block, std::size_t requested) noexcept
      : pool_(pool), block_(std::move(block)), requested_(requested) {}
  ~BlockLease();
  BlockLease(const BlockLease &) = delete;
  BlockLease &operator=(const BlockLease &) = delete;

  Block &block() const noexcept { return *block_; }
  std::size_t requested() const noexcept { return requested_; }

  // Mappings to the host. Made before the call that maps, so that none is without a record; a list is one mapping or
  // none, and moves without memory. What is still mapped when the lease ends is unmapped, and the block goes to the
  // driver, not to the pool.
  struct Mapping {
    void *pointer = nullptr;
    std::shared_ptr<Timeline> timeline;
    std::shared_ptr<Event> mapped;  // null: the host waited for it

    // What an unmap must wait for, or null: drivers crash, or lose memory, where it overtakes the map.
    cl_event pending() const noexcept;
  };
  using Mappings = std::list<Mapping>;
  void add_mapping(Mappings &&mapping) noexcept;
  Mappings take_mapping(void *pointer) noexcept;  // empty: not mapped

 private:
  void unmap(const Mapping &mapping) noexcept;

  std::mutex mapped_mutex_;
  Mappings mapped_;
  MemoryPool &pool_;  // outlived by no lease: buffers keep their context alive
  std::unique_ptr<Block> block_;
  std::size_t requested_;
};

class MemoryPool {
 public:
  MemoryPool(cl_context context, std::uint64_t max_allocation, std::uint64_t default_limit,
             std::unique_ptr<MemoryGuard> guard);
  ~MemoryPool();

  std::shared_ptr<BlockLease> allocate(std::size_t size, bool pooled);
  // Memory that the pool did not make (wrapped, or over the host's): counted, never reused.
  std::shared_ptr<BlockLease> adopt(ClMem memory, std::size_t size);

  // Null unless memory is debugged.
  MemoryGuard *guard() const noexcept { return guard_.get(); }

  MemoryStatistics statistics() const;
  void set_limit(std::uint64_t bytes);
  std::uint64_t trim();
  // Gives back what is cached, and waits for the commands that still use it where that is asked for.
  std::uint64_t free_cached(bool wait) noexcept;
  std::string report() const;

 private:
  friend class BlockLease;
  std::unique_ptr<Block> take_cached(std::size_t capacity);
  std::unique_ptr<Block> create(std::size_t size, std::size_t capacity, bool pooled);
  std::shared_ptr<BlockLease> lend(std::unique_ptr<Block> block, std::size_t requested);
  void give_back(std::unique_ptr<Block> block, const BlockLease *lease) noexcept;
  bool fits(std::size_t capacity) const;
  [[noreturn]] void fail_out_of_memory(std::size_t size, const Error *cause) const;

  const cl_context context_;
  const std::uint64_t max_allocation_, default_limit_;
  const bool enabled_;
  const std::unique_ptr<MemoryGuard> guard_;
  mutable std::mutex mutex_;
  std::map<std::size_t, std::vector<std::unique_ptr<Block>>> cached_;
  std::set<const BlockLease *> live_;
  MemoryStatistics statistics_;
};

// The size that the pool rounds a request to: 512 bytes and up, eight classes to a power of two.
std::size_t pool_size_class(std::size_t size) noexcept;

}  // namespace gpucompute
