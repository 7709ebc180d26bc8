// What was measured on devices by the library's authors: files of tunings/, embedded at build time.
#pragma once

#include <optional>
#include <string>

#include "gemm/tuning_table.hpp"

namespace gpucompute {

struct ShippedTuning {
  const char *name;  // "nvidia-h200.json"; null ends the list
  const char *json;
};

extern const ShippedTuning shipped_tunings[];

// The table for devices of this name. Nothing where there is none.
std::optional<DeviceTuning> shipped_tuning(const std::string &device_name);

}  // namespace gpucompute
