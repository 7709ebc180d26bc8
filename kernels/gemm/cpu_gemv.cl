// The product on CPU devices where C is one column (A is the matrix, B the vector) or, with SWAPPED, one row (B is the
// matrix, A the vector): memory is read once, in long lines.
//
// Index map. One work-item is a group; any number of groups is right.
//   group g        units g * units_per_group and on, of `units`; products first, then lanes
//   a unit         panels_m lanes, which are elements of C, over all of k
//   local memory   `depth` elements of the vector as REALs, then panels_m sums
// The elements of a lane may lie side by side (a dot product each, four lanes at a time), or the lanes (eight lines at
// a time are added to the sums).
//
// Macros: those of cpu_element.clh, and SWAPPED.
#ifndef SWAPPED
#define SWAPPED 0
#endif
#define IS_COMPLEX 0
#include "gemm/cpu_tile.clh"

#if SWAPPED
#define load_x load_b
#define load_x_one load_b_one
#define load_y load_a
#define load_y_one load_a_one
typedef b_stored x_stored;
typedef a_stored y_stored;
#else
#define load_x load_a
#define load_x_one load_a_one
#define load_y load_b
#define load_y_one load_b_one
typedef a_stored x_stored;
typedef b_stored y_stored;
#endif

INLINE REAL sum_of(V v) {
  const REAL *x = (const REAL *)&v;
  REAL sum = 0;
  UNROLL for (int i = 0; i < VL; ++i) sum += x[i];
  return sum;
}

// sums[r] += the dot products of R lanes, `stride` apart, with y.
#define DEFINE_DOTS(NAME, R)                                                                                    \
  INLINE void NAME(global const x_stored *x, long stride, local const REAL *y, int depth, local REAL *sums) {   \
    V acc[R][2];                                                                                                \
    UNROLL for (int r = 0; r < R; ++r) acc[r][0] = acc[r][1] = (V)0;                                            \
    int k = 0;                                                                                                  \
    for (; k + 2 * VL <= depth; k += 2 * VL) {                                                                  \
      const V y0 = JOIN(load_local, VL)(y + k), y1 = JOIN(load_local, VL)(y + k + VL);                          \
      UNROLL for (int r = 0; r < R; ++r) {                                                                      \
        acc[r][0] = multiply_add(load_x(VL, x + r * stride + k), y0, acc[r][0]);                                \
        acc[r][1] = multiply_add(load_x(VL, x + r * stride + k + VL), y1, acc[r][1]);                           \
      }                                                                                                         \
    }                                                                                                           \
    REAL tail[R];                                                                                               \
    UNROLL for (int r = 0; r < R; ++r) tail[r] = sum_of(acc[r][0] + acc[r][1]);                                 \
    for (; k < depth; ++k) UNROLL for (int r = 0; r < R; ++r) tail[r] += load_x_one(x + r * stride + k) * y[k]; \
    UNROLL for (int r = 0; r < R; ++r) sums[r] += tail[r];                                                      \
  }
DEFINE_DOTS(four_dots, 4)
DEFINE_DOTS(one_dot, 1)

// sums[l] += the sum over R lines, `stride` apart, of x[line][l] * y[line].
#define DEFINE_LINES(NAME, R)                                                                                 \
  INLINE void NAME(global const x_stored *x, long stride, local const REAL *y, int lanes, local REAL *sums) { \
    int l = 0;                                                                                                \
    for (; l + VL <= lanes; l += VL) {                                                                        \
      V sum = JOIN(load_local, VL)(sums + l);                                                                 \
      UNROLL for (int r = 0; r < R; ++r) sum = multiply_add(load_x(VL, x + r * stride + l), (V)y[r], sum);    \
      JOIN(store_local, VL)(sums + l, sum);                                                                   \
    }                                                                                                         \
    for (; l < lanes; ++l) {                                                                                  \
      REAL sum = sums[l];                                                                                     \
      UNROLL for (int r = 0; r < R; ++r) sum += load_x_one(x + r * stride + l) * y[r];                        \
      sums[l] = sum;                                                                                          \
    }                                                                                                         \
  }
DEFINE_LINES(eight_lines, 8)
DEFINE_LINES(one_line, 1)

kernel ALONE void cpu_gemv(const Shape s, REAL alpha, REAL alpha_imag, REAL beta, REAL beta_imag,
                           global const a_stored *a, global const b_stored *b, global c_stored *c, global REAL *unused,
                           local REAL *y) {
  const long first = (long)get_group_id(0) * s.units_per_group;
  const long end = min(first + s.units_per_group, s.units);
  local REAL *sums = y + s.depth;
#if SWAPPED
  const long all_lanes = s.n, x_ld = s.b_ld, y_stride = s.a_transposed ? s.a_ld : 1, c_stride = 1;
  // A line of one element is as good as side by side.
  const int are_lines = !s.b_transposed && s.b_ld > 1;
#else
  const long all_lanes = s.m, x_ld = s.a_ld, y_stride = s.b_transposed ? 1 : s.b_ld, c_stride = s.c_ld;
  const int are_lines = s.a_transposed && s.a_ld > 1;
#endif

  for (long unit = first; unit < end; ++unit) {
    const long product = unit / s.units_m, lane0 = (unit - product * s.units_m) * s.panels_m;
    const int lanes = (int)min(s.panels_m, all_lanes - lane0);
    global const a_stored *product_a = a + s.a_offset + product * s.a_batch;
    global const b_stored *product_b = b + s.b_offset + product * s.b_batch;
#if SWAPPED
    global const x_stored *x0 = product_b;
    global const y_stored *y0 = product_a;
#else
    global const x_stored *x0 = product_a;
    global const y_stored *y0 = product_b;
#endif
    x0 += are_lines ? lane0 : lane0 * x_ld;
    for (int l = 0; l < lanes; ++l) sums[l] = 0;

    for (long k0 = 0; k0 < s.k; k0 += s.depth) {
      const int depth = (int)min(s.depth, s.k - k0);
      global const y_stored *from = y0 + k0 * y_stride;
      int k = 0;
      if (y_stride == 1)
        for (; k + VL <= depth; k += VL) JOIN(store_local, VL)(y + k, load_y(VL, from + k));
      for (; k < depth; ++k) y[k] = load_y_one(from + k * y_stride);

      if (are_lines) {
        global const x_stored *x = x0 + k0 * x_ld;
        for (k = 0; k + 8 <= depth; k += 8) eight_lines(x + k * x_ld, x_ld, y + k, lanes, sums);
        for (; k < depth; ++k) one_line(x + k * x_ld, x_ld, y + k, lanes, sums);
      } else {
        global const x_stored *x = x0 + k0;
        int l = 0;
        for (; l + 4 <= lanes; l += 4) four_dots(x + l * x_ld, x_ld, y, depth, sums + l);
        for (; l < lanes; ++l) one_dot(x + l * x_ld, x_ld, y, depth, sums + l);
      }
    }

    global c_stored *out = c + s.c_offset + product * s.c_batch + lane0 * c_stride;
    for (int l = 0; l < lanes; ++l) {
      global c_stored *p = out + l * c_stride;
      store_c_one(p, beta == 0 ? alpha * sums[l] : alpha * sums[l] + beta * load_c_one(p));
    }
  }
}
