#include "runtime/quirks.hpp"

#include <gpucompute/platform.hpp>

#include <cstring>

namespace gpucompute {
namespace {

struct Row {
  const char *platform;        // found in the platform's name
  const char *driver_version;  // the driver version starts with it; "" for all
  Quirks quirks;
};

const Row table[] = {
    // Seen with 21.10: hangs in clFinish when a command is blocked by a user event.
    {"Oclgrind",
     "",
     {/*checker*/ true, /*noisy_compiler*/ true, /*aborts_on_failed_user_event*/ false, /*no_line_marks*/ false,
      /*no_user_events*/ true}},
    // Seen with 3.1: LLVM writes "1 error generated." past every redirection; a failed user event takes the same lock
    // twice.
    {"Portable Computing Language",
     "",
     {/*checker*/ false, /*noisy_compiler*/ true, /*aborts_on_failed_user_event*/ true, /*no_line_marks*/ false,
      /*no_user_events*/ false}},
    // Seen with 580.159.04.
    {"NVIDIA CUDA", "", {false, false, false, /*no_line_marks*/ true, false}},
};

const Quirks none{};

}  // namespace

const Quirks &quirks_of(const Device &device) noexcept {
  for (const Row &row : table)
    if (std::strstr(device.platform().info().name.c_str(), row.platform) &&
        device.info().driver_version.compare(0, std::strlen(row.driver_version), row.driver_version) == 0)
      return row.quirks;
  return none;
}

}  // namespace gpucompute
