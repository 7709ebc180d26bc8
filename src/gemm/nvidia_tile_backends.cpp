// f64 on matrix units (kernels/gemm/nvidia_dmma.cl), what else they multiply (nvidia_mma.cl), and f32 by multiply-adds
// (nvidia_sgemm.cl), for NVIDIA's GPUs from Ampere on: all keep tiles in local memory that asynchronous copies fill.
#include "gemm/gemm_backend.hpp"
#include "gemm/kernel_call.hpp"
#include "gemm/panel.hpp"
#include "gemm/ptx_type.hpp"
#include "gemm/simt_tile.hpp"
#include "gemm/tile_launch.hpp"
#include "gemm/tile_shape.hpp"

namespace gpucompute {
namespace {

bool lines_start_at(const GemmOperand &operand, std::uint64_t elements) {
  return operand.offset % elements == 0 && operand.ld % elements == 0 && operand.stride % elements == 0;
}

class TileBackend : public GemmBackend {
 protected:
  TileBackend(const char *file, const char *kernel) : file_(file), kernel_(kernel) {}
  ~TileBackend() = default;

  void launch(GemmTask &task, const std::vector<TileShape> &shapes, Queue &queue, Waits waits, OutEvent out) const {
    const DeviceInfo &info = queue.device().info();
    const TileShape &shape = shape_for(task, shapes, info.compute_units);
    const std::uint64_t chunk = 16 / size_of(task.a.type);
    const bool chunks = lines_start_at(task.a, chunk) && lines_start_at(task.b, chunk);
    const std::uint64_t groups = std::min(shape.tiles(task), info.compute_units * shape.groups_per_unit);
    launch_tiles(task, queue, reinterpret_cast<std::uintptr_t>(&shape), groups, shape.items(), waits, out, [&] {
      const auto number = [](std::uint64_t value) { return std::to_string(value); };
      TileKernel kernel{file_, kernel_, {}, true};
      kernel.defines = {{"WARPS_M", number(shape.warps_m)},     {"WARPS_N", number(shape.warps_n)},
                        {"STAGES", number(shape.stages)},       {"A_LINES_ARE_K", a_lines_are_k(task)},
                        {"B_LINES_ARE_K", b_lines_are_k(task)}, {"CHUNK", number(chunks ? chunk : 1)}};
      complete(kernel, task, shape, info);
      return kernel;
    });
  }

  virtual void complete(TileKernel &kernel, const GemmTask &task, const TileShape &shape,
                        const DeviceInfo &info) const = 0;

 private:
  const char *file_, *kernel_;
};

const std::vector<TileShape> &f64_shapes() {
  static const auto *const shapes =
      new std::vector<TileShape>{{2, 4, 64, 32, 4, 1, 1.0}, {2, 4, 32, 32, 4, 1, 1.1}, {2, 2, 32, 32, 4, 2, 1.25}};
  return *shapes;
}

class DmmaBackend final : public TileBackend {
 public:
  DmmaBackend() : TileBackend("gemm/nvidia_dmma.cl", "gemm_dmma") {}
  const char *name() const noexcept override { return "nvidia_dmma"; }
  const char *merit() const noexcept override { return "f64 matrix units of NVIDIA's GPUs"; }

  std::string refusal(const GemmTask &task, Queue &queue) const override {
    if (task.type != DataType::f64) return "it is for f64";
    const std::uint64_t capability = queue.device().info().nvidia_compute_capability;
    // Others of these generations have the instruction too, and a few f64 units.
    if (capability != 800 && capability != 900 && capability != 1000)
      return "it needs a GPU of compute capability 8.0, 9.0 or 10.0";
    if (!queue.device().capabilities().inline_ptx) return "the driver takes no inline PTX";
    return too_large_for_int(task);
  }

  bool steps_back(const GemmTask &task, const Device &) const noexcept override {
    return std::max(task.m, task.n) <= 16;
  }

  void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const override {
    launch(task, f64_shapes(), queue, waits, out);
  }

 private:
  void complete(TileKernel &kernel, const GemmTask &, const TileShape &shape, const DeviceInfo &info) const override {
    kernel.defines.emplace_back("WM", std::to_string(shape.warp_rows));
    kernel.defines.emplace_back("WN", std::to_string(shape.warp_columns));
    kernel.defines.emplace_back("LARGE_MMA", info.nvidia_compute_capability >= 900 ? "1" : "0");
  }
};

const std::vector<TileShape> &mma_shapes() {
  static const auto *const shapes =
      new std::vector<TileShape>{{2, 4, 64, 64, 3, 1, 1.0}, {2, 2, 64, 64, 3, 2, 1.1}, {2, 2, 32, 32, 4, 3, 1.6}};
  return *shapes;
}

// There are registers for half as many sums.
const std::vector<TileShape> &split_shapes() {
  static const auto *const shapes = new std::vector<TileShape>{{2, 2, 64, 32, 3, 2, 1.0}, {2, 2, 32, 32, 4, 3, 1.2}};
  return *shapes;
}

class MmaBackend final : public TileBackend {
 public:
  MmaBackend() : TileBackend("gemm/nvidia_mma.cl", "gemm_mma") {}
  const char *name() const noexcept override { return "nvidia_mma"; }
  const char *merit() const noexcept override { return "matrix units of NVIDIA's GPUs"; }

