// What a device says about itself: every query of the OpenCL 1.2 and 3.0 headers.
#include <CL/cl_ext.h>
#include <string.h>

#include "fake.h"

// The version, as 110, 120 or 300, from which a device knows a query; the newer ones of 2.x come with 3.0 here.
static int introduced(cl_device_info name) {
  if (name >= CL_DEVICE_IMAGE_PITCH_ALIGNMENT) return 300;
  if (name >= CL_DEVICE_LINKER_AVAILABLE) return 120;
  return 110;
}

static cl_int extensions_with_version(size_t size, void *value, size_t *size_ret) {
  cl_name_version list[32];
  size_t count = 0;
  memset(list, 0, sizeof list);
  for (const char *p = fake_extensions_text(); *p && count < 32; count++) {
    const size_t length = strcspn(p, " ");
    list[count].version = CL_MAKE_VERSION(1, 0, 0);
    memcpy(list[count].name, p, length);
    p += length + strspn(p + length, " ");
  }
  return fake_reply(list, count * sizeof *list, size, value, size_ret);
}

static cl_int c_versions(size_t size, void *value, size_t *size_ret) {
  static const cl_name_version list[] = {
      {CL_MAKE_VERSION(1, 0, 0), "OpenCL C"},
      {CL_MAKE_VERSION(1, 1, 0), "OpenCL C"},
      {CL_MAKE_VERSION(1, 2, 0), "OpenCL C"},
      {CL_MAKE_VERSION(3, 0, 0), "OpenCL C"},
  };
  return fake_reply(list, sizeof list, size, value, size_ret);
}

static cl_int c_features(size_t size, void *value, size_t *size_ret) {
  static const char *const names[] = {
      "__opencl_c_int64",
      "__opencl_c_atomic_order_acq_rel",
      "__opencl_c_atomic_order_seq_cst",
      "__opencl_c_atomic_scope_device",
      "__opencl_c_generic_address_space",
      "__opencl_c_subgroups",
      "__opencl_c_work_group_collective_functions",
      "__opencl_c_fp64",  // last, because not every profile has it
  };
  enum { COUNT = sizeof names / sizeof *names };
  cl_name_version list[COUNT];
  memset(list, 0, sizeof list);
  const size_t count = COUNT - (fake_profile.fp64 ? 0 : 1);
  for (size_t i = 0; i < count; i++) {
    list[i].version = CL_MAKE_VERSION(3, 0, 0);
    strcpy(list[i].name, names[i]);
  }
  return fake_reply(list, count * sizeof *list, size, value, size_ret);
}

