#include "gemm/shipped_tuning.hpp"

#include <cstring>

#include "support/log.hpp"

namespace gpucompute {

std::optional<DeviceTuning> shipped_tuning(const std::string &device_name) {
  for (const ShippedTuning *shipped = shipped_tunings; shipped->name; ++shipped) {
    // Most tables are of other devices, and not worth reading.
    if (!std::strstr(shipped->json, device_name.c_str())) continue;
    std::string why;
    auto tuning = parse_tuning(shipped->json, why);
    if (!tuning) log(LogLevel::warning, "gemm: the library's tuning table ", shipped->name, " is not used: ", why);
    if (tuning && tuning->device == device_name) return tuning;
  }
  return std::nullopt;
}

}  // namespace gpucompute
