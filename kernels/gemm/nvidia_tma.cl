// Products of f64 on matrix units (mma.sync) and of f32 by IEEE multiply-adds, on Hopper: its copy engine (TMA) brings
// the tiles, so that the multiplying warps meet no barrier and compute no addresses of global memory.
//
// Index map. Persistent groups of 128 + 32 * WARPS_M * WARPS_N items. Group g computes tiles g, g + groups, ... of C,
// BM = WARPS_M * WM by BN = WARPS_N * WN, in bands of GROUP_M rows of tiles.
//   first 128   one item of them loads 16 columns of op(A) and rows of op(B) into the next of STAGES places in local
//               memory, as soon as the warps have left it; what lies past the edges becomes 0
//   warps       WM x WN elements each
// f64: lines of 128 bytes, swizzled: chunk c of 16 bytes of line l is at c ^ (l % 8). Blocks of 16 x 8 x 8; lane l = 4
// g + t has rows g (+ 8) and columns 2 t (+ 1) of a block, and of A and B two steps of K: the STEP-th of t. Where a
// line runs along K, rows (columns) are taken in an ORDER in which the lanes that read together meet different banks.
// One read of 16 bytes could bring both steps; of B it does where A's lines are K, but the matrix unit wants A's
// numbers in registers in another order than such a read leaves them.
// f32: lines are K; lane l sums rows l / 8 * 4 + i % 4 + i / 4 * 16 and columns l % 8 * 4 + j % 4 + j / 4 * 32.
//
// C_TRANSPOSED: C's lines run along M. So the mixture of A along K and lines of B that are K needs no kernel of its
// own.
#ifndef F64
#define F64 1
#define WARPS_M 2
#define WARPS_N 4
#define WM 64
#define WN 32
#define STAGES 4
#define A_LINES_ARE_K 0
#define B_LINES_ARE_K 0
#endif
#ifndef GROUP_M
#define GROUP_M 16
#endif
#ifndef C_TRANSPOSED
#define C_TRANSPOSED 0
#endif
#if F64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double real;
#define SIZE 8
#else
typedef float real;
#define SIZE 4
#endif
#include "gemm/nvidia_ptx.clh"
#include "gemm/tile_walk.clh"

#define BM (WARPS_M * WM)
#define BN (WARPS_N * WN)
#define BK 16
#define WARPS (WARPS_M * WARPS_N)
#define A_BYTES (BM * BK * SIZE)
#define STAGE_BYTES ((BM + BN) * BK * SIZE)
// Where f64 lines are K, a box is 16 elements of 16 lines.
#define BOX_BYTES (16 * 128)
#if A_LINES_ARE_K
#define STEP(t, e) (2 * (t) + (e))
#define ORDER(i) (((i)&1) << 2 | (i) >> 1)
#else
#define STEP(t, e) ((t) + 4 * (e))
#define ORDER(i) (((i)&3) << 1 | (i) >> 2)
#endif

// Where local memory has element x of a line.
#define PLACE(line, x) ((line)*128 + ((((x) >> 1) ^ ((line)&7)) << 4) + ((x)&1) * 8)

inline void multiply(double *c, const double *a, const double *b) {
  asm("mma.sync.aligned.m16n8k8.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+d"(c[0]), "+d"(c[1]), "+d"(c[2]), "+d"(c[3])
      : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(b[0]), "d"(b[1]));
}

// What a lane needs of the blocks of A at `row` and of B at `column`, from step kk of K on.
inline void fetch_a(double *f, local const uchar *tile, int row, int kk, int g, int t) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int x = g + i % 2 * 8, step = kk + STEP(t, i / 2);
#if A_LINES_ARE_K
    f[i] = *(local const double *)(tile + row / 16 * BOX_BYTES + PLACE(step, x));
#else
    f[i] = *(local const double *)(tile + PLACE(row + ORDER(g) + i % 2 * 8, step));
#endif
  }
}

inline void fetch_b(double *f, local const uchar *tile, int column, int kk, int g, int t) {
#if !B_LINES_ARE_K && A_LINES_ARE_K
  const double2 both = *(local const double2 *)(tile + PLACE(column + ORDER(g), kk + STEP(t, 0)));
  f[0] = both.s0;
  f[1] = both.s1;
#else
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int step = kk + STEP(t, i);
#if B_LINES_ARE_K
    f[i] = *(local const double *)(tile + column / 16 * BOX_BYTES + PLACE(step, g + column % 16));
#else
    f[i] = *(local const double *)(tile + PLACE(column + ORDER(g), step));
#endif
  }
#endif
}

// The stage is empty: what the warp read from it has arrived. The assembler lets an arrival at a barrier overtake reads
// from local memory that are under way, and the next copy would be faster than those; a write of something made of all
// that was read waits for it, and the arrival waits for the write.
inline void leave_stage(uint empty, uint seen, uint note, int lane) {
  asm volatile("st.shared.u32 [%0], %1;" ::"r"(note), "r"(seen) : "memory");
  asm volatile("bar.warp.sync 0xffffffff;" ::: "memory");
  if (lane == 0) mbarrier_arrive(empty);
}

