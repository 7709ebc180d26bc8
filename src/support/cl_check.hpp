// Turns OpenCL error codes into Error.
#pragma once

#include <CL/cl.h>

#include <string>

#include "support/fail.hpp"

namespace gpucompute {

// `doing` completes "... while <doing>"; it may be empty.
[[noreturn]] void fail_cl(cl_int code, const char *routine, const std::string &doing);

// For calls that wait for commands: a code that is not about memory or the device means that a command failed.
[[noreturn]] void fail_execution(cl_int code, const char *routine, const std::string &what);

inline void cl_check(cl_int code, const char *routine, const char *doing = "") {
  if (code != CL_SUCCESS) fail_cl(code, routine, doing);
}

}  // namespace gpucompute
