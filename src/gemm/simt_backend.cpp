// Plain multiply-adds on any device, through kernels/gemm/simt.cl: everything real. Made for GPUs.
#include "gemm/gemm_backend.hpp"
#include "gemm/kernel_call.hpp"
#include "gemm/tile_launch.hpp"
#include "support/text.hpp"

namespace gpucompute {
namespace {

constexpr std::size_t items = 256, pad = 4;

struct Tile {
  std::uint64_t m, n, depth;
};

constexpr Tile small_tile{64, 64, 8};

std::uint64_t tiles_of(const GemmTask &task, Tile tile) {
  return ((task.m + tile.m - 1) / tile.m) * ((task.n + tile.n - 1) / tile.n) * task.batch_count;
}

std::uint64_t local_bytes(std::size_t element, Tile tile) {
  return 2 * tile.depth * (tile.m + tile.n + 2 * pad) * element;
}

// The tile of large products; f64 sums need twice the registers.
Tile large_tile_of(DataType compute) { return compute == DataType::f64 ? small_tile : Tile{128, 128, 8}; }

TuningValues values_of(Tile tile) {
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  return {{"tile_rows", number(tile.m)}, {"tile_columns", number(tile.n)}, {"depth", number(tile.depth)}};
}

Tile tile_of(const TuningValues &values, Tile otherwise) {
  const auto number = [&](const char *name, std::uint64_t value) {
    return static_cast<std::uint64_t>(value_of(values, name, static_cast<std::int64_t>(value)));
  };
  return {number("tile_rows", otherwise.m), number("tile_columns", otherwise.n), number("depth", otherwise.depth)};
}

class SimtTunable final : public Tunable {
 public:
  bool tunes(DataType type, const Device &) const override {
    return type == DataType::f32 || type == DataType::f64 || type == DataType::i32;
  }
  TuningValues current(Context &context, const Device &device, DataType type) const override {
    return values_of(TunedParameters<Tile>::of(context).get(device, type, large_tile_of(type)));
  }
  std::vector<TuningAxis> axes(DataType, const Device &) const override {
    TuningAxis tiles{"tile", {1024, 2048}, {}};
    for (std::int64_t rows : {64, 128})
      for (std::int64_t columns : {64, 128})
        for (std::int64_t depth : {8, 16})
          tiles.settings.push_back({{"tile_rows", rows}, {"tile_columns", columns}, {"depth", depth}});
    return {tiles};
  }
  std::string refusal(const TuningValues &values, DataType type, const Device &device) const override {
    const Tile otherwise = large_tile_of(type), tile = tile_of(values, otherwise);
    if (const std::string name = unknown_name(values, values_of(otherwise)); !name.empty())
      return text("it has no parameter '", name, "'");
    for (std::uint64_t side : {tile.m, tile.n})
      if (side != 64 && side != 128) return text("a tile has 64 or 128 rows and columns, not ", side);
    if (tile.depth != 8 && tile.depth != 16) return text("depth is ", tile.depth, ", must be 8 or 16");
    const std::uint64_t bytes = local_bytes(size_of(type), tile);
    if (bytes > device.info().local_memory)
      return text("it needs ", bytes, " bytes of local memory, the device has ", device.info().local_memory);
    return {};
  }
  void use(const TuningValues &values, DataType type, Context &context, const Device &device) const override {
    TunedParameters<Tile>::of(context).put(device, type, tile_of(values, large_tile_of(type)));
  }
};

const SimtTunable simt_tunable;

// The large one as long as it gives every compute unit something to do.
Tile tile_for(const GemmTask &task, Queue &queue) {
  const DeviceInfo &info = queue.device().info();
  const Tile large =
      TunedParameters<Tile>::of(queue.context()).get(queue.device(), task.compute, large_tile_of(task.compute));
  if (local_bytes(size_of(task.compute), large) > info.local_memory) return small_tile;
  return tiles_of(task, large) >= info.compute_units ? large : small_tile;
}

class SimtBackend final : public GemmBackend {
 public:
  const char *name() const noexcept override { return "simt"; }
  const char *merit() const noexcept override { return "tiles in local memory and registers, for any device"; }
  const Tunable *tunable() const noexcept override { return &simt_tunable; }

  std::string refusal(const GemmTask &task, Queue &queue) const override {
    const DeviceInfo &info = queue.device().info();
    if (task.is_complex()) return text("it has no kernels for ", name_of(task.compute));
    if (info.max_work_group_size < items || info.max_work_items[0] < items)
      return text("it needs work-groups of ", items, ", the device allows ", info.max_work_group_size);
    const std::uint64_t bytes = local_bytes(size_of(task.compute), small_tile);
    if (bytes > info.local_memory)
      return text("it needs ", bytes, " bytes of local memory, the device has ", info.local_memory);
    constexpr std::uint64_t most = INT32_MAX - 256;
    if (task.m > most || task.n > most || task.batch_count > most)
      return text("it counts tiles with 32 bits, and C has ", task.m, " x ", task.n, " elements");
    return {};
  }

  void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const override {
    const Tile tile = tile_for(task, queue);
    const std::uint64_t groups = std::min<std::uint64_t>(tiles_of(task, tile), 1 << 20);
    launch_tiles(task, queue, simt_variant + (tile.m << 20 | tile.n << 8 | tile.depth), groups, items, waits, out, [&] {
      TileKernel kernel{"gemm/simt.cl", "gemm_simt", element_defines(task)};
      for (const auto &define : LibraryPrograms::Defines{{"TM", std::to_string(tile.m)},
                                                         {"TN", std::to_string(tile.n)},
                                                         {"TK", std::to_string(tile.depth)},
                                                         {"A_LINES_ARE_K", a_lines_are_k(task)},
                                                         {"B_LINES_ARE_K", b_lines_are_k(task)}})
        kernel.defines.push_back(define);
      return kernel;
    });
  }

 private:
  static constexpr std::uint64_t simt_variant = 1000;
};

}  // namespace

const GemmBackend &simt_backend() {
  static const SimtBackend backend;
  return backend;
}

}  // namespace gpucompute
