// The product on CPU devices without packing, for small products: B is read row by row, A element by element, where
// they lie. For B that is not transposed and has at least VL columns, and types that need no conversion.
//
// Index map. One work-item is a group; any number of groups is right.
//   group g   units g * units_per_group and on, of `units`; products first, then rows, then columns of units
//   a unit    panels_m x panels_n tiles of C of one product, over all of k
// No local memory, nothing shared. The last columns of C are computed by a tile that ends with C: it repeats some
// columns of the one before and stores the new ones, so that no column past the edge is read.
//
// Macros: those of cpu_tile.clh, and
//   A_TRANSPOSED   1: the rows of A's panel lie side by side
#ifndef A_TRANSPOSED
#define A_TRANSPOSED 0
#endif
#include "gemm/cpu_tile.clh"

// Rows past `rows` repeat the last one.
#define DEFINE_TILE(NAME, R, N)                                                                                  \
  DEFINE_FINISH(JOIN(finish_, NAME), R, N)                                                                       \
  INLINE void NAME(const Out *out, global const REAL *a, long a_ld, global const REAL *b, long b_ld, long k_end, \
                   long row, long column, int rows, int columns, int skip) {                                     \
    V acc[R][N];                                                                                                 \
    UNROLL for (int i = 0; i < R; ++i) UNROLL for (int j = 0; j < N; ++j) acc[i][j] = (V)0;                      \
    if (rows == R) {                                                                                             \
      UNROLL_NOT for (long k = 0; k < k_end; ++k, b += b_ld, a += A_TRANSPOSED ? a_ld : 1) {                     \
        V line[N];                                                                                               \
        UNROLL for (int j = 0; j < N; ++j) line[j] = JOIN(load_real, VL)(b + j * VL);                            \
        UNROLL for (int i = 0; i < R; ++i) {                                                                     \
          const V x = (V)a[A_TRANSPOSED ? i : i * a_ld];                                                         \
          UNROLL for (int j = 0; j < N; ++j) acc[i][j] = multiply_add(x, line[j], acc[i][j]);                    \
        }                                                                                                        \
      }                                                                                                          \
    } else {                                                                                                     \
      long at[R];                                                                                                \
      UNROLL for (int i = 0; i < R; ++i) at[i] = min(i, rows - 1) * (A_TRANSPOSED ? 1 : a_ld);                   \
      UNROLL_NOT for (long k = 0; k < k_end; ++k, b += b_ld, a += A_TRANSPOSED ? a_ld : 1) {                     \
        V line[N];                                                                                               \
        UNROLL for (int j = 0; j < N; ++j) line[j] = JOIN(load_real, VL)(b + j * VL);                            \
        UNROLL for (int i = 0; i < R; ++i) {                                                                     \
          const V x = (V)a[at[i]];                                                                               \
          UNROLL for (int j = 0; j < N; ++j) acc[i][j] = multiply_add(x, line[j], acc[i][j]);                    \
        }                                                                                                        \
      }                                                                                                          \
    }                                                                                                            \
    JOIN(finish_, NAME)(out, acc, row, column, rows, columns, skip);                                             \
  }
DEFINE_TILE(tile, MR, NV)
DEFINE_TILE(tile_mid, MR_MID, NV)
DEFINE_TILE(tile_low, MR_LOW, NV)
#if NV > 1
DEFINE_TILE(thin, MR, 1)
DEFINE_TILE(thin_mid, MR_MID, 1)
DEFINE_TILE(thin_low, MR_LOW, 1)
#endif

kernel ALONE void cpu_gemm_direct(const Shape s, REAL alpha, REAL alpha_imag, REAL beta, REAL beta_imag,
                                  global const a_stored *a, global const b_stored *b, global c_stored *c,
                                  global REAL *sums, local REAL *unused) {
  const long first = (long)get_group_id(0) * s.units_per_group;
  const long end = min(first + s.units_per_group, s.units);
  for (long unit = first; unit < end; ++unit) {
    const long product = unit / (s.units_m * s.units_n), rest = unit - product * (s.units_m * s.units_n);
    const long row0 = rest / s.units_n * s.panels_m * MR, column0 = rest % s.units_n * s.panels_n * NR;
    const long row_end = min(row0 + s.panels_m * MR, s.m), column_end = min(column0 + s.panels_n * NR, s.n);
    global const REAL *product_a = a + s.a_offset + product * s.a_batch;
    global const REAL *product_b = b + s.b_offset + product * s.b_batch;
    Out out;
    out.c = c + s.c_offset + product * s.c_batch;
    out.ld = s.c_ld;
    out.sums = 0;
    out.sums_ld = 0;
    out.is_first = out.is_last = 1;
    out.alpha = alpha;
    out.beta = beta;

    // A panel of B is in the first-level cache while all rows of A go over it.
    for (long j = column0; j < column_end;) {
      const int left = (int)min((long)NR, column_end - j);
      const int is_whole = left > VL && s.n >= NR;
      const int columns = is_whole ? left : min(left, VL);
      const long start = min(j, s.n - (is_whole ? NR : VL));
      const int skip = (int)(j - start);
      for (long i = row0; i < row_end; i += MR) {
        const int rows = (int)min((long)MR, s.m - i);
        global const REAL *panel_a = product_a + (A_TRANSPOSED ? i : i * s.a_ld);
        global const REAL *panel_b = product_b + start;
#if NV > 1
        if (!is_whole) {
          if (rows > MR_MID)
            thin(&out, panel_a, s.a_ld, panel_b, s.b_ld, s.k, i, start, rows, columns, skip);
          else if (rows > MR_LOW)
            thin_mid(&out, panel_a, s.a_ld, panel_b, s.b_ld, s.k, i, start, rows, columns, skip);
          else
            thin_low(&out, panel_a, s.a_ld, panel_b, s.b_ld, s.k, i, start, rows, columns, skip);
          continue;
        }
#endif
        if (rows > MR_MID)
          tile(&out, panel_a, s.a_ld, panel_b, s.b_ld, s.k, i, start, rows, columns, skip);
        else if (rows > MR_LOW)
          tile_mid(&out, panel_a, s.a_ld, panel_b, s.b_ld, s.k, i, start, rows, columns, skip);
        else
          tile_low(&out, panel_a, s.a_ld, panel_b, s.b_ld, s.k, i, start, rows, columns, skip);
      }
      j += columns;
    }
  }
}