// What any version knows.
static cl_int basic_info(cl_device_id device, cl_device_info name, size_t size, void *value, size_t *size_ret) {
  static const char *const names[FAKE_MAX_DEVICES] = {"Fake Device", "Second Fake Device"};
  const struct fake_profile *p = &fake_profile;
  const cl_device_fp_config full =
      CL_FP_DENORM | CL_FP_INF_NAN | CL_FP_ROUND_TO_NEAREST | CL_FP_ROUND_TO_ZERO | CL_FP_ROUND_TO_INF | CL_FP_FMA;
  switch (name) {
    case CL_DEVICE_TYPE:
      FAKE_REPLY(cl_device_type, device->index + 1 == p->devices ? p->type : CL_DEVICE_TYPE_GPU);
    case CL_DEVICE_VENDOR_ID:
      FAKE_REPLY(cl_uint, 0xfa4e);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
      FAKE_REPLY(cl_uint, 4);
    case CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS:
      FAKE_REPLY(cl_uint, 3);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
      FAKE_REPLY(size_t, p->max_work_group);
    case CL_DEVICE_MAX_WORK_ITEM_SIZES: {
      const size_t sizes[3] = {p->max_work_group, p->max_work_group, p->max_work_group < 64 ? p->max_work_group : 64};
      return fake_reply(sizes, sizeof sizes, size, value, size_ret);
    }
    case CL_DEVICE_PREFERRED_VECTOR_WIDTH_CHAR:
    case CL_DEVICE_PREFERRED_VECTOR_WIDTH_SHORT:
    case CL_DEVICE_PREFERRED_VECTOR_WIDTH_INT:
    case CL_DEVICE_PREFERRED_VECTOR_WIDTH_LONG:
    case CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT:
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_CHAR:
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_SHORT:
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_INT:
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_LONG:
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT:
      FAKE_REPLY(cl_uint, 1);
    case CL_DEVICE_PREFERRED_VECTOR_WIDTH_DOUBLE:
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE:
      FAKE_REPLY(cl_uint, p->fp64 ? 1 : 0);
    case CL_DEVICE_PREFERRED_VECTOR_WIDTH_HALF:
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_HALF:
      FAKE_REPLY(cl_uint, p->fp16 ? 1 : 0);
    case CL_DEVICE_MAX_CLOCK_FREQUENCY:
      FAKE_REPLY(cl_uint, 1000);
    case CL_DEVICE_ADDRESS_BITS:
      FAKE_REPLY(cl_uint, p->address_bits);
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
      FAKE_REPLY(cl_ulong, p->max_allocation);
    case CL_DEVICE_IMAGE_SUPPORT:
      FAKE_REPLY(cl_bool, CL_FALSE);
    case CL_DEVICE_MAX_READ_IMAGE_ARGS:
    case CL_DEVICE_MAX_WRITE_IMAGE_ARGS:
    case CL_DEVICE_MAX_SAMPLERS:
      FAKE_REPLY(cl_uint, 0);
    case CL_DEVICE_IMAGE2D_MAX_WIDTH:
    case CL_DEVICE_IMAGE2D_MAX_HEIGHT:
    case CL_DEVICE_IMAGE3D_MAX_WIDTH:
    case CL_DEVICE_IMAGE3D_MAX_HEIGHT:
    case CL_DEVICE_IMAGE3D_MAX_DEPTH:
      FAKE_REPLY(size_t, 0);
    case CL_DEVICE_MAX_PARAMETER_SIZE:
      FAKE_REPLY(size_t, 1024);
    case CL_DEVICE_MEM_BASE_ADDR_ALIGN:
      FAKE_REPLY(cl_uint, 1024);
    case CL_DEVICE_MIN_DATA_TYPE_ALIGN_SIZE:
      FAKE_REPLY(cl_uint, 128);
    case CL_DEVICE_SINGLE_FP_CONFIG:
      FAKE_REPLY(cl_device_fp_config, full);
    case CL_DEVICE_DOUBLE_FP_CONFIG:
      FAKE_REPLY(cl_device_fp_config, p->fp64 ? full : 0);
    case CL_DEVICE_HALF_FP_CONFIG:
      FAKE_REPLY(cl_device_fp_config, p->fp16 ? CL_FP_INF_NAN | CL_FP_ROUND_TO_NEAREST : 0);
    case CL_DEVICE_GLOBAL_MEM_CACHE_TYPE:
      FAKE_REPLY(cl_device_mem_cache_type, CL_READ_WRITE_CACHE);
    case CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE:
      FAKE_REPLY(cl_uint, 64);
    case CL_DEVICE_GLOBAL_MEM_CACHE_SIZE:
      FAKE_REPLY(cl_ulong, 64 * 1024);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
      FAKE_REPLY(cl_ulong, p->global_memory);
    case CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE:
      FAKE_REPLY(cl_ulong, 64 * 1024);
    case CL_DEVICE_MAX_CONSTANT_ARGS:
      FAKE_REPLY(cl_uint, 8);
    case CL_DEVICE_LOCAL_MEM_TYPE:
      FAKE_REPLY(cl_device_local_mem_type, CL_LOCAL);
    case CL_DEVICE_LOCAL_MEM_SIZE:
      FAKE_REPLY(cl_ulong, p->local_memory);
    case CL_DEVICE_ERROR_CORRECTION_SUPPORT:
      FAKE_REPLY(cl_bool, CL_FALSE);
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
      FAKE_REPLY(cl_bool, p->unified ? CL_TRUE : CL_FALSE);
    case CL_DEVICE_PROFILING_TIMER_RESOLUTION:
      FAKE_REPLY(size_t, p->timer_resolution);
    case CL_DEVICE_ENDIAN_LITTLE:
      FAKE_REPLY(cl_bool, p->little);
    case CL_DEVICE_AVAILABLE:
      FAKE_REPLY(cl_bool, device->index || p->available);
    case CL_DEVICE_COMPILER_AVAILABLE:
      FAKE_REPLY(cl_bool, device->index || p->compiler_available);
    case CL_DEVICE_EXECUTION_CAPABILITIES:
      FAKE_REPLY(cl_device_exec_capabilities, CL_EXEC_KERNEL);
    case CL_DEVICE_QUEUE_ON_HOST_PROPERTIES:
      FAKE_REPLY(cl_command_queue_properties, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE | CL_QUEUE_PROFILING_ENABLE);
    case CL_DEVICE_NAME:
      return fake_reply_text(names[device->index], size, value, size_ret);
    case CL_DEVICE_VENDOR:
      return fake_reply_text("gpucompute tests", size, value, size_ret);
    case CL_DRIVER_VERSION:
      return fake_reply_text("1.0", size, value, size_ret);
    case CL_DEVICE_PROFILE:
      return fake_reply_text("FULL_PROFILE", size, value, size_ret);
    case CL_DEVICE_VERSION:
      return fake_reply_text(fake_version_text(), size, value, size_ret);
    case CL_DEVICE_OPENCL_C_VERSION:
      return fake_reply_text(p->version == 110 ? "OpenCL C 1.1 fake" : "OpenCL C 1.2 fake", size, value, size_ret);
    case CL_DEVICE_EXTENSIONS:
      return fake_reply_text(fake_extensions_text(), size, value, size_ret);
    case CL_DEVICE_PLATFORM:
      FAKE_REPLY(cl_platform_id, &fake_platform);
    default:
      return CL_INVALID_VALUE;
  }
}

