#include "gemm/cpu_tuning.hpp"

#include "support/text.hpp"

namespace gpucompute {
namespace {

#if defined(__aarch64__)
constexpr bool has_32_registers = true;
#else
constexpr bool has_32_registers = false;  // of 16 and 32 bytes; AVX-512 has 32 of 64
#endif

// A row of the table: the registers of the device, and what is best there.
struct Row {
  int vector_bytes;
  bool many_registers;
  CpuTuning tuning;
};

// vector, rows, mid, low, vectors, depth, block, unit rows, ahead, direct, alone
const Row table[] = {
    {64, false, {64, 12, 8, 4, 2, 1024, 1280 << 10, 4096, 16, 160 * 160 * 160, 64 * 64 * 128}},
    {32, false, {32, 6, 4, 2, 2, 1024, 1280 << 10, 4096, 32, 160 * 160 * 160, 64 * 64 * 128}},
    {16, true, {16, 8, 4, 2, 3, 1024, 512 << 10, 4096, 16, 128 * 128 * 128, 64 * 64 * 64}},
    {16, false, {16, 4, 4, 2, 2, 1024, 512 << 10, 4096, 32, 128 * 128 * 128, 64 * 64 * 64}},
};

DataType type_of(bool is_double) { return is_double ? DataType::f64 : DataType::f32; }

constexpr std::int64_t cube(std::int64_t n) { return n * n * n; }

TuningValues values_of(const CpuTuning &t) {
  return {{"rows", t.rows},
          {"rows_mid", t.rows_mid},
          {"rows_low", t.rows_low},
          {"vectors", t.vectors},
          {"depth_bytes", t.depth_bytes},
          {"block_bytes", t.block_bytes},
          {"unit_rows", t.unit_rows},
          {"panels_ahead", t.panels_ahead},
          {"direct_work", t.direct_work},
          {"alone_work", t.alone_work}};
}

CpuTuning tuning_of(const TuningValues &values, const CpuTuning &otherwise) {
  CpuTuning t = otherwise;
  const auto number = [&](const char *name, int value) { return static_cast<int>(value_of(values, name, value)); };
  t.rows = number("rows", t.rows);
  t.rows_mid = number("rows_mid", t.rows_mid);
  t.rows_low = number("rows_low", t.rows_low);
  t.vectors = number("vectors", t.vectors);
  t.depth_bytes = number("depth_bytes", t.depth_bytes);
  t.block_bytes = number("block_bytes", t.block_bytes);
  t.unit_rows = number("unit_rows", t.unit_rows);
  t.panels_ahead = number("panels_ahead", t.panels_ahead);
  t.direct_work = value_of(values, "direct_work", t.direct_work);
  t.alone_work = value_of(values, "alone_work", t.alone_work);
  return t;
}

TuningValues tile(int rows, int mid, int low, int vectors) {
  return {{"rows", rows}, {"rows_mid", mid}, {"rows_low", low}, {"vectors", vectors}};
}

class CpuTunable final : public Tunable {
 public:
  bool tunes(DataType type, const Device &) const override { return type == DataType::f32 || type == DataType::f64; }

  TuningValues current(Context &context, const Device &device, DataType type) const override {
    return values_of(cpu_tuning(context, device, type == DataType::f64));
  }

