// Products of f64 on the matrix units of NVIDIA's large GPUs (mma.sync), from Ampere on.
//
// Index map. Groups of WARPS_M x WARPS_N warps compute tiles of BM = WARPS_M * WM by BN = WARPS_N * WN elements of C;
// group g computes tiles g, g + groups, ... in bands of GROUP_M rows of tiles.
//   step     BK = 16 columns of op(A) and rows of op(B) in local memory, as they lie in memory (lines padded so that
//   the
//            reads below meet no bank twice), STAGES places in turn, filled by asynchronous copies
//   warp     WM x WN elements as blocks of 16 x 8; lane l has rows l / 4 (+ 8), columns l % 4 * 2 (+ 1) of each, and
//            reads A's row l / 4 (+ 8), column l % 4 (+ 4), and B's row l % 4 (+ 4), column l / 4
// Elements past the edges are 0 in both, so that no infinity meets a zero that is not an element.
//
// LARGE_MMA: the GPU has blocks of 16 x 8 x MMA_K; otherwise they are put together. The rest: nvidia_async.clh.
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#ifndef WM
#define WARPS_M 2
#define WARPS_N 4
#define WM 64
#define WN 32
#define STAGES 4
#define A_LINES_ARE_K 0
#define B_LINES_ARE_K 1
#define CHUNK 2
#define LARGE_MMA 1
#endif
#ifndef MMA_K
#define MMA_K 4
#endif
#ifndef GROUP_M
#define GROUP_M 16
#endif
#define BM (WARPS_M * WM)
#define BN (WARPS_N * WN)
#ifndef BK
#define BK 16
#endif
#define ITEMS (WARPS_M * WARPS_N * 32)
#define PAD 4
#define SIZE 8
typedef double number;
#include "gemm/nvidia_async.clh"
#include "gemm/tile_walk.clh"

// Elements of A and B that a lane has of one block.
#define FA (MMA_K / 2)
#define FB (MMA_K / 4)

inline void multiply(double *c, const double *a, const double *b) {
#if LARGE_MMA && MMA_K == 16
  asm("mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7, %8, %9, %10, %11}, "
      "{%12, %13, %14, %15}, {%0, %1, %2, %3};"
      : "+d"(c[0]), "+d"(c[1]), "+d"(c[2]), "+d"(c[3])
      : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(a[4]), "d"(a[5]), "d"(a[6]), "d"(a[7]), "d"(b[0]), "d"(b[1]),
        "d"(b[2]), "d"(b[3]));
#elif LARGE_MMA && MMA_K == 4
  asm("mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
      : "+d"(c[0]), "+d"(c[1]), "+d"(c[2]), "+d"(c[3])
      : "d"(a[0]), "d"(a[1]), "d"(b[0]));
#elif LARGE_MMA
  asm("mma.sync.aligned.m16n8k8.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+d"(c[0]), "+d"(c[1]), "+d"(c[2]), "+d"(c[3])
      : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(b[0]), "d"(b[1]));
#else
#pragma unroll
  for (int k = 0; k < MMA_K / 4; ++k)
#pragma unroll
    for (int i = 0; i < 2; ++i)
      asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
          : "+d"(c[i * 2]), "+d"(c[i * 2 + 1])
          : "d"(a[i + 2 * k]), "d"(b[k]));
#endif
}

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void gemm_dmma(
    int m, int n, int k, int batch_count, double alpha, double beta, global const double *a, long a_offset, long lda,
    long a_stride, global const double *b, long b_offset, long ldb, long b_stride, global double *c, long c_offset,
    long ldc, long c_stride) {
  local __attribute__((aligned(16))) double stages[STAGES * STAGE_SIZE];
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
    global const double *pa = a + a_offset + z * a_stride + (A_LINES_ARE_K ? row : row * lda);
    global const double *pb = b + b_offset + z * b_stride + (B_LINES_ARE_K ? column : column * ldb);

    global const double *from_a = pa + A_FIRST_FROM(lda), *from_b = pb + B_FIRST_FROM(ldb);
    const int whole_steps = row + BM <= m && column + BN <= n ? k / BK : 0;

    double sum[WM / 16][WN / 8][4], fa[2][WM / 16][FA], fb[2][WN / 8][FB];
#pragma unroll
    for (int i = 0; i < WM / 16; ++i)
#pragma unroll
      for (int j = 0; j < WN / 8; ++j) sum[i][j][0] = sum[i][j][1] = sum[i][j][2] = sum[i][j][3] = 0;

// What the lane needs of blocks kk of the stage at `ta`.
#define AT_A(r, q) ta[A_LINES_ARE_K ? (q)*A_LD + (r) : (r)*A_LD + (q)]
#define AT_B(r, q) tb[B_LINES_ARE_K ? (r)*B_LD + (q) : (q)*B_LD + (r)]
#define FETCH(to, kk)                                                                                               \
  _Pragma("unroll") for (int i = 0; i < WM / 16; ++i) _Pragma("unroll") for (int j = 0; j < FA; ++j) fa[to][i][j] = \
      AT_A(warp_row + i * 16 + lane / 4 + j % 2 * 8, (kk) + lane % 4 + j / 2 * 4);                                  \
  _Pragma("unroll") for (int i = 0; i < WN / 8; ++i) _Pragma("unroll") for (int j = 0; j < FB; ++j) fb[to][i][j] =  \
      AT_B((kk) + lane % 4 + j * 4, warp_column + i * 8 + lane / 4);

    for (int step = 0; step < STAGES - 1; ++step) {
      LOAD(step)
    }
    async_wait(STAGES_AHEAD);
    barrier(CLK_LOCAL_MEM_FENCE);
    local const double *ta = stages, *tb = ta + A_SIZE;
    FETCH(0, 0)
    for (int step = 0; step < steps; ++step) {
#pragma unroll
      for (int block = 0; block < BK / MMA_K; ++block) {
        // The next blocks are fetched while these are multiplied, across the change of stages too.
        if (block == 0) {
          LOAD(step + STAGES - 1)
        }
        if (block == BK / MMA_K - 1) {
          async_wait(STAGES_AHEAD);
          barrier(CLK_LOCAL_MEM_FENCE);
          ta = stages + (step + 1) % STAGES * STAGE_SIZE;
          tb = ta + A_SIZE;
          FETCH((block + 1) % 2, 0)
        } else {
          FETCH((block + 1) % 2, (block + 1) * MMA_K)
        }
#pragma unroll
        for (int i = 0; i < WM / 16; ++i)
#pragma unroll
          for (int j = 0; j < WN / 8; ++j) multiply(sum[i][j], fa[block % 2][i], fb[block % 2][j]);
      }
    }
    async_wait(0);
    barrier(CLK_LOCAL_MEM_FENCE);

    global double *pc = c + c_offset + z * c_stride;
#pragma unroll
    for (int i = 0; i < WM / 16; ++i)
#pragma unroll
      for (int j = 0; j < WN / 8; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int r = row + warp_row + i * 16 + lane / 4 + e / 2 * 8;
          const int q = column + warp_column + j * 8 + lane % 4 * 2 + e % 2;
          if (r >= m || q >= n) continue;
          double value = alpha * sum[i][j][e];
          if (beta != 0) value += beta * pc[r * ldc + q];
          pc[r * ldc + q] = value;
        }
  }
}
