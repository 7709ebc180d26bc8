// Hopper's matrix units through kernels/gemm/nvidia_wgmma.cl: f16, bf16, f8, i8, and f32 where tf32 products are
// allowed.
#include <cmath>

#include "gemm/gemm_backend.hpp"
#include "gemm/kernel_call.hpp"
#include "gemm/panel.hpp"
#include "gemm/prepared.hpp"
#include "gemm/ptx_type.hpp"
#include "gemm/tensor_maps.hpp"
#include "gemm/wgmma_plan.hpp"
#include "runtime/timeline.hpp"

namespace gpucompute {
namespace {

// A or B as the kernel sees them, after C may have been transposed.
struct Side {
  GemmOperand operand;
  bool lines_are_k = false;  // each line in memory is one k; otherwise it runs along k
  bool batched = false;
  std::uint64_t box_lines = 0;
};

// What the copy engine calls a type.
std::uint64_t map_type(DataType type) {
  switch (type) {
    case DataType::f16:
      return 6;
    case DataType::bf16:
      return 10;
    case DataType::f32:
      return 11;  // tf32: rounded as it is copied
    default:
      return 0;
  }
}

std::uint64_t map_type_of_c(DataType type) {
  return type == DataType::i32 ? 3 : type == DataType::f32 ? 7 : map_type(type);
}

// Counters of parts that have arrived, all 0 between products. Two products at once must not share them.
class Arrivals {
 public:
  static constexpr std::size_t count = 4096;

  static ClMem of(Queue &queue) {
    static const char key = 0;
    const auto all =
        queue.context().attachment(&key, [] { return std::static_pointer_cast<void>(std::make_shared<Arrivals>()); });
    return static_cast<Arrivals *>(all.get())->get(queue);
  }

 private:
  ClMem get(Queue &queue) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto i = queues_.begin(); i != queues_.end();) i = i->first.expired() ? queues_.erase(i) : std::next(i);
    for (const auto &[timeline, memory] : queues_)
      if (timeline.lock() == queue.timeline()) return ClMem::share(memory.get());
    cl_int code = CL_SUCCESS;
    ClMem memory(clCreateBuffer(queue.context().native(), CL_MEM_READ_WRITE, count * 4, nullptr, &code));
    cl_check(code, "clCreateBuffer", "making counters for a matrix product");
    const cl_uint zero = 0;
    cl_check(clEnqueueFillBuffer(queue.native(), memory.get(), &zero, 4, 0, count * 4, 0, nullptr, nullptr),
             "clEnqueueFillBuffer", "clearing counters for a matrix product");
    queue.timeline()->submitted();
    queues_.emplace_back(queue.timeline(), ClMem::share(memory.get()));
    return memory;
  }

  std::mutex mutex_;
  std::vector<std::pair<std::weak_ptr<Timeline>, ClMem>> queues_;
};

class WgmmaBackend final : public GemmBackend {
 public:
  const char *name() const noexcept override { return "nvidia_wgmma"; }
  const char *merit() const noexcept override { return "matrix units of NVIDIA's Hopper, fed by its copy engine"; }
  bool does_epilogue(const GemmTask &task) const noexcept override {
    return task.epilogue.activation != Activation::swiglu;
  }

  bool cuts_k() const noexcept override { return true; }
  // Its tiles of 128 rows would be empty for the most part.
  bool steps_back(const GemmTask &task, const Device &) const noexcept override {
    return task.batch_count > 1 && std::max(task.m, task.n) <= 32;
  }

  std::string refusal(const GemmTask &task, Queue &queue) const override {
    if (queue.device().info().nvidia_compute_capability != 900) return "it needs a GPU of compute capability 9.0";
    switch (task.a.type) {
      case DataType::f16:
      case DataType::bf16:
      case DataType::f8e4m3:
      case DataType::f8e5m2:
      case DataType::i8:
        break;
      case DataType::f32:
        if (task.mode != Compute::standard) break;
        return "its factors have at most 11 significant bits; compute tf32 or f32_split allow that";
      default:
        return text("matrix units have no ", name_of(task.a.type), " it could use");
    }
    constexpr std::uint64_t most = INT32_MAX - 256;
    const std::pair<const char *, std::uint64_t> numbers[] = {
        {"m", task.m}, {"n", task.n}, {"k", task.k}, {"batch_count", task.batch_count}};
    for (const auto &[what, value] : numbers)
      if (value > most) return text("it counts with 32 bits, and ", what, " is ", value);
    if (most_work(task) > most) return text("it counts with 32 bits, and C has ", most_work(task), " tiles");
    if (!queue.device().capabilities().inline_ptx) return "the driver takes no inline PTX";
    return {};
  }

