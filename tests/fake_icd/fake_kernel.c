// Kernels: arguments and queries.
#include <stdlib.h>
#include <string.h>

#include "fake.h"

enum { MAX_PARAMETER_SIZE = 1024 };

static cl_kernel new_kernel(cl_program program, const struct fake_kernel_info *info) {
  cl_kernel kernel = fake_new(FAKE_KERNEL, sizeof *kernel);
  if (!kernel) return NULL;
  kernel->arguments = calloc(info->argument_count + 1, sizeof *kernel->arguments);
  if (!kernel->arguments) {
    free(kernel);
    return NULL;
  }
  kernel->info = info;
  kernel->program = program;
  program->attached_kernels++;
  fake_pin(program);
  return kernel;
}

void fake_destroy_kernel(cl_kernel kernel) {
  fake_free_arguments(kernel->arguments, kernel->info->argument_count);
  kernel->program->attached_kernels--;
  fake_unpin(kernel->program);
}

static cl_kernel create(cl_program program, const char *name, cl_int *out_error) {
  if (!fake_is(program, FAKE_PROGRAM)) return fake_fail(out_error, CL_INVALID_PROGRAM);
  if (program->status != CL_BUILD_SUCCESS || program->binary_type != CL_PROGRAM_BINARY_TYPE_EXECUTABLE) {
    return fake_fail(out_error, CL_INVALID_PROGRAM_EXECUTABLE);
  }
  if (!name) return fake_fail(out_error, CL_INVALID_VALUE);
  for (cl_uint i = 0; i < program->kernel_count; i++) {
    if (strcmp(program->kernels[i].name, name)) continue;
    cl_kernel kernel = new_kernel(program, &program->kernels[i]);
    return kernel ? fake_give(out_error, kernel) : fake_fail(out_error, CL_OUT_OF_HOST_MEMORY);
  }
  return fake_fail(out_error, CL_INVALID_KERNEL_NAME);
}

cl_kernel clCreateKernel(cl_program program, const char *name, cl_int *errcode_ret) {
  fake_lock();
  cl_kernel kernel = create(program, name, errcode_ret);
  fake_unlock();
  return kernel;
}

static cl_int create_all(cl_program program, cl_uint capacity, cl_kernel *kernels, cl_uint *out_count) {
  if (!fake_is(program, FAKE_PROGRAM)) return CL_INVALID_PROGRAM;
  if (program->status != CL_BUILD_SUCCESS) return CL_INVALID_PROGRAM_EXECUTABLE;
  if (kernels && capacity < program->kernel_count) return CL_INVALID_VALUE;
  for (cl_uint i = 0; kernels && i < program->kernel_count; i++) {
    kernels[i] = new_kernel(program, &program->kernels[i]);
    if (kernels[i]) continue;
    while (i-- > 0) {
      kernels[i]->object.references = 0;
      fake_pin(kernels[i]);
      fake_unpin(kernels[i]);  // the last hold: destroys it
    }
    return CL_OUT_OF_HOST_MEMORY;
  }
  if (out_count) *out_count = program->kernel_count;
  return CL_SUCCESS;
}

cl_int clCreateKernelsInProgram(cl_program program, cl_uint num_kernels, cl_kernel *kernels, cl_uint *num_kernels_ret) {
  fake_lock();
  cl_int result = create_all(program, num_kernels, kernels, num_kernels_ret);
  fake_unlock();
  return result;
}

static cl_kernel clone_kernel(cl_kernel source, cl_int *out_error) {
  if (!fake_is(source, FAKE_KERNEL)) return fake_fail(out_error, CL_INVALID_KERNEL);
  struct fake_argument *arguments;
  if (!fake_copy_arguments(source->arguments, source->info->argument_count, &arguments)) {
    return fake_fail(out_error, CL_OUT_OF_HOST_MEMORY);
  }
  cl_kernel kernel = new_kernel(source->program, source->info);
  if (!kernel) {
    fake_free_arguments(arguments, source->info->argument_count);
    return fake_fail(out_error, CL_OUT_OF_HOST_MEMORY);
  }
  free(kernel->arguments);
  kernel->arguments = arguments;
  return fake_give(out_error, kernel);
}

cl_kernel clCloneKernel(cl_kernel source, cl_int *errcode_ret) {
  if (fake_profile.version < 300) return fake_fail(errcode_ret, CL_INVALID_OPERATION);
  fake_lock();
  cl_kernel kernel = clone_kernel(source, errcode_ret);
  fake_unlock();
  return kernel;
}

// ---- arguments ----

void fake_free_arguments(struct fake_argument *arguments, cl_uint count) {
  for (cl_uint i = 0; i < count; i++) free(arguments[i].value);
  free(arguments);
}

