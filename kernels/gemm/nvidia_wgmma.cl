// Products on Hopper's matrix units (wgmma), fed by its copy engine (TMA).
//
// Index map. Persistent groups of 384 = 3 warpgroups of 128. Group g computes tiles g, g + groups, ... of C, BM = 128
// by BN; tiles are numbered so that neighbours share lines of A and columns of B in the cache (GROUP_M rows of tiles,
// then the next column).
//   warpgroup 0      one item of it loads: for each K step of 128 bytes a BM x 128 B box of A and a BN x 128 B box of B
//                    into the next of STAGES places in local memory, as soon as that is empty
//   warpgroups 1, 2  multiply: 64 rows of the tile each, sums in registers; say when a stage is empty again
// Elements in local memory lie as the copy engine puts them with its 128-byte swizzle. The loads run ahead into the
// next tile while this one is stored. A sum's place: warp w of the warpgroup has rows 16 w + lane / 4 (+ 8), columns 8
// j + lane % 4 * 2 (+ 1); register 4 j + 2 * (+ 8) + (+ 1). With SPLITS > 1 each tile is computed in parts along K; the
// last group to arrive adds the parts up, always in the same order, and stores.
//
// A_LINES_ARE_K: 0 where a line of A in memory runs along K, 1 where it runs along M; B likewise with N. The matrix
// unit takes elements of 2 bytes either way. Of 4 bytes it wants lines along K, unless A comes from registers; so where
// A's lines are K and elements have 4 bytes, the warps fetch A themselves, in another order of rows: row_of().
// C_TRANSPOSED: C's lines run along M. STORE_BOXES: C goes through local memory and the copy engine; otherwise the
// items store their own. SPLIT: A and B are sums of two panels each, high and low; a stage holds both, and the sums of
// each K step are added to sums of sums by f32 additions, which round where the matrix units cut off. ES, CS: bytes of
// an element of A and B, of C. KIND_C: 0 f32, 1 f16, 2 bf16, 3 i32.
#ifndef BN
#define BN 256
#define STAGES 4
#define ES 2
#define CS 2
#define KIND_C 2
#define A_LINES_ARE_K 0
#define B_LINES_ARE_K 0
#define WGMMA_TYPES "f32.bf16.bf16"
#define WGMMA_K 16
#define WGMMA_FLAGS ", 1, 1, 0, 0"
#endif
#ifndef STORE_BOXES
#define STORE_BOXES 0
#endif
#ifndef C_TRANSPOSED
#define C_TRANSPOSED 0
#endif
#ifndef BIAS
#define BIAS 0
#endif
#ifndef ACTIVATION
#define ACTIVATION 0
#endif
#ifndef HAS_BETA
#define HAS_BETA 0
#endif
#ifndef HAS_RESIDUAL
#define HAS_RESIDUAL 0
#endif
#ifndef SPLIT
#define SPLIT 0
#endif
#ifndef GROUP_M
#define GROUP_M 16
#endif
#define WGMMA_N BN
#include "gemm/nvidia_ptx.clh"
#include "gemm/nvidia_wgmma.clh"
#include "gemm/tile_walk.clh"

#define BM 128
#define BK (128 / ES)
#define A_BYTES (BM * 128)
#define B_BYTES (BN * 128)
#define PANELS_BYTES (A_BYTES + B_BYTES)
#define STAGE_BYTES ((SPLIT ? 2 : 1) * PANELS_BYTES)
#define MAPS (SPLIT ? 4 : 2)
#define BOX (128 / CS)
#define BOX_BYTES (64 * 128)
// Where lines are K, a box is BK elements of BK lines.
#define K_BOX_BYTES (BK * 128)
#define A_IN_REGISTERS (A_LINES_ARE_K && ES == 4)
#define C_BYTES (STORE_BOXES ? 4 * BOX_BYTES : 0)
#define SUMS (BN / 2)

// A K step within a stage, in the descriptors' unit of 16 bytes.
#define A_STEP (A_LINES_ARE_K ? 128 : 2)
#define B_STEP (B_LINES_ARE_K ? 128 : 2)

// What the matrix unit has to know of an operand in local memory: eight lines of 128 bytes are 1024 apart; where lines
// are K, the next 64 elements of a line are in the next box.
inline ulong descriptor(uint address, int lines_are_k) {
  return (ulong)((address & 0x3FFFF) >> 4) | (ulong)(lines_are_k ? K_BOX_BYTES >> 4 : 1) << 16 | 64ul << 32 | 1ul << 62;
}

