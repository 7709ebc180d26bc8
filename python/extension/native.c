#include "native.h"

#include <CL/cl.h>
#include <gpucompute/gpucompute.h>

/* Whether drivers may be called: not in a forked child, and not in exit(). Every function of the library knows; this is
 * a cheap one. */
static int running(void) {
  gpuc_launch launch;
  return gpuc_launch_init(&launch, sizeof launch) == GPUC_OK;
}

int32_t gpuc_py_release_context(void *native) { return running() ? clReleaseContext(native) : CL_SUCCESS; }
int32_t gpuc_py_release_queue(void *native) { return running() ? clReleaseCommandQueue(native) : CL_SUCCESS; }
int32_t gpuc_py_release_event(void *native) { return running() ? clReleaseEvent(native) : CL_SUCCESS; }
int32_t gpuc_py_release_buffer(void *native) { return running() ? clReleaseMemObject(native) : CL_SUCCESS; }
int32_t gpuc_py_release_program(void *native) { return running() ? clReleaseProgram(native) : CL_SUCCESS; }
int32_t gpuc_py_release_kernel(void *native) { return running() ? clReleaseKernel(native) : CL_SUCCESS; }

int32_t gpuc_py_queue_context(void *native, void **out_context) {
  return clGetCommandQueueInfo(native, CL_QUEUE_CONTEXT, sizeof *out_context, out_context, NULL);
}

int32_t gpuc_py_event_context(void *native, void **out_context) {
  return clGetEventInfo(native, CL_EVENT_CONTEXT, sizeof *out_context, out_context, NULL);
}

int32_t gpuc_py_buffer_context(void *native, void **out_context) {
  return clGetMemObjectInfo(native, CL_MEM_CONTEXT, sizeof *out_context, out_context, NULL);
}

int32_t gpuc_py_program_context(void *native, void **out_context) {
  return clGetProgramInfo(native, CL_PROGRAM_CONTEXT, sizeof *out_context, out_context, NULL);
}

int32_t gpuc_py_kernel_program(void *native, void **out_program) {
  return clGetKernelInfo(native, CL_KERNEL_PROGRAM, sizeof *out_program, out_program, NULL);
}

int32_t gpuc_py_kernel_name(void *native, char *buf, size_t capacity, size_t *out_needed) {
  return clGetKernelInfo(native, CL_KERNEL_FUNCTION_NAME, capacity, buf, out_needed);
}
