// The product on CPU devices, from packed panels.
//
// Index map. One work-item is a group; any number of groups is right.
//   group g        units g * units_per_group and on, of `units`; products first, then rows, then columns of units
//   a unit         panels_m x panels_n tiles of C of one product, over all of k
//   a slab         `depth` of k: the group packs B's block (panels_n panels of NR lanes) into local memory, then A's
//                  panels (MR lanes), panels_ahead at a time, and sweeps each over the block
//   local memory   panels_n * NR * depth numbers of B, panels_ahead * MR * depth of A, and VL that packing may overrun
// Nothing is shared between groups. Local memory of a CPU driver is a buffer of the thread: the block stays in that
// core's second-level cache, a panel of A in its first.
//
// Macros: those of cpu_tile.clh.
#include "gemm/cpu_pack.clh"
#include "gemm/cpu_tile.clh"

#if IS_COMPLEX

// A: the parts of a row are two lanes. B: the real parts of the panel's columns, then the imaginary parts.
DEFINE_PACK_COPY(pack_a_copy, MR, a_stored, load_a, load_a_one)
INLINE void pack_a(global const a_stored *from, long ld, int transposed, int rows, int depth, local REAL *to) {
  if (transposed) {
    pack_a_copy(from, ld, 2 * rows, depth, to);
    return;
  }
  for (int i = 0; i < TILE_ROWS; ++i) {
    global const a_stored *p = from + min(i, rows - 1) * ld;
    for (int k = 0; k < depth; ++k) {
      to[k * MR + 2 * i] = p[2 * k];
      to[k * MR + 2 * i + 1] = p[2 * k + 1];
    }
  }
}
INLINE void pack_b(global const b_stored *from, long ld, int transposed, int columns, int depth, local REAL *to) {
  if (transposed) {
    for (int j = 0; j < VL; ++j) {
      global const b_stored *p = from + min(j, columns - 1) * ld;
      for (int k = 0; k < depth; ++k) {
        to[k * NR + j] = p[2 * k];
        to[k * NR + VL + j] = p[2 * k + 1];
      }
    }
  } else if (columns == VL) {
    for (int k = 0; k < depth; ++k, from += ld, to += NR) {
      const V low = load_b(VL, from), high = load_b(VL, from + VL);
      JOIN(store_local, VL)(to, even_lanes(low, high));
      JOIN(store_local, VL)(to + VL, odd_lanes(low, high));
    }
  } else {
    for (int k = 0; k < depth; ++k, from += ld, to += NR)
      for (int j = 0; j < VL; ++j) {
        to[j] = j < columns ? from[2 * j] : 0;
        to[VL + j] = j < columns ? from[2 * j + 1] : 0;
      }
  }
}

#else

DEFINE_PACK_COPY(pack_a_copy, MR, a_stored, load_a, load_a_one)
DEFINE_PACK_TRANSPOSE(pack_a_transpose, MR, a_stored, load_a, load_a_one)
DEFINE_PACK_COPY(pack_b_copy, NR, b_stored, load_b, load_b_one)
DEFINE_PACK_TRANSPOSE(pack_b_transpose, NR, b_stored, load_b, load_b_one)
INLINE void pack_a(global const a_stored *from, long ld, int transposed, int rows, int depth, local REAL *to) {
  if (transposed)
    pack_a_copy(from, ld, rows, depth, to);
  else
    pack_a_transpose(from, ld, rows, depth, to);
}
INLINE void pack_b(global const b_stored *from, long ld, int transposed, int columns, int depth, local REAL *to) {
  if (transposed)
    pack_b_transpose(from, ld, columns, depth, to);
  else
    pack_b_copy(from, ld, columns, depth, to);
}

#endif

// The sums of a tile; a and b are panels.
#define DEFINE_MULTIPLY(NAME, R, N)                                                         \
  INLINE void NAME(local const REAL *a, local const REAL *b, int depth, V acc[R][N]) {      \
    UNROLL for (int i = 0; i < R; ++i) UNROLL for (int j = 0; j < N; ++j) acc[i][j] = (V)0; \
    UNROLL_NOT for (int k = 0; k < depth; ++k, a += MR, b += NR) {                          \
      V row[N];                                                                             \
      UNROLL for (int j = 0; j < N; ++j) row[j] = JOIN(load_local, VL)(b + j * VL);         \
      UNROLL for (int i = 0; i < R; ++i) {                                                  \
        const V x = (V)a[i];                                                                \
        UNROLL for (int j = 0; j < N; ++j) acc[i][j] = multiply_add(x, row[j], acc[i][j]);  \
      }                                                                                     \
    }                                                                                       \
  }
#define DEFINE_TILE(NAME, R, N)                                                                                \
  DEFINE_MULTIPLY(JOIN(multiply_, NAME), R, N)                                                                 \
  DEFINE_FINISH(JOIN(finish_, NAME), R, N)                                                                     \
  INLINE void NAME(const Out *out, local const REAL *a, local const REAL *b, int depth, long row, long column, \
                   int rows, int columns) {                                                                    \
    V acc[R][N];                                                                                               \
    if (R == MR && N == NV) {                                                                                  \
      global c_stored *c = out->c + row * out->ld + column * PARTS;                                            \
      const int last = rows - 1;                                                                               \
      UNROLL for (int i = 0; i < TILE_ROWS; ++i) UNROLL for (int j = 0; j < NV; ++j)                           \
          PREFETCH_TO_WRITE(c + min(i, last) * out->ld + j * VL);                                              \
    }                                                                                                          \
    JOIN(multiply_, NAME)(a, b, depth, acc);                                                                   \
    JOIN(finish_, NAME)(out, acc, row, column, rows, columns, 0);                                              \
  }
