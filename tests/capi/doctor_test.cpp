#include "support.hpp"

using namespace capi_test;

TEST_SUITE("doctor") {
  TEST_CASE("report") {
    for (const gpuc_doctor_format format : {GPUC_DOCTOR_TEXT, GPUC_DOCTOR_JSON}) {
      // Each call examines anew, so only the rules that do not depend on the size are looked at.
      size_t needed = 0;
      OK(gpuc_doctor(format, nullptr, 0, &needed));
      REQUIRE(needed > 100);
      std::vector<char> report(needed * 2 + 4096, '#');
      OK(gpuc_doctor(format, report.data(), report.size(), &needed));
      CHECK(std::strlen(report.data()) == needed - 1);
      CHECK(std::string(report.data()).find(device_text(GPUC_DEVICE_NAME)) != std::string::npos);
      if (format == GPUC_DOCTOR_JSON) CHECK(report[0] == '{');
      char small[10] = "#########";
      // documented: gpuc_doctor GPUC_ERROR_BUFFER_TOO_SMALL
      FAILS(GPUC_ERROR_BUFFER_TOO_SMALL, gpuc_doctor(format, small, sizeof small, &needed));
      CHECK(std::string(small) == "#########");
      CHECK(needed > 100);
      FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_doctor(format, nullptr, 100, &needed));
      FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_doctor(format, nullptr, 0, nullptr));
    }
    size_t needed = 0;
    // documented: gpuc_doctor GPUC_ERROR_INVALID_ARGUMENT
    for (const gpuc_doctor_format format : {2, -1, 99})
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_doctor(format, nullptr, 0, &needed));
    SAYS("format");
  }
}
