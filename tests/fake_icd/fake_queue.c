// Command queues and the order of commands.
//
// A command runs inside the call that enqueues it, unless it has to wait for a user event, directly or through other
// commands. Then it is put into one list of pending commands, in the order of their enqueueing, and runs inside the
// clSetUserEventStatus that sets it free.
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static struct fake_command *pending;  // of all queues, oldest first
static long commands_enqueued;
static int loss_was_reported;

static int device_is_lost(void) { return fake_profile.lost_after >= 0 && commands_enqueued >= fake_profile.lost_after; }

// ---- queues ----

static cl_command_queue new_queue(cl_context context, cl_device_id device, cl_command_queue_properties properties,
                                  const cl_queue_properties *list, cl_int *out_error) {
  if (!fake_is(context, FAKE_CONTEXT)) return fake_fail(out_error, CL_INVALID_CONTEXT);
  if (!fake_is(device, FAKE_DEVICE) || !fake_context_has(context, device)) {
    return fake_fail(out_error, CL_INVALID_DEVICE);
  }
  if (properties & CL_QUEUE_ON_DEVICE) return fake_fail(out_error, CL_INVALID_QUEUE_PROPERTIES);
  if (properties & ~(cl_command_queue_properties)(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE | CL_QUEUE_PROFILING_ENABLE)) {
    return fake_fail(out_error, CL_INVALID_VALUE);
  }
  if (device_is_lost()) return fake_fail(out_error, CL_OUT_OF_RESOURCES);
  cl_command_queue queue = fake_new(FAKE_QUEUE, sizeof *queue);
  if (!queue || !fake_copy_properties((const intptr_t *)list, &queue->property_list, &queue->property_list_bytes)) {
    free(queue);
    return fake_fail(out_error, CL_OUT_OF_HOST_MEMORY);
  }
  queue->context = context;
  queue->device = device;
  queue->properties = properties;
  fake_pin(context);
  return fake_give(out_error, queue);
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device, cl_command_queue_properties properties,
                                      cl_int *errcode_ret) {
  fake_lock();
  cl_command_queue queue = new_queue(context, device, properties, NULL, errcode_ret);
  fake_unlock();
  return queue;
}

cl_command_queue clCreateCommandQueueWithProperties(cl_context context, cl_device_id device,
                                                    const cl_queue_properties *list, cl_int *errcode_ret) {
  if (fake_profile.version < 300) return fake_fail(errcode_ret, CL_INVALID_OPERATION);
  cl_command_queue_properties properties = 0;
  for (const cl_queue_properties *p = list; p && *p; p += 2) {
    if (*p != CL_QUEUE_PROPERTIES) return fake_fail(errcode_ret, CL_INVALID_VALUE);
    properties = p[1];
  }
  fake_lock();
  cl_command_queue queue = new_queue(context, device, properties, list, errcode_ret);
  fake_unlock();
  return queue;
}

void fake_destroy_queue(cl_command_queue queue) {
  free(queue->property_list);
  fake_unpin(queue->context);
}

static cl_int queue_info(cl_command_queue queue, cl_command_queue_info name, size_t size, void *value,
                         size_t *size_ret) {
  if (!fake_is(queue, FAKE_QUEUE)) return CL_INVALID_COMMAND_QUEUE;
  switch (name) {
    case CL_QUEUE_CONTEXT:
      FAKE_REPLY(cl_context, queue->context);
    case CL_QUEUE_DEVICE:
      FAKE_REPLY(cl_device_id, queue->device);
    case CL_QUEUE_REFERENCE_COUNT:
      FAKE_REPLY(cl_uint, queue->object.references);
    case CL_QUEUE_PROPERTIES:
      FAKE_REPLY(cl_command_queue_properties, queue->properties);
  }
  if (fake_profile.version < 300) return CL_INVALID_VALUE;
  switch (name) {
    case CL_QUEUE_SIZE:
      return CL_INVALID_COMMAND_QUEUE;  // only queues on a device have one
    case CL_QUEUE_DEVICE_DEFAULT:
      FAKE_REPLY(cl_command_queue, NULL);
    case CL_QUEUE_PROPERTIES_ARRAY:
      return fake_reply(queue->property_list, queue->property_list_bytes, size, value, size_ret);
  }
  return CL_INVALID_VALUE;
}

