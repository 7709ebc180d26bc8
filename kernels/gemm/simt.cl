// Products by plain multiply-adds, for any GPU: f32 and f64, and f16, bf16, f8 that are summed in f32.
//
// Index map. Groups of 256; a group computes a tile of TM x TN elements of C: item i has rows R * (i / 16) and columns
// R * (i % 16) ... in quarters: of the 4 x 4 blocks it sums, half lie TM / 2 (TN / 2) further, so that neighbouring
// items read neighbouring words of local memory. Group g computes tiles g, g + groups, ... in bands of GROUP_M rows of
// tiles.
//   step     TK columns of op(A), TK rows of op(B), in local memory as [k][m] and [k][n], two places in turn: the next
//            step's elements are on their way into registers while this one's are multiplied
// Elements past the edges are 0 in both, so that no infinity meets a zero that is not an element.
//
// A_LINES_ARE_K: 0 where a line of A in memory runs along K, 1 where it runs along M; B likewise with N. Types as in
// element.clh, without the complex ones.
#ifndef TM
#define TM 128
#define TN 128
#define TK 8
#define A_LINES_ARE_K 0
#define B_LINES_ARE_K 1
#endif
#ifndef GROUP_M
#define GROUP_M 16
#endif
#include "gemm/element.clh"
#include "gemm/tile_walk.clh"

#define BM TM
#define BN TN
#define PAD 4
// Elements of each operand that an item moves in one step, and the work-items along a line.
#define PER_A (TM * TK / 256)
#define PER_B (TN * TK / 256)

#if COMPUTE_IS == 2
typedef double4 vector4;
#define multiply_add(x, y, sum) fma(x, y, sum)
#elif COMPUTE_IS == 5
typedef int4 vector4;
#define multiply_add(x, y, sum) ((x) * (y) + (sum))
#else
typedef float4 vector4;
#define multiply_add(x, y, sum) fma(x, y, sum)
#endif

// Where the i-th element that an item moves lies: along lines first.
inline int k_of(int item, int i, int lines_are_k, int across) {
  const int at = item + i * 256;
  return lines_are_k ? at / across : at % TK;
}
inline int mn_of(int item, int i, int lines_are_k, int across) {
  const int at = item + i * 256;
  return lines_are_k ? at % across : at / TK;
}

kernel __attribute__((reqd_work_group_size(256, 1, 1))) void gemm_simt(
    long m, long n, long k, long batch_count, real alpha_real, real beta_real, global const stored_a *a, long a_offset,
    long lda, long a_stride, global const stored_b *b, long b_offset, long ldb, long b_stride, global stored_c *c,
    long c_offset, long ldc, long c_stride) {
  local element a_tile[2][TK][TM + PAD];
  local element b_tile[2][TK][TN + PAD];
  const int item = (int)get_local_id(0), x = item % 16, y = item / 16;
  const int tiles_m = (int)((m + TM - 1) / TM), tiles_n = (int)((n + TN - 1) / TN);
  const long tiles = (long)tiles_m * tiles_n, work = tiles * batch_count;

  for (long w = (long)get_group_id(0); w < work; w += (long)get_num_groups(0)) {
    const int z = (int)(w / tiles), tile = (int)(w - z * tiles);
    PLACE_IN_BANDS(long)
    global const stored_a *pa = a + a_offset + z * a_stride;
    global const stored_b *pb = b + b_offset + z * b_stride;

    element sum[TM / 16][TN / 16], next_a[PER_A], next_b[PER_B];
#pragma unroll
    for (int i = 0; i < TM / 16; ++i)
#pragma unroll
      for (int j = 0; j < TN / 16; ++j) sum[i][j] = ZERO;

#define FETCH(step)                                                                                            \
  _Pragma("unroll") for (int i = 0; i < PER_A; ++i) {                                                          \
    const long kk = (step) + k_of(item, i, A_LINES_ARE_K, TM), r = row + mn_of(item, i, A_LINES_ARE_K, TM);    \
    next_a[i] = kk < k && r < m ? load_a(pa, A_LINES_ARE_K ? kk * lda + r : r * lda + kk) : ZERO;              \
  }                                                                                                            \
  _Pragma("unroll") for (int i = 0; i < PER_B; ++i) {                                                          \
    const long kk = (step) + k_of(item, i, B_LINES_ARE_K, TN), q = column + mn_of(item, i, B_LINES_ARE_K, TN); \
    next_b[i] = kk < k && q < n ? load_b(pb, B_LINES_ARE_K ? kk * ldb + q : q * ldb + kk) : ZERO;              \
  }
#define PLACE(at)                                                                                  \
  _Pragma("unroll") for (int i = 0; i < PER_A; ++i)                                                \
      a_tile[at][k_of(item, i, A_LINES_ARE_K, TM)][mn_of(item, i, A_LINES_ARE_K, TM)] = next_a[i]; \
  _Pragma("unroll") for (int i = 0; i < PER_B; ++i)                                                \
      b_tile[at][k_of(item, i, B_LINES_ARE_K, TN)][mn_of(item, i, B_LINES_ARE_K, TN)] = next_b[i];

    FETCH(0)
    PLACE(0)
    barrier(CLK_LOCAL_MEM_FENCE);
    int at = 0;
    for (long step = 0; step < k; step += TK) {
      if (step + TK < k) {
        FETCH(step + TK)
      }
#pragma unroll
      for (int i = 0; i < TK; ++i) {
        vector4 va[TM / 64], vb[TN / 64];
#pragma unroll
        for (int j = 0; j < TM / 64; ++j) va[j] = *(local const vector4 *)&a_tile[at][i][j * 64 + y * 4];
#pragma unroll
        for (int j = 0; j < TN / 64; ++j) vb[j] = *(local const vector4 *)&b_tile[at][i][j * 64 + x * 4];
#define ROW(r, v)                                                     \
  _Pragma("unroll") for (int q = 0; q < TN / 64; ++q) {               \
    sum[r][q * 4] = multiply_add(v, vb[q].s0, sum[r][q * 4]);         \
    sum[r][q * 4 + 1] = multiply_add(v, vb[q].s1, sum[r][q * 4 + 1]); \
    sum[r][q * 4 + 2] = multiply_add(v, vb[q].s2, sum[r][q * 4 + 2]); \
    sum[r][q * 4 + 3] = multiply_add(v, vb[q].s3, sum[r][q * 4 + 3]); \
  }
#pragma unroll
        for (int j = 0; j < TM / 64; ++j) {
          ROW(j * 4, va[j].s0)
          ROW(j * 4 + 1, va[j].s1)
          ROW(j * 4 + 2, va[j].s2)
          ROW(j * 4 + 3, va[j].s3)
        }
      }
      at ^= 1;
      if (step + TK < k) {
        PLACE(at)
      }
      barrier(CLK_LOCAL_MEM_FENCE);
    }

    global stored_c *pc = c + c_offset + z * c_stride;
#pragma unroll
    for (int i = 0; i < TM / 16; ++i) {
      const long r = row + i / 4 * 64 + y * 4 + i % 4;
#pragma unroll
      for (int j = 0; j < TN / 16; ++j) {
        const long q = column + j / 4 * 64 + x * 4 + j % 4;
        if (r >= m || q >= n) continue;
        result value = scale(alpha_real, result_of(sum[i][j]));
        if (beta_real != 0) value += scale(beta_real, load_c(pc, r * ldc + q));
        store_c(pc, r * ldc + q, value);
      }
    }
  }
}
