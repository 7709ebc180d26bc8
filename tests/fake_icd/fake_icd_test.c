// Checks the fake ICD through the ordinary OpenCL loader. GPUC_FAKE tells what to expect; each profile is a test of its
// own in CMakeLists.txt.
#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int failures;

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      failures++;                                                               \
    }                                                                           \
  } while (0)

#define CHECK_EQUAL(actual, expected)                                                                         \
  do {                                                                                                        \
    const long long actual_ = (long long)(actual), expected_ = (long long)(expected);                         \
    if (actual_ != expected_) {                                                                               \
      fprintf(stderr, "%s:%d: %s is %lld, expected %lld\n", __FILE__, __LINE__, #actual, actual_, expected_); \
      failures++;                                                                                             \
    }                                                                                                         \
  } while (0)

// Whether GPUC_FAKE has the word.
static int profile(const char *word) {
  const char *list = getenv("GPUC_FAKE");
  const size_t length = strlen(word);
  for (const char *p = list ? list : ""; *p;) {
    const size_t size = strcspn(p, ",");
    if (size >= length && !strncmp(p, word, length) && (size == length || p[length] == ':')) return 1;
    p += size + (p[size] == ',');
  }
  return 0;
}

static int version(void) { return profile("cl11") ? 110 : profile("cl12") ? 120 : 300; }

static cl_platform_id platform;
static cl_device_id device;
static cl_context context;
static cl_command_queue queue;

#define DEVICE_INFO(type, name) (*(type *)device_info(name, sizeof(type)))
static void *device_info(cl_device_info name, size_t expected) {
  static union {
    char bytes[4096];
    cl_ulong align;
  } value;
  size_t size = 0;
  CHECK_EQUAL(clGetDeviceInfo(device, name, sizeof value, &value, &size), CL_SUCCESS);
  if (expected) CHECK_EQUAL(size, expected);
  return &value;
}

static cl_command_queue new_queue(cl_command_queue_properties properties) {
  cl_int error = 1;
  cl_command_queue result = clCreateCommandQueue(context, device, properties, &error);
  CHECK_EQUAL(error, CL_SUCCESS);
  return result;
}

static cl_mem new_buffer(size_t size) {
  cl_int error = 1;
  cl_mem result = clCreateBuffer(context, CL_MEM_READ_WRITE, size, NULL, &error);
  CHECK_EQUAL(error, CL_SUCCESS);
  return result;
}

static cl_program build(const char *source, const char *options, cl_int expected) {
  cl_int error = 1;
  cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, &error);
  CHECK_EQUAL(error, CL_SUCCESS);
  CHECK_EQUAL(clBuildProgram(program, 1, &device, options, NULL, NULL), expected);
  return program;
}

static cl_int status_of(cl_event event) {
  cl_int status = 99;
  CHECK_EQUAL(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL), CL_SUCCESS);
  return status;
}

static void test_device(void) {
  CHECK_EQUAL(DEVICE_INFO(cl_uint, CL_DEVICE_ADDRESS_BITS), profile("bits32") ? 32 : 64);
  CHECK_EQUAL(DEVICE_INFO(cl_bool, CL_DEVICE_ENDIAN_LITTLE), !profile("big"));
  CHECK_EQUAL(DEVICE_INFO(cl_bool, CL_DEVICE_HOST_UNIFIED_MEMORY), profile("unified"));
  CHECK_EQUAL(DEVICE_INFO(cl_device_type, CL_DEVICE_TYPE), profile("cpu")           ? CL_DEVICE_TYPE_CPU
                                                           : profile("accelerator") ? CL_DEVICE_TYPE_ACCELERATOR
                                                           : profile("custom")      ? CL_DEVICE_TYPE_CUSTOM
                                                                                    : CL_DEVICE_TYPE_GPU);
  CHECK_EQUAL(DEVICE_INFO(cl_bool, CL_DEVICE_AVAILABLE), !profile("unavailable"));
  CHECK_EQUAL(DEVICE_INFO(cl_bool, CL_DEVICE_COMPILER_AVAILABLE), !profile("nocompiler"));
  unsigned char uuid[CL_UUID_SIZE_KHR] = {0};
  CHECK_EQUAL(clGetDeviceInfo(device, CL_DEVICE_UUID_KHR, sizeof uuid, uuid, NULL) == CL_SUCCESS, profile("ids"));
  CHECK_EQUAL(uuid[1], profile("ids") ? 0xf1 : 0);
  cl_uint bus = 0;
  CHECK_EQUAL(clGetDeviceInfo(device, 0x4008, sizeof bus, &bus, NULL) == CL_SUCCESS, profile("nvids"));
  CHECK_EQUAL(bus, profile("nvids") ? 0x17 : 0);
  CHECK_EQUAL(DEVICE_INFO(size_t, CL_DEVICE_MAX_WORK_GROUP_SIZE), profile("wg1") ? 1 : 256);
  CHECK_EQUAL(DEVICE_INFO(size_t, CL_DEVICE_PROFILING_TIMER_RESOLUTION), !profile("ticks0"));
  CHECK_EQUAL(DEVICE_INFO(cl_ulong, CL_DEVICE_GLOBAL_MEM_SIZE), profile("tiny") ? 1 << 20 : 1 << 30);
  CHECK_EQUAL(DEVICE_INFO(cl_ulong, CL_DEVICE_MAX_MEM_ALLOC_SIZE), profile("tiny") ? 1 << 18 : 1 << 28);
  CHECK_EQUAL(DEVICE_INFO(cl_device_fp_config, CL_DEVICE_DOUBLE_FP_CONFIG) != 0, !profile("nofp64"));
  CHECK_EQUAL(strstr(device_info(CL_DEVICE_EXTENSIONS, 0), "cl_khr_fp64") != NULL, !profile("nofp64"));
  CHECK_EQUAL(strstr(device_info(CL_DEVICE_EXTENSIONS, 0), "cl_khr_fp16") != NULL, !profile("nofp16"));
  const char *expected = version() == 110 ? "OpenCL 1.1 " : version() == 120 ? "OpenCL 1.2 " : "OpenCL 3.0 ";
  CHECK(!strncmp(device_info(CL_DEVICE_VERSION, 0), expected, 11));

  // Every query of the versions up to the device's own answers, the others do not.
  for (cl_device_info name = CL_DEVICE_TYPE; name <= CL_DEVICE_LATEST_CONFORMANCE_VERSION_PASSED; name++) {
    const int gap = name >= (profile("ids") ? 0x106bu : 0x106au) && name <= 0x106e;
    const int newer = name >= CL_DEVICE_IMAGE_PITCH_ALIGNMENT ? 300 : name >= CL_DEVICE_LINKER_AVAILABLE ? 120 : 110;
    size_t size;
    const cl_int result = clGetDeviceInfo(device, name, 0, NULL, &size);
    if (result != (gap || newer > version() ? CL_INVALID_VALUE : CL_SUCCESS)) fprintf(stderr, "query 0x%x\n", name);
    CHECK_EQUAL(result, gap || newer > version() ? CL_INVALID_VALUE : CL_SUCCESS);
  }
}

