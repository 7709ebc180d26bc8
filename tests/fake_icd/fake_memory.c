// Buffers and sub-buffers: host memory with the limits of the profile.
#include <stdlib.h>
#include <string.h>

#include "fake.h"

enum { BASE_ALIGNMENT = 128, NEW_MEMORY = 0xcd };

static cl_ulong allocated;  // bytes of all buffers; the devices share them

static cl_int check_flags(cl_mem_flags flags) {
  const cl_mem_flags kernel_access = flags & (CL_MEM_READ_WRITE | CL_MEM_WRITE_ONLY | CL_MEM_READ_ONLY);
  const cl_mem_flags host_access = flags & (CL_MEM_HOST_WRITE_ONLY | CL_MEM_HOST_READ_ONLY | CL_MEM_HOST_NO_ACCESS);
  const cl_mem_flags known = CL_MEM_READ_WRITE | CL_MEM_WRITE_ONLY | CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR |
                             CL_MEM_ALLOC_HOST_PTR | CL_MEM_COPY_HOST_PTR | CL_MEM_HOST_WRITE_ONLY |
                             CL_MEM_HOST_READ_ONLY | CL_MEM_HOST_NO_ACCESS;
  if (flags & ~known) return CL_INVALID_VALUE;
  if ((kernel_access & (kernel_access - 1)) || (host_access & (host_access - 1))) return CL_INVALID_VALUE;
  if (host_access && fake_profile.version < 120) return CL_INVALID_VALUE;
  if ((flags & CL_MEM_USE_HOST_PTR) && (flags & (CL_MEM_ALLOC_HOST_PTR | CL_MEM_COPY_HOST_PTR)))
    return CL_INVALID_VALUE;
  return CL_SUCCESS;
}

static cl_mem new_buffer(cl_context context, cl_mem_flags flags, size_t size, void *host_ptr, cl_int *out_error) {
  if (!fake_is(context, FAKE_CONTEXT)) return fake_fail(out_error, CL_INVALID_CONTEXT);
  cl_int problem = check_flags(flags);
  if (problem != CL_SUCCESS) return fake_fail(out_error, problem);
  if (!size || size > fake_profile.max_allocation) return fake_fail(out_error, CL_INVALID_BUFFER_SIZE);
  if (!host_ptr != !(flags & (CL_MEM_USE_HOST_PTR | CL_MEM_COPY_HOST_PTR))) {
    return fake_fail(out_error, CL_INVALID_HOST_PTR);
  }
  if (allocated + size > fake_profile.global_memory) return fake_fail(out_error, CL_MEM_OBJECT_ALLOCATION_FAILURE);
  cl_mem mem = fake_new(FAKE_MEM, sizeof *mem);
  if (!mem) return fake_fail(out_error, CL_OUT_OF_HOST_MEMORY);
  if (flags & CL_MEM_USE_HOST_PTR) {
    mem->host_ptr = host_ptr;
    mem->data = host_ptr;
  } else if (posix_memalign((void **)&mem->data, BASE_ALIGNMENT, size) != 0) {
    free(mem);
    return fake_fail(out_error, CL_MEM_OBJECT_ALLOCATION_FAILURE);
  }
  if (flags & CL_MEM_COPY_HOST_PTR) {
    memcpy(mem->data, host_ptr, size);
  } else if (!(flags & CL_MEM_USE_HOST_PTR)) {
    memset(mem->data, NEW_MEMORY, size);  // reading what was never written gives the same on every run
  }
  if (!(flags & (CL_MEM_READ_WRITE | CL_MEM_WRITE_ONLY | CL_MEM_READ_ONLY))) flags |= CL_MEM_READ_WRITE;
  mem->flags = flags;
  mem->size = size;
  mem->context = context;
  allocated += size;
  fake_pin(context);
  return fake_give(out_error, mem);
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host_ptr, cl_int *errcode_ret) {
  fake_lock();
  cl_mem mem = new_buffer(context, flags, size, host_ptr, errcode_ret);
  fake_unlock();
  return mem;
}

