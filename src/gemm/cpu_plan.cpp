#include "gemm/cpu_plan.hpp"

#include <algorithm>

#include "support/text.hpp"

namespace gpucompute {
namespace {

constexpr std::int64_t most_groups = 1 << 20;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t round_up(std::int64_t a, std::int64_t b) { return divide_up(a, b) * b; }

// The tile in elements of C, for the types of a task.
struct Tile {
  std::int64_t lanes, rows, columns, panel_a, panel_b;  // panel: numbers for each k

  Tile(const CpuTypes &types, const CpuTuning &t)
      : lanes(t.vector_bytes / static_cast<int>(types.real_bytes())),
        rows(types.is_complex ? t.rows / 2 : t.rows),
        columns(types.is_complex ? lanes : t.vectors * lanes),
        panel_a(t.rows),
        panel_b((types.is_complex ? 2 : t.vectors) * lanes) {}
};

// The least that the packed kernel can do with: a slab of as many k as a vector has lanes.
std::size_t least_local(const CpuTypes &types, const CpuTuning &tuning) {
  const Tile tile(types, tuning);
  return static_cast<std::size_t>(tile.lanes * (tile.panel_a + tile.panel_b + 1)) * types.real_bytes();
}

void fill_shape(CpuShape &s, const GemmTask &task, const CpuTypes &types) {
  const std::int64_t parts = types.parts();
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  s.m = number(task.m);
  s.n = number(task.n);
  s.k = number(task.k);
  s.a_offset = number(task.a.offset) * parts;
  s.a_ld = number(task.a.ld) * parts;
  s.a_batch = number(task.a.stride) * parts;
  s.a_transposed = task.a.transpose != Transpose::none;
  s.conj_a = task.a.transpose == Transpose::conj;
  s.b_offset = number(task.b.offset) * parts;
  s.b_ld = number(task.b.ld) * parts;
  s.b_batch = number(task.b.stride) * parts;
  s.b_transposed = task.b.transpose != Transpose::none;
  s.conj_b = task.b.transpose == Transpose::conj;
  s.c_offset = number(task.c.offset) * parts;
  s.c_ld = number(task.c.ld) * parts;
  s.c_batch = number(task.c.stride) * parts;
}

// Cuts C into units. What one costs is counted in cycles of a core, roughly: the multiplications, and the packing of
// what it needs, which is the price of having many.
struct Cut {
  std::int64_t units_m = 1, units_n = 1;
};

Cut best_cut(const CpuShape &s, const Tile &tile, const CpuTuning &tuning, std::int64_t most_panels_n,
             std::int64_t batch, std::int64_t threads, bool alone) {
  const std::int64_t panels_m = divide_up(s.m, tile.rows), panels_n = divide_up(s.n, tile.columns);
  const std::int64_t least_n = divide_up(panels_n, most_panels_n);
  const std::int64_t least_m = divide_up(s.m, tuning.unit_rows);
  const double flow = static_cast<double>(tile.columns) / static_cast<double>(tile.panel_b);
  const double multiply = 0.5 / static_cast<double>(tile.lanes) / flow;  // two vectors in a cycle
  const double pack_a = s.a_transposed ? 0.25 : 0.5, pack_b = s.b_transposed ? 0.5 : 0.25;
  Cut best{least_m, least_n};
  if (alone) return best;
  double least = 0;
  const std::int64_t most_m = std::min(panels_m, least_m + 4 * threads);
  const std::int64_t most_n = std::min(panels_n, least_n + 4 * threads);
  std::int64_t n_seen = 0;
  for (std::int64_t n = least_n; n <= most_n; ++n) {
    const std::int64_t width = divide_up(panels_n, n);
    if (width == n_seen) continue;  // no narrower than before
    n_seen = width;
    std::int64_t m_seen = 0;
    for (std::int64_t m = least_m; m <= most_m; ++m) {
      const std::int64_t height = divide_up(panels_m, m);
      if (height == m_seen) continue;
      m_seen = height;
      const double rows = static_cast<double>(std::min(height * tile.rows, s.m));
      const double columns = static_cast<double>(std::min(width * tile.columns, s.n));
      const double unit = rows * columns * multiply + rows * pack_a + columns * pack_b;
      const std::int64_t waves = divide_up(divide_up(panels_m, height) * divide_up(panels_n, width) * batch, threads);
      const double time = unit * static_cast<double>(waves);
      if (least == 0 || time < least * 0.995) {
        least = time;
        best = {m, n};
      }
    }
  }
  return best;
}

void cut_packed(CpuPlan &plan, const GemmTask &task, const CpuTypes &types, const CpuLimits &limits,
                std::int64_t threads, bool alone) {
  const CpuTuning &tuning = plan.tuning;
  CpuShape &s = plan.shape;
  const Tile tile(types, tuning);
  const auto bytes = static_cast<std::int64_t>(types.real_bytes());
  const auto batch = static_cast<std::int64_t>(task.batch_count);
  const std::int64_t local = static_cast<std::int64_t>(limits.local_memory) / bytes - tile.lanes;

  s.depth = std::max(tuning.depth_bytes / bytes, tile.lanes);
  while (s.depth > tile.lanes && (tile.panel_a + 2 * tile.panel_b) * s.depth > local) s.depth /= 2;
  // Where local memory is small, wide blocks of B are worth more than deep ones: A is packed anew for each.
  while (s.depth > 8 * tile.lanes && local * 7 / 8 / s.depth < 448) s.depth /= 2;
  // Slabs of one size, whole vectors.
  s.depth = std::min(s.depth, round_up(divide_up(s.k, divide_up(s.k, s.depth)), tile.lanes));
  s.panels_ahead = s.a_transposed ? tuning.panels_ahead : 1;
  // Most of local memory is for B: what is left to A only serves its packing.
  while (s.panels_ahead > 1 && s.panels_ahead * tile.panel_a * s.depth > local / 8) s.panels_ahead /= 2;
  const std::int64_t panel_b = tile.panel_b * s.depth;
  const std::int64_t room = local - s.panels_ahead * tile.panel_a * s.depth;
  const std::int64_t most_panels = std::max<std::int64_t>(1, std::min(room, tuning.block_bytes / bytes) / panel_b);

  const std::int64_t panels_m = divide_up(s.m, tile.rows), panels_n = divide_up(s.n, tile.columns);
  const Cut cut = best_cut(s, tile, tuning, most_panels, batch, threads, alone);
  s.panels_m = divide_up(panels_m, cut.units_m);
  s.panels_n = divide_up(panels_n, cut.units_n);
  s.units_m = divide_up(panels_m, s.panels_m);
  s.units_n = divide_up(panels_n, s.panels_n);
  plan.local_bytes =
      static_cast<std::size_t>((s.panels_n * tile.panel_b + s.panels_ahead * tile.panel_a) * s.depth + tile.lanes) *
      types.real_bytes();
  if (CpuTypes::is_narrow(types.c) && s.depth < s.k) plan.sums = task.m * task.n * task.batch_count;
}

void share_out(CpuPlan &plan, std::int64_t batch, std::int64_t threads, bool alone) {
  CpuShape &s = plan.shape;
  s.units = s.units_m * s.units_n * batch;
  // Enough groups for an even end, and enough work in each to be worth the dispatch.
  const std::int64_t groups =
      alone ? 1 : std::min({s.units, std::max<std::int64_t>(16 * threads, s.units / 64), most_groups});
  s.units_per_group = divide_up(s.units, groups);
  plan.groups = static_cast<std::size_t>(divide_up(s.units, s.units_per_group));
}

bool is_direct(const GemmTask &task, const CpuTypes &types, const CpuTuning &tuning) {
  const Tile tile(types, tuning);
  return !types.is_complex && types.a == types.b && types.b == types.c && !CpuTypes::is_narrow(types.a) &&
         task.b.transpose == Transpose::none && static_cast<std::int64_t>(task.n) >= tile.lanes &&
         std::max(task.n, task.k) <= 512 &&  // panels of B stay in the first-level cache and on few pages
         static_cast<double>(task.m) * static_cast<double>(task.n) * static_cast<double>(task.k) <=
             static_cast<double>(tuning.direct_work);
}

void cut_direct(CpuPlan &plan, const GemmTask &task, const CpuTypes &types, std::int64_t threads, bool alone) {
  CpuShape &s = plan.shape;
  const Tile tile(types, plan.tuning);
  const std::int64_t panels_m = divide_up(s.m, tile.rows), panels_n = divide_up(s.n, tile.columns);
  const Cut cut = best_cut(s, tile, plan.tuning, panels_n, static_cast<std::int64_t>(task.batch_count), threads, alone);
  plan.kernel = s.a_transposed ? CpuKernel::direct_trans : CpuKernel::direct;
  s.panels_m = divide_up(panels_m, cut.units_m);
  s.panels_n = divide_up(panels_n, cut.units_n);
  s.units_m = divide_up(panels_m, s.panels_m);
  s.units_n = divide_up(panels_n, s.panels_n);
  plan.local_bytes = types.real_bytes();
}

// A matrix and a vector: lanes are the elements of C.
void cut_gemv(CpuPlan &plan, const GemmTask &task, const CpuTypes &types, const CpuLimits &limits,
              std::int64_t threads) {
  CpuShape &s = plan.shape;
  const bool is_row = s.n > 1;
  plan.kernel = is_row ? CpuKernel::gemv_row : CpuKernel::gemv_column;
  const auto bytes = static_cast<std::int64_t>(types.real_bytes());
  const std::int64_t room = static_cast<std::int64_t>(limits.local_memory) / bytes;
  const std::int64_t lanes = is_row ? s.n : s.m, batch = static_cast<std::int64_t>(task.batch_count);
  s.depth = std::min({s.k, std::int64_t(16384) / bytes, room / 2});
  // Units of some kilobytes of sums; four for each thread if there are enough lanes.
  const std::int64_t wanted = divide_up(4 * threads, batch), least = plan.tuning.vector_bytes / bytes * 4;
  std::int64_t unit = round_up(divide_up(lanes, wanted), least);
  unit = std::max<std::int64_t>(1, std::min({unit, std::int64_t(16384) / bytes, room - s.depth}));
  s.panels_m = std::min(unit, lanes);
  s.panels_n = s.units_n = 1;
  s.units_m = divide_up(lanes, s.panels_m);
  plan.local_bytes = static_cast<std::size_t>((s.depth + s.panels_m) * bytes);
}

}  // namespace

std::string cpu_plan_refusal(const GemmTask &task, const CpuLimits &limits, const CpuTuning &tuning) {
  const CpuTypes types(task);
  const std::size_t least = least_local(types, tuning);
  if (limits.local_memory < least)
    return text("it needs ", least, " bytes of local memory, the device has ", limits.local_memory);
  return {};
}

CpuPlan make_cpu_plan(const GemmTask &task, const CpuLimits &limits, const CpuTuning &tuning) {
  const CpuTypes types(task);
  CpuPlan plan;
  plan.tuning = tuning;
  fill_shape(plan.shape, task, types);
  const auto batch = static_cast<std::int64_t>(task.batch_count);
  const auto threads = std::max<std::int64_t>(1, static_cast<std::int64_t>(limits.threads));
  const double work = static_cast<double>(task.m) * static_cast<double>(task.n) * static_cast<double>(task.k) *
                      static_cast<double>(task.batch_count);
  const bool alone = work <= static_cast<double>(tuning.alone_work);
  if ((task.m == 1 || task.n == 1) && !types.is_complex)
    cut_gemv(plan, task, types, limits, threads);
  else if (is_direct(task, types, tuning))
    cut_direct(plan, task, types, threads, alone);
  else
    cut_packed(plan, task, types, limits, threads, alone);
  share_out(plan, batch, threads, alone);
  return plan;
}

}  // namespace gpucompute
