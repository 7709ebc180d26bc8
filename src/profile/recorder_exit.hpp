// What exit() does with the commands that the recorder still waits for.
#pragma once

namespace gpucompute {

// Collects, once, what is complete. The only function here that may call a driver while the process is in exit().
void drain_profiles() noexcept;

}  // namespace gpucompute
