// The one exception type of the core and the statuses it carries.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace gpucompute {

// Values never change; groups: 1xx environment, 2xx arguments, 3xx build, 4xx execution, 5xx unsupported, 9xx internal.
enum class Status : std::int32_t {
  ok = 0,
  no_platform = 101,
  no_device = 102,
  device_lost = 103,
  forked = 104,
  shutting_down = 105,
  driver = 106,
  file = 107,
  invalid_argument = 201,
  null_argument = 202,
  invalid_handle = 203,
  out_of_range = 204,
  misaligned = 205,
  overlap = 206,
  overflow = 207,
  buffer_too_small = 208,
  not_found = 209,
  kernel_argument = 210,
  invalid_state = 211,
  context_mismatch = 212,
  build_failed = 301,
  invalid_binary = 302,
  out_of_device_memory = 401,
  out_of_host_memory = 402,
  execution_failed = 403,
  timeout = 404,
  allocation_too_large = 405,
  unsupported = 501,
  internal = 901,
};

// "GPUC_ERROR_NO_PLATFORM" and so on; "GPUC_ERROR_UNKNOWN" for a value that is not a status. Static strings.
const char *status_name(Status status) noexcept;

// "CL_OUT_OF_RESOURCES" and so on; "CL_UNKNOWN_ERROR" for a value that no header names. Static strings.
const char *cl_code_name(std::int32_t code) noexcept;

class Error : public std::exception {
 public:
  // The message becomes one line: line breaks and the like, which names may bring with them, become blanks.
  Error(Status status, std::string message, std::string detail = {}, std::int32_t cl_code = 0,
        const char *routine = "");

  Status status() const noexcept { return status_; }
  std::int32_t cl_code() const noexcept { return cl_code_; }  // 0 where no OpenCL call failed
  const char *routine() const noexcept { return routine_; }   // the OpenCL function that failed, or ""
  const std::string &message() const noexcept { return message_; }
  const std::string &detail() const noexcept { return detail_; }  // a build log or a memory report; often empty
  const char *what() const noexcept override { return message_.c_str(); }

 private:
  Status status_;
  std::int32_t cl_code_;
  const char *routine_;  // always a string literal
  std::string message_;
  std::string detail_;
};

}  // namespace gpucompute
