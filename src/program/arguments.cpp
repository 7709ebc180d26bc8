#include "program/arguments.hpp"

#include <cstring>

#include "program/scalar_convert.hpp"
#include "support/cl_check.hpp"

namespace gpucompute {
namespace {

using Set = KernelInstance::Set;

class Setter {
 public:
  Setter(const KernelRecord &record, KernelInstance &instance, const Device &device, const Context &context)
      : record_(record), instance_(instance), device_(device), context_(context) {}

  void set(std::size_t index, const Argument &argument) {
    const ArgumentInfo &info = record_.arguments()[index];
    switch (argument.kind) {
      case ArgumentKind::buffer:
        return set_buffer(index, info, argument.buffer);
      case ArgumentKind::scalar:
        return set_scalar(index, info, argument);
      case ArgumentKind::bytes:
        return set_bytes(index, info, argument);
      case ArgumentKind::local:
        return set_local(index, info, argument.size);
      case ArgumentKind::null:
        return set_null(index, info);
    }
    fail(Status::kernel_argument, name(index, info), ": unknown argument kind ", static_cast<int>(argument.kind));
  }

 private:
  // "argument 3 'n' of kernel 'axpy' (int)"
  std::string name(std::size_t index, const ArgumentInfo &info) const {
    std::string result = text("argument ", index);
    if (!info.name.empty()) result += " '" + info.name + "'";
    result += " of kernel '" + record_.name() + "'";
    if (!info.type_name.empty()) result += " (" + declared(info) + ")";
    return result;
  }

  static std::string declared(const ArgumentInfo &info) {
    switch (info.space) {
      case ArgumentSpace::global:
        return "global " + info.type_name;
      case ArgumentSpace::constant:
        return "constant " + info.type_name;
      case ArgumentSpace::local:
        return "local " + info.type_name;
      default:
        return info.type_name;
    }
  }

  static bool takes_buffer(const ArgumentInfo &info) {
    return info.space == ArgumentSpace::unknown || info.space == ArgumentSpace::global ||
           info.space == ArgumentSpace::constant;
  }
  static bool takes_value(const ArgumentInfo &info) {
    return info.space == ArgumentSpace::unknown || info.space == ArgumentSpace::by_value;
  }

  [[noreturn]] void refuse(std::size_t index, const ArgumentInfo &info, const char *got) const {
    const char *needed = info.space == ArgumentSpace::by_value ? "a scalar or bytes"
                         : info.space == ArgumentSpace::local  ? "a local size"
                                                               : "a buffer";
    fail(Status::kernel_argument, name(index, info), " takes ", needed, ", got ", got);
  }

  void driver_set(std::size_t index, const ArgumentInfo &info, std::size_t size, const void *value) {
    const cl_int code = clSetKernelArg(instance_.native.get(), static_cast<cl_uint>(index), size, value);
    if (code == CL_SUCCESS) return;
    instance_.sets[index].what = Set::What::nothing;
    if (code == CL_INVALID_ARG_SIZE || code == CL_INVALID_ARG_VALUE)
      throw Error(Status::kernel_argument,
                  text(name(index, info), " does not take ", size, " bytes: ", cl_code_name(code), " (", code, ")"), {},
                  code, "clSetKernelArg");
    fail_cl(code, "clSetKernelArg", "setting " + name(index, info));
  }

  void set_buffer(std::size_t index, const ArgumentInfo &info, Buffer *buffer) {
    if (!takes_buffer(info)) refuse(index, info, "a buffer");
    if (&buffer->context() != &context_)
      fail(Status::context_mismatch, name(index, info), ": the buffer is of another context than the queue");
    cl_mem memory = buffer->argument(device_, index, record_.name().c_str());
    Set &known = instance_.sets[index];
    const std::uint64_t id = buffer->argument_id();
    if (known.what == Set::What::buffer && known.id == id) return;
    driver_set(index, info, sizeof memory, &memory);
    known.what = Set::What::buffer;
    known.id = id;
  }

  void set_null(std::size_t index, const ArgumentInfo &info) {
    if (!takes_buffer(info)) refuse(index, info, "a null pointer");
    cl_mem none = nullptr;
    instance_.sets[index].what = Set::What::nothing;
    driver_set(index, info, sizeof none, &none);
  }

  void set_value(std::size_t index, const ArgumentInfo &info, const void *value, std::size_t size) {
    Set &known = instance_.sets[index];
    const bool small = size <= sizeof known.bytes;
    if (small && known.what == Set::What::bytes && known.id == size && std::memcmp(known.bytes, value, size) == 0)
      return;
    driver_set(index, info, size, value);
    known.what = small ? Set::What::bytes : Set::What::nothing;
    known.id = size;
    if (small) std::memcpy(known.bytes, value, size);
  }

  void set_scalar(std::size_t index, const ArgumentInfo &info, const Argument &argument) {
    if (!takes_value(info)) refuse(index, info, "a scalar");
    if (info.type == argument.type && info.vector_width == 1 && info.size != 0)
      return set_value(index, info, argument.scalar, info.size);  // the common case
    if (info.vector_width != 1)
      fail(Status::kernel_argument, name(index, info), " is a vector: give its ", info.size, " bytes, not a scalar");
    unsigned char converted[8];
    std::string reason;
    // Where the type is not known (a typedef, a struct) the scalar goes as it is and the driver checks its size.
    const DataType target = info.type == DataType::none ? argument.type : info.type;
    if (!convert_scalar(argument.type, argument.scalar, target, converted, reason))
      fail(Status::kernel_argument, name(index, info), ": ", reason);
    set_value(index, info, converted, size_of(target));
  }

  void set_bytes(std::size_t index, const ArgumentInfo &info, const Argument &argument) {
    if (!takes_value(info)) refuse(index, info, "bytes");
    if (info.size && argument.size != info.size)
      fail(Status::kernel_argument, name(index, info), " has ", info.size, " bytes, got ", argument.size);
    if (argument.size == 0 || argument.size > device_.info().max_argument_bytes)
      fail(Status::kernel_argument, name(index, info), ": got ", argument.size, " bytes, must be 1 to ",
           device_.info().max_argument_bytes);
    set_value(index, info, argument.bytes, argument.size);
  }

  void set_local(std::size_t index, const ArgumentInfo &info, std::size_t size) {
    if (info.space != ArgumentSpace::local && info.space != ArgumentSpace::unknown) refuse(index, info, "a local size");
    if (size == 0) fail(Status::kernel_argument, name(index, info), ": size_bytes of local memory is 0, must be more");
    local_total_ += size;
    if (size > device_.info().local_memory || local_total_ > device_.info().local_memory)
      fail(Status::kernel_argument, name(index, info), ": ", local_total_,
           " bytes of local memory in all, the device has ", device_.info().local_memory);
    Set &known = instance_.sets[index];
    if (known.what == Set::What::local && known.id == size) return;
    driver_set(index, info, size, nullptr);
    known.what = Set::What::local;
    known.id = size;
  }

  const KernelRecord &record_;
  KernelInstance &instance_;
  const Device &device_;
  const Context &context_;
  std::size_t local_total_ = 0;
};

}  // namespace

void set_arguments(const KernelRecord &record, KernelInstance &instance, const Device &device, const Context &context,
                   const Argument *arguments, std::size_t count) {
  const std::size_t needed = record.arguments().size();
  if (count != needed)
    fail(Status::kernel_argument, "kernel '", record.name(), "' takes ", needed, " arguments, got ", count);
  Setter setter(record, instance, device, context);
  for (std::size_t i = 0; i < count; ++i) setter.set(i, arguments[i]);
}

}  // namespace gpucompute
