#include "args.hpp"

namespace gpucompute::capi {

namespace {

// Fills one argument; the slot to unpin afterwards, or null.
Slot *argument_in(const gpuc_arg &in, std::size_t index, Argument &out) {
  out.kind = static_cast<ArgumentKind>(in.kind);
  out.type = static_cast<DataType>(in.type);
  out.size = in.size_bytes;
  switch (in.kind) {
    case GPUC_ARG_BUFFER: {
      Pinned<gpuc_buffer> buffer(in.value.buffer, "args", index, ".value.buffer");
      out.buffer = buffer.get();
      return buffer.give();
    }
    case GPUC_ARG_SCALAR:
      std::memcpy(out.scalar, &in.value, sizeof out.scalar);
      return nullptr;
    case GPUC_ARG_BYTES:
      out.bytes = &need(static_cast<const char *>(in.value.bytes), "args[i].value.bytes");
      return nullptr;
    case GPUC_ARG_LOCAL:
    case GPUC_ARG_NULL:
      return nullptr;
    default:
      fail(Status::kernel_argument, "args[", index, "].kind is ", in.kind, ", must be a gpuc_arg_kind");
  }
}

}  // namespace

ArgumentList::ArgumentList(const gpuc_arg *args, std::size_t count) : count_(count) {
  if (count == 0) return;
  need(args, "args");
  if (count > 1024) fail(Status::kernel_argument, "arg_count is ", count, ", which is more than any kernel takes");
  if (count > few) {
    many_ = std::make_unique<Argument[]>(count);
    many_pins_ = std::make_unique<Slot *[]>(count);
    arguments_ = many_.get();
    pins_ = many_pins_.get();
  }
  struct Undo {
    ArgumentList *list;
    ~Undo() {
      while (list && list->pin_count_ > 0) unpin(list->pins_[--list->pin_count_]);
    }
  } undo{this};
  for (std::size_t i = 0; i < count; ++i)
    if (Slot *slot = argument_in(args[i], i, arguments_[i])) pins_[pin_count_++] = slot;
  undo.list = nullptr;  // from here the destructor does it
}

std::vector<std::pair<std::string, std::string>> defines_in(const gpuc_define *defines, std::size_t count) {
  if (count) need(defines, "defines");
  std::vector<std::pair<std::string, std::string>> result;
  for (std::size_t i = 0; i < count; ++i)
    result.emplace_back(&need(defines[i].name, "defines[i].name"), optional_text(defines[i].value));
  return result;
}

}  // namespace gpucompute::capi