// What OpenCL 1.2 added.
static cl_int info_of_1_2(cl_device_info name, size_t size, void *value, size_t *size_ret) {
  switch (name) {
    case CL_DEVICE_LINKER_AVAILABLE:
    case CL_DEVICE_PREFERRED_INTEROP_USER_SYNC:
      FAKE_REPLY(cl_bool, CL_TRUE);
    case CL_DEVICE_BUILT_IN_KERNELS:
      return fake_reply_text("", size, value, size_ret);
    case CL_DEVICE_IMAGE_MAX_BUFFER_SIZE:
    case CL_DEVICE_IMAGE_MAX_ARRAY_SIZE:
      FAKE_REPLY(size_t, 0);
    case CL_DEVICE_PARENT_DEVICE:
      FAKE_REPLY(cl_device_id, NULL);
    case CL_DEVICE_PARTITION_MAX_SUB_DEVICES:
      FAKE_REPLY(cl_uint, 0);
    case CL_DEVICE_PARTITION_PROPERTIES:
      FAKE_REPLY(cl_device_partition_property, 0);
    case CL_DEVICE_PARTITION_AFFINITY_DOMAIN:
      FAKE_REPLY(cl_device_affinity_domain, 0);
    case CL_DEVICE_PARTITION_TYPE:
      FAKE_REPLY(cl_device_partition_property, 0);
    case CL_DEVICE_REFERENCE_COUNT:
      FAKE_REPLY(cl_uint, 1);
    case CL_DEVICE_PRINTF_BUFFER_SIZE:
      FAKE_REPLY(size_t, 1024 * 1024);
    default:
      return CL_INVALID_VALUE;
  }
}