  void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const override {
    const WgmmaPlan plan = plan_for(task, queue);
    const bool split = task.mode == Compute::f32_split;
    const std::uint64_t element = size_of(task.a.type);
    Side a{plan.transposed ? task.b : task.a}, b{plan.transposed ? task.a : task.b};
    a.lines_are_k = (a.operand.transpose == Transpose::none) == plan.transposed;
    b.lines_are_k = (b.operand.transpose == Transpose::none) != plan.transposed;
    a.box_lines = 128;
    b.box_lines = plan.columns;
    Side *const sides[2] = {&a, &b};
    PanelWish wishes[2];
    for (int i = 0; i < 2; ++i) {
      // Only 2-byte elements can be taken from lines that are k, and what goes through registers.
      wishes[i].turned = sides[i]->lines_are_k && element != 2 && !(i == 0 && plan.a_in_registers);
      wishes[i].packed = wishes[i].turned || split || !is_aligned(sides[i]->operand, task.batch_count);
    }
    run_with_panels(a.operand, b.operand, wishes, task.batch_count, split, queue, waits, out,
                    [&](const Panel(&panels)[2], Waits w, OutEvent o) {
                      for (int i = 0; i < 2; ++i) {
                        if (wishes[i].turned) sides[i]->lines_are_k = false;
                        sides[i]->batched = sides[i]->operand.stride != 0;
                      }
                      launch(task, plan, a, b, panels, queue, w, o);
                    });
  }

 private:
  static std::uint64_t most_work(const GemmTask &task) {
    __extension__ using Wide = unsigned __int128;  // of numbers of 31 bits each
    const Wide work = Wide(task.m / 128 + 1) * (task.n / 32 + 1) * task.batch_count * 16;
    return static_cast<std::uint64_t>(std::min<Wide>(work, INT64_MAX));
  }

  static WgmmaPlan plan_for(const GemmTask &task, Queue &queue) {
    return plan_wgmma(task, queue.device().info().compute_units, queue.in_order() ? Arrivals::count : 0);
  }

  static LibraryPrograms::Defines defines_of(const GemmTask &task, const WgmmaPlan &plan, const Side &a, const Side &b,
                                             bool boxes) {
    const DataType type = task.a.type;
    const std::size_t element = size_of(type), c_size = size_of(task.c.type);
    const bool integer = type == DataType::i8;
    std::string flags = ", 1, 1";
    if (element == 2) flags += text(", ", a.lines_are_k ? 1 : 0, ", ", b.lines_are_k ? 1 : 0);
    const GemmEpilogue &e = task.epilogue;
    const int kind = task.c.type == DataType::f32    ? 0
                     : task.c.type == DataType::f16  ? 1
                     : task.c.type == DataType::bf16 ? 2
                                                     : 3;
    LibraryPrograms::Defines defines{{"BN", std::to_string(plan.columns)},
                                     {"STAGES", std::to_string(plan.stages)},
                                     {"GROUP_M", std::to_string(plan.group_rows)},
                                     {"ES", std::to_string(element)},
                                     {"CS", std::to_string(c_size)},
                                     {"KIND_C", std::to_string(kind)},
                                     {"A_LINES_ARE_K", a.lines_are_k ? "1" : "0"},
                                     {"B_LINES_ARE_K", b.lines_are_k ? "1" : "0"},
                                     {"C_TRANSPOSED", plan.transposed ? "1" : "0"},
                                     {"STORE_BOXES", boxes ? "1" : "0"},
                                     {"SPLIT", task.mode == Compute::f32_split ? "1" : "0"},
                                     {"HAS_BETA", task.beta != 0.0 ? "1" : "0"},
                                     {"HAS_RESIDUAL", e.has_residual() ? "1" : "0"},
                                     {"ACTIVATION", std::to_string(static_cast<int>(e.activation))},
                                     {"WGMMA_TYPES", text("\"", integer ? "s32." : "f32.", ptx_type(a.operand.type),
                                                          ".", ptx_type(b.operand.type), "\"")},
                                     {"WGMMA_K", std::to_string(32 / element)},
                                     {"WGMMA_FLAGS", text("\"", integer ? "" : flags, "\"")}};
    if (integer) defines.emplace_back("WGMMA_INTEGER", "1");
    if (e.bias != Bias::none) {
      const bool per_row = (e.bias == Bias::per_row) != plan.transposed;
      defines.emplace_back("BIAS", per_row ? "1" : "2");
      defines.emplace_back("BIAS_IS_F32", e.bias_values.type == DataType::f32 ? "1" : "0");
    }
    return defines;
  }

