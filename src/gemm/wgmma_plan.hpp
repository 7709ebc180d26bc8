// The shape of the tiles that Hopper's matrix units compute a product in.
#pragma once

#include "gemm/gemm_task.hpp"

namespace gpucompute {

struct WgmmaPlan {
  bool transposed = false;      // C^T = op(B)^T * op(A)^T is computed: the 128 rows of a tile are columns of C
  bool a_in_registers = false;  // the warps fetch what takes the place of A, whose lines are k
  std::uint64_t columns = 0;    // of a tile, which has 128 rows
  std::uint64_t stages = 0;
  std::uint64_t splits = 1;      // parts along K
  std::uint64_t group_rows = 1;  // rows of tiles that are walked together
  std::uint64_t tiles = 0, work = 0;
};

// The cheapest of all by a model of the time that the steps take. `most_tiles`: how many tiles may be in parts.
WgmmaPlan plan_wgmma(const GemmTask &task, std::uint64_t units, std::uint64_t most_tiles);

}  // namespace gpucompute
