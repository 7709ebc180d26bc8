#include "runtime/transfer_ring.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <system_error>

#include "runtime/stream_copy.hpp"
#include "runtime/user_event.hpp"

namespace gpucompute {
namespace {

constexpr std::size_t most_workers = 8;
constexpr std::size_t smallest_chunk = std::size_t(256) << 10;

constexpr std::size_t most_streamed = std::size_t(64) << 20;

void copy_cached(void *destination, const void *source, std::size_t size) noexcept {
  std::memcpy(destination, source, size);
}

std::size_t worker_count() {
  const std::size_t cores = std::max(2u, std::thread::hardware_concurrency());
  return std::min(most_workers, cores);
}

}  // namespace

std::shared_ptr<TransferRing> TransferRing::create(cl_context context, cl_device_id device) {
  std::shared_ptr<TransferRing> ring(new TransferRing);
  ring->workers_ = std::vector<Worker>(worker_count());
  for (Worker &worker : ring->workers_) {
    cl_int code = CL_SUCCESS;
    worker.queue = ClQueue(clCreateCommandQueue(context, device, 0, &code));
    if (code != CL_SUCCESS) return nullptr;
    for (int s = 0; s < 2; ++s) {
      worker.slots[s] =
          ClMem(clCreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, slot_size, nullptr, &code));
      if (code != CL_SUCCESS) return nullptr;
      worker.mapped[s] =
          static_cast<char *>(clEnqueueMapBuffer(worker.queue.get(), worker.slots[s].get(), CL_TRUE,
                                                 CL_MAP_READ | CL_MAP_WRITE, 0, slot_size, 0, nullptr, nullptr, &code));
      if (code != CL_SUCCESS) return nullptr;
    }
  }
  try {
    for (std::size_t i = 0; i < ring->workers_.size(); ++i)
      ring->workers_[i].thread = std::thread([ring, i] { ring->loop(i); });
  } catch (const std::system_error &) {
    ring->stop();
    return nullptr;
  } catch (...) {  // the threads that there are keep the ring alive until they are told to stop
    ring->stop();
    throw;
  }
  return ring;
}

TransferRing::~TransferRing() {
  for (Worker &worker : workers_) {
    if (!process_running()) {
      if (worker.thread.joinable()) worker.thread.detach();
      continue;
    }
    for (int s = 0; s < 2; ++s)
      if (worker.mapped[s])
        clEnqueueUnmapMemObject(worker.queue.get(), worker.slots[s].get(), worker.mapped[s], 0, nullptr, nullptr);
    if (worker.queue) clFinish(worker.queue.get());
  }
}

void TransferRing::stop() noexcept {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (Worker &worker : workers_) {
    if (!worker.thread.joinable()) continue;
    // The last buffer of a context may be dropped by a worker; it cannot wait for itself.
    if (worker.thread.get_id() == std::this_thread::get_id() || !process_running())
      worker.thread.detach();
    else
      worker.thread.join();
  }
}

// Under the lock.
void TransferRing::start(TransferJobs &from, TransferJobs::iterator at) noexcept {
  TransferJob *job = at->get();
  const std::size_t workers = workers_.size();
  // Two chunks for each worker where the copy is small, so that all of them have something to overlap.
  std::size_t chunk = job->size / (2 * workers);
  chunk = std::min(slot_size, std::max(smallest_chunk, (chunk + 4095) / 4096 * 4096));
  job->chunk = chunk;
  job->workers_wanted = std::min(workers, (job->size + chunk - 1) / chunk);
  job->workers_left = job->workers_wanted;
  if (job->probe) job->probe->begins();
  running_.splice(running_.end(), from, at);
}

cl_int TransferRing::run(const std::shared_ptr<TransferJob> &job) {
  TransferJobs jobs{job};
  std::unique_lock<std::mutex> lock(mutex_);
  start(jobs, jobs.begin());
  work_.notify_all();
  done_.wait(lock, [&] { return job->finished; });
  return job->error;
}

void TransferRing::submit(TransferJobs &&job) noexcept {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    gated_.splice(gated_.end(), job);
  }
  work_.notify_all();
}

