// element[i] = start + i * step, in the type of the array; f16, bf16 and f8 are computed in f32.
//
// Index map: item n writes element first + n. Offset and stride count dst_t. DST as in element.clh.
#ifndef DST
#define DST 10
#endif
// What start and step are given in.
#if DST == 9 || DST >= 14
#define SRC 10
#else
#define SRC DST
#endif
#include "array/element.clh"
#pragma OPENCL FP_CONTRACT OFF

// Integers wrap; signed ones go by way of unsigned ones, where that is defined.
#if SRC <= 8
typedef ulong term_t;
#else
typedef work_t term_t;
#endif
#if SRC == 12
#define INDEX(i) ((float)(i))
#elif SRC == 13
#define INDEX(i) ((double)(i))
#else
#define INDEX(i) ((term_t)(i))
#endif

kernel void array_arange(uint count, ulong first, global dst_t *restrict dst, long dst_offset, long stride,
                         work_t start, work_t step) {
  const uint n = (uint)get_global_id(0);
  if (n >= count) return;
  const term_t x = (term_t)start + (term_t)step * INDEX(first + n);
  store(dst + dst_offset + (long)n * stride, convert((work_t)x));
}
