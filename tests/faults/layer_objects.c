// The object table: which OpenCL objects live, how often the application holds each, and which events must fail.
//
// The count of an entry is the application's own: one for the creation, one for each retain. At zero the entry stays,
// so that a later use of the handle is seen as a misuse; the driver may give the same address to a new object, which
// then takes over the entry.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "layer_core.h"

struct object {
  const void *handle;  // NULL: a free place
  enum object_kind kind;
  int forgotten;  // known again only after the next creation or retain
  long count;
  // of events only
  int from_enqueue;
  int observed;
  cl_int status;  // CL_SUCCESS, or the injected failure
  int reported;
};

// Places beyond which a growing table drops the released objects instead of carrying them along.
enum { FIRST_CAPACITY = 1024, KEEP_RELEASED_BELOW = 1 << 18 };

const char *const object_kind_names[KIND_COUNT] = {"context", "queue", "mem", "program", "kernel", "event", "sampler"};
static const cl_int invalid_object[KIND_COUNT] = {CL_INVALID_CONTEXT, CL_INVALID_COMMAND_QUEUE, CL_INVALID_MEM_OBJECT,
                                                  CL_INVALID_PROGRAM, CL_INVALID_KERNEL,        CL_INVALID_EVENT,
                                                  CL_INVALID_SAMPLER};

static struct object *table;  // open addressing, linear probing; capacity is a power of two
static size_t capacity;
static size_t used;
static long live[KIND_COUNT];
static long misuse;

static struct object *probe(struct object *places, size_t size, const void *handle) {
  size_t place = (size_t)(((uint64_t)(uintptr_t)handle * 0x9e3779b97f4a7c15u) >> 20) & (size - 1);
  while (places[place].handle && places[place].handle != handle) place = (place + 1) & (size - 1);
  return &places[place];
}

// The entry of a handle, or NULL where nothing is known of it.
static struct object *find(const void *handle) {
  if (!handle || !capacity) return NULL;
  struct object *object = probe(table, capacity, handle);
  return object->handle && !object->forgotten ? object : NULL;
}

static void rebuild(size_t new_capacity, int keep_released) {
  struct object *places = calloc(new_capacity, sizeof *places);
  if (!places) abort();  // a test instrument that loses count is worse than none
  size_t kept = 0;
  for (size_t i = 0; i < capacity; i++) {
    const struct object *object = &table[i];
    if (!object->handle || object->forgotten || (object->count == 0 && !keep_released)) continue;
    *probe(places, new_capacity, object->handle) = *object;
    kept++;
  }
  free(table);
  table = places;
  capacity = new_capacity;
  used = kept;
}

static struct object *insert(enum object_kind kind, const void *handle) {
  if ((used + 1) * 2 > capacity) {
    rebuild(capacity ? capacity * 2 : FIRST_CAPACITY, capacity < KEEP_RELEASED_BELOW);
  }
  struct object *object = probe(table, capacity, handle);
  if (!object->handle) used++;
  if (object->handle && !object->forgotten && object->count > 0) live[object->kind]--;  // its end was not seen
  *object = (struct object){.handle = handle, .kind = kind, .count = 1};
  live[kind]++;
  return object;
}

static cl_int check(enum object_kind kind, const void *handle) {
  const struct object *object = find(handle);
  if (!object || object->kind != kind || object->count > 0) return CL_SUCCESS;
  misuse++;
  return invalid_object[kind];
}

// Adds to the count of an object that is known.
static void change_count(enum object_kind kind, const void *handle, long change) {
  struct object *object = find(handle);
  if (!object || object->kind != kind) return;
  const int lived = object->count > 0;
  object->count += change;
  live[kind] += (object->count > 0) - lived;
}

cl_int objects_check(enum object_kind kind, const void *handle) {
  layer_lock();
  cl_int code = check(kind, handle);
  layer_unlock();
  return code;
}

cl_int objects_check_list(enum object_kind kind, cl_uint count, const void *const *handles) {
  cl_int code = CL_SUCCESS;
  if (!handles) return code;
  layer_lock();
  for (cl_uint i = 0; i < count && code == CL_SUCCESS; i++) code = check(kind, handles[i]);
  layer_unlock();
  return code;
}

cl_int objects_retain(enum object_kind kind, const void *handle) {
  if (!handle) return CL_SUCCESS;
  layer_lock();
  cl_int code = check(kind, handle);
  if (code == CL_SUCCESS) {
    if (find(handle)) {
      change_count(kind, handle, +1);
    } else {
      insert(kind, handle);
    }
  }
  layer_unlock();
  return code;
}

