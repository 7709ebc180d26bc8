/* Structures that other libraries know: DLPack's and Arrow's C data interface; and what must be C about them. A
 * capsule's destructor and a structure's release function may run in any thread, at any time, after the interpreter has
 * ended. */
#ifndef GPUC_PY_INTERCHANGE_H
#define GPUC_PY_INTERCHANGE_H

#include <gpucompute/gpucompute.h>
#include <stddef.h>
#include <stdint.h>

/* cdef */

typedef struct {
  int32_t device_type;
  int32_t device_id;
} DLDevice;

typedef struct {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} DLDataType;

typedef struct {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byte_offset;
} DLTensor;

typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

typedef struct DLManagedTensorVersioned {
  uint32_t major;
  uint32_t minor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensorVersioned *self);
  uint64_t flags;
  DLTensor dl_tensor;
} DLManagedTensorVersioned;

typedef struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
} ArrowSchema;

typedef struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
} ArrowArray;

/* A managed tensor over a buffer, which it keeps until its deleter is called. `tensor` is copied, with its shape and
 * strides; NULL when memory has run out or the buffer is closed. versioned: a DLManagedTensorVersioned with these
 * flags, otherwise a DLManagedTensor. */
void *gpuc_py_dlpack_create(gpuc_buffer *buffer, const DLTensor *tensor, int versioned, uint64_t flags);
/* How many of these exist. */
int64_t gpuc_py_dlpack_living(void);
/* Destructors of capsules named "dltensor" and "dltensor_versioned" (PyObject *): a tensor that nobody took is deleted.
 */
void gpuc_py_dlpack_destroy(void *capsule);
/* Deletes a tensor of another library. */
void gpuc_py_dlpack_delete(void *managed, int versioned);

/* Whether `candidate` can be an OpenCL object of the driver that `known` is of: both begin with the address of one
 * table. Reads `candidate` in a way that survives an address of nothing. */
int gpuc_py_same_driver(void *candidate, void *known);
/* Whether it is a cl_mem that is a buffer; its cl_context and size. Call it for objects of a known driver only. */
int gpuc_py_is_buffer(void *native, void **out_context, size_t *out_size_bytes);

/* A schema and an array with `depth` fixed-size lists around a primitive array of `length` values, copied from `values`
 * (value_bytes of them; bits where the format is "b"). sizes: of the lists, the outermost first; the array has
 * `outer_length` elements. 0 when memory has run out. */
int gpuc_py_arrow_create(const char *format, const void *values, size_t value_bytes, int64_t length,
                         int64_t outer_length, const int64_t *sizes, int64_t depth, ArrowSchema **out_schema,
                         ArrowArray **out_array);
/* Destructors of capsules named "arrow_schema" and "arrow_array" (PyObject *). */
void gpuc_py_arrow_destroy_schema(void *capsule);
void gpuc_py_arrow_destroy_array(void *capsule);

/* cdef */
#endif
