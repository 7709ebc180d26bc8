#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

namespace {

constexpr std::size_t first_rect_size = 112;

gpuc_rect default_rect() {
  gpuc_rect rect{};
  rect.region[1] = rect.region[2] = 1;
  return rect;
}

Rect rect_in(const gpuc_rect *in) {
  const gpuc_rect r = read_struct(in, first_rect_size, default_rect(), "rect", 0);
  Rect rect{};
  std::copy_n(r.region, 3, rect.region);
  std::copy_n(r.source_origin, 3, rect.source_origin);
  std::copy_n(r.destination_origin, 3, rect.destination_origin);
  rect.source_row_pitch = r.source_row_pitch_bytes;
  rect.source_slice_pitch = r.source_slice_pitch_bytes;
  rect.destination_row_pitch = r.destination_row_pitch_bytes;
  rect.destination_slice_pitch = r.destination_slice_pitch_bytes;
  return rect;
}

bool moves_nothing(const Rect &rect) { return rect.region[0] == 0 || rect.region[1] == 0 || rect.region[2] == 0; }

}  // namespace

gpuc_status gpuc_buffer_create(gpuc_context *context, size_t size_bytes, uint32_t flags, gpuc_buffer **out_buffer) {
  clear_out(out_buffer);
  return guard([&] {
    gpuc_buffer *&out = need_out(out_buffer, "out_buffer");
    out = give_new<gpuc_buffer>(Buffer::create(*Pinned(context, "context"), size_bytes, flags));
  });
}

gpuc_status gpuc_buffer_create_over_host(gpuc_context *context, void *host, size_t size_bytes,
                                         gpuc_buffer **out_buffer) {
  clear_out(out_buffer);
  return guard([&] {
    gpuc_buffer *&out = need_out(out_buffer, "out_buffer");
    const Pinned context_(context, "context");
    need(static_cast<char *>(host), "host");
    out = give_new<gpuc_buffer>(Buffer::over_host(*context_, host, size_bytes));
  });
}

gpuc_status gpuc_buffer_slice(gpuc_buffer *buffer, size_t offset_bytes, size_t size_bytes, gpuc_buffer **out_slice) {
  clear_out(out_slice);
  return guard([&] {
    gpuc_buffer *&out = need_out(out_slice, "out_slice");
    out = give_new<gpuc_buffer>(Pinned(buffer, "buffer")->slice(offset_bytes, size_bytes));
  });
}

gpuc_status gpuc_buffer_get_size(gpuc_buffer *buffer, size_t *out_size_bytes) {
  return guard([&] { need(out_size_bytes, "out_size_bytes") = Pinned(buffer, "buffer")->size(); });
}

gpuc_status gpuc_buffer_get_offset(gpuc_buffer *buffer, size_t *out_offset_bytes) {
  return guard([&] { need(out_offset_bytes, "out_offset_bytes") = Pinned(buffer, "buffer")->offset(); });
}

gpuc_status gpuc_buffer_get_context(gpuc_buffer *buffer, gpuc_context **out_context) {
  clear_out(out_context);
  return guard([&] {
    gpuc_context *&out = need_out(out_context, "out_context");
    out = give<gpuc_context>(share(Pinned(buffer, "buffer")->context()));
  });
}

gpuc_status gpuc_buffer_write(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes, size_t size_bytes,
                              const void *host) {
  return guard([&] {
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    if (size_bytes) need(static_cast<const char *>(host), "host");
    buffer_->write(*queue_, offset_bytes, size_bytes, host);
  });
}

gpuc_status gpuc_buffer_read(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes, size_t size_bytes,
                             void *host) {
  return guard([&] {
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    if (size_bytes) need(static_cast<char *>(host), "host");
    buffer_->read(*queue_, offset_bytes, size_bytes, host);
  });
}

gpuc_status gpuc_buffer_write_async(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes, size_t size_bytes,
                                    const void *host, gpuc_event *const *waits, size_t wait_count,
                                    gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    if (size_bytes) need(static_cast<const char *>(host), "host");
    command(*queue_, waits, wait_count, out_event, [&](Waits list, OutEvent out) {
      buffer_->write_async(*queue_, offset_bytes, size_bytes, host, list, out);
    });
  });
}

gpuc_status gpuc_buffer_read_async(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes, size_t size_bytes,
                                   void *host, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    if (size_bytes) need(static_cast<char *>(host), "host");
    command(*queue_, waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { buffer_->read_async(*queue_, offset_bytes, size_bytes, host, list, out); });
  });
}

gpuc_status gpuc_buffer_copy_async(gpuc_buffer *source, gpuc_buffer *destination, gpuc_queue *queue,
                                   size_t source_offset_bytes, size_t destination_offset_bytes, size_t size_bytes,
                                   gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned source_(source, "source");
    const Pinned destination_(destination, "destination");
    const Pinned queue_(queue, "queue");
    command(*queue_, waits, wait_count, out_event, [&](Waits list, OutEvent out) {
      source_->copy_to(*destination_, *queue_, source_offset_bytes, destination_offset_bytes, size_bytes, list, out);
    });
  });
}