#if KIND_C == 0
typedef float stored;
typedef float value_t;
#elif KIND_C == 3
typedef int stored;
typedef int value_t;
#else
typedef ushort stored;
typedef float value_t;
#endif

inline value_t load_c(global const stored *c, long i) {
#if KIND_C == 1
  return vload_half(i, (global const half *)c);
#elif KIND_C == 2
  return as_float((uint)c[i] << 16);
#else
  return c[i];
#endif
}

// Two neighbours as they lie in memory.
inline uint pack(float low, float high) {
  uint both;
#if KIND_C == 1
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
#else
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
#endif
  return both;
}

inline void store_one(global stored *c, long i, value_t v) {
#if KIND_C == 1
  vstore_half_rte(v, i, (global half *)c);
#elif KIND_C == 2
  c[i] = (ushort)pack(v, 0.0f);
#else
  c[i] = v;
#endif
}

inline float activate(float x) {
#if ACTIVATION == 1
  return x > 0 || x != x ? x : 0.0f;
#elif ACTIVATION == 2
  return 0.5f * x * (1.0f + erf(x * 0.70710678118654752f));
#elif ACTIVATION == 3
  return 0.5f * x * (1.0f + tanh(0.79788456080286536f * (x + 0.044715f * x * x * x)));
#elif ACTIVATION == 4
  return x / (1.0f + exp(-x));
#else
  return x;
#endif
}

typedef struct {
  float alpha, beta, scale;
  global stored *c;
  long c_at, ldc;
  global const stored *residual;
  long residual_at, ldr;
  global const uchar *bias;
  long bias_at;
  int m, n;
} Target;

inline float bias_of(const Target *t, int i) {
#if BIAS_IS_F32
  return ((global const float *)t->bias)[t->bias_at + i];
#else
  return load_c((global const stored *)t->bias, t->bias_at + i);
#endif
}

#define c_index(t, row, column) \
  ((t)->c_at + (C_TRANSPOSED ? (long)(column) * (t)->ldc + (row) : (long)(row) * (t)->ldc + (column)))

// One element of C from its sum; row and column lie within C.
inline value_t finished(const Target *t, sum_t sum, int row, int column) {
#if KIND_C == 3
  int v = (int)t->alpha * sum;
#if HAS_BETA
  v += (int)t->beta * t->c[c_index(t, row, column)];
#endif
  return v;
#else
  float v = t->alpha * (float)sum;
#if HAS_BETA
  v += t->beta * load_c(t->c, c_index(t, row, column));
#endif
#if BIAS == 1
  v += bias_of(t, row);
#elif BIAS == 2
  v += bias_of(t, column);
#endif
  v = activate(v) * t->scale;
#if HAS_RESIDUAL
  v += load_c(t->residual, t->residual_at + (C_TRANSPOSED ? (long)column * t->ldr + row : (long)row * t->ldr + column));
#endif
  return v;
#endif
}

// The row of a warpgroup's 64 that a lane's sums are in, of two.
inline int row_of(int warp, int lane, int which) {
#if A_IN_REGISTERS
  // Lanes that fetch together meet different banks, and the two rows are neighbours.
  const int g = lane >> 2;
  return (warp >> 1) << 5 | (g >> 1 & 1) << 4 | (warp & 1) << 3 | g >> 2 << 2 | (g & 1) << 1 | which;
#else
  return warp * 16 + (lane >> 2) + which * 8;
#endif
}

