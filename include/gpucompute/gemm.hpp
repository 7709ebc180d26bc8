// Matrix products with the semantics of the BLAS: C = alpha * op(A) * op(B) + beta * C.
#pragma once

#include <gpucompute/buffer.hpp>
#include <gpucompute/queue.hpp>
#include <gpucompute/types.hpp>

#include <string>

namespace gpucompute {

enum class Layout : std::int32_t { row_major = 0, column_major = 1 };
enum class Transpose : std::int32_t { none = 0, trans = 1, conj = 2 };  // conj: the conjugate transpose

// Everything but the buffers. Offsets, leading dimensions and strides are in elements.
struct GemmProblem {
  DataType type = DataType::f32;  // of A, B and C: f16 (summed in f32 where the device has no half arithmetic) to c128
  Layout layout = Layout::row_major;
  Transpose transpose_a = Transpose::none, transpose_b = Transpose::none;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t lda = 0, ldb = 0, ldc = 0;  // 0: tightly packed
  std::int64_t a_offset = 0, b_offset = 0, c_offset = 0;
  std::int64_t batch_count = 1;
  std::int64_t a_stride = 0, b_stride = 0, c_stride = 0;  // 0 for A or B: the same one for all products
  double alpha_real = 1, alpha_imag = 0, beta_real = 0, beta_imag = 0;
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
