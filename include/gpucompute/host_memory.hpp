// Pinned host memory: a buffer that the driver keeps page-locked, mapped for as long as it lives.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/types.hpp>

#include <memory>

namespace gpucompute {

class HostMemory final : public Object {
 public:
  // Zero-filled. Throws Error(invalid_argument, allocation_too_large, out_of_device_memory).
  static std::shared_ptr<HostMemory> create(Context &context, std::size_t size);
  ~HostMemory() override;

  void *pointer() const noexcept { return pointer_; }
  std::size_t size() const noexcept { return size_; }

 private:
  HostMemory(std::shared_ptr<Context> context, std::size_t size);

  std::shared_ptr<Context> context_;
  std::size_t size_;
  void *mapped_ = nullptr;
  void *pointer_ = nullptr;  // the first page in it
  cl_mem memory_ = nullptr;
  cl_command_queue queue_ = nullptr;
};

}  // namespace gpucompute