static void test_buffers(void) {
  cl_int error;
  unsigned char in[1024], out[1024];
  for (size_t i = 0; i < sizeof in; i++) in[i] = (unsigned char)(i * 7);
  cl_mem buffer = new_buffer(1024), other = new_buffer(1024);
  CHECK_EQUAL(clEnqueueWriteBuffer(queue, buffer, CL_TRUE, 0, 1024, in, 0, NULL, NULL), CL_SUCCESS);
  CHECK_EQUAL(clEnqueueCopyBuffer(queue, buffer, other, 0, 512, 512, 0, NULL, NULL), CL_SUCCESS);
  CHECK_EQUAL(clEnqueueReadBuffer(queue, other, CL_TRUE, 512, 512, out, 0, NULL, NULL), CL_SUCCESS);
  CHECK(!memcmp(in, out, 512));
  CHECK_EQUAL(clEnqueueReadBuffer(queue, other, CL_TRUE, 1000, 25, out, 0, NULL, NULL), CL_INVALID_VALUE);
  CHECK_EQUAL(clEnqueueReadBuffer(queue, other, CL_TRUE, (size_t)-8, 16, out, 0, NULL, NULL), CL_INVALID_VALUE);
  CHECK_EQUAL(clEnqueueCopyBuffer(queue, buffer, buffer, 0, 100, 200, 0, NULL, NULL), CL_MEM_COPY_OVERLAP);
  clCreateBuffer(context, CL_MEM_READ_WRITE, 0, NULL, &error);
  CHECK_EQUAL(error, CL_INVALID_BUFFER_SIZE);
  clCreateBuffer(context, CL_MEM_READ_WRITE, 8, out, &error);
  CHECK_EQUAL(error, CL_INVALID_HOST_PTR);
  clCreateBuffer(context, CL_MEM_READ_WRITE, ((size_t)1 << 28) + 1, NULL, &error);
  CHECK_EQUAL(error, CL_INVALID_BUFFER_SIZE);

  // Sub-buffers share the memory and keep their parent alive.
  cl_buffer_region region = {128, 64};
  cl_mem part = clCreateSubBuffer(buffer, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
  CHECK_EQUAL(error, CL_SUCCESS);
  CHECK_EQUAL(clReleaseMemObject(buffer), CL_SUCCESS);
  CHECK_EQUAL(clEnqueueReadBuffer(queue, part, CL_TRUE, 0, 64, out, 0, NULL, NULL), CL_SUCCESS);
  CHECK(!memcmp(in + 128, out, 64));
  CHECK_EQUAL(clReleaseMemObject(part), CL_SUCCESS);
  region.origin = 4;
  CHECK(!clCreateSubBuffer(other, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &error));
  CHECK_EQUAL(error, CL_MISALIGNED_SUB_BUFFER_OFFSET);

  if (version() >= 120) {
    const int pattern = 0x01020304;
    CHECK_EQUAL(clEnqueueFillBuffer(queue, other, &pattern, 4, 8, 16, 0, NULL, NULL), CL_SUCCESS);
    CHECK_EQUAL(clEnqueueReadBuffer(queue, other, CL_TRUE, 0, 32, out, 0, NULL, NULL), CL_SUCCESS);
    CHECK(!memcmp(out + 8, &pattern, 4) && !memcmp(out + 20, &pattern, 4) && memcmp(out + 24, &pattern, 4));
    CHECK_EQUAL(clEnqueueFillBuffer(queue, other, &pattern, 4, 2, 16, 0, NULL, NULL), CL_INVALID_VALUE);
  } else {
    CHECK_EQUAL(clEnqueueFillBuffer(queue, other, out, 4, 8, 16, 0, NULL, NULL), CL_INVALID_OPERATION);
  }
  CHECK_EQUAL(clReleaseMemObject(other), CL_SUCCESS);
}

static void test_boxes(void) {
  // A 4 x 3 x 2 box out of an 8 x 6 x 2 array, into a packed one and back to another place.
  unsigned char array[96], packed[24], back[96];
  for (size_t i = 0; i < sizeof array; i++) array[i] = (unsigned char)i;
  const size_t from[3] = {2, 1, 0}, zero[3] = {0, 0, 0}, region[3] = {4, 3, 2}, to[3] = {4, 3, 0};
  cl_mem buffer = new_buffer(96), target = new_buffer(96);
  CHECK_EQUAL(clEnqueueWriteBuffer(queue, buffer, CL_TRUE, 0, 96, array, 0, NULL, NULL), CL_SUCCESS);
  CHECK_EQUAL(clEnqueueReadBufferRect(queue, buffer, CL_TRUE, from, zero, region, 8, 48, 0, 0, packed, 0, NULL, NULL),
              CL_SUCCESS);
  for (size_t i = 0; i < 24; i++) CHECK_EQUAL(packed[i], (i / 12) * 48 + (1 + i / 4 % 3) * 8 + 2 + i % 4);
  CHECK_EQUAL(clEnqueueWriteBufferRect(queue, target, CL_TRUE, to, zero, region, 8, 48, 0, 0, packed, 0, NULL, NULL),
              CL_SUCCESS);
  CHECK_EQUAL(clEnqueueCopyBufferRect(queue, target, buffer, to, zero, region, 8, 48, 8, 48, 0, NULL, NULL),
              CL_SUCCESS);
  CHECK_EQUAL(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, 96, back, 0, NULL, NULL), CL_SUCCESS);
  CHECK_EQUAL(back[0], array[10]);
  CHECK_EQUAL(back[48 + 16 + 3], array[48 + 24 + 5]);
  CHECK_EQUAL(clEnqueueCopyBufferRect(queue, buffer, buffer, zero, from, region, 8, 48, 8, 48, 0, NULL, NULL),
              CL_MEM_COPY_OVERLAP);
  const size_t huge[3] = {4, (size_t)1 << 62, 2};
  CHECK_EQUAL(clEnqueueReadBufferRect(queue, buffer, CL_TRUE, from, zero, huge, 8, 0, 0, 0, packed, 0, NULL, NULL),
              CL_INVALID_VALUE);
  clReleaseMemObject(buffer);
  clReleaseMemObject(target);
}

