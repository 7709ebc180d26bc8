// Contexts.
#include <stdlib.h>
#include <string.h>

#include "fake.h"

typedef void(CL_CALLBACK *context_notify)(const char *, const void *, size_t, void *);

int fake_context_has(cl_context context, cl_device_id device) {
  for (cl_uint i = 0; i < context->device_count; i++) {
    if (context->devices[i] == device) return 1;
  }
  return 0;
}

static cl_int check_properties(const cl_context_properties *properties) {
  for (const cl_context_properties *p = properties; p && *p; p += 2) {
    if (*p == CL_CONTEXT_PLATFORM) {
      if (!fake_is((const void *)p[1], FAKE_PLATFORM)) return CL_INVALID_PLATFORM;
    } else if (*p != CL_CONTEXT_INTEROP_USER_SYNC) {
      return CL_INVALID_PROPERTY;
    }
  }
  return CL_SUCCESS;
}

cl_context clCreateContext(const cl_context_properties *properties, cl_uint num_devices, const cl_device_id *devices,
                           context_notify notify, void *user_data, cl_int *errcode_ret) {
  if (!num_devices || !devices || (!notify && user_data)) return fake_fail(errcode_ret, CL_INVALID_VALUE);
  cl_int problem = check_properties(properties);
  if (problem != CL_SUCCESS) return fake_fail(errcode_ret, problem);
  for (cl_uint i = 0; i < num_devices; i++) {
    if (!fake_is(devices[i], FAKE_DEVICE)) return fake_fail(errcode_ret, CL_INVALID_DEVICE);
  }
  cl_context context = fake_new(FAKE_CONTEXT, sizeof *context);
  if (!context || !fake_copy_properties(properties, &context->properties, &context->properties_bytes)) {
    free(context);
    return fake_fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
  }
  for (cl_uint i = 0; i < num_devices; i++) {  // a device that is named twice is taken once
    if (!fake_context_has(context, devices[i])) context->devices[context->device_count++] = devices[i];
  }
  return fake_give(errcode_ret, context);
}

cl_context clCreateContextFromType(const cl_context_properties *properties, cl_device_type device_type,
                                   context_notify notify, void *user_data, cl_int *errcode_ret) {
  cl_device_id devices[FAKE_MAX_DEVICES];
  cl_uint count = 0;
  cl_int result = clGetDeviceIDs(&fake_platform, device_type, FAKE_MAX_DEVICES, devices, &count);
  if (result != CL_SUCCESS) return fake_fail(errcode_ret, result);
  return clCreateContext(properties, count, devices, notify, user_data, errcode_ret);
}

void fake_destroy_context(cl_context context) {
  while (context->callbacks) {
    struct fake_callback *callback = context->callbacks;
    context->callbacks = callback->next;
    fake_call_later(callback);
  }
  free(context->properties);
}

cl_int clSetContextDestructorCallback(cl_context context, void(CL_CALLBACK *notify)(cl_context, void *),
                                      void *user_data) {
  if (fake_profile.version < 300) return CL_INVALID_OPERATION;
  if (!fake_is(context, FAKE_CONTEXT)) return CL_INVALID_CONTEXT;
  if (!notify) return CL_INVALID_VALUE;
  struct fake_callback *callback = calloc(1, sizeof *callback);
  if (!callback) return CL_OUT_OF_HOST_MEMORY;
  callback->for_context = notify;
  callback->object = context;
  callback->user_data = user_data;
  fake_lock();
  callback->next = context->callbacks;  // called in the reverse order of registration
  context->callbacks = callback;
  fake_unlock();
  return CL_SUCCESS;
}

static cl_int context_info(cl_context context, cl_context_info name, size_t size, void *value, size_t *size_ret) {
  if (!fake_is(context, FAKE_CONTEXT)) return CL_INVALID_CONTEXT;
  switch (name) {
    case CL_CONTEXT_REFERENCE_COUNT:
      FAKE_REPLY(cl_uint, context->object.references);
    case CL_CONTEXT_NUM_DEVICES:
      FAKE_REPLY(cl_uint, context->device_count);
    case CL_CONTEXT_DEVICES:
      return fake_reply(context->devices, context->device_count * sizeof *context->devices, size, value, size_ret);
    case CL_CONTEXT_PROPERTIES:
      return fake_reply(context->properties, context->properties_bytes, size, value, size_ret);
    default:
      return CL_INVALID_VALUE;
  }
}

cl_int clGetContextInfo(cl_context context, cl_context_info name, size_t size, void *value, size_t *size_ret) {
  fake_lock();
  cl_int result = context_info(context, name, size, value, size_ret);
  fake_unlock();
  return result;
}