cl_int clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info name, size_t size, void *value,
                             size_t *size_ret) {
  fake_lock();
  cl_int result = queue_info(queue, name, size, value, size_ret);
  fake_unlock();
  return result;
}

// ---- commands ----

static int runs_in_order(cl_command_queue queue) {
  return !(queue->properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
}

// A lost device answers once with the reason, and then as if the queue were gone.
cl_int fake_check_queue(cl_command_queue queue) {
  if (!fake_is(queue, FAKE_QUEUE)) return CL_INVALID_COMMAND_QUEUE;
  if (!device_is_lost()) return CL_SUCCESS;
  if (loss_was_reported) return CL_INVALID_COMMAND_QUEUE;
  loss_was_reported = 1;
  return CL_OUT_OF_RESOURCES;
}

static cl_int check_waits(cl_command_queue queue, cl_uint count, const cl_event *waits) {
  if (!count != !waits) return CL_INVALID_EVENT_WAIT_LIST;
  for (cl_uint i = 0; i < count; i++) {
    if (!fake_is(waits[i], FAKE_EVENT)) return CL_INVALID_EVENT_WAIT_LIST;
    if (waits[i]->context != queue->context) return CL_INVALID_CONTEXT;
  }
  return CL_SUCCESS;
}

struct fake_command *fake_command_new(cl_command_queue queue, cl_command_type type, cl_uint wait_count,
                                      const cl_event *waits, cl_int *out_error) {
  *out_error = fake_check_queue(queue);
  if (*out_error == CL_SUCCESS) *out_error = check_waits(queue, wait_count, waits);
  if (*out_error != CL_SUCCESS) return NULL;
  struct fake_command *command = calloc(1, sizeof *command);
  cl_event event = fake_new(FAKE_EVENT, sizeof *event);
  cl_event *copy = malloc((wait_count + 1) * sizeof *copy);
  if (!command || !event || !copy) {
    free(command);
    free(event);
    free(copy);
    *out_error = CL_OUT_OF_HOST_MEMORY;
    return NULL;
  }
  event->context = queue->context;
  event->queue = queue;
  event->type = type;
  event->status = CL_QUEUED;
  event->object.references = 0;  // the application's comes with fake_submit
  fake_pin(event);
  fake_pin(queue->context);
  fake_pin(queue);  // the event's
  fake_pin(queue);  // the command's
  for (cl_uint i = 0; i < wait_count; i++) {
    copy[i] = waits[i];
    fake_pin(waits[i]);
  }
  command->queue = queue;
  command->event = event;
  command->wait_count = wait_count;
  command->waits = copy;
  return command;
}

void fake_command_uses(struct fake_command *command, cl_mem buffer) {
  command->buffers[command->buffers[0] ? 1 : 0] = buffer;
  fake_pin(buffer);
}

void fake_command_free(struct fake_command *command) {
  for (cl_uint i = 0; i < command->wait_count; i++) fake_unpin(command->waits[i]);
  for (int i = 0; i < 2; i++) {
    if (command->buffers[i]) fake_unpin(command->buffers[i]);
  }
  if (command->launch) fake_launch_free(command->launch);
  free(command->owned);
  fake_unpin(command->event);
  fake_unpin(command->queue);
  free(command->waits);
  free(command);
}

// The event reaches its end; its callbacks are called by the next fake_unlock.
static void end_event(cl_event event, cl_int status) {
  event->status = status;
  while (event->callbacks) {
    struct fake_callback *callback = event->callbacks;
    event->callbacks = callback->next;
    if (status < 0) callback->status = status;
    fake_call_later(callback);
  }
  fake_signal_change();
}

// Runs a command whose time has come, or ends it with a failure.
static void finish(struct fake_command *command, cl_int failure) {
  cl_event event = command->event;
  fake_clock_advance(100);
  event->submitted = fake_clock();
  fake_clock_advance(100);
  event->started = fake_clock();
  cl_int status = failure;
  if (status == CL_SUCCESS) status = command->run ? command->run(command) : CL_COMPLETE;
  fake_clock_advance(1000);
  event->ended = fake_clock();
  end_event(event, status);
  fake_command_free(command);
}

enum { NOT_YET = 1 };

// NOT_YET, CL_SUCCESS, or the failure with which the command ends. Those before it in the list are earlier.
static cl_int readiness(const struct fake_command *command) {
  for (const struct fake_command *earlier = pending; earlier && earlier != command; earlier = earlier->next) {
    if (earlier->queue != command->queue) continue;
    if (runs_in_order(command->queue) || earlier->holds_later || command->after_earlier) return NOT_YET;
  }
  cl_int result = CL_SUCCESS;
  for (cl_uint i = 0; i < command->wait_count; i++) {
    if (command->waits[i]->status > 0) return NOT_YET;
    if (command->waits[i]->status < 0) result = CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST;
  }
  return result;
}

// Runs all pending commands that can run.
static void advance(void) {
  for (int progress = 1; progress;) {
    progress = 0;
    for (struct fake_command **link = &pending; *link;) {
      struct fake_command *command = *link;
      const cl_int ready = readiness(command);
      if (ready == NOT_YET) {
        link = &command->next;
        continue;
      }
      *link = command->next;
      finish(command, ready);
      progress = 1;
    }
  }
}

// What was still waiting when the device was lost fails.
static void fail_pending(void) {
  while (pending) {
    struct fake_command *command = pending;
    pending = command->next;
    finish(command, CL_OUT_OF_RESOURCES);
  }
}

static cl_int wait_for(cl_event event) {
  fake_pin(event);
  while (event->status > 0) fake_wait_for_change();
  const cl_int status = event->status;
  fake_unpin(event);
  return status;
}

cl_int fake_submit(struct fake_command *command, cl_bool blocking, cl_event *out_event) {
  cl_event event = command->event;
  fake_pin(event);
  if (out_event) {
    event->object.references = 1;
    *out_event = event;
  }
  fake_clock_advance(100);
  event->queued = fake_clock();
  commands_enqueued++;
  const cl_int ready = readiness(command);
  if (ready == NOT_YET) {
    struct fake_command **end = &pending;
    while (*end) end = &(*end)->next;
    *end = command;
  } else {
    finish(command, ready);
  }
  if (device_is_lost()) fail_pending();
  cl_int result = CL_SUCCESS;
  if (blocking) {
    result = wait_for(event);
    if (result < 0 && out_event) {  // a call that fails gives no event
      event->object.references = 0;
      *out_event = NULL;
    }
  }
  fake_unpin(event);
  return result;
}

cl_int clFlush(cl_command_queue queue) {
  fake_lock();
  cl_int result = fake_check_queue(queue);
  fake_unlock();
  return result;
}

static int has_pending(cl_command_queue queue) {
  for (const struct fake_command *command = pending; command; command = command->next) {
    if (command->queue == queue) return 1;
  }
  return 0;
}

cl_int clFinish(cl_command_queue queue) {
  fake_lock();
  cl_int result = fake_check_queue(queue);
  if (result == CL_SUCCESS) {
    fake_pin(queue);
    while (has_pending(queue)) fake_wait_for_change();
    fake_unpin(queue);
  }
  fake_unlock();
  return result;
}

// ---- markers and barriers ----

static cl_int enqueue_marker(cl_command_queue queue, cl_command_type type, int holds_later, cl_uint wait_count,
                             const cl_event *waits, cl_event *out_event) {
  cl_int result;
  struct fake_command *command = fake_command_new(queue, type, wait_count, waits, &result);
  if (!command) return result;
  command->after_earlier = wait_count == 0;
  command->holds_later = holds_later;
  return fake_submit(command, CL_FALSE, out_event);
}

static cl_int lock_and_enqueue_marker(cl_command_queue queue, cl_command_type type, int holds_later, cl_uint wait_count,
                                      const cl_event *waits, cl_event *out_event) {
  fake_lock();
  cl_int result = enqueue_marker(queue, type, holds_later, wait_count, waits, out_event);
  fake_unlock();
  return result;
}

cl_int clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint wait_count, const cl_event *waits, cl_event *event) {
  if (fake_profile.version < 120) return CL_INVALID_OPERATION;
  return lock_and_enqueue_marker(queue, CL_COMMAND_MARKER, 0, wait_count, waits, event);
}