static void test_mapping(void) {
  cl_int error = 1;
  int values[4] = {1, 2, 3, 4};
  cl_mem buffer = new_buffer(16);
  CHECK_EQUAL(clEnqueueWriteBuffer(queue, buffer, CL_TRUE, 0, 16, values, 0, NULL, NULL), CL_SUCCESS);
  int *mapped = clEnqueueMapBuffer(queue, buffer, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 4, 8, 0, NULL, NULL, &error);
  CHECK_EQUAL(error, CL_SUCCESS);
  CHECK_EQUAL(mapped[0], 2);
  mapped[1] = 33;
  cl_uint count = 0;
  CHECK_EQUAL(clGetMemObjectInfo(buffer, CL_MEM_MAP_COUNT, sizeof count, &count, NULL), CL_SUCCESS);
  CHECK_EQUAL(count, 1);
  // A discrete device sees the change at the unmapping, a unified one at once.
  CHECK_EQUAL(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, 16, values, 0, NULL, NULL), CL_SUCCESS);
  CHECK_EQUAL(values[2], profile("unified") ? 33 : 3);
  CHECK_EQUAL(clEnqueueUnmapMemObject(queue, buffer, mapped, 0, NULL, NULL), CL_SUCCESS);
  CHECK_EQUAL(clEnqueueUnmapMemObject(queue, buffer, mapped, 0, NULL, NULL), CL_INVALID_VALUE);
  CHECK_EQUAL(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, 16, values, 0, NULL, NULL), CL_SUCCESS);
  CHECK_EQUAL(values[2], 33);
  clReleaseMemObject(buffer);

  int host[4] = {5, 6, 7, 8};
  buffer = clCreateBuffer(context, CL_MEM_USE_HOST_PTR, sizeof host, host, &error);
  mapped = clEnqueueMapBuffer(queue, buffer, CL_TRUE, CL_MAP_READ, 8, 8, 0, NULL, NULL, &error);
  CHECK(mapped == host + 2);
  clEnqueueUnmapMemObject(queue, buffer, mapped, 0, NULL, NULL);
  clReleaseMemObject(buffer);
}

static void test_memory_limit(void) {
  if (!profile("tiny")) return;
  cl_mem buffers[5];
  cl_int error;
  for (int i = 0; i < 4; i++) buffers[i] = new_buffer(1 << 18);
  buffers[4] = clCreateBuffer(context, 0, 1, NULL, &error);
  CHECK(!buffers[4]);
  CHECK_EQUAL(error, CL_MEM_OBJECT_ALLOCATION_FAILURE);
  clReleaseMemObject(buffers[0]);
  buffers[0] = new_buffer(1 << 18);
  for (int i = 0; i < 4; i++) clReleaseMemObject(buffers[i]);
}

static int callbacks;
static void CL_CALLBACK count_event(cl_event event, cl_int status, void *expected) {
  (void)event;
  CHECK_EQUAL(status, *(cl_int *)expected);
  callbacks++;
}
static void CL_CALLBACK count_mem(cl_mem mem, void *user_data) {
  (void)mem, (void)user_data;
  callbacks++;
}

