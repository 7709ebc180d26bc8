/* A user's first program: says which version it got, and lets a kernel run where there is a device. */
#include <gpucompute/gpucompute.h>

#include <stdio.h>
#include <string.h>

static int failed(const char *what) {
  fprintf(stderr, "%s: %s\n", what, gpuc_last_error_message());
  return 1;
}

static int run_kernel(gpuc_proque *proque) {
  gpuc_buffer *buffer = NULL;
  gpuc_arg arg;
  float values[100];
  int i, wrong = 0;
  if (gpuc_proque_create_buffer(proque, GPUC_TYPE_F32, &buffer)) return failed("buffer");
  memset(&arg, 0, sizeof arg);
  arg.kind = GPUC_ARG_BUFFER;
  arg.value.buffer = buffer;
  if (gpuc_proque_launch(proque, "fill", &arg, 1, NULL, 0, NULL)) return failed("launch");
  if (gpuc_proque_read(proque, buffer, values)) return failed("read");
  for (i = 0; i < 100; i++) wrong += values[i] != (float)(2 * i);
  gpuc_buffer_release(buffer);
  printf("%d of 100 values are wrong\n", wrong);
  return wrong != 0;
}

int main(void) {
  static const char source[] = "kernel void fill(global float *x) { x[get_global_id(0)] = 2 * get_global_id(0); }";
  gpuc_proque_options options;
  gpuc_proque *proque = NULL;
  gpuc_status status;
  int result;

  printf("header %d.%d.%d, library %s\n", GPUC_VERSION_MAJOR, GPUC_VERSION_MINOR, GPUC_VERSION_PATCH,
         gpuc_version_string());
  if (gpuc_version() != GPUC_VERSION_MAJOR * 1000000u + GPUC_VERSION_MINOR * 1000u + GPUC_VERSION_PATCH) return 1;

  if (gpuc_proque_options_init(&options, sizeof options)) return failed("options");
  options.dims = 1;
  options.size[0] = 100;
  status = gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &proque);
  if (status == GPUC_ERROR_NO_PLATFORM || status == GPUC_ERROR_NO_DEVICE) {
    printf("no device here: %s\n", gpuc_last_error_message());
    return 0;
  }
  if (status) return failed("proque");
  result = run_kernel(proque);
  gpuc_proque_release(proque);
  return result;
}
