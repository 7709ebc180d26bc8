/* A profile of a few kernels and copies: the table, the rows one by one, and a trace file.
 *
 * Usage: profile [FILE]   FILE: where the trace goes; without it none is written.
 *
 * The same for any program, with no change of its code: GPUC_TRACE=trace.json ./program */
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 1 << 20, LAUNCHES = 20 };

static const char *const source =
    "kernel void scale(global float *x, float factor) { x[get_global_id(0)] *= factor; }\n"
    "kernel void horner(global float *x, int degree) {\n"
    "  float v = x[get_global_id(0)], sum = 0;\n"
    "  for (int i = 0; i < degree; ++i) sum = sum * v + 1;\n"
    "  x[get_global_id(0)] = sum;\n"
    "}\n";

static void check(gpuc_status status) {
  if (status == GPUC_OK) return;
  fprintf(stderr, "%s: %s\n", gpuc_status_name(status), gpuc_last_error_message());
  exit(1);
}

int main(int argc, char **argv) {
  /* First the profile: queues that are made while one runs have the device's times. */
  gpuc_profile *profile;
  check(gpuc_profile_start(NULL, &profile));

  gpuc_proque_options options;
  check(gpuc_proque_options_init(&options, sizeof options));
  options.dims = 1;
  options.size[0] = COUNT;
  gpuc_proque *proque;
  gpuc_buffer *x;
  check(gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &proque));
  check(gpuc_proque_create_buffer(proque, GPUC_TYPE_F32, &x));
  float *host = malloc(COUNT * sizeof *host);
  if (!host) return 1;
  for (int i = 0; i < COUNT; ++i) host[i] = 1.0f / (float)(i + 1);
  check(gpuc_proque_write(proque, x, host));
  gpuc_arg args[2] = {{.kind = GPUC_ARG_BUFFER}, {.kind = GPUC_ARG_SCALAR}};
  args[0].value.buffer = x;
  for (int i = 0; i < LAUNCHES; ++i) {
    args[1].type = GPUC_TYPE_F32;
    args[1].value.f32 = 0.5f;
    check(gpuc_proque_launch(proque, "scale", args, 2, NULL, 0, NULL));
  }
  args[1].type = GPUC_TYPE_I32;
  args[1].value.i32 = 50;
  check(gpuc_proque_launch(proque, "horner", args, 2, NULL, 0, NULL));
  check(gpuc_proque_read(proque, x, host));

  check(gpuc_profile_stop(profile, UINT64_C(10000000000)));
  char report[8192];
  check(gpuc_profile_report(profile, report, sizeof report, NULL));
  fputs(report, stdout);

  /* Row by row. */
  uint64_t rows = 0, launches = 0;
  check(gpuc_profile_get_number(profile, GPUC_PROFILE_ROWS, &rows));
  for (size_t row = 0; row < rows; ++row) {
    uint64_t operation, count, mean_ns, bytes;
    char name[256];
    check(gpuc_profile_get_row_number(profile, row, GPUC_ROW_OPERATION, &operation));
    check(gpuc_profile_get_row_number(profile, row, GPUC_ROW_COUNT, &count));
    check(gpuc_profile_get_row_number(profile, row, GPUC_ROW_MEAN_NS, &mean_ns));
    check(gpuc_profile_get_row_number(profile, row, GPUC_ROW_BYTES, &bytes));
    check(gpuc_profile_get_row_string(profile, row, GPUC_PROFILE_NAME, name, sizeof name, NULL));
    if (operation == GPUC_OPERATION_KERNEL) launches += count;
    printf("%-8s %2llu times, %10.2f us each, %llu bytes in all\n", name, (unsigned long long)count,
           (double)mean_ns / 1000, (unsigned long long)bytes);
  }
  if (argc > 1) check(gpuc_profile_write_trace(profile, argv[1]));

  /* With every factor a half, the sum is that of a polynomial near its constant term: 1 + v + v*v + ... */
  int right = launches == LAUNCHES + 1;
  for (int i = 0; i < COUNT; ++i) {
    double v = 1.0 / (double)(i + 1), sum = 0;
    for (int k = 0; k < LAUNCHES; ++k) v *= 0.5;
    for (int k = 0; k < 50; ++k) sum = sum * v + 1;
    right = right && host[i] > sum - 1e-5 && host[i] < sum + 1e-5;
  }
  puts(right ? "every number and every launch is there: right" : "WRONG");
  gpuc_buffer_release(x);
  gpuc_proque_release(proque);
  gpuc_profile_release(profile);
  free(host);
  return right ? 0 : 1;
}
