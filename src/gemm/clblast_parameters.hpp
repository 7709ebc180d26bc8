// CLBlast's parameters as a tuner sees them: their names by kernel, settings worth a try, and which go together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gemm/tunable.hpp"

namespace gpucompute {

struct ClblastKernel {
  const char *name;
  std::vector<const char *> parameters;
};

// The kernels of a matrix product that are tuned. An override must name all parameters of a kernel.
const std::vector<ClblastKernel> &clblast_kernels();

// Complete settings of one kernel each. `element`: bytes of an element; `local`: bytes of local memory.
std::vector<TuningAxis> clblast_axes(std::size_t element, std::uint64_t local, std::uint64_t most_items);

// Why the kernels cannot be built from these, or "". `values` is complete.
std::string clblast_refusal(const TuningValues &values, std::size_t element, std::uint64_t local,
                            std::uint64_t most_items);

}  // namespace gpucompute
