// A product with few elements of C and a long k, in parts along k: by itself it would keep a few of a GPU's units busy.
#pragma once

#include "gemm/gemm_backend.hpp"

namespace gpucompute {

struct KParts {
  std::uint64_t count = 1, length = 0;  // so many parts of that length, and one more of what is left
};

// count 1: in one piece. `units` are those of the device.
KParts k_parts_for(const GemmTask &task, std::uint64_t units);

// All but the last part: as a batch whose results lie one after the other in a workspace that is still to be bound.
GemmTask parts_of(const GemmTask &task, const KParts &parts);

// The parts into a workspace, then a pass that adds them up, always in the same order, and does the rest.
void run_in_parts(const GemmBackend &backend, GemmTask &task, const KParts &parts, Queue &queue, Waits waits,
                  OutEvent out);

}  // namespace gpucompute