#if STORE_BOXES && C_TRANSPOSED
// Boxes of 32 columns by 32 rows, for each half of the rows one, go to local memory, two pairs in turn, and from there
// to C; `stores` counts the pairs.
inline void store_tile(const Target *t, global const uchar *map_c, sum_t *d, uint boxes, int row, int column, int z,
                       int bar, int *stores) {
  const int item = (int)get_local_id(0) & 127, lane = item & 31, warp = item >> 5;
  const int own = row_of(warp, lane, 0), r = min(row + own, t->m - 1), r1 = min(row + own + 1, t->m - 1);
#pragma unroll
  for (int first = 0; first < BN; first += 32) {
    const uint at = boxes + (uint)((*stores)++ & 1) * BOX_BYTES;
    if (item == 0) bulk_wait_read(1);
    named_barrier(bar, 128);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int line = (i >> 1) * 8 + (lane & 3) * 2 + (i & 1), s = (first / 8 + (i >> 1)) * 4 + (i & 1);
      const int q = min(column + first + line, t->n - 1);
      const value_t low = finished(t, d[s], r, q), high = finished(t, d[s + 2], r1, q);
      const int x = own & 31, chunk = (x >> 2) ^ (line & 7);
      asm volatile(
          "st.shared.v2.b32 [%0], {%1, %2};" ::"r"(at + (own >> 5) * 4096 + line * 128 + chunk * 16 + (x & 3) * 4),
          "r"(as_uint(low)), "r"(as_uint(high))
          : "memory");
    }
    async_proxy_fence();
    named_barrier(bar, 128);
    if (item == 0) {
      tensor_store(map_c, at, row, column + first, z);
      tensor_store(map_c, at + 4096, row + 32, column + first, z);
      bulk_commit();
    }
  }
}
#elif STORE_BOXES
// Boxes of 64 rows by 128 bytes go to local memory, two in turn, and from there to C; the edges are cut off there.
// `stores` counts them across the tiles: a tile may have an odd number, and the last one may still be on its way.
inline void store_tile(const Target *t, global const uchar *map_c, sum_t *d, uint boxes, int row, int column, int z,
                       int bar, int *stores) {
  const int item = (int)get_local_id(0) & 127, lane = item & 31, warp = item >> 5;
#pragma unroll
  for (int box = 0; box < BN / BOX; ++box) {
    const uint at = boxes + (uint)((*stores)++ & 1) * BOX_BYTES;
    if (item == 0) bulk_wait_read(1);
    named_barrier(bar, 128);
#if CS == 2
#pragma unroll
    for (int pair = 0; pair < 4; ++pair) {
      const int j = box * 8 + pair * 2, r = row + warp * 16 + (lane >> 2), q = column + j * 8 + (lane & 3) * 2;
      uint out[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int rr = r + (i & 1) * 8, qq = q + (i >> 1) * 8, s = (j + (i >> 1)) * 4 + (i & 1) * 2;
#if BIAS || HAS_BETA || HAS_RESIDUAL
        const int ri = min(rr, t->m - 1);
        out[i] = pack(finished(t, d[s], ri, min(qq, t->n - 1)), finished(t, d[s + 1], ri, min(qq + 1, t->n - 1)));
#else
        out[i] = pack(finished(t, d[s], rr, qq), finished(t, d[s + 1], rr, qq + 1));
#endif
      }
      const int line = warp * 16 + (lane & 15), chunk = (pair * 2 + (lane >> 4)) ^ (line & 7);
      asm volatile(
          "stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(at + line * 128 + chunk * 16),
          "r"(out[0]), "r"(out[1]), "r"(out[2]), "r"(out[3])
          : "memory");
    }
#else
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int j = box * 4 + (i >> 1), line = row_of(warp, lane, i & 1), s = j * 4 + (i & 1) * 2;
      int r = row + line, q = column + j * 8 + (lane & 3) * 2, q1 = q + 1;
#if BIAS || HAS_BETA || HAS_RESIDUAL
      r = min(r, t->m - 1);
      q1 = min(q1, t->n - 1);
      q = min(q, t->n - 1);
#endif
      const value_t low = finished(t, d[s], r, q), high = finished(t, d[s + 1], r, q1);
      const int chunk = ((i >> 1) * 2 + ((lane & 3) >> 1)) ^ (line & 7);
      asm volatile("st.shared.v2.b32 [%0], {%1, %2};" ::"r"(at + line * 128 + chunk * 16 + (lane & 1) * 8),
                   "r"(as_uint(low)), "r"(as_uint(high))
                   : "memory");
    }
#endif
    async_proxy_fence();
    named_barrier(bar, 128);
    if (item == 0) {
      tensor_store(map_c, at, column + box * BOX, row, z);
      bulk_commit();
    }
  }
}
#else
inline void store_tile(const Target *t, global const uchar *map_c, sum_t *d, uint boxes, int row, int column, int z,
                       int bar, int *stores) {
  const int item = (int)get_local_id(0) & 127, lane = item & 31, warp = item >> 5;
  const int q = column + (lane & 3) * 2;
#pragma unroll
  for (int j = 0; j < BN / 8; ++j)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int rr = row + row_of(warp, lane, i >> 1), qq = q + j * 8 + (i & 1);
      if (rr < t->m && qq < t->n) store_one(t->c, c_index(t, rr, qq), finished(t, d[j * 4 + i], rr, qq));
    }
}
#endif