cl_mem clCreateBufferWithProperties(cl_context context, const cl_mem_properties *properties, cl_mem_flags flags,
                                    size_t size, void *host_ptr, cl_int *errcode_ret) {
  if (fake_profile.version < 300) return fake_fail(errcode_ret, CL_INVALID_OPERATION);
  if (properties && *properties) return fake_fail(errcode_ret, CL_INVALID_PROPERTY);  // none is defined for buffers
  fake_lock();
  cl_mem mem = new_buffer(context, flags, size, host_ptr, errcode_ret);
  if (mem && !fake_copy_properties((const intptr_t *)properties, &mem->property_list, &mem->property_list_bytes)) {
    fake_destroy_mem(mem);
    free(mem);
    mem = fake_fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
  }
  fake_unlock();
  return mem;
}

static cl_mem new_sub_buffer(cl_mem parent, cl_mem_flags flags, cl_buffer_create_type type, const void *info,
                             cl_int *out_error) {
  const cl_mem_flags kernel_access = CL_MEM_READ_WRITE | CL_MEM_WRITE_ONLY | CL_MEM_READ_ONLY;
  const cl_mem_flags host_access = CL_MEM_HOST_WRITE_ONLY | CL_MEM_HOST_READ_ONLY | CL_MEM_HOST_NO_ACCESS;
  if (!fake_is(parent, FAKE_MEM) || parent->parent) return fake_fail(out_error, CL_INVALID_MEM_OBJECT);
  if (type != CL_BUFFER_CREATE_TYPE_REGION || !info) return fake_fail(out_error, CL_INVALID_VALUE);
  if (check_flags(flags) != CL_SUCCESS || (flags & ~(kernel_access | host_access))) {
    return fake_fail(out_error, CL_INVALID_VALUE);
  }
  // A sub-buffer may not allow what its parent forbids.
  if (((parent->flags & CL_MEM_WRITE_ONLY) && (flags & (CL_MEM_READ_WRITE | CL_MEM_READ_ONLY))) ||
      ((parent->flags & CL_MEM_READ_ONLY) && (flags & (CL_MEM_READ_WRITE | CL_MEM_WRITE_ONLY))) ||
      ((parent->flags & CL_MEM_HOST_WRITE_ONLY) && (flags & CL_MEM_HOST_READ_ONLY)) ||
      ((parent->flags & CL_MEM_HOST_READ_ONLY) && (flags & CL_MEM_HOST_WRITE_ONLY)) ||
      ((parent->flags & CL_MEM_HOST_NO_ACCESS) && (flags & (CL_MEM_HOST_READ_ONLY | CL_MEM_HOST_WRITE_ONLY)))) {
    return fake_fail(out_error, CL_INVALID_VALUE);
  }
  const cl_buffer_region *region = info;
  if (!region->size) return fake_fail(out_error, CL_INVALID_BUFFER_SIZE);
  if (region->origin > parent->size || region->size > parent->size - region->origin) {
    return fake_fail(out_error, CL_INVALID_VALUE);
  }
  if (region->origin % BASE_ALIGNMENT) return fake_fail(out_error, CL_MISALIGNED_SUB_BUFFER_OFFSET);
  cl_mem mem = fake_new(FAKE_MEM, sizeof *mem);
  if (!mem) return fake_fail(out_error, CL_OUT_OF_HOST_MEMORY);
  if (!(flags & kernel_access)) flags |= parent->flags & kernel_access;
  if (!(flags & host_access)) flags |= parent->flags & host_access;
  mem->flags = flags | (parent->flags & (CL_MEM_USE_HOST_PTR | CL_MEM_ALLOC_HOST_PTR | CL_MEM_COPY_HOST_PTR));
  mem->size = region->size;
  mem->origin = region->origin;
  mem->data = parent->data + region->origin;
  mem->host_ptr = parent->host_ptr ? mem->data : NULL;
  mem->context = parent->context;
  mem->parent = parent;
  fake_pin(mem->context);
  fake_pin(parent);
  return fake_give(out_error, mem);
}

