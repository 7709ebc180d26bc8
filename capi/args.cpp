#include "args.hpp"

namespace gpucompute::capi {

ArgumentList::ArgumentList(const gpuc_arg *args, std::size_t count) : few_{}, count_(count) {
  if (count == 0) return;
  need(args, "args");
  if (count > 1024) fail(Status::kernel_argument, "arg_count is ", count, ", which is more than any kernel takes");
  Pinned<gpuc_buffer> *pins = few_pins_.data();
  if (count > few_.size()) {
    many_.resize(count, Argument{});
    many_pins_.resize(count);
    arguments_ = many_.data();
    pins = many_pins_.data();
  }
  for (std::size_t i = 0; i < count; ++i) {
    const gpuc_arg &in = args[i];
    Argument &out = arguments_[i];
    out.kind = static_cast<ArgumentKind>(in.kind);
    out.type = static_cast<DataType>(in.type);
    out.size = in.size_bytes;
    switch (in.kind) {
      case GPUC_ARG_BUFFER:
        pins[i] = Pinned<gpuc_buffer>(in.value.buffer, "args", i, ".value.buffer");
        out.buffer = pins[i].get();
        break;
      case GPUC_ARG_SCALAR:
        std::memcpy(out.scalar, &in.value, sizeof out.scalar);
        break;
      case GPUC_ARG_BYTES:
        out.bytes = &need(static_cast<const char *>(in.value.bytes), "args[i].value.bytes");
        break;
      case GPUC_ARG_LOCAL:
      case GPUC_ARG_NULL:
        break;
      default:
        fail(Status::kernel_argument, "args[", i, "].kind is ", in.kind, ", must be a gpuc_arg_kind");
    }
  }
}

std::vector<std::pair<std::string, std::string>> defines_in(const gpuc_define *defines, std::size_t count) {
  if (count) need(defines, "defines");
  std::vector<std::pair<std::string, std::string>> result;
  for (std::size_t i = 0; i < count; ++i)
    result.emplace_back(&need(defines[i].name, "defines[i].name"), optional_text(defines[i].value));
  return result;
}

}  // namespace gpucompute::capi
