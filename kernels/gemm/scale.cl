// What is left of a product without its sum: C = beta * C, row-major. With beta 0 it writes zeros and does not read C.
//
// Index map. One dimension, any size: item i takes elements i, i + size, ... of the m * n * batch_count elements of
// all C, columns fastest.
//
// C_TYPE and COMPUTE as in element.clh.
#include "gemm/element.clh"

kernel void gemm_scale(long m, long n, long batch_count, real beta_real, real beta_imag, global stored_c *c,
                       long c_offset, long ldc, long c_stride) {
  const result beta = result_from(beta_real, beta_imag);
  const int read_c = !is_zero(beta);
  const long count = m * n * batch_count;
  for (long i = (long)get_global_id(0); i < count; i += (long)get_global_size(0)) {
    const long row = i / n, batch = row / m;
    const long at = c_offset + batch * c_stride + (row - batch * m) * ldc + (i - row * n);
    const result value = read_c ? scale(beta, load_c(c, at)) : (result)0;
    store_c(c, at, value);
  }
}
