// Plain multiply-adds on any device, through kernels/gemm/simt.cl: everything real. Made for GPUs.
#include "gemm/gemm_backend.hpp"
#include "gemm/simt_tile.hpp"
#include "support/text.hpp"

namespace gpucompute {
namespace {

// f64 sums need twice the registers.
SimtTile large_tile_of(DataType compute) {
  return compute == DataType::f64 ? large_simt_tile(64, 64, 16) : large_simt_tile(128, 128, 16);
}

TuningValues values_of(const SimtTile &tile) {
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  return {{"tile_rows", number(tile.rows)}, {"tile_columns", number(tile.columns)}, {"depth", number(tile.depth)}};
}

SimtTile tile_of(const TuningValues &values, const SimtTile &otherwise) {
  const auto number = [&](const char *name, std::uint64_t value) {
    return static_cast<std::uint64_t>(value_of(values, name, static_cast<std::int64_t>(value)));
  };
  return large_simt_tile(number("tile_rows", otherwise.rows), number("tile_columns", otherwise.columns),
                         number("depth", otherwise.depth));
}

SimtTile large_tile(Context &context, const Device &device, DataType compute) {
  return TunedParameters<SimtTile>::of(context).get(device, compute, large_tile_of(compute));
}

std::string too_small_for(const SimtTile &tile, std::size_t element, const DeviceInfo &info) {
  return text("it needs work-groups of ", tile.items(), " and ", tile.local_bytes(element),
              " bytes of local memory, the device allows ", info.max_work_group_size, " and has ", info.local_memory);
}

class SimtTunable final : public Tunable {
 public:
  bool tunes(DataType type, const Device &) const override {
    return type == DataType::f32 || type == DataType::f64 || type == DataType::i32;
  }
  TuningValues current(Context &context, const Device &device, DataType type) const override {
    return values_of(large_tile(context, device, type));
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
    const SimtTile otherwise = large_tile_of(type);
    if (const std::string name = unknown_name(values, values_of(otherwise)); !name.empty())
      return text("it has no parameter '", name, "'");
    for (const char *side : {"tile_rows", "tile_columns"})
      if (const std::int64_t count = value_of(values, side, 64); count != 64 && count != 128)
        return text("a tile has 64 or 128 rows and columns, not ", count);
    if (const std::int64_t depth = value_of(values, "depth", 8); depth != 8 && depth != 16)
      return text("depth is ", depth, ", must be 8 or 16");
    const SimtTile tile = tile_of(values, otherwise);
    if (!tile.fits(device.info(), size_of(type))) return too_small_for(tile, size_of(type), device.info());
    return {};
  }
  void use(const TuningValues &values, DataType type, Context &context, const Device &device) const override {
    TunedParameters<SimtTile>::of(context).put(device, type, tile_of(values, large_tile_of(type)));
  }
};

const SimtTunable simt_tunable;

class SimtBackend final : public GemmBackend {
 public:
  const char *name() const noexcept override { return "simt"; }
  const char *merit() const noexcept override { return "tiles in local memory and registers, for any device"; }
  const Tunable *tunable() const noexcept override { return &simt_tunable; }

  std::string refusal(const GemmTask &task, Queue &queue) const override {
    const DeviceInfo &info = queue.device().info();
    if (task.is_complex()) return text("it has no kernels for ", name_of(task.compute));
    const std::size_t element = size_of(task.compute);
    const SimtTile *tile = simt_tile_for(task, large_tile(queue.context(), queue.device(), task.compute), info);
    if (!tile) return too_small_for(small_simt_tiles().front(), element, info);
    constexpr std::uint64_t most = INT32_MAX - 256;
    if (task.m > most || task.n > most || task.batch_count > most)
      return text("it counts tiles with 32 bits, and C has ", task.m, " x ", task.n, " elements");
    return {};
  }

  void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const override {
    const SimtTile large = large_tile(queue.context(), queue.device(), task.compute);
    run_simt(task, *simt_tile_for(task, large, queue.device().info()), queue, waits, out);
  }
};

}  // namespace

const GemmBackend &simt_backend() {
  static const SimtBackend backend;
  return backend;
}

}  // namespace gpucompute
