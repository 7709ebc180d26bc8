// Products on the matrix units of NVIDIA's GPUs (mma.sync), from Ampere on: f16, bf16, i8, f32 as tf32, and f8 from Ada
// on.
//
// Index map. Groups of WARPS_M x WARPS_N warps compute tiles of BM = WARPS_M * WM by BN = WARPS_N * WN elements of C;
// group g computes tiles g, g + groups, ... in bands of GROUP_M rows of tiles.
//   step     64 bytes of each line of op(A) and op(B) along K in local memory, as they lie in memory, STAGES places in
//            turn, filled by asynchronous copies of 16 bytes. Lines are padded by 16 bytes: eight neighbours at the
//            same place then meet all banks once
//   warp     WM x WN elements as blocks of 16 x 8. Whatever the type, a block takes 32 bytes along K: lane l has rows
//            l / 4 (+ 8) and words l % 4 (+ 4) of A, words l % 4 (+ 4) of columns l / 4 of B, and of the sums rows
//            l / 4 (+ 8), columns l % 4 * 2 (+ 1). ldmatrix gives it those words; elements of 2 bytes whose lines are K
//            are turned by it
// Elements past the edges are 0 in both, so that no infinity meets a zero that is not an element.
//
// SIZE: bytes of an element of A and B. MMA: shape and types of the instruction. TF32: the factors are f32, rounded
// here. SPLIT: they are the sums of two such numbers, three products each, and sums of one step are added up by f32
// additions, which round where the matrix units cut off. The rest: nvidia_async.clh, element.clh.
#ifndef WM
#define WARPS_M 2
#define WARPS_N 2
#define WM 64
#define WN 64
#define STAGES 3
#define A_LINES_ARE_K 0
#define B_LINES_ARE_K 1
#define SIZE 2
#define CHUNK 8
#define A_TYPE bf16
#define B_TYPE bf16
#define C_TYPE bf16
#define COMPUTE f32
#define MMA "m16n8k16.row.col.f32.bf16.bf16.f32"
#endif
#ifndef TF32
#define TF32 0
#endif
#ifndef SPLIT
#define SPLIT 0
#endif
#ifndef GROUP_M
#define GROUP_M 16
#endif
#define BM (WARPS_M * WM)
#define BN (WARPS_N * WN)
#define BK (64 / SIZE)
#define ITEMS (WARPS_M * WARPS_N * 32)
#define PAD CHUNK
#if SIZE == 1
typedef uchar number;
#elif SIZE == 2
typedef ushort number;
#else
typedef uint number;
#endif
#include "gemm/element.clh"
#include "gemm/nvidia_async.clh"
#include "gemm/tile_walk.clh"

// Four blocks of eight lines by 16 bytes; lane l gives the address of line l % 8 of block l / 8, and gets the word
// l % 4 of line l / 4 of each, or with .trans the elements 2 * (l % 4) and the next of column l / 4.
#define ldmatrix_(trans, to, address)                                                      \
  asm volatile("ldmatrix.sync.aligned.m8n8.x4" trans ".shared.b16 {%0, %1, %2, %3}, [%4];" \
               : "=r"((to)[0]), "=r"((to)[1]), "=r"((to)[2]), "=r"((to)[3])                \
               : "r"(address)                                                              \
               : "memory")
#if A_LINES_ARE_K
#define ldmatrix_a(to, address) ldmatrix_(".trans", to, address)
#else
#define ldmatrix_a(to, address) ldmatrix_("", to, address)
#endif
#if B_LINES_ARE_K
#define ldmatrix_b(to, address) ldmatrix_(".trans", to, address)
#else
#define ldmatrix_b(to, address) ldmatrix_("", to, address)
#endif

// Bytes from one block of 16 to the next along M (N), and from one to the next along K.
#define A_NEXT (A_LINES_ARE_K ? 16 * SIZE : 16 * A_LD * SIZE)
#define B_NEXT (B_LINES_ARE_K ? 16 * SIZE : 16 * B_LD * SIZE)
#define A_DEEPER (A_LINES_ARE_K ? 16 * A_LD * SIZE : 32)
#define B_DEEPER (B_LINES_ARE_K ? 16 * B_LD * SIZE : 32)
#define BLOCKS 2  // along K in one step

