/* c = a + b between a program's own OpenCL code and the library, in one context.
 *
 * Whose object is it? Both directions count references, and neither takes one away:
 *   _from_native  the library retains your object: release yours whenever you like, and ours whenever you like;
 *   _get_native   the object is lent, not retained: it lives as long as our handle; clRetain it to keep it longer.
 * gpuc_kernel_create_native is the exception, as its name says: it creates one for you, which you release. */
#include <CL/cl.h>
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 100000 };

static const char source[] =
    "kernel void add(global const float *a, global const float *b, global float *c) {\n"
    "  size_t i = get_global_id(0);\n"
    "  c[i] = a[i] + b[i];\n"
    "}\n";

static void check(gpuc_status status, const char *call) {
  if (status == GPUC_OK) return;
  fprintf(stderr, "%s\n  %s: %s\n%s", call, gpuc_status_name(status), gpuc_last_error_message(),
          gpuc_last_error_detail());
  exit(1);
}
#define CHECK(call) check(call, #call)

static void check_cl(cl_int code, const char *call) {
  if (code == CL_SUCCESS) return;
  fprintf(stderr, "%s: %s\n", call, gpuc_cl_code_name(code));
  exit(1);
}

static size_t wrong_elements(const float *a, const float *b, const float *c) {
  size_t wrong = 0;
  for (size_t i = 0; i < COUNT; ++i)
    if (c[i] != a[i] + b[i]) ++wrong;
  return wrong;
}

int main(void) {
  static float a[COUNT], b[COUNT], c[COUNT];
  for (size_t i = 0; i < COUNT; ++i) {
    a[i] = (float)i;
    b[i] = 2.0f * (float)i;
  }

  /* A program's own OpenCL objects. The library lends its choice of device; a cl_device_id is not counted. */
  gpuc_device *device;
  void *native;
  CHECK(gpuc_device_select(NULL, &device));
  CHECK(gpuc_device_get_native(device, &native));
  cl_device_id cl_device = native;
  cl_int code;
  cl_context own_context = clCreateContext(NULL, 1, &cl_device, NULL, NULL, &code);
  check_cl(code, "clCreateContext");
  cl_command_queue own_queue = clCreateCommandQueue(own_context, cl_device, 0, &code);
  check_cl(code, "clCreateCommandQueue");
  cl_mem own_a = clCreateBuffer(own_context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof a, a, &code);
  check_cl(code, "clCreateBuffer");

  /* The library's handles around them, next to objects of the library's own making in the same context. */
  gpuc_context *context;
  gpuc_queue *queue;
  gpuc_buffer *buffer_a, *buffer_b, *buffer_c;
  gpuc_program *program;
  gpuc_kernel *kernel;
  CHECK(gpuc_context_from_native(own_context, &context));
  CHECK(gpuc_queue_from_native(context, own_queue, &queue));
  CHECK(gpuc_buffer_from_native(context, own_a, &buffer_a));
  CHECK(gpuc_buffer_create(context, sizeof b, 0, &buffer_b));
  CHECK(gpuc_buffer_create(context, sizeof c, 0, &buffer_c));
  CHECK(gpuc_program_create_from_source(context, source, GPUC_NUL_TERMINATED, NULL, &program));
  CHECK(gpuc_kernel_create(program, "add", &kernel));

  /* Each handle has its own reference by now, so the program's own can go. */
  clReleaseMemObject(own_a);
  clReleaseCommandQueue(own_queue);
  clReleaseContext(own_context);

  /* 1. A launch by the library, on the program's queue and memory. */
  gpuc_launch launch;
  CHECK(gpuc_launch_init(&launch, sizeof launch));
  launch.global[0] = COUNT;
  gpuc_arg args[] = {{.kind = GPUC_ARG_BUFFER, .value.buffer = buffer_a},
                     {.kind = GPUC_ARG_BUFFER, .value.buffer = buffer_b},
                     {.kind = GPUC_ARG_BUFFER, .value.buffer = buffer_c}};
  CHECK(gpuc_buffer_write(buffer_b, queue, 0, sizeof b, b));
  CHECK(gpuc_kernel_launch(kernel, queue, &launch, args, 3, NULL, 0, NULL));
  CHECK(gpuc_buffer_read(buffer_c, queue, 0, sizeof c, c));
  size_t wrong = wrong_elements(a, b, c);
  printf("launched by the library on OpenCL objects of the program: %zu of %d wrong\n", wrong, COUNT);

  /* 2. The other way: the library's memory and kernel in a launch by plain OpenCL. A buffer may be a slice: its cl_mem
   * is the whole buffer's, and comes with the slice's offset, 0 here. */
  void *native_a, *native_b, *native_c, *native_queue, *native_kernel;
  size_t offset_bytes;
  CHECK(gpuc_buffer_get_native(buffer_a, &native_a, NULL));
  CHECK(gpuc_buffer_get_native(buffer_b, &native_b, NULL));
  CHECK(gpuc_buffer_get_native(buffer_c, &native_c, &offset_bytes));
  CHECK(gpuc_queue_get_native(queue, &native_queue));
  CHECK(gpuc_kernel_create_native(kernel, &native_kernel));
  cl_kernel cl_add = native_kernel; /* this one is ours to release */
  cl_mem arguments[3] = {native_a, native_b, native_c};
  for (cl_uint i = 0; i < 3; ++i) check_cl(clSetKernelArg(cl_add, i, sizeof(cl_mem), &arguments[i]), "clSetKernelArg");
  size_t global = COUNT;
  for (size_t i = 0; i < COUNT; ++i) c[i] = b[i] = -b[i];
  CHECK(gpuc_buffer_write(buffer_b, queue, 0, sizeof b, b));
  check_cl(clEnqueueNDRangeKernel(native_queue, cl_add, 1, NULL, &global, NULL, 0, NULL, NULL),
           "clEnqueueNDRangeKernel");
  check_cl(clEnqueueReadBuffer(native_queue, native_c, CL_TRUE, offset_bytes, sizeof c, c, 0, NULL, NULL),
           "clEnqueueReadBuffer");
  clReleaseKernel(cl_add);
  wrong += wrong_elements(a, b, c);
  printf("launched by OpenCL on objects of the library: %zu wrong in all\n", wrong);

  gpuc_kernel_release(kernel);
  gpuc_program_release(program);
  gpuc_buffer_release(buffer_a); /* the last reference to own_a: it goes here */
  gpuc_buffer_release(buffer_b);
  gpuc_buffer_release(buffer_c);
  gpuc_queue_release(queue);
  gpuc_context_release(context);
  gpuc_device_release(device);
  return wrong ? 1 : 0;
}
