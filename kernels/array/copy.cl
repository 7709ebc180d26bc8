// Moves elements between two strided views of arrays, changing their type on the way; or, with FILL 1, writes one value
// to all elements of a view.
//
// Axes are numbered from the fastest (0); the host has dropped those of size 1, merged what can be, and ordered them so
// that axis 0 has the smallest stride in the destination. Strides and offsets count src_t and dst_t, not bytes. Index
// maps:
//   array_elements   item n: the VEC elements that begin at element n * VEC, in order of the axes. For GPUs
//   array_rows       item n: elements (n % chunks) * chunk and on, `chunk` of them, of row n / chunks; a row lies along
//                    axis 0, and the other axes number the rows. For CPUs; PACKED 1: both sides of a row are without
//                    gaps
//   array_transpose  group g: tile g of TILE x TILE elements; axis 0 runs along the destination, axis 1 along the
//                    source, the others number planes; x tiles are numbered fastest, planes slowest. Items are TILE in
//                    x and TILE_ROWS in y; tile[i][j] in local memory is element (x = i, y = j) of the tile, so that
//                    loads and stores both run along memory; the pad of one element keeps the turned accesses off one
//                    bank
//   array_blocks     item n: block n of BLOCK x BLOCK elements, axes and numbering as array_transpose. For CPUs: a row
//   of
//                    a block is a line of the cache, and each line is touched once on both sides
//
// RANK is the number of axes, WIDE 1 where an offset may need more than 31 bits; the number of elements never does.
#include "array/element.clh"
#ifndef RANK
#define RANK 2
#endif
#ifndef WIDE
#define WIDE 0
#endif
#ifndef PACKED
#define PACKED 0
#endif
#ifndef FILL
#define FILL 0
#endif
#ifndef TILE
#define TILE 32
#endif
#ifndef TILE_ROWS
#define TILE_ROWS 8
#endif
#ifndef BLOCK
#define BLOCK 16
#endif

#if WIDE
typedef long offset_t;
#else
typedef int offset_t;
#endif

// Division by the size of an axis: n / size = mul_hi(n, multiplier) >> shift, for n below 2^31; that of the last axis
// is not used.
typedef struct {
  uint size[RANK];
  uint multiplier[RANK];
  uint shift[RANK];
  uint count;  // of elements, of rows, or of tiles
  long dst[RANK];
  long src[RANK];
} axes_t;

// Where an element lies on both sides, from its number within the axes `first` and on.
inline void locate(const axes_t *axes, int first, uint n, offset_t *to, offset_t *from) {
  for (int a = first; a < RANK; ++a) {
    uint i = n;
    if (a + 1 < RANK) {
      n = mul_hi(n, axes->multiplier[a]) >> axes->shift[a];
      i -= n * axes->size[a];
    }
    *to += (offset_t)i * (offset_t)axes->dst[a];
    *from += (offset_t)i * (offset_t)axes->src[a];
  }
}

#if FILL
#define SOURCE value_t value
#define take(from) (value)
#else
#define SOURCE global const src_t *restrict src, long src_offset
#define take(from) convert(load(src + (from)))
#endif

kernel void array_elements(axes_t axes, global dst_t *restrict dst, long dst_offset, SOURCE) {
  const uint n = (uint)get_global_id(0);
  if (n >= axes.count) return;
  dst += dst_offset;
#if !FILL
  src += src_offset;
#endif
  offset_t to = 0, from = 0;
#if VEC > 1
  // The host counts axis 0 in groups of VEC and gives the stride from one group to the next.
  work_t x[VEC];
  value_t v[VEC];
  locate(&axes, 0, n, &to, &from);
  load_many(src + from, x);
  for (int i = 0; i < VEC; ++i) v[i] = convert(x[i]);
  store_many(dst + to, v);
#else
  locate(&axes, 0, n, &to, &from);
  store(dst + to, take(from));
#endif
}

#if VEC == 1

