// f64 on Hopper's matrix units and f32 by multiply-adds, fed by the copy engine: kernels/gemm/nvidia_tma.cl.
#include "gemm/gemm_backend.hpp"
#include "gemm/kernel_call.hpp"
#include "gemm/panel.hpp"
#include "gemm/prepared.hpp"
#include "gemm/simt_tile.hpp"
#include "gemm/tensor_maps.hpp"
#include "gemm/tile_shape.hpp"

namespace gpucompute {
namespace {

// Tall parts where lines of A are k, wide ones where they run along K: that is how the reads from local memory balance.
const std::vector<TileShape> &f64_shapes(bool tall) {
  static const auto *const shapes = new std::vector<TileShape>[2] {
    {{4, 2, 32, 64, 6, 1, 1.0}, {2, 4, 32, 32, 6, 1, 1.08}, {2, 4, 32, 16, 8, 1, 1.2}}, {
      {2, 4, 64, 32, 6, 1, 1.0}, {2, 4, 32, 32, 6, 1, 1.08}, { 2, 4, 32, 16, 8, 1, 1.2 }
    }
  };
  return shapes[tall];
}

const std::vector<TileShape> &f32_shapes() {
  static const auto *const shapes =
      new std::vector<TileShape>{{2, 4, 64, 64, 6, 1, 1.0}, {4, 2, 32, 64, 6, 1, 1.01}, {4, 2, 32, 32, 8, 1, 1.18}};
  return *shapes;
}

// Each line is one k.
bool lines_are_k(const GemmOperand &operand, bool is_b) { return (operand.transpose == Transpose::none) == is_b; }

class TmaBackend final : public GemmBackend {
 public:
  const char *name() const noexcept override { return "nvidia_tma"; }
  const char *merit() const noexcept override { return "f64 matrix units or f32 multiply-adds of NVIDIA's Hopper"; }

  std::string refusal(const GemmTask &task, Queue &queue) const override {
    if (queue.device().info().nvidia_compute_capability != 900) return "it needs a GPU of compute capability 9.0";
    if (task.a.type != DataType::f64 && task.a.type != DataType::f32) return "it is for f64 and f32";
    if (!queue.device().capabilities().inline_ptx) return "the driver takes no inline PTX";
    return too_large_for_int(task);
  }

  bool steps_back(const GemmTask &task, const Device &) const noexcept override {
    if (task.a.type == DataType::f64) return std::max(task.m, task.n) <= 16;  // a tile would be empty for the most part
    return is_for_simt(task);
  }

  void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const override {
    const bool f64 = task.a.type == DataType::f64;
    GemmTask tiled = task;
    // Where A's lines run along K and B's are k, the transposed product is the faster one.
    const bool transposed = f64 && !lines_are_k(task.a, false) && lines_are_k(task.b, true);
    if (transposed) transpose(tiled);
    PanelWish wishes[2];
    for (int i = 0; i < 2; ++i) {
      const GemmOperand &operand = i ? tiled.b : tiled.a;
      // f32 is multiplied along lines of k.
      wishes[i].turned = !f64 && !lines_are_k(operand, i == 1);
      wishes[i].packed = wishes[i].turned || !is_aligned(operand, task.batch_count);
    }
    run_with_panels(tiled.a, tiled.b, wishes, task.batch_count, false, queue, waits, out,
                    [&](const Panel(&)[2], Waits w, OutEvent o) {
                      task.c_written = true;
                      launch(tiled, transposed, queue, w, o);
                    });
  }

 private:
  // C's lines run along M from now on.
  static void transpose(GemmTask &task) {
    std::swap(task.a, task.b);
    std::swap(task.m, task.n);
    for (GemmOperand *operand : {&task.a, &task.b})
      operand->transpose = operand->transpose == Transpose::none ? Transpose::trans : Transpose::none;
  }

  static void launch(const GemmTask &task, bool transposed, Queue &queue, Waits waits, OutEvent out) {
    const bool f64 = task.a.type == DataType::f64;
    const DeviceInfo &info = queue.device().info();
    const TileShape &shape =
        shape_for(task, f64 ? f64_shapes(lines_are_k(task.a, false)) : f32_shapes(), info.compute_units);
    PreparedLaunches::Key key = key_of(task, task.a, task.b, queue.device());
    key.push_back(reinterpret_cast<std::uintptr_t>(&shape));
    key.push_back(transposed);
    PreparedLaunch launch(queue, std::move(key), [&] { return prepare(task, shape, transposed, queue); });
    const std::size_t local = 128 + shape.items(), groups = std::min(shape.tiles(task), info.compute_units);
    launch.put_on_queue("a matrix product", {1, {groups * local}, {local}},
                        {task.a.buffer, task.b.buffer, task.c.buffer}, waits, out);
  }

  static std::unique_ptr<Prepared> prepare(const GemmTask &task, const TileShape &shape, bool transposed,
                                           Queue &queue) {
    const bool f64 = task.a.type == DataType::f64;
    const bool a_lines = lines_are_k(task.a, false), b_lines = lines_are_k(task.b, true);
    Context &context = queue.context();
    std::vector<TensorMap> maps;
    for (const auto &[operand, lines, extent] :
         {std::make_tuple(&task.a, a_lines, shape.rows()), std::make_tuple(&task.b, b_lines, shape.columns())}) {
      TensorMap map = f64 ? map_of(*operand, task.batch_count, 9, 16, lines ? 16 : extent)
                          : map_of(*operand, task.batch_count, 7, extent, 16);
      map.swizzled = f64;
      maps.push_back(map);
    }
    auto prepared = std::make_unique<Prepared>();
    prepared->maps = TensorMaps::of(context).place(queue, maps);
    const auto number = [](std::uint64_t value) { return std::to_string(value); };
    const LibraryPrograms::Defines defines{{"F64", f64 ? "1" : "0"},
                                           {"WARPS_M", number(shape.warps_m)},
                                           {"WARPS_N", number(shape.warps_n)},
                                           {"WM", number(shape.warp_rows)},
                                           {"WN", number(shape.warp_columns)},
                                           {"STAGES", number(shape.stages)},
                                           {"A_LINES_ARE_K", a_lines ? "1" : "0"},
                                           {"B_LINES_ARE_K", b_lines ? "1" : "0"},
                                           {"C_TRANSPOSED", transposed ? "1" : "0"}};
    KernelCall call(LibraryPrograms::of(context).kernel(context, "gemm/nvidia_tma.cl", defines, "gemm_tma", "sm_90a"),
                    f64);
    const auto as_int = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    call.memory(prepared->maps.memory.get()).number(prepared->maps.at);
    call.integer(as_int(task.m)).integer(as_int(task.n)).integer(as_int(task.k)).integer(as_int(task.batch_count));
    call.integer(task.a.stride != 0).integer(task.b.stride != 0);
    call.real(task.alpha.real()).real(task.beta.real()).matrix(task.c);
    prepared->kernel = call.take();
    return prepared;
  }
};

}  // namespace

const GemmBackend &nvidia_tma_backend() {
  static const TmaBackend backend;
  return backend;
}

}  // namespace gpucompute
