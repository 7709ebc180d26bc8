// What a program keeps for each of its kernels: the signature and ready-made cl_kernels.
#pragma once

#include <gpucompute/kernel.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/cl_handle.hpp"

namespace gpucompute {

// One cl_kernel with the arguments that it was last given. Used by one launch at a time: a cl_kernel shared by threads
// gives wrong results without an error.
struct KernelInstance {
  struct Set {
    enum class What : unsigned char { nothing, buffer, bytes, local } what = What::nothing;
    std::uint64_t id = 0;          // buffer: which one; local: its size; bytes: how many
    unsigned char bytes[16] = {};  // larger values are set each time
  };
  ClKernel native;
  std::vector<Set> sets;
};

class KernelRecord {
 public:
  KernelRecord(const Context &context, cl_program program, const std::string &name, const std::string &source);

  const std::string &name() const noexcept { return name_; }
  const std::vector<ArgumentInfo> &arguments() const noexcept { return arguments_; }
  const KernelWorkInfo &work_info(const Device &device) const noexcept;
  cl_kernel create_native() const;  // the caller's

  ~KernelRecord();

  std::unique_ptr<KernelInstance> take();
  void give_back(std::unique_ptr<KernelInstance> instance) noexcept;

 private:
  cl_program program_;
  std::string name_;
  std::vector<ArgumentInfo> arguments_;
  std::vector<std::pair<const Device *, KernelWorkInfo>> work_;
  // The instance last used, without the lock: a program that launches from one thread never takes it.
  std::atomic<KernelInstance *> last_{nullptr};
  std::mutex mutex_;
  std::vector<std::unique_ptr<KernelInstance>> idle_;
};

}  // namespace gpucompute
