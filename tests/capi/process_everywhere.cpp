#include "process_child.hpp"

namespace process_child {

void expect_everywhere(gpuc_status status) {
  const auto set = [](auto *&handle) { handle = reinterpret_cast<std::decay_t<decltype(handle)>>(&o); };
  gpuc_platform *platform;
  gpuc_device *device;
  gpuc_context *context;
  gpuc_queue *queue;
  gpuc_event *event;
  gpuc_buffer *buffer;
  gpuc_host_memory *memory;
  gpuc_program *program;
  gpuc_kernel *kernel;
  gpuc_proque *proque;
  gpuc_profile *profile = reinterpret_cast<gpuc_profile *>(&o);
  void *native;
  const auto set_all = [&] {
    set(platform), set(device), set(context), set(queue), set(event), set(buffer), set(memory), set(program),
        set(kernel), set(proque);
    native = &o;
  };
  set_all();
  size_t size = 0;
  uint64_t value = 0;
  int32_t number = 0;
  uint32_t flags = 0;
  char text[64];
  unsigned char host[64] = {};
  gpuc_rect rect{};
  gpuc_launch launch{};
  gpuc_program_desc desc{};
  gpuc_gemm_desc gemm{};
  EXPECT(status, gpuc_log_set(nullptr, nullptr, GPUC_LOG_OFF));
  EXPECT(status, gpuc_platform_list(&platform, 0, &size));
  EXPECT(status, gpuc_platform_get_string(o.platform, GPUC_PLATFORM_NAME, text, sizeof text, &size));
  EXPECT(status, gpuc_platform_retain(o.platform));
  EXPECT(status, gpuc_device_list(nullptr, &device, 0, &size));
  EXPECT(status, gpuc_device_select(nullptr, &device));
  EXPECT(status, gpuc_device_get_number(o.device, GPUC_DEVICE_TYPE, &value));
  EXPECT(status, gpuc_device_get_capability(o.device, GPUC_CAPABILITY_FP64, &value));
  EXPECT(status, gpuc_device_get_platform(o.device, &platform));
  EXPECT(status, gpuc_device_from_native(text, &device));
  EXPECT(status, gpuc_context_create(nullptr, 0, &context));
  EXPECT(status, gpuc_context_get_native(o.context, &native));
  EXPECT(status, gpuc_context_trim(o.context, &value));
  EXPECT(status, gpuc_context_memory_report(o.context, text, sizeof text, &size));
  EXPECT(status, gpuc_queue_create(o.context, nullptr, 0, &queue));
  EXPECT(status, gpuc_queue_get_flags(o.queue, &flags));
  EXPECT(status, gpuc_queue_flush(o.queue));
  EXPECT(status, gpuc_queue_finish(o.queue));
  EXPECT(status, gpuc_queue_marker_async(o.queue, nullptr, 0, &event));
  EXPECT(status, gpuc_event_wait(o.event));
  EXPECT(status, gpuc_event_wait_for(o.event, UINT64_MAX));
  EXPECT(status, gpuc_event_get_state(o.event, &number));
  EXPECT(status, gpuc_event_get_fd(o.event, &number));
  EXPECT(status, gpuc_event_create_user(o.context, &event));
  EXPECT(status, gpuc_event_complete(o.event, 0));
  EXPECT(status, gpuc_tune(o.queue, nullptr));
  EXPECT(status, gpuc_tuning_get_json(o.device, text, sizeof text, &size));
  EXPECT(status, gpuc_tuning_reset(o.device, &number));
  EXPECT(status, gpuc_tuning_get_directory(text, sizeof text, &size));
  EXPECT(status, gpuc_buffer_create(o.context, 64, 0, &buffer));
  EXPECT(status, gpuc_buffer_slice(o.buffer, 0, 4, &buffer));
  EXPECT(status, gpuc_buffer_write(o.buffer, o.queue, 0, 64, host));
  EXPECT(status, gpuc_buffer_read(o.buffer, o.queue, 0, 64, host));
  EXPECT(status, gpuc_buffer_read(o.large, o.queue, 0, large_size, large_host));
  EXPECT(status, gpuc_buffer_read_async(o.buffer, o.queue, 0, 64, host, nullptr, 0, &event));
  EXPECT(status, gpuc_rect_init(&rect, sizeof rect));
  EXPECT(status, gpuc_buffer_map(o.buffer, o.queue, GPUC_MAP_READ, 0, 4, &native));
  EXPECT(status, gpuc_buffer_get_native(o.buffer, &native, nullptr));
  EXPECT(status, gpuc_host_memory_create(o.context, 64, &memory));
  EXPECT(status, gpuc_program_create(o.context, &desc, &program));
  EXPECT(status, gpuc_program_create_from_source(o.context, source, GPUC_NUL_TERMINATED, nullptr, &program));
  EXPECT(status, gpuc_program_get_kernel_names(o.program, text, sizeof text, &size));
  EXPECT(status, gpuc_cache_get_number(GPUC_CACHE_HITS, &value));
  EXPECT(status, gpuc_cache_clear(nullptr));
  EXPECT(status, gpuc_kernel_create(o.program, "spin", &kernel));
  EXPECT(status, gpuc_kernel_launch(o.kernel, o.queue, &launch, nullptr, 0, nullptr, 0, &event));
  EXPECT(status, gpuc_proque_create(source, GPUC_NUL_TERMINATED, nullptr, &proque));
  EXPECT(status, gpuc_proque_create_buffer(o.proque, GPUC_TYPE_F32, &buffer));
  EXPECT(status, gpuc_proque_finish(o.proque));
  EXPECT(status, gpuc_gemm(o.queue, &gemm, o.buffer, o.buffer, o.buffer, nullptr, 0, &event));
  EXPECT(status, gpuc_doctor(GPUC_DOCTOR_TEXT, text, sizeof text, &size));
  EXPECT(status, gpuc_profile_start(nullptr, &profile));
  if (profile) wrong("the profile is not NULL");
  if (platform || device || context || queue || event || buffer || memory || program || kernel || proque || native)
    wrong("an out handle is not NULL");
  if (gpuc_version() == 0 || gpuc_type_size_bytes(GPUC_TYPE_F64) != 8 || std::string(gpuc_status_name(status)).empty())
    wrong("functions that cannot fail do not work");
}

}  // namespace process_child
