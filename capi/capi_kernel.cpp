#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

namespace {

constexpr std::size_t first_launch_size = 88;

gpuc_launch default_launch() {
  gpuc_launch launch{};
  launch.dims = 1;
  return launch;
}

LaunchSize launch_in(const gpuc_launch *in) {
  const gpuc_launch l = read_struct(in, first_launch_size, default_launch(), "launch", GPUC_LAUNCH_ROUND_UP);
  if (l.reserved) fail(Status::invalid_argument, "launch->reserved is ", l.reserved, ", must be 0");
  LaunchSize size;
  size.dims = l.dims;
  size.round_up = (l.flags & GPUC_LAUNCH_ROUND_UP) != 0;
  std::copy_n(l.global, 3, size.global);
  std::copy_n(l.local, 3, size.local);
  std::copy_n(l.offset, 3, size.offset);
  return size;
}

const ArgumentInfo &argument_info(const Kernel &kernel, std::size_t index) {
  const auto &arguments = kernel.arguments();
  if (index >= arguments.size())
    fail(Status::out_of_range, "index is ", index, ", kernel '", kernel.name(), "' has ", arguments.size(),
         " arguments");
  return arguments[index];
}

}  // namespace

gpuc_status gpuc_kernel_create(gpuc_program *program, const char *name, gpuc_kernel **out_kernel) {
  clear_out(out_kernel);
  return guard([&] {
    gpuc_kernel *&out = need_out(out_kernel, "out_kernel");
    const Pinned program_(program, "program");
    out = give<gpuc_kernel>(program_->kernel(&need(name, "name")));
  });
}

gpuc_status gpuc_kernel_get_name(gpuc_kernel *kernel, char *buf, size_t capacity, size_t *out_needed) {
  return guard([&] { text_out(Pinned(kernel, "kernel")->name(), buf, capacity, out_needed); });
}

gpuc_status gpuc_kernel_get_program(gpuc_kernel *kernel, gpuc_program **out_program) {
  clear_out(out_program);
  return guard([&] {
    gpuc_program *&out = need_out(out_program, "out_program");
    out = give<gpuc_program>(share(Pinned(kernel, "kernel")->program()));
  });
}

gpuc_status gpuc_kernel_get_arg_count(gpuc_kernel *kernel, size_t *out_count) {
  return guard([&] { need(out_count, "out_count") = Pinned(kernel, "kernel")->arguments().size(); });
}

gpuc_status gpuc_kernel_get_arg(gpuc_kernel *kernel, size_t index, gpuc_arg_space *out_space, gpuc_type *out_type,
                                size_t *out_size_bytes) {
  return guard([&] {
    const Pinned kernel_(kernel, "kernel");
    const ArgumentInfo &info = argument_info(*kernel_, index);
    if (out_space) *out_space = static_cast<gpuc_arg_space>(info.space);
    if (out_type) *out_type = static_cast<gpuc_type>(info.vector_width == 1 ? info.type : DataType::none);
    if (out_size_bytes) *out_size_bytes = info.size;
  });
}

gpuc_status gpuc_kernel_get_arg_text(gpuc_kernel *kernel, size_t index, char *buf, size_t capacity,
                                     size_t *out_needed) {
  return guard([&] {
    const Pinned kernel_(kernel, "kernel");
    const ArgumentInfo &info = argument_info(*kernel_, index);
    static const char *const spaces[] = {"", "", "global ", "constant ", "local "};
    std::string declaration = spaces[static_cast<int>(info.space)] + info.type_name;
    if (!info.name.empty()) declaration += " " + info.name;
    text_out(declaration, buf, capacity, out_needed);
  });
}

gpuc_status gpuc_kernel_get_number(gpuc_kernel *kernel, gpuc_device *device, gpuc_kernel_number key,
                                   uint64_t *out_value) {
  return guard([&] {
    need(out_value, "out_value");
    const Pinned kernel_(kernel, "kernel");
    const Pinned device_ = pin_optional(device, "device");
    const KernelWorkInfo &info = kernel_->work_info(device_.get());
    switch (key) {
      case GPUC_KERNEL_MAX_WORK_GROUP_SIZE:
        *out_value = info.max_work_group_size;
        return;
      case GPUC_KERNEL_PREFERRED_MULTIPLE:
        *out_value = info.preferred_multiple;
        return;
      case GPUC_KERNEL_LOCAL_MEMORY_BYTES:
        *out_value = info.local_memory;
        return;
      case GPUC_KERNEL_PRIVATE_MEMORY_BYTES:
        *out_value = info.private_memory;
        return;
      case GPUC_KERNEL_REQUIRED_SIZE_X:
        *out_value = info.required_size[0];
        return;
      case GPUC_KERNEL_REQUIRED_SIZE_Y:
        *out_value = info.required_size[1];
        return;
      case GPUC_KERNEL_REQUIRED_SIZE_Z:
        *out_value = info.required_size[2];
        return;
      default:
        fail(Status::invalid_argument, "key is ", key, ", which is not a gpuc_kernel_number");
    }
  });
}

gpuc_status gpuc_kernel_launch(gpuc_kernel *kernel, gpuc_queue *queue, const gpuc_launch *launch, const gpuc_arg *args,
                               size_t arg_count, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned kernel_(kernel, "kernel");
    const Pinned queue_(queue, "queue");
    const LaunchSize size = launch_in(launch);
    const ArgumentList arguments(args, arg_count);
    command(*queue_, waits, wait_count, out_event, [&](Waits list, OutEvent out) {
      kernel_->launch(*queue_, size, arguments.data(), arguments.size(), list, out);
    });
  });
}

gpuc_status gpuc_kernel_create_native(gpuc_kernel *kernel, void **out_native) {
  clear_out(out_native);
  return guard([&] {
    need(out_native, "out_native") = nullptr;
    *out_native = Pinned(kernel, "kernel")->create_native();
  });
}

gpuc_status gpuc_launch_init(gpuc_launch *launch, size_t struct_size) {
  return guard([&] { init_struct(launch, struct_size, first_launch_size, default_launch(), "launch"); });
}

gpuc_status gpuc_kernel_retain(gpuc_kernel *kernel) {
  return guard([&] { retain(kernel); });
}
void gpuc_kernel_release(gpuc_kernel *kernel) { release(kernel); }
