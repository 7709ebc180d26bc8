// Shapes of tiles of C whose warps each compute a part, and the choice among them.
#pragma once

#include <string>
#include <vector>

#include "gemm/gemm_task.hpp"

namespace gpucompute {

struct TileShape {
  std::uint64_t warps_m, warps_n, warp_rows, warp_columns, stages;
  std::uint64_t groups_per_unit;
  double waste;  // what an element costs against the best shape

  std::uint64_t rows() const noexcept { return warps_m * warp_rows; }
  std::uint64_t columns() const noexcept { return warps_n * warp_columns; }
  std::uint64_t items() const noexcept { return warps_m * warps_n * 32; }
  std::uint64_t tiles(const GemmTask &task) const noexcept;
};

// The one with the least time in waves of tiles.
const TileShape &shape_for(const GemmTask &task, const std::vector<TileShape> &shapes, std::uint64_t units);

// Why a kernel whose sizes are int cannot take the task, or "".
std::string too_large_for_int(const GemmTask &task);

}  // namespace gpucompute
