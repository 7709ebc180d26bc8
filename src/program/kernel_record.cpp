#include "program/kernel_record.hpp"

#include "program/kernel_signature.hpp"
#include "support/cl_check.hpp"

namespace gpucompute {
namespace {

template <class T>
T work_value(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info key) {
  T value{};
  cl_check(clGetKernelWorkGroupInfo(kernel, device, key, sizeof value, &value, nullptr), "clGetKernelWorkGroupInfo",
           "reading a kernel's work-group limits");
  return value;
}

KernelWorkInfo read_work_info(cl_kernel kernel, cl_device_id device) {
  KernelWorkInfo info;
  info.max_work_group_size = work_value<std::size_t>(kernel, device, CL_KERNEL_WORK_GROUP_SIZE);
  info.preferred_multiple = work_value<std::size_t>(kernel, device, CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE);
  info.local_memory = work_value<cl_ulong>(kernel, device, CL_KERNEL_LOCAL_MEM_SIZE);
  info.private_memory = work_value<cl_ulong>(kernel, device, CL_KERNEL_PRIVATE_MEM_SIZE);
  cl_check(clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_COMPILE_WORK_GROUP_SIZE, sizeof info.required_size,
                                    info.required_size, nullptr),
           "clGetKernelWorkGroupInfo", "reading a kernel's work-group limits");
  return info;
}

}  // namespace

KernelRecord::KernelRecord(const Context &context, cl_program program, const std::string &name,
                           const std::string &source)
    : program_(program), name_(name) {
  auto first = std::make_unique<KernelInstance>();
  first->native = ClKernel(create_native());
  arguments_ = read_signature(first->native.get(), name, source);
  for (const auto &device : context.devices())
    work_.emplace_back(device.get(), read_work_info(first->native.get(), device->native()));
  first->sets.resize(arguments_.size());
  idle_.push_back(std::move(first));
}

cl_kernel KernelRecord::create_native() const {
  cl_int code = CL_SUCCESS;
  cl_kernel kernel = clCreateKernel(program_, name_.c_str(), &code);
  if (code != CL_SUCCESS) fail_cl(code, "clCreateKernel", "creating kernel '" + name_ + "'");
  return kernel;
}

const KernelWorkInfo &KernelRecord::work_info(const Device &device) const noexcept {
  for (const auto &[known, info] : work_)
    if (known == &device) return info;
  return work_.front().second;
}

KernelRecord::~KernelRecord() { delete last_.load(); }

std::unique_ptr<KernelInstance> KernelRecord::take() {
  if (KernelInstance *last = last_.exchange(nullptr, std::memory_order_acquire))
    return std::unique_ptr<KernelInstance>(last);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<KernelInstance> instance = std::move(idle_.back());
      idle_.pop_back();
      return instance;
    }
  }
  auto instance = std::make_unique<KernelInstance>();
  instance->native = ClKernel(create_native());
  instance->sets.resize(arguments_.size());
  return instance;
}

void KernelRecord::give_back(std::unique_ptr<KernelInstance> instance) noexcept {
  KernelInstance *none = nullptr;
  if (last_.compare_exchange_strong(none, instance.get(), std::memory_order_release, std::memory_order_relaxed)) {
    instance.release();
    return;
  }
  std::lock_guard<std::mutex> lock(mutex_);
  try {
    idle_.push_back(std::move(instance));
  } catch (...) {  // dropped: the next launch makes another
  }
}

}  // namespace gpucompute
