// What the device does not have: images, samplers, pipes, shared virtual memory, intermediate language, native and
// built-in kernels. These answer with an error instead of a NULL in the dispatch table, so that a call is not a crash.
#include "fake.h"

// ---- images and samplers: CL_DEVICE_IMAGE_SUPPORT is false ----

cl_mem clCreateImage(cl_context context, cl_mem_flags flags, const cl_image_format *format, const cl_image_desc *desc,
                     void *host_ptr, cl_int *errcode_ret) {
  (void)context, (void)flags, (void)format, (void)desc, (void)host_ptr;
  return fake_fail(errcode_ret, CL_INVALID_OPERATION);
}

cl_mem clCreateImageWithProperties(cl_context context, const cl_mem_properties *properties, cl_mem_flags flags,
                                   const cl_image_format *format, const cl_image_desc *desc, void *host_ptr,
                                   cl_int *errcode_ret) {
  (void)properties;
  return clCreateImage(context, flags, format, desc, host_ptr, errcode_ret);
}

cl_mem clCreateImage2D(cl_context context, cl_mem_flags flags, const cl_image_format *format, size_t width,
                       size_t height, size_t row, void *host_ptr, cl_int *errcode_ret) {
  (void)width, (void)height, (void)row;
  return clCreateImage(context, flags, format, NULL, host_ptr, errcode_ret);
}

cl_mem clCreateImage3D(cl_context context, cl_mem_flags flags, const cl_image_format *format, size_t width,
                       size_t height, size_t depth, size_t row, size_t slice, void *host_ptr, cl_int *errcode_ret) {
  (void)width, (void)height, (void)depth, (void)row, (void)slice;
  return clCreateImage(context, flags, format, NULL, host_ptr, errcode_ret);
}

cl_int clGetSupportedImageFormats(cl_context context, cl_mem_flags flags, cl_mem_object_type type, cl_uint capacity,
                                  cl_image_format *formats, cl_uint *out_count) {
  (void)flags, (void)type, (void)capacity, (void)formats;
  if (!fake_is(context, FAKE_CONTEXT)) return CL_INVALID_CONTEXT;
  if (out_count) *out_count = 0;
  return CL_SUCCESS;
}

cl_int clGetImageInfo(cl_mem image, cl_image_info name, size_t size, void *value, size_t *size_ret) {
  (void)image, (void)name, (void)size, (void)value, (void)size_ret;
  return CL_INVALID_MEM_OBJECT;
}

