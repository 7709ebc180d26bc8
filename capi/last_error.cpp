#include "last_error.hpp"

#include <gpucompute/gpucompute.h>

#include <cstdlib>
#include <cstring>

namespace gpucompute::capi {
namespace {

// Trivial, so that it outlives every destructor of the thread. Without memory a message falls back to the fixed room.
struct Record {
  Status status;
  std::int32_t cl_code;
  const char *routine;
  char *message;
  char *detail;
  char fixed[512];
  bool thread_is_ending;
};

thread_local Record record{};

void free_texts() noexcept {
  std::free(record.message);
  std::free(record.detail);
  record.message = nullptr;
  record.detail = nullptr;
}

struct Cleaner {
  bool armed = false;
  ~Cleaner() {
    free_texts();
    record.thread_is_ending = true;  // what comes later would never be freed
  }
};

thread_local Cleaner cleaner;

}  // namespace

void record_error(Status status, std::int32_t cl_code, const char *routine, const char *message,
                  const char *detail) noexcept {
  if (!record.thread_is_ending) cleaner.armed = true;  // touching it makes the thread destroy it
  // The texts may be this record's own.
  char *new_message = record.thread_is_ending ? nullptr : strdup(message);
  char *new_detail = record.thread_is_ending || !*detail ? nullptr : strdup(detail);
  std::strncpy(record.fixed, message, sizeof record.fixed - 1);
  free_texts();
  record.status = status;
  record.cl_code = cl_code;
  record.routine = routine;
  record.message = new_message;
  record.detail = new_detail;
}

}  // namespace gpucompute::capi

using gpucompute::capi::record;

gpuc_status gpuc_last_error_status(void) { return static_cast<gpuc_status>(record.status); }
int32_t gpuc_last_error_cl_code(void) { return record.cl_code; }
const char *gpuc_last_error_routine(void) { return record.routine ? record.routine : ""; }
const char *gpuc_last_error_message(void) { return record.message ? record.message : record.fixed; }
const char *gpuc_last_error_detail(void) { return record.detail ? record.detail : ""; }
