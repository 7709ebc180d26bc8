// ClHandle: owns one reference to an OpenCL object. Releasing never throws, and does nothing in a forked child or in
// exit().
#pragma once

#include <CL/cl.h>

#include <utility>

#include "support/process.hpp"

namespace gpucompute {

template <class T, cl_int(CL_API_CALL *Retain)(T), cl_int(CL_API_CALL *Release)(T)>
class ClHandle {
 public:
  ClHandle() = default;
  explicit ClHandle(T adopted) noexcept : native_(adopted) {}
  ClHandle(ClHandle &&other) noexcept : native_(std::exchange(other.native_, nullptr)) {}
  ClHandle &operator=(ClHandle &&other) noexcept {
    if (this != &other) {
      reset();
      native_ = std::exchange(other.native_, nullptr);
    }
    return *this;
  }
  ClHandle(const ClHandle &) = delete;
  ClHandle &operator=(const ClHandle &) = delete;
  ~ClHandle() { reset(); }

  static ClHandle share(T borrowed) noexcept {
    if (borrowed) Retain(borrowed);
    return ClHandle(borrowed);
  }

  T get() const noexcept { return native_; }
  explicit operator bool() const noexcept { return native_ != nullptr; }
  T *receive() noexcept {
    reset();
    return &native_;
  }
  T give() noexcept { return std::exchange(native_, nullptr); }
  void reset() noexcept {
    T native = std::exchange(native_, nullptr);
    if (native && process_running()) Release(native);
  }

 private:
  T native_ = nullptr;
};

using ClContext = ClHandle<cl_context, clRetainContext, clReleaseContext>;
using ClQueue = ClHandle<cl_command_queue, clRetainCommandQueue, clReleaseCommandQueue>;
using ClMem = ClHandle<cl_mem, clRetainMemObject, clReleaseMemObject>;
using ClProgram = ClHandle<cl_program, clRetainProgram, clReleaseProgram>;
using ClKernel = ClHandle<cl_kernel, clRetainKernel, clReleaseKernel>;
using ClEvent = ClHandle<cl_event, clRetainEvent, clReleaseEvent>;

}  // namespace gpucompute