// Under the lock. Moves jobs whose gate is complete to the running ones; true if any moved.
bool TransferRing::open_gates() {
  bool moved = false;
  for (auto it = gated_.begin(); it != gated_.end();) {
    const auto gated = it++;
    TransferJob &job = **gated;
    cl_int status = CL_COMPLETE;
    if (job.gate) {
      const cl_int code =
          clGetEventInfo(job.gate.get(), CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
      if (code != CL_SUCCESS) status = code;
    }
    if (status > CL_COMPLETE) continue;
    if (status < 0) job.error = CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST;  // the workers then copy nothing
    start(gated_, gated);
    moved = true;
  }
  return moved;
}

void TransferRing::loop(std::size_t index) {
  Worker &worker = workers_[index];
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    std::shared_ptr<TransferJob> job;
    for (const auto &candidate : running_)
      if (candidate->workers_started < candidate->workers_wanted) {
        candidate->workers_started += 1;
        job = candidate;
        break;
      }
    if (job) {
      lock.unlock();
      if (!work_on(worker, job)) rest_of_process();
      job.reset();
      lock.lock();
      continue;
    }
    if (stopping_ && gated_.empty()) return;
    if (index == 0 && !gated_.empty()) {
      // The first worker keeps the gates: no worker ever blocks on what a program may take its time to complete.
      const bool moved = BackgroundWork() && open_gates();
      if (moved)
        work_.notify_all();
      else
        work_.wait_for(lock, std::chrono::microseconds(100));
      continue;
    }
    if (stopping_ && index != 0) return;
    work_.wait(lock);
  }
}

// False: the process ends, and the job is left as it is.
bool TransferRing::work_on(Worker &worker, const std::shared_ptr<TransferJob> &job) {
  const BackgroundWork work;
  if (!work) return false;
  const cl_int code = copy_chunks(worker, *job);
  if (!driver_remains()) return false;
  cl_int none = CL_SUCCESS;
  if (code != CL_SUCCESS) job->error.compare_exchange_strong(none, code);
  if (job->workers_left.fetch_sub(1) == 1) finish(job);
  return true;
}

cl_int TransferRing::copy_chunks(Worker &worker, TransferJob &job) {
  struct InFlight {
    ClEvent event;
    std::size_t offset = 0, size = 0;
  } in_flight[2];
  const auto settle = [&](int s) -> cl_int {
    InFlight &flight = in_flight[s];
    if (!flight.event) return CL_SUCCESS;
    cl_event event = flight.event.get();
    const cl_int code = clWaitForEvents(1, &event);
    flight.event.reset();
    if (code == CL_SUCCESS && !job.write) stream_copy(job.host + flight.offset, worker.mapped[s], flight.size);
    return code;
  };
  // Measured on an H200: a slot that is still in the cache is what a long copy wants, a short one is over before that
  // pays.
  const auto copy_in = job.size <= most_streamed ? stream_copy : copy_cached;
  cl_int code = CL_SUCCESS;
  int s = 0;
  while (code == CL_SUCCESS && job.error == CL_SUCCESS && driver_remains()) {
    const std::size_t offset = job.next_chunk.fetch_add(1) * job.chunk;
    if (offset >= job.size) break;
    code = settle(s);
    if (code != CL_SUCCESS) break;
    InFlight &flight = in_flight[s];
    flight.offset = offset;
    flight.size = std::min(job.chunk, job.size - offset);
    if (job.write) {
      copy_in(worker.mapped[s], job.host + offset, flight.size);
      code = clEnqueueWriteBuffer(worker.queue.get(), job.memory, CL_FALSE, job.offset + offset, flight.size,
                                  worker.mapped[s], 0, nullptr, flight.event.receive());
    } else {
      code = clEnqueueReadBuffer(worker.queue.get(), job.memory, CL_FALSE, job.offset + offset, flight.size,
                                 worker.mapped[s], 0, nullptr, flight.event.receive());
    }
    if (code == CL_SUCCESS) code = clFlush(worker.queue.get());
    s ^= 1;
  }
  for (int i = 0; i < 2; ++i) {
    const cl_int settled = settle(s ^ i);
    if (code == CL_SUCCESS) code = settled;
  }
  return code;
}

void TransferRing::finish(const std::shared_ptr<TransferJob> &job) {
  // May be the last reference to a context, so not under the lock; and before the event is complete, so that whoever
  // waits for that finds everything released.
  job->keep_alive.reset();
  if (job->probe) job->probe->ends(job->error);
  std::shared_ptr<TransferJob> failed = job;
  if (job->done) complete_user_event(job->done.get(), job->error);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    running_.erase(std::find(running_.begin(), running_.end(), job));
    job->finished = true;
    if (job->error != CL_SUCCESS) last_failed_.swap(failed);
  }
  done_.notify_all();
}

}  // namespace gpucompute
