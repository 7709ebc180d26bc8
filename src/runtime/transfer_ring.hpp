// The workers of the transfer engine for one device.
#pragma once

#include <CL/cl.h>

#include <atomic>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "profile/recorder.hpp"
#include "support/cl_handle.hpp"

namespace gpucompute {

class BlockLease;

struct TransferJob {
  bool write = false;  // host to device
  cl_mem memory = nullptr;
  std::size_t offset = 0, size = 0, chunk = 0;
  char *host = nullptr;
  ClEvent gate;                        // the copy starts when this is complete; null: at once
  ClEvent done;                        // a user event to complete, or null where a thread waits in TransferRing::run
  ClEvent end;                         // the marker behind it: PoCL touches it when `done` fails, even where it is over
  std::shared_ptr<void> keep_alive;    // what the copy uses
  std::shared_ptr<StagedProbe> probe;  // null unless a profile records

  // Set by the workers.
  std::size_t workers_wanted = 0;
  std::atomic<std::size_t> workers_started{0}, workers_left{0}, next_chunk{0};
  std::atomic<cl_int> error{CL_SUCCESS};
  bool finished = false;  // guarded by the ring's mutex
};

// Workers move jobs from one list to another, which needs no memory: they have nobody to tell that there is none.
using TransferJobs = std::list<std::shared_ptr<TransferJob>>;

class TransferRing {
 public:
  static constexpr std::size_t slot_size = std::size_t(4) << 20;

  // Null where threads or pinned memory cannot be had.
  static std::shared_ptr<TransferRing> create(cl_context context, cl_device_id device);
  ~TransferRing();

  // Runs the copy on the workers and waits for it. The gate must be complete.
  cl_int run(const std::shared_ptr<TransferJob> &job);
  // Hands the copy, the one job in the list, to the workers, who start it when its gate is complete.
  void submit(TransferJobs &&job) noexcept;
  // No new jobs; the threads end when those there are done. Safe from a worker's own thread.
  void stop() noexcept;

 private:
  struct Worker {
    ClQueue queue;
    ClMem slots[2];
    char *mapped[2] = {nullptr, nullptr};
    std::thread thread;
  };

  TransferRing() = default;
  void start(TransferJobs &from, TransferJobs::iterator job) noexcept;
  void loop(std::size_t index);
  bool work_on(Worker &worker, const std::shared_ptr<TransferJob> &job);
  bool open_gates();
  cl_int copy_chunks(Worker &worker, TransferJob &job);
  void finish(const std::shared_ptr<TransferJob> &job);

  std::vector<Worker> workers_;
  std::mutex mutex_;
  std::condition_variable work_, done_;
  TransferJobs gated_, running_;
  // Keeps the events of the last copy that failed: PoCL may be busy with them still, in the thread that failed the
  // gate.
  std::shared_ptr<TransferJob> last_failed_;
  bool stopping_ = false;
};

}  // namespace gpucompute
