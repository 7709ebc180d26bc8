// Products by plain multiply-adds, for any GPU: f32 and f64, and f16, bf16, f8 that are summed in f32.
//
// Index map. A group computes a tile of TM x TN elements of C. Its items make up SLICES slices: slice s sums the
// products of k = s, s + SLICES, ... for the whole tile, and the slices are added up in the end. Of a slice, item i
// sums RM x RN elements, in blocks of 4 x 4: rows 4 * (i / ACROSS) ... and columns 4 * (i % ACROSS) ..., the next block
// TM * 4 / RM rows (TN * 4 / RN columns) further, so that neighbouring items read neighbouring words of local memory.
// Group g computes tiles g, g + groups, ... in bands of GROUP_M rows of tiles.
//   step     TK columns of op(A), TK rows of op(B), in local memory as [k][m] and [k][n], two places in turn: the next
//            step's elements are on their way into registers while this one's are multiplied
// Elements past the edges are 0 in both, so that no infinity meets a zero that is not an element.
//
// A_LINES_ARE_K: 0 where a line of A in memory runs along K, 1 where it runs along M; B likewise with N.
// A_QUADS: 1 where lines of A start at multiples of 4 elements and are whole quads; B and C likewise.
// Types as in element.clh, without the complex ones.
#ifndef TM
#define TM 128
#define TN 128
#define TK 16
#define RM 8
#define RN 8
#define SLICES 1
#define A_LINES_ARE_K 0
#define B_LINES_ARE_K 1
#define A_QUADS 1
#define B_QUADS 1
#define C_QUADS 1
#endif
#ifndef GROUP_M
#define GROUP_M 16
#endif
#include "gemm/element.clh"
#include "gemm/tile_walk.clh"

#define BM TM
#define BN TN
#define ACROSS (TN / RN)
#define ITEMS (TM / RM * ACROSS * SLICES)
#define PAD 4
#define A_LD (TM + PAD)
#define B_LD (TN + PAD)
#define PLACE_SIZE (TK * (A_LD + B_LD))
#if SLICES > 1 && SLICES * TM * TN > 2 * PLACE_SIZE
#define LOCAL_SIZE (SLICES * TM * TN)
#else
#define LOCAL_SIZE (2 * PLACE_SIZE)
#endif

#if COMPUTE_IS == 2
typedef double4 quad;
#define multiply_add(x, y, sum) fma(x, y, sum)
#elif COMPUTE_IS == 5
typedef int4 quad;
#define multiply_add(x, y, sum) ((x) * (y) + (sum))
#else
typedef float4 quad;
#define multiply_add(x, y, sum) fma(x, y, sum)
#endif
#if COMPUTE_IS == 5 && !PASTE(IS_C_, C_TYPE)
#define result4_of(x) convert_float4(x)
#else
#define result4_of(x) (x)
#endif

// Items move neighbours along a line together: quads, or single elements. MOVES of them per item and step for a tile of
// `width` x TK elements. Where lines run along K, K_ACROSS items are next to each other along k, the next ones take the
// next line.
#define WIDE(quads) ((quads) ? 4 : 1)
#define MOVES(width, quads) (((width)*TK + ITEMS * WIDE(quads) - 1) / (ITEMS * WIDE(quads)))
#define K_ACROSS(quads) ((quads) ? (TK < 16 ? TK / 4 : 4) : 8)
inline int is_move(int at, int width, int quads) {
  return width * TK % (ITEMS * WIDE(quads)) == 0 || at * WIDE(quads) < width * TK;
}
inline int k_of(int at, int lines_are_k, int width, int quads) {
  if (lines_are_k) return at / (width / WIDE(quads));
  return (at % K_ACROSS(quads) + at / (K_ACROSS(quads) * width) * K_ACROSS(quads)) * WIDE(quads);
}
inline int mn_of(int at, int lines_are_k, int width, int quads) {
  if (lines_are_k) return at % (width / WIDE(quads)) * WIDE(quads);
  return at / K_ACROSS(quads) % width;
}

// Puts what one item moved at where its first element belongs, `ld` from one k to the next.
inline void place_one(local element *to, int ld, int lines_are_k, element value) { *to = value; }
inline void place_quad(local element *to, int ld, int lines_are_k, quad value) {
  if (lines_are_k) {
    *(local quad *)to = value;
  } else {
    to[0] = value.s0;
    to[ld] = value.s1;
    to[2 * ld] = value.s2;
    to[3 * ld] = value.s3;
  }
}
#if A_QUADS
typedef quad moved_a;
#define move_a load4_a
#define place_a place_quad
#else
typedef element moved_a;
#define move_a load_a
#define place_a place_one
#endif
#if B_QUADS
typedef quad moved_b;
#define move_b load4_b
#define place_b place_quad
#else
typedef element moved_b;
#define move_b load_b
#define place_b place_one
#endif

// Elements q to q + 3 of line r of C.
inline void put(global stored_c *c, long ldc, long m, long n, long r, long q, quad sum, result alpha, result beta) {
  if (r >= m || q >= n) return;
#if C_QUADS
  if (beta != 0)
    store4_c(c, r * ldc + q, alpha * result4_of(sum) + beta * load4_c(c, r * ldc + q));
  else
    store4_c(c, r * ldc + q, alpha * result4_of(sum));
#else
  const element values[4] = {sum.s0, sum.s1, sum.s2, sum.s3};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (q + i >= n) break;
    result value = scale(alpha, result_of(values[i]));
    if (beta != 0) value += scale(beta, load_c(c, r * ldc + q + i));
    store_c(c, r * ldc + q + i, value);
  }
