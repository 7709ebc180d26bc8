// Scenarios of what looks at a program from beside: the doctor, traces, the log.
#include <unistd.h>

#include <atomic>

#include "scenario_steps.hpp"

namespace capi_test {
namespace {

void doctor(Steps &steps) {
  for (const gpuc_doctor_format format : {GPUC_DOCTOR_TEXT, GPUC_DOCTOR_JSON}) {
    // Twice the room of the first answer: what the machine says of itself changes.
    size_t needed = 0;
    STEP(gpuc_doctor, format, nullptr, 0, &needed);
    std::vector<char> report(2 * needed);
    STEP(gpuc_doctor, format, report.data(), report.size(), &needed);
    RIGHT(std::strstr(report.data(), "OpenCL") != nullptr);
  }
}

void trace(Steps &steps) {
  static std::atomic<int> number{0};  // of the run: several threads may be here at once
  const std::string path =
      "/tmp/gpuc_scenario_trace_" + std::to_string(getpid()) + "_" + std::to_string(++number) + ".json";
  struct Remove {
    const std::string &path;
    ~Remove() { unlink(path.c_str()); }
  } remove{path};
  Profile profile;
  STEP(gpuc_profile_start, nullptr, profile.out());
  BASICS(GPUC_QUEUE_PROFILING);
  Buffer buffer;
  STEP(gpuc_buffer_create, context, 256, 0, buffer.out());
  const int seven = 7;
  Event event;
  STEP(gpuc_buffer_fill_async, buffer, queue, &seven, 4, 0, 256, nullptr, 0, event.out());
  STEP(gpuc_event_wait, event);
  std::vector<int> back(64, 0);
  STEP(gpuc_buffer_read, buffer, queue, 0, 256, back.data());
  RIGHT(back[63] == 7);
  STEP(gpuc_profile_stop, profile, uint64_t(1000000000));
  uint64_t records = 0;
  STEP(gpuc_profile_get_number, profile, GPUC_PROFILE_RECORDS, &records);
  char text[256];
  size_t needed = 0;
  for (size_t record = 0; record < records; ++record)
    STEP(gpuc_profile_get_record_string, profile, record, GPUC_PROFILE_NAME, text, sizeof text, &needed);
  STEP(gpuc_profile_write_trace, profile, path.c_str());
  RIGHT(access(path.c_str(), R_OK) == 0);
}

}  // namespace

std::vector<Scenario> tool_scenarios() { return {{"doctor", doctor, false}, {"trace", trace, false}}; }

}  // namespace capi_test
