/* Keeps a device busy: while a kernel works on one chunk of the data, the next is on its way to the device and the one
 * before on its way back.
 *
 * The chunks take turns on two queues. On each queue, a chunk's upload, kernel and download follow each other; between
 * the queues nothing orders them but events. There are three slots of device memory: chunk number c has slot c % 3 and
 * queue c % 2, so that its upload must wait for the download of chunk c - 3, on the other queue.
 *
 * Host memory is pinned: the device copies to and from it by itself, which copies that run beside a kernel need. */
#define _POSIX_C_SOURCE 200809L
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHUNKS = 16, CHUNK = 1 << 21, QUEUES = 2, SLOTS = 3 };
static const size_t chunk_bytes = CHUNK * sizeof(uint32_t);

/* Some rounds of a linear congruential generator on each element, to be worth the copies. */
static const char source[] =
    "kernel void churn(global const uint *in, global uint *out, uint rounds) {\n"
    "  size_t i = get_global_id(0);\n"
    "  uint n = in[i];\n"
    "  for (uint r = 0; r < rounds; ++r) n = n * 1664525u + 1013904223u;\n"
    "  out[i] = n;\n"
    "}\n";

typedef struct pipeline {
  gpuc_queue *queues[QUEUES];
  gpuc_kernel *kernel;
  gpuc_buffer *in[SLOTS], *out[SLOTS];
  uint32_t rounds;
} pipeline;

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

static void launch(pipeline *p, gpuc_queue *queue, size_t slot) {
  gpuc_launch launch;
  CHECK(gpuc_launch_init(&launch, sizeof launch));
  launch.global[0] = CHUNK;
  gpuc_arg args[] = {{.kind = GPUC_ARG_BUFFER, .value.buffer = p->in[slot]},
                     {.kind = GPUC_ARG_BUFFER, .value.buffer = p->out[slot]},
                     {.kind = GPUC_ARG_SCALAR, .type = GPUC_TYPE_U32, .value.u32 = p->rounds}};
  CHECK(gpuc_kernel_launch(p->kernel, queue, &launch, args, 3, NULL, 0, NULL));
}

/* One thing after the other: each copy waits, and the device waits with it. */
static void run_step_by_step(pipeline *p, const uint32_t *in, uint32_t *out) {
  for (size_t c = 0; c < CHUNKS; ++c) {
    CHECK(gpuc_buffer_write(p->in[0], p->queues[0], 0, chunk_bytes, in + c * CHUNK));
    launch(p, p->queues[0], 0);
    CHECK(gpuc_buffer_read(p->out[0], p->queues[0], 0, chunk_bytes, out + c * CHUNK));
  }
}

/* All of it is put on the queues at once; the host waits for nothing but the end. */
static void run_overlapped(pipeline *p, const uint32_t *in, uint32_t *out) {
  gpuc_event *downloaded[CHUNKS];
  for (size_t c = 0; c < CHUNKS; ++c) {
    gpuc_queue *queue = p->queues[c % QUEUES];
    size_t slot = c % SLOTS;
    gpuc_event **free_slot = c >= SLOTS ? &downloaded[c - SLOTS] : NULL;
    CHECK(gpuc_buffer_write_async(p->in[slot], queue, 0, chunk_bytes, in + c * CHUNK, free_slot, free_slot ? 1 : 0,
                                  NULL));
    launch(p, queue, slot);
    CHECK(gpuc_buffer_read_async(p->out[slot], queue, 0, chunk_bytes, out + c * CHUNK, NULL, 0, &downloaded[c]));
    CHECK(gpuc_queue_flush(queue)); /* start now: the other queue will wait for it */
  }
  CHECK(gpuc_event_wait_all(downloaded, CHUNKS));
  for (size_t c = 0; c < CHUNKS; ++c) gpuc_event_release(downloaded[c]);
}

/* The seconds of the fastest of a few runs. */
static double time_of(void (*run)(pipeline *, const uint32_t *, uint32_t *), pipeline *p, const uint32_t *in,
                      uint32_t *out) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    double begin = now();
    run(p, in, out);
    if (now() - begin < best) best = now() - begin;
  }
  return best;
}