gpuc_status gpuc_buffer_fill_async(gpuc_buffer *buffer, gpuc_queue *queue, const void *pattern,
                                   size_t pattern_size_bytes, size_t offset_bytes, size_t size_bytes,
                                   gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    need(static_cast<const char *>(pattern), "pattern");
    command(*queue_, waits, wait_count, out_event, [&](Waits list, OutEvent out) {
      buffer_->fill(*queue_, pattern, pattern_size_bytes, offset_bytes, size_bytes, list, out);
    });
  });
}

gpuc_status gpuc_rect_init(gpuc_rect *rect, size_t struct_size) {
  return guard([&] { init_struct(rect, struct_size, first_rect_size, default_rect(), "rect"); });
}

gpuc_status gpuc_buffer_write_rect(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect, const void *host) {
  return guard([&] {
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    const Rect box = rect_in(rect);
    if (!moves_nothing(box)) need(static_cast<const char *>(host), "host");
    buffer_->write_rect(*queue_, box, host, true, {}, nullptr);
  });
}

gpuc_status gpuc_buffer_read_rect(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect, void *host) {
  return guard([&] {
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    const Rect box = rect_in(rect);
    if (!moves_nothing(box)) need(static_cast<char *>(host), "host");
    buffer_->read_rect(*queue_, box, host, true, {}, nullptr);
  });
}

gpuc_status gpuc_buffer_write_rect_async(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect,
                                         const void *host, gpuc_event *const *waits, size_t wait_count,
                                         gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    const Rect box = rect_in(rect);
    if (!moves_nothing(box)) need(static_cast<const char *>(host), "host");
    command(*queue_, waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { buffer_->write_rect(*queue_, box, host, false, list, out); });
  });
}

gpuc_status gpuc_buffer_read_rect_async(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect, void *host,
                                        gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    const Rect box = rect_in(rect);
    if (!moves_nothing(box)) need(static_cast<char *>(host), "host");
    command(*queue_, waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { buffer_->read_rect(*queue_, box, host, false, list, out); });
  });
}

gpuc_status gpuc_buffer_copy_rect_async(gpuc_buffer *source, gpuc_buffer *destination, gpuc_queue *queue,
                                        const gpuc_rect *rect, gpuc_event *const *waits, size_t wait_count,
                                        gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned source_(source, "source");
    const Pinned destination_(destination, "destination");
    const Pinned queue_(queue, "queue");
    const Rect box = rect_in(rect);
    command(*queue_, waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { source_->copy_rect_to(*destination_, *queue_, box, list, out); });
  });
}

gpuc_status gpuc_buffer_map(gpuc_buffer *buffer, gpuc_queue *queue, uint32_t flags, size_t offset_bytes,
                            size_t size_bytes, void **out_pointer) {
  clear_out(out_pointer);
  return guard([&] {
    need(out_pointer, "out_pointer") = nullptr;
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    *out_pointer = buffer_->map(*queue_, flags, offset_bytes, size_bytes, true, {}, nullptr);
  });
}

gpuc_status gpuc_buffer_map_async(gpuc_buffer *buffer, gpuc_queue *queue, uint32_t flags, size_t offset_bytes,
                                  size_t size_bytes, gpuc_event *const *waits, size_t wait_count, void **out_pointer,
                                  gpuc_event **out_event) {
  clear_out(out_pointer, out_event);
  return guard([&] {
    need(out_pointer, "out_pointer") = nullptr;
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    command(*queue_, waits, wait_count, out_event, [&](Waits list, OutEvent out) {
      *out_pointer = buffer_->map(*queue_, flags, offset_bytes, size_bytes, false, list, out);
    });
  });
}

gpuc_status gpuc_buffer_unmap_async(gpuc_buffer *buffer, gpuc_queue *queue, void *pointer, gpuc_event *const *waits,
                                    size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned buffer_(buffer, "buffer");
    const Pinned queue_(queue, "queue");
    need(static_cast<char *>(pointer), "pointer");
    command(*queue_, waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { buffer_->unmap(*queue_, pointer, list, out); });
  });
}

gpuc_status gpuc_buffer_from_native(gpuc_context *context, void *native, gpuc_buffer **out_buffer) {
  clear_out(out_buffer);
  return guard([&] {
    gpuc_buffer *&out = need_out(out_buffer, "out_buffer");
    const Pinned context_(context, "context");
    out = give_new<gpuc_buffer>(Buffer::wrap(*context_, &need(static_cast<cl_mem>(native), "native")));
  });
}

gpuc_status gpuc_buffer_get_native(gpuc_buffer *buffer, void **out_native, size_t *out_offset_bytes) {
  clear_out(out_native);
  return guard([&] {
    need(out_native, "out_native") = nullptr;
    const Pinned buffer_(buffer, "buffer");
    *out_native = buffer_->escape();
    if (out_offset_bytes) *out_offset_bytes = buffer_->offset();
  });
}

gpuc_status gpuc_buffer_retain(gpuc_buffer *buffer) {
  return guard([&] { retain(buffer); });
}
void gpuc_buffer_release(gpuc_buffer *buffer) { release(buffer); }