static void test_user_events(void) {
  cl_int error, complete = CL_COMPLETE, value = 7, seen = 0;
  cl_mem buffer = new_buffer(4);
  CHECK_EQUAL(clEnqueueWriteBuffer(queue, buffer, CL_TRUE, 0, 4, &seen, 0, NULL, NULL), CL_SUCCESS);
  cl_event gate = clCreateUserEvent(context, &error), written, read;
  CHECK_EQUAL(clEnqueueWriteBuffer(queue, buffer, CL_FALSE, 0, 4, &value, 1, &gate, &written), CL_SUCCESS);
  CHECK_EQUAL(clEnqueueReadBuffer(queue, buffer, CL_FALSE, 0, 4, &seen, 0, NULL, &read), CL_SUCCESS);
  callbacks = 0;
  CHECK_EQUAL(clSetEventCallback(read, CL_COMPLETE, count_event, &complete), CL_SUCCESS);
  CHECK_EQUAL(status_of(gate), CL_SUBMITTED);
  CHECK_EQUAL(status_of(written), CL_QUEUED);
  CHECK_EQUAL(status_of(read), CL_QUEUED);  // in order, behind the one that waits
  CHECK_EQUAL(seen, 0);
  CHECK_EQUAL(callbacks, 0);
  CHECK_EQUAL(clReleaseMemObject(buffer), CL_SUCCESS);  // the commands hold it
  CHECK_EQUAL(clSetUserEventStatus(gate, CL_QUEUED), CL_INVALID_VALUE);
  CHECK_EQUAL(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
  CHECK_EQUAL(clSetUserEventStatus(gate, CL_COMPLETE), CL_INVALID_OPERATION);
  CHECK_EQUAL(status_of(read), CL_COMPLETE);
  CHECK_EQUAL(seen, 7);
  CHECK_EQUAL(callbacks, 1);
  clReleaseEvent(gate), clReleaseEvent(written), clReleaseEvent(read);

  // A failed user event fails what waits for it.
  gate = clCreateUserEvent(context, &error);
  buffer = new_buffer(4);
  CHECK_EQUAL(clEnqueueWriteBuffer(queue, buffer, CL_FALSE, 0, 4, &value, 1, &gate, &written), CL_SUCCESS);
  CHECK_EQUAL(clSetUserEventStatus(gate, -5), CL_SUCCESS);
  CHECK_EQUAL(status_of(written), CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
  CHECK_EQUAL(clWaitForEvents(1, &written), CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
  CHECK_EQUAL(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, 4, &seen, 1, &written, NULL),
              CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
  CHECK_EQUAL(clFinish(queue), CL_SUCCESS);
  callbacks = 0;
  CHECK_EQUAL(clSetMemObjectDestructorCallback(buffer, count_mem, NULL), CL_SUCCESS);
  clReleaseMemObject(buffer);
  CHECK_EQUAL(callbacks, 1);
  clReleaseEvent(gate), clReleaseEvent(written);
}

static void test_out_of_order(void) {
  cl_int error, values[3] = {1, 2, 3};
  cl_command_queue loose = new_queue(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
  cl_mem buffer = new_buffer(12);
  cl_event gate = clCreateUserEvent(context, &error), first, second, marker, third;
  clEnqueueWriteBuffer(loose, buffer, CL_FALSE, 0, 4, values, 1, &gate, &first);
  clEnqueueWriteBuffer(loose, buffer, CL_FALSE, 4, 4, values + 1, 0, NULL, &second);
  CHECK_EQUAL(status_of(first), CL_QUEUED);
  CHECK_EQUAL(status_of(second), CL_COMPLETE);  // overtakes
  CHECK_EQUAL(clEnqueueMarker(loose, &marker), CL_SUCCESS);
  CHECK_EQUAL(status_of(marker), CL_QUEUED);  // waits for all before it
  CHECK_EQUAL(clEnqueueBarrier(loose), CL_SUCCESS);
  clEnqueueWriteBuffer(loose, buffer, CL_FALSE, 8, 4, values + 2, 0, NULL, &third);
  CHECK_EQUAL(status_of(third), CL_QUEUED);  // held by the barrier
  CHECK_EQUAL(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
  CHECK_EQUAL(clFinish(loose), CL_SUCCESS);
  CHECK_EQUAL(status_of(first) + status_of(marker) + status_of(third), 3 * CL_COMPLETE);
  clReleaseEvent(gate), clReleaseEvent(first), clReleaseEvent(second), clReleaseEvent(marker), clReleaseEvent(third);
  if (version() >= 120) {
    gate = clCreateUserEvent(context, &error);
    CHECK_EQUAL(clEnqueueMarkerWithWaitList(loose, 1, &gate, &marker), CL_SUCCESS);
    clEnqueueWriteBuffer(loose, buffer, CL_FALSE, 8, 4, values + 2, 0, NULL, &third);
    CHECK_EQUAL(status_of(third), CL_COMPLETE);  // a marker holds nothing
    CHECK_EQUAL(clEnqueueBarrierWithWaitList(loose, 1, &gate, NULL), CL_SUCCESS);
    CHECK_EQUAL(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    CHECK_EQUAL(status_of(marker), CL_COMPLETE);
    clReleaseEvent(gate), clReleaseEvent(marker), clReleaseEvent(third);
  }
  clReleaseMemObject(buffer);
  clReleaseCommandQueue(loose);
}

static void *complete_later(void *event) {
  const struct timespec moment = {0, 20000000};
  nanosleep(&moment, NULL);
  clSetUserEventStatus(event, CL_COMPLETE);
  return NULL;
}

static void test_waiting_for_a_thread(void) {
  cl_int error, value = 3, seen = 0;
  cl_mem buffer = new_buffer(4);
  cl_event gate = clCreateUserEvent(context, &error);
  pthread_t thread;
  pthread_create(&thread, NULL, complete_later, gate);
  CHECK_EQUAL(clEnqueueWriteBuffer(queue, buffer, CL_FALSE, 0, 4, &value, 1, &gate, NULL), CL_SUCCESS);
  CHECK_EQUAL(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, 4, &seen, 0, NULL, NULL), CL_SUCCESS);
  CHECK_EQUAL(seen, 3);
  pthread_join(thread, NULL);
  clReleaseEvent(gate);
  clReleaseMemObject(buffer);
}

static void test_profiling(void) {
  const cl_profiling_info names[] = {CL_PROFILING_COMMAND_QUEUED, CL_PROFILING_COMMAND_SUBMIT,
                                     CL_PROFILING_COMMAND_START, CL_PROFILING_COMMAND_END};
  cl_command_queue timed = new_queue(CL_QUEUE_PROFILING_ENABLE);
  cl_mem buffer = new_buffer(64);
  char bytes[64] = {0};
  cl_event event;
  cl_ulong last = 0;
  clEnqueueWriteBuffer(timed, buffer, CL_TRUE, 0, 64, bytes, 0, NULL, &event);
  for (int i = 0; i < 4; i++) {
    cl_ulong time = 0;
    CHECK_EQUAL(clGetEventProfilingInfo(event, names[i], sizeof time, &time, NULL), CL_SUCCESS);
    CHECK(profile("ticks0") ? !last || time == last : time > last);
    last = time;
  }
  clReleaseEvent(event);
  clEnqueueWriteBuffer(queue, buffer, CL_TRUE, 0, 64, bytes, 0, NULL, &event);
  CHECK_EQUAL(clGetEventProfilingInfo(event, names[0], sizeof last, &last, NULL), CL_PROFILING_INFO_NOT_AVAILABLE);
  clReleaseEvent(event);
  clReleaseMemObject(buffer);
  clReleaseCommandQueue(timed);
}

static const char source[] =
    "#define REAL float\n"
    "#ifndef WIDTH\n#error WIDTH is needed\n#endif\n"
    "#if defined(NEVER) && WIDTH > 3 /* a comment */\nSYNTAX_ERROR\n#elif WIDTH == 2 * 8\n"
    "__kernel void sixteen(__local float4 *scratch, const unsigned int n, struct pair p) {}\n#endif\n"
    "// __kernel void hidden(int n) {}\n"
    "__kernel void vector_add(__global const REAL *restrict a, global const REAL* b, __global \\\n REAL *c) {}\n"
    "kernel __attribute__((reqd_work_group_size(1, 1, 1))) void axpy(float a, global const float *x,\n"
    "  global float *y, int n);\n"
    "kernel __attribute__((reqd_work_group_size(1, 1, 1))) void axpy(float a, global const float *x,\n"
    "  global float *y, int n) { }\n"
    "__kernel void collatz(__global uint *numbers) {}\n"
    "__kernel void fill_value(__global int *target, int value) {}\n"
    "__kernel void nothing(void) {}\n";

static void check_argument(cl_kernel kernel, cl_uint index, const char *name, const char *type,
                           cl_kernel_arg_address_qualifier address, cl_kernel_arg_type_qualifier qualifiers) {
  char text[64] = "";
  cl_kernel_arg_address_qualifier actual_address = 0;
  cl_kernel_arg_type_qualifier actual_qualifiers = 0;
  const cl_int expected = profile("noargs")  ? CL_KERNEL_ARG_INFO_NOT_AVAILABLE
                          : version() == 110 ? CL_INVALID_OPERATION
                                             : CL_SUCCESS;
  CHECK_EQUAL(clGetKernelArgInfo(kernel, index, CL_KERNEL_ARG_NAME, sizeof text, text, NULL), expected);
  if (expected != CL_SUCCESS) return;
  CHECK(!strcmp(text, name));
  clGetKernelArgInfo(kernel, index, CL_KERNEL_ARG_TYPE_NAME, sizeof text, text, NULL);
  CHECK(!strcmp(text, type));
  clGetKernelArgInfo(kernel, index, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof actual_address, &actual_address, NULL);
  CHECK_EQUAL(actual_address, address);
  clGetKernelArgInfo(kernel, index, CL_KERNEL_ARG_TYPE_QUALIFIER, sizeof actual_qualifiers, &actual_qualifiers, NULL);
  CHECK_EQUAL(actual_qualifiers, qualifiers);
}

static void test_arguments(cl_program program) {
  cl_int error, number = 1;
  cl_kernel kernel = clCreateKernel(program, "sixteen", &error);
  CHECK_EQUAL(error, CL_SUCCESS);
  cl_uint count = 0;
  clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof count, &count, NULL);
  CHECK_EQUAL(count, 3);
  check_argument(kernel, 0, "scratch", "float4*", CL_KERNEL_ARG_ADDRESS_LOCAL, 0);
  check_argument(kernel, 1, "n", "uint", CL_KERNEL_ARG_ADDRESS_PRIVATE, 0);
  check_argument(kernel, 2, "p", "pair", CL_KERNEL_ARG_ADDRESS_PRIVATE, 0);
  CHECK_EQUAL(clSetKernelArg(kernel, 3, 4, &number), CL_INVALID_ARG_INDEX);
  CHECK_EQUAL(clSetKernelArg(kernel, 1, 8, &number), CL_INVALID_ARG_SIZE);
  CHECK_EQUAL(clSetKernelArg(kernel, 1, 4, NULL), CL_INVALID_ARG_VALUE);
  CHECK_EQUAL(clSetKernelArg(kernel, 0, 64, &number), CL_INVALID_ARG_VALUE);
  CHECK_EQUAL(clSetKernelArg(kernel, 0, 64, NULL), CL_SUCCESS);
  const size_t one = 1;
  CHECK_EQUAL(clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &one, NULL, 0, NULL, NULL), CL_INVALID_KERNEL_ARGS);
  CHECK_EQUAL(clBuildProgram(program, 0, NULL, "-DWIDTH=16", NULL, NULL), CL_INVALID_OPERATION);
  clReleaseKernel(kernel);
  kernel = clCreateKernel(program, "vector_add", &error);
  check_argument(kernel, 0, "a", "float*", CL_KERNEL_ARG_ADDRESS_GLOBAL,
                 CL_KERNEL_ARG_TYPE_CONST | CL_KERNEL_ARG_TYPE_RESTRICT);
  check_argument(kernel, 2, "c", "float*", CL_KERNEL_ARG_ADDRESS_GLOBAL, 0);
  CHECK_EQUAL(clSetKernelArg(kernel, 0, 4, &number), CL_INVALID_ARG_SIZE);
  clReleaseKernel(kernel);
  CHECK(!clCreateKernel(program, "hidden", &error));
  CHECK_EQUAL(error, CL_INVALID_KERNEL_NAME);
}

static void test_kernels(cl_program program) {
  enum { N = 8 };
  cl_int error;
  float a[N], b[N], c[N], factor = 2;
  cl_int n = N - 1;
  cl_uint numbers[N] = {0, 1, 2, 3, 6, 7, 27, 0xffffffff};
  const cl_uint steps[N] = {0, 0, 1, 7, 8, 16, 111, 0xffffffff};
  for (int i = 0; i < N; i++) a[i] = (float)i, b[i] = 10;
  cl_mem buffer_a = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, sizeof a, a, &error);
  cl_mem buffer_b = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, sizeof b, b, &error);
  cl_mem buffer_c = clCreateBuffer(context, CL_MEM_WRITE_ONLY, sizeof c, NULL, &error);
  const size_t global = N, local = 1, too_large = N + 1, big_local = 512;

  cl_kernel add = clCreateKernel(program, "vector_add", &error);
  clSetKernelArg(add, 0, sizeof buffer_a, &buffer_a);
  clSetKernelArg(add, 1, sizeof buffer_b, &buffer_b);
  clSetKernelArg(add, 2, sizeof buffer_c, &buffer_c);
  CHECK_EQUAL(clEnqueueNDRangeKernel(queue, add, 1, NULL, &global, NULL, 0, NULL, NULL), CL_SUCCESS);
  clEnqueueReadBuffer(queue, buffer_c, CL_TRUE, 0, sizeof c, c, 0, NULL, NULL);
  CHECK(c[0] == 10 && c[7] == 17);
  CHECK_EQUAL(clEnqueueNDRangeKernel(queue, add, 1, NULL, &too_large, &big_local, 0, NULL, NULL),
              CL_INVALID_WORK_ITEM_SIZE);
  CHECK_EQUAL(clEnqueueNDRangeKernel(queue, add, 4, NULL, &global, NULL, 0, NULL, NULL), CL_INVALID_WORK_DIMENSION);
  cl_event event;  // beyond the end of the buffers
  CHECK_EQUAL(clEnqueueNDRangeKernel(queue, add, 1, NULL, &too_large, NULL, 0, NULL, &event), CL_SUCCESS);
  CHECK_EQUAL(status_of(event), CL_OUT_OF_RESOURCES);
  clReleaseEvent(event);

  cl_kernel axpy = clCreateKernel(program, "axpy", &error);
  size_t required[3] = {0};
  clGetKernelWorkGroupInfo(axpy, device, CL_KERNEL_COMPILE_WORK_GROUP_SIZE, sizeof required, required, NULL);
  CHECK_EQUAL(required[0], 1);
  clSetKernelArg(axpy, 0, sizeof factor, &factor);
  clSetKernelArg(axpy, 1, sizeof buffer_a, &buffer_a);
  clSetKernelArg(axpy, 2, sizeof buffer_b, &buffer_b);
  clSetKernelArg(axpy, 3, sizeof n, &n);
  CHECK_EQUAL(clEnqueueNDRangeKernel(queue, axpy, 1, NULL, &global, NULL, 0, NULL, NULL), CL_INVALID_WORK_GROUP_SIZE);
  CHECK_EQUAL(clEnqueueNDRangeKernel(queue, axpy, 1, NULL, &global, &local, 0, NULL, NULL), CL_SUCCESS);
  clEnqueueReadBuffer(queue, buffer_b, CL_TRUE, 0, sizeof b, b, 0, NULL, NULL);
  CHECK(b[3] == 16 && b[7] == 10);

  cl_kernel collatz = clCreateKernel(program, "collatz", &error);
  clSetKernelArg(collatz, 0, sizeof buffer_c, &buffer_c);
  clEnqueueWriteBuffer(queue, buffer_c, CL_FALSE, 0, sizeof numbers, numbers, 0, NULL, NULL);
  CHECK_EQUAL(clEnqueueNDRangeKernel(queue, collatz, 1, NULL, &global, NULL, 0, NULL, NULL), CL_SUCCESS);
  clEnqueueReadBuffer(queue, buffer_c, CL_TRUE, 0, sizeof numbers, numbers, 0, NULL, NULL);
  CHECK(!memcmp(numbers, steps, sizeof steps));

  cl_kernel fill = clCreateKernel(program, "fill_value", &error);
  const size_t offset = 2, rest = N - 2;
  n = 99;
  clSetKernelArg(fill, 0, sizeof buffer_c, &buffer_c);
  clSetKernelArg(fill, 1, sizeof n, &n);
  CHECK_EQUAL(clEnqueueNDRangeKernel(queue, fill, 1, &offset, &rest, NULL, 0, NULL, NULL), CL_SUCCESS);
  clEnqueueReadBuffer(queue, buffer_c, CL_TRUE, 0, sizeof numbers, numbers, 0, NULL, NULL);
  CHECK(numbers[1] == 0 && numbers[2] == 99 && numbers[7] == 99);

  // Kernels hold no reference to their arguments.
  clReleaseMemObject(buffer_a), clReleaseMemObject(buffer_b), clReleaseMemObject(buffer_c);
  CHECK_EQUAL(clEnqueueNDRangeKernel(queue, fill, 1, &offset, &rest, NULL, 0, NULL, NULL), CL_INVALID_MEM_OBJECT);
  clReleaseKernel(add), clReleaseKernel(axpy), clReleaseKernel(collatz), clReleaseKernel(fill);
}

static void test_binaries(cl_program program) {
  cl_int error = 1, status = 1;
  cl_uint devices = 0;
  size_t sizes[2] = {0};
  unsigned char *binaries[2] = {NULL, NULL};
  clGetProgramInfo(program, CL_PROGRAM_NUM_DEVICES, sizeof devices, &devices, NULL);
  CHECK_EQUAL(clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof sizes, sizes, NULL), CL_SUCCESS);
  CHECK(sizes[0] > strlen(source));
  for (cl_uint i = 0; i < devices; i++) binaries[i] = malloc(sizes[i]);
  CHECK_EQUAL(clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binaries, binaries, NULL), CL_SUCCESS);
  cl_program again =
      clCreateProgramWithBinary(context, 1, &device, sizes, (const unsigned char **)binaries, &status, &error);
  CHECK_EQUAL(error, CL_SUCCESS);
  CHECK_EQUAL(status, CL_SUCCESS);
  CHECK_EQUAL(clBuildProgram(again, 1, &device, "", NULL, NULL), CL_SUCCESS);  // -DWIDTH=16 is in the binary
  unsigned char *binary = malloc(sizes[0]);
  size_t size = 0;
  unsigned char *places[2] = {binary, NULL};
  CHECK_EQUAL(clGetProgramInfo(again, CL_PROGRAM_BINARY_SIZES, sizeof sizes, sizes, NULL), CL_SUCCESS);
  CHECK_EQUAL(clGetProgramInfo(again, CL_PROGRAM_BINARIES, sizeof places, places, &size), CL_SUCCESS);
  CHECK(!memcmp(binary, binaries[0], sizes[0]));
  clReleaseProgram(again);
  binary[3] ^= 1;
  CHECK(!clCreateProgramWithBinary(context, 1, &device, sizes, (const unsigned char **)places, &status, &error));
  CHECK_EQUAL(error, CL_INVALID_BINARY);
  CHECK_EQUAL(status, CL_INVALID_BINARY);
  free(binary), free(binaries[0]), free(binaries[1]);
}

