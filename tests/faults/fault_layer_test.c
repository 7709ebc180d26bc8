// Checks the fault layer on whatever platform comes first.
//
//   fault_layer_test                     in process: rules, counts, lifetimes
//   fault_layer_test environment REPORT  armed by GPUC_FAULTS=clCreateContext:1:-6; a child process writes the report
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"

enum { N = 1000, NOTHING_TO_TEST = 77 };

static int failures;
static gpuc_faults faults;
static cl_device_id device;

#define CHECK_EQUAL(actual, expected)                                                                         \
  do {                                                                                                        \
    const long long actual_ = (long long)(actual), expected_ = (long long)(expected);                         \
    if (actual_ != expected_) {                                                                               \
      fprintf(stderr, "%s:%d: %s is %lld, expected %lld\n", __FILE__, __LINE__, #actual, actual_, expected_); \
      failures++;                                                                                             \
    }                                                                                                         \
  } while (0)

static const char *const source =
    "__kernel void vector_add(__global const float *a, __global const float *b, __global float *c) {\n"
    "  size_t i = get_global_id(0);\n"
    "  c[i] = a[i] + b[i];\n"
    "}\n";

// Everything that one run of the scenario holds; released in any case.
struct objects {
  cl_context context;
  cl_command_queue queue;
  cl_mem a, b, c;
  cl_program program;
  cl_kernel kernel;
  cl_event event;
};

static void release(struct objects *o) {
  if (o->event) clReleaseEvent(o->event);
  if (o->kernel) clReleaseKernel(o->kernel);
  if (o->program) clReleaseProgram(o->program);
  if (o->c) clReleaseMemObject(o->c);
  if (o->b) clReleaseMemObject(o->b);
  if (o->a) clReleaseMemObject(o->a);
  if (o->queue) clReleaseCommandQueue(o->queue);
  if (o->context) clReleaseContext(o->context);
}

// Adds two vectors, and stops at the first call that fails. Gives its code; -1000 for a wrong sum.
static cl_int add_with(struct objects *o) {
  cl_int error = CL_SUCCESS;
  static float a[N], b[N], c[N];
  const size_t global = N;
  for (int i = 0; i < N; i++) a[i] = (float)i, b[i] = (float)(2 * i), c[i] = 0;
  o->context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
  if (error) return error;
  o->queue = clCreateCommandQueue(o->context, device, 0, &error);
  if (error) return error;
  o->a = clCreateBuffer(o->context, CL_MEM_READ_ONLY, sizeof a, NULL, &error);
  if (error) return error;
  o->b = clCreateBuffer(o->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof b, b, &error);
  if (error) return error;
  o->c = clCreateBuffer(o->context, CL_MEM_WRITE_ONLY, sizeof c, NULL, &error);
  if (error) return error;
  o->program = clCreateProgramWithSource(o->context, 1, (const char **)&source, NULL, &error);
  if (error) return error;
  if ((error = clBuildProgram(o->program, 1, &device, NULL, NULL, NULL))) return error;
  o->kernel = clCreateKernel(o->program, "vector_add", &error);
  if (error) return error;
  if ((error = clSetKernelArg(o->kernel, 0, sizeof o->a, &o->a))) return error;
  if ((error = clSetKernelArg(o->kernel, 1, sizeof o->b, &o->b))) return error;
  if ((error = clSetKernelArg(o->kernel, 2, sizeof o->c, &o->c))) return error;
  if ((error = clEnqueueWriteBuffer(o->queue, o->a, CL_TRUE, 0, sizeof a, a, 0, NULL, NULL))) return error;
  error = clEnqueueNDRangeKernel(o->queue, o->kernel, 1, NULL, &global, NULL, 0, NULL, &o->event);
  if (error) return error;
  if ((error = clWaitForEvents(1, &o->event))) return error;
  if ((error = clEnqueueReadBuffer(o->queue, o->c, CL_TRUE, 0, sizeof c, c, 0, NULL, NULL))) return error;
  for (int i = 0; i < N; i++) {
    if (c[i] != (float)(3 * i)) return -1000;
  }
  return CL_SUCCESS;
}

static cl_int add(void) {
  struct objects objects = {0};
  cl_int result = add_with(&objects);
  if (objects.queue) clFinish(objects.queue);
  release(&objects);
  return result;
}

static void test_counts(void) {
  CHECK_EQUAL(faults.arm(NULL), 0);
  CHECK_EQUAL(add(), CL_SUCCESS);
  CHECK_EQUAL(faults.calls("clCreateBuffer"), 3);
  CHECK_EQUAL(faults.calls("clSetKernelArg"), 3);
  CHECK_EQUAL(faults.calls("clReleaseMemObject"), 3);
  CHECK_EQUAL(faults.calls("event"), 1);
  CHECK_EQUAL(faults.calls("clNoSuchFunction"), -1);
  CHECK_EQUAL(faults.calls(NULL), 16);  // the create, set, enqueue, wait and finish calls; not the releases
  CHECK_EQUAL(faults.fired(), 0);
  CHECK_EQUAL(faults.live(NULL), 0);
  CHECK_EQUAL(faults.misuse(), 0);
}

static void test_rules(void) {
  CHECK_EQUAL(faults.arm("clCreateBuffer:2:-4"), 1);
  CHECK_EQUAL(add(), -4);
  CHECK_EQUAL(add(), CL_SUCCESS);  // once
  CHECK_EQUAL(faults.fired(), 1);
  CHECK_EQUAL(faults.arm("clCreateBuffer:2+:-61"), 1);
  CHECK_EQUAL(add(), -61);
  CHECK_EQUAL(add(), -61);  // from then on
  CHECK_EQUAL(faults.fired(), 2);
  CHECK_EQUAL(faults.arm("clFinish:1:-5,clSetKernelArg:3:-6,any:1:-36"), 3);
  CHECK_EQUAL(add(), -36);
  CHECK_EQUAL(add(), -6);
  CHECK_EQUAL(faults.fired(), 3);
  CHECK_EQUAL(faults.arm("any:1+:-5"), 1);
  CHECK_EQUAL(add(), -5);
  cl_int error = 1;
  CHECK_EQUAL(clCreateContext(NULL, 1, &device, NULL, NULL, &error) != NULL, 0);
  CHECK_EQUAL(error, -5);

  // A list that cannot be read changes nothing.
  static const char *const wrong[] = {"x",        "clFinish:1", "clFinish:0:-5", "clFinish:1:5", "clFinish:1:-5x",
                                      "clNo:1:-5"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) CHECK_EQUAL(faults.arm(wrong[i]), -1);
  CHECK_EQUAL(add(), -5);
  CHECK_EQUAL(faults.arm(""), 0);
  CHECK_EQUAL(add(), CL_SUCCESS);
}

// Every fallible call of the scenario fails in turn: the program sees that code, nothing is left over, and the next
// run succeeds.
static void test_sweep(void) {
  faults.arm(NULL);
  CHECK_EQUAL(add(), CL_SUCCESS);
  const long calls = faults.calls(NULL);
  for (long n = 1; n <= calls; n++) {
    char rule[64];
    snprintf(rule, sizeof rule, "any:%ld:-5", n);
    faults.arm(rule);
    const cl_int result = add();
    CHECK_EQUAL(result, n < calls ? -5 : CL_SUCCESS);  // the last one is clFinish, whose result add() ignores
    CHECK_EQUAL(faults.fired(), 1);
    CHECK_EQUAL(faults.live(NULL), 0);
    CHECK_EQUAL(faults.misuse(), 0);
    faults.arm(NULL);
    CHECK_EQUAL(add(), CL_SUCCESS);
  }
}

static void test_event_status(void) {
  struct objects objects = {0};
  faults.arm("event:1:-5");
  CHECK_EQUAL(add_with(&objects), CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
  cl_int status = 0;
  clGetEventInfo(objects.event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
  CHECK_EQUAL(status, -5);  // the event keeps it
  CHECK_EQUAL(faults.fired(), 1);
  release(&objects);

  // A user event tells the truth; the second enqueue event fails.
  memset(&objects, 0, sizeof objects);
  faults.arm("event:2:-9999");
  CHECK_EQUAL(add_with(&objects), CL_SUCCESS);
  cl_int error;
  cl_event user = clCreateUserEvent(objects.context, &error), write;
  float value = 1;
  clSetUserEventStatus(user, CL_COMPLETE);
  CHECK_EQUAL(clEnqueueWriteBuffer(objects.queue, objects.a, CL_TRUE, 0, 4, &value, 1, &user, &write), CL_SUCCESS);
  CHECK_EQUAL(clWaitForEvents(1, &user), CL_SUCCESS);
  clGetEventInfo(write, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
  CHECK_EQUAL(status, -9999);
  CHECK_EQUAL(clWaitForEvents(1, &objects.event), CL_SUCCESS);
  CHECK_EQUAL(faults.live("event"), 3);
  CHECK_EQUAL(clReleaseEvent(user), CL_SUCCESS);
  CHECK_EQUAL(clReleaseEvent(write), CL_SUCCESS);
  release(&objects);
  faults.arm(NULL);
  CHECK_EQUAL(faults.live(NULL), 0);
}

static void test_lifetimes(void) {
  cl_int error;
  faults.reset();
  cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
  cl_mem mem = clCreateBuffer(context, CL_MEM_READ_WRITE, 256, NULL, &error);
  clRetainMemObject(mem);
  CHECK_EQUAL(faults.live("mem"), 1);
  CHECK_EQUAL(faults.live("context"), 1);
  CHECK_EQUAL(faults.live(NULL), 2);
  CHECK_EQUAL(faults.live("cheese"), -1);
  clReleaseMemObject(mem);
  CHECK_EQUAL(faults.live("mem"), 1);
  clReleaseMemObject(mem);
  CHECK_EQUAL(faults.live("mem"), 0);
  CHECK_EQUAL(faults.misuse(), 0);

  // Late uses get an error of the layer and never reach the driver.
  CHECK_EQUAL(clReleaseMemObject(mem), CL_INVALID_MEM_OBJECT);
  CHECK_EQUAL(clRetainMemObject(mem), CL_INVALID_MEM_OBJECT);
  CHECK_EQUAL(clGetMemObjectInfo(mem, CL_MEM_SIZE, 0, NULL, NULL), CL_INVALID_MEM_OBJECT);
  CHECK_EQUAL(faults.misuse(), 3);

  // A released program that its kernel keeps alive may be asked for and retained again.
  cl_program program = clCreateProgramWithSource(context, 1, (const char **)&source, NULL, &error);
  clBuildProgram(program, 1, &device, NULL, NULL, NULL);
  cl_kernel kernel;
  cl_uint count = 0;
  CHECK_EQUAL(clCreateKernelsInProgram(program, 1, &kernel, &count), CL_SUCCESS);
  CHECK_EQUAL(count, 1);
  CHECK_EQUAL(faults.live("kernel"), 1);
  clReleaseProgram(program);
  CHECK_EQUAL(clGetKernelInfo(kernel, CL_KERNEL_PROGRAM, sizeof program, &program, NULL), CL_SUCCESS);
  CHECK_EQUAL(clRetainProgram(program), CL_SUCCESS);
  CHECK_EQUAL(faults.live("program"), 1);
  clReleaseProgram(program);
  clReleaseKernel(kernel);
  CHECK_EQUAL(faults.misuse(), 3);
  clReleaseContext(context);
  CHECK_EQUAL(faults.live(NULL), 0);
  faults.reset();
  CHECK_EQUAL(faults.misuse(), 0);
}

static void *churn(void *context) {
  cl_int error;
  for (int i = 0; i < 2000; i++) {
    cl_mem mem = clCreateBuffer(context, CL_MEM_READ_WRITE, 64, NULL, &error);
    clRetainMemObject(mem);
    clReleaseMemObject(mem);
    clReleaseMemObject(mem);
  }
  return NULL;
}

static void test_threads(void) {
  enum { THREADS = 4 };
  pthread_t threads[THREADS];
  cl_int error;
  faults.reset();
  cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, churn, context);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  CHECK_EQUAL(faults.calls("clReleaseMemObject"), 2000 * 2 * THREADS);
  CHECK_EQUAL(faults.live("mem"), 0);
  CHECK_EQUAL(faults.misuse(), 0);
  clReleaseContext(context);
}

static int first_device(void) {
  cl_platform_id platform;
  return clGetPlatformIDs(1, &platform, NULL) == CL_SUCCESS &&
         clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL) == CL_SUCCESS;
}

// Runs in a child process, because the report is written at exit.
static void armed_by_environment(void) {
  if (!first_device()) exit(1);
  cl_int error = 0;
  CHECK_EQUAL(clCreateContext(NULL, 1, &device, NULL, NULL, &error) != NULL, 0);
  CHECK_EQUAL(error, -6);
  clCreateContext(NULL, 1, &device, NULL, NULL, &error);  // left over on purpose
  CHECK_EQUAL(error, CL_SUCCESS);
  exit(failures != 0);
}

static void test_report(const char *path) {
  remove(path);
  const pid_t child = fork();  // before any OpenCL call
  if (child == 0) armed_by_environment();
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
  char text[4096] = "";
  FILE *file = fopen(path, "r");
  CHECK_EQUAL(file != NULL, 1);
  if (!file) return;
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  CHECK_EQUAL(strstr(text, "calls clCreateContext 2 failed 1\n") != NULL, 1);
  CHECK_EQUAL(strstr(text, "live context 1\n") != NULL, 1);
  CHECK_EQUAL(strstr(text, "fired 1\n") != NULL, 1);
  CHECK_EQUAL(strstr(text, "misuse 0\n") != NULL, 1);
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "environment")) {
    test_report(argv[2]);
    return failures != 0;
  }
  // The loader loads no layers where it finds no platform, so this comes first.
  cl_uint platforms = 0;
  if (clGetPlatformIDs(0, NULL, &platforms) != CL_SUCCESS || !first_device()) {
    fprintf(stderr, "no OpenCL device: nothing tested\n");
    return NOTHING_TO_TEST;
  }
  gpuc_faults_require(&faults);
  test_counts();
  test_rules();
  test_sweep();
  test_event_status();
  test_lifetimes();
  test_threads();
  if (failures) fprintf(stderr, "%d failures\n", failures);
  return failures != 0;
}
