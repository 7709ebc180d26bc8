#include <gpucompute/buffer.hpp>
#include <gpucompute/queue.hpp>

#include <algorithm>

#include "runtime/enqueue.hpp"
#include "runtime/memory_guard.hpp"
#include "runtime/queue_registry.hpp"

namespace gpucompute {
namespace {

// has_times: whether a profile wants them, and whether they are there.
ClQueue create_native(cl_context context, const Device &device, std::uint32_t flags, bool &has_times) {
  cl_command_queue_properties properties = 0;
  if (flags & Queue::out_of_order) properties |= CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
  cl_int code = CL_SUCCESS;
  if (has_times && !(flags & Queue::profiling)) {
    ClQueue native(clCreateCommandQueue(context, device.native(), properties | CL_QUEUE_PROFILING_ENABLE, &code));
    if (code == CL_SUCCESS) return native;
  }
  has_times = (flags & Queue::profiling) != 0;
  if (has_times) properties |= CL_QUEUE_PROFILING_ENABLE;
  // The call of OpenCL 1.2, which all versions have.
  ClQueue native(clCreateCommandQueue(context, device.native(), properties, &code));
  cl_check(code, "clCreateCommandQueue", "creating a queue");
  return native;
}

}  // namespace

Queue::Queue(std::shared_ptr<Context> context, std::shared_ptr<Device> device, std::shared_ptr<Timeline> timeline,
             std::uint32_t flags, bool has_times)
    : context_(std::move(context)),
      device_(std::move(device)),
      flags_(flags),
      has_times_(has_times),
      timeline_(std::move(timeline)) {}

Queue::~Queue() = default;

cl_command_queue Queue::native() const noexcept { return timeline_->queue(); }

std::shared_ptr<Queue> Queue::create(Context &context, const Device *device, std::uint32_t flags) {
  if (flags & ~(out_of_order | profiling))
    fail(Status::invalid_argument, "flags is ", flags, ", which has unknown bits; known are 1 and 2");
  const auto &chosen = context.device_or_first(device);
  if ((flags & out_of_order) && !chosen->info().out_of_order)
    fail(Status::unsupported, "device '", chosen->info().name,
         "' has no out-of-order queues; use two in-order queues and events");
  bool has_times = gpucompute::profiling();
  auto timeline = std::make_shared<Timeline>(create_native(context.native(), *chosen, flags, has_times));
  std::shared_ptr<Queue> queue(new Queue(share(context), chosen, std::move(timeline), flags, has_times));
  register_timeline(queue->timeline_);
  return queue;
}

std::shared_ptr<Queue> Queue::wrap(Context &context, cl_command_queue native) {
  cl_context owner = nullptr;
  cl_device_id device = nullptr;
  cl_command_queue_properties properties = 0;
  cl_check(clGetCommandQueueInfo(native, CL_QUEUE_CONTEXT, sizeof owner, &owner, nullptr), "clGetCommandQueueInfo");
  cl_check(clGetCommandQueueInfo(native, CL_QUEUE_DEVICE, sizeof device, &device, nullptr), "clGetCommandQueueInfo");
  cl_check(clGetCommandQueueInfo(native, CL_QUEUE_PROPERTIES, sizeof properties, &properties, nullptr),
           "clGetCommandQueueInfo");
  if (owner != context.native())
    fail(Status::context_mismatch, "the cl_command_queue belongs to another cl_context than the context given");
  std::uint32_t flags = 0;
  if (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) flags |= out_of_order;
  if (properties & CL_QUEUE_PROFILING_ENABLE) flags |= profiling;
  auto timeline = std::make_shared<Timeline>(ClQueue::share(native));
  std::shared_ptr<Queue> queue(
      new Queue(share(context), find_device(device), std::move(timeline), flags, (flags & profiling) != 0));
  register_timeline(queue->timeline_);
  return queue;
}

QueueTrack *Queue::track() noexcept {
  try {
    return timeline_->track([this] {
      return make_queue_track(
          {native(), device_->native(), device_->info().name, device_->info().opencl_version, in_order(), has_times_});
    });
  } catch (...) {  // no memory: nothing is recorded
    return nullptr;
  }
}

void Queue::flush() { cl_check(clFlush(native()), "clFlush", "flushing a queue"); }

void Queue::finish() {
  const std::uint64_t covers = timeline_->last();
  const cl_int code = clFinish(native());
  if (gpucompute::profiling()) collect_profile(timeline_->track());
  if (code != CL_SUCCESS) fail_execution(code, "clFinish", "a command on the queue");
  timeline_->completed(covers);
  if (guarding_memory()) check_guards(*this, true);
}

void Queue::marker(Waits waits, std::shared_ptr<Event> *out_event) {
  enqueue(*this, "clEnqueueMarkerWithWaitList", "a marker", waits, out_event,
          [&](cl_uint count, const cl_event *events, cl_event *out) {
            return clEnqueueMarkerWithWaitList(native(), count, events, out);
          });
}

void Queue::barrier(Waits waits, std::shared_ptr<Event> *out_event) {
  enqueue(*this, "clEnqueueBarrierWithWaitList", "a barrier", waits, out_event,
          [&](cl_uint count, const cl_event *events, cl_event *out) {
            return clEnqueueBarrierWithWaitList(native(), count, events, out);
          });
}

std::shared_ptr<Buffer> Queue::take_workspace(std::size_t size) {
  {
    std::lock_guard<std::mutex> lock(workspaces_mutex_);
    for (auto i = workspaces_.rbegin(); i != workspaces_.rend(); ++i) {
      // One that is much larger is left to those who need it.
      if ((*i)->size() < size || (*i)->size() / 2 > size) continue;
      auto found = std::move(*i);
      workspaces_.erase(std::next(i).base());
      return found;
    }
  }
  return Buffer::create(*context_, size);
}

void Queue::give_workspace(std::shared_ptr<Buffer> workspace) noexcept {
  constexpr std::size_t most = 4;
  const std::uint64_t most_bytes =
      std::min<std::uint64_t>(std::uint64_t(512) << 20, device_->info().global_memory / 16);
  if (!in_order()) return;
  try {
    std::lock_guard<std::mutex> lock(workspaces_mutex_);
    workspaces_.push_back(std::move(workspace));
    const auto bytes = [&] {
      std::size_t sum = 0;
      for (const auto &one : workspaces_) sum += one->size();
      return sum;
    };
    while (!workspaces_.empty() && (workspaces_.size() > most || bytes() > most_bytes))
      workspaces_.erase(workspaces_.begin());
  } catch (...) {  // no memory to keep it in: it goes back to the pool
  }
}

}  // namespace gpucompute
