#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

gpuc_status gpuc_context_create(gpuc_device *const *devices, size_t device_count, gpuc_context **out_context) {
  clear_out(out_context);
  return guard([&] {
    gpuc_context *&out = need_out(out_context, "out_context");
    if (device_count) need(devices, "devices");
    if (device_count > 1024)
      fail(Status::invalid_argument, "device_count is ", device_count, ", which is more than any platform has");
    std::vector<std::shared_ptr<Device>> list;
    for (size_t i = 0; i < device_count; ++i) list.push_back(Pinned<gpuc_device>(devices[i], "devices", i).shared());
    out = give_new<gpuc_context>(Context::create(std::move(list)));
  });
}

gpuc_status gpuc_context_from_native(void *native, gpuc_context **out_context) {
  clear_out(out_context);
  return guard([&] {
    gpuc_context *&out = need_out(out_context, "out_context");
    out = give_new<gpuc_context>(Context::wrap(&need(static_cast<cl_context>(native), "native")));
  });
}

gpuc_status gpuc_context_get_native(gpuc_context *context, void **out_native) {
  clear_out(out_native);
  return guard([&] {
    need(out_native, "out_native") = nullptr;
    *out_native = Pinned(context, "context")->native();
  });
}

gpuc_status gpuc_context_get_devices(gpuc_context *context, gpuc_device **items, size_t capacity, size_t *out_count) {
  return guard([&] {
    need(out_count, "out_count") = 0;
    list_out(Pinned(context, "context")->devices(), items, capacity, out_count);
  });
}

gpuc_status gpuc_context_get_memory(gpuc_context *context, gpuc_memory_number key, uint64_t *out_value) {
  return guard([&] {
    need(out_value, "out_value");
    const MemoryStatistics memory = Pinned(context, "context")->memory();
    switch (key) {
      case GPUC_MEMORY_IN_USE_BYTES:
        *out_value = memory.in_use;
        return;
      case GPUC_MEMORY_CACHED_BYTES:
        *out_value = memory.cached;
        return;
      case GPUC_MEMORY_PEAK_BYTES:
        *out_value = memory.peak;
        return;
      case GPUC_MEMORY_LIMIT_BYTES:
        *out_value = memory.limit;
        return;
      case GPUC_MEMORY_LIVE_BUFFERS:
        *out_value = memory.live_buffers;
        return;
      case GPUC_MEMORY_CACHED_BUFFERS:
        *out_value = memory.cached_buffers;
        return;
      case GPUC_MEMORY_HITS:
        *out_value = memory.hits;
        return;
      case GPUC_MEMORY_MISSES:
        *out_value = memory.misses;
        return;
      default:
        fail(Status::invalid_argument, "key is ", key, ", which is not a gpuc_memory_number");
    }
  });
}

gpuc_status gpuc_context_set_memory_limit(gpuc_context *context, uint64_t limit_bytes) {
  return guard([&] { Pinned(context, "context")->set_memory_limit(limit_bytes); });
}

gpuc_status gpuc_context_trim(gpuc_context *context, uint64_t *out_freed_bytes) {
  return guard([&] {
    const std::uint64_t freed = Pinned(context, "context")->trim();
    if (out_freed_bytes) *out_freed_bytes = freed;
  });
}

gpuc_status gpuc_context_memory_report(gpuc_context *context, char *buf, size_t capacity, size_t *out_needed) {
  return guard([&] { text_out(Pinned(context, "context")->memory_report(), buf, capacity, out_needed); });
}

gpuc_status gpuc_context_retain(gpuc_context *context) {
  return guard([&] { retain(context); });
}
void gpuc_context_release(gpuc_context *context) { release(context); }
