#include "gemm/gemm_backend.hpp"
#include "gemm/kernel_call.hpp"
#include "runtime/enqueue.hpp"

namespace gpucompute {

void scale_c(const GemmTask &task, Queue &queue, Waits waits, OutEvent out) {
  if (task.beta == 1.0) return enqueue_nothing(queue, waits, out);
  Context &context = queue.context();
  KernelCall call(LibraryPrograms::of(context).kernel(context, "gemm/scale.cl", element_defines(task), "gemm_scale"),
                  task.is_double());
  call.number(task.m).number(task.n).number(task.batch_count).complex(task.beta).matrix(task.c);
  // The kernel loops, so that any number of work-items is right; the driver chooses their groups.
  constexpr std::uint64_t most_items = 1 << 20;
  const std::size_t global = std::min(task.m * task.n * task.batch_count, most_items);
  task.c.buffer->used_by(queue);
  enqueue(queue, "clEnqueueNDRangeKernel", "the scaling of a matrix", waits, out,
          [&](cl_uint count, const cl_event *events, cl_event *event) {
            return clEnqueueNDRangeKernel(queue.native(), call.kernel(), 1, nullptr, &global, nullptr, count, events,
                                          event);
          });
}

}  // namespace gpucompute
