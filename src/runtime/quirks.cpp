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
      /*no_user_events*/ true, /*argument_info_may_break*/ false, /*aborts_on_probes*/ false, /*no_prefetch*/ true,
      false, false}},
    // Seen with 3.1: LLVM writes "1 error generated." past every redirection; a failed user event takes the same lock
    // twice.
    {"Portable Computing Language",
     "",
     {/*checker*/ false, /*noisy_compiler*/ true, /*aborts_on_failed_user_event*/ true, /*no_line_marks*/ false,
      /*no_user_events*/ false, /*argument_info_may_break*/ false, /*aborts_on_probes*/ false, /*no_prefetch*/ false,
      false, false}},
    // Seen with Mesa 22.3.6 and LLVM 15: an assertion about opaque pointers, in every program that gives a pointer to a
    // built-in function.
    {"Clover",
     "",
     {false, false, false, false, false, false, /*aborts_on_probes*/ true, /*no_prefetch*/ true, false, false}},
    // Seen with Mesa 22.3.6: the translator to SPIR-V ends the process; products come out wrong.
    {"rusticl",
     "",
     {false, false, false, false, false, false, false, /*no_prefetch*/ true, /*miscompiles_cpu_kernels*/ true, false}},
    // Seen with 580.159.04.
    {"NVIDIA CUDA",
     "",
     {false, false, false, /*no_line_marks*/ true, false, /*argument_info_may_break*/ true, false, false, false,
      false}},
    // Seen with 2026.22 of the CPU runtime: a fifth of small writes is not there yet for a kernel of another queue.
    {"Intel(R) OpenCL",
     "",
     {false, false, false, false, false, false, false, false, false, /*writes_after_return*/ true}},
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
