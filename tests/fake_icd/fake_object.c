// The lock, the callbacks, and the life of objects.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct fake_callback *due;  // callbacks that the next fake_unlock runs, oldest first

void fake_lock(void) { pthread_mutex_lock(&lock); }

void fake_unlock(void) {
  while (due) {
    struct fake_callback *callback = due;
    due = callback->next;
    pthread_mutex_unlock(&lock);
    if (callback->for_event) callback->for_event(callback->object, callback->status, callback->user_data);
    if (callback->for_mem) callback->for_mem(callback->object, callback->user_data);
    if (callback->for_context) callback->for_context(callback->object, callback->user_data);
    pthread_mutex_lock(&lock);
    if (callback->for_event) fake_unpin(callback->object);
    free(callback);
  }
  pthread_mutex_unlock(&lock);
}

void fake_call_later(struct fake_callback *callback) {
  if (callback->for_event) fake_pin(callback->object);
  callback->next = NULL;
  struct fake_callback **end = &due;
  while (*end) end = &(*end)->next;
  *end = callback;
}

void fake_wait_for_change(void) { pthread_cond_wait(&changed, &lock); }
void fake_signal_change(void) { pthread_cond_broadcast(&changed); }

// ---- objects ----

// Released objects keep their memory for a while: a late use of a handle then finds FAKE_DEAD and gets an error, where
// it would else find whatever malloc has put there.
enum { QUARANTINE = 4096 };
static void *quarantine[QUARANTINE];
static size_t quarantine_next;

__attribute__((destructor)) static void empty_quarantine(void) {
  for (size_t i = 0; i < QUARANTINE; i++) {
    free(quarantine[i]);
    quarantine[i] = NULL;
  }
}

void *fake_new(enum fake_kind kind, size_t size) {
  struct fake_object *object = calloc(1, size);
  if (!object) return NULL;
  *object = (struct fake_object){.dispatch = &fake_dispatch, .kind = kind, .references = 1};
  return object;
}

int fake_is(const void *handle, enum fake_kind kind) {
  return handle && ((const struct fake_object *)handle)->kind == kind;
}

static void destroy(struct fake_object *object) {
  switch (object->kind) {
    case FAKE_CONTEXT:
      fake_destroy_context((cl_context)object);
      break;
    case FAKE_QUEUE:
      fake_destroy_queue((cl_command_queue)object);
      break;
    case FAKE_MEM:
      fake_destroy_mem((cl_mem)object);
      break;
    case FAKE_PROGRAM:
      fake_destroy_program((cl_program)object);
      break;
    case FAKE_KERNEL:
      fake_destroy_kernel((cl_kernel)object);
      break;
    case FAKE_EVENT:
      fake_destroy_event((cl_event)object);
      break;
    case FAKE_PLATFORM:
    case FAKE_DEVICE:
    case FAKE_DEAD:
      return;
  }
  object->kind = FAKE_DEAD;
  free(quarantine[quarantine_next]);
  quarantine[quarantine_next] = object;
  quarantine_next = (quarantine_next + 1) % QUARANTINE;
}

void fake_pin(void *object) { ((struct fake_object *)object)->pins++; }

void fake_unpin(void *handle) {
  struct fake_object *object = handle;
  object->pins--;
  if (object->pins == 0 && object->references == 0) destroy(object);
}

cl_int fake_retain(void *handle, enum fake_kind kind, cl_int invalid) {
  fake_lock();
  cl_int result = fake_is(handle, kind) ? CL_SUCCESS : invalid;
  if (result == CL_SUCCESS) ((struct fake_object *)handle)->references++;
  fake_unlock();
  return result;
}

cl_int fake_release(void *handle, enum fake_kind kind, cl_int invalid) {
  struct fake_object *object = handle;
  fake_lock();
  cl_int result = fake_is(object, kind) && object->references > 0 ? CL_SUCCESS : invalid;
  if (result == CL_SUCCESS) {
    object->references--;
    if (object->references == 0 && object->pins == 0) destroy(object);
  }
  fake_unlock();
  return result;
}

cl_int clRetainContext(cl_context context) { return fake_retain(context, FAKE_CONTEXT, CL_INVALID_CONTEXT); }
cl_int clReleaseContext(cl_context context) { return fake_release(context, FAKE_CONTEXT, CL_INVALID_CONTEXT); }
cl_int clRetainCommandQueue(cl_command_queue queue) { return fake_retain(queue, FAKE_QUEUE, CL_INVALID_COMMAND_QUEUE); }
cl_int clReleaseCommandQueue(cl_command_queue queue) {
  return fake_release(queue, FAKE_QUEUE, CL_INVALID_COMMAND_QUEUE);
}
cl_int clRetainMemObject(cl_mem mem) { return fake_retain(mem, FAKE_MEM, CL_INVALID_MEM_OBJECT); }
cl_int clReleaseMemObject(cl_mem mem) { return fake_release(mem, FAKE_MEM, CL_INVALID_MEM_OBJECT); }
cl_int clRetainProgram(cl_program program) { return fake_retain(program, FAKE_PROGRAM, CL_INVALID_PROGRAM); }
cl_int clReleaseProgram(cl_program program) { return fake_release(program, FAKE_PROGRAM, CL_INVALID_PROGRAM); }
cl_int clRetainKernel(cl_kernel kernel) { return fake_retain(kernel, FAKE_KERNEL, CL_INVALID_KERNEL); }
cl_int clReleaseKernel(cl_kernel kernel) { return fake_release(kernel, FAKE_KERNEL, CL_INVALID_KERNEL); }
cl_int clRetainEvent(cl_event event) { return fake_retain(event, FAKE_EVENT, CL_INVALID_EVENT); }
cl_int clReleaseEvent(cl_event event) { return fake_release(event, FAKE_EVENT, CL_INVALID_EVENT); }

// ---- answers ----

cl_int fake_reply(const void *answer, size_t answer_size, size_t size, void *value, size_t *size_ret) {
  if (value) {
    if (size < answer_size) return CL_INVALID_VALUE;
    if (answer_size) memcpy(value, answer, answer_size);
  }
  if (size_ret) *size_ret = answer_size;
  return CL_SUCCESS;
}

cl_int fake_reply_text(const char *answer, size_t size, void *value, size_t *size_ret) {
  return fake_reply(answer, strlen(answer) + 1, size, value, size_ret);
}

void *fake_fail(cl_int *errcode_ret, cl_int code) {
  if (errcode_ret) *errcode_ret = code;
  return NULL;
}

void *fake_give(cl_int *errcode_ret, void *object) {
  if (errcode_ret) *errcode_ret = CL_SUCCESS;
  return object;
}

int fake_copy_properties(const intptr_t *list, void *out_copy, size_t *out_bytes) {
  *(void **)out_copy = NULL;
  *out_bytes = 0;
  if (!list) return 1;
  size_t count = 1;
  while (list[count - 1]) count += 2;
  void *copy = malloc(count * sizeof *list);
  if (!copy) return 0;
  memcpy(copy, list, count * sizeof *list);
  *(void **)out_copy = copy;
  *out_bytes = count * sizeof *list;
  return 1;
}
