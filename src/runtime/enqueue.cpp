#include "runtime/enqueue.hpp"

#include "runtime/memory_pool.hpp"

namespace gpucompute {

// Drivers that take memory when it is first used run out of it here. On CPU devices the host's memory is the device's.
bool make_room(Queue &queue, cl_int code) noexcept {
  if (code != CL_MEM_OBJECT_ALLOCATION_FAILURE && code != CL_OUT_OF_RESOURCES && code != CL_OUT_OF_HOST_MEMORY)
    return false;
  return queue.context().pool().free_cached(true) > 0;
}

void fail_enqueue(Queue &queue, cl_int code, const char *routine, const char *what, const std::string &name) {
  try {
    fail_cl(code, routine, "putting " + command_text(what, name) + " on a queue");
  } catch (const Error &error) {
    if (error.status() != Status::out_of_device_memory) throw;
    throw Error(error.status(), error.message(), queue.context().memory_report(), error.cl_code(), error.routine());
  }
}

}  // namespace gpucompute