cl_int objects_release(enum object_kind kind, const void *handle) {
  layer_lock();
  cl_int code = check(kind, handle);
  if (code == CL_SUCCESS) change_count(kind, handle, -1);
  layer_unlock();
  return code;
}

void objects_undo_retain(enum object_kind kind, const void *handle) {
  layer_lock();
  change_count(kind, handle, -1);
  layer_unlock();
}

void objects_undo_release(enum object_kind kind, const void *handle) {
  layer_lock();
  change_count(kind, handle, +1);
  layer_unlock();
}

void objects_created(enum object_kind kind, const void *handle) {
  if (!handle) return;
  layer_lock();
  struct object *object = find(handle);
  if (object && object->kind == kind && object->count > 0) {
    object->count++;  // the driver gave an object that exists, retained once more
  } else {
    insert(kind, handle);
  }
  layer_unlock();
}

void objects_enqueued(cl_event event) {
  if (!event) return;
  layer_lock();
  insert(KIND_EVENT, event)->from_enqueue = 1;
  layer_unlock();
}

void objects_seen(cl_uint param_name, size_t size, const void *value) {
  if (!value || size < sizeof(void *)) return;
  switch (param_name) {
    case CL_QUEUE_CONTEXT:
    case CL_MEM_CONTEXT:
    case CL_MEM_ASSOCIATED_MEMOBJECT:
    case CL_SAMPLER_CONTEXT:
    case CL_PROGRAM_CONTEXT:
    case CL_KERNEL_CONTEXT:
    case CL_KERNEL_PROGRAM:
    case CL_EVENT_CONTEXT:
    case CL_EVENT_COMMAND_QUEUE:
      break;
    default:
      return;
  }
  layer_lock();
  const void *handle;
  memcpy(&handle, value, sizeof handle);
  struct object *object = find(handle);
  if (object && object->count == 0) object->forgotten = 1;
  layer_unlock();
}

long objects_live(int kind) {
  if (kind < KIND_COUNT) return live[kind];
  long sum = 0;
  for (int i = 0; i < KIND_COUNT; i++) sum += live[i];
  return sum;
}

long objects_misuse(void) { return misuse; }

void objects_reset(void) {
  misuse = 0;
  if (capacity) rebuild(capacity, 0);
}

// ---- overrides ----

cl_int override_clCreateKernelsInProgram(cl_program program, cl_uint num_kernels, cl_kernel *kernels,
                                         cl_uint *num_kernels_ret) {
  cl_uint created = 0;
  cl_int result = layer_target.clCreateKernelsInProgram(program, num_kernels, kernels, &created);
  if (result != CL_SUCCESS) return result;
  if (num_kernels_ret) *num_kernels_ret = created;
  for (cl_uint i = 0; kernels && i < created; i++) objects_created(KIND_KERNEL, kernels[i]);
  return result;
}

// The injected status of an event, decided at the first look at it. CL_SUCCESS: the event tells the truth.
static cl_int observe(cl_event event) {
  layer_lock();
  struct object *object = find(event);
  cl_int status = CL_SUCCESS;
  if (object && object->kind == KIND_EVENT && object->from_enqueue) {
    if (!object->observed) {
      object->observed = 1;
      object->status = layer_event_observed();
    }
    status = object->status;
  }
  layer_unlock();
  return status;
}

// The event reports its injected status to the application; this counts once for each event.
static void report(cl_event event) {
  layer_lock();
  struct object *object = find(event);
  if (object && !object->reported) {
    object->reported = 1;
    layer_event_failed(object->status);
  }
  layer_unlock();
}

cl_int override_clWaitForEvents(cl_uint num_events, const cl_event *event_list) {
  // The wait is real also for an event that fails: when it ends, the command no longer touches host memory.
  cl_int result = layer_target.clWaitForEvents(num_events, event_list);
  if (result != CL_SUCCESS) return result;
  for (cl_uint i = 0; i < num_events; i++) {
    if (observe(event_list[i]) == CL_SUCCESS) continue;
    report(event_list[i]);
    result = CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST;
  }
  return result;
}

cl_int override_clGetEventInfo(cl_event event, cl_event_info param_name, size_t param_value_size, void *param_value,
                               size_t *param_value_size_ret) {
  cl_int result = layer_target.clGetEventInfo(event, param_name, param_value_size, param_value, param_value_size_ret);
  if (result != CL_SUCCESS || param_name != CL_EVENT_COMMAND_EXECUTION_STATUS || !param_value) return result;
  cl_int injected = observe(event);
  cl_int status;
  memcpy(&status, param_value, sizeof status);
  if (injected != CL_SUCCESS && status == CL_COMPLETE) {
    report(event);
    memcpy(param_value, &injected, sizeof injected);
  }
  return result;
}