cl_int clEnqueueBarrierWithWaitList(cl_command_queue queue, cl_uint wait_count, const cl_event *waits,
                                    cl_event *event) {
  if (fake_profile.version < 120) return CL_INVALID_OPERATION;
  return lock_and_enqueue_marker(queue, CL_COMMAND_BARRIER, 1, wait_count, waits, event);
}

cl_int clEnqueueMarker(cl_command_queue queue, cl_event *event) {
  if (!event) return CL_INVALID_VALUE;
  return lock_and_enqueue_marker(queue, CL_COMMAND_MARKER, 0, 0, NULL, event);
}

cl_int clEnqueueBarrier(cl_command_queue queue) {
  return lock_and_enqueue_marker(queue, CL_COMMAND_BARRIER, 1, 0, NULL, NULL);
}

cl_int clEnqueueWaitForEvents(cl_command_queue queue, cl_uint count, const cl_event *events) {
  if (!count || !events) return CL_INVALID_VALUE;
  cl_int result = lock_and_enqueue_marker(queue, CL_COMMAND_BARRIER, 1, count, events, NULL);
  return result == CL_INVALID_EVENT_WAIT_LIST ? CL_INVALID_EVENT : result;
}

// ---- events ----

void fake_destroy_event(cl_event event) {
  while (event->callbacks) {
    struct fake_callback *callback = event->callbacks;
    event->callbacks = callback->next;
    free(callback);
  }
  if (event->queue) fake_unpin(event->queue);
  fake_unpin(event->context);
}

