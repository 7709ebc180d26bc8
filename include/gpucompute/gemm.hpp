// Matrix products with the semantics of the BLAS, C = alpha * op(A) * op(B) + beta * C, and what is often done to the
// result before it is stored.
#pragma once

#include <gpucompute/buffer.hpp>
#include <gpucompute/queue.hpp>
#include <gpucompute/types.hpp>

#include <string>
#include <vector>

namespace gpucompute {

enum class Layout : std::int32_t { row_major = 0, column_major = 1 };
enum class Transpose : std::int32_t { none = 0, trans = 1, conj = 2 };  // conj: the conjugate transpose

// What f32 matrices are multiplied in.
enum class Compute : std::int32_t {
  standard = 0,  // IEEE arithmetic of the type; sums of f16, bf16 and f8 in f32, of i8 in i32
  tf32 = 1,      // f32 only: factors may be rounded to 11 significant bits, sums in f32
  f32_split = 2  // f32 only: three tf32 products, about as accurate as f32; other infinities, NaNs and denormals
};

// Applied to x = alpha * op(A) * op(B) + beta * C + bias.
enum class Activation : std::int32_t {
  none = 0,
  relu = 1,
  gelu = 2,       // x * Phi(x), with erf
  gelu_tanh = 3,  // its approximation with tanh
  silu = 4,       // x / (1 + exp(-x))
  swiglu = 5      // of neighbouring columns g, u: silu(g) * u; C has n / 2 columns
};

enum class Bias : std::int32_t { none = 0, per_row = 1, per_column = 2 };

// Everything but A, B and C. Offsets, leading dimensions and strides are in elements.
struct GemmProblem {
  DataType type = DataType::f32;     // of A
  DataType b_type = DataType::none;  // none: as A
  DataType c_type = DataType::none;  // none: as A; for i8 i32, for f8 bf16
  Compute compute = Compute::standard;
  Layout layout = Layout::row_major;
  Transpose transpose_a = Transpose::none, transpose_b = Transpose::none;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t lda = 0, ldb = 0, ldc = 0;  // 0: tightly packed
  std::int64_t a_offset = 0, b_offset = 0, c_offset = 0;
  std::int64_t batch_count = 1;
  std::int64_t a_stride = 0, b_stride = 0, c_stride = 0;  // 0 for A or B: the same one for all products
  double alpha_real = 1, alpha_imag = 0, beta_real = 0, beta_imag = 0;

  // C = output_scale * activation(alpha * op(A) * op(B) + beta * C + bias) + residual, for real types.
  Bias bias = Bias::none;
  DataType bias_type = DataType::none;  // none: as C
  Buffer *bias_buffer = nullptr;        // m or n values; the same for all products
  std::int64_t bias_offset = 0;
  Activation activation = Activation::none;
  double output_scale = 1;
  Buffer *residual = nullptr;  // null: none; of C's type, shape and layout
  std::int64_t residual_offset = 0, residual_ld = 0, residual_stride = 0;

  // Not empty: a grouped product. Group g multiplies the next group_rows[g] rows of A with the g-th B, b_stride after
  // the one before, to the next rows of C. m is the sum of them; batch_count is 1.
  std::vector<std::int64_t> group_rows;

  std::string backend;  // "": chosen; or a name that explain_gemm lists
};

// A and B may be null where they are not read: alpha or k is 0, or there is nothing to compute.
// Throws Error(invalid_argument, null_argument, out_of_range, overflow, misaligned, overlap, context_mismatch,
// not_found, unsupported).
void gemm(Queue &queue, const GemmProblem &problem, Buffer *a, Buffer *b, Buffer &c, Waits waits = {},
          OutEvent out = nullptr);

// One line per backend, the one that gemm() would use first: "clblast: chosen: ...\nreference: not needed: ...\n".
// Throws as gemm() does for the problem alone.
std::string explain_gemm(Queue &queue, const GemmProblem &problem);

}  // namespace gpucompute
