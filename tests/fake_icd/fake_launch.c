// Kernel launches: the checks, and a snapshot of the arguments.
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static cl_int run_launch(struct fake_command *command) {
  const struct fake_launch *launch = command->launch;
  const fake_builtin function = fake_find_builtin(launch->kernel->info);
  fake_clock_advance(launch->global[0] * launch->global[1] * launch->global[2]);
  return function ? function(launch) : CL_COMPLETE;
}

void fake_launch_free(struct fake_launch *launch) {
  const cl_uint count = launch->kernel->info->argument_count;
  for (cl_uint i = 0; i < count; i++) {
    if (launch->arguments[i].mem) fake_unpin(launch->arguments[i].mem);
  }
  fake_free_arguments(launch->arguments, count);
  fake_unpin(launch->kernel);
  free(launch);
}

// All arguments set, and the buffers among them still held by the application: kernels hold no reference.
static cl_int check_arguments(cl_kernel kernel) {
  cl_ulong local = 0;
  for (cl_uint i = 0; i < kernel->info->argument_count; i++) {
    const struct fake_argument *argument = &kernel->arguments[i];
    if (!argument->set) return CL_INVALID_KERNEL_ARGS;
    if (kernel->info->arguments[i].kind == FAKE_LOCAL) local += argument->size;
    if (argument->mem && (!fake_is(argument->mem, FAKE_MEM) || !argument->mem->object.references)) {
      return CL_INVALID_MEM_OBJECT;
    }
  }
  return local > fake_profile.local_memory ? CL_OUT_OF_RESOURCES : CL_SUCCESS;
}

static cl_int check_sizes(const struct fake_kernel_info *info, cl_uint dimensions, const size_t *offset,
                          const size_t *global, const size_t *local) {
  const size_t largest_item[3] = {fake_profile.max_work_group, fake_profile.max_work_group,
                                  fake_profile.max_work_group < 64 ? fake_profile.max_work_group : 64};
  const size_t largest = fake_profile.address_bits == 32 ? UINT32_MAX : SIZE_MAX;
  const int old = fake_profile.version < 300;  // before OpenCL 2.1 sizes of zero, before 2.0 uneven groups are errors
  if (dimensions < 1 || dimensions > 3) return CL_INVALID_WORK_DIMENSION;
  if (!global) return CL_INVALID_GLOBAL_WORK_SIZE;
  size_t group = 1;
  for (cl_uint i = 0; i < dimensions; i++) {
    if ((old && !global[i]) || global[i] > largest) return CL_INVALID_GLOBAL_WORK_SIZE;
    if (offset && offset[i] > largest - global[i]) return CL_INVALID_GLOBAL_OFFSET;
    if (!local) continue;
    if (!local[i]) return CL_INVALID_WORK_GROUP_SIZE;
    if (local[i] > largest_item[i]) return CL_INVALID_WORK_ITEM_SIZE;
    if (old && global[i] % local[i]) return CL_INVALID_WORK_GROUP_SIZE;
    group *= local[i];
    if (info->required_group[0] && local[i] != info->required_group[i]) return CL_INVALID_WORK_GROUP_SIZE;
  }
  if (group > fake_profile.max_work_group) return CL_INVALID_WORK_GROUP_SIZE;
  if (info->required_group[0] && !local) return CL_INVALID_WORK_GROUP_SIZE;
  return CL_SUCCESS;
}

static struct fake_launch *new_launch(cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                      const size_t *global) {
  struct fake_launch *launch = calloc(1, sizeof *launch);
  if (!launch || !fake_copy_arguments(kernel->arguments, kernel->info->argument_count, &launch->arguments)) {
    free(launch);
    return NULL;
  }
  launch->kernel = kernel;
  fake_pin(kernel);
  for (cl_uint i = 0; i < 3; i++) {
    launch->offset[i] = offset && i < dimensions ? offset[i] : 0;
    launch->global[i] = i < dimensions ? global[i] : 1;
  }
  for (cl_uint i = 0; i < kernel->info->argument_count; i++) {
    if (launch->arguments[i].mem) fake_pin(launch->arguments[i].mem);
  }
  return launch;
}

static cl_int enqueue(cl_command_queue queue, cl_kernel kernel, cl_command_type type, cl_uint dimensions,
                      const size_t *offset, const size_t *global, const size_t *local, cl_uint wait_count,
                      const cl_event *waits, cl_event *out_event) {
  if (!fake_is(queue, FAKE_QUEUE)) return CL_INVALID_COMMAND_QUEUE;
  if (!fake_is(kernel, FAKE_KERNEL)) return CL_INVALID_KERNEL;
  if (kernel->program->context != queue->context) return CL_INVALID_CONTEXT;
  cl_int result = check_sizes(kernel->info, dimensions, offset, global, local);
  if (result == CL_SUCCESS) result = check_arguments(kernel);
  if (result != CL_SUCCESS) return result;
  struct fake_command *command = fake_command_new(queue, type, wait_count, waits, &result);
  if (!command) return result;
  command->launch = new_launch(kernel, dimensions, offset, global);
  if (!command->launch) {
    fake_command_free(command);
    return CL_OUT_OF_HOST_MEMORY;
  }
  command->run = run_launch;
  return fake_submit(command, CL_FALSE, out_event);
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                              const size_t *global, const size_t *local, cl_uint wait_count, const cl_event *waits,
                              cl_event *event) {
  fake_lock();
  cl_int result =
      enqueue(queue, kernel, CL_COMMAND_NDRANGE_KERNEL, dimensions, offset, global, local, wait_count, waits, event);
  fake_unlock();
  return result;
}

cl_int clEnqueueTask(cl_command_queue queue, cl_kernel kernel, cl_uint wait_count, const cl_event *waits,
                     cl_event *event) {
  const size_t one = 1;
  fake_lock();
  cl_int result = enqueue(queue, kernel, CL_COMMAND_TASK, 1, NULL, &one, &one, wait_count, waits, event);
  fake_unlock();
  return result;
}