static void check_log(const char *text, const char *options, const char *start) {
  char log[256] = "";
  cl_program program = build(text, options, CL_BUILD_PROGRAM_FAILURE);
  cl_build_status status = 1;
  clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_STATUS, sizeof status, &status, NULL);
  CHECK_EQUAL(status, CL_BUILD_ERROR);
  CHECK_EQUAL(clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, sizeof log, log, NULL), CL_SUCCESS);
  if (strncmp(log, start, strlen(start))) fprintf(stderr, "log: %s", log);
  CHECK(!strncmp(log, start, strlen(start)));
  clReleaseProgram(program);
}

static void test_programs(void) {
  cl_program program = build(source, "-DWIDTH=16 -cl-fast-relaxed-math", CL_SUCCESS);
  if (version() >= 120) {
    char names[128] = "";
    CHECK_EQUAL(clGetProgramInfo(program, CL_PROGRAM_KERNEL_NAMES, sizeof names, names, NULL), CL_SUCCESS);
    CHECK(!strcmp(names, "sixteen;vector_add;axpy;collatz;fill_value;nothing"));
  }
  test_arguments(program);
  test_kernels(program);
  test_binaries(program);
  clReleaseProgram(program);
  program = build(
      "#define GLOBAL(T) global T *restrict\n#define NAME(T, N) sum_##T ## N\n#define CALL(x) x\n"
      "#define KERNEL(T, N) kernel void NAME(T, N)(GLOBAL(T##N) out, CALL ((T)) const x) { CALL; foo(#N); }\n"
      "KERNEL(float, 4) KERNEL(int,)\n",
      "-bogus", CL_INVALID_BUILD_OPTIONS);
  CHECK_EQUAL(clBuildProgram(program, 1, &device, "-D x=\"float z\"", NULL, NULL), CL_SUCCESS);
  cl_int error = 1;
  cl_kernel made = clCreateKernel(program, "sum_float4", &error);
  CHECK_EQUAL(error, CL_SUCCESS);
  check_argument(made, 0, "out", "float4*", CL_KERNEL_ARG_ADDRESS_GLOBAL, CL_KERNEL_ARG_TYPE_RESTRICT);
  clReleaseKernel(made);
  made = clCreateKernel(program, "sum_int", &error);
  CHECK_EQUAL(error, CL_SUCCESS);
  clReleaseKernel(made);
  clReleaseProgram(program);
  check_log(source, "", "<source>:3:1: error: WIDTH is needed");
  check_log("/* two\n lines */\nint x; SYNTAX_ERROR\n", NULL, "<source>:3:1: error: ");
  check_log("#if 1\n", NULL, "<source>:1:1: error: ");
  const char wide[] = "#ifdef cl_khr_fp64\nkernel void f(double x) {}\n#endif\n";
  program = build(wide, "", CL_SUCCESS);
  clReleaseProgram(program);
  if (profile("nofp64")) check_log("\ntypedef double real;", "", "<source>:2:1: error: ");
  if (profile("nofp64")) check_log("kernel void f(REAL x) {}", "-D REAL=double", "<source>:1:1: error: ");
  program = build("kernel void f(global const half *x) {}", "", CL_SUCCESS);
  clReleaseProgram(program);
  if (profile("nofp16")) check_log("kernel void f(global half *x) { half y; }", "", "<source>:1:1: error: ");
}

