#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

gpuc_status gpuc_device_list(const char *filter, gpuc_device **items, size_t capacity, size_t *out_count) {
  return guard([&] {
    need(out_count, "out_count") = 0;
    list_out(list_devices(optional_text(filter)), items, capacity, out_count);
  });
}

gpuc_status gpuc_device_select(const char *filter, gpuc_device **out_device) {
  clear_out(out_device);
  return guard([&] {
    gpuc_device *&out = need_out(out_device, "out_device");
    out = give<gpuc_device>(select_device(optional_text(filter)));
  });
}

gpuc_status gpuc_device_get_string(gpuc_device *device, gpuc_device_string key, char *buf, size_t capacity,
                                   size_t *out_needed) {
  return guard([&] {
    const Pinned device_(device, "device");
    const DeviceInfo &info = device_->info();
    switch (key) {
      case GPUC_DEVICE_NAME:
        return text_out(info.name, buf, capacity, out_needed);
      case GPUC_DEVICE_VENDOR:
        return text_out(info.vendor, buf, capacity, out_needed);
      case GPUC_DEVICE_DRIVER_VERSION:
        return text_out(info.driver_version, buf, capacity, out_needed);
      case GPUC_DEVICE_VERSION:
        return text_out(info.version, buf, capacity, out_needed);
      case GPUC_DEVICE_C_VERSION:
        return text_out(info.c_version, buf, capacity, out_needed);
      case GPUC_DEVICE_PROFILE:
        return text_out(info.profile, buf, capacity, out_needed);
      case GPUC_DEVICE_EXTENSIONS:
        return text_out(info.extensions, buf, capacity, out_needed);
      case GPUC_DEVICE_UUID:
        return text_out(info.uuid, buf, capacity, out_needed);
      case GPUC_DEVICE_PCI_ID:
        return text_out(info.pci_id, buf, capacity, out_needed);
      case GPUC_DEVICE_FILTER:
        return text_out(device_->filter(), buf, capacity, out_needed);
      default:
        fail(Status::invalid_argument, "key is ", key, ", which is not a gpuc_device_string");
    }
  });
}

namespace {

std::uint64_t number(const DeviceInfo &info, gpuc_device_number key) {
  switch (key) {
    case GPUC_DEVICE_TYPE:
      return static_cast<std::uint64_t>(info.type);
    case GPUC_DEVICE_VENDOR_ID:
      return info.vendor_id;
    case GPUC_DEVICE_COMPUTE_UNITS:
      return info.compute_units;
    case GPUC_DEVICE_CLOCK_MHZ:
      return info.clock_mhz;
    case GPUC_DEVICE_GLOBAL_MEMORY_BYTES:
      return info.global_memory;
    case GPUC_DEVICE_MAX_ALLOCATION_BYTES:
      return info.max_allocation;
    case GPUC_DEVICE_LOCAL_MEMORY_BYTES:
      return info.local_memory;
    case GPUC_DEVICE_CONSTANT_BYTES:
      return info.constant_memory;
    case GPUC_DEVICE_CACHE_BYTES:
      return info.cache;
    case GPUC_DEVICE_CACHE_LINE_BYTES:
      return info.cache_line;
    case GPUC_DEVICE_MAX_WORK_GROUP_SIZE:
      return info.max_work_group_size;
    case GPUC_DEVICE_MAX_WORK_ITEMS_X:
      return info.max_work_items[0];
    case GPUC_DEVICE_MAX_WORK_ITEMS_Y:
      return info.max_work_items[1];
    case GPUC_DEVICE_MAX_WORK_ITEMS_Z:
      return info.max_work_items[2];
    case GPUC_DEVICE_ADDRESS_BITS:
      return info.address_bits;
    case GPUC_DEVICE_SLICE_ALIGNMENT_BYTES:
      return info.slice_alignment;
    case GPUC_DEVICE_UNIFIED_MEMORY:
      return info.unified_memory;
    case GPUC_DEVICE_TIMER_RESOLUTION_NS:
      return info.timer_resolution_ns;
    case GPUC_DEVICE_OUT_OF_ORDER:
      return info.out_of_order;
    case GPUC_DEVICE_AVAILABLE:
      return info.available;
    case GPUC_DEVICE_COMPILER_AVAILABLE:
      return info.compiler_available;
    case GPUC_DEVICE_LITTLE_ENDIAN:
      return info.little_endian;
    case GPUC_DEVICE_OPENCL_VERSION:
      return info.opencl_version;
    case GPUC_DEVICE_OPENCL_C_VERSION:
      return info.opencl_c_version;
    case GPUC_DEVICE_MAX_ARGUMENT_BYTES:
      return info.max_argument_bytes;
    case GPUC_DEVICE_VECTOR_WIDTH_F32:
      return info.vector_width_f32;
    case GPUC_DEVICE_VECTOR_WIDTH_F64:
      return info.vector_width_f64;
    case GPUC_DEVICE_ERROR_CORRECTION:
      return info.error_correction;
    default:
      fail(Status::invalid_argument, "key is ", key, ", which is not a gpuc_device_number");
  }
}

std::uint64_t capability(const Capabilities &found, gpuc_capability key) {
  switch (key) {
    case GPUC_CAPABILITY_FP16:
      return static_cast<std::uint64_t>(found.fp16);
    case GPUC_CAPABILITY_FP64:
      return found.fp64;
    case GPUC_CAPABILITY_INT64_ATOMICS:
      return found.int64_atomics;
    case GPUC_CAPABILITY_SUB_GROUPS:
      return found.sub_groups;
    case GPUC_CAPABILITY_INLINE_PTX:
      return found.inline_ptx;
    case GPUC_CAPABILITY_SPIRV:
      return found.spirv;
    default:
      fail(Status::internal, "capability ", key, " has no value");
  }
}

}  // namespace

gpuc_status gpuc_device_get_number(gpuc_device *device, gpuc_device_number key, uint64_t *out_value) {
  return guard([&] {
    need(out_value, "out_value");
    *out_value = number(Pinned(device, "device")->info(), key);
  });
}

gpuc_status gpuc_device_get_capability(gpuc_device *device, gpuc_capability key, uint64_t *out_value) {
  return guard([&] {
    need(out_value, "out_value");
    const Pinned device_(device, "device");
    // Before the device is asked, which may take seconds.
    if (key < GPUC_CAPABILITY_FP16 || key > GPUC_CAPABILITY_SPIRV)
      fail(Status::invalid_argument, "key is ", key, ", which is not a gpuc_capability");
    *out_value = capability(device_->capabilities(), key);
  });
}

gpuc_status gpuc_device_get_platform(gpuc_device *device, gpuc_platform **out_platform) {
  clear_out(out_platform);
  return guard([&] {
    gpuc_platform *&out = need_out(out_platform, "out_platform");
    out = give<gpuc_platform>(share(Pinned(device, "device")->platform()));
  });
}

gpuc_status gpuc_device_get_native(gpuc_device *device, void **out_native) {
  clear_out(out_native);
  return guard([&] {
    need(out_native, "out_native") = nullptr;
    *out_native = Pinned(device, "device")->native();
  });
}

gpuc_status gpuc_device_from_native(void *native, gpuc_device **out_device) {
  clear_out(out_device);
  return guard([&] {
    gpuc_device *&out = need_out(out_device, "out_device");
    need(native == nullptr ? nullptr : &native, "native");
    out = give<gpuc_device>(find_device(static_cast<cl_device_id>(native)));
  });
}

gpuc_status gpuc_device_retain(gpuc_device *device) {
  return guard([&] { retain(device); });
}
void gpuc_device_release(gpuc_device *device) { release(device); }