#endif
}

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void gemm_simt(
    long m, long n, long k, long batch_count, real alpha_real, real beta_real, global const stored_a *a, long a_offset,
    long lda, long a_stride, global const stored_b *b, long b_offset, long ldb, long b_stride, global stored_c *c,
    long c_offset, long ldc, long c_stride) {
  local __attribute__((aligned(4 * sizeof(element)))) element places[LOCAL_SIZE];
  const int item = (int)get_local_id(0), slice = item / (ITEMS / SLICES), within = item % (ITEMS / SLICES);
  const int x = within % ACROSS * 4, y = within / ACROSS * 4;
  const int tiles_m = (int)((m + TM - 1) / TM), tiles_n = (int)((n + TN - 1) / TN);
  const long tiles = (long)tiles_m * tiles_n, work = tiles * batch_count;
  const result alpha = result_from(alpha_real, 0), beta = result_from(beta_real, 0);

  for (long w = (long)get_group_id(0); w < work; w += (long)get_num_groups(0)) {
    const int z = (int)(w / tiles), tile = (int)(w - z * tiles);
    PLACE_IN_BANDS(long)
    global const stored_a *pa = a + a_offset + z * a_stride;
    global const stored_b *pb = b + b_offset + z * b_stride;

    moved_a next_a[MOVES(TM, A_QUADS)];
    moved_b next_b[MOVES(TN, B_QUADS)];
    quad sum[RM][RN / 4];
#pragma unroll
    for (int i = 0; i < RM; ++i)
#pragma unroll
      for (int j = 0; j < RN / 4; ++j) sum[i][j] = ZERO;

#define OF_A(of, i) of(item + (i)*ITEMS, A_LINES_ARE_K, TM, A_QUADS)
#define OF_B(of, i) of(item + (i)*ITEMS, B_LINES_ARE_K, TN, B_QUADS)
#define FETCH(step)                                                                                        \
  _Pragma("unroll") for (int i = 0; i < MOVES(TM, A_QUADS); ++i) {                                         \
    const long kk = (step) + OF_A(k_of, i), r = row + OF_A(mn_of, i);                                      \
    next_a[i] = kk < k && r < m ? move_a(pa, A_LINES_ARE_K ? kk * lda + r : r * lda + kk) : (moved_a)ZERO; \
  }                                                                                                        \
  _Pragma("unroll") for (int i = 0; i < MOVES(TN, B_QUADS); ++i) {                                         \
    const long kk = (step) + OF_B(k_of, i), q = column + OF_B(mn_of, i);                                   \
    next_b[i] = kk < k && q < n ? move_b(pb, B_LINES_ARE_K ? kk * ldb + q : q * ldb + kk) : (moved_b)ZERO; \
  }
#define PLACE(at)                                                                                                     \
  _Pragma("unroll") for (int i = 0; i < MOVES(TM, A_QUADS); ++i) if (is_move(item + i * ITEMS, TM, A_QUADS))          \
      place_a(places + (at)*PLACE_SIZE + OF_A(k_of, i) * A_LD + OF_A(mn_of, i), A_LD, A_LINES_ARE_K, next_a[i]);      \
  _Pragma("unroll") for (int i = 0; i < MOVES(TN, B_QUADS); ++i) if (is_move(item + i * ITEMS, TN, B_QUADS)) place_b( \
      places + (at)*PLACE_SIZE + TK * A_LD + OF_B(k_of, i) * B_LD + OF_B(mn_of, i), B_LD, B_LINES_ARE_K, next_b[i]);

    FETCH(0)
    PLACE(0)
    barrier(CLK_LOCAL_MEM_FENCE);
    int at = 0;
    for (long step = 0; step < k; step += TK) {
      if (step + TK < k) {
        FETCH(step + TK)
      }
      local const element *line_a = places + at * PLACE_SIZE + slice * A_LD + y;
      local const element *line_b = places + at * PLACE_SIZE + TK * A_LD + slice * B_LD + x;
#pragma unroll
      for (int i = 0; i < TK; i += SLICES) {
        quad va[RM / 4], vb[RN / 4];
#pragma unroll
        for (int j = 0; j < RM / 4; ++j) va[j] = *(local const quad *)(line_a + i * A_LD + j * (TM * 4 / RM));
#pragma unroll
        for (int j = 0; j < RN / 4; ++j) vb[j] = *(local const quad *)(line_b + i * B_LD + j * (TN * 4 / RN));
#define ROW(r, factor) \
  _Pragma("unroll") for (int q = 0; q < RN / 4; ++q) sum[r][q] = multiply_add((quad)(factor), vb[q], sum[r][q]);
#pragma unroll
        for (int j = 0; j < RM / 4; ++j) {
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
#define ROW_OF(i) ((i) / 4 * (TM * 4 / RM) + y + (i) % 4)
#define COLUMN_OF(j) ((j) * (TN * 4 / RN) + x)
#if SLICES == 1
#pragma unroll
    for (int i = 0; i < RM; ++i)
#pragma unroll
      for (int j = 0; j < RN / 4; ++j)
        put(pc, ldc, m, n, row + ROW_OF(i), column + COLUMN_OF(j), sum[i][j], alpha, beta);
#else
#pragma unroll
    for (int i = 0; i < RM; ++i)
#pragma unroll
      for (int j = 0; j < RN / 4; ++j)
        *(local quad *)(places + (slice * TM + ROW_OF(i)) * TN + COLUMN_OF(j)) = sum[i][j];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = item * 4; i < TM * TN; i += ITEMS * 4) {
      quad total = *(local quad *)(places + i);
#pragma unroll
      for (int s = 1; s < SLICES; ++s) total += *(local quad *)(places + s * TM * TN + i);
      put(pc, ldc, m, n, row + i / TN, column + i % TN, total, alpha, beta);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
#endif
  }
}
