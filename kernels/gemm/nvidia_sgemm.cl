// Products of f32 by IEEE multiply-adds on NVIDIA's GPUs from Ampere on, whose copies to local memory are asynchronous.
//
// Index map. Groups of WARPS_M x WARPS_N warps compute tiles of BM = WARPS_M * WM by BN = WARPS_N * WN elements of C;
// group g computes tiles g, g + groups, ... in bands of GROUP_M rows of tiles. Lines of A and B in memory run along M
// and N.
//   step     BK columns of op(A) and rows of op(B) in local memory, as they lie in memory, STAGES places in turn
//   warp     WM = 4 * TR by WN = 8 * TC elements; lane l sums rows l / 8 * 4 + i % 4 + i / 4 * 16 and columns
//            l % 8 * 4 + j % 4 + j / 4 * 32, which it reads four at a time
// Elements past the edges are 0 in both, so that no infinity meets a zero that is not an element.
#ifndef TR
#define WARPS_M 4
#define WARPS_N 2
#define TR 8
#define TC 8
#define STAGES 3
#define CHUNK 4
#endif
#ifndef GROUP_M
#define GROUP_M 16
#endif
#ifndef BK
#define BK 16
#endif
#define A_LINES_ARE_K 1
#define B_LINES_ARE_K 1
#define WM (4 * TR)
#define WN (8 * TC)
#define BM (WARPS_M * WM)
#define BN (WARPS_N * WN)
#define ITEMS (WARPS_M * WARPS_N * 32)
#define PAD 0
#define SIZE 4
typedef float number;
#include "gemm/nvidia_async.clh"
#include "gemm/tile_walk.clh"

#define ROW_OF(i) (lane / 8 * 4 + (i) % 4 + (i) / 4 * 16)
#define COLUMN_OF(j) (lane % 8 * 4 + (j) % 4 + (j) / 4 * 32)
#define QUAD(p) (*(local const float4 *)(p))

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void gemm_sgemm(
    int m, int n, int k, int batch_count, float alpha, float beta, global const float *a, long a_offset, long lda,
    long a_stride, global const float *b, long b_offset, long ldb, long b_stride, global float *c, long c_offset,
    long ldc, long c_stride) {
  local __attribute__((aligned(16))) float stages[STAGES * STAGE_SIZE];
  const uint base = (uint)(size_t)stages;
  const int item = (int)get_local_id(0), lane = item % 32, warp = item / 32;
  const int warp_row = warp % WARPS_M * WM, warp_column = warp / WARPS_M * WN;
  const int tiles_m = (m + BM - 1) / BM, tiles_n = (n + BN - 1) / BN, tiles = tiles_m * tiles_n;
  const int steps = (k + BK - 1) / BK;
  const uint first_a = A_FIRST_TO, first_b = B_FIRST_TO;
  const long step_a = A_STEP(lda), step_b = B_STEP(ldb);

  for (int w = (int)get_group_id(0); w < tiles * batch_count; w += (int)get_num_groups(0)) {
    const int z = w / tiles, tile = w - z * tiles;
    PLACE_IN_BANDS(int)
    global const float *pa = a + a_offset + z * a_stride + row;
    global const float *pb = b + b_offset + z * b_stride + column;

    global const float *from_a = pa + A_FIRST_FROM(lda), *from_b = pb + B_FIRST_FROM(ldb);
    const int whole_steps = row + BM <= m && column + BN <= n ? k / BK : 0;

    float sum[TR][TC], fa[2][TR], fb[2][TC];
#pragma unroll
    for (int i = 0; i < TR; ++i)
#pragma unroll
      for (int j = 0; j < TC; ++j) sum[i][j] = 0;

// What the lane needs of line kk of the stage at `ta`.
#define FETCH(to, kk)                                                                   \
  _Pragma("unroll") for (int i = 0; i < TR; i += 4) {                                   \
    const float4 v = QUAD(ta + (kk)*A_LD + i * 4);                                      \
    fa[to][i] = v.s0, fa[to][i + 1] = v.s1, fa[to][i + 2] = v.s2, fa[to][i + 3] = v.s3; \
  }                                                                                     \
  _Pragma("unroll") for (int j = 0; j < TC; j += 4) {                                   \
    const float4 v = QUAD(tb + (kk)*B_LD + j * 8);                                      \
    fb[to][j] = v.s0, fb[to][j + 1] = v.s1, fb[to][j + 2] = v.s2, fb[to][j + 3] = v.s3; \
  }

    for (int step = 0; step < STAGES - 1; ++step) {
      LOAD(step)
    }
    async_wait(STAGES_AHEAD);
    barrier(CLK_LOCAL_MEM_FENCE);
    const int own_a = warp_row + lane / 8 * 4, own_b = A_SIZE + warp_column + lane % 8 * 4;
    local const float *ta = stages + own_a, *tb = stages + own_b;
    FETCH(0, 0)
    for (int step = 0; step < steps; ++step) {
#pragma unroll
      for (int line = 0; line < BK; ++line) {
        // The next line is fetched while this one is multiplied, across the change of stages too.
        if (line == 0) {
          LOAD(step + STAGES - 1)
        }
        if (line == BK - 1) {
          async_wait(STAGES_AHEAD);
          barrier(CLK_LOCAL_MEM_FENCE);
          ta = stages + (step + 1) % STAGES * STAGE_SIZE + own_a;
          tb = stages + (step + 1) % STAGES * STAGE_SIZE + own_b;
          FETCH((line + 1) % 2, 0)
        } else {
          FETCH((line + 1) % 2, line + 1)
        }
#pragma unroll
        for (int i = 0; i < TR; ++i)
#pragma unroll
          for (int s = 0; s < TC; ++s) {
            // Back and forth, so that an operand of one multiply-add is that of the next.
            const int j = i % 2 ? TC - 1 - s : s;
            sum[i][j] = fma(fa[line % 2][i], fb[line % 2][j], sum[i][j]);
          }
      }
    }
    async_wait(0);
    barrier(CLK_LOCAL_MEM_FENCE);

    global float *pc = c + c_offset + z * c_stride;
#pragma unroll
    for (int i = 0; i < TR; ++i) {
      const int r = row + warp_row + ROW_OF(i);
#pragma unroll
      for (int j = 0; j < TC; ++j) {
        const int q = column + warp_column + COLUMN_OF(j);
        if (r >= m || q >= n) continue;
        float value = alpha * sum[i][j];
        if (beta != 0) value += beta * pc[r * ldc + q];
        pc[r * ldc + q] = value;
      }
    }
  }
}
