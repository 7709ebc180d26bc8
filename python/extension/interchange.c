#define _GNU_SOURCE  // process_vm_readv
#define Py_LIMITED_API 0x03090000
#include <Python.h>

#include "interchange.h"

#include <CL/cl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/uio.h>
#include <unistd.h>
#endif

/* ---- DLPack ------------------------------------------------------------------------------------------------------ */

typedef struct {
  union {
    DLManagedTensor plain;
    DLManagedTensorVersioned versioned;
  } managed;
  gpuc_buffer *buffer;
  int64_t numbers[]; /* shape, strides */
} Export;

static atomic_llong living;

static void give_up(Export *item) {
  gpuc_buffer_release(item->buffer);
  free(item);
  atomic_fetch_sub(&living, 1);
}

static void delete_plain(DLManagedTensor *self) { give_up(self->manager_ctx); }
static void delete_versioned(DLManagedTensorVersioned *self) { give_up(self->manager_ctx); }

void *gpuc_py_dlpack_create(gpuc_buffer *buffer, const DLTensor *tensor, int versioned, uint64_t flags) {
  const size_t dims = (size_t)tensor->ndim;
  Export *item = calloc(1, sizeof *item + 2 * dims * sizeof(int64_t));
  if (!item || gpuc_buffer_retain(buffer)) {
    free(item);
    return NULL;
  }
  item->buffer = buffer;
  if (dims) {
    memcpy(item->numbers, tensor->shape, dims * sizeof(int64_t));
    memcpy(item->numbers + dims, tensor->strides, dims * sizeof(int64_t));
  }
  DLTensor copy = *tensor;
  copy.shape = item->numbers;
  copy.strides = item->numbers + dims;
  atomic_fetch_add(&living, 1);
  if (versioned) {
    item->managed.versioned = (DLManagedTensorVersioned){
        .major = 1, .minor = 0, .manager_ctx = item, .deleter = delete_versioned, .flags = flags, .dl_tensor = copy};
    return &item->managed.versioned;
  }
  item->managed.plain = (DLManagedTensor){.dl_tensor = copy, .manager_ctx = item, .deleter = delete_plain};
  return &item->managed.plain;
}

int64_t gpuc_py_dlpack_living(void) { return atomic_load(&living); }

void gpuc_py_dlpack_delete(void *managed, int versioned) {
  if (versioned) {
    DLManagedTensorVersioned *tensor = managed;
    if (tensor->deleter) tensor->deleter(tensor);
  } else {
    DLManagedTensor *tensor = managed;
    if (tensor->deleter) tensor->deleter(tensor);
  }
}

/* Whoever takes the tensor renames the capsule. */
void gpuc_py_dlpack_destroy(void *capsule) {
  if (PyCapsule_IsValid(capsule, "dltensor"))
    gpuc_py_dlpack_delete(PyCapsule_GetPointer(capsule, "dltensor"), 0);
  else if (PyCapsule_IsValid(capsule, "dltensor_versioned"))
    gpuc_py_dlpack_delete(PyCapsule_GetPointer(capsule, "dltensor_versioned"), 1);
}

/* ---- raw OpenCL memory ------------------------------------------------------------------------------------------- */

int gpuc_py_same_driver(void *candidate, void *known) {
  void *table = NULL;
  if (!candidate || (uintptr_t)candidate % sizeof(void *)) return 0;
#ifdef __linux__
  struct iovec to = {&table, sizeof table}, from = {candidate, sizeof table};
  if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)sizeof table) {
    /* Also where a sandbox forbids the call: then what we know to be good cannot be read either. */
    struct iovec good = {known, sizeof table};
    if (process_vm_readv(getpid(), &to, 1, &good, 1, 0) == (ssize_t)sizeof table) return 0;
    memcpy(&table, candidate, sizeof table);
  }
#else
  memcpy(&table, candidate, sizeof table);
#endif
  void *wanted = NULL;
  memcpy(&wanted, known, sizeof wanted);
  return table == wanted;
}

