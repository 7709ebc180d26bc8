// Arrays: strided views of buffers with any number of dimensions, and what moves and makes their elements.
#pragma once

#include <gpucompute/buffer.hpp>
#include <gpucompute/gemm.hpp>
#include <gpucompute/queue.hpp>
#include <gpucompute/types.hpp>

#include <complex>
#include <string>

namespace gpucompute {

// Which elements of a buffer an array has. The element with indices i lies at byte offset + sum of i[d] * strides[d].
struct ArrayView {
  static constexpr unsigned max_dims = 16;

  Buffer *buffer = nullptr;
  DataType type = DataType::f32;
  unsigned ndim = 0;                    // 0: one element
  std::uint64_t offset = 0;             // bytes, within the buffer
  std::uint64_t shape[max_dims] = {};   // 0 anywhere: no elements
  std::int64_t strides[max_dims] = {};  // bytes; may be negative, and 0 to repeat
};

// Sets the strides to row-major order without gaps; the bytes that the elements take. Throws Error(invalid_argument,
// overflow).
std::size_t pack_strides(ArrayView &view);

// Copies, converts, transposes, repeats: dst[...] = src[...], with numpy's rule of broadcasting. Arrays that share
// memory are copied by way of a third. gpucompute.h at gpuc_array_copy says how types are converted. These and those
// below throw Error(invalid_argument, out_of_range, overflow, misaligned, context_mismatch, unsupported, ...).
void array_copy(Queue &queue, const ArrayView &destination, const ArrayView &source, Waits waits = {},
                OutEvent out = nullptr);

// All elements become *value, of the type `type`, converted as array_copy does.
void array_fill(Queue &queue, const ArrayView &view, const void *value, DataType type, Waits waits = {},
                OutEvent out = nullptr);

// Element i of an array of one dimension becomes start + i * step, computed in the array's own type.
void array_arange(Queue &queue, const ArrayView &view, const void *start, const void *step, DataType type,
                  Waits waits = {}, OutEvent out = nullptr);

// The elements in row-major order without gaps, from and to host memory.
void array_read(Queue &queue, const ArrayView &view, void *host);
void array_write(Queue &queue, const ArrayView &view, const void *host);
void array_read_async(Queue &queue, const ArrayView &view, void *host, Waits waits, OutEvent out);
void array_write_async(Queue &queue, const ArrayView &view, const void *host, Waits waits, OutEvent out);

struct MatmulOptions {
  std::complex<double> alpha = 1, beta = 0;
  Compute compute = Compute::standard;
  bool conjugate_a = false, conjugate_b = false;
  std::string backend;  // as GemmProblem has it
};

// c = alpha * a @ b + beta * c with numpy's rules: the last two dimensions are matrices, those before are broadcast.
void array_matmul(Queue &queue, const ArrayView &a, const ArrayView &b, const ArrayView &c,
                  const MatmulOptions &options = {}, Waits waits = {}, OutEvent out = nullptr);

}  // namespace gpucompute