  std::vector<TuningAxis> axes(DataType, const Device &device) const override {
    TuningAxis tiles{"tile", {512}, {}};
    const int bytes = cpu_tuning(device).vector_bytes;
    for (const TuningValues &shape : {tile(12, 8, 4, 2), tile(8, 4, 2, 3), tile(8, 4, 2, 2), tile(6, 4, 2, 2),
                                      tile(4, 2, 1, 3), tile(4, 2, 1, 2)}) {
      CpuTuning built = tuning_of(shape, cpu_tuning(device));
      if (bytes == built.vector_bytes && cpu_tile_refusal(built).empty()) tiles.settings.push_back(shape);
    }
    return {tiles,
            {"depth of a slab", {1024}, {{{"depth_bytes", 512}}, {{"depth_bytes", 1024}}, {{"depth_bytes", 2048}}}},
            {"block of B",
             {1024},
             {{{"block_bytes", 256 << 10}},
              {{"block_bytes", 512 << 10}},
              {{"block_bytes", 1280 << 10}},
              {{"block_bytes", 2560 << 10}}}},
            {"smallest packed product",
             {96, 128, 192},
             {{{"direct_work", cube(64)}},
              {{"direct_work", cube(112)}},
              {{"direct_work", cube(160)}},
              {{"direct_work", cube(224)}}}},
            {"smallest shared product",
             {48, 64, 96},
             {{{"alone_work", cube(32)}},
              {{"alone_work", cube(56)}},
              {{"alone_work", cube(80)}},
              {{"alone_work", cube(112)}}}}};
  }

  std::string refusal(const TuningValues &values, DataType, const Device &device) const override {
    const CpuTuning &own = cpu_tuning(device);
    if (const std::string name = unknown_name(values, values_of(own)); !name.empty())
      return text("it has no parameter '", name, "'");
    const struct {
      const char *name;
      std::int64_t least, most;
    } limits[] = {{"rows", 2, 16},
                  {"rows_mid", 1, 16},
                  {"rows_low", 1, 16},
                  {"vectors", 1, 4},
                  {"depth_bytes", 64, 1 << 14},
                  {"block_bytes", 1 << 12, 1 << 26},
                  {"unit_rows", 16, 1 << 20},
                  {"panels_ahead", 1, 256},
                  {"direct_work", 0, std::int64_t{1} << 40},
                  {"alone_work", 0, std::int64_t{1} << 40}};
    for (const auto &limit : limits) {
      const std::int64_t value = value_of(values, limit.name, limit.least);
      if (value < limit.least || value > limit.most)
        return text(limit.name, " is ", value, ", must be ", limit.least, " to ", limit.most);
    }
    return cpu_tile_refusal(tuning_of(values, own));
  }

  void use(const TuningValues &values, DataType type, Context &context, const Device &device) const override {
    put_cpu_tuning(context, device, type == DataType::f64, tuning_of(values, cpu_tuning(device)));
  }
};

}  // namespace

const CpuTuning &cpu_tuning(const Device &device) noexcept {
  const int bytes = static_cast<int>(device.info().vector_width_f32 * 4);
  for (const Row &row : table)
    if (bytes >= row.vector_bytes && row.many_registers == (has_32_registers && row.vector_bytes == 16))
      return row.tuning;
  return table[sizeof table / sizeof *table - 1].tuning;
}

std::vector<CpuTuning> cpu_tuning_table() {
  std::vector<CpuTuning> all;
  for (const Row &row : table) all.push_back(row.tuning);
  return all;
}

CpuTuning cpu_tuning(Context &context, const Device &device, bool is_double) {
  return TunedParameters<CpuTuning>::of(context).get(device, type_of(is_double), cpu_tuning(device));
}

void put_cpu_tuning(Context &context, const Device &device, bool is_double, const CpuTuning &tuning) {
  TunedParameters<CpuTuning>::of(context).put(device, type_of(is_double), tuning);
}

std::string cpu_tile_refusal(const CpuTuning &t) {
  if (t.rows % 2 || t.rows_mid >= t.rows || t.rows_low >= t.rows_mid || t.rows_low < 1)
    return text("a tile of ", t.rows, " rows and ", t.rows_mid, " and ", t.rows_low,
                " at its edges is none: they must be even, and fall");
  for (int element : {4, 8}) {
    const int lanes = t.vector_bytes / element, rest = t.rows % lanes;
    if (rest && rest != lanes / 2 && !(lanes >= 8 && rest == lanes / 2 + lanes / 4))
      return text("a tile of ", t.rows, " rows cannot be packed with vectors of ", lanes);
  }
  return {};
}

const Tunable &cpu_tunable() {
  static const CpuTunable tunable;
  return tunable;
}

}  // namespace gpucompute