static void test_references(void) {
  cl_int error;
  cl_context own = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
  cl_command_queue child = clCreateCommandQueue(own, device, 0, &error);
  cl_uint count = 0;
  CHECK_EQUAL(clRetainContext(own), CL_SUCCESS);
  clGetContextInfo(own, CL_CONTEXT_REFERENCE_COUNT, sizeof count, &count, NULL);
  CHECK_EQUAL(count, 2);
  CHECK_EQUAL(clReleaseContext(own), CL_SUCCESS);
  CHECK_EQUAL(clReleaseContext(own), CL_SUCCESS);
  CHECK_EQUAL(clReleaseContext(own), CL_INVALID_CONTEXT);  // what is left is held by the queue
  CHECK_EQUAL(clFinish(child), CL_SUCCESS);
  CHECK_EQUAL(clReleaseCommandQueue(child), CL_SUCCESS);
  CHECK_EQUAL(clReleaseCommandQueue(child), CL_INVALID_COMMAND_QUEUE);
  CHECK_EQUAL(clFinish(child), CL_INVALID_COMMAND_QUEUE);
}

static void test_lost_device(void) {
  char byte = 1;
  cl_mem buffer = new_buffer(1);
  for (int i = 0; i < 3; i++) {
    CHECK_EQUAL(clEnqueueWriteBuffer(queue, buffer, CL_TRUE, 0, 1, &byte, 0, NULL, NULL), CL_SUCCESS);
  }
  CHECK_EQUAL(clFinish(queue), CL_OUT_OF_RESOURCES);
  CHECK_EQUAL(clFinish(queue), CL_INVALID_COMMAND_QUEUE);
  CHECK_EQUAL(clEnqueueWriteBuffer(queue, buffer, CL_TRUE, 0, 1, &byte, 0, NULL, NULL), CL_INVALID_COMMAND_QUEUE);
  cl_int error;
  CHECK(!clCreateCommandQueue(context, device, 0, &error));
  CHECK_EQUAL(error, CL_OUT_OF_RESOURCES);
  clReleaseMemObject(buffer);
}

