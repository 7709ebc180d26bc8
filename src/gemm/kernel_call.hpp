// Sets the arguments of one of this room's kernels in order. The kernels take memory objects and element offsets, so
// that a slice may start at any element.
#pragma once

#include "gemm/gemm_task.hpp"
#include "support/cl_check.hpp"
#include "support/cl_handle.hpp"

namespace gpucompute {

class KernelCall {
 public:
  KernelCall(ClKernel kernel, bool is_double) : kernel_(std::move(kernel)), is_double_(is_double) {}

  cl_kernel kernel() const noexcept { return kernel_.get(); }

  KernelCall &number(std::uint64_t value) { return set(static_cast<cl_long>(value)); }
  // real in element.clh.
  KernelCall &real(double value) { return is_double_ ? set(value) : set(static_cast<float>(value)); }
  KernelCall &complex(std::complex<double> value) { return real(value.real()).real(value.imag()); }
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

// GEMM_TYPE in element.clh.
inline const char *kernel_type(DataType type) noexcept {
  switch (type) {
    case DataType::f16:
      return "0";
    case DataType::f32:
      return "1";
    case DataType::f64:
      return "2";
    case DataType::c64:
      return "3";
    default:
      return "4";
  }
}

}  // namespace gpucompute
