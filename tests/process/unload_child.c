/* Loads the library as a plug-in does, uses it, and unloads it, in one of several shapes: unload_child LIBRARY SHAPE.
   Says what is wrong on standard output, and ends with status 1 then. */
#include <CL/cl.h>
#include <dlfcn.h>
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE ((size_t)4 << 20)

static void *library;
static unsigned char *host;

static void *function(const char *name) {
  void *found = dlsym(library, name);
  if (!found) {
    printf("%s\n", dlerror());
    exit(1);
  }
  return found;
}
/* The function of that name, with the type that the header gives it. */
#define CALL(name, ...) (((__typeof__(&name))function(#name))(__VA_ARGS__))
#define EXPECT_OK(name, ...)                                    \
  do {                                                          \
    const gpuc_status got = CALL(name, __VA_ARGS__);            \
    if (got != GPUC_OK) {                                       \
      printf("%s: %s\n", #name, CALL(gpuc_last_error_message)); \
      exit(1);                                                  \
    }                                                           \
  } while (0)

/* Leaves copies in flight, and an event that a thread of the library watches. */
static void use(int release) {
  gpuc_context *context = NULL;
  gpuc_queue *queue = NULL;
  gpuc_buffer *buffer = NULL;
  gpuc_event *event = NULL;
  int32_t fd = -1;
  EXPECT_OK(gpuc_context_create, NULL, 0, &context);
  EXPECT_OK(gpuc_queue_create, context, NULL, 0, &queue);
  EXPECT_OK(gpuc_buffer_create, context, SIZE, 0, &buffer);
  EXPECT_OK(gpuc_buffer_write_async, buffer, queue, 0, SIZE, host, NULL, 0, &event);
  EXPECT_OK(gpuc_event_get_fd, event, &fd);
  EXPECT_OK(gpuc_buffer_read_async, buffer, queue, 0, SIZE, host, NULL, 0, NULL);
  if (!release) return;
  EXPECT_OK(gpuc_queue_finish, queue);
  CALL(gpuc_event_release, event);
  CALL(gpuc_buffer_release, buffer);
  CALL(gpuc_queue_release, queue);
  CALL(gpuc_context_release, context);
}

/* Leaves a copy that waits for the event returned, and something of the library's that waits for the copy. */
static cl_event use_blocked(void) {
  gpuc_context *context = NULL;
  gpuc_queue *queue = NULL;
  gpuc_buffer *buffer = NULL;
  gpuc_event *user = NULL, *copied = NULL;
  void *native = NULL;
  int32_t fd = -1;
  EXPECT_OK(gpuc_context_create, NULL, 0, &context);
  EXPECT_OK(gpuc_queue_create, context, NULL, 0, &queue);
  EXPECT_OK(gpuc_buffer_create, context, SIZE, 0, &buffer);
  EXPECT_OK(gpuc_event_create_user, context, &user);
  EXPECT_OK(gpuc_event_get_native, user, &native);
  clRetainEvent((cl_event)native);
  EXPECT_OK(gpuc_buffer_write_async, buffer, queue, 0, SIZE, host, &user, 1, &copied);
  EXPECT_OK(gpuc_event_get_fd, copied, &fd);
  EXPECT_OK(gpuc_queue_flush, queue);
  return (cl_event)native;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const char *shape = argv[2];
  const int blocked = strcmp(shape, "unload_blocked") == 0;
  const int again = strcmp(shape, "unload_again") == 0;
  host = calloc(SIZE, 1);
  for (int turn = 0; turn < (again ? 3 : 1); ++turn) {
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      printf("%s\n", dlerror());
      return 1;
    }
    cl_event user = NULL;
    if (blocked)
      user = use_blocked();
    else
      use(strcmp(shape, "unload_in_flight") != 0);
    if (dlclose(library) != 0) printf("%s\n", dlerror());
    if (user) clSetUserEventStatus(user, CL_COMPLETE); /* calls who waits for it, gone or not */
    usleep(20000);                                     /* for threads that are still there */
  }
  return 0;
}
