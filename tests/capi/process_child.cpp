#define DOCTEST_CONFIG_IMPLEMENT
#include "process_child.hpp"

#include <cstdio>
#include <cstdlib>

namespace process_child {

int failures = 0;
Objects o;
unsigned char *large_host = nullptr;

void wrong(const std::string &what) {
  ++failures;
  std::printf("%s\n", what.c_str());
  std::fflush(stdout);
}

void expect(const char *call, gpuc_status expected, gpuc_status got) {
  if (got != expected)
    wrong(std::string(call) + " gives " + named(got) + " (" + gpuc_last_error_message() + "), not " + named(expected));
  else if (const std::string fault = got ? record_fault(got) : ""; !fault.empty())
    wrong(std::string(call) + ": " + fault);
}

const char *const source =
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n"
    "kernel void spin(global int *target, int rounds) {\n"
    "  int x = target[get_global_id(0)];\n"
    "  for (int i = 0; i < rounds; ++i) x = x * 1664525 + 1013904223;\n"
    "  target[get_global_id(0)] = x;\n}\n";

void release_all() {
  gpuc_event_release(o.event);
  gpuc_kernel_release(o.kernel);
  gpuc_proque_release(o.proque);
  gpuc_program_release(o.program);
  gpuc_host_memory_release(o.memory);
  gpuc_buffer_release(o.buffer);
  gpuc_buffer_release(o.large);
  gpuc_queue_release(o.queue);
  gpuc_context_release(o.context);
  gpuc_device_release(o.device);
  gpuc_platform_release(o.platform);
}

void make_all() {
  large_host = static_cast<unsigned char *>(std::calloc(large_size, 1));
  gpuc_proque_options options{};
  EXPECT(GPUC_OK, gpuc_device_select(nullptr, &o.device));
  EXPECT(GPUC_OK, gpuc_device_get_platform(o.device, &o.platform));
  EXPECT(GPUC_OK, gpuc_context_create(&o.device, 1, &o.context));
  EXPECT(GPUC_OK, gpuc_queue_create(o.context, nullptr, 0, &o.queue));
  EXPECT(GPUC_OK, gpuc_buffer_create(o.context, 4096, 0, &o.buffer));
  EXPECT(GPUC_OK, gpuc_buffer_create(o.context, large_size, 0, &o.large));
  EXPECT(GPUC_OK, gpuc_host_memory_create(o.context, 4096, &o.memory));
  EXPECT(GPUC_OK, gpuc_program_create_from_source(o.context, source, GPUC_NUL_TERMINATED, nullptr, &o.program));
  EXPECT(GPUC_OK, gpuc_kernel_create(o.program, "spin", &o.kernel));
  EXPECT(GPUC_OK, gpuc_proque_options_init(&options, sizeof options));
  options.context = o.context;
  EXPECT(GPUC_OK, gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &o.proque));
  EXPECT(GPUC_OK, gpuc_queue_marker_async(o.queue, nullptr, 0, &o.event));
  EXPECT(GPUC_OK, gpuc_queue_finish(o.queue));
}

void start_kernel(int rounds) {
  const gpuc_arg args[] = {buffer_arg(o.buffer), i32_arg(rounds)};
  gpuc_launch launch{};
  gpuc_launch_init(&launch, sizeof launch);
  launch.global[0] = 1024;
  EXPECT(GPUC_OK, gpuc_kernel_launch(o.kernel, o.queue, &launch, args, 2, nullptr, 0, nullptr));
  EXPECT(GPUC_OK, gpuc_queue_flush(o.queue));
}

}  // namespace process_child

int main(int argc, char **argv) {
  using namespace process_child;
  const std::string shape = argc > 1 ? argv[1] : "";
  if (!exit_shape(shape) && !fork_shape(shape) && !device_shape(shape)) {
    std::fprintf(stderr, "there is no shape '%s'\n", shape.c_str());
    return 2;
  }
  return failures ? 1 : 0;
}
