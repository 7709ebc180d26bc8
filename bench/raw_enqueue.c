/* Kernel launches straight through OpenCL, for benchmarks in languages that would measure themselves: what a C program
 * pays. */
#include <CL/cl.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* `count` launches of a kernel of three buffers and a uint, which changes; seconds for one, without the time until they
 * are complete. A negative number is an OpenCL error code. */
__attribute__((visibility("default"))) double bench_raw_enqueue(cl_kernel kernel, cl_command_queue queue, cl_mem a,
                                                                cl_mem b, cl_mem c, size_t global, size_t local,
                                                                int count) {
  const cl_mem buffers[3] = {a, b, c};
  cl_int code = CL_SUCCESS;
  const double begin = now();
  for (int n = 0; n < count && code == CL_SUCCESS; ++n) {
    const cl_uint scalar = (cl_uint)n;
    for (cl_uint i = 0; i < 3; ++i) code |= clSetKernelArg(kernel, i, sizeof(cl_mem), &buffers[i]);
    code |= clSetKernelArg(kernel, 3, sizeof scalar, &scalar);
    code |= clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &global, &local, 0, NULL, NULL);
  }
  return code == CL_SUCCESS ? (now() - begin) / count : (double)code;
}
