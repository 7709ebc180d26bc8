#include "runtime/memory_pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "runtime/memory_guard.hpp"
#include "runtime/timeline.hpp"
#include "support/cl_check.hpp"
#include "support/log.hpp"

namespace gpucompute {
namespace {

constexpr std::size_t smallest_class = 512;
// How long an allocation waits for running commands to give memory back before it fails.
constexpr std::chrono::seconds wait_for_memory{10};

std::atomic<std::uint64_t> next_block_id{1};

bool pool_enabled() {
  const char *value = std::getenv("GPUC_POOL");
  return !value || std::strcmp(value, "0") != 0;
}

std::string megabytes(std::uint64_t bytes) {
  return bytes < 10240         ? text(bytes, " bytes")
         : bytes < (10u << 20) ? text(bytes >> 10, " KiB")
                               : text(bytes >> 20, " MiB");
}

}  // namespace

std::size_t pool_size_class(std::size_t size) noexcept {
  if (size <= smallest_class) return smallest_class;
  std::size_t step = smallest_class / 8;
  while (step < (std::size_t(1) << 60) && step * 16 < size) step *= 2;
  step = std::max<std::size_t>(step, smallest_class);
  const std::size_t steps = size / step + (size % step != 0);
  return steps > SIZE_MAX / step ? size : steps * step;
}

Block::Block(cl_mem adopted, std::size_t capacity, bool pooled)
    : memory_(adopted), capacity_(capacity), id_(next_block_id.fetch_add(1)), pooled_(pooled) {}

void Block::used(const std::shared_ptr<Timeline> &timeline) noexcept {
  if (first_.load(std::memory_order_acquire) == timeline.get()) return;
  if (zones_) zones_->guard.used(zones_, *timeline);
  std::lock_guard<std::mutex> lock(mutex_);
  for (const Use &use : uses_)
    if (use.timeline == timeline) return;
  try {
    // A long-lived buffer that many short-lived queues use must not keep them all. uses_[0] stays: others may be in the
    // fast path. One that is dropped here while its queue lives is entered again by its next use.
    if (uses_.size() >= 8)
      uses_.erase(std::remove_if(uses_.begin() + 1, uses_.end(),
                                 [](const Use &use) {
                                   return use.timeline.use_count() == 1 && use.timeline->poll(use.timeline->last());
                                 }),
                  uses_.end());
    uses_.push_back({timeline, 0});
  } catch (...) {
    keep_out_of_pool();  // without the record the block could be reused too early
    return;
  }
  // With red zones each use is noted, so none takes the short way.
  if (uses_.size() == 1 && !zones_) first_.store(timeline.get(), std::memory_order_release);
}

void Block::guardable() { whole_ = std::move(memory_); }

void Block::guard(ClMem inside, std::shared_ptr<RedZones> zones) noexcept {
  memory_ = std::move(inside);
  id_ = next_block_id.fetch_add(1);  // another memory object, for kernels that know the last one
  front_ = zones->front;
  zones_ = std::move(zones);
  released_.reset();
  poisoned_ = false;
}

void Block::unguard(bool poisoned) noexcept {
  memory_ = ClMem();
  released_ = std::move(zones_);
  zones_.reset();
  poisoned_ = poisoned;
}

void Block::retire() noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  for (Use &use : uses_) use.sequence = use.timeline->last();
}

bool Block::wait_idle(std::chrono::nanoseconds limit) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const Use &use : uses_)
    if (!(limit.count() ? use.timeline->wait(use.sequence, limit) : use.timeline->poll(use.sequence))) return false;
  first_.store(nullptr);
  uses_.clear();
  return true;
}

BlockLease::~BlockLease() {
  if (!mapped_.empty()) block_->keep_out_of_pool();
  for (const Mapping &mapping : mapped_) unmap(mapping);
  block_->retire();
  if (pool_.guard()) pool_.guard()->take_back(*block_);
  pool_.give_back(std::move(block_), this);
}

cl_event BlockLease::Mapping::pending() const noexcept {
  if (!mapped) return nullptr;
  try {
    const EventState state = mapped->state();
    if (state == EventState::complete || state == EventState::failed) return nullptr;
  } catch (...) {  // not known
  }
  return mapped->native();
}

// A driver may keep what is mapped for ever.
void BlockLease::unmap(const Mapping &mapping) noexcept {
  if (!process_running()) return;
  cl_command_queue queue = mapping.timeline->queue();
  const cl_event map = mapping.pending();
  if (clEnqueueUnmapMemObject(queue, block_->memory(), mapping.pointer, map ? 1 : 0, map ? &map : nullptr, nullptr) !=
      CL_SUCCESS)
    return;
  mapping.timeline->submitted();
  clFlush(queue);
}

