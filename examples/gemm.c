/* Matrix products: 512 x 512 ones, whose product is 512 everywhere, then 1024 x 1024 random numbers, checked against
 * the same product in double on the CPU. gemm [N]  for another size than 1024 */
#define _POSIX_C_SOURCE 200809L
#include <float.h>
#include <gpucompute/gpucompute.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory) return memory;
  fprintf(stderr, "no host memory for %zu elements\n", count);
  exit(1);
}

/* C = A * B of n x n floats in row-major order. Returns the seconds of the fastest of a few products; the first one of
 * a process also compiles. */
static double multiply(gpuc_queue *queue, size_t n, const float *a, const float *b, float *c, int explain) {
  gpuc_context *context;
  gpuc_buffer *buffer_a, *buffer_b, *buffer_c;
  size_t bytes = n * n * sizeof(float);
  CHECK(gpuc_queue_get_context(queue, &context));
  CHECK(gpuc_buffer_create(context, bytes, 0, &buffer_a));
  CHECK(gpuc_buffer_create(context, bytes, 0, &buffer_b));
  CHECK(gpuc_buffer_create(context, bytes, 0, &buffer_c));
  CHECK(gpuc_buffer_write(buffer_a, queue, 0, bytes, a));
  CHECK(gpuc_buffer_write(buffer_b, queue, 0, bytes, b));

  gpuc_gemm_desc desc; /* f32, row-major, alpha 1, beta 0, tightly packed, unless changed */
  CHECK(gpuc_gemm_desc_init(&desc, sizeof desc));
  desc.m = desc.n = desc.k = (int64_t)n;
  if (explain) {
    char text[4096];
    CHECK(gpuc_gemm_explain(queue, &desc, text, sizeof text, NULL));
    printf("%s", text);
  }

  double best = HUGE_VAL;
  for (int i = 0; i < 4; ++i) {
    double begin = now();
    CHECK(gpuc_gemm(queue, &desc, buffer_a, buffer_b, buffer_c, NULL, 0, NULL));
    CHECK(gpuc_queue_finish(queue));
    if (now() - begin < best) best = now() - begin;
  }
  CHECK(gpuc_buffer_read(buffer_c, queue, 0, bytes, c));
  gpuc_buffer_release(buffer_a);
  gpuc_buffer_release(buffer_b);
  gpuc_buffer_release(buffer_c);
  gpuc_context_release(context);
  return best;
}

/* Every step-th row of A * B in double, by blocks of B that stay in the cache. */
static void multiply_on_cpu(size_t n, size_t step, const float *a, const float *b, double *c) {
  enum { BLOCK = 128 };
  for (size_t k0 = 0; k0 < n; k0 += BLOCK)
    for (size_t j0 = 0; j0 < n; j0 += BLOCK) {
      size_t k1 = k0 + BLOCK < n ? k0 + BLOCK : n, j1 = j0 + BLOCK < n ? j0 + BLOCK : n;
      for (size_t i = 0; i < n; i += step)
        for (size_t k = k0; k < k1; ++k) {
          double x = a[i * n + k];
          for (size_t j = j0; j < j1; ++j) c[i / step * n + j] += x * b[k * n + j];
        }
    }
}

static float random_number(uint64_t *state) { /* from -1 to 1 */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (float)((double)(*state >> 40) / 8388608.0 - 1.0);
}

static size_t ones(gpuc_queue *queue) {
  enum { N = 512 };
  static float a[N * N], c[N * N];
  for (size_t i = 0; i < N * N; ++i) a[i] = 1;
  double seconds = multiply(queue, N, a, a, c, 0);
  size_t wrong = 0;
  for (size_t i = 0; i < N * N; ++i)
    if (c[i] != N) ++wrong;
  printf("%d x %d ones: %g everywhere, %zu wrong, %.3f ms\n", N, N, (double)c[0], wrong, 1e3 * seconds);
  return wrong;
}

static size_t random_matrices(gpuc_queue *queue, size_t n) {
  /* Of a very large product only some rows are checked, so that the CPU's part takes seconds. */
  size_t step = 1;
  while ((double)n * (double)n * (double)(n / step) > 2e9) ++step;
  size_t rows = (n + step - 1) / step;

  float *a = allocate(n * n, sizeof *a), *b = allocate(n * n, sizeof *b), *c = allocate(n * n, sizeof *c);
  double *exact = allocate(rows * n, sizeof *exact), *magnitude = allocate(rows * n, sizeof *magnitude);
  uint64_t seed = 1;
  for (size_t i = 0; i < n * n; ++i) {
    a[i] = random_number(&seed);
    b[i] = random_number(&seed);
  }
  double device_seconds = multiply(queue, n, a, b, c, 1);
  double begin = now();
  multiply_on_cpu(n, step, a, b, exact);
  double cpu_seconds = (now() - begin) * (double)n / (double)rows;

  /* A sum of K products in f32, in whatever order, is off by (K + 4) * eps * (the sum of the products' magnitudes) at
   * most, where eps is 2^-23. So that sum is needed as well. */
  for (size_t i = 0; i < n * n; ++i) {
    a[i] = fabsf(a[i]);
    b[i] = fabsf(b[i]);
  }
  multiply_on_cpu(n, step, a, b, magnitude);
  size_t wrong = 0;
  double worst = 0, largest = 0;
  for (size_t row = 0; row < rows; ++row)
    for (size_t j = 0; j < n; ++j) {
      double error = fabs((double)c[row * step * n + j] - exact[row * n + j]);
      double bound = (double)(n + 4) * FLT_EPSILON * magnitude[row * n + j];
      if (!(error <= bound)) ++wrong; /* written so that NaN is wrong too */
      if (error > largest) largest = error;
      if (bound > 0 && error / bound > worst) worst = error / bound;
    }

  double operations = 2.0 * (double)n * (double)n * (double)n;
  printf("%zu x %zu random numbers, %zu rows checked: %zu wrong\n", n, n, rows, wrong);
  printf("  largest error %.2e, nowhere over %.4f of the bound (K + 4) * 2^-23 * sum|a||b|\n", largest, worst);
  printf("  device  %10.3f ms  %9.1f GFLOP/s in f32\n", 1e3 * device_seconds, 1e-9 * operations / device_seconds);
  printf("  CPU     %10.3f ms  %9.1f GFLOP/s in f64, a blocked loop on one core%s\n", 1e3 * cpu_seconds,
         1e-9 * operations / cpu_seconds, step > 1 ? ", from the rows checked" : "");
  printf("  the device is %.1f times as fast\n", cpu_seconds / device_seconds);
  free(a);
  free(b);
  free(c);
  free(exact);
  free(magnitude);
  return wrong;
}

int main(int argc, char **argv) {
  unsigned long long n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1024;
  if (n < 1 || n > 32768) {
    fprintf(stderr, "usage: gemm [N], from 1 to 32768\n");
    return 1;
  }
  gpuc_context *context; /* no devices named: the default one */
  gpuc_queue *queue;
  CHECK(gpuc_context_create(NULL, 0, &context));
  CHECK(gpuc_queue_create(context, NULL, 0, &queue));
  size_t wrong = ones(queue);
  wrong += random_matrices(queue, (size_t)n);
  gpuc_queue_release(queue);
  gpuc_context_release(context);
  return wrong ? 1 : 0;
}