kernel __attribute__((reqd_work_group_size(384, 1, 1))) void gemm_wgmma(
    global const uchar *maps, long maps_at, int m, int n, int k, int batch_count, int a_batched, int b_batched,
    float alpha, float beta, global stored *c, long c_offset, long ldc, long c_stride, global const uchar *bias,
    long bias_offset, float output_scale, global const stored *residual, long residual_offset, long ldr,
    long residual_stride, int splits, global float *parts, global uint *arrived) {
  local __attribute__((aligned(1024))) uchar stages[STAGES * STAGE_BYTES + C_BYTES];
  local ulong bars[2 * STAGES];
  local uint last;
  const uint base = local_address(stages), full = local_address(bars), empty = full + STAGES * 8;
  const int item = (int)get_local_id(0), warpgroup = item >> 7;
  const int tiles_m = (m + BM - 1) / BM, tiles_n = (n + BN - 1) / BN;
  const int tiles = tiles_m * tiles_n, steps = (k + BK - 1) / BK;
  const int work = tiles * batch_count * splits, groups = (int)get_num_groups(0);
  // The maps of A and B, with SPLIT those of their low panels, then that of C.
  global const uchar *map = maps + maps_at;
  if (item == 0) {
    for (int i = 0; i < STAGES; ++i) {
      mbarrier_init(full + i * 8, 1);
      mbarrier_init(empty + i * 8, 2);
    }
    mbarrier_init_fence();
    for (int i = 0; i <= MAPS; ++i) tensor_map_acquire(map + i * 128);
  }
  barrier(CLK_LOCAL_MEM_FENCE);

// From a piece of work to the tile's place: parts of one tile are far apart in time as little as possible.
#define PLACE_TILE                                                                                            \
  const int part = w % splits, tile_of_all = w / splits, z = tile_of_all / tiles, tile = tile_of_all % tiles; \
  PLACE_IN_BANDS(int)                                                                                         \
  const int first_step = (int)((long)steps * part / splits), end_step = (int)((long)steps * (part + 1) / splits);

  if (warpgroup == 0) {
    fewer_registers(40);
    if (item == 0) {
      int stage = 0;
      uint parity = 1;
      for (int w = (int)get_group_id(0); w < work; w += groups) {
        PLACE_TILE
        const int za = a_batched ? z : 0, zb = b_batched ? z : 0;
        for (int step = first_step; step < end_step; ++step) {
          const uint bar = full + stage * 8;
          mbarrier_wait(empty + stage * 8, parity);
          mbarrier_expect(bar, (uint)STAGE_BYTES);
#pragma unroll
          for (int panel = 0; panel < MAPS / 2; ++panel) {
            global const uchar *map_a = map + panel * 256, *map_b = map_a + 128;
            const uint to = base + stage * STAGE_BYTES + panel * PANELS_BYTES;
#if A_LINES_ARE_K
            for (int i = 0; i < BM / BK; ++i)
              tensor_load(to + i * K_BOX_BYTES, map_a, bar, row + i * BK, step * BK, za);
#else
            tensor_load(to, map_a, bar, step * BK, row, za);
#endif
#if B_LINES_ARE_K
            for (int i = 0; i < BN / BK; ++i)
              tensor_load(to + A_BYTES + i * K_BOX_BYTES, map_b, bar, column + i * BK, step * BK, zb);
#else
            tensor_load(to + A_BYTES, map_b, bar, step * BK, column, zb);
#endif
          }
          if (++stage == STAGES) stage = 0, parity ^= 1;
        }
      }
    }
    return;
  }

  more_registers(232);
  const int consumer = warpgroup - 1;
  const uint boxes = base + STAGES * STAGE_BYTES + consumer * 2 * BOX_BYTES;
  Target target = {alpha, beta, output_scale, c, 0, ldc, residual, 0, ldr, bias, bias_offset, m, n};
  int stage = 0, stores = 0;
  uint parity = 0;
#if A_IN_REGISTERS
  // Bytes into a stage, of lines lane % 4 and 4 after it.
  const int lane = item & 31, x = row_of(item >> 5 & 3, lane, 0) + consumer * 64;
  uint own_a[2];
  for (int i = 0; i < 2; ++i) {
    const int line = (lane & 3) + i * 4;
    own_a[i] = (uint)(x / 32 * K_BOX_BYTES + line * 128 + (((x >> 2 & 7) ^ line) << 4) + (x & 3) * 4);
  }
#endif
  for (int w = (int)get_group_id(0); w < work; w += groups) {
    PLACE_TILE
    sum_t d[SUMS];
#if SPLIT
    float total[SUMS];
#pragma unroll
    for (int i = 0; i < SUMS; ++i) total[i] = 0.0f;
#endif
    int before = -1;
    for (int step = first_step; step < end_step; ++step) {
      mbarrier_wait(full + stage * 8, parity);
      const uint at = base + stage * STAGE_BYTES;
      const ulong b = descriptor(at + A_BYTES, B_LINES_ARE_K);
#if A_IN_REGISTERS
      // Not before the matrix unit has done with the registers; meanwhile it is busy for the other warpgroup.
      wgmma_wait(0);
      if (before >= 0 && (item & 127) == 0) mbarrier_arrive(empty + before * 8);
      uint fa[4][4];
#pragma unroll
      for (int i = 0; i < 8; ++i)
        asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];"
                     : "=r"(fa[i / 2][i % 2 * 2]), "=r"(fa[i / 2][i % 2 * 2 + 1])
                     : "r"(at + own_a[i % 2] + i / 2 * 1024)
                     : "memory");
      wgmma_fence();
#pragma unroll
      for (int i = 0; i < 4; ++i) wgmma_of_registers(d, fa[i], b + i * B_STEP, (before >= 0) | (i ? 1 : 0));
      wgmma_commit();
      before = stage;
#else
      const ulong a = descriptor(at + consumer * BOX_BYTES, A_LINES_ARE_K);
      wgmma_fence();
#if SPLIT
      // The small products first.
      const ulong low_a = descriptor(at + PANELS_BYTES + consumer * BOX_BYTES, 0);
      const ulong low_b = descriptor(at + PANELS_BYTES + A_BYTES, 0);
#pragma unroll
      for (int i = 0; i < 4; ++i) wgmma(d, low_a + i * A_STEP, b + i * B_STEP, i ? 1 : 0);
#pragma unroll
      for (int i = 0; i < 4; ++i) wgmma(d, a + i * A_STEP, low_b + i * B_STEP, 1);
#pragma unroll
      for (int i = 0; i < 4; ++i) wgmma(d, a + i * A_STEP, b + i * B_STEP, 1);
      wgmma_commit();
      wgmma_wait(0);
      if ((item & 127) == 0) mbarrier_arrive(empty + stage * 8);
#pragma unroll
      for (int i = 0; i < SUMS; ++i) total[i] += d[i];
#else
#pragma unroll
      for (int i = 0; i < 4; ++i) wgmma(d, a + i * A_STEP, b + i * B_STEP, (before >= 0) | (i ? 1 : 0));
      wgmma_commit();
      wgmma_wait(1);
      if (before >= 0 && (item & 127) == 0) mbarrier_arrive(empty + before * 8);
      before = stage;
#endif
#endif
      if (++stage == STAGES) stage = 0, parity ^= 1;
    }
