/* c = a + b without ProQue: device, context, queue, buffers, program, kernel and launch, each by itself. */
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 1000003 }; /* a prime: no multiple of any group size */

/* The launch is rounded up to whole groups, so the kernel looks whether its element exists. */
static const char source[] =
    "kernel void add(global const float *a, global const float *b, global float *c, uint count) {\n"
    "  size_t i = get_global_id(0);\n"
    "  if (i < count) c[i] = a[i] + b[i];\n"
    "}\n";

static void check(gpuc_status status, const char *call) {
  if (status == GPUC_OK) return;
  fprintf(stderr, "%s\n  %s: %s\n%s", call, gpuc_status_name(status), gpuc_last_error_message(),
          gpuc_last_error_detail());
  exit(1);
}
#define CHECK(call) check(call, #call)

int main(void) {
  static float a[COUNT], b[COUNT], c[COUNT];
  for (size_t i = 0; i < COUNT; ++i) {
    a[i] = (float)i;
    b[i] = 0.5f * (float)i;
  }

  /* The device: NULL means the one that GPUC_DEVICE names, else the best there is. */
  gpuc_device *device;
  char name[256], driver[256];
  CHECK(gpuc_device_select(NULL, &device));
  CHECK(gpuc_device_get_string(device, GPUC_DEVICE_NAME, name, sizeof name, NULL));
  CHECK(gpuc_device_get_string(device, GPUC_DEVICE_DRIVER_VERSION, driver, sizeof driver, NULL));
  printf("on %s, driver %s\n", name, driver);

  /* A context of one device, and a queue whose events carry times. */
  gpuc_context *context;
  gpuc_queue *queue;
  CHECK(gpuc_context_create(&device, 1, &context));
  CHECK(gpuc_queue_create(context, device, GPUC_QUEUE_PROFILING, &queue));

  /* Device memory; sizes are bytes. Writing does not wait here: each write gives an event, and the launch waits for
   * both. On one queue the order alone would do; with several, or an out-of-order one, this is how order is made. */
  gpuc_buffer *buffer_a, *buffer_b, *buffer_c;
  gpuc_event *written[2], *added;
  CHECK(gpuc_buffer_create(context, sizeof a, 0, &buffer_a));
  CHECK(gpuc_buffer_create(context, sizeof b, 0, &buffer_b));
  CHECK(gpuc_buffer_create(context, sizeof c, 0, &buffer_c));
  CHECK(gpuc_buffer_write_async(buffer_a, queue, 0, sizeof a, a, NULL, 0, &written[0]));
  CHECK(gpuc_buffer_write_async(buffer_b, queue, 0, sizeof b, b, NULL, 0, &written[1]));

  /* The program and, by its name, the kernel. */
  gpuc_program *program;
  gpuc_kernel *kernel;
  CHECK(gpuc_program_create_from_source(context, source, GPUC_NUL_TERMINATED, "-cl-std=CL1.2", &program));
  CHECK(gpuc_kernel_create(program, "add", &kernel));

  /* One launch: groups of 64 work-items, and as many of them as it takes. */
  gpuc_launch launch;
  CHECK(gpuc_launch_init(&launch, sizeof launch));
  launch.flags = GPUC_LAUNCH_ROUND_UP;
  launch.global[0] = COUNT;
  launch.local[0] = 64;
  gpuc_arg args[] = {{.kind = GPUC_ARG_BUFFER, .value.buffer = buffer_a},
                     {.kind = GPUC_ARG_BUFFER, .value.buffer = buffer_b},
                     {.kind = GPUC_ARG_BUFFER, .value.buffer = buffer_c},
                     {.kind = GPUC_ARG_SCALAR, .type = GPUC_TYPE_U32, .value.u32 = COUNT}};
  CHECK(gpuc_kernel_launch(kernel, queue, &launch, args, 4, written, 2, &added));

  /* Waits for the launch, then copies. (Reading without the wait would be right too.) */
  uint64_t started, ended;
  CHECK(gpuc_event_wait(added));
  CHECK(gpuc_event_get_times(added, NULL, NULL, &started, &ended));
  CHECK(gpuc_buffer_read(buffer_c, queue, 0, sizeof c, c));
  printf("%d additions in %.3f ms on the device\n", COUNT, (double)(ended - started) * 1e-6);

  gpuc_event_release(added);
  gpuc_event_release(written[0]);
  gpuc_event_release(written[1]);
  gpuc_kernel_release(kernel);
  gpuc_program_release(program);
  gpuc_buffer_release(buffer_a);
  gpuc_buffer_release(buffer_b);
  gpuc_buffer_release(buffer_c);
  gpuc_queue_release(queue);
  gpuc_context_release(context);
  gpuc_device_release(device);

  for (size_t i = 0; i < COUNT; ++i)
    if (c[i] != a[i] + b[i]) {
      printf("element %zu is %g, not %g\n", i, (double)c[i], (double)(a[i] + b[i]));
      return 1;
    }
  printf("every sum is the CPU's: right\n");
  return 0;
}
