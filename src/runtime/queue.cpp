#include <gpucompute/queue.hpp>

#include "runtime/enqueue.hpp"
#include "runtime/queue_registry.hpp"

namespace gpucompute {
namespace {

cl_command_queue create_native(cl_context context, const Device &device, std::uint32_t flags) {
  cl_command_queue_properties properties = 0;
  if (flags & Queue::out_of_order) properties |= CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
  if (flags & Queue::profiling) properties |= CL_QUEUE_PROFILING_ENABLE;
  cl_int code = CL_SUCCESS;
  // The call of OpenCL 1.2, which all versions have.
  cl_command_queue native = clCreateCommandQueue(context, device.native(), properties, &code);
  cl_check(code, "clCreateCommandQueue", "creating a queue");
  return native;
}

}  // namespace

Queue::Queue(std::shared_ptr<Context> context, std::shared_ptr<Device> device, cl_command_queue adopted,
             std::uint32_t flags)
    : context_(std::move(context)),
      device_(std::move(device)),
      flags_(flags),
      timeline_(std::make_shared<Timeline>(adopted)) {}

Queue::~Queue() = default;

cl_command_queue Queue::native() const noexcept { return timeline_->queue(); }

std::shared_ptr<Queue> Queue::create(Context &context, const Device *device, std::uint32_t flags) {
  if (flags & ~(out_of_order | profiling))
    fail(Status::invalid_argument, "flags is ", flags, ", which has unknown bits; known are 1 and 2");
  const auto &chosen = context.device_or_first(device);
  if ((flags & out_of_order) && !chosen->info().out_of_order)
    fail(Status::unsupported, "device '", chosen->info().name,
         "' has no out-of-order queues; use two in-order queues and events");
  ClQueue native(create_native(context.native(), *chosen, flags));
  std::shared_ptr<Queue> queue(new Queue(share(context), chosen, native.get(), flags));
  native.give();
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
  ClQueue shared = ClQueue::share(native);
  std::shared_ptr<Queue> queue(new Queue(share(context), find_device(device), shared.get(), flags));
  shared.give();
  register_timeline(queue->timeline_);
  return queue;
}

void Queue::flush() { cl_check(clFlush(native()), "clFlush", "flushing a queue"); }

void Queue::finish() {
  const std::uint64_t covers = timeline_->last();
  const cl_int code = clFinish(native());
  if (code != CL_SUCCESS) fail_execution(code, "clFinish", "a command on the queue");
  timeline_->completed(covers);
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

}  // namespace gpucompute
