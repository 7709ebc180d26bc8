#include <gpucompute/array.hpp>

#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

namespace {

constexpr std::size_t first_view_size = 288, first_options_size = 56;

static_assert(GPUC_ARRAY_MAX_DIMS == ArrayView::max_dims);

gpuc_array_view default_view() {
  gpuc_array_view view{};
  view.type = GPUC_TYPE_F32;
  return view;
}

gpuc_matmul_options default_options() {
  gpuc_matmul_options options{};
  options.alpha_real = 1;
  return options;
}

gpuc_array_view read_view(const gpuc_array_view *in, const char *name) {
  return read_struct(in, first_view_size, default_view(), name, 0);
}

// Everything but the buffer.
ArrayView description(const gpuc_array_view &in) {
  ArrayView view;
  view.type = static_cast<DataType>(in.type);
  view.ndim = in.ndim;
  view.offset = in.offset_bytes;
  std::copy_n(in.shape, ArrayView::max_dims, view.shape);
  std::copy_n(in.strides_bytes, ArrayView::max_dims, view.strides);
  return view;
}

// A view with its buffer pinned for the call.
class ViewIn {
 public:
  ViewIn(const gpuc_array_view *in, const char *name, const char *buffer_name) {
    const gpuc_array_view read = read_view(in, name);
    buffer_ = Pinned<gpuc_buffer>(read.buffer, buffer_name);
    view_ = description(read);
    view_.buffer = buffer_.get();
  }
  operator const ArrayView &() const noexcept { return view_; }
  // Whether there is anything to move; a type or rank that is no good is the callee's to report.
  bool empty() const noexcept {
    return std::find(view_.shape, view_.shape + std::min(view_.ndim, ArrayView::max_dims), 0u) !=
           view_.shape + std::min(view_.ndim, ArrayView::max_dims);
  }

 private:
  Pinned<gpuc_buffer> buffer_;
  ArrayView view_;
};

}  // namespace

gpuc_status gpuc_array_view_init(gpuc_array_view *view, size_t struct_size) {
  return guard([&] { init_struct(view, struct_size, first_view_size, default_view(), "view"); });
}

gpuc_status gpuc_array_view_pack(gpuc_array_view *view, size_t *out_size_bytes) {
  return guard([&] {
    ArrayView packed = description(read_view(view, "view"));
    const std::size_t size = pack_strides(packed);
    std::copy_n(packed.strides, ArrayView::max_dims, view->strides_bytes);
    if (out_size_bytes) *out_size_bytes = size;
  });
}

gpuc_status gpuc_array_copy(gpuc_queue *queue, const gpuc_array_view *destination, const gpuc_array_view *source,
                            gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned queue_(queue, "queue");
    const ViewIn to(destination, "destination", "destination->buffer");
    const ViewIn from(source, "source", "source->buffer");
    command(*queue_, waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { array_copy(*queue_, to, from, list, out); });
  });
}

gpuc_status gpuc_array_fill(gpuc_queue *queue, const gpuc_array_view *view, const void *value, gpuc_type value_type,
                            gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned queue_(queue, "queue");
    const ViewIn to(view, "view", "view->buffer");
    need(static_cast<const char *>(value), "value");
    command(*queue_, waits, wait_count, out_event, [&](Waits list, OutEvent out) {
      array_fill(*queue_, to, value, static_cast<DataType>(value_type), list, out);
    });
  });
}

gpuc_status gpuc_array_arange(gpuc_queue *queue, const gpuc_array_view *view, const void *start, const void *step,
                              gpuc_type value_type, gpuc_event *const *waits, size_t wait_count,
                              gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned queue_(queue, "queue");
    const ViewIn to(view, "view", "view->buffer");
    need(static_cast<const char *>(start), "start");
    need(static_cast<const char *>(step), "step");
    command(*queue_, waits, wait_count, out_event, [&](Waits list, OutEvent out) {
      array_arange(*queue_, to, start, step, static_cast<DataType>(value_type), list, out);
    });
  });
}

gpuc_status gpuc_array_read(gpuc_queue *queue, const gpuc_array_view *view, void *host) {
  return guard([&] {
    const Pinned queue_(queue, "queue");
    const ViewIn from(view, "view", "view->buffer");
    if (!from.empty()) need(static_cast<char *>(host), "host");
    array_read(*queue_, from, host);
  });
}

gpuc_status gpuc_array_write(gpuc_queue *queue, const gpuc_array_view *view, const void *host) {
  return guard([&] {
    const Pinned queue_(queue, "queue");
    const ViewIn to(view, "view", "view->buffer");
    if (!to.empty()) need(static_cast<const char *>(host), "host");
    array_write(*queue_, to, host);
  });
}

gpuc_status gpuc_array_read_async(gpuc_queue *queue, const gpuc_array_view *view, void *host, gpuc_event *const *waits,
                                  size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned queue_(queue, "queue");
    const ViewIn from(view, "view", "view->buffer");
    if (!from.empty()) need(static_cast<char *>(host), "host");
    command(*queue_, waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { array_read_async(*queue_, from, host, list, out); });
  });
}

gpuc_status gpuc_array_write_async(gpuc_queue *queue, const gpuc_array_view *view, const void *host,
                                   gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned queue_(queue, "queue");
    const ViewIn to(view, "view", "view->buffer");
    if (!to.empty()) need(static_cast<const char *>(host), "host");
    command(*queue_, waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { array_write_async(*queue_, to, host, list, out); });
  });
}

gpuc_status gpuc_matmul_options_init(gpuc_matmul_options *options, size_t struct_size) {
  return guard([&] { init_struct(options, struct_size, first_options_size, default_options(), "options"); });
}

gpuc_status gpuc_array_matmul(gpuc_queue *queue, const gpuc_array_view *a, const gpuc_array_view *b,
                              const gpuc_array_view *c, const gpuc_matmul_options *options, gpuc_event *const *waits,
                              size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned queue_(queue, "queue");
    const ViewIn a_(a, "a", "a->buffer");
    const ViewIn b_(b, "b", "b->buffer");
    const ViewIn c_(c, "c", "c->buffer");
    MatmulOptions chosen;
    if (options) {
      const gpuc_matmul_options in = read_struct(options, first_options_size, default_options(), "options",
                                                 GPUC_MATMUL_CONJUGATE_A | GPUC_MATMUL_CONJUGATE_B);
      chosen.alpha = {in.alpha_real, in.alpha_imag};
      chosen.beta = {in.beta_real, in.beta_imag};
      chosen.conjugate_a = in.flags & GPUC_MATMUL_CONJUGATE_A;
      chosen.conjugate_b = in.flags & GPUC_MATMUL_CONJUGATE_B;
      chosen.compute = static_cast<Compute>(in.compute);
      chosen.backend = optional_text(in.backend);
    }
    command(*queue_, waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { array_matmul(*queue_, a_, b_, c_, chosen, list, out); });
  });
}
