// The tiles that kernels/gemm/simt.cl cuts C into, and the choice among them.
#pragma once

#include <gpucompute/queue.hpp>

#include <cstdint>
#include <vector>

#include "gemm/gemm_task.hpp"

namespace gpucompute {

// Names as in the kernel: TM, TN, TK, RM, RN, SLICES.
struct SimtTile {
  std::uint64_t rows, columns, depth, item_rows, item_columns, slices;
  // What an element of C costs, against the best of them, where there is enough to do for all units.
  double waste;

  std::uint64_t items() const noexcept { return rows / item_rows * (columns / item_columns) * slices; }
  // Of large numbers, a real one: they are not limited yet when tiles are chosen.
  double tiles(const GemmTask &task) const noexcept;
  std::uint64_t local_bytes(std::size_t element) const noexcept;
  // Whether groups of so many items and so much local memory are possible.
  bool fits(const DeviceInfo &info, std::size_t element) const noexcept;
};

// The tile of large products: what may be tuned. rows and columns are 64 or 128, depth is 8 or 16.
SimtTile large_simt_tile(std::uint64_t rows, std::uint64_t columns, std::uint64_t depth) noexcept;

// All the others, from the least demanding one on.
const std::vector<SimtTile> &small_simt_tiles();

// The one that is likely to be the fastest, or null if the device is too small for all of them.
const SimtTile *simt_tile_for(const GemmTask &task, const SimtTile &large, const DeviceInfo &info);

// Whether an f32 product has so few elements, or so little to compute for each, that kernels which need much of both to
// get under way are behind this one. Measured on an H200, against nvidia_tma and nvidia_sgemm.
bool is_for_simt(const GemmTask &task) noexcept;

void run_simt(GemmTask &task, const SimtTile &tile, Queue &queue, Waits waits, OutEvent out);

}  // namespace gpucompute
