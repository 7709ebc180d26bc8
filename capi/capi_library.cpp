// Version, statuses, log, element types.
#include "args.hpp"
#include "support/log.hpp"

namespace {

static_assert(GPUC_VERSION_MINOR < 1000 && GPUC_VERSION_PATCH < 1000, "gpuc_version() has three digits for each");

#define GPUC_TEXT(x) #x
#define GPUC_VERSION_TEXT(a, b, c) GPUC_TEXT(a) "." GPUC_TEXT(b) "." GPUC_TEXT(c)

// The core's enumerations are the ABI's: a difference would translate one status or type into another.
#define GPUC_SAME(core, abi) static_assert(static_cast<int>(gpucompute::core) == (abi), #abi)
GPUC_SAME(Status::no_platform, GPUC_ERROR_NO_PLATFORM);
GPUC_SAME(Status::no_device, GPUC_ERROR_NO_DEVICE);
GPUC_SAME(Status::device_lost, GPUC_ERROR_DEVICE_LOST);
GPUC_SAME(Status::forked, GPUC_ERROR_FORKED);
GPUC_SAME(Status::shutting_down, GPUC_ERROR_SHUTTING_DOWN);
GPUC_SAME(Status::driver, GPUC_ERROR_DRIVER);
GPUC_SAME(Status::file, GPUC_ERROR_FILE);
GPUC_SAME(Status::invalid_argument, GPUC_ERROR_INVALID_ARGUMENT);
GPUC_SAME(Status::null_argument, GPUC_ERROR_NULL_ARGUMENT);
GPUC_SAME(Status::invalid_handle, GPUC_ERROR_INVALID_HANDLE);
GPUC_SAME(Status::out_of_range, GPUC_ERROR_OUT_OF_RANGE);
GPUC_SAME(Status::misaligned, GPUC_ERROR_MISALIGNED);
GPUC_SAME(Status::overlap, GPUC_ERROR_OVERLAP);
GPUC_SAME(Status::overflow, GPUC_ERROR_OVERFLOW);
GPUC_SAME(Status::buffer_too_small, GPUC_ERROR_BUFFER_TOO_SMALL);
GPUC_SAME(Status::not_found, GPUC_ERROR_NOT_FOUND);
GPUC_SAME(Status::kernel_argument, GPUC_ERROR_KERNEL_ARGUMENT);
GPUC_SAME(Status::invalid_state, GPUC_ERROR_INVALID_STATE);
GPUC_SAME(Status::context_mismatch, GPUC_ERROR_CONTEXT_MISMATCH);
GPUC_SAME(Status::build_failed, GPUC_ERROR_BUILD_FAILED);
GPUC_SAME(Status::invalid_binary, GPUC_ERROR_INVALID_BINARY);
GPUC_SAME(Status::out_of_device_memory, GPUC_ERROR_OUT_OF_DEVICE_MEMORY);
GPUC_SAME(Status::out_of_host_memory, GPUC_ERROR_OUT_OF_HOST_MEMORY);
GPUC_SAME(Status::execution_failed, GPUC_ERROR_EXECUTION_FAILED);
GPUC_SAME(Status::timeout, GPUC_ERROR_TIMEOUT);
GPUC_SAME(Status::allocation_too_large, GPUC_ERROR_ALLOCATION_TOO_LARGE);
GPUC_SAME(Status::unsupported, GPUC_ERROR_UNSUPPORTED);
GPUC_SAME(Status::internal, GPUC_ERROR_INTERNAL);
GPUC_SAME(DataType::i8, GPUC_TYPE_I8);
GPUC_SAME(DataType::u8, GPUC_TYPE_U8);
GPUC_SAME(DataType::i16, GPUC_TYPE_I16);
GPUC_SAME(DataType::u16, GPUC_TYPE_U16);
GPUC_SAME(DataType::i32, GPUC_TYPE_I32);
GPUC_SAME(DataType::u32, GPUC_TYPE_U32);
GPUC_SAME(DataType::i64, GPUC_TYPE_I64);
GPUC_SAME(DataType::u64, GPUC_TYPE_U64);
GPUC_SAME(DataType::f16, GPUC_TYPE_F16);
GPUC_SAME(DataType::f32, GPUC_TYPE_F32);
GPUC_SAME(DataType::f64, GPUC_TYPE_F64);
GPUC_SAME(DataType::c64, GPUC_TYPE_C64);
GPUC_SAME(DataType::c128, GPUC_TYPE_C128);
GPUC_SAME(DataType::bf16, GPUC_TYPE_BF16);
GPUC_SAME(DeviceType::cpu, GPUC_DEVICE_TYPE_CPU);
GPUC_SAME(DeviceType::gpu, GPUC_DEVICE_TYPE_GPU);
GPUC_SAME(DeviceType::accelerator, GPUC_DEVICE_TYPE_ACCELERATOR);
GPUC_SAME(DeviceType::custom, GPUC_DEVICE_TYPE_CUSTOM);
GPUC_SAME(Fp16::math, GPUC_FP16_MATH);
GPUC_SAME(EventState::failed, GPUC_EVENT_FAILED);
GPUC_SAME(EventState::complete, GPUC_EVENT_COMPLETE);
GPUC_SAME(ArgumentSpace::local, GPUC_ARG_SPACE_LOCAL);
GPUC_SAME(ArgumentKind::null, GPUC_ARG_NULL);
GPUC_SAME(LogLevel::debug, GPUC_LOG_DEBUG);
GPUC_SAME(Queue::out_of_order, GPUC_QUEUE_OUT_OF_ORDER);
GPUC_SAME(Queue::profiling, GPUC_QUEUE_PROFILING);
GPUC_SAME(Buffer::unpooled, GPUC_BUFFER_UNPOOLED);
GPUC_SAME(Buffer::map_discard, GPUC_MAP_DISCARD);
#undef GPUC_SAME

}  // namespace

uint32_t gpuc_version(void) { return GPUC_VERSION_MAJOR * 1000000u + GPUC_VERSION_MINOR * 1000u + GPUC_VERSION_PATCH; }

const char *gpuc_version_string(void) {
  return GPUC_VERSION_TEXT(GPUC_VERSION_MAJOR, GPUC_VERSION_MINOR, GPUC_VERSION_PATCH);
}

const char *gpuc_status_name(gpuc_status status) {
  return gpucompute::status_name(static_cast<gpucompute::Status>(status));
}

const char *gpuc_cl_code_name(int32_t cl_code) { return gpucompute::cl_code_name(cl_code); }

size_t gpuc_type_size_bytes(gpuc_type type) { return gpucompute::size_of(static_cast<gpucompute::DataType>(type)); }

gpuc_status gpuc_log_set(gpuc_log_callback callback, void *user_data, gpuc_log_level level) {
  using namespace gpucompute;
  return capi::guard([&] {
    if (level < GPUC_LOG_OFF || level > GPUC_LOG_DEBUG)
      fail(Status::invalid_argument, "level is ", level, ", must be 0 to 3");
    log_set(callback, user_data, static_cast<LogLevel>(level));
  });
}
