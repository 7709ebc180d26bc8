// The product that every device can compute: C = alpha * op(A) * op(B) + beta * C, row-major.
//
// Index map. Local size TILE x TILE, global size (groups * TILE, TILE); any number of groups is right.
//   group g      tiles g, g + groups, ... of the tiles_x * tiles_y * batch_count tiles of all C, x fastest
//   item (x, y)  element (row = tile_y * TILE + y, column = tile_x * TILE + x) of a tile of C
//   step s       columns s to s + TILE of op(A) and rows s to s + TILE of op(B), in local memory:
//                a_tile[y][i] = op(A)[row y][s + i], b_tile[i][x] = op(B)[s + i][column x]; 0 past the edges
// Items that are neighbours in x load neighbours in memory, whether a matrix is transposed or not. The pad of one
// element keeps the transposed stores off one bank.
//
// Types as in element.clh; TILE 16, or less where a device allows only smaller groups.
#ifndef TILE
#define TILE 16
#endif
#include "gemm/element.clh"

// transpose_a, transpose_b: 0 none, 1 transposed, 2 conjugate transposed. Offsets count from the memory object's start.
kernel void gemm_reference(long m, long n, long k, long batch_count, real alpha_real, real alpha_imag, real beta_real,
                           real beta_imag, global const stored_a *a, long a_offset, long lda, long a_stride,
                           int transpose_a, global const stored_b *b, long b_offset, long ldb, long b_stride,
                           int transpose_b, global stored_c *c, long c_offset, long ldc, long c_stride) {
  local element a_tile[TILE][TILE + 1];
  local element b_tile[TILE][TILE + 1];
  const int x = (int)get_local_id(0), y = (int)get_local_id(1);
  const result alpha = result_from(alpha_real, alpha_imag);
  const result beta = result_from(beta_real, beta_imag);
  const int read_c = !is_zero(beta);
  const long tiles_x = (n + TILE - 1) / TILE, tiles_y = (m + TILE - 1) / TILE;
  const long tiles = tiles_x * tiles_y * batch_count;

  for (long tile = (long)get_group_id(0); tile < tiles; tile += (long)get_num_groups(0)) {
    const long batch = tile / (tiles_x * tiles_y);
    const long first_row = tile / tiles_x % tiles_y * TILE, first_column = tile % tiles_x * TILE;
    const long a_start = a_offset + batch * a_stride, b_start = b_offset + batch * b_stride;
    element sum = ZERO;

    for (long step = 0; step < k; step += TILE) {
      if (transpose_a) {
        const long row = first_row + x, i = step + y;
        const int valid = row < m && i < k;
        a_tile[x][y] = valid ? conjugate(load_a(a, a_start + i * lda + row), transpose_a == 2) : ZERO;
      } else {
        const long row = first_row + y, i = step + x;
        a_tile[y][x] = row < m && i < k ? load_a(a, a_start + row * lda + i) : ZERO;
      }
      if (transpose_b) {
        const long column = first_column + y, i = step + x;
        const int valid = column < n && i < k;
        b_tile[x][y] = valid ? conjugate(load_b(b, b_start + column * ldb + i), transpose_b == 2) : ZERO;
      } else {
        const long column = first_column + x, i = step + y;
        b_tile[y][x] = column < n && i < k ? load_b(b, b_start + i * ldb + column) : ZERO;
      }
      barrier(CLK_LOCAL_MEM_FENCE);
      // Past the end of k both tiles hold zeros, so that no infinity meets a zero that is not an element.
      for (int i = 0; i < TILE; ++i) sum += multiply(a_tile[y][i], b_tile[i][x]);
      barrier(CLK_LOCAL_MEM_FENCE);
    }

    const long row = first_row + y, column = first_column + x;
    if (row < m && column < n) {
      const long at = c_offset + batch * c_stride + row * ldc + column;
      result value = scale(alpha, result_of(sum));
      if (read_c) value += scale(beta, load_c(c, at));
      store_c(c, at, value);
    }
  }
}
