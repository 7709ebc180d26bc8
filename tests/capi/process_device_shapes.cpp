#include "process_child.hpp"

#include <cstdio>
#include <vector>

namespace process_child {
namespace {

void without_platform() {
  size_t count = 99;
  gpuc_platform *platform = nullptr;
  gpuc_device *device = nullptr;
  gpuc_context *context = nullptr;
  gpuc_proque *proque = nullptr;
  const auto says_what_to_do = [] {
    if (std::string(gpuc_last_error_message()).find("install") == std::string::npos)
      wrong(std::string("the message gives no advice: ") + gpuc_last_error_message());
  };
  // documented: gpuc_platform_list GPUC_ERROR_NO_PLATFORM
  EXPECT(GPUC_ERROR_NO_PLATFORM, gpuc_platform_list(&platform, 1, &count));
  says_what_to_do();
  if (count != 0) wrong("the count is not 0");
  // documented: gpuc_device_list GPUC_ERROR_NO_PLATFORM
  EXPECT(GPUC_ERROR_NO_PLATFORM, gpuc_device_list(nullptr, &device, 1, &count));
  says_what_to_do();
  // documented: gpuc_device_select GPUC_ERROR_NO_PLATFORM
  EXPECT(GPUC_ERROR_NO_PLATFORM, gpuc_device_select("gpu:0", &device));
  says_what_to_do();
  // documented: gpuc_context_create GPUC_ERROR_NO_PLATFORM
  EXPECT(GPUC_ERROR_NO_PLATFORM, gpuc_context_create(nullptr, 0, &context));
  says_what_to_do();
  // documented: gpuc_proque_create GPUC_ERROR_NO_PLATFORM
  EXPECT(GPUC_ERROR_NO_PLATFORM, gpuc_proque_create(source, GPUC_NUL_TERMINATED, nullptr, &proque));
  says_what_to_do();
  EXPECT(GPUC_ERROR_INVALID_ARGUMENT, gpuc_device_select("a::b", &device));
  EXPECT(GPUC_ERROR_INVALID_HANDLE, gpuc_queue_finish(nullptr));
  std::vector<char> report(1 << 20);
  for (const gpuc_doctor_format format : {GPUC_DOCTOR_TEXT, GPUC_DOCTOR_JSON}) {
    EXPECT(GPUC_OK, gpuc_doctor(format, report.data(), report.size(), &count));
    if (std::string(report.data()).find("pocl") == std::string::npos) wrong("the doctor does not say what to install");
  }
  uint64_t value = 0;
  EXPECT(GPUC_OK, gpuc_cache_get_number(GPUC_CACHE_ENTRIES, &value));
}

void without_device() {
  size_t count = 0;
  gpuc_device *device = nullptr;
  gpuc_context *context = nullptr;
  gpuc_proque *proque = nullptr;
  EXPECT(GPUC_OK, gpuc_platform_list(nullptr, 0, &count));
  if (count != 1) wrong("the platform is not listed");
  EXPECT(GPUC_ERROR_NO_DEVICE, gpuc_device_list(nullptr, &device, 1, &count));
  EXPECT(GPUC_ERROR_NO_DEVICE, gpuc_device_select(nullptr, &device));
  // documented: gpuc_context_create GPUC_ERROR_NO_DEVICE
  EXPECT(GPUC_ERROR_NO_DEVICE, gpuc_context_create(nullptr, 0, &context));
  EXPECT(GPUC_ERROR_NO_DEVICE, gpuc_proque_create(source, GPUC_NUL_TERMINATED, nullptr, &proque));
  std::vector<char> report(1 << 20);
  EXPECT(GPUC_OK, gpuc_doctor(GPUC_DOCTOR_TEXT, report.data(), report.size(), &count));
}

// Every scenario, its outcome on a line: right, or a status that the header documents.
void odd_device() {
  for (const Scenario &scenario : scenarios()) {
    Steps steps;
    scenario.run(steps);
    for (const std::string &problem : steps.problems()) wrong(std::string("PROBLEM ") + scenario.name + ": " + problem);
    std::printf("%s %s %s\n", scenario.name, gpuc_status_name(steps.status()), steps.function().c_str());
  }
}

// A device of 32 bits: global ids must fit.
void device_of_32_bits() {
  gpuc_proque_options options{};
  gpuc_proque_options_init(&options, sizeof options);
  EXPECT(GPUC_OK, gpuc_proque_create(source, GPUC_NUL_TERMINATED, &options, &o.proque));
  EXPECT(GPUC_OK, gpuc_proque_get_context(o.proque, &o.context));
  EXPECT(GPUC_OK, gpuc_buffer_create(o.context, 64, 0, &o.buffer));
  const size_t size[1] = {size_t(1) << 33};
  EXPECT(GPUC_OK, gpuc_proque_set_dims(o.proque, 1, size));
  const gpuc_arg args[] = {buffer_arg(o.buffer), i32_arg(1)};
  // documented: gpuc_proque_launch GPUC_ERROR_OVERFLOW
  EXPECT(GPUC_ERROR_OVERFLOW, gpuc_proque_launch(o.proque, "fill_value", args, 2, nullptr, 0, nullptr));
  release_all();
}

// A device that is lost in the middle: told as such, what is there can be released.
void lost_device() {
  gpuc_status status = GPUC_OK;
  make_all();
  if (failures) {  // lost within make_all: said by one of its calls
    failures = 0;
    release_all();
    return;
  }
  for (int i = 0; i < 1000 && status == GPUC_OK; ++i) {
    poison_record();
    status = gpuc_buffer_write(o.buffer, o.queue, 0, 64, large_host);
    if (status == GPUC_OK) status = gpuc_queue_finish(o.queue);
  }
  std::printf("first %s\n", gpuc_status_name(status));
  for (int i = 0; i < 3; ++i) EXPECT(GPUC_ERROR_DEVICE_LOST, gpuc_queue_finish(o.queue));
  EXPECT(GPUC_ERROR_DEVICE_LOST, gpuc_buffer_write(o.buffer, o.queue, 0, 64, large_host));
  EXPECT(GPUC_ERROR_DEVICE_LOST, gpuc_queue_marker_async(o.queue, nullptr, 0, nullptr));
  for (int i = 0; i < 100; ++i) {
    gpuc_buffer *buffer = nullptr;
    gpuc_buffer_create(o.context, 4096, 0, &buffer);
    gpuc_buffer_release(buffer);
  }
  release_all();
}

}  // namespace

bool device_shape(const std::string &shape) {
  if (shape == "no_platform")
    without_platform();
  else if (shape == "no_device")
    without_device();
  else if (shape == "odd_device")
    odd_device();
  else if (shape == "bits32")
    device_of_32_bits();
  else if (shape == "lost")
    lost_device();
  else
    return false;
  return true;
}

}  // namespace process_child