// What OpenCL 2.0, 2.1 and 3.0 added.
static cl_int info_of_3_0(cl_device_info name, size_t size, void *value, size_t *size_ret) {
  switch (name) {
    case CL_DEVICE_IMAGE_PITCH_ALIGNMENT:
    case CL_DEVICE_IMAGE_BASE_ADDRESS_ALIGNMENT:
    case CL_DEVICE_MAX_READ_WRITE_IMAGE_ARGS:
    case CL_DEVICE_QUEUE_ON_DEVICE_PREFERRED_SIZE:
    case CL_DEVICE_QUEUE_ON_DEVICE_MAX_SIZE:
    case CL_DEVICE_MAX_ON_DEVICE_QUEUES:
    case CL_DEVICE_MAX_ON_DEVICE_EVENTS:
    case CL_DEVICE_MAX_PIPE_ARGS:
    case CL_DEVICE_PIPE_MAX_ACTIVE_RESERVATIONS:
    case CL_DEVICE_PIPE_MAX_PACKET_SIZE:
    case CL_DEVICE_PREFERRED_PLATFORM_ATOMIC_ALIGNMENT:
    case CL_DEVICE_PREFERRED_GLOBAL_ATOMIC_ALIGNMENT:
    case CL_DEVICE_PREFERRED_LOCAL_ATOMIC_ALIGNMENT:
      FAKE_REPLY(cl_uint, 0);
    case CL_DEVICE_MAX_GLOBAL_VARIABLE_SIZE:
    case CL_DEVICE_GLOBAL_VARIABLE_PREFERRED_TOTAL_SIZE:
      FAKE_REPLY(size_t, 0);
    case CL_DEVICE_QUEUE_ON_DEVICE_PROPERTIES:
      FAKE_REPLY(cl_command_queue_properties, 0);
    case CL_DEVICE_SVM_CAPABILITIES:
      FAKE_REPLY(cl_device_svm_capabilities, 0);
    case CL_DEVICE_IL_VERSION:
    case CL_DEVICE_LATEST_CONFORMANCE_VERSION_PASSED:
      return fake_reply_text("", size, value, size_ret);
    case CL_DEVICE_MAX_NUM_SUB_GROUPS:
      FAKE_REPLY(cl_uint, (cl_uint)((fake_profile.max_work_group + FAKE_SUB_GROUP - 1) / FAKE_SUB_GROUP));
    case CL_DEVICE_SUB_GROUP_INDEPENDENT_FORWARD_PROGRESS:
    case CL_DEVICE_PIPE_SUPPORT:
      FAKE_REPLY(cl_bool, CL_FALSE);
    case CL_DEVICE_NON_UNIFORM_WORK_GROUP_SUPPORT:
    case CL_DEVICE_WORK_GROUP_COLLECTIVE_FUNCTIONS_SUPPORT:
    case CL_DEVICE_GENERIC_ADDRESS_SPACE_SUPPORT:
      FAKE_REPLY(cl_bool, CL_TRUE);
    case CL_DEVICE_NUMERIC_VERSION:
      FAKE_REPLY(cl_version, fake_version_number());
    case CL_DEVICE_OPENCL_C_NUMERIC_VERSION_KHR:  // of cl_khr_extended_versioning
      FAKE_REPLY(cl_version, CL_MAKE_VERSION(1, 2, 0));
    case CL_DEVICE_EXTENSIONS_WITH_VERSION:
      return extensions_with_version(size, value, size_ret);
    case CL_DEVICE_ILS_WITH_VERSION:
    case CL_DEVICE_BUILT_IN_KERNELS_WITH_VERSION:
      return fake_reply(NULL, 0, size, value, size_ret);
    case CL_DEVICE_ATOMIC_MEMORY_CAPABILITIES:
    case CL_DEVICE_ATOMIC_FENCE_CAPABILITIES:
      FAKE_REPLY(cl_device_atomic_capabilities, CL_DEVICE_ATOMIC_ORDER_RELAXED | CL_DEVICE_ATOMIC_ORDER_ACQ_REL |
                                                    CL_DEVICE_ATOMIC_ORDER_SEQ_CST | CL_DEVICE_ATOMIC_SCOPE_WORK_ITEM |
                                                    CL_DEVICE_ATOMIC_SCOPE_WORK_GROUP | CL_DEVICE_ATOMIC_SCOPE_DEVICE);
    case CL_DEVICE_OPENCL_C_ALL_VERSIONS:
      return c_versions(size, value, size_ret);
    case CL_DEVICE_PREFERRED_WORK_GROUP_SIZE_MULTIPLE:
      FAKE_REPLY(size_t, fake_profile.max_work_group < FAKE_SUB_GROUP ? 1 : FAKE_SUB_GROUP);
    case CL_DEVICE_OPENCL_C_FEATURES:
      return c_features(size, value, size_ret);
    case CL_DEVICE_DEVICE_ENQUEUE_CAPABILITIES:
      FAKE_REPLY(cl_device_device_enqueue_capabilities, 0);
    default:
      return CL_INVALID_VALUE;
  }
}

