#include "gemm/wgmma_plan.hpp"

#include "gemm/tensor_maps.hpp"

namespace gpucompute {
namespace {

constexpr std::uint64_t local_bytes = 0x38c00, c_bytes = 4 * 64 * 128, barrier_bytes = 256;

std::uint64_t up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

// Clock cycles, roughly. A K step of 128 bytes takes the matrix unit 4 cycles for each column; the boxes come at some
// 60 bytes per cycle when all units load. A tile more costs its store and the start of its loads.
double cost_of(const WgmmaPlan &plan, std::uint64_t steps, bool split, std::uint64_t units) {
  const auto columns = static_cast<double>(plan.columns);
  const double step = split ? std::max(12 * columns, (128 + columns) * 256 / 60) + 120
                            : std::max(4 * columns, (128 + columns) * 128 / 60) + 20;
  const double store = 1200 + 10 * columns;
  const double parts = plan.splits > 1 ? 3000 + 8 * columns * static_cast<double>(1 + plan.splits) : 0;
  return static_cast<double>(up(plan.work, units)) *
             (static_cast<double>(up(steps, plan.splits)) * step + store + parts) +
         2000;
}

}  // namespace

WgmmaPlan plan_wgmma(const GemmTask &task, std::uint64_t units, std::uint64_t most_tiles) {
  const bool split = task.mode == Compute::f32_split;
  WgmmaPlan best;
  // Few rows: the long side takes the 128 rows of a tile.
  best.transposed = task.m <= 64 && task.n > task.m;
  if (task.a.type == DataType::f32 && !split) {
    // tf32: of operands in local memory the matrix unit wants lines along K, of those in registers it does not care.
    const bool a_may = task.a.transpose != Transpose::none && is_aligned(task.a, task.batch_count);
    const bool b_may = task.b.transpose == Transpose::none && is_aligned(task.b, task.batch_count);
    // Not for a few columns, which are soon turned.
    if (b_may && !a_may && task.n > 64) best.transposed = true;
    best.a_in_registers = best.transposed ? b_may : a_may;
  }
  const std::uint64_t m = best.transposed ? task.n : task.m, n = best.transposed ? task.m : task.n;
  const std::uint64_t steps = up(task.k * size_of(task.a.type), 128);
  const bool lines_are_k = best.transposed ? task.a.transpose != Transpose::none : task.b.transpose == Transpose::none;
  double lowest = 0;
  WgmmaPlan plan = best;
  for (std::uint64_t columns : {256, 128, 64, 32}) {
    // Where lines of the narrow side are k, its boxes are 64 wide.
    if (columns == 32 && (n > 32 || lines_are_k)) continue;
    if (columns == 256 && split) continue;  // there are registers for 128 columns of sums of sums
    plan.columns = columns;
    plan.stages =
        std::min<std::uint64_t>((local_bytes - c_bytes - barrier_bytes) / ((128 + columns) * (split ? 256 : 128)), 8);
    plan.tiles = up(m, 128) * up(n, columns) * task.batch_count;
    for (std::uint64_t splits : {1, 2, 3, 4, 6, 8, 12, 16}) {
      if (splits > 1 && (plan.tiles > most_tiles || plan.tiles * splits > units || splits * 4 > steps)) break;
      plan.splits = splits;
      plan.work = plan.tiles * splits;
      const double cost = cost_of(plan, steps, split, units);
      if (best.columns == 0 || cost < lowest) {
        lowest = cost;
        best = plan;
      }
    }
  }
  best.group_rows = std::max<std::uint64_t>(1, 2048 / 128);
  return best;
}

}  // namespace gpucompute
