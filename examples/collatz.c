/* How many steps does the Collatz sequence of n take to reach 1? n becomes n / 2 if it is even, else 3 n + 1.
 *
 * First for 1, 2, 3 and 4, then for the numbers from 1 to ten million, against the same count on one core of the CPU.
 *   collatz [COUNT] */
#define _POSIX_C_SOURCE 200809L
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The numbers are 32 bits wide; on their way they grow beyond that. */
static const char source[] =
    "kernel void collatz(global uint *x) {\n"
    "  size_t i = get_global_id(0);\n"
    "  ulong n = x[i];\n"
    "  uint steps = 0;\n"
    "  while (n > 1) {\n"
    "    n = n & 1 ? 3 * n + 1 : n >> 1;\n"
    "    ++steps;\n"
    "  }\n"
    "  x[i] = steps;\n"
    "}\n";

static uint32_t collatz(uint64_t n) {
  uint32_t steps = 0;
  while (n > 1) {
    n = n & 1 ? 3 * n + 1 : n >> 1;
    ++steps;
  }
  return steps;
}

static void check(gpuc_status status, const char *call) {
  if (status == GPUC_OK) return;
  fprintf(stderr, "%s\n  %s: %s\n%s", call, gpuc_status_name(status), gpuc_last_error_message(),
          gpuc_last_error_detail());
  exit(1);
}
#define CHECK(call) check(call, #call)

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Replaces each number by its count of steps, on the device, copies there and back included. */
static void count_steps(gpuc_proque *proque, uint32_t *numbers, size_t count) {
  gpuc_buffer *x;
  CHECK(gpuc_proque_set_dims(proque, 1, &count));
  CHECK(gpuc_proque_create_buffer(proque, GPUC_TYPE_U32, &x));
  CHECK(gpuc_proque_write(proque, x, numbers));
  gpuc_arg arg = {.kind = GPUC_ARG_BUFFER, .value.buffer = x};
  CHECK(gpuc_proque_launch(proque, "collatz", &arg, 1, NULL, 0, NULL));
  CHECK(gpuc_proque_read(proque, x, numbers));
  gpuc_buffer_release(x);
}

int main(int argc, char **argv) {
  unsigned long long wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
  if (wanted < 1 || wanted > 100000000) {
    fprintf(stderr, "usage: collatz [COUNT], from 1 to 100000000\n");
    return 1;
  }
  size_t count = (size_t)wanted;

  gpuc_proque *proque;
  CHECK(gpuc_proque_create(source, GPUC_NUL_TERMINATED, NULL, &proque));

  static const uint32_t expected[4] = {0, 1, 7, 2};
  uint32_t small[4] = {1, 2, 3, 4};
  size_t wrong = 0;
  count_steps(proque, small, 4);
  printf("steps of 1, 2, 3, 4: %u, %u, %u, %u\n", small[0], small[1], small[2], small[3]);
  for (size_t i = 0; i < 4; ++i)
    if (small[i] != expected[i]) ++wrong;

  uint32_t *numbers = malloc(count * sizeof *numbers);
  if (!numbers) return 1;
  for (size_t i = 0; i < count; ++i) numbers[i] = (uint32_t)(i + 1);
  double begin = now();
  count_steps(proque, numbers, count);
  double device_seconds = now() - begin;
  gpuc_proque_release(proque);

  uint64_t total = 0;
  size_t longest = 0;
  begin = now();
  for (size_t i = 0; i < count; ++i) {
    uint32_t steps = collatz(i + 1);
    if (numbers[i] != steps) ++wrong;
    if (numbers[i] > numbers[longest]) longest = i;
    total += steps;
  }
  double cpu_seconds = now() - begin;

  printf("the longest way from 1 to %zu: %zu, with %u steps; %llu steps in all\n", count, longest + 1, numbers[longest],
         (unsigned long long)total);
  printf("device  %7.3f s  %9.1f million numbers per second, copies included\n", device_seconds,
         1e-6 * (double)count / device_seconds);
  printf("CPU     %7.3f s  %9.1f million numbers per second, one core\n", cpu_seconds,
         1e-6 * (double)count / cpu_seconds);
  printf("the device is %.1f times as fast; %zu wrong\n", cpu_seconds / device_seconds, wrong);
  free(numbers);
  return wrong ? 1 : 0;
}
