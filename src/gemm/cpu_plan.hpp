// How the CPU backend computes a product: which kernel, and how the work is cut.
#pragma once

#include <string>

#include "gemm/cpu_kernels.hpp"

namespace gpucompute {

// Shape in cpu_tile.clh, which takes it by value.
struct CpuShape {
  std::int64_t m, n, k;
  std::int64_t a_offset, a_ld, a_batch, a_transposed;
  std::int64_t b_offset, b_ld, b_batch, b_transposed;
  std::int64_t c_offset, c_ld, c_batch;
  std::int64_t depth;
  std::int64_t panels_m, panels_n;
  std::int64_t units_m, units_n;
  std::int64_t units, units_per_group;
  std::int64_t panels_ahead;
  std::int64_t conj_a, conj_b;
};
static_assert(sizeof(CpuShape) == 24 * 8, "the kernels read the same structure");

// What of a device decides how work is cut.
struct CpuLimits {
  std::uint64_t threads, local_memory;

  static CpuLimits of(const Device &device) { return {device.info().compute_units, device.info().local_memory}; }
};

struct CpuPlan {
  CpuKernel kernel = CpuKernel::packed;
  CpuTuning tuning;
  CpuShape shape{};
  std::size_t groups = 0;
  std::size_t local_bytes = 0;
  std::uint64_t sums = 0;  // f32 numbers of workspace, for sums that a narrow C cannot hold
};

// Why no plan is possible on the device, or "".
std::string cpu_plan_refusal(const GemmTask &task, const CpuLimits &limits, const CpuTuning &tuning);

CpuPlan make_cpu_plan(const GemmTask &task, const CpuLimits &limits, const CpuTuning &tuning);

}  // namespace gpucompute
