/* Counting references of raw OpenCL objects, for from_int_ptr(p, retain=False) and Kernel.int_ptr. */
#ifndef GPUC_PY_NATIVE_H
#define GPUC_PY_NATIVE_H

#include <stddef.h>
#include <stdint.h>

/* cdef */

/* clRelease... of one object; each gives the OpenCL error code. In a forked child and in exit() they do nothing. */
int32_t gpuc_py_release_context(void *native);
int32_t gpuc_py_release_queue(void *native);
int32_t gpuc_py_release_event(void *native);
int32_t gpuc_py_release_buffer(void *native);
int32_t gpuc_py_release_program(void *native);
int32_t gpuc_py_release_kernel(void *native);

/* The cl_context (or, for a kernel, the cl_program) that an object belongs to; not retained. */
int32_t gpuc_py_queue_context(void *native, void **out_context);
int32_t gpuc_py_event_context(void *native, void **out_context);
int32_t gpuc_py_buffer_context(void *native, void **out_context);
int32_t gpuc_py_program_context(void *native, void **out_context);
int32_t gpuc_py_kernel_program(void *native, void **out_program);

/* The name of a kernel; the bytes needed with the NUL. */
int32_t gpuc_py_kernel_name(void *native, char *buf, size_t capacity, size_t *out_needed);

/* cdef */
#endif
