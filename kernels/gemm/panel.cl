// Copies a matrix into a panel: lines of a fixed, aligned distance, transposed on the way if need be.
//
// Index map. Groups of 32 x 8 x 1 for tiles of TILE x TILE elements: group (gx, gy, gz) takes the gx-th along the lines
// of the source, the gy-th downwards, of matrix gz, and those a whole range further in each dimension. A tile goes
// through local memory in words of 4 bytes (8 for ulong), so that reads and writes are both of words along lines: item
// (x, y) reads word x of lines y, y + 8, ... and writes word x of those lines of the panel.
//
// ELEMENT is an unsigned type of an element's size, SIZE that size. With SPLIT elements are float, and there are two
// panels: the numbers rounded to 11 significant bits (as tf32 has them), and what is left.
#ifndef ELEMENT
#define ELEMENT uint
#define SIZE 4
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 1
#endif
#if SIZE == 8
typedef ulong word;
#define PER_WORD 1
#else
typedef uint word;
#define PER_WORD (4 / SIZE)
#endif
#define TILE (32 * PER_WORD)
#define BITS (8 * SIZE)

inline float upper_part(float x) {
  const uint bits = as_uint(x), rounded = (bits + 0x1000) & 0xffffe000;
  // Rounding must not make an infinity of a number, and leaves infinities and NaN alone.
  if ((bits & 0x7f800000) == 0x7f800000) return x;
  return as_float((rounded & 0x7f800000) == 0x7f800000 ? bits & 0xffffe000 : rounded);
}

// Word x of what starts at p, as far as its elements are below `limit`.
inline word read_word(global const ELEMENT *p, int x, long limit) {
  word w = 0;
  for (int i = 0; i < PER_WORD; ++i)
    if (x * PER_WORD + i < limit) w |= (word)p[x * PER_WORD + i] << (i * BITS % 64);
  return w;
}

// Panels are aligned.
inline void write_word(global ELEMENT *p, int x, long limit, word w) {
  if (limit >= (x + 1) * PER_WORD) {
    ((global word *)p)[x] = w;
    return;
  }
  for (int i = 0; i < PER_WORD; ++i)
    if (x * PER_WORD + i < limit) p[x * PER_WORD + i] = (ELEMENT)(w >> (i * BITS % 64));
}

// Word x of line i of the panel, from the tile.
inline word take_word(local word (*tile)[33], int i, int x) {
#if !TRANSPOSED
  return tile[i][x];
#elif PER_WORD == 1
  return tile[x][i];
#else
  word w = 0;
#pragma unroll
  for (int j = 0; j < PER_WORD; ++j)
    w |= (word)(ELEMENT)(tile[x * PER_WORD + j][i / PER_WORD] >> (i % PER_WORD * BITS)) << (j * BITS);
  return w;
#endif
}

inline void put_word(global ELEMENT *p, int x, long limit, long low_offset, word w) {
#ifdef SPLIT
  const float value = as_float(w), high = upper_part(value);
  write_word(p, x, limit, as_uint(high));
  write_word(p + low_offset, x, limit, isinf(value) ? 0u : as_uint(value - high));
#else
  write_word(p, x, limit, w);
#endif
}

kernel __attribute__((reqd_work_group_size(32, 8, 1))) void gemm_panel(global const ELEMENT *from, long offset, long ld,
                                                                       long stride, long lines, long length,
                                                                       long batch_count, global ELEMENT *to, long to_ld,
                                                                       long to_stride, long low_offset) {
  local word tile[TILE][33];
  const int x = (int)get_local_id(0), y = (int)get_local_id(1);
  const long step_at = (long)get_num_groups(0) * TILE, step_line = (long)get_num_groups(1) * TILE;
  for (long batch = (long)get_group_id(2); batch < batch_count; batch += (long)get_num_groups(2))
    for (long line = (long)get_group_id(1) * TILE; line < lines; line += step_line)
      for (long at = (long)get_group_id(0) * TILE; at < length; at += step_at) {
        global const ELEMENT *source = from + offset + batch * stride + line * ld + at;
        const long out_line = TRANSPOSED ? at : line, out_at = TRANSPOSED ? line : at;
        global ELEMENT *panel = to + batch * to_stride + out_line * to_ld + out_at;
        const bool whole = line + TILE <= lines && at + TILE <= length;
        const bool words = (((size_t)source | (size_t)ld * SIZE) & (sizeof(word) - 1)) == 0;
        // Without conditions the reads are all under way at once.
        if (whole && words) {
          global const ELEMENT *p = source + y * ld;
#pragma unroll
          for (int i = 0; i < TILE; i += 8) tile[y + i][x] = ((global const word *)(p + i * ld))[x];
        } else {
          for (int i = y; i < TILE; i += 8)
            if (line + i < lines) tile[i][x] = read_word(source + i * ld, x, length - at);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (whole) {
          global ELEMENT *p = panel + y * to_ld;
#pragma unroll
          for (int i = 0; i < TILE; i += 8) put_word(p + i * to_ld, x, TILE, low_offset, take_word(tile, y + i, x));
        } else {
          const long out_lines = TRANSPOSED ? length : lines, limit = (TRANSPOSED ? lines : length) - out_at;
          for (int i = y; i < TILE && out_line + i < out_lines; i += 8)
            put_word(panel + i * to_ld, x, limit, low_offset, take_word(tile, i, x));
        }
        barrier(CLK_LOCAL_MEM_FENCE);
      }
}