void BlockLease::add_mapping(Mappings &&mapping) noexcept {
  std::lock_guard<std::mutex> lock(mapped_mutex_);
  mapped_.splice(mapped_.end(), mapping);
}

BlockLease::Mappings BlockLease::take_mapping(void *pointer) noexcept {
  std::lock_guard<std::mutex> lock(mapped_mutex_);
  Mappings taken;
  const auto found =
      std::find_if(mapped_.begin(), mapped_.end(), [&](const Mapping &one) { return one.pointer == pointer; });
  if (found != mapped_.end()) taken.splice(taken.end(), mapped_, found);
  return taken;
}

MemoryPool::MemoryPool(cl_context context, std::uint64_t max_allocation, std::uint64_t default_limit,
                       std::unique_ptr<MemoryGuard> guard)
    : context_(context),
      max_allocation_(max_allocation),
      default_limit_(default_limit),
      enabled_(pool_enabled()),
      guard_(std::move(guard)) {
  statistics_.limit = default_limit;
}

MemoryPool::~MemoryPool() = default;

std::shared_ptr<BlockLease> MemoryPool::allocate(std::size_t size, bool pooled) {
  if (size > max_allocation_)
    fail(Status::allocation_too_large, "size_bytes is ", size, ", the device allows at most ", max_allocation_,
         " in one buffer");
  pooled = pooled && enabled_;
  std::size_t capacity = std::max<std::size_t>(size, 1);
  if (pooled) {
    capacity = pool_size_class(size);
    if (capacity > max_allocation_) capacity = std::max<std::size_t>(size, 1);
    if (auto block = take_cached(capacity)) return lend(std::move(block), size);
  }
  // Twice at most: the second time after everything that can be given back was given back.
  for (int attempt = 0;; ++attempt) {
    try {
      return lend(create(size, capacity, pooled), size);
    } catch (const Error &error) {
      // On CPU devices the host's memory is the device's.
      const bool of_device = error.status() == Status::out_of_device_memory;
      if (!of_device && error.status() != Status::out_of_host_memory) throw;
      if (attempt == 1 && of_device) fail_out_of_memory(size, &error);
      if (attempt == 1) throw;
      free_cached(true);
    }
  }
}

std::unique_ptr<Block> MemoryPool::take_cached(std::size_t capacity) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = cached_.find(capacity);
  if (found == cached_.end()) return nullptr;
  auto &blocks = found->second;
  // Oldest first: its commands are the likeliest to be complete. A few tries bound the cost where all are busy.
  const std::size_t tries = std::min<std::size_t>(blocks.size(), 4);
  for (std::size_t i = 0; i < tries; ++i) {
    if (!blocks[i]->idle()) continue;
    std::unique_ptr<Block> block = std::move(blocks[i]);
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
    statistics_.cached -= capacity;
    statistics_.cached_buffers -= 1;
    statistics_.in_use += capacity;
    statistics_.hits += 1;
    return block;
  }
  return nullptr;
}

bool MemoryPool::fits(std::size_t capacity) const {
  const std::uint64_t held = statistics_.in_use + statistics_.cached;
  return held <= statistics_.limit && capacity <= statistics_.limit - held;
}

std::unique_ptr<Block> MemoryPool::create(std::size_t size, std::size_t capacity, bool pooled) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!fits(capacity))
      fail(Status::out_of_device_memory, "a buffer of ", megabytes(size), " would pass the context's memory limit of ",
           megabytes(statistics_.limit));
    statistics_.misses += 1;
    statistics_.in_use += capacity;  // before the driver is asked, so that two threads do not both take the last of it
  }
  try {
    // What leaves no room for red zones goes without.
    const bool guarded = guard_ && guard_->padding() <= max_allocation_ - capacity;
    cl_int code = CL_SUCCESS;
    ClMem memory(
        clCreateBuffer(context_, CL_MEM_READ_WRITE, capacity + (guarded ? guard_->padding() : 0), nullptr, &code));
    cl_check(code, "clCreateBuffer", "creating a buffer");
    auto block = std::make_unique<Block>(memory.get(), capacity, pooled);
    memory.give();
    if (guarded) block->guardable();
    return block;
  } catch (...) {
    std::lock_guard<std::mutex> lock(mutex_);
    statistics_.in_use -= capacity;
    throw;
  }
}

