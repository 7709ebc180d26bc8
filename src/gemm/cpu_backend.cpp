// CPU devices: kernels that do by hand what a CPU's compiler does not make of work-items. One work-item is a group, a
// group is a piece of C as large as a core's caches take, and all parallelism within it is that of wide vectors.
#include "gemm/cpu_kernels.hpp"
#include "gemm/cpu_plan.hpp"
#include "gemm/gemm_backend.hpp"
#include "runtime/enqueue.hpp"
#include "runtime/quirks.hpp"
#include "support/text.hpp"

namespace gpucompute {
namespace {

class Arguments {
 public:
  explicit Arguments(cl_kernel kernel, bool is_double) : kernel_(kernel), is_double_(is_double) {}

  template <class T>
  Arguments &add(const T &value) {
    return bytes(sizeof value, &value);
  }
  Arguments &real(double value) { return is_double_ ? add(value) : add(static_cast<float>(value)); }
  Arguments &local(std::size_t size) { return bytes(size, nullptr); }

 private:
  Arguments &bytes(std::size_t size, const void *value) {
    cl_check(clSetKernelArg(kernel_, next_++, size, value), "clSetKernelArg", "setting an argument of a GEMM kernel");
    return *this;
  }

  cl_kernel kernel_;
  bool is_double_;
  cl_uint next_ = 0;
};

// tf32 and the split mode ask for no more than f32 itself gives.
std::string cpu_type_refusal(const GemmTask &task) {
  const auto stored = [](DataType type) {
    return type == DataType::f16 || type == DataType::bf16 || type == DataType::f32 || type == DataType::f64 ||
           type == DataType::c64 || type == DataType::c128;
  };
  if (stored(task.a.type) && stored(task.b.type) && stored(task.c.type)) return {};
  return text("it has no kernels for ", name_of(task.a.type), " and ", name_of(task.b.type), " in and ",
              name_of(task.c.type), " out");
}

class CpuBackend final : public GemmBackend {
 public:
  const char *name() const noexcept override { return "cpu"; }
  const char *merit() const noexcept override { return "packed vector kernels for CPU devices"; }
  const Tunable *tunable() const noexcept override { return &cpu_tunable(); }

  std::string refusal(const GemmTask &task, Queue &queue) const override {
    const Device &device = queue.device();
    // A checker simulates any device, and is to see these kernels too.
    if (device.info().type != DeviceType::cpu && !quirks_of(device).checker) return "the device is no CPU";
    if (quirks_of(device).miscompiles_cpu_kernels) return "the driver does not compile its kernels rightly";
    if (const std::string reason = cpu_type_refusal(task); !reason.empty()) return reason;
    return cpu_plan_refusal(task, CpuLimits::of(device), cpu_tuning(queue.context(), device, task.is_double()));
  }

  void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const override {
    Context &context = queue.context();
    const CpuTypes types(task);
    const CpuPlan plan =
        make_cpu_plan(task, CpuLimits::of(queue.device()), cpu_tuning(context, queue.device(), types.is_double));
    const auto kernel = CpuKernels::of(context).lease(context, plan.kernel, types, plan.tuning);
    const auto sums = plan.sums ? Buffer::create(context, plan.sums * types.real_bytes()) : nullptr;
    Arguments arguments(kernel.get(), types.is_double);
    arguments.add(plan.shape);
    arguments.real(task.alpha.real()).real(task.alpha.imag()).real(task.beta.real()).real(task.beta.imag());
    arguments.add(task.a.buffer->root()).add(task.b.buffer->root()).add(task.c.buffer->root());
    arguments.add(sums ? sums->root() : nullptr).local(plan.local_bytes);
    for (Buffer *buffer : {task.a.buffer, task.b.buffer, task.c.buffer, sums.get()})
      if (buffer) buffer->used_by(queue);
    const std::size_t one = 1;
    enqueue(queue, "clEnqueueNDRangeKernel", "a matrix product", waits, out,
            [&](cl_uint count, const cl_event *events, cl_event *event) {
              const cl_int code = clEnqueueNDRangeKernel(queue.native(), kernel.get(), 1, nullptr, &plan.groups, &one,
                                                         count, events, event);
              // Some drivers finish the compilation of a kernel here; what fails is not on the queue.
              task.c_written = code == CL_SUCCESS;
              return code;
            });
  }
};

}  // namespace

const GemmBackend &cpu_backend() {
  static const CpuBackend backend;
  return backend;
}

}  // namespace gpucompute
