// Completing a user event that others wait for.
#pragma once

#include <CL/cl.h>

#include <chrono>

#include "runtime/backoff.hpp"
#include "support/process.hpp"

namespace gpucompute {

// What waits for the event waits for ever if it is not completed, so a driver that fails is asked again, for a second.
inline void complete_user_event(cl_event event, cl_int status) noexcept {
  Backoff backoff;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (driver_remains()) {
    const cl_int code = clSetUserEventStatus(event, status);
    // Completed before, or no event at all: no asking will help.
    if (code == CL_SUCCESS || code == CL_INVALID_OPERATION || code == CL_INVALID_EVENT) return;
    if (std::chrono::steady_clock::now() > end) return;
    backoff.pause();
  }
}

}  // namespace gpucompute