  std::string refusal(const GemmTask &task, Queue &queue) const override {
    std::uint64_t least = 800;
    switch (task.a.type) {
      case DataType::f16:
      case DataType::bf16:
      case DataType::i8:
        break;
      case DataType::f8e4m3:
      case DataType::f8e5m2:
        least = 890;
        break;
      case DataType::f32:
        if (task.mode != Compute::standard) break;
        return "its factors have at most 11 significant bits; compute tf32 or f32_split allow that";
      default:
        return text("it has no ", name_of(task.a.type));
    }
    if (queue.device().info().nvidia_compute_capability < least)
      return text("it needs a GPU of compute capability ", least / 100, '.', least / 10 % 10, " or more");
    if (!queue.device().capabilities().inline_ptx) return "the driver takes no inline PTX";
    return too_large_for_int(task);
  }

  // Its tiles would be empty for the most part, and lines of f32 have to be turned.
  bool steps_back(const GemmTask &task, const Device &) const noexcept override {
    if (size_of(task.a.type) == 2) return task.batch_count > 1 && std::max(task.m, task.n) <= 32;
    if (task.a.type != DataType::f32) return false;
    return (wish_for(task.a, task).turned || wish_for(task.b, task).turned) && is_small_for_panels(task);
  }

  // Only elements of 2 bytes can be taken from lines that are K, and only lines that start at multiples of 16 bytes.
  void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const override {
    const PanelWish wishes[2] = {wish_for(task.a, task), wish_for(task.b, task)};
    GemmTask packed = task;
    run_with_panels(packed.a, packed.b, wishes, task.batch_count, false, queue, waits, out,
                    [&](const Panel(&)[2], Waits w, OutEvent o) {
                      task.c_written = true;
                      launch(packed, task.mode == Compute::f32_split ? split_shapes() : mma_shapes(), queue, w, o);
                    });
  }

 private:
  static PanelWish wish_for(const GemmOperand &operand, const GemmTask &task) {
    const bool lines_are_k = (operand.transpose == Transpose::none) == (&operand == &task.b);
    const std::uint64_t element = size_of(operand.type);
    PanelWish wish;
    wish.turned = lines_are_k && element != 2;
    wish.packed = wish.turned || !lines_start_at(operand, 16 / element);
    return wish;
  }

  void complete(TileKernel &kernel, const GemmTask &task, const TileShape &shape, const DeviceInfo &) const override {
    const std::size_t element = size_of(task.a.type);
    const char *const sums = task.compute == DataType::i32 ? "s32" : "f32";
    kernel.defines.emplace_back("WM", std::to_string(shape.warp_rows));
    kernel.defines.emplace_back("WN", std::to_string(shape.warp_columns));
    kernel.defines.emplace_back("SIZE", std::to_string(element));
    kernel.defines.emplace_back("MMA", text("\"m16n8k", 32 / element, ".row.col.", sums, '.', ptx_type(task.a.type),
                                            '.', ptx_type(task.b.type), '.', sums, '"'));
    kernel.defines.emplace_back("TF32", task.a.type == DataType::f32 ? "1" : "0");
    kernel.defines.emplace_back("SPLIT", task.mode == Compute::f32_split ? "1" : "0");
    for (auto &define : element_defines(task)) kernel.defines.push_back(std::move(define));
  }
};

const std::vector<TileShape> &f32_shapes() {
  static const auto *const shapes = new std::vector<TileShape>{{2, 2, 32, 64, 3, 3, 1.0}, {2, 2, 32, 32, 4, 4, 1.15}};
  return *shapes;
}

class SgemmBackend final : public TileBackend {
 public:
  SgemmBackend() : TileBackend("gemm/nvidia_sgemm.cl", "gemm_sgemm") {}
  const char *name() const noexcept override { return "nvidia_sgemm"; }
  const char *merit() const noexcept override { return "f32 multiply-adds fed by asynchronous copies"; }

  std::string refusal(const GemmTask &task, Queue &queue) const override {
    if (task.a.type != DataType::f32) return "it is for f32";
    if (queue.device().info().nvidia_compute_capability < 800)
      return "it needs a GPU of compute capability 8.0 or more";
    if (!queue.device().capabilities().inline_ptx) return "the driver takes no inline PTX";
    return too_large_for_int(task);
  }

  bool steps_back(const GemmTask &task, const Device &) const noexcept override { return is_for_simt(task); }

  // Lines that run along K are turned first.
  void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const override {
    const bool turn_a = task.a.transpose == Transpose::none, turn_b = task.b.transpose != Transpose::none;
    GemmTask turned = task;
    run_with_panels(turned.a, turned.b, {{turn_a, turn_a}, {turn_b, turn_b}}, task.batch_count, false, queue, waits,
                    out, [&](const Panel(&)[2], Waits w, OutEvent o) {
                      task.c_written = true;
                      launch(turned, f32_shapes(), queue, w, o);
                    });
  }

 private:
  void complete(TileKernel &kernel, const GemmTask &, const TileShape &shape, const DeviceInfo &) const override {
    kernel.defines.emplace_back("TR", std::to_string(shape.warp_rows / 4));
    kernel.defines.emplace_back("TC", std::to_string(shape.warp_columns / 8));
  }
};

}  // namespace

const GemmBackend &nvidia_dmma_backend() {
  static const DmmaBackend backend;
  return backend;
}

const GemmBackend &nvidia_mma_backend() {
  static const MmaBackend backend;
  return backend;
}

const GemmBackend &nvidia_sgemm_backend() {
  static const SgemmBackend backend;
  return backend;
}

}  // namespace gpucompute
