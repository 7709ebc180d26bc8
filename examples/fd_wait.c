/* Waits for the device in an event loop: a file descriptor that becomes readable when a command is complete.
 *
 * Here poll() watches one command and goes about other work meanwhile; epoll, libuv or asyncio take the descriptor too.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <gpucompute/gpucompute.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 1 << 16, ROUNDS = 20000 };

/* Enough work to take a while: a linear congruential generator, many rounds for each element. */
static const char source[] =
    "kernel void churn(global uint *x, uint rounds) {\n"
    "  size_t i = get_global_id(0);\n"
    "  uint n = i;\n"
    "  for (uint r = 0; r < rounds; ++r) n = n * 1664525u + 1013904223u;\n"
    "  x[i] = n;\n"
    "}\n";

static void check(gpuc_status status, const char *call) {
  if (status == GPUC_OK) return;
  fprintf(stderr, "%s\n  %s: %s\n%s", call, gpuc_status_name(status), gpuc_last_error_message(),
          gpuc_last_error_detail());
  exit(1);
}
#define CHECK(call) check(call, #call)

int main(void) {
  static uint32_t result[COUNT];
  gpuc_proque_options options;
  CHECK(gpuc_proque_options_init(&options, sizeof options));
  options.dims = 1;
  options.size[0] = COUNT;
  gpuc_proque *proque;
  gpuc_queue *queue;
  gpuc_buffer *x;
  CHECK(gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &proque));
  CHECK(gpuc_proque_get_queue(proque, &queue));
  CHECK(gpuc_proque_create_buffer(proque, GPUC_TYPE_U32, &x));

  /* A launch and a read that do not wait. The read comes second, so its event stands for both. */
  gpuc_arg args[] = {{.kind = GPUC_ARG_BUFFER, .value.buffer = x},
                     {.kind = GPUC_ARG_SCALAR, .type = GPUC_TYPE_U32, .value.u32 = ROUNDS}};
  gpuc_event *read;
  CHECK(gpuc_proque_launch(proque, "churn", args, 2, NULL, 0, NULL));
  CHECK(gpuc_buffer_read_async(x, queue, 0, sizeof result, result, NULL, 0, &read));

  /* The descriptor is ours to close. Asking for it does not wait. */
  int32_t fd;
  CHECK(gpuc_event_get_fd(read, &fd));
  unsigned long turns = 0;
  for (;;) {
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    int ready = poll(&watched, 1, 1); /* up to a millisecond */
    if (ready < 0 && errno != EINTR) {
      fprintf(stderr, "poll: %s\n", strerror(errno));
      return 1;
    }
    if (ready > 0) break;
    if (++turns > 60000) {
      fprintf(stderr, "the descriptor did not become readable in a minute\n");
      return 1;
    }
  }
  close(fd);

  /* Readable means complete or failed; this says which, and does not wait any more. */
  CHECK(gpuc_event_wait(read));
  printf("complete after %lu turns of the event loop\n", turns);

  gpuc_event_release(read);
  gpuc_buffer_release(x);
  gpuc_queue_release(queue);
  gpuc_proque_release(proque);

  size_t wrong = 0;
  for (uint32_t i = 0; i < COUNT; i += 257) { /* some of them: one core at a time takes long */
    uint32_t n = i;
    for (uint32_t r = 0; r < ROUNDS; ++r) n = n * 1664525u + 1013904223u;
    if (result[i] != n) ++wrong;
  }
  printf("checked every 257th of %d elements: %zu wrong\n", COUNT, wrong);
  return wrong ? 1 : 0;
}