int gpuc_py_is_buffer(void *native, void **out_context, size_t *out_size_bytes) {
  cl_mem_object_type type = 0;
  return clGetMemObjectInfo(native, CL_MEM_TYPE, sizeof type, &type, NULL) == CL_SUCCESS &&
         type == CL_MEM_OBJECT_BUFFER &&
         clGetMemObjectInfo(native, CL_MEM_CONTEXT, sizeof *out_context, out_context, NULL) == CL_SUCCESS &&
         clGetMemObjectInfo(native, CL_MEM_SIZE, sizeof *out_size_bytes, out_size_bytes, NULL) == CL_SUCCESS;
}

/* ---- Arrow ------------------------------------------------------------------------------------------------------- */

/* Each node owns itself, its children and its text or values. */

static void release_schema(ArrowSchema *schema) {
  for (int64_t i = 0; i < schema->n_children; ++i)
    if (schema->children[i]) {
      if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
      free(schema->children[i]);
    }
  free(schema->children);
  free(schema->private_data);
  schema->release = NULL;
}

static void release_array(ArrowArray *array) {
  for (int64_t i = 0; i < array->n_children; ++i)
    if (array->children[i]) {
      if (array->children[i]->release) array->children[i]->release(array->children[i]);
      free(array->children[i]);
    }
  free(array->children);
  free(array->buffers);
  free(array->private_data);
  array->release = NULL;
}

static void drop(ArrowSchema *schema, ArrowArray *array) {
  if (schema && schema->release) schema->release(schema);
  if (array && array->release) array->release(array);
  free(schema);
  free(array);
}

int gpuc_py_arrow_create(const char *format, const void *values, size_t value_bytes, int64_t length,
                         int64_t outer_length, const int64_t *sizes, int64_t depth, ArrowSchema **out_schema,
                         ArrowArray **out_array) {
  ArrowSchema *schema = calloc(1, sizeof *schema);
  ArrowArray *array = calloc(1, sizeof *array);
  const int is_leaf = depth == 0;
  char text[32];
  if (!schema || !array) goto fail;
  schema->release = release_schema;
  array->release = release_array;
  if (is_leaf)
    snprintf(text, sizeof text, "%s", format);
  else
    snprintf(text, sizeof text, "+w:%lld", (long long)sizes[0]);
  schema->private_data = strdup(text);
  schema->format = schema->private_data;
  schema->name = is_leaf ? "item" : "";
  array->length = is_leaf ? length : outer_length;
  array->n_buffers = is_leaf ? 2 : 1; /* the first tells of nulls, of which there are none */
  array->buffers = calloc(2, sizeof *array->buffers);
  if (!schema->format || !array->buffers) goto fail;
  if (is_leaf) {
    /* Arrow recommends memory that is aligned to 64 bytes. */
    array->private_data = aligned_alloc(64, (value_bytes + 64) / 64 * 64);
    if (!array->private_data) goto fail;
    memcpy(array->private_data, values, value_bytes);
    array->buffers[1] = array->private_data;
  } else {
    schema->children = calloc(1, sizeof *schema->children);
    array->children = calloc(1, sizeof *array->children);
    if (!schema->children || !array->children) goto fail;
    schema->n_children = array->n_children = 1;
    if (!gpuc_py_arrow_create(format, values, value_bytes, length, outer_length * sizes[0], sizes + 1, depth - 1,
                              schema->children, array->children))
      goto fail;
  }
  *out_schema = schema;
  *out_array = array;
  return 1;
fail:
  drop(schema, array);
  return 0;
}

/* Whoever takes what is inside marks it as released. */
void gpuc_py_arrow_destroy_schema(void *capsule) { drop(PyCapsule_GetPointer(capsule, "arrow_schema"), NULL); }
void gpuc_py_arrow_destroy_array(void *capsule) { drop(NULL, PyCapsule_GetPointer(capsule, "arrow_array")); }
