#include "support/cl_check.hpp"

namespace gpucompute {
namespace {

Status status_of(cl_int code) {
  switch (code) {
    case -1001:
      return Status::no_platform;
    case CL_DEVICE_NOT_FOUND:
      return Status::no_device;
    case CL_DEVICE_NOT_AVAILABLE:
    case CL_INVALID_COMMAND_QUEUE:
      return Status::device_lost;  // our queues are valid: only a lost device makes them not so
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_OUT_OF_RESOURCES:
      return Status::out_of_device_memory;
    case CL_OUT_OF_HOST_MEMORY:
      return Status::out_of_host_memory;
    case CL_BUILD_PROGRAM_FAILURE:
    case CL_COMPILE_PROGRAM_FAILURE:
    case CL_LINK_PROGRAM_FAILURE:
      return Status::build_failed;
    case CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST:
      return Status::execution_failed;
    case CL_INVALID_BINARY:
      return Status::invalid_binary;
    case CL_MEM_COPY_OVERLAP:
      return Status::overlap;
    case CL_INVALID_BUFFER_SIZE:
      return Status::allocation_too_large;
    default:
      return Status::driver;
  }
}

const char *explanation(Status status) {
  switch (status) {
    case Status::device_lost:
      return ": the device was lost, perhaps by an earlier kernel that failed; release what uses it";
    case Status::out_of_device_memory:
      return ": the device has no memory or other resources left for it";
    default:
      return "";
  }
}

[[noreturn]] void fail_as(Status status, cl_int code, const char *routine, const std::string &doing) {
  std::string message = text(routine, " failed with ", cl_code_name(code), " (", code, ")");
  if (!doing.empty()) message += " while " + doing;
  message += explanation(status);
  throw Error(status, std::move(message), {}, code, routine);
}

}  // namespace

void fail_cl(cl_int code, const char *routine, const std::string &doing) {
  fail_as(status_of(code), code, routine, doing);
}

void fail_execution(cl_int code, const char *routine, const std::string &what) {
  Status status = status_of(code);
  // Drivers report a kernel that faulted as "out of resources" when one waits for it, and PoCL a command whose wait
  // list failed as "device not found".
  if (status != Status::device_lost && status != Status::out_of_host_memory) status = Status::execution_failed;
  if (status != Status::execution_failed) fail_as(status, code, routine, "waiting for " + what);
  // A driver may give any negative number as a command's status; only some of them mean what the error code of that
  // number means.
  const std::string reason =
      code == CL_DEVICE_NOT_FOUND ? text("status ", code) : text(cl_code_name(code), " (", code, ")");
  throw Error(status, text(what, " failed while running: ", reason), {}, code, routine);
}

}  // namespace gpucompute