DEFINE_TILE(tile, MR, NV)
DEFINE_TILE(tile_mid, MR_MID, NV)
DEFINE_TILE(tile_low, MR_LOW, NV)
#if !IS_COMPLEX && NV > 1
DEFINE_TILE(thin, MR, 1)
DEFINE_TILE(thin_mid, MR_MID, 1)
DEFINE_TILE(thin_low, MR_LOW, 1)
#endif

kernel ALONE void cpu_gemm_packed(const Shape s, REAL alpha, REAL alpha_imag, REAL beta, REAL beta_imag,
                                  global const a_stored *a, global const b_stored *b, global c_stored *c,
                                  global REAL *sums, local REAL *packed) {
  const long first = (long)get_group_id(0) * s.units_per_group;
  const long end = min(first + s.units_per_group, s.units);
  local REAL *packed_a = packed + s.panels_n * NR * s.depth;

  for (long unit = first; unit < end; ++unit) {
    const long product = unit / (s.units_m * s.units_n), rest = unit - product * (s.units_m * s.units_n);
    const long row0 = rest / s.units_n * s.panels_m * TILE_ROWS;
    const long column0 = rest % s.units_n * s.panels_n * TILE_COLUMNS;
    const long row_end = min(row0 + s.panels_m * TILE_ROWS, s.m);
    const long column_end = min(column0 + s.panels_n * TILE_COLUMNS, s.n);
    global const a_stored *product_a = a + s.a_offset + product * s.a_batch;
    global const b_stored *product_b = b + s.b_offset + product * s.b_batch;
    Out out;
    out.c = c + s.c_offset + product * s.c_batch;
    out.ld = s.c_ld;
    out.sums = sums + (IS_NARROW ? product * s.m * s.n : 0);
    out.sums_ld = s.n;
    out.alpha = alpha;
#if IS_COMPLEX
    out.alpha_imag = alpha_imag;
    out.sign_a = s.conj_a ? -1 : 1;
    out.sign_b = s.conj_b ? -1 : 1;
#endif

    for (long k0 = 0; k0 < s.k; k0 += s.depth) {
      const int depth = (int)min(s.depth, s.k - k0);
      out.is_first = k0 == 0;
      out.is_last = k0 + depth == s.k;
      out.beta = IS_NARROW || k0 == 0 ? beta : 1;
#if IS_COMPLEX
      out.beta_imag = k0 == 0 ? beta_imag : 0;
#endif
      if (s.b_transposed) {
        for (long j = column0; j < column_end; j += TILE_COLUMNS)
          pack_b(product_b + j * s.b_ld + k0 * PARTS, s.b_ld, 1, (int)min((long)TILE_COLUMNS, s.n - j), depth,
                 packed + (j - column0) / TILE_COLUMNS * NR * depth);
      } else {
        // A few rows at a time, over all panels: memory is read in long lines.
        for (int k = 0; k < depth; k += 16)
          for (long j = column0; j < column_end; j += TILE_COLUMNS)
            pack_b(product_b + (k0 + k) * s.b_ld + j * PARTS, s.b_ld, 0, (int)min((long)TILE_COLUMNS, s.n - j),
                   min(16, depth - k), packed + (j - column0) / TILE_COLUMNS * NR * depth + k * NR);
      }
      for (long ahead = row0; ahead < row_end; ahead += s.panels_ahead * TILE_ROWS) {
        const long ahead_end = min(ahead + s.panels_ahead * TILE_ROWS, row_end);
        // Long lines again where the rows lie side by side.
        const int step = s.a_transposed ? 16 : depth;
        for (int k = 0; k < depth; k += step)
          for (long i = ahead; i < ahead_end; i += TILE_ROWS)
            pack_a(product_a + (s.a_transposed ? i * PARTS + (k0 + k) * s.a_ld : i * s.a_ld + k0 * PARTS), s.a_ld,
                   s.a_transposed != 0, (int)min((long)TILE_ROWS, s.m - i), min(step, depth - k),
                   packed_a + (i - ahead) / TILE_ROWS * MR * depth + k * MR);
        for (long i = ahead; i < ahead_end; i += TILE_ROWS) {
          const int rows = (int)min((long)TILE_ROWS, s.m - i);
          local const REAL *panel_a = packed_a + (i - ahead) / TILE_ROWS * MR * depth;
          for (long j = column0; j < column_end; j += TILE_COLUMNS) {
            const int columns = (int)min((long)TILE_COLUMNS, s.n - j);
            local const REAL *panel_b = packed + (j - column0) / TILE_COLUMNS * NR * depth;
#if !IS_COMPLEX && NV > 1
            if (columns <= VL) {
              if (rows > MR_MID)
                thin(&out, panel_a, panel_b, depth, i, j, rows, columns);
              else if (rows > MR_LOW)
                thin_mid(&out, panel_a, panel_b, depth, i, j, rows, columns);
              else
                thin_low(&out, panel_a, panel_b, depth, i, j, rows, columns);
              continue;
            }
#endif
            if (rows * PARTS > MR_MID)
              tile(&out, panel_a, panel_b, depth, i, j, rows, columns);
            else if (rows * PARTS > MR_LOW)
              tile_mid(&out, panel_a, panel_b, depth, i, j, rows, columns);
            else
              tile_low(&out, panel_a, panel_b, depth, i, j, rows, columns);
          }
        }
      }
    }
  }
}
