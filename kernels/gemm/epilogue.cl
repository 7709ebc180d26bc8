// What is done to a product before it is stored: C = scale * activation(product + beta * C + bias) + residual.
//
// Index map. One dimension, any size: item i takes elements i, i + size, ... of the m * columns * batch_count elements
// of all C, columns fastest. With swiglu C has n / 2 columns, and column j is made of columns 2 j and 2 j + 1 of the
// product.
//
// The product lies in `parts` that are to be added up, each tightly packed, or is 0 where there are none.
//
// Types as in element.clh: A is the product, B the bias. ACTIVATION counts as gpuc_activation does.
#ifndef ACTIVATION
#define ACTIVATION 0
#endif
#include "gemm/element.clh"

// Phi(x) * x; erf is exact, the form with tanh an approximation of it.
inline real activate(real x) {
#if ACTIVATION == 1
  return x > 0 || x != x ? x : (real)0;
#elif ACTIVATION == 2
  return (real)0.5 * x * ((real)1 + erf(x * (real)0.70710678118654752));
#elif ACTIVATION == 3
  return (real)0.5 * x * ((real)1 + tanh((real)0.79788456080286536 * (x + (real)0.044715 * x * x * x)));
#elif ACTIVATION == 4
  return x / ((real)1 + exp(-x));
#else
  return x;
#endif
}

inline real biased(global const stored_a *product, long parts, long part_size, long at, real beta,
                   global const stored_c *c, long c_at, global const stored_b *bias, long bias_at, long bias_kind) {
  real x = parts ? product[at] : (real)0;
  for (long part = 1; part < parts; ++part) x += product[part * part_size + at];
  if (beta != 0) x += beta * load_c(c, c_at);
  if (bias_kind) x += load_b(bias, bias_at);
  return x;
}

// bias_kind: 0 none, 1 a value for each row, 2 for each column of the product.
kernel void gemm_epilogue(long m, long n, long batch_count, global const stored_a *product, long parts, real beta,
                          global stored_c *c, long c_offset, long ldc, long c_stride, global const stored_b *bias,
                          long bias_offset, long bias_kind, real output_scale, long has_residual,
                          global const stored_c *residual, long r_offset, long ldr, long r_stride) {
  const long columns = ACTIVATION == 5 ? n / 2 : n;
  const long count = m * columns * batch_count, part_size = m * n * batch_count;
  for (long i = (long)get_global_id(0); i < count; i += (long)get_global_size(0)) {
    const long line = i / columns, batch = line / m, row = line - batch * m, column = i - line * columns;
    const long c_at = c_offset + batch * c_stride + row * ldc + column;
#if ACTIVATION == 5
    const long at = line * n + 2 * column;
    const long bias_at = bias_offset + (bias_kind == 1 ? row : 2 * column), step = bias_kind == 1 ? 0 : 1;
    const real gate = biased(product, parts, part_size, at, 0, c, c_at, bias, bias_at, bias_kind);
    const real up = biased(product, parts, part_size, at + 1, 0, c, c_at, bias, bias_at + step, bias_kind);
    real value = gate / ((real)1 + exp(-gate)) * up;
#else
    const long bias_at = bias_offset + (bias_kind == 1 ? row : column);
    real value =
        activate(biased(product, parts, part_size, line * n + column, beta, c, c_at, bias, bias_at, bias_kind));
#endif
    value *= output_scale;
    if (has_residual) value += load_c(residual, r_offset + batch * r_stride + row * ldr + column);
    store_c(c, c_at, value);
  }
}