#if COMPUTE_IS == 5
#define SUM(c) "+r"(c)
#else
#define SUM(c) "+f"(c)
#endif
// b has words of two columns' blocks: those of the first are b[0] and b[1].
inline void mma(element *c, const uint *a, const uint *b) {
  asm("mma.sync.aligned." MMA " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : SUM(c[0]), SUM(c[1]), SUM(c[2]), SUM(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// The nearest number of 11 significant bits.
inline uint rounded(float x) {
  uint bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
}

// The words of a block as the matrix units take them, and with SPLIT what rounding left.
inline void prepare(uint *high, uint *low) {
#if TF32
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float x = as_float(high[i]);
    high[i] = rounded(x);
#if SPLIT
    low[i] = rounded(x - as_float(high[i]));
#endif
  }
#endif
}

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void gemm_mma(int m, int n, int k, int batch_count,
                                                                        real alpha, real beta, global const number *a,
                                                                        long a_offset, long lda, long a_stride,
                                                                        global const number *b, long b_offset, long ldb,
                                                                        long b_stride, global stored_c *c,
                                                                        long c_offset, long ldc, long c_stride) {
  local __attribute__((aligned(16))) number stages[STAGES * STAGE_SIZE];
  const uint base = (uint)(size_t)stages;
  const int item = (int)get_local_id(0), lane = item % 32, warp = item / 32;
  const int warp_row = warp % WARPS_M * WM, warp_column = warp / WARPS_M * WN;
  const int tiles_m = (m + BM - 1) / BM, tiles_n = (n + BN - 1) / BN, tiles = tiles_m * tiles_n;
  const int steps = (k + BK - 1) / BK;
  const uint first_a = A_FIRST_TO, first_b = B_FIRST_TO;
  const long step_a = A_STEP(lda), step_b = B_STEP(ldb);

  // Blocks 0 to 3 of ldmatrix: of A the first and second half along M, then those of the second half along K; of B the
  // first and second half along K, then those of the second half along N.
  const int half_ = lane / 8 % 2, other_half = lane / 16, line = lane % 8;
  const uint at_a = (uint)(A_LINES_ARE_K ? (other_half * 8 + line) * A_LD + warp_row + half_ * 8
                                         : (warp_row + half_ * 8 + line) * A_LD + other_half * CHUNK) *
                    SIZE;
  const uint at_b = (uint)(B_LINES_ARE_K ? (half_ * 8 + line) * B_LD + warp_column + other_half * 8
                                         : (warp_column + other_half * 8 + line) * B_LD + half_ * CHUNK) *
                        SIZE +
                    A_SIZE * SIZE;

  for (int w = (int)get_group_id(0); w < tiles * batch_count; w += (int)get_num_groups(0)) {
    const int z = w / tiles, tile = w - z * tiles;
    PLACE_IN_BANDS(int)
    global const number *pa = a + a_offset + z * a_stride + (A_LINES_ARE_K ? row : row * lda);
    global const number *pb = b + b_offset + z * b_stride + (B_LINES_ARE_K ? column : column * ldb);
    global const number *from_a = pa + A_FIRST_FROM(lda), *from_b = pb + B_FIRST_FROM(ldb);
    const int whole_steps = row + BM <= m && column + BN <= n ? k / BK : 0;

    element sum[WM / 16][WN / 8][4];
    uint fa[2][WM / 16][4], fb[2][WN / 16][4], low_a[WM / 16][4], low_b[WN / 16][4];
#pragma unroll
    for (int i = 0; i < WM / 16; ++i)
#pragma unroll
      for (int j = 0; j < WN / 8; ++j) sum[i][j][0] = sum[i][j][1] = sum[i][j][2] = sum[i][j][3] = 0;
#if SPLIT
    float total[WM / 16][WN / 8][4];
#pragma unroll
    for (int i = 0; i < WM / 16; ++i)
#pragma unroll
      for (int j = 0; j < WN / 8; ++j) total[i][j][0] = total[i][j][1] = total[i][j][2] = total[i][j][3] = 0;
#endif

// The words of block `block` of the stage at `at`.
#define FETCH(to, at, block)                                                      \
  _Pragma("unroll") for (int i = 0; i < WM / 16; ++i)                             \
      ldmatrix_a(fa[to][i], (at) + at_a + (uint)((block)*A_DEEPER + i * A_NEXT)); \
  _Pragma("unroll") for (int j = 0; j < WN / 16; ++j)                             \
      ldmatrix_b(fb[to][j], (at) + at_b + (uint)((block)*B_DEEPER + j * B_NEXT));

    for (int step = 0; step < STAGES - 1; ++step) {
      LOAD(step)
    }
    async_wait(STAGES_AHEAD);
    barrier(CLK_LOCAL_MEM_FENCE);
    uint at = base;
    FETCH(0, at, 0)
    for (int step = 0; step < steps; ++step) {
#pragma unroll
      for (int block = 0; block < BLOCKS; ++block) {
        // The next words are fetched while these are multiplied, across the change of stages too.
        if (block == 0) {
          LOAD(step + STAGES - 1)
        }
        if (block == BLOCKS - 1) {
          async_wait(STAGES_AHEAD);
          barrier(CLK_LOCAL_MEM_FENCE);
          at = base + (uint)((step + 1) % STAGES) * (STAGE_SIZE * SIZE);
          FETCH((block + 1) % 2, at, 0)
        } else {
          FETCH((block + 1) % 2, at, block + 1)
        }
        const int now = block % 2;
#pragma unroll
        for (int i = 0; i < WM / 16; ++i) prepare(fa[now][i], low_a[i]);
#pragma unroll
        for (int j = 0; j < WN / 16; ++j) prepare(fb[now][j], low_b[j]);
#if SPLIT
          // The small products first.
#pragma unroll
        for (int i = 0; i < WM / 16; ++i)
#pragma unroll
          for (int j = 0; j < WN / 8; ++j) mma(sum[i][j], low_a[i], fb[now][j / 2] + j % 2 * 2);
#pragma unroll
        for (int i = 0; i < WM / 16; ++i)
#pragma unroll
          for (int j = 0; j < WN / 8; ++j) mma(sum[i][j], fa[now][i], low_b[j / 2] + j % 2 * 2);
#endif
#pragma unroll
        for (int i = 0; i < WM / 16; ++i)
#pragma unroll
          for (int j = 0; j < WN / 8; ++j) mma(sum[i][j], fa[now][i], fb[now][j / 2] + j % 2 * 2);
      }
#if SPLIT
#pragma unroll
      for (int i = 0; i < WM / 16; ++i)
#pragma unroll
        for (int j = 0; j < WN / 8; ++j)
#pragma unroll
          for (int e = 0; e < 4; ++e) total[i][j][e] += sum[i][j][e], sum[i][j][e] = 0;
#endif
    }
    async_wait(0);
    barrier(CLK_LOCAL_MEM_FENCE);
#if SPLIT
#define sum total
#endif

    global stored_c *pc = c + c_offset + z * c_stride;
#pragma unroll
    for (int i = 0; i < WM / 16; ++i)
#pragma unroll
      for (int j = 0; j < WN / 8; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int r = row + warp_row + i * 16 + lane / 4 + e / 2 * 8;
          const int q = column + warp_column + j * 8 + lane % 4 * 2 + e % 2;
          if (r >= m || q >= n) continue;
          result value = scale(result_from(alpha, 0), result_of(sum[i][j][e]));
          if (!is_zero(beta)) value += scale(result_from(beta, 0), load_c(pc, r * ldc + q));
          store_c(pc, r * ldc + q, value);
        }
#if SPLIT
#undef sum
#endif
  }
}
