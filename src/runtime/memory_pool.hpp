// The caching pool of a context's device memory.
//
// One memory object per block, in size classes at most an eighth apart; nothing is split, so a kernel's buffer is a
// buffer of the driver's with nothing else in it. A released block waits in its class until the commands that use it
// are complete (timelines tell), and then serves the next request of its class.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/error.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "support/cl_handle.hpp"

namespace gpucompute {

class Timeline;

// One memory object and the commands that last used it.
class Block {
 public:
  Block(cl_mem adopted, std::size_t capacity, bool pooled);

  cl_mem memory() const noexcept { return memory_.get(); }
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

 private:
  struct Use {
    std::shared_ptr<Timeline> timeline;
    std::uint64_t sequence;  // once retired
  };

  ClMem memory_;
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

  // Pointers that are mapped to the host. A block that goes back mapped goes to the driver, not to the pool.
  void mapped(void *pointer);
  bool take_mapped(void *pointer) noexcept;  // false: not mapped

 private:
  std::mutex mapped_mutex_;
  std::vector<void *> mapped_;
  MemoryPool &pool_;  // outlived by no lease: buffers keep their context alive
  std::unique_ptr<Block> block_;
  std::size_t requested_;
};

class MemoryPool {
 public:
  MemoryPool(cl_context context, std::uint64_t max_allocation, std::uint64_t default_limit);
  ~MemoryPool();

  std::shared_ptr<BlockLease> allocate(std::size_t size, bool pooled);
  // Memory that the pool did not make (wrapped, or over the host's): counted, never reused.
  std::shared_ptr<BlockLease> adopt(ClMem memory, std::size_t size);

  MemoryStatistics statistics() const;
  void set_limit(std::uint64_t bytes);
  std::uint64_t trim();
  std::string report() const;

 private:
  friend class BlockLease;
  std::unique_ptr<Block> take_cached(std::size_t capacity);
  std::unique_ptr<Block> create(std::size_t size, std::size_t capacity, bool pooled);
  std::shared_ptr<BlockLease> lend(std::unique_ptr<Block> block, std::size_t requested);
  void give_back(std::unique_ptr<Block> block, const BlockLease *lease) noexcept;
  std::uint64_t free_cached(bool wait) noexcept;
  bool fits(std::size_t capacity) const;
  [[noreturn]] void fail_out_of_memory(std::size_t size, const Error *cause) const;

  const cl_context context_;
  const std::uint64_t max_allocation_, default_limit_;
  const bool enabled_;
  mutable std::mutex mutex_;
  std::map<std::size_t, std::vector<std::unique_ptr<Block>>> cached_;
  std::set<const BlockLease *> live_;
  MemoryStatistics statistics_;
};

// The size that the pool rounds a request to: 512 bytes and up, eight classes to a power of two.
std::size_t pool_size_class(std::size_t size) noexcept;

}  // namespace gpucompute
