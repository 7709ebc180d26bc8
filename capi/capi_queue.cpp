#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

gpuc_status gpuc_queue_create(gpuc_context *context, gpuc_device *device, uint32_t flags, gpuc_queue **out_queue) {
  clear_out(out_queue);
  return guard([&] {
    gpuc_queue *&out = need_out(out_queue, "out_queue");
    const Pinned context_(context, "context");
    const Pinned device_ = pin_optional(device, "device");
    out = give_new<gpuc_queue>(Queue::create(*context_, device_.get(), flags));
  });
}

gpuc_status gpuc_queue_from_native(gpuc_context *context, void *native, gpuc_queue **out_queue) {
  clear_out(out_queue);
  return guard([&] {
    gpuc_queue *&out = need_out(out_queue, "out_queue");
    const Pinned context_(context, "context");
    out = give_new<gpuc_queue>(Queue::wrap(*context_, &need(static_cast<cl_command_queue>(native), "native")));
  });
}

gpuc_status gpuc_queue_get_native(gpuc_queue *queue, void **out_native) {
  clear_out(out_native);
  return guard([&] {
    need(out_native, "out_native") = nullptr;
    *out_native = Pinned(queue, "queue")->native();
  });
}

gpuc_status gpuc_queue_get_context(gpuc_queue *queue, gpuc_context **out_context) {
  clear_out(out_context);
  return guard([&] {
    gpuc_context *&out = need_out(out_context, "out_context");
    out = give<gpuc_context>(share(Pinned(queue, "queue")->context()));
  });
}

gpuc_status gpuc_queue_get_device(gpuc_queue *queue, gpuc_device **out_device) {
  clear_out(out_device);
  return guard([&] {
    gpuc_device *&out = need_out(out_device, "out_device");
    out = give<gpuc_device>(share(Pinned(queue, "queue")->device()));
  });
}

gpuc_status gpuc_queue_get_flags(gpuc_queue *queue, uint32_t *out_flags) {
  return guard([&] { need(out_flags, "out_flags") = Pinned(queue, "queue")->flags(); });
}

gpuc_status gpuc_queue_flush(gpuc_queue *queue) {
  return guard([&] { Pinned(queue, "queue")->flush(); });
}

gpuc_status gpuc_queue_finish(gpuc_queue *queue) {
  return guard([&] { Pinned(queue, "queue")->finish(); });
}

gpuc_status gpuc_queue_marker_async(gpuc_queue *queue, gpuc_event *const *waits, size_t wait_count,
                                    gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned queue_(queue, "queue");
    command(*queue_, waits, wait_count, out_event, [&](Waits list, OutEvent out) { queue_->marker(list, out); });
  });
}

gpuc_status gpuc_queue_barrier_async(gpuc_queue *queue, gpuc_event *const *waits, size_t wait_count,
                                     gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned queue_(queue, "queue");
    command(*queue_, waits, wait_count, out_event, [&](Waits list, OutEvent out) { queue_->barrier(list, out); });
  });
}

gpuc_status gpuc_queue_retain(gpuc_queue *queue) {
  return guard([&] { retain(queue); });
}
void gpuc_queue_release(gpuc_queue *queue) { release(queue); }
