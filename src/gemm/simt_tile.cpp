#include "gemm/simt_tile.hpp"

#include <algorithm>

#include "gemm/kernel_call.hpp"
#include "gemm/tile_launch.hpp"

namespace gpucompute {
namespace {

constexpr std::uint64_t pad = 4;
// So many items keep a compute unit busy.
constexpr double busy_items = 300;

std::uint64_t up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

double real(std::uint64_t value) { return static_cast<double>(value); }

// What A_QUADS, B_QUADS and C_QUADS say.
bool is_in_quads(const GemmOperand &operand, std::uint64_t batch_count) {
  return operand.offset % 4 == 0 && operand.ld % 4 == 0 && operand.length % 4 == 0 &&
         (batch_count == 1 || operand.stride % 4 == 0);
}

// Steps along k, as long as their elements take to multiply, and what a tile takes to start and to end, in elements of
// k; times elements of C, and over the part of the units that has something to do.
double cost_of(const SimtTile &tile, const GemmTask &task, const DeviceInfo &info) {
  const double sides = real(tile.item_rows * tile.item_columns) / 2 + (tile.slices > 1 ? 16 : 0);
  const double length = real(up(task.k, tile.depth) * tile.depth) + sides;
  // Elements that are moved one by one take registers and instructions.
  double singles = 0;
  if (!is_in_quads(task.a, task.batch_count)) singles += real(tile.rows * tile.depth / tile.items());
  if (!is_in_quads(task.b, task.batch_count)) singles += real(tile.columns * tile.depth / tile.items());
  const double tiles = tile.tiles(task);
  if (tiles == 0) return 0;
  const double busy = tiles * real(tile.items()) / (real(info.compute_units) * busy_items);
  return tiles * real(tile.rows * tile.columns) * length * tile.waste * (1 + 0.04 * singles) / std::min(busy, 1.0);
}

}  // namespace

bool is_for_simt(const GemmTask &task) noexcept {
  if (std::min(task.m, task.n) < 128 || task.k <= 256) return true;
  const double elements = real(task.m) * real(task.n) * real(task.batch_count);
  return elements < 670.0 * 670.0 || elements * real(task.k) < 700.0 * 700.0 * 700.0;
}

double SimtTile::tiles(const GemmTask &task) const noexcept {
  return real(up(task.m, rows)) * real(up(task.n, columns)) * real(task.batch_count);
}

std::uint64_t SimtTile::local_bytes(std::size_t element) const noexcept {
  const std::uint64_t sums = slices > 1 ? slices * rows * columns : 0;
  return std::max(2 * depth * (rows + columns + 2 * pad), sums) * element;
}

bool SimtTile::fits(const DeviceInfo &info, std::size_t element) const noexcept {
  return items() <= info.max_work_group_size && items() <= info.max_work_items[0] &&
         local_bytes(element) <= info.local_memory;
}

SimtTile large_simt_tile(std::uint64_t rows, std::uint64_t columns, std::uint64_t depth) noexcept {
  return {rows, columns, depth, 8, columns == 128 ? 8U : 4U, 1, 0.98};
}

// Wastes from an H200.
const std::vector<SimtTile> &small_simt_tiles() {
  // Never destroyed: threads that outlive main() may still be in here.
  static const auto *const tiles =
      new std::vector<SimtTile>{{16, 16, 16, 4, 4, 2, 2.0},  {64, 16, 16, 4, 4, 1, 1.75}, {16, 64, 16, 4, 4, 1, 1.75},
                                {32, 32, 8, 8, 4, 1, 1.35},  {64, 64, 8, 8, 4, 1, 1.1},   {64, 64, 16, 8, 4, 1, 1.0},
                                {32, 32, 32, 8, 4, 4, 1.4},  {16, 16, 64, 4, 4, 8, 2.4},  {16, 32, 64, 4, 4, 8, 2.3},
                                {64, 16, 64, 4, 4, 4, 1.85}, {16, 64, 64, 4, 4, 4, 1.85}, {64, 64, 32, 8, 4, 2, 1.15}};
  return *tiles;
}

const SimtTile *simt_tile_for(const GemmTask &task, const SimtTile &large, const DeviceInfo &info) {
  const std::size_t element = size_of(task.compute);
  const SimtTile *best = nullptr;
  double lowest = 0;
  const auto consider = [&](const SimtTile &tile) {
    if (!tile.fits(info, element)) return;
    const double cost = cost_of(tile, task, info);
    if (best && cost >= lowest) return;
    best = &tile;
    lowest = cost;
  };
  consider(large);
  for (const SimtTile &tile : small_simt_tiles()) consider(tile);
  return best;
}

void run_simt(GemmTask &task, const SimtTile &tile, Queue &queue, Waits waits, OutEvent out) {
  const auto quads = [&](const GemmOperand &operand) { return is_in_quads(operand, task.batch_count) ? "1" : "0"; };
  const auto groups = static_cast<std::size_t>(std::min(tile.tiles(task), 0x1p20));
  // What the launch's key does not know of the tile: each number is a power of two up to 128.
  std::uint64_t variant = 1;
  for (std::uint64_t number : {tile.rows, tile.columns, tile.depth, tile.item_rows, tile.item_columns, tile.slices})
    variant = variant << 8 | number;
  launch_tiles(task, queue, variant, groups, tile.items(), waits, out, [&] {
    const auto number = [](std::uint64_t value) { return std::to_string(value); };
    TileKernel kernel{"gemm/simt.cl", "gemm_simt", element_defines(task)};
    for (const auto &define : LibraryPrograms::Defines{{"TM", number(tile.rows)},
                                                       {"TN", number(tile.columns)},
                                                       {"TK", number(tile.depth)},
                                                       {"RM", number(tile.item_rows)},
                                                       {"RN", number(tile.item_columns)},
                                                       {"SLICES", number(tile.slices)},
                                                       {"A_LINES_ARE_K", a_lines_are_k(task)},
                                                       {"B_LINES_ARE_K", b_lines_are_k(task)},
                                                       {"A_QUADS", quads(task.a)},
                                                       {"B_QUADS", quads(task.b)},
                                                       {"C_QUADS", quads(task.c)}})
      kernel.defines.push_back(define);
    return kernel;
  });
}

}  // namespace gpucompute
