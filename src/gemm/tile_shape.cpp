#include "gemm/tile_shape.hpp"

#include "support/text.hpp"

namespace gpucompute {

std::uint64_t TileShape::tiles(const GemmTask &task) const noexcept {
  return ((task.m + rows() - 1) / rows()) * ((task.n + columns() - 1) / columns()) * task.batch_count;
}

const TileShape &shape_for(const GemmTask &task, const std::vector<TileShape> &shapes, std::uint64_t units) {
  const TileShape *best = nullptr;
  double lowest = 0;
  for (const TileShape &shape : shapes) {
    // Groups that share a unit each get a part of its time.
    const std::uint64_t slots = units * shape.groups_per_unit;
    const std::uint64_t waves = (shape.tiles(task) + slots - 1) / slots * shape.groups_per_unit;
    const double cost = static_cast<double>(waves * shape.rows() * shape.columns()) * shape.waste;
    if (!best || cost < lowest) {
      best = &shape;
      lowest = cost;
    }
  }
  return *best;
}

std::string too_large_for_int(const GemmTask &task) {
  constexpr std::uint64_t most = INT32_MAX - 256;
  const std::pair<const char *, std::uint64_t> numbers[] = {
      {"m", task.m}, {"n", task.n}, {"k", task.k}, {"batch_count", task.batch_count}};
  for (const auto &[what, value] : numbers)
    if (value > most) return text("it counts with 32 bits, and ", what, " is ", value);
  __extension__ using Wide = unsigned __int128;  // of numbers of 31 bits each
  if (Wide(task.m / 32 + 1) * (task.n / 32 + 1) * task.batch_count > most)
    return text("it counts tiles with 32 bits, and C has ", task.m, " x ", task.n, " elements");
  return {};
}

}  // namespace gpucompute