kernel void array_rows(axes_t axes, global dst_t *restrict dst, long dst_offset, SOURCE, uint chunk, uint chunks) {
  const uint n = (uint)get_global_id(0);
  if (n >= axes.count) return;
  const uint row = n / chunks, begin = (n - row * chunks) * chunk;
  const uint count = min(chunk, axes.size[0] - begin);
  offset_t to = 0, from = 0;
  locate(&axes, 1, row, &to, &from);
  dst += dst_offset + to;
#if !FILL
  src += src_offset + from;
#endif
#if PACKED
  dst += (size_t)begin * DST_PARTS;
#if !FILL
  src += (size_t)begin * SRC_PARTS;
#endif
  for (uint i = 0; i < count; ++i) store(dst + i * DST_PARTS, take(i * SRC_PARTS));
#else
  const offset_t dst_step = (offset_t)axes.dst[0], src_step = (offset_t)axes.src[0];
  to = (offset_t)begin * dst_step;
  from = (offset_t)begin * src_step;
  for (uint i = 0; i < count; ++i, to += dst_step, from += src_step) store(dst + to, take(from));
#endif
}

#if !FILL && RANK > 1

kernel void array_blocks(axes_t axes, global dst_t *restrict dst, long dst_offset, global const src_t *restrict src,
                         long src_offset) {
  const uint n = (uint)get_global_id(0);
  if (n >= axes.count) return;
  value_t block[BLOCK][BLOCK];
  const uint blocks_x = (axes.size[0] + BLOCK - 1) / BLOCK, blocks_y = (axes.size[1] + BLOCK - 1) / BLOCK;
  const uint plane = n / (blocks_x * blocks_y), in_plane = n - plane * (blocks_x * blocks_y);
  const uint left = in_plane % blocks_x * BLOCK, top = in_plane / blocks_x * BLOCK;
  const uint width = min((uint)BLOCK, axes.size[0] - left), height = min((uint)BLOCK, axes.size[1] - top);
  offset_t to = 0, from = 0;
#if RANK > 2
  locate(&axes, 2, plane, &to, &from);
#endif
  const offset_t src_step = (offset_t)axes.src[0], dst_step = (offset_t)axes.dst[1];
  src += src_offset + from + (offset_t)left * src_step + (offset_t)top * SRC_PARTS;
  dst += dst_offset + to + (offset_t)left * DST_PARTS + (offset_t)top * dst_step;
  for (uint x = 0; x < width; ++x)
    for (uint y = 0; y < height; ++y) block[x][y] = convert(load(src + (offset_t)x * src_step + y * SRC_PARTS));
  for (uint y = 0; y < height; ++y)
    for (uint x = 0; x < width; ++x) store(dst + (offset_t)y * dst_step + x * DST_PARTS, block[x][y]);
}

kernel void array_transpose(axes_t axes, global dst_t *restrict dst, long dst_offset, global const src_t *restrict src,
                            long src_offset) {
  local value_t tile[TILE][TILE + 1];
  const uint tiles_x = (axes.size[0] + TILE - 1) / TILE, tiles_y = (axes.size[1] + TILE - 1) / TILE;
  const uint group = (uint)get_group_id(0), plane = group / (tiles_x * tiles_y);
  const uint in_plane = group - plane * (tiles_x * tiles_y);
  const uint left = in_plane % tiles_x * TILE, top = in_plane / tiles_x * TILE;
  const uint x = (uint)get_local_id(0), y = (uint)get_local_id(1);
  offset_t to = 0, from = 0;
#if RANK > 2
  locate(&axes, 2, plane, &to, &from);
#endif
  dst += dst_offset + to;
  src += src_offset + from;
  for (uint i = y; i < TILE; i += TILE_ROWS)
    if (left + i < axes.size[0] && top + x < axes.size[1])
      tile[i][x] = convert(
          load(src + (offset_t)(left + i) * (offset_t)axes.src[0] + (offset_t)(top + x) * (offset_t)axes.src[1]));
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint i = y; i < TILE; i += TILE_ROWS)
    if (left + x < axes.size[0] && top + i < axes.size[1])
      store(dst + (offset_t)(left + x) * (offset_t)axes.dst[0] + (offset_t)(top + i) * (offset_t)axes.dst[1],
            tile[x][i]);
}
#endif

#endif
