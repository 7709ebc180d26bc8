// The backend that refuses nothing a device can store: one plain kernel, kernels/gemm/reference.cl.
#include "gemm/gemm_backend.hpp"
#include "gemm/kernel_call.hpp"
#include "runtime/enqueue.hpp"

namespace gpucompute {
namespace {

// The kernel loops over tiles, so that more groups than this gain nothing and no device's limit is met.
constexpr std::uint64_t most_groups = 1 << 20;

bool fits(std::size_t tile, std::size_t element, const Device &device) {
  const DeviceInfo &info = device.info();
  return tile * tile <= info.max_work_group_size && tile <= info.max_work_items[0] && tile <= info.max_work_items[1] &&
         2 * tile * (tile + 1) * element <= info.local_memory;
}

class ReferenceBackend final : public GemmBackend {
 public:
  const char *name() const noexcept override { return "reference"; }
  const char *merit() const noexcept override { return "plain tiled kernel, slow, serves every problem"; }
  std::string refusal(const GemmTask &, Queue &) const override { return {}; }

  void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const override {
    std::size_t tile = 0;
    KernelCall call(kernel_for(task, queue, tile), task.is_double());
    call.number(task.m).number(task.n).number(task.k).number(task.batch_count).complex(task.alpha).complex(task.beta);
    call.matrix(task.a).transpose(task.a).matrix(task.b).transpose(task.b).matrix(task.c);
    const std::uint64_t tiles = ((task.m + tile - 1) / tile) * ((task.n + tile - 1) / tile) * task.batch_count;
    const std::size_t global[2] = {std::min(tiles, most_groups) * tile, tile}, local[2] = {tile, tile};
    task.c_written = true;
    for (const GemmOperand *operand : {&task.a, &task.b, &task.c}) operand->buffer->used_by(queue);
    enqueue(queue, "clEnqueueNDRangeKernel", "a matrix product", waits, out,
            [&](cl_uint count, const cl_event *events, cl_event *event) {
              return clEnqueueNDRangeKernel(queue.native(), call.kernel(), 2, nullptr, global, local, count, events,
                                            event);
            });
  }

 private:
  // With the largest tile that the device, and then the built kernel, allows.
  static ClKernel kernel_for(const GemmTask &task, Queue &queue, std::size_t &tile) {
    Context &context = queue.context();
    const Device &device = queue.device();
    const std::size_t element = size_of(task.compute);
    for (tile = 16;; tile /= 2) {
      if (tile > 1 && !fits(tile, element, device)) continue;
      LibraryPrograms::Defines defines = element_defines(task);
      defines.emplace_back("TILE", std::to_string(tile));
      ClKernel kernel = LibraryPrograms::of(context).kernel(context, "gemm/reference.cl", defines, "gemm_reference");
      std::size_t most = 0;
      cl_check(clGetKernelWorkGroupInfo(kernel.get(), device.native(), CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most,
                                        nullptr),
               "clGetKernelWorkGroupInfo", "reading the work-group limit of a GEMM kernel");
      if (tile == 1 || tile * tile <= most) return kernel;
    }
  }
};

}  // namespace

const GemmBackend &reference_backend() {
  static const ReferenceBackend backend;
  return backend;
}

}  // namespace gpucompute
