#include "runtime/transfer.hpp"

#include <gpucompute/queue.hpp>

#include <cstdlib>
#include <cstring>

#include "runtime/enqueue.hpp"
#include "runtime/memory_pool.hpp"
#include "runtime/pinned_ranges.hpp"
#include "runtime/quirks.hpp"
#include "runtime/transfer_ring.hpp"
#include "runtime/user_event.hpp"
#include "support/log.hpp"

namespace gpucompute {
namespace {

// Below this the driver is faster: waking threads costs more than they save. Measured in bench/transfer.
constexpr std::size_t smallest_copy = std::size_t(8) << 20;
// Less where tests force the engine: they make thousands of copies.
constexpr std::size_t smallest_forced_copy = std::size_t(1) << 20;

std::string setting() {
  const char *value = std::getenv("GPUC_TRANSFER");
  return value ? value : "";
}

}  // namespace

struct TransferEngine::Copy {
  bool write;
  const std::shared_ptr<BlockLease> &lease;
  std::size_t offset, size;
  char *host;
};

// GPUC_TRANSFER: 0 never; force also where device and host share memory, which only tests want.
TransferEngine::TransferEngine(Context &context)
    : context_(context), enabled_(setting() != "0"), forced_(setting() == "force") {}

TransferEngine::~TransferEngine() {
  for (auto &[device, ring] : rings_)
    if (ring) ring->stop();
}

bool TransferEngine::wants(const Queue &queue, const void *host, std::size_t size) const {
  if (!enabled_ || size < (forced_ ? smallest_forced_copy : smallest_copy)) return false;
  if (!forced_ && queue.device().info().unified_memory) return false;
  if (quirks_of(queue.device()).no_user_events) return false;
  return !context_.pinned().contains(host, size);
}

std::shared_ptr<TransferRing> TransferEngine::ring(const Device &device) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = rings_.find(&device);
    if (found != rings_.end()) return found->second;
    // Its place first: a ring that nobody knows of nobody stops.
    const auto place = rings_.try_emplace(&device).first;
    try {
      place->second = TransferRing::create(context_.native(), device.native());
    } catch (...) {
      rings_.erase(place);
      throw;
    }
    if (place->second) return place->second;
  }
  log(LogLevel::warning, "no transfer engine for ", device.info().name, ": threads or pinned memory cannot be had");
  return nullptr;
}

bool TransferEngine::run(Queue &queue, const Copy &copy) {
  const auto workers = ring(queue.device());
  if (!workers) return false;
  StagedProbe probe(profiling() ? queue.track() : nullptr, copy.write, copy.size);
  // The workers' queues know nothing of the caller's: its commands must be complete first.
  if (!queue.timeline()->done(queue.timeline()->last())) queue.finish();
  auto job = std::make_shared<TransferJob>();
  job->write = copy.write;
  job->memory = copy.lease->block().memory();
  job->offset = copy.offset;
  job->size = copy.size;
  job->host = copy.host;
  probe.begins();
  const cl_int code = workers->run(job);
  probe.called();
  probe.ends(code);
  if (code != CL_SUCCESS)
    fail_execution(code, copy.write ? "clEnqueueWriteBuffer" : "clEnqueueReadBuffer",
                   copy.write ? "a write" : "a read");
  return true;
}

bool TransferEngine::run_async(Queue &queue, const Copy &copy, Waits waits, std::shared_ptr<Event> *out_event) {
  const auto workers = ring(queue.device());
  if (!workers) return false;
  struct KeepAlive {
    std::shared_ptr<Context> context;  // released after the lease, whose pool it owns
    std::shared_ptr<BlockLease> lease;
  };
  TransferJobs jobs{std::make_shared<TransferJob>()};
  TransferJob *const job = jobs.front().get();
  job->write = copy.write;
  job->memory = copy.lease->block().memory();
  job->offset = copy.offset;
  job->size = copy.size;
  job->host = copy.host;
  job->keep_alive = std::make_shared<KeepAlive>(KeepAlive{share(context_), copy.lease});

  if (profiling()) job->probe = std::make_shared<StagedProbe>(queue.track(), copy.write, copy.size);
  cl_int code = CL_SUCCESS;
  ClEvent done(clCreateUserEvent(context_.native(), &code));
  cl_check(code, "clCreateUserEvent", "starting a copy");
  // The gate: everything before the copy. The end: what the queue's later commands wait for.
  const char *what = copy.write ? "a write" : "a read";
  cl_check(clEnqueueMarkerWithWaitList(queue.native(), waits.count, waits.count ? waits.events : nullptr,
                                       job->gate.receive()),
           "clEnqueueMarkerWithWaitList", what);
  cl_event end = done.get();
  std::shared_ptr<Event> marker;
  try {
    cl_check(clFlush(queue.native()), "clFlush", what);
    job->done = ClEvent::share(end);
    enqueue(queue, "clEnqueueMarkerWithWaitList", what, {&end, 1}, &marker,
            [&](cl_uint count, const cl_event *events, cl_event *out) {
              return clEnqueueMarkerWithWaitList(queue.native(), count, events, out);
            });
    job->end = ClEvent::share(marker->native());
    if (job->probe) job->probe->called();
    workers->submit(std::move(jobs));
  } catch (...) {
    complete_user_event(end, CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
    throw;
  }
  if (out_event) *out_event = std::move(marker);
  return true;
}

bool TransferEngine::write(Queue &queue, const std::shared_ptr<BlockLease> &target, std::size_t offset,
                           std::size_t size, const void *host) {
  return run(queue, {true, target, offset, size, static_cast<char *>(const_cast<void *>(host))});
}

bool TransferEngine::read(Queue &queue, const std::shared_ptr<BlockLease> &source, std::size_t offset, std::size_t size,
                          void *host) {
  return run(queue, {false, source, offset, size, static_cast<char *>(host)});
}

bool TransferEngine::write_async(Queue &queue, const std::shared_ptr<BlockLease> &target, std::size_t offset,
                                 std::size_t size, const void *host, Waits waits, std::shared_ptr<Event> *out_event) {
  return run_async(queue, {true, target, offset, size, static_cast<char *>(const_cast<void *>(host))}, waits,
                   out_event);
}

bool TransferEngine::read_async(Queue &queue, const std::shared_ptr<BlockLease> &source, std::size_t offset,
                                std::size_t size, void *host, Waits waits, std::shared_ptr<Event> *out_event) {
  return run_async(queue, {false, source, offset, size, static_cast<char *>(host)}, waits, out_event);
}

}  // namespace gpucompute
