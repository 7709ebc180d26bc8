#include "gemm/panel.hpp"

#include "gemm/kernel_call.hpp"
#include "gemm/prepared.hpp"
#include "gemm/steps.hpp"

namespace gpucompute {
namespace {

// In place of a device in the keys of products.
constexpr std::uint64_t panel_launch = 1;

// What copy engines and 16-byte copies want.
constexpr std::uint64_t line_alignment = 128;

}  // namespace

Panel make_panel(const GemmOperand &from, std::uint64_t batch_count, bool transposed, bool split,
                 std::uint64_t alignment, Queue &queue) {
  Panel panel;
  GemmOperand &to = panel.operand;
  to = from;
  if (transposed) {
    std::swap(to.lines, to.length);
    to.transpose = from.transpose == Transpose::none ? Transpose::trans : Transpose::none;
  }
  const std::uint64_t element = size_of(from.type), unit = alignment / element;
  const std::uint64_t products = from.stride == 0 ? 1 : batch_count;
  to.offset = 0;
  to.ld = (to.length + unit - 1) / unit * unit;
  to.stride = from.stride == 0 ? 0 : to.lines * to.ld;
  to.end = to.lines * to.ld * products;
  panel.low_offset = to.end;
  panel.buffer = Workspace(queue, to.end * element * (split ? 2 : 1));
  to.buffer = panel.buffer.get();
  return panel;
}

void enqueue_panel(const GemmOperand &from, const Panel &panel, std::uint64_t batch_count, bool transposed, bool split,
                   Queue &queue, Waits waits, OutEvent out) {
  Context &context = queue.context();
  const std::size_t element = size_of(from.type);
  const std::uint64_t products = from.stride == 0 ? 1 : batch_count;
  const std::uint64_t tile = 32 * std::max<std::uint64_t>(4 / element, 1), most = 32768;
  PreparedLaunches::Key key{panel_launch, products, transposed, split};
  add_to_key(key, from);
  add_to_key(key, panel.operand);
  PreparedLaunch launch(queue, std::move(key), [&] {
    const char *const types[] = {"uchar", "ushort", "uint", "ulong"};
    const int log2 = element == 1 ? 0 : element == 2 ? 1 : element == 4 ? 2 : 3;
    LibraryPrograms::Defines defines{
        {"ELEMENT", types[log2]}, {"SIZE", std::to_string(element)}, {"TRANSPOSED", transposed ? "1" : "0"}};
    if (split) defines.emplace_back("SPLIT", "1");
    KernelCall call(LibraryPrograms::of(context).kernel(context, "gemm/panel.cl", defines, "gemm_panel"), false);
    call.matrix(from).number(from.lines).number(from.length).number(products);
    call.memory(*panel.buffer).number(panel.operand.ld).number(panel.operand.stride).number(panel.low_offset);
    auto prepared = std::make_unique<Prepared>();
    prepared->kernel = call.take();
    return prepared;
  });
  const LaunchGrid grid{3,
                        {std::min((from.length + tile - 1) / tile, most) * 32,
                         std::min((from.lines + tile - 1) / tile, most) * 8, std::min(products, most)},
                        {32, 8, 1}};
  launch.put_on_queue("the packing of a matrix", grid, {from.buffer, panel.buffer.get()}, waits, out);
}

void run_with_panels(GemmOperand &a, GemmOperand &b, const PanelWish (&wishes)[2], std::uint64_t batch_count,
                     bool split, Queue &queue, Waits waits, OutEvent out,
                     const std::function<void(const Panel (&)[2], Waits, OutEvent)> &product) {
  GemmOperand *const operands[2] = {&a, &b};
  Panel panels[2];
  for (int i = 0; i < 2; ++i)
    if (wishes[i].packed)
      panels[i] = make_panel(*operands[i], batch_count, wishes[i].turned, split, line_alignment, queue);
  Steps steps(queue, waits, out, 1 + wishes[0].packed + wishes[1].packed);
  for (int i = 0; i < 2; ++i) {
    if (!wishes[i].packed) continue;
    steps.next([&](Waits w, OutEvent o) {
      enqueue_panel(*operands[i], panels[i], batch_count, wishes[i].turned, split, queue, w, o);
    });
    *operands[i] = panels[i].operand;
  }
  steps.next([&](Waits w, OutEvent o) { product(panels, w, o); });
}

}  // namespace gpucompute
