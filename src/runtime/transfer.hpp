// The transfer engine: copies between ordinary (pageable) host memory and devices with memory of their own.
//
// Drivers stage such copies through one small pinned area on one core, at a fraction of the bus's speed. Here several
// threads, each with a queue and two pinned slots, fill or empty slots while the device copies others.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/event.hpp>

#include <map>
#include <memory>
#include <mutex>

namespace gpucompute {

class BlockLease;
class Queue;
class TransferRing;

class TransferEngine {
 public:
  explicit TransferEngine(Context &context);
  ~TransferEngine();

  // Whether a copy of that size between that host memory and the queue's device is for the engine.
  bool wants(const Queue &queue, const void *host, std::size_t size) const;

  // Blocking copies, ordered after the queue's commands and the waits. False: the engine could not be set up, and
  // nothing was done; use the driver. Throws Error(execution_failed, ...).
  bool write(Queue &queue, const std::shared_ptr<BlockLease> &target, std::size_t offset, std::size_t size,
             const void *host);
  bool read(Queue &queue, const std::shared_ptr<BlockLease> &source, std::size_t offset, std::size_t size, void *host);

  // The same without waiting: later commands of the queue start after the copy, and *out_event is complete with it.
  bool write_async(Queue &queue, const std::shared_ptr<BlockLease> &target, std::size_t offset, std::size_t size,
                   const void *host, Waits waits, std::shared_ptr<Event> *out_event);
  bool read_async(Queue &queue, const std::shared_ptr<BlockLease> &source, std::size_t offset, std::size_t size,
                  void *host, Waits waits, std::shared_ptr<Event> *out_event);

 private:
  struct Copy;
  std::shared_ptr<TransferRing> ring(const Device &device);
  bool run(Queue &queue, const Copy &copy);
  bool run_async(Queue &queue, const Copy &copy, Waits waits, std::shared_ptr<Event> *out_event);

  Context &context_;
  bool enabled_, forced_;
  std::mutex mutex_;
  std::map<const Device *, std::shared_ptr<TransferRing>> rings_;  // null: setting up failed, do not try again
};

}  // namespace gpucompute
