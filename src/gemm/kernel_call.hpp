// Sets the arguments of one of this room's kernels in order. The kernels take memory objects and element offsets, so
// that a slice may start at any element.
#pragma once

#include "gemm/gemm_task.hpp"
#include "program/library_programs.hpp"
#include "support/cl_check.hpp"
#include "support/cl_handle.hpp"

namespace gpucompute {

class KernelCall {
 public:
  KernelCall(ClKernel kernel, bool is_double) : kernel_(std::move(kernel)), is_double_(is_double) {}

  cl_kernel kernel() const noexcept { return kernel_.get(); }
  ClKernel take() noexcept { return std::move(kernel_); }

  KernelCall &number(std::uint64_t value) { return set(static_cast<cl_long>(value)); }
  // real in element.clh.
  KernelCall &real(double value) { return is_double_ ? set(value) : set(static_cast<float>(value)); }
  KernelCall &complex(std::complex<double> value) { return real(value.real()).real(value.imag()); }
  KernelCall &integer(std::int64_t value) { return set(static_cast<cl_int>(value)); }
  KernelCall &single(double value) { return set(static_cast<cl_float>(value)); }
  KernelCall &memory(cl_mem memory) { return set(memory); }
  KernelCall &memory(const Buffer &buffer) { return set(buffer.root()); }
  KernelCall &matrix(const GemmOperand &operand) {
    return set(operand.buffer->root()).number(operand.offset).number(operand.ld).number(operand.stride);
  }
  KernelCall &transpose(const GemmOperand &operand) { return set(static_cast<cl_int>(operand.transpose)); }

 private:
  template <class T>
  KernelCall &set(T value) {
    cl_check(clSetKernelArg(kernel_.get(), next_++, sizeof value, &value), "clSetKernelArg",
             "setting an argument of a GEMM kernel");
    return *this;
  }

  ClKernel kernel_;
  bool is_double_;
  cl_uint next_ = 0;
};

// What element.clh has to know of a task.
inline LibraryPrograms::Defines element_defines(const GemmTask &task) {
  return {{"A_TYPE", name_of(task.a.type)},
          {"B_TYPE", name_of(task.b.type)},
          {"C_TYPE", name_of(task.c.type)},
          {"COMPUTE", name_of(task.compute)}};
}

}  // namespace gpucompute
