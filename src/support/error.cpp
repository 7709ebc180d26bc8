#include <gpucompute/error.hpp>

#include <algorithm>
#include <utility>

namespace gpucompute {

const char *status_name(Status status) noexcept {
  switch (status) {
    case Status::ok:
      return "GPUC_OK";
    case Status::no_platform:
      return "GPUC_ERROR_NO_PLATFORM";
    case Status::no_device:
      return "GPUC_ERROR_NO_DEVICE";
    case Status::device_lost:
      return "GPUC_ERROR_DEVICE_LOST";
    case Status::forked:
      return "GPUC_ERROR_FORKED";
    case Status::shutting_down:
      return "GPUC_ERROR_SHUTTING_DOWN";
    case Status::driver:
      return "GPUC_ERROR_DRIVER";
    case Status::file:
      return "GPUC_ERROR_FILE";
    case Status::invalid_argument:
      return "GPUC_ERROR_INVALID_ARGUMENT";
    case Status::null_argument:
      return "GPUC_ERROR_NULL_ARGUMENT";
    case Status::invalid_handle:
      return "GPUC_ERROR_INVALID_HANDLE";
    case Status::out_of_range:
      return "GPUC_ERROR_OUT_OF_RANGE";
    case Status::misaligned:
      return "GPUC_ERROR_MISALIGNED";
    case Status::overlap:
      return "GPUC_ERROR_OVERLAP";
    case Status::overflow:
      return "GPUC_ERROR_OVERFLOW";
    case Status::buffer_too_small:
      return "GPUC_ERROR_BUFFER_TOO_SMALL";
    case Status::not_found:
      return "GPUC_ERROR_NOT_FOUND";
    case Status::kernel_argument:
      return "GPUC_ERROR_KERNEL_ARGUMENT";
    case Status::invalid_state:
      return "GPUC_ERROR_INVALID_STATE";
    case Status::context_mismatch:
      return "GPUC_ERROR_CONTEXT_MISMATCH";
    case Status::build_failed:
      return "GPUC_ERROR_BUILD_FAILED";
    case Status::invalid_binary:
      return "GPUC_ERROR_INVALID_BINARY";
    case Status::out_of_device_memory:
      return "GPUC_ERROR_OUT_OF_DEVICE_MEMORY";
    case Status::out_of_host_memory:
      return "GPUC_ERROR_OUT_OF_HOST_MEMORY";
    case Status::execution_failed:
      return "GPUC_ERROR_EXECUTION_FAILED";
    case Status::timeout:
      return "GPUC_ERROR_TIMEOUT";
    case Status::allocation_too_large:
      return "GPUC_ERROR_ALLOCATION_TOO_LARGE";
    case Status::unsupported:
      return "GPUC_ERROR_UNSUPPORTED";
    case Status::internal:
      return "GPUC_ERROR_INTERNAL";
  }
  return "GPUC_ERROR_UNKNOWN";
}

Error::Error(Status status, std::string message, std::string detail, std::int32_t cl_code, const char *routine)
    : status_(status), cl_code_(cl_code), routine_(routine), message_(std::move(message)), detail_(std::move(detail)) {
  std::replace_if(
      message_.begin(), message_.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
}

}  // namespace gpucompute