  static std::unique_ptr<Prepared> prepare(const GemmTask &task, const WgmmaPlan &plan, const Side &a, const Side &b,
                                           const Panel (&panels)[2], Queue &queue) {
    Context &context = queue.context();
    const std::uint64_t element = size_of(task.a.type), c_size = size_of(task.c.type), per_box = 128 / element;
    const bool split = task.mode == Compute::f32_split;
    // The engine stores what lies in lines of C, in whole boxes.
    const bool boxes = (!plan.transposed || plan.a_in_registers) && plan.columns >= 128 / c_size &&
                       is_aligned(task.c, task.batch_count);
    const GemmOperand &c = boxes ? task.c : a.operand;  // otherwise a map that nothing uses
    std::vector<TensorMap> maps;
    for (const bool low : {false, true})
      for (const Side *side : {&a, &b}) {
        if (low && !split) continue;
        GemmOperand operand = side->operand;
        if (low) operand.offset += panels[side == &b].low_offset;
        maps.push_back(map_of(operand, task.batch_count, map_type(operand.type), per_box,
                              side->lines_are_k ? per_box : side->box_lines));
      }
    maps.push_back(map_of(c, task.batch_count, boxes ? map_type_of_c(c.type) : map_type(c.type), 128 / size_of(c.type),
                          plan.transposed ? 32 : 64));
    auto prepared = std::make_unique<Prepared>();
    prepared->maps = TensorMaps::of(context).place(queue, maps);
    KernelCall call(LibraryPrograms::of(context).kernel(context, "gemm/nvidia_wgmma.cl",
                                                        defines_of(task, plan, a, b, boxes), "gemm_wgmma", "sm_90a"),
                    false);
    const GemmEpilogue &e = task.epilogue;
    const GemmOperand &residual = e.has_residual() ? e.residual : task.c;
    const auto as_int = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    call.memory(prepared->maps.memory.get()).number(prepared->maps.at);
    call.integer(as_int(plan.transposed ? task.n : task.m)).integer(as_int(plan.transposed ? task.m : task.n));
    call.integer(as_int(task.k)).integer(as_int(task.batch_count)).integer(a.batched).integer(b.batched);
    call.single(task.alpha.real()).single(task.beta.real()).matrix(task.c);
    call.memory(e.bias != Bias::none ? *e.bias_values.buffer : *task.c.buffer).number(e.bias_values.offset);
    call.single(e.scale).matrix(residual).integer(as_int(plan.splits));
    call.memory(task.c.buffer->root()).memory(task.c.buffer->root());  // for parts: see launch()
    prepared->kernel = call.take();
    return prepared;
  }

  static void launch(GemmTask &task, const WgmmaPlan &plan, const Side &a, const Side &b, const Panel (&panels)[2],
                     Queue &queue, Waits waits, OutEvent out) {
    auto key = key_of(task, a.operand, b.operand, queue.device());
    key.push_back(plan.splits);  // which depends on the queue's order too
    PreparedLaunch launch(queue, std::move(key), [&] { return prepare(task, plan, a, b, panels, queue); });
    Workspace parts;
    ClMem arrived;
    if (plan.splits > 1) {
      parts = Workspace(queue, plan.tiles * plan.splits * 128 * plan.columns * 4);
      arrived = Arrivals::of(queue);
      cl_mem memory[2] = {parts->root(), arrived.get()};
      for (cl_uint i = 0; i < 2; ++i)
        cl_check(clSetKernelArg(launch.kernel(), parts_argument + i, sizeof memory[i], &memory[i]), "clSetKernelArg",
                 "setting an argument of a GEMM kernel");
    }
    const std::size_t local = 384, groups = std::min(plan.work, queue.device().info().compute_units);
    task.c_written = true;
    launch.put_on_queue("a matrix product", {1, {groups * local}, {local}},
                        {a.operand.buffer, b.operand.buffer, task.c.buffer, task.epilogue.bias_values.buffer,
                         task.epilogue.residual.buffer, parts.get()},
                        waits, out);
  }

  static constexpr cl_uint parts_argument = 22;
};

}  // namespace

const GemmBackend &nvidia_wgmma_backend() {
  static const WgmmaBackend backend;
  return backend;
}

}  // namespace gpucompute