#if SPLIT
#pragma unroll
    for (int i = 0; i < SUMS; ++i) d[i] = total[i];
#else
    wgmma_wait(0);
    if ((item & 127) == 0) mbarrier_arrive(empty + before * 8);
#endif

    if (splits > 1) {
      // Sums as the registers have them: item by item for each register.
      const long size = BM * BN, own = (long)tile_of_all * splits * size + (item - 128);
#pragma unroll
      for (int i = 0; i < SUMS; ++i) ((global sum_t *)parts)[own + part * size + i * 256] = d[i];
      asm volatile("fence.acq_rel.gpu;" ::: "memory");
      named_barrier(3, 256);
      if (item == 128) {
        const uint others = atomic_inc(arrived + tile_of_all);
        last = others == (uint)(splits - 1);
        if (last) arrived[tile_of_all] = 0;
      }
      named_barrier(3, 256);
      const uint is_last = last;
      named_barrier(3, 256);
      if (!is_last) continue;
      asm volatile("fence.acq_rel.gpu;" ::: "memory");
#pragma unroll
      for (int i = 0; i < SUMS; ++i) d[i] = 0;
      // Part by part, so that many reads are under way at once.
      for (int s = 0; s < splits; ++s)
#pragma unroll
        for (int i = 0; i < SUMS; ++i) d[i] += ((global const sum_t *)parts)[own + s * size + i * 256];
    }
    target.c_at = c_offset + z * c_stride;
    target.residual_at = residual_offset + z * residual_stride;
    store_tile(&target, map + MAPS * 128, d, boxes, row + consumer * 64, column, z, consumer + 1, &stores);
  }
#if STORE_BOXES
  if ((item & 127) == 0) bulk_wait(0);
#endif
}
