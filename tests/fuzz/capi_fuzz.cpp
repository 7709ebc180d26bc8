// The C ABI: each input is a sequence of calls, of any function with arguments good and bad, on the fake ICD under the
// fault layer. Nothing may crash; each status is one that the header documents; and when all handles are released, no
// OpenCL object is left. GPUC_FUZZ_TRACE=1 prints the calls.
#include <CL/cl.h>

#include <filesystem>

#include "capi_world.hpp"

using namespace fuzz;

// What gen_calls.py makes of the header: expected_NAME and call_NAME for each function, and all_calls.
#include "capi_calls.inc"

namespace {

gpuc_faults faults;
std::string *folder;

void remove_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(*folder, ignored);
}

void log_line(void *user_data, gpuc_log_level, const char *message) {
  static_cast<World *>(user_data)->use(message);
  (void)gpuc_last_error_message();  // may call the library
}

}  // namespace

static void call_gpuc_log_set(World &w) {
  const bool on = w.input.byte() & 1;
  w.checked(gpuc_log_set(on ? log_line : nullptr, &w, w.choice() % 8), expected_gpuc_log_set);
}

// Looks through the whole system, which takes long: once in a process is enough.
static void call_gpuc_doctor(World &w) {
  static bool done = false;
  const std::size_t capacity = w.capacity();
  const std::int32_t format = w.choice();
  std::size_t needed = 0;
  if (format == GPUC_DOCTOR_TEXT || format == GPUC_DOCTOR_JSON) {
    if (done) return;
    done = true;
  }
  w.checked(gpuc_doctor(format, static_cast<char *>(w.block(capacity)), capacity, &needed), expected_gpuc_doctor);
}

static void call_gpuc_device_from_native(World &w) {
  void *native = nullptr;
  gpuc_device *result = nullptr;
  if (gpuc_device_get_native(w.handle<gpuc_device>(), &native) != GPUC_OK) native = nullptr;
  const gpuc_status status = w.checked(gpuc_device_from_native(native, &result), expected_gpuc_device_from_native);
  w.given(result, status, expected_gpuc_device_from_native);
}

static void call_gpuc_context_from_native(World &w) {
  void *native = nullptr;
  gpuc_context *result = nullptr;
  if (gpuc_context_get_native(w.handle<gpuc_context>(), &native) != GPUC_OK) native = nullptr;
  const gpuc_status status = w.checked(gpuc_context_from_native(native, &result), expected_gpuc_context_from_native);
  w.given(result, status, expected_gpuc_context_from_native);
}

// Those that take the context, too: any context, living or not.
template <class Handle, class GetNative, class FromNative>
static void from_native(World &w, GetNative &&get, FromNative &&from, const Expected &expected) {
  void *native = nullptr;
  Handle *result = nullptr;
  auto *context = w.handle<gpuc_context>();
  if (get(w.handle<Handle>(), &native) != GPUC_OK) native = nullptr;
  const gpuc_status status = w.checked(from(context, native, &result), expected);
  w.given(result, status, expected);
}
static void call_gpuc_queue_from_native(World &w) {
  from_native<gpuc_queue>(w, gpuc_queue_get_native, gpuc_queue_from_native, expected_gpuc_queue_from_native);
}
static void call_gpuc_event_from_native(World &w) {
  from_native<gpuc_event>(w, gpuc_event_get_native, gpuc_event_from_native, expected_gpuc_event_from_native);
}
static void call_gpuc_program_from_native(World &w) {
  from_native<gpuc_program>(w, gpuc_program_get_native, gpuc_program_from_native, expected_gpuc_program_from_native);
}
static void call_gpuc_buffer_from_native(World &w) {
  std::size_t offset = 0;
  from_native<gpuc_buffer>(
      w, [&](gpuc_buffer *buffer, void **native) { return gpuc_buffer_get_native(buffer, native, &offset); },
      gpuc_buffer_from_native, expected_gpuc_buffer_from_native);
}

// The native kernel is the caller's.
static void call_gpuc_kernel_create_native(World &w) {
  void *native = nullptr;
  auto *kernel = w.handle<gpuc_kernel>();
  if (w.checked(gpuc_kernel_create_native(kernel, w.optional(&native)), expected_gpuc_kernel_create_native) == GPUC_OK)
    clReleaseKernel(static_cast<cl_kernel>(native));
}

extern "C" int LLVMFuzzerInitialize(int *, char ***) {
  std::string name = access("/dev/shm", W_OK) == 0 ? "/dev/shm/gpuc-fuzz-XXXXXX" : "/tmp/gpuc-fuzz-XXXXXX";
  require(mkdtemp(name.data()) != nullptr, "no folder for the cache");
  folder = new std::string(name);
  std::atexit(remove_folder);
  for (const char *variable : {"GPUC_DEVICE", "GPUC_DEVICE_ENFORCE", "GPUC_TRACE", "GPUC_CACHE", "GPUC_CACHE_LIMIT_MB"})
    unsetenv(variable);
  setenv("OCL_ICD_VENDORS", GPUC_FUZZ_VENDORS, 1);
  setenv("OPENCL_LAYERS", GPUC_FUZZ_LAYER, 1);
  setenv("GPUC_FAKE", "two", 0);  // another profile may be chosen outside
  setenv("GPUC_CACHE_DIR", name.c_str(), 1);
  setenv("GPUC_TUNING", "0", 1);  // nothing is measured, nor written outside
  gpuc_faults_require(&faults);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  Input input(data, size);
  faults.reset();
  {
    World w(input, faults, *folder);
    constexpr std::size_t count = sizeof all_calls / sizeof *all_calls;
    static_assert(count < 255, "a call is chosen by one byte");
    for (int steps = 0; !input.empty() && steps < 48; ++steps) {
      const std::uint8_t which = input.byte();
      w.possible = true;
      if (which < count)
        all_calls[which](w);
      else if (which == 0xff)
        w.arm_fault();
    }
  }
  gpuc_log_set(nullptr, nullptr, GPUC_LOG_OFF);
  return 0;
}
