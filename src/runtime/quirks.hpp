// What is known of drivers that does not show in their properties. Data, in one table, with the versions it holds for.
#pragma once

#include <gpucompute/device.hpp>

namespace gpucompute {

struct Quirks {
  // Runs kernels in order to examine them, thousands of times slower than a device: comes last in every list, and its
  // capabilities are what it says.
  bool checker = false;
  // Its compiler prints to stderr when a program does not build: nothing is tried that it does not offer.
  bool noisy_compiler = false;
  // Ends the process when a user event fails and a chain of commands waits for it.
  bool aborts_on_failed_user_event = false;
  // Does not heed #line: the marks are left out, and places in its logs are translated.
  bool no_line_marks = false;
  // Never completes commands that wait for a user event.
  bool no_user_events = false;
  // With -cl-kernel-arg-info, a program with a kernel that has no arguments does not build.
  bool argument_info_may_break = false;
  // Its compiler ends the process over what is tried to find its capabilities: what it offers is believed.
  bool aborts_on_probes = false;
  // Its compiler ends the process over Clang's __builtin_prefetch.
  bool no_prefetch = false;
  // Warns that what it makes of the kernels for CPU devices may be wrong, and it is.
  bool miscompiles_cpu_kernels = false;
  // A blocking write returns while it is still writing, as OpenCL allows: commands of other queues may overtake it.
  bool writes_after_return = false;
};

const Quirks &quirks_of(const Device &device) noexcept;

}  // namespace gpucompute