/* Counts wrong elements, and wipes them for the next run. All rounds together are n * factor + sum, too: quick to
 * check. */
static size_t wrong_elements(const pipeline *p, const uint32_t *in, uint32_t *out) {
  uint32_t factor = 1, sum = 0;
  for (uint32_t r = 0; r < p->rounds; ++r) {
    factor *= 1664525u;
    sum = sum * 1664525u + 1013904223u;
  }
  size_t wrong = 0;
  for (size_t i = 0; i < (size_t)CHUNKS * CHUNK; ++i) {
    if (out[i] != in[i] * factor + sum) ++wrong;
    out[i] = 0;
  }
  return wrong;
}

int main(void) {
  pipeline p;
  gpuc_context *context;
  gpuc_device *device;
  gpuc_program *program;
  gpuc_host_memory *memory_in, *memory_out;
  void *in, *out;
  uint64_t type;
  CHECK(gpuc_device_select(NULL, &device));
  CHECK(gpuc_device_get_number(device, GPUC_DEVICE_TYPE, &type));
  CHECK(gpuc_context_create(&device, 1, &context));
  CHECK(gpuc_program_create_from_source(context, source, GPUC_NUL_TERMINATED, NULL, &program));
  CHECK(gpuc_kernel_create(program, "churn", &p.kernel));
  for (size_t i = 0; i < QUEUES; ++i) CHECK(gpuc_queue_create(context, device, 0, &p.queues[i]));
  for (size_t i = 0; i < SLOTS; ++i) {
    CHECK(gpuc_buffer_create(context, chunk_bytes, 0, &p.in[i]));
    CHECK(gpuc_buffer_create(context, chunk_bytes, 0, &p.out[i]));
  }
  CHECK(gpuc_host_memory_create(context, CHUNKS * chunk_bytes, &memory_in));
  CHECK(gpuc_host_memory_create(context, CHUNKS * chunk_bytes, &memory_out));
  CHECK(gpuc_host_memory_get(memory_in, &in, NULL));
  CHECK(gpuc_host_memory_get(memory_out, &out, NULL));

  /* About as much work as makes the kernel as long as a copy: the most there is to gain. */
  p.rounds = type == GPUC_DEVICE_TYPE_CPU ? 20 : 1000;
  uint32_t *numbers = in;
  for (uint32_t i = 0; i < (uint32_t)CHUNKS * CHUNK; ++i) numbers[i] = i;

  double one_by_one = time_of(run_step_by_step, &p, in, out);
  size_t wrong = wrong_elements(&p, in, out);
  double overlapped = time_of(run_overlapped, &p, in, out);
  wrong += wrong_elements(&p, in, out);

  double megabytes = 2e-6 * CHUNKS * (double)chunk_bytes; /* there and back */
  printf("%d chunks of %zu KiB, up, through a kernel and down\n", CHUNKS, chunk_bytes >> 10);
  printf("  step by step  %8.3f ms  %8.0f MB/s\n", 1e3 * one_by_one, megabytes / one_by_one);
  printf("  overlapped    %8.3f ms  %8.0f MB/s, %.2f times as fast\n", 1e3 * overlapped, megabytes / overlapped,
         one_by_one / overlapped);
  if (type == GPUC_DEVICE_TYPE_CPU)
    printf("  This device is the CPU: the same cores do the copies and the kernel, so there is little to overlap.\n");
  printf("  %zu elements wrong\n", wrong);

  gpuc_host_memory_release(memory_in);
  gpuc_host_memory_release(memory_out);
  for (size_t i = 0; i < SLOTS; ++i) {
    gpuc_buffer_release(p.in[i]);
    gpuc_buffer_release(p.out[i]);
  }
  for (size_t i = 0; i < QUEUES; ++i) gpuc_queue_release(p.queues[i]);
  gpuc_kernel_release(p.kernel);
  gpuc_program_release(program);
  gpuc_context_release(context);
  gpuc_device_release(device);
  return wrong ? 1 : 0;
}