int main(void) {
  cl_uint count = 99;
  const cl_int found = clGetPlatformIDs(1, &platform, &count);
  if (profile("noplatform") || profile("misspelt")) {
    CHECK_EQUAL(found, CL_PLATFORM_NOT_FOUND_KHR);
    CHECK_EQUAL(count, 0);
    return failures != 0;
  }
  CHECK_EQUAL(found, CL_SUCCESS);
  CHECK_EQUAL(count, 1);
  if (found != CL_SUCCESS) return 1;
  char name[64] = "";
  CHECK_EQUAL(clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, NULL), CL_SUCCESS);
  CHECK(!strcmp(name, profile("as:Clover") ? "Clover" : "Fake OpenCL"));
  if (profile("nodevices")) {
    CHECK_EQUAL(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, &count), CL_DEVICE_NOT_FOUND);
    return failures != 0;
  }
  cl_device_id devices[3];
  CHECK_EQUAL(clGetDeviceIDs(platform, CL_DEVICE_TYPE_CPU, 3, devices, &count),
              profile("cpu") ? CL_SUCCESS : CL_DEVICE_NOT_FOUND);
  CHECK_EQUAL(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 3, devices, &count), CL_SUCCESS);
  CHECK_EQUAL(count, profile("two") ? 2 : 1);
  device = devices[0];
  cl_int error;
  context = clCreateContext(NULL, count, devices, NULL, NULL, &error);
  CHECK_EQUAL(error, CL_SUCCESS);
  queue = new_queue(0);
  if (profile("lost")) {
    test_lost_device();
  } else {
    test_device();
    test_buffers();
    test_boxes();
    test_mapping();
    test_memory_limit();
    test_user_events();
    test_out_of_order();
    test_waiting_for_a_thread();
    test_profiling();
    test_programs();
    test_references();
  }
  CHECK_EQUAL(clReleaseCommandQueue(queue), CL_SUCCESS);
  CHECK_EQUAL(clReleaseContext(context), CL_SUCCESS);
  if (failures) fprintf(stderr, "%d failures\n", failures);
  return failures != 0;
}
