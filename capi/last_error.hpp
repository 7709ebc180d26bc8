// The record of a thread's last failure. Usable at any time, also while the thread or the process ends.
#pragma once

#include <gpucompute/error.hpp>

namespace gpucompute::capi {

void record_error(Status status, std::int32_t cl_code, const char *routine, const char *message,
                  const char *detail) noexcept;

}  // namespace gpucompute::capi
