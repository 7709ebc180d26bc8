// The frame of every function of the ABI: the only try and catch.
#pragma once

#include <gpucompute/gpucompute.h>

#include <exception>
#include <new>
#include <system_error>

#include "last_error.hpp"
#include "support/process.hpp"

namespace gpucompute::capi {

gpuc_status caught() noexcept;

template <class Body>
gpuc_status guard(Body &&body) noexcept {
  try {
    if (!process_running()) require_running();
    body();
    return GPUC_OK;
  } catch (...) {
    return caught();
  }
}

// Out of line, so that a function of the ABI holds one landing pad and no more.
inline gpuc_status caught() noexcept {
  try {
    throw;
  } catch (const Error &error) {
    record_error(error.status(), error.cl_code(), error.routine(), error.message().c_str(), error.detail().c_str());
    return static_cast<gpuc_status>(error.status());
  } catch (const std::bad_alloc &) {
    record_error(Status::out_of_host_memory, 0, "", "host memory ran out", "");
    return GPUC_ERROR_OUT_OF_HOST_MEMORY;
  } catch (const std::system_error &error) {  // of std::thread: no memory for a stack, or too many threads
    const bool scarce = error.code() == std::errc::resource_unavailable_try_again;
    const Status status = scarce ? Status::out_of_host_memory : Status::internal;
    record_error(status, 0, "", error.what(), "");
    return static_cast<gpuc_status>(status);
  } catch (const std::exception &error) {
    record_error(Status::internal, 0, "", error.what(), "");
    return GPUC_ERROR_INTERNAL;
  } catch (...) {
    record_error(Status::internal, 0, "", "an unknown exception", "");
    return GPUC_ERROR_INTERNAL;
  }
}

}  // namespace gpucompute::capi
