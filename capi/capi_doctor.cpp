#include <gpucompute/doctor.hpp>

#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

gpuc_status gpuc_doctor(gpuc_doctor_format format, char *buf, size_t capacity, size_t *out_needed) {
  return guard([&] {
    if (format != GPUC_DOCTOR_TEXT && format != GPUC_DOCTOR_JSON)
      fail(Status::invalid_argument, "format is ", format, ", must be 0 (text) or 1 (JSON)");
    const DoctorReport report = diagnose();
    text_out(format == GPUC_DOCTOR_TEXT ? to_text(report) : to_json(report), buf, capacity, out_needed);
  });
}
