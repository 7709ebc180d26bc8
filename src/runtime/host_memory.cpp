#include <gpucompute/host_memory.hpp>

#include <cstdint>
#include <cstring>

#include "runtime/pinned_ranges.hpp"
#include "support/cl_check.hpp"
#include "support/cl_handle.hpp"

namespace gpucompute {
namespace {

constexpr std::size_t page = 4096;

}  // namespace

HostMemory::HostMemory(std::shared_ptr<Context> context, std::size_t size)
    : context_(std::move(context)), size_(size) {}

std::shared_ptr<HostMemory> HostMemory::create(Context &context, std::size_t size) {
  if (size == 0) fail(Status::invalid_argument, "size_bytes is 0, must be more");
  // Drivers map at any address, so a page more is asked for and the memory starts at the first page in it.
  if (context.max_allocation() < page || size > context.max_allocation() - page)
    fail(Status::allocation_too_large, "size_bytes is ", size, ", the device allows at most ", context.max_allocation(),
         " in one buffer, of which a page of ", page, " goes into the alignment");
  const std::size_t total = size + page - 1;
  std::shared_ptr<HostMemory> memory(new HostMemory(share(context), size));
  cl_int code = CL_SUCCESS;
  memory->queue_ = clCreateCommandQueue(context.native(), context.devices().front()->native(), 0, &code);
  cl_check(code, "clCreateCommandQueue", "creating host memory");
  memory->memory_ = clCreateBuffer(context.native(), CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, total, nullptr, &code);
  cl_check(code, "clCreateBuffer", "creating host memory");
  memory->mapped_ = clEnqueueMapBuffer(memory->queue_, memory->memory_, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0, total,
                                       0, nullptr, nullptr, &code);
  cl_check(code, "clEnqueueMapBuffer", "creating host memory");
  const auto address = reinterpret_cast<std::uintptr_t>(memory->mapped_);
  memory->pointer_ = static_cast<char *>(memory->mapped_) + (page - address % page) % page;
  context.pinned().add(memory->pointer_, size);
  std::memset(memory->pointer_, 0, size);
  return memory;
}

HostMemory::~HostMemory() {
  if (!process_running()) return;
  if (mapped_) {
    context_->pinned().remove(pointer_);
    clEnqueueUnmapMemObject(queue_, memory_, mapped_, 0, nullptr, nullptr);
    clFinish(queue_);
  }
  if (memory_) clReleaseMemObject(memory_);
  if (queue_) clReleaseCommandQueue(queue_);
}

}  // namespace gpucompute
