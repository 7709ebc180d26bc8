// Contexts: one or several devices of a platform, and the memory on them.
#pragma once

#include <gpucompute/device.hpp>
#include <gpucompute/types.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace gpucompute {

class MemoryPool;
class PinnedRanges;
class TransferEngine;

// Figures of a context's memory; bytes as rounded by the pool.
struct MemoryStatistics {
  std::uint64_t in_use = 0, cached = 0, peak = 0, limit = 0, live_buffers = 0, cached_buffers = 0, hits = 0, misses = 0;
};

class Context final : public Object {
 public:
  // No devices: the default one. Throws Error(context_mismatch, invalid_argument, no_platform, no_device).
  static std::shared_ptr<Context> create(std::vector<std::shared_ptr<Device>> devices = {});
  // Retains the cl_context.
  static std::shared_ptr<Context> wrap(cl_context native);
  ~Context() override;

  cl_context native() const noexcept { return native_; }
  const std::vector<std::shared_ptr<Device>> &devices() const noexcept { return devices_; }
  bool has(const Device &device) const noexcept;
  // `device`, checked to be of this context, or its first where it is null. `what` names the argument in the message.
  const std::shared_ptr<Device> &device_or_first(const Device *device) const;
  bool unified_memory() const noexcept { return unified_memory_; }
  std::uint64_t max_allocation() const noexcept { return max_allocation_; }

  MemoryStatistics memory() const;
  void set_memory_limit(std::uint64_t bytes);  // 0: the default
  std::uint64_t trim();                        // bytes given back to the driver
  std::string memory_report() const;

  // For the other rooms of the core.
  MemoryPool &pool() noexcept { return *pool_; }
  PinnedRanges &pinned() noexcept { return *pinned_; }
  TransferEngine &transfer() noexcept { return *transfer_; }
  // Called when the context goes, before its cl_context is released: gemm clears CLBlast's cache this way.
  void on_close(void (*hook)() noexcept) noexcept;
  // What another room keeps with the context, made on first use; the key is an address of that room. It goes with the
  // context, before its cl_context, so it must hold no shared_ptr to the context: neither would ever go.
  std::shared_ptr<void> attachment(const void *key, std::shared_ptr<void> (*make)());

 private:
  Context(cl_context adopted, std::vector<std::shared_ptr<Device>> devices);

  cl_context native_;
  std::vector<std::shared_ptr<Device>> devices_;
  bool unified_memory_ = true;
  std::uint64_t max_allocation_ = 0;
  std::unique_ptr<MemoryPool> pool_;
  std::unique_ptr<PinnedRanges> pinned_;
  std::unique_ptr<TransferEngine> transfer_;
  std::atomic<void (*)() noexcept> close_hook_{nullptr};
  std::mutex attachments_mutex_;
  std::vector<std::pair<const void *, std::shared_ptr<void>>> attachments_;
};

}  // namespace gpucompute