int fake_copy_arguments(const struct fake_argument *from, cl_uint count, struct fake_argument **out_copy) {
  struct fake_argument *copy = calloc(count + 1, sizeof *copy);
  if (!copy) return 0;
  for (cl_uint i = 0; i < count; i++) {
    copy[i] = from[i];
    if (!from[i].value) continue;
    copy[i].value = malloc(from[i].size);
    if (!copy[i].value) {
      fake_free_arguments(copy, i);
      return 0;
    }
    memcpy(copy[i].value, from[i].value, from[i].size);
  }
  *out_copy = copy;
  return 1;
}

static cl_int set_argument(cl_kernel kernel, cl_uint index, size_t size, const void *value) {
  if (!fake_is(kernel, FAKE_KERNEL)) return CL_INVALID_KERNEL;
  if (index >= kernel->info->argument_count) return CL_INVALID_ARG_INDEX;
  const struct fake_argument_info *info = &kernel->info->arguments[index];
  struct fake_argument *argument = &kernel->arguments[index];
  switch (info->kind) {
    case FAKE_BUFFER: {
      cl_mem mem = NULL;
      if (size != sizeof mem) return CL_INVALID_ARG_SIZE;
      if (value) memcpy(&mem, value, sizeof mem);
      if (mem && !fake_is(mem, FAKE_MEM)) return CL_INVALID_MEM_OBJECT;
      if (mem && mem->context != kernel->program->context) return CL_INVALID_MEM_OBJECT;
      argument->mem = mem;
      break;
    }
    case FAKE_LOCAL:
      if (value) return CL_INVALID_ARG_VALUE;
      if (!size) return CL_INVALID_ARG_SIZE;
      break;
    case FAKE_VALUE:
    case FAKE_OTHER: {
      if (!value) return CL_INVALID_ARG_VALUE;
      if (!size || size > MAX_PARAMETER_SIZE || (info->size && size != info->size)) return CL_INVALID_ARG_SIZE;
      unsigned char *copy = malloc(size);
      if (!copy) return CL_OUT_OF_HOST_MEMORY;
      memcpy(copy, value, size);
      free(argument->value);
      argument->value = copy;
      break;
    }
  }
  argument->size = size;
  argument->set = 1;
  return CL_SUCCESS;
}

cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value) {
  fake_lock();
  cl_int result = set_argument(kernel, index, size, value);
  fake_unlock();
  return result;
}

// ---- queries ----

static cl_int kernel_info(cl_kernel kernel, cl_kernel_info name, size_t size, void *value, size_t *size_ret) {
  if (!fake_is(kernel, FAKE_KERNEL)) return CL_INVALID_KERNEL;
  switch (name) {
    case CL_KERNEL_FUNCTION_NAME:
      return fake_reply_text(kernel->info->name, size, value, size_ret);
    case CL_KERNEL_NUM_ARGS:
      FAKE_REPLY(cl_uint, kernel->info->argument_count);
    case CL_KERNEL_REFERENCE_COUNT:
      FAKE_REPLY(cl_uint, kernel->object.references);
    case CL_KERNEL_CONTEXT:
      FAKE_REPLY(cl_context, kernel->program->context);
    case CL_KERNEL_PROGRAM:
      FAKE_REPLY(cl_program, kernel->program);
    case CL_KERNEL_ATTRIBUTES:
      if (fake_profile.version < 120) return CL_INVALID_VALUE;
      return fake_reply_text(kernel->info->attributes, size, value, size_ret);
    default:
      return CL_INVALID_VALUE;
  }
}

cl_int clGetKernelInfo(cl_kernel kernel, cl_kernel_info name, size_t size, void *value, size_t *size_ret) {
  fake_lock();
  cl_int result = kernel_info(kernel, name, size, value, size_ret);
  fake_unlock();
  return result;
}

static cl_int argument_info(cl_kernel kernel, cl_uint index, cl_kernel_arg_info name, size_t size, void *value,
                            size_t *size_ret) {
  if (!fake_is(kernel, FAKE_KERNEL)) return CL_INVALID_KERNEL;
  if (index >= kernel->info->argument_count) return CL_INVALID_ARG_INDEX;
  if (!fake_profile.arg_info) return CL_KERNEL_ARG_INFO_NOT_AVAILABLE;
  const struct fake_argument_info *info = &kernel->info->arguments[index];
  switch (name) {
    case CL_KERNEL_ARG_ADDRESS_QUALIFIER:
      FAKE_REPLY(cl_kernel_arg_address_qualifier, info->address);
    case CL_KERNEL_ARG_ACCESS_QUALIFIER:
      FAKE_REPLY(cl_kernel_arg_access_qualifier, info->access);
    case CL_KERNEL_ARG_TYPE_NAME:
      return fake_reply_text(info->type, size, value, size_ret);
    case CL_KERNEL_ARG_TYPE_QUALIFIER:
      FAKE_REPLY(cl_kernel_arg_type_qualifier, info->qualifiers);
    case CL_KERNEL_ARG_NAME:
      return fake_reply_text(info->name, size, value, size_ret);
    default:
      return CL_INVALID_VALUE;
  }
}

