/* The launch of a kernel from one block of bytes that Python packs: one call, nothing allocated, no Python in it. */
#ifndef GPUC_PY_LAUNCH_H
#define GPUC_PY_LAUNCH_H

#include <gpucompute/gpucompute.h>

/* cdef */

/* One argument as the kernel declares it. */
typedef struct gpuc_py_param {
  gpuc_arg_kind kind;    /* BUFFER, SCALAR, BYTES or LOCAL */
  gpuc_type type;        /* SCALAR: how the number is packed; BUFFER: what the pointer points to, or NONE */
  uint64_t size_bytes;   /* BYTES */
  uint32_t offset_bytes; /* where its bytes start in the block */
  uint32_t reserved;
} gpuc_py_param;

/* A kernel and its parameters; made once, then read only. */
typedef struct gpuc_py_plan {
  gpuc_kernel *kernel;
  const gpuc_py_param *params;
  size_t param_count;
  size_t block_bytes; /* of a whole block */
} gpuc_py_plan;

/* What Python packs for a buffer, for local memory and for a null pointer: 16 bytes. */
typedef struct gpuc_py_object {
  uint64_t value;  /* the handle of the buffer; the size of the local memory; 0 */
  int16_t kind;    /* BUFFER, LOCAL or NULL */
  int16_t type;    /* the element type of an array, or NONE for plain memory */
  int32_t strided; /* 1: the elements are not one after the other */
} gpuc_py_object;

enum { GPUC_PY_MAX_PARAMS = 256, GPUC_PY_REFUSED = -1 };

/* gpuc_kernel_launch with the arguments that `block` holds, laid out as the plan says. `launch` is a gpuc_launch as
 * bytes. GPUC_PY_REFUSED: an object does not fit its parameter; nothing was launched, and no message left. */
int32_t gpuc_py_launch(const gpuc_py_plan *plan, gpuc_queue *queue, const char *launch, const char *block);
int32_t gpuc_py_launch_waits(const gpuc_py_plan *plan, gpuc_queue *queue, const char *launch, const char *block,
                             gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);

/* cdef */
#endif
