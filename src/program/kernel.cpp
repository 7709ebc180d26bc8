#include <gpucompute/kernel.hpp>

#include <algorithm>

#include "program/arguments.hpp"
#include "program/kernel_record.hpp"
#include "runtime/enqueue.hpp"
#include "support/checked_math.hpp"

namespace gpucompute {
namespace {

// The sizes as the driver gets them.
struct Sizes {
  std::size_t global[3] = {1, 1, 1}, local[3] = {1, 1, 1};
  bool choose_local = false;
};

// A local size for a launch that may be rounded up: the preferred multiple in x, as long as little is wasted.
void choose_local(const LaunchSize &size, const KernelWorkInfo &work, Sizes &sizes) {
  std::size_t x = std::max<std::size_t>(1, std::min<std::size_t>(work.preferred_multiple, work.max_work_group_size));
  while (x > 1 && x / 2 >= size.global[0]) x /= 2;
  sizes.local[0] = x;
  sizes.choose_local = false;
}

Sizes checked_sizes(const LaunchSize &size, const KernelWorkInfo &work, const Device &device,
                    const std::string &kernel) {
  static const char *const axis[] = {"0", "1", "2"};
  Sizes sizes;
  std::size_t given = 0;
  for (std::uint32_t d = 0; d < size.dims; ++d) given += size.local[d] != 0;
  if (given != 0 && given != size.dims)
    fail(Status::invalid_argument, "the local size has zeros and non-zeros; give all ", size.dims, " or none");
  const bool required = work.required_size[0] != 0;
  sizes.choose_local = given == 0 && !required;
  for (std::uint32_t d = 0; d < size.dims; ++d) {
    if (given)
      sizes.local[d] = size.local[d];
    else if (required)
      sizes.local[d] = work.required_size[d];
  }
  if (sizes.choose_local && size.round_up) choose_local(size, work, sizes);
  if (required)
    for (int d = 0; d < 3; ++d)
      if (sizes.local[d] != work.required_size[d])
        fail(Status::invalid_argument, "kernel '", kernel, "' is compiled for local size ", work.required_size[0],
             " x ", work.required_size[1], " x ", work.required_size[2], ", got ", sizes.local[0], " x ",
             sizes.local[1], " x ", sizes.local[2]);
  std::size_t group = 1, total = 1;
  for (std::uint32_t d = 0; d < size.dims; ++d) {
    sizes.global[d] = size.global[d];
    if (!sizes.choose_local) {
      if (sizes.local[d] > device.info().max_work_items[d])
        fail(Status::invalid_argument, "local[", axis[d], "] is ", sizes.local[d], ", the device allows at most ",
             device.info().max_work_items[d]);
      group = checked_multiply(group, sizes.local[d], "the product of the local sizes");
      if (const std::size_t over = sizes.global[d] % sizes.local[d]) {
        if (!size.round_up)
          fail(Status::invalid_argument, "global[", axis[d], "] is ", sizes.global[d], ", must be a multiple of local[",
               axis[d], "] = ", sizes.local[d], "; or set GPUC_LAUNCH_ROUND_UP and check the ids in the kernel");
        sizes.global[d] = checked_add(sizes.global[d], sizes.local[d] - over, "the global size rounded up");
      }
    }
    total = checked_multiply(total, sizes.global[d], "the product of the global sizes");
    const std::size_t end = checked_add(sizes.global[d], size.offset[d], "global offset plus global size");
    if (device.info().address_bits == 32 && end > UINT32_MAX)
      fail(Status::overflow, "global ids up to ", end, " do not fit the device's 32 bits");
  }
  if (group > work.max_work_group_size)
    fail(Status::invalid_argument, "a work-group of ", group, " work-items is too large for kernel '", kernel, "' on '",
         device.info().name, "', which allows ", work.max_work_group_size);
  return sizes;
}

}  // namespace

Kernel::Kernel(std::shared_ptr<Program> program, KernelRecord &record)
    : program_(std::move(program)), record_(record) {}

const std::string &Kernel::name() const noexcept { return record_.name(); }
const std::vector<ArgumentInfo> &Kernel::arguments() const noexcept { return record_.arguments(); }
const KernelWorkInfo &Kernel::work_info(const Device *device) const {
  return record_.work_info(*program_->context().device_or_first(device));
}
cl_kernel Kernel::create_native() const { return record_.create_native(); }

void Kernel::launch(Queue &queue, const LaunchSize &size, const Argument *arguments, std::size_t count, Waits waits,
                    OutEvent out) {
  Context &context = program_->context();
  if (&queue.context() != &context)
    fail(Status::context_mismatch, "queue and kernel '", name(), "' are of different contexts");
  if (size.dims < 1 || size.dims > 3) fail(Status::invalid_argument, "dims is ", size.dims, ", must be 1, 2 or 3");
  const Device &device = queue.device();
  const bool nothing = std::any_of(size.global, size.global + size.dims, [](std::size_t n) { return n == 0; });
  Sizes sizes;
  if (!nothing) sizes = checked_sizes(size, record_.work_info(device), device, name());

  // Back to the idle ones whatever happens.
  struct Loan {
    KernelRecord &record;
    std::unique_ptr<KernelInstance> instance;
    ~Loan() { record.give_back(std::move(instance)); }
  } loan{record_, record_.take()};
  set_arguments(record_, *loan.instance, device, context, arguments, count);
  if (nothing) return enqueue_nothing(queue, waits, out);

  const bool offset = size.offset[0] || size.offset[1] || size.offset[2];
  const auto put = [&](cl_uint wait_count, const cl_event *events, cl_event *event) {
    return clEnqueueNDRangeKernel(queue.native(), loan.instance->native.get(), size.dims,
                                  offset ? size.offset : nullptr, sizes.global,
                                  sizes.choose_local ? nullptr : sizes.local, wait_count, events, event);
  };
  for (std::size_t i = 0; i < count; ++i)
    if (arguments[i].kind == ArgumentKind::buffer) arguments[i].buffer->used_by(queue);
  enqueue(queue, "clEnqueueNDRangeKernel", "kernel", name(), waits, out, put,
          {0, size.dims, sizes.global, sizes.choose_local ? nullptr : sizes.local});
}

}  // namespace gpucompute
