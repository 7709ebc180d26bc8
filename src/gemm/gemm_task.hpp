// A checked GEMM as the backends see it: row-major, all defaults filled in, offsets counted from the memory objects.
#pragma once

#include <gpucompute/gemm.hpp>

#include <algorithm>
#include <complex>
#include <cstdint>
#include <utility>
#include <vector>

namespace gpucompute {

// One of the matrices: `lines` runs of `length` neighbouring elements, `ld` apart; the same again every `stride`.
struct GemmOperand {
  Buffer *buffer = nullptr;
  DataType type = DataType::none;
  std::uint64_t offset = 0;  // of the first element, from the start of the memory object
  std::uint64_t lines = 0, length = 0, ld = 0, stride = 0;
  // One past the last element of the last product, from the start of the memory object; 0 if it is empty or not read.
  std::uint64_t end = 0;
  Transpose transpose = Transpose::none;
};

// C = scale * activation(product + bias) + residual.
struct GemmEpilogue {
  Bias bias = Bias::none;
  Activation activation = Activation::none;
  double scale = 1;
  GemmOperand bias_values;  // one line
  GemmOperand residual;     // no length: none

  bool has_residual() const noexcept { return residual.length != 0; }
  bool nothing() const noexcept {
    return bias == Bias::none && activation == Activation::none && scale == 1 && !has_residual();
  }
};

struct GemmTask {
  DataType type = DataType::none;     // of C, and of all three where `uniform`
  DataType compute = DataType::none;  // what sums are in: f32, f64, c64, c128 or i32
  Compute mode = Compute::standard;
  std::uint64_t m = 0, n = 0, k = 0, batch_count = 0;
  GemmOperand a, b, c;
  std::complex<double> alpha, beta;  // rounded to what the result is computed in
  GemmEpilogue epilogue;
  std::vector<std::uint64_t> group_rows;  // not empty: grouped, by rows of A and C, or by columns of B and C
  bool groups_are_columns = false;
  // Set by a backend before it puts the first command that writes C on the queue: no other backend can take over then.
  bool c_written = false;

  bool nothing_to_do() const noexcept { return m == 0 || n == 0 || batch_count == 0; }
  bool only_scales() const noexcept { return k == 0 || alpha == 0.0; }
  bool is_double() const noexcept { return compute == DataType::f64 || compute == DataType::c128; }
  bool is_complex() const noexcept { return compute == DataType::c64 || compute == DataType::c128; }
  bool uniform() const noexcept { return a.type == c.type && b.type == c.type; }
  bool plain() const noexcept { return epilogue.nothing() && group_rows.empty(); }
};

// Fills in the defaults, checks all that can be checked without buffers, and turns column-major into row-major.
GemmTask make_gemm_task(const GemmProblem &problem);

// Checks the buffers against the task and puts them in.
void bind_gemm_buffers(GemmTask &task, const GemmProblem &problem, Queue &queue, Buffer *a, Buffer *b, Buffer &c);

}  // namespace gpucompute
