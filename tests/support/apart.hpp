// Test cases of the core in processes of their own: on the fake ICD, with calls that fail.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>

#include "support/fixture.hpp"

namespace gpucompute::test {

inline std::string built(const std::string &path) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().string() + "/" + path;
}
// The fake ICD of this build as the only driver.
inline std::string fake(const std::string &profile) {
  // Counted calls are those of the library's alone.
  return "OCL_ICD_VENDORS='" + built("fake_icd/vendors") +
         "' GPUC_DEVICE= GPUC_DEVICE_ENFORCE= GPUC_DEBUG= GPUC_FAKE='" + profile + "'";
}
// And with the fault layer, whose rules tests/faults/README.md explains.
inline std::string with_faults(const std::string &rules) {
  return fake("") + " OPENCL_LAYERS='" + built("faults/libgpuc_fault_layer.so") + "' GPUC_FAULTS=" + rules;
}
inline void ran() { std::puts("it ran"); }
inline void check_apart(const char *test_case, const std::string &variables) {
  int status = -1;
  const std::string said = run_apart(test_case, variables, status);
  INFO(variables, "\n", said);
  CHECK(status == 0);
  CHECK(contains(said, "it ran"));  // a filter that finds nothing succeeds as well
}

}  // namespace gpucompute::test