cl_int clEnqueueReadImage(cl_command_queue queue, cl_mem image, cl_bool blocking, const size_t *origin,
                          const size_t *region, size_t row, size_t slice, void *host, cl_uint wait_count,
                          const cl_event *waits, cl_event *event) {
  (void)queue, (void)image, (void)blocking, (void)origin, (void)region, (void)row, (void)slice, (void)host;
  (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueWriteImage(cl_command_queue queue, cl_mem image, cl_bool blocking, const size_t *origin,
                           const size_t *region, size_t row, size_t slice, const void *host, cl_uint wait_count,
                           const cl_event *waits, cl_event *event) {
  (void)queue, (void)image, (void)blocking, (void)origin, (void)region, (void)row, (void)slice, (void)host;
  (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueFillImage(cl_command_queue queue, cl_mem image, const void *color, const size_t *origin,
                          const size_t *region, cl_uint wait_count, const cl_event *waits, cl_event *event) {
  (void)queue, (void)image, (void)color, (void)origin, (void)region, (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueCopyImage(cl_command_queue queue, cl_mem source, cl_mem target, const size_t *source_origin,
                          const size_t *target_origin, const size_t *region, cl_uint wait_count, const cl_event *waits,
                          cl_event *event) {
  (void)queue, (void)source, (void)target, (void)source_origin, (void)target_origin, (void)region;
  (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueCopyImageToBuffer(cl_command_queue queue, cl_mem source, cl_mem target, const size_t *origin,
                                  const size_t *region, size_t offset, cl_uint wait_count, const cl_event *waits,
                                  cl_event *event) {
  (void)queue, (void)source, (void)target, (void)origin, (void)region, (void)offset;
  (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueCopyBufferToImage(cl_command_queue queue, cl_mem source, cl_mem target, size_t offset,
                                  const size_t *origin, const size_t *region, cl_uint wait_count, const cl_event *waits,
                                  cl_event *event) {
  (void)queue, (void)source, (void)target, (void)offset, (void)origin, (void)region;
  (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

void *clEnqueueMapImage(cl_command_queue queue, cl_mem image, cl_bool blocking, cl_map_flags flags,
                        const size_t *origin, const size_t *region, size_t *row, size_t *slice, cl_uint wait_count,
                        const cl_event *waits, cl_event *event, cl_int *errcode_ret) {
  (void)queue, (void)image, (void)blocking, (void)flags, (void)origin, (void)region, (void)row, (void)slice;
  (void)wait_count, (void)waits, (void)event;
  return fake_fail(errcode_ret, CL_INVALID_OPERATION);
}

cl_sampler clCreateSampler(cl_context context, cl_bool normalized, cl_addressing_mode addressing, cl_filter_mode filter,
                           cl_int *errcode_ret) {
  (void)context, (void)normalized, (void)addressing, (void)filter;
  return fake_fail(errcode_ret, CL_INVALID_OPERATION);
}

cl_sampler clCreateSamplerWithProperties(cl_context context, const cl_sampler_properties *properties,
                                         cl_int *errcode_ret) {
  (void)context, (void)properties;
  return fake_fail(errcode_ret, CL_INVALID_OPERATION);
}

cl_int clRetainSampler(cl_sampler sampler) {
  (void)sampler;
  return CL_INVALID_SAMPLER;
}

cl_int clReleaseSampler(cl_sampler sampler) {
  (void)sampler;
  return CL_INVALID_SAMPLER;
}

cl_int clGetSamplerInfo(cl_sampler sampler, cl_sampler_info name, size_t size, void *value, size_t *size_ret) {
  (void)sampler, (void)name, (void)size, (void)value, (void)size_ret;
  return CL_INVALID_SAMPLER;
}

// ---- pipes and shared virtual memory: optional in OpenCL 3.0 ----

cl_mem clCreatePipe(cl_context context, cl_mem_flags flags, cl_uint packet_size, cl_uint packets,
                    const cl_pipe_properties *properties, cl_int *errcode_ret) {
  (void)context, (void)flags, (void)packet_size, (void)packets, (void)properties;
  return fake_fail(errcode_ret, CL_INVALID_OPERATION);
}

cl_int clGetPipeInfo(cl_mem pipe, cl_pipe_info name, size_t size, void *value, size_t *size_ret) {
  (void)pipe, (void)name, (void)size, (void)value, (void)size_ret;
  return CL_INVALID_MEM_OBJECT;
}

void *clSVMAlloc(cl_context context, cl_svm_mem_flags flags, size_t size, cl_uint alignment) {
  (void)context, (void)flags, (void)size, (void)alignment;
  return NULL;
}

void clSVMFree(cl_context context, void *pointer) { (void)context, (void)pointer; }

cl_int clSetKernelArgSVMPointer(cl_kernel kernel, cl_uint index, const void *value) {
  (void)kernel, (void)index, (void)value;
  return CL_INVALID_OPERATION;
}

cl_int clSetKernelExecInfo(cl_kernel kernel, cl_kernel_exec_info name, size_t size, const void *value) {
  (void)kernel, (void)name, (void)size, (void)value;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueSVMFree(cl_command_queue queue, cl_uint count, void *pointers[],
                        void(CL_CALLBACK *function)(cl_command_queue, cl_uint, void *[], void *), void *user_data,
                        cl_uint wait_count, const cl_event *waits, cl_event *event) {
  (void)queue, (void)count, (void)pointers, (void)function, (void)user_data;
  (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueSVMMemcpy(cl_command_queue queue, cl_bool blocking, void *target, const void *source, size_t size,
                          cl_uint wait_count, const cl_event *waits, cl_event *event) {
  (void)queue, (void)blocking, (void)target, (void)source, (void)size, (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueSVMMemFill(cl_command_queue queue, void *target, const void *pattern, size_t pattern_size, size_t size,
                           cl_uint wait_count, const cl_event *waits, cl_event *event) {
  (void)queue, (void)target, (void)pattern, (void)pattern_size, (void)size;
  (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueSVMMap(cl_command_queue queue, cl_bool blocking, cl_map_flags flags, void *pointer, size_t size,
                       cl_uint wait_count, const cl_event *waits, cl_event *event) {
  (void)queue, (void)blocking, (void)flags, (void)pointer, (void)size, (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueSVMUnmap(cl_command_queue queue, void *pointer, cl_uint wait_count, const cl_event *waits,
                         cl_event *event) {
  (void)queue, (void)pointer, (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueSVMMigrateMem(cl_command_queue queue, cl_uint count, const void **pointers, const size_t *sizes,
                              cl_mem_migration_flags flags, cl_uint wait_count, const cl_event *waits,
                              cl_event *event) {
  (void)queue, (void)count, (void)pointers, (void)sizes, (void)flags, (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

// ---- programs and queues of other kinds ----

cl_program clCreateProgramWithBuiltInKernels(cl_context context, cl_uint count, const cl_device_id *devices,
                                             const char *names, cl_int *errcode_ret) {
  (void)context, (void)count, (void)devices, (void)names;
  return fake_fail(errcode_ret, CL_INVALID_VALUE);
}

cl_program clCreateProgramWithIL(cl_context context, const void *il, size_t length, cl_int *errcode_ret) {
  (void)context, (void)il, (void)length;
  return fake_fail(errcode_ret, CL_INVALID_OPERATION);
}

cl_int clSetProgramSpecializationConstant(cl_program program, cl_uint id, size_t size, const void *value) {
  (void)program, (void)id, (void)size, (void)value;
  return CL_INVALID_OPERATION;
}

cl_int clSetProgramReleaseCallback(cl_program program, void(CL_CALLBACK *notify)(cl_program, void *), void *user_data) {
  (void)program, (void)notify, (void)user_data;
  return CL_INVALID_OPERATION;
}

cl_int clEnqueueNativeKernel(cl_command_queue queue, void(CL_CALLBACK *function)(void *), void *arguments, size_t size,
                             cl_uint count, const cl_mem *buffers, const void **places, cl_uint wait_count,
                             const cl_event *waits, cl_event *event) {
  (void)queue, (void)function, (void)arguments, (void)size, (void)count, (void)buffers, (void)places;
  (void)wait_count, (void)waits, (void)event;
  return CL_INVALID_OPERATION;
}

cl_int clSetDefaultDeviceCommandQueue(cl_context context, cl_device_id device, cl_command_queue queue) {
  (void)context, (void)device, (void)queue;
  return CL_INVALID_OPERATION;
}

cl_int clSetCommandQueueProperty(cl_command_queue queue, cl_command_queue_properties properties, cl_bool enable,
                                 cl_command_queue_properties *old_properties) {
  (void)queue, (void)properties, (void)enable, (void)old_properties;
  return CL_INVALID_OPERATION;
}