cl_event clCreateUserEvent(cl_context context, cl_int *errcode_ret) {
  fake_lock();
  cl_event event = NULL;
  if (!fake_is(context, FAKE_CONTEXT)) {
    fake_fail(errcode_ret, CL_INVALID_CONTEXT);
  } else if (!(event = fake_new(FAKE_EVENT, sizeof *event))) {
    fake_fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
  } else {
    event->context = context;
    event->type = CL_COMMAND_USER;
    event->status = CL_SUBMITTED;
    fake_pin(context);
    fake_give(errcode_ret, event);
  }
  fake_unlock();
  return event;
}

cl_int clSetUserEventStatus(cl_event event, cl_int status) {
  fake_lock();
  cl_int result = CL_SUCCESS;
  if (!fake_is(event, FAKE_EVENT) || event->queue) {
    result = CL_INVALID_EVENT;
  } else if (status > CL_COMPLETE) {
    result = CL_INVALID_VALUE;
  } else if (event->status <= CL_COMPLETE) {
    result = CL_INVALID_OPERATION;
  } else {
    fake_pin(event);
    end_event(event, status);
    advance();
    fake_unpin(event);
  }
  fake_unlock();
  return result;
}

static cl_int wait_for_all(cl_uint count, const cl_event *events) {
  if (!count || !events) return CL_INVALID_VALUE;
  for (cl_uint i = 0; i < count; i++) {
    if (!fake_is(events[i], FAKE_EVENT)) return CL_INVALID_EVENT;
    if (events[i]->context != events[0]->context) return CL_INVALID_CONTEXT;
  }
  cl_int result = CL_SUCCESS;
  for (cl_uint i = 0; i < count; i++) fake_pin(events[i]);
  for (cl_uint i = 0; i < count; i++) {
    if (wait_for(events[i]) < 0) result = CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST;
  }
  for (cl_uint i = 0; i < count; i++) fake_unpin(events[i]);
  return result;
}