// Where it is: on bus 0x17, slot 2, with the function 1.
static cl_int identity(cl_device_id device, cl_device_info name, size_t size, void *value, size_t *size_ret) {
  if (fake_profile.ids && name == CL_DEVICE_UUID_KHR) {
    unsigned char uuid[CL_UUID_SIZE_KHR];
    for (size_t i = 0; i < sizeof uuid; i++) uuid[i] = (unsigned char)(0xf0 + i + device->index);
    return fake_reply(uuid, sizeof uuid, size, value, size_ret);
  }
  if (fake_profile.ids && name == CL_DEVICE_PCI_BUS_INFO_KHR) {
    const cl_device_pci_bus_info_khr place = {.pci_domain = 1, .pci_bus = 0x17, .pci_device = 2, .pci_function = 1};
    return fake_reply(&place, sizeof place, size, value, size_ret);
  }
  if (fake_profile.nv_ids) {
    switch (name) {
      case 0x4000:  // compute capability 3.5
        FAKE_REPLY(cl_uint, 3);
      case 0x4001:
        FAKE_REPLY(cl_uint, 5);
      case 0x4008:  // the bus; slot and function in one
        FAKE_REPLY(cl_uint, 0x17);
      case 0x4009:
        FAKE_REPLY(cl_uint, 2 << 3 | 1);
    }
  }
  return CL_INVALID_VALUE;
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info name, size_t size, void *value, size_t *size_ret) {
  if (!fake_is(device, FAKE_DEVICE)) return CL_INVALID_DEVICE;
  if (identity(device, name, size, value, size_ret) == CL_SUCCESS) return CL_SUCCESS;
  cl_int result = basic_info(device, name, size, value, size_ret);
  if (result != CL_INVALID_VALUE || introduced(name) > fake_profile.version) return result;
  result = info_of_1_2(name, size, value, size_ret);
  return result == CL_INVALID_VALUE ? info_of_3_0(name, size, value, size_ret) : result;
}

// Root devices are not counted.
cl_int clRetainDevice(cl_device_id device) {
  if (fake_profile.version < 120) return CL_INVALID_OPERATION;
  return fake_is(device, FAKE_DEVICE) ? CL_SUCCESS : CL_INVALID_DEVICE;
}

cl_int clReleaseDevice(cl_device_id device) { return clRetainDevice(device); }

cl_int clCreateSubDevices(cl_device_id device, const cl_device_partition_property *properties, cl_uint num_devices,
                          cl_device_id *devices, cl_uint *num_devices_ret) {
  (void)properties, (void)num_devices, (void)devices, (void)num_devices_ret;
  if (fake_profile.version < 120) return CL_INVALID_OPERATION;
  return fake_is(device, FAKE_DEVICE) ? CL_INVALID_VALUE : CL_INVALID_DEVICE;
}