std::shared_ptr<BlockLease> MemoryPool::lend(std::unique_ptr<Block> block, std::size_t requested) {
  const std::size_t capacity = block->capacity();
  std::shared_ptr<BlockLease> lease;
  try {
    if (guard_ && block->is_guardable()) guard_->lend(*block, requested);
    lease = std::make_shared<BlockLease>(*this, std::move(block), requested);
  } catch (...) {
    std::lock_guard<std::mutex> lock(mutex_);
    statistics_.in_use -= capacity;
    throw;
  }
  std::lock_guard<std::mutex> lock(mutex_);
  statistics_.live_buffers += 1;
  statistics_.peak = std::max(statistics_.peak, statistics_.in_use);
  try {
    live_.insert(lease.get());
  } catch (...) {  // without it the memory report misses one buffer
  }
  return lease;
}

std::shared_ptr<BlockLease> MemoryPool::adopt(ClMem memory, std::size_t size) {
  auto block = std::make_unique<Block>(memory.get(), size, false);
  memory.give();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    statistics_.in_use += size;
  }
  return lend(std::move(block), size);
}

void MemoryPool::give_back(std::unique_ptr<Block> block, const BlockLease *lease) noexcept {
  if (!block) return;
  std::unique_ptr<Block> drop;  // released after the lock is: a driver may wait in there
  std::lock_guard<std::mutex> lock(mutex_);
  live_.erase(lease);
  statistics_.in_use -= block->capacity();
  statistics_.live_buffers -= 1;
  if (!block->pooled() || !process_running()) {
    drop = std::move(block);
    return;
  }
  const std::size_t capacity = block->capacity();
  try {
    cached_[capacity].push_back(std::move(block));
    statistics_.cached += capacity;
    statistics_.cached_buffers += 1;
  } catch (...) {
    drop = std::move(block);
  }
}

std::uint64_t MemoryPool::free_cached(bool wait) noexcept {
  std::map<std::size_t, std::vector<std::unique_ptr<Block>>> taken;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    taken.swap(cached_);
  }
  // Waiting and releasing happen without the lock: other threads go on.
  const auto end = std::chrono::steady_clock::now() + wait_for_memory;
  std::uint64_t freed = 0, count = 0;
  for (auto &[capacity, blocks] : taken) {
    for (auto &block : blocks) {
      const auto left =
          wait ? std::max<std::chrono::nanoseconds>(end - std::chrono::steady_clock::now(), std::chrono::nanoseconds(0))
               : std::chrono::nanoseconds(0);
      // The driver keeps memory until the commands that use it are complete, so a busy block frees nothing yet.
      if (!block->wait_idle(left)) continue;
      if (guard_) guard_->drop(*block);
      block.reset();
      freed += capacity;
      count += 1;
    }
  }
  std::lock_guard<std::mutex> lock(mutex_);
  statistics_.cached -= freed;
  statistics_.cached_buffers -= count;
  for (auto &[capacity, blocks] : taken)
    for (auto &block : blocks) {
      if (!block) continue;
      try {
        cached_[capacity].push_back(std::move(block));
      } catch (...) {  // the block is dropped
        statistics_.cached -= capacity;
        statistics_.cached_buffers -= 1;
      }
    }
  return freed;
}

MemoryStatistics MemoryPool::statistics() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return statistics_;
}

void MemoryPool::set_limit(std::uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  statistics_.limit = bytes ? bytes : default_limit_;
}

std::uint64_t MemoryPool::trim() {
  const std::uint64_t freed = free_cached(false);
  log(LogLevel::debug, "trimmed ", freed, " bytes");
  return freed;
}

std::string MemoryPool::report() const {
  std::lock_guard<std::mutex> lock(mutex_);
  const MemoryStatistics &s = statistics_;
  std::string out =
      text("in use: ", megabytes(s.in_use), " in ", s.live_buffers, " buffers; cached: ", megabytes(s.cached), " in ",
           s.cached_buffers, "; peak: ", megabytes(s.peak), "; limit: ", megabytes(s.limit),
           "; largest buffer: ", megabytes(max_allocation_), "\n");
  // Buffers of one size are told together: what fills a device is mostly many of a kind.
  std::map<std::size_t, std::size_t, std::greater<>> by_size;
  for (const BlockLease *lease : live_) by_size[lease->requested()] += 1;
  int rows = 0;
  for (const auto &[size, count] : by_size) {
    if (++rows > 16) {
      out += text("  and ", by_size.size() - 16, " smaller sizes\n");
      break;
    }
    out += text("  ", count, " x ", megabytes(size), "\n");
  }
  return out;
}

void MemoryPool::fail_out_of_memory(std::size_t size, const Error *cause) const {
  const MemoryStatistics s = statistics();
  throw Error(Status::out_of_device_memory,
              text("no memory for a buffer of ", megabytes(size), ": ", megabytes(s.in_use), " in use and ",
                   megabytes(s.cached), " cached of ", megabytes(s.limit), "; cached memory was given back first"),
              report(), cause->cl_code(), cause->routine());
}

}  // namespace gpucompute
