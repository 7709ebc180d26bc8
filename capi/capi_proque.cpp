#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

namespace {

constexpr std::size_t first_options_size = 96;

gpuc_proque_options options_in(const gpuc_proque_options *in) {
  return in ? read_struct(in, first_options_size, gpuc_proque_options{}, "options", 0) : gpuc_proque_options{};
}

std::vector<std::size_t> dims_in(std::uint32_t dims, const std::size_t *size) {
  if (dims > 3) fail(Status::invalid_argument, "dims is ", dims, ", must be 0 to 3");
  if (dims) need(size, "size");
  return std::vector<std::size_t>(size, size + dims);
}

}  // namespace

gpuc_status gpuc_proque_options_init(gpuc_proque_options *options, size_t struct_size) {
  return guard([&] { init_struct(options, struct_size, first_options_size, gpuc_proque_options{}, "options"); });
}

gpuc_status gpuc_proque_create(const char *source, size_t size_bytes, const gpuc_proque_options *options,
                               gpuc_proque **out_proque) {
  clear_out(out_proque);
  return guard([&] {
    gpuc_proque *&out = need_out(out_proque, "out_proque");
    const gpuc_proque_options o = options_in(options);
    ProQueOptions request;
    request.source = source ? text_in(source, size_bytes, "source") : std::string();
    request.source_file = optional_text(o.source_file);
    request.device_filter = optional_text(o.device_filter);
    request.device = pin_optional(o.device, "options->device").shared();
    request.context = pin_optional(o.context, "options->context").shared();
    request.options = optional_text(o.options);
    request.defines = defines_in(o.defines, o.define_count);
    request.queue_flags = o.queue_flags;
    request.dims = dims_in(o.dims, o.size);
    out = give_new<gpuc_proque>(ProQue::create(request));
  });
}

gpuc_status gpuc_proque_get_context(gpuc_proque *proque, gpuc_context **out_context) {
  clear_out(out_context);
  return guard([&] {
    gpuc_context *&out = need_out(out_context, "out_context");
    out = give<gpuc_context>(share(Pinned(proque, "proque")->context()));
  });
}

gpuc_status gpuc_proque_get_queue(gpuc_proque *proque, gpuc_queue **out_queue) {
  clear_out(out_queue);
  return guard([&] {
    gpuc_queue *&out = need_out(out_queue, "out_queue");
    out = give<gpuc_queue>(share(Pinned(proque, "proque")->queue()));
  });
}

gpuc_status gpuc_proque_get_program(gpuc_proque *proque, gpuc_program **out_program) {
  clear_out(out_program);
  return guard([&] {
    gpuc_program *&out = need_out(out_program, "out_program");
    out = give<gpuc_program>(share(Pinned(proque, "proque")->program()));
  });
}

gpuc_status gpuc_proque_set_dims(gpuc_proque *proque, uint32_t dims, const size_t *size) {
  return guard([&] {
    const Pinned proque_(proque, "proque");
    proque_->set_dims(dims_in(dims, size));
  });
}

gpuc_status gpuc_proque_create_buffer(gpuc_proque *proque, gpuc_type type, gpuc_buffer **out_buffer) {
  clear_out(out_buffer);
  return guard([&] {
    gpuc_buffer *&out = need_out(out_buffer, "out_buffer");
    out = give<gpuc_buffer>(Pinned(proque, "proque")->create_buffer(static_cast<DataType>(type)));
  });
}

gpuc_status gpuc_proque_get_kernel(gpuc_proque *proque, const char *name, gpuc_kernel **out_kernel) {
  clear_out(out_kernel);
  return guard([&] {
    gpuc_kernel *&out = need_out(out_kernel, "out_kernel");
    const Pinned proque_(proque, "proque");
    out = give<gpuc_kernel>(proque_->kernel(&need(name, "name")));
  });
}

gpuc_status gpuc_proque_launch(gpuc_proque *proque, const char *name, const gpuc_arg *args, size_t arg_count,
                               gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned proque_(proque, "proque");
    need(name, "name");
    const ArgumentList arguments(args, arg_count);
    command(proque_->queue(), waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { proque_->launch(name, arguments.data(), arguments.size(), list, out); });
  });
}

gpuc_status gpuc_proque_write(gpuc_proque *proque, gpuc_buffer *buffer, const void *host) {
  return guard([&] {
    const Pinned proque_(proque, "proque");
    const Pinned buffer_(buffer, "buffer");
    if (buffer_->size()) need(static_cast<const char *>(host), "host");
    buffer_->write(proque_->queue(), 0, buffer_->size(), host);
  });
}

gpuc_status gpuc_proque_read(gpuc_proque *proque, gpuc_buffer *buffer, void *host) {
  return guard([&] {
    const Pinned proque_(proque, "proque");
    const Pinned buffer_(buffer, "buffer");
    if (buffer_->size()) need(static_cast<char *>(host), "host");
    buffer_->read(proque_->queue(), 0, buffer_->size(), host);
  });
}

gpuc_status gpuc_proque_finish(gpuc_proque *proque) {
  return guard([&] { Pinned(proque, "proque")->queue().finish(); });
}

gpuc_status gpuc_proque_retain(gpuc_proque *proque) {
  return guard([&] { retain(proque); });
}
void gpuc_proque_release(gpuc_proque *proque) { release(proque); }