cl_mem clCreateSubBuffer(cl_mem parent, cl_mem_flags flags, cl_buffer_create_type type, const void *info,
                         cl_int *errcode_ret) {
  fake_lock();
  cl_mem mem = new_sub_buffer(parent, flags, type, info, errcode_ret);
  fake_unlock();
  return mem;
}

void fake_destroy_mem(cl_mem mem) {
  while (mem->callbacks) {
    struct fake_callback *callback = mem->callbacks;
    mem->callbacks = callback->next;
    fake_call_later(callback);
  }
  while (mem->mappings) {
    struct fake_mapping *mapping = mem->mappings;
    mem->mappings = mapping->next;
    free(mapping->shadow);
    free(mapping);
  }
  if (mem->parent) {
    fake_unpin(mem->parent);
  } else {
    allocated -= mem->size;
    if (!mem->host_ptr) free(mem->data);
  }
  free(mem->property_list);
  fake_unpin(mem->context);
}

cl_int clSetMemObjectDestructorCallback(cl_mem mem, void(CL_CALLBACK *notify)(cl_mem, void *), void *user_data) {
  if (!fake_is(mem, FAKE_MEM)) return CL_INVALID_MEM_OBJECT;
  if (!notify) return CL_INVALID_VALUE;
  struct fake_callback *callback = calloc(1, sizeof *callback);
  if (!callback) return CL_OUT_OF_HOST_MEMORY;
  callback->for_mem = notify;
  callback->object = mem;
  callback->user_data = user_data;
  fake_lock();
  callback->next = mem->callbacks;  // called in the reverse order of registration
  mem->callbacks = callback;
  fake_unlock();
  return CL_SUCCESS;
}

static cl_int mem_info(cl_mem mem, cl_mem_info name, size_t size, void *value, size_t *size_ret) {
  if (!fake_is(mem, FAKE_MEM)) return CL_INVALID_MEM_OBJECT;
  switch (name) {
    case CL_MEM_TYPE:
      FAKE_REPLY(cl_mem_object_type, CL_MEM_OBJECT_BUFFER);
    case CL_MEM_FLAGS:
      FAKE_REPLY(cl_mem_flags, mem->flags);
    case CL_MEM_SIZE:
      FAKE_REPLY(size_t, mem->size);
    case CL_MEM_HOST_PTR:
      FAKE_REPLY(void *, mem->host_ptr);
    case CL_MEM_MAP_COUNT:
      FAKE_REPLY(cl_uint, mem->map_count);
    case CL_MEM_REFERENCE_COUNT:
      FAKE_REPLY(cl_uint, mem->object.references);
    case CL_MEM_CONTEXT:
      FAKE_REPLY(cl_context, mem->context);
    case CL_MEM_ASSOCIATED_MEMOBJECT:
      FAKE_REPLY(cl_mem, mem->parent);
    case CL_MEM_OFFSET:
      FAKE_REPLY(size_t, mem->origin);
  }
  if (fake_profile.version < 300) return CL_INVALID_VALUE;
  switch (name) {
    case CL_MEM_USES_SVM_POINTER:
      FAKE_REPLY(cl_bool, CL_FALSE);
    case CL_MEM_PROPERTIES:
      return fake_reply(mem->property_list, mem->property_list_bytes, size, value, size_ret);
  }
  return CL_INVALID_VALUE;
}

cl_int clGetMemObjectInfo(cl_mem mem, cl_mem_info name, size_t size, void *value, size_t *size_ret) {
  fake_lock();
  cl_int result = mem_info(mem, name, size, value, size_ret);
  fake_unlock();
  return result;
}