cl_int clGetKernelArgInfo(cl_kernel kernel, cl_uint index, cl_kernel_arg_info name, size_t size, void *value,
                          size_t *size_ret) {
  if (fake_profile.version < 120) return CL_INVALID_OPERATION;
  fake_lock();
  cl_int result = argument_info(kernel, index, name, size, value, size_ret);
  fake_unlock();
  return result;
}

static cl_int work_group_info(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info name, size_t size,
                              void *value, size_t *size_ret) {
  if (!fake_is(kernel, FAKE_KERNEL)) return CL_INVALID_KERNEL;
  const cl_context context = kernel->program->context;
  if (!device && context->device_count == 1) device = context->devices[0];
  if (!fake_is(device, FAKE_DEVICE) || !fake_context_has(context, device)) return CL_INVALID_DEVICE;
  switch (name) {
    case CL_KERNEL_WORK_GROUP_SIZE:
      FAKE_REPLY(size_t, fake_profile.max_work_group);
    case CL_KERNEL_COMPILE_WORK_GROUP_SIZE:
      return fake_reply(kernel->info->required_group, sizeof kernel->info->required_group, size, value, size_ret);
    case CL_KERNEL_LOCAL_MEM_SIZE: {
      cl_ulong bytes = 0;
      for (cl_uint i = 0; i < kernel->info->argument_count; i++) {
        if (kernel->info->arguments[i].kind == FAKE_LOCAL) bytes += kernel->arguments[i].size;
      }
      FAKE_REPLY(cl_ulong, bytes);
    }
    case CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE:
      FAKE_REPLY(size_t, fake_profile.max_work_group < FAKE_SUB_GROUP ? 1 : FAKE_SUB_GROUP);
    case CL_KERNEL_PRIVATE_MEM_SIZE:
      FAKE_REPLY(cl_ulong, 0);
    default:
      return CL_INVALID_VALUE;  // also CL_KERNEL_GLOBAL_WORK_SIZE, which is for built-in kernels and custom devices
  }
}

cl_int clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info name, size_t size,
                                void *value, size_t *size_ret) {
  fake_lock();
  cl_int result = work_group_info(kernel, device, name, size, value, size_ret);
  fake_unlock();
  return result;
}

cl_int clGetKernelSubGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_sub_group_info name, size_t input_size,
                               const void *input, size_t size, void *value, size_t *size_ret) {
  if (fake_profile.version < 300) return CL_INVALID_OPERATION;
  if (!fake_is(kernel, FAKE_KERNEL)) return CL_INVALID_KERNEL;
  if (device && !fake_is(device, FAKE_DEVICE)) return CL_INVALID_DEVICE;
  const size_t largest = fake_profile.max_work_group;
  const size_t width = largest < FAKE_SUB_GROUP ? largest : FAKE_SUB_GROUP;
  switch (name) {
    case CL_KERNEL_MAX_SUB_GROUP_SIZE_FOR_NDRANGE:
    case CL_KERNEL_SUB_GROUP_COUNT_FOR_NDRANGE: {
      if (!input || !input_size || input_size % sizeof(size_t)) return CL_INVALID_VALUE;
      size_t items = 1;
      for (size_t i = 0; i < input_size / sizeof(size_t); i++) items *= ((const size_t *)input)[i];
      if (name == CL_KERNEL_SUB_GROUP_COUNT_FOR_NDRANGE) FAKE_REPLY(size_t, (items + width - 1) / width);
      FAKE_REPLY(size_t, items < width ? items : width);
    }
    case CL_KERNEL_LOCAL_SIZE_FOR_SUB_GROUP_COUNT: {
      size_t local[3] = {0, 1, 1};
      if (!input || input_size != sizeof(size_t) || !size || size > sizeof local) return CL_INVALID_VALUE;
      const size_t items = *(const size_t *)input * width;
      local[0] = items;
      if (!items || items > largest) memset(local, 0, sizeof local);
      return fake_reply(local, size - size % sizeof(size_t), size, value, size_ret);
    }
    case CL_KERNEL_MAX_NUM_SUB_GROUPS:
      FAKE_REPLY(size_t, (largest + width - 1) / width);
    case CL_KERNEL_COMPILE_NUM_SUB_GROUPS:
      FAKE_REPLY(size_t, 0);
    default:
      return CL_INVALID_VALUE;
  }
}

cl_int clGetKernelSubGroupInfoKHR(cl_kernel kernel, cl_device_id device, cl_kernel_sub_group_info name,
                                  size_t input_size, const void *input, size_t size, void *value, size_t *size_ret) {
  return clGetKernelSubGroupInfo(kernel, device, name, input_size, input, size, value, size_ret);
}
