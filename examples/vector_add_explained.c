/* vector_add_trivial.c once more, with every step explained: adds 10 to each of a million numbers. */
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 1 << 20 };

/* What runs on the device is written in OpenCL C and compiled when the program runs, for the device that is there.
 * A kernel is a function that the device runs once for each work-item, all of them in parallel. Each work-item asks for
 * its own number with get_global_id and does its share: here, one element. */
static const char source[] =
    "kernel void add(global float *x, float value) {\n"
    "  size_t i = get_global_id(0);\n"
    "  x[i] += value;\n"
    "}\n";

/* Every call that can fail returns a status, and leaves one line that says what was wrong. Some failures have more to
 * say than fits one line, such as a compiler's log: that is the detail. */
static void check(gpuc_status status, const char *call) {
  if (status == GPUC_OK) return;
  fprintf(stderr, "%s\n  %s: %s\n%s", call, gpuc_status_name(status), gpuc_last_error_message(),
          gpuc_last_error_detail());
  exit(1);
}
#define CHECK(call) check(call, #call)

int main(void) {
  /* Structures are set up by an _init function that takes their size, so that this program goes on working with later
   * versions of the library, which may add members. Everything has a default; here only the dimensions are given: how
   * many work-items a launch has, and how many elements a buffer. */
  gpuc_proque_options options;
  CHECK(gpuc_proque_options_init(&options, sizeof options));
  options.dims = 1;
  options.size[0] = COUNT;

  /* Chooses a device (the environment variable GPUC_DEVICE can name another, such as "pocl" or "nvidia:0"), creates a
   * context, which holds the device's memory, and a queue, to which commands for the device are sent, and compiles the
   * source. What the compiler made is kept on disk: the second run of this program starts at once. */
  gpuc_proque *proque;
  CHECK(gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &proque));

  /* Handles that a call gives are yours to release. Here, the queue and its device, to print the device's name. */
  gpuc_queue *queue;
  gpuc_device *device;
  char name[256];
  CHECK(gpuc_proque_get_queue(proque, &queue));
  CHECK(gpuc_queue_get_device(queue, &device));
  CHECK(gpuc_device_get_string(device, GPUC_DEVICE_NAME, name, sizeof name, NULL));
  printf("on %s\n", name);

  /* Memory on the device: one float for each work-item, all of them 0. */
  gpuc_buffer *x;
  CHECK(gpuc_proque_create_buffer(proque, GPUC_TYPE_F32, &x));

  /* The arguments of the kernel, in order. A wrong count, kind or type is an error that names the argument. */
  gpuc_arg args[2] = {
      {.kind = GPUC_ARG_BUFFER, .value.buffer = x},
      {.kind = GPUC_ARG_SCALAR, .type = GPUC_TYPE_F32, .value.f32 = 10},
  };

  /* Sends the launch to the queue and returns at once; the device may not even have started. No events to wait for, and
   * none wanted that would tell when it is complete: commands on a queue run in order, and that is enough here. */
  CHECK(gpuc_proque_launch(proque, "add", args, 2, NULL, 0, NULL));

  /* Copies the buffer to the host. It comes after the launch on the same queue, and waits. */
  float *result = malloc(COUNT * sizeof *result);
  if (!result) return 1;
  CHECK(gpuc_proque_read(proque, x, result));

  /* In any order: each object keeps alive what it needs. */
  gpuc_buffer_release(x);
  gpuc_proque_release(proque);
  gpuc_queue_release(queue);
  gpuc_device_release(device);

  size_t wrong = 0;
  for (size_t i = 0; i < COUNT; ++i)
    if (result[i] != 10) ++wrong;
  printf("%d elements, each 0 + 10 = %g; %zu wrong\n", COUNT, (double)result[COUNT / 2], wrong);
  free(result);
  return wrong ? 1 : 0;
}
