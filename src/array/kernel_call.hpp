// One launch of a kernel of this room: arguments in order, sizes, and what keeps the memory.
#pragma once

#include <gpucompute/buffer.hpp>
#include <gpucompute/queue.hpp>

#include "runtime/enqueue.hpp"
#include "support/cl_check.hpp"
#include "support/cl_handle.hpp"

namespace gpucompute {

class ArrayKernelCall {
 public:
  explicit ArrayKernelCall(ClKernel kernel) : kernel_(std::move(kernel)) {}

  template <class T>
  ArrayKernelCall &set(const T &value) {
    return bytes(&value, sizeof value);
  }
  ArrayKernelCall &bytes(const void *data, std::size_t size) {
    cl_check(clSetKernelArg(kernel_.get(), next_++, size, data), "clSetKernelArg",
             "setting an argument of an array kernel");
    return *this;
  }
  ArrayKernelCall &memory(Buffer &buffer, std::uint64_t offset) {
    return set(buffer.root()).set(static_cast<cl_long>(offset));
  }

  // The most work-items in a group that the kernel can have on the device.
  std::size_t most_items(const Queue &queue) const {
    std::size_t most = 0;
    cl_check(clGetKernelWorkGroupInfo(kernel_.get(), queue.device().native(), CL_KERNEL_WORK_GROUP_SIZE, sizeof most,
                                      &most, nullptr),
             "clGetKernelWorkGroupInfo", "reading the work-group limit of an array kernel");
    return most;
  }

  // `items` work-items in groups of `local`, rounded up: the kernel checks its number.
  void launch(Queue &queue, const char *what, std::size_t items, std::size_t local, Waits waits, OutEvent out) const {
    const std::size_t global = (items + local - 1) / local * local;
    put(queue, what, 1, &global, &local, waits, out);
  }
  void launch_groups(Queue &queue, const char *what, std::size_t groups, std::size_t local_x, std::size_t local_y,
                     Waits waits, OutEvent out) const {
    const std::size_t global[2] = {groups * local_x, local_y}, local[2] = {local_x, local_y};
    put(queue, what, 2, global, local, waits, out);
  }

 private:
  void put(Queue &queue, const char *what, cl_uint dims, const std::size_t *global, const std::size_t *local,
           Waits waits, OutEvent out) const {
    enqueue(queue, "clEnqueueNDRangeKernel", what, waits, out,
            [&](cl_uint count, const cl_event *events, cl_event *event) {
              return clEnqueueNDRangeKernel(queue.native(), kernel_.get(), dims, nullptr, global, local, count, events,
                                            event);
            });
  }

  ClKernel kernel_;
  cl_uint next_ = 0;
};

}  // namespace gpucompute
