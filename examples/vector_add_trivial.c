/* The shortest way to run a kernel: adds 10 to each of a million numbers.
 *
 * A ProQue is a program plus a queue, with everything below them chosen for you: create, launch, read.
 * vector_add_explained.c is this program with every step explained. */
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 1 << 20 };

static const char source[] = "kernel void add(global float *x, float value) { x[get_global_id(0)] += value; }";

static void check(gpuc_status status) {
  if (status == GPUC_OK) return;
  fprintf(stderr, "%s: %s\n%s", gpuc_status_name(status), gpuc_last_error_message(), gpuc_last_error_detail());
  exit(1);
}

int main(void) {
  static float result[COUNT];
  gpuc_proque *proque;
  gpuc_buffer *x;
  gpuc_proque_options options;
  check(gpuc_proque_options_init(&options, sizeof options));
  options.dims = 1;
  options.size[0] = COUNT;

  check(gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &proque));
  check(gpuc_proque_create_buffer(proque, GPUC_TYPE_F32, &x)); /* COUNT floats, all 0 */

  gpuc_arg args[] = {{.kind = GPUC_ARG_BUFFER, .value.buffer = x},
                     {.kind = GPUC_ARG_SCALAR, .type = GPUC_TYPE_F32, .value.f32 = 10}};
  check(gpuc_proque_launch(proque, "add", args, 2, NULL, 0, NULL));
  check(gpuc_proque_read(proque, x, result));

  gpuc_buffer_release(x);
  gpuc_proque_release(proque);
  for (size_t i = 0; i < COUNT; ++i)
    if (result[i] != 10) {
      printf("element %zu is %g, not 10\n", i, (double)result[i]);
      return 1;
    }
  printf("%d times 0 + 10 = %g: right\n", COUNT, (double)result[COUNT - 1]);
  return 0;
}