kernel __attribute__((reqd_work_group_size(128 + 32 * WARPS, 1, 1))) void gemm_tma(
    global const uchar *maps, long maps_at, int m, int n, int k, int batch_count, int a_batched, int b_batched,
    real alpha, real beta, global real *c, long c_offset, long ldc, long c_stride) {
  local __attribute__((aligned(1024))) uchar stages[STAGES * STAGE_BYTES];
  local ulong bars[2 * STAGES];
  local uint notes[32 * WARPS];
  const uint base = local_address(stages), full = local_address(bars), empty = full + STAGES * 8;
  const int item = (int)get_local_id(0);
  const int tiles_m = (m + BM - 1) / BM, tiles_n = (n + BN - 1) / BN, tiles = tiles_m * tiles_n;
  const int steps = (k + BK - 1) / BK, work = tiles * batch_count, groups = (int)get_num_groups(0);
  global const uchar *map_a = maps + maps_at, *map_b = map_a + 128;
  if (item == 0) {
    for (int i = 0; i < STAGES; ++i) {
      mbarrier_init(full + i * 8, 1);
      mbarrier_init(empty + i * 8, WARPS);
    }
    mbarrier_init_fence();
    tensor_map_acquire(map_a);
    tensor_map_acquire(map_b);
  }
  barrier(CLK_LOCAL_MEM_FENCE);

#define PLACE_TILE                               \
  const int z = w / tiles, tile = w - z * tiles; \
  PLACE_IN_BANDS(int)

  int stage = 0;
  if (item < 128) {
    fewer_registers(40);
    if (item == 0) {
      uint parity = 1;
      for (int w = (int)get_group_id(0); w < work; w += groups) {
        PLACE_TILE
        const int za = a_batched ? z : 0, zb = b_batched ? z : 0;
        for (int at = 0; at < steps * BK; at += BK) {
          const uint bar = full + stage * 8, to = base + stage * STAGE_BYTES;
          mbarrier_wait(empty + stage * 8, parity);
          mbarrier_expect(bar, (uint)STAGE_BYTES);
#if !A_LINES_ARE_K
          tensor_load(to, map_a, bar, at, row, za);
#elif F64
          for (int i = 0; i < BM / 16; ++i) tensor_load(to + i * BOX_BYTES, map_a, bar, row + i * 16, at, za);
#else
          tensor_load(to, map_a, bar, row, at, za);
#endif
#if !B_LINES_ARE_K
          tensor_load(to + A_BYTES, map_b, bar, at, column, zb);
#elif F64
          for (int i = 0; i < BN / 16; ++i)
            tensor_load(to + A_BYTES + i * BOX_BYTES, map_b, bar, column + i * 16, at, zb);
#else
          tensor_load(to + A_BYTES, map_b, bar, column, at, zb);
#endif
          if (++stage == STAGES) stage = 0, parity ^= 1;
        }
      }
    }
    return;
  }

  more_registers(232);
  const int lane = item & 31, warp = (item - 128) >> 5;
  const uint note = local_address(notes) + (item - 128) * 4;
  const int warp_row = warp % WARPS_M * WM, warp_column = warp / WARPS_M * WN;
  uint parity = 0;
  for (int w = (int)get_group_id(0); w < work; w += groups) {
    PLACE_TILE
    global real *pc = c + c_offset + z * c_stride;
#if F64
    const int g = lane >> 2, t = lane & 3;
    double sum[WM / 16][WN / 8][4];
#pragma unroll
    for (int i = 0; i < WM / 16; ++i)
#pragma unroll
      for (int j = 0; j < WN / 8; ++j) sum[i][j][0] = sum[i][j][1] = sum[i][j][2] = sum[i][j][3] = 0;
    for (int step = 0; step < steps; ++step) {
      mbarrier_wait(full + stage * 8, parity);
      uint seen = 0;
      local const uchar *ta = stages + stage * STAGE_BYTES, *tb = ta + A_BYTES;
#pragma unroll
      for (int kk = 0; kk < BK; kk += 8) {
        double fa[WM / 16][4], fb[WN / 8][2];
#pragma unroll
        for (int i = 0; i < WM / 16; ++i) fetch_a(fa[i], ta, warp_row + i * 16, kk, g, t);
#pragma unroll
        for (int j = 0; j < WN / 8; ++j) fetch_b(fb[j], tb, warp_column + j * 8, kk, g, t);
#pragma unroll
        for (int i = 0; i < WM / 4; ++i) seen ^= as_uint2(fa[i / 4][i % 4]).s0;
#pragma unroll
        for (int i = 0; i < WN / 4; ++i) seen ^= as_uint2(fb[i / 2][i % 2]).s0;
#pragma unroll
        for (int i = 0; i < WM / 16; ++i)
#pragma unroll
          for (int j = 0; j < WN / 8; ++j) multiply(sum[i][j], fa[i], fb[j]);
      }
      leave_stage(empty + stage * 8, seen, note, lane);
      if (++stage == STAGES) stage = 0, parity ^= 1;
    }
#define ROWS_OF_LANE (WM / 8)
#define COLUMNS_OF_LANE (WN / 4)
#define SUM(i, j) sum[(i) / 2][(j) / 2][(i) % 2 * 2 + (j) % 2]
#define ROW_OF(i) ((i) / 2 * 16 + (i) % 2 * 8 + (A_LINES_ARE_K ? g : ORDER(g)))
#define COLUMN_OF(j) ((j) / 2 * 8 + (B_LINES_ARE_K ? 2 * t + (j) % 2 : ORDER(2 * t + (j) % 2)))
#else
#define ROWS_OF_LANE (WM / 4)
#define COLUMNS_OF_LANE (WN / 8)
    float sum[ROWS_OF_LANE][COLUMNS_OF_LANE], fa[2][ROWS_OF_LANE], fb[2][COLUMNS_OF_LANE];
#pragma unroll
    for (int i = 0; i < ROWS_OF_LANE; ++i)
#pragma unroll
      for (int j = 0; j < COLUMNS_OF_LANE; ++j) sum[i][j] = 0;
// What the lane needs of line kk of the stage at `ta`.
#define FETCH(to, kk)                                                                   \
  _Pragma("unroll") for (int i = 0; i < ROWS_OF_LANE; i += 4) {                         \
    const float4 v = *(local const float4 *)(ta + (kk)*BM + i * 4);                     \
    fa[to][i] = v.s0, fa[to][i + 1] = v.s1, fa[to][i + 2] = v.s2, fa[to][i + 3] = v.s3; \
  }                                                                                     \
  _Pragma("unroll") for (int j = 0; j < COLUMNS_OF_LANE; j += 4) {                      \
    const float4 v = *(local const float4 *)(tb + (kk)*BN + j * 8);                     \
    fb[to][j] = v.s0, fb[to][j + 1] = v.s1, fb[to][j + 2] = v.s2, fb[to][j + 3] = v.s3; \
  }
    const int own_a = warp_row + lane / 8 * 4, own_b = BM * BK + warp_column + lane % 8 * 4;
    mbarrier_wait(full + stage * 8, parity);
    local const float *ta = (local const float *)(stages + stage * STAGE_BYTES) + own_a, *tb = ta - own_a + own_b;
    FETCH(0, 0)
    for (int step = 0; step < steps; ++step) {
#pragma unroll
      for (int line = 0; line < BK; ++line) {
        // The next line is fetched while this one is multiplied, across the change of stages too.
        if (line == BK - 1) {
          uint seen = 0;
#pragma unroll
          for (int i = 0; i < ROWS_OF_LANE; ++i) seen ^= as_uint(fa[line % 2][i]);
#pragma unroll
          for (int j = 0; j < COLUMNS_OF_LANE; ++j) seen ^= as_uint(fb[line % 2][j]);
          leave_stage(empty + stage * 8, seen, note, lane);
          if (++stage == STAGES) stage = 0, parity ^= 1;
          if (step + 1 < steps) {
            mbarrier_wait(full + stage * 8, parity);
            ta = (local const float *)(stages + stage * STAGE_BYTES) + own_a;
            tb = ta - own_a + own_b;
          }
          FETCH((line + 1) % 2, 0)
        } else {
          FETCH((line + 1) % 2, line + 1)
        }
#pragma unroll
        for (int i = 0; i < ROWS_OF_LANE; ++i)
#pragma unroll
          for (int s = 0; s < COLUMNS_OF_LANE; ++s) {
            // Back and forth, so that an operand of one multiply-add is that of the next.
            const int j = i % 2 ? COLUMNS_OF_LANE - 1 - s : s;
            sum[i][j] = fma(fa[line % 2][i], fb[line % 2][j], sum[i][j]);
          }
      }
    }
#define SUM(i, j) sum[i][j]
#define ROW_OF(i) (lane / 8 * 4 + (i) % 4 + (i) / 4 * 16)
#define COLUMN_OF(j) (lane % 8 * 4 + (j) % 4 + (j) / 4 * 32)
#endif

#pragma unroll
    for (int i = 0; i < ROWS_OF_LANE; ++i) {
      const int r = row + warp_row + ROW_OF(i);
#pragma unroll
      for (int j = 0; j < COLUMNS_OF_LANE; ++j) {
        const int q = column + warp_column + COLUMN_OF(j);
        if (r >= m || q >= n) continue;
        const long at = C_TRANSPOSED ? q * ldc + r : r * ldc + q;
        real value = alpha * SUM(i, j);
        if (beta != 0) value += beta * pc[at];
        pc[at] = value;
      }
    }
  }
}