cl_int clWaitForEvents(cl_uint count, const cl_event *events) {
  fake_lock();
  cl_int result = wait_for_all(count, events);
  fake_unlock();
  return result;
}

cl_int clSetEventCallback(cl_event event, cl_int status, void(CL_CALLBACK *notify)(cl_event, cl_int, void *),
                          void *user_data) {
  if (!notify || status < CL_COMPLETE || status > CL_SUBMITTED) return CL_INVALID_VALUE;
  struct fake_callback *callback = calloc(1, sizeof *callback);
  if (!callback) return CL_OUT_OF_HOST_MEMORY;
  callback->for_event = notify;
  callback->object = event;
  callback->status = status;
  callback->user_data = user_data;
  fake_lock();
  cl_int result = fake_is(event, FAKE_EVENT) ? CL_SUCCESS : CL_INVALID_EVENT;
  if (result != CL_SUCCESS) {
    free(callback);
  } else if (event->status <= status) {
    if (event->status < 0) callback->status = event->status;
    fake_call_later(callback);
  } else {
    struct fake_callback **end = &event->callbacks;
    while (*end) end = &(*end)->next;
    *end = callback;
  }
  fake_unlock();
  return result;
}

static cl_int event_info(cl_event event, cl_event_info name, size_t size, void *value, size_t *size_ret) {
  if (!fake_is(event, FAKE_EVENT)) return CL_INVALID_EVENT;
  switch (name) {
    case CL_EVENT_COMMAND_QUEUE:
      FAKE_REPLY(cl_command_queue, event->queue);
    case CL_EVENT_COMMAND_TYPE:
      FAKE_REPLY(cl_command_type, event->type);
    case CL_EVENT_REFERENCE_COUNT:
      FAKE_REPLY(cl_uint, event->object.references);
    case CL_EVENT_COMMAND_EXECUTION_STATUS:
      FAKE_REPLY(cl_int, event->status);
    case CL_EVENT_CONTEXT:
      FAKE_REPLY(cl_context, event->context);
    default:
      return CL_INVALID_VALUE;
  }
}

cl_int clGetEventInfo(cl_event event, cl_event_info name, size_t size, void *value, size_t *size_ret) {
  fake_lock();
  cl_int result = event_info(event, name, size, value, size_ret);
  fake_unlock();
  return result;
}

static cl_int profiling_info(cl_event event, cl_profiling_info name, size_t size, void *value, size_t *size_ret) {
  if (!fake_is(event, FAKE_EVENT)) return CL_INVALID_EVENT;
  if (!event->queue || !(event->queue->properties & CL_QUEUE_PROFILING_ENABLE) || event->status != CL_COMPLETE) {
    return CL_PROFILING_INFO_NOT_AVAILABLE;
  }
  switch (name) {
    case CL_PROFILING_COMMAND_QUEUED:
      FAKE_REPLY(cl_ulong, event->queued);
    case CL_PROFILING_COMMAND_SUBMIT:
      FAKE_REPLY(cl_ulong, event->submitted);
    case CL_PROFILING_COMMAND_START:
      FAKE_REPLY(cl_ulong, event->started);
    case CL_PROFILING_COMMAND_COMPLETE:
      if (fake_profile.version < 300) return CL_INVALID_VALUE;
      FAKE_REPLY(cl_ulong, event->ended);
    case CL_PROFILING_COMMAND_END:
      FAKE_REPLY(cl_ulong, event->ended);
    default:
      return CL_INVALID_VALUE;
  }
}

cl_int clGetEventProfilingInfo(cl_event event, cl_profiling_info name, size_t size, void *value, size_t *size_ret) {
  fake_lock();
  cl_int result = profiling_info(event, name, size, value, size_ret);
  fake_unlock();
  return result;
}
