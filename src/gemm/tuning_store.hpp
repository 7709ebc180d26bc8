// The user's table: what was measured on this user's devices, in a directory of the user's.
#pragma once

#include <gpucompute/device.hpp>

#include <optional>
#include <string>

#include "gemm/tuning_table.hpp"

namespace gpucompute {

// Where it is; "" where it is not in use, and why. GPUC_TUNING names another directory, or is 0 or off; otherwise it is
// $XDG_DATA_HOME/gpucompute/tuning, else $HOME/.local/share/gpucompute/tuning.
std::string tuning_store_directory(std::string &why_not);

// What stands for a device with its driver, for this version of the kernels. Nothing, where there is none, or the
// directory is not the user's own; one that is damaged is removed.
std::optional<DeviceTuning> load_tuning(const Device &device);
// Throws Error(file, invalid_state).
void save_tuning(const Device &device, const DeviceTuning &tuning);

}  // namespace gpucompute
