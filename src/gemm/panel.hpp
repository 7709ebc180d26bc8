// Copies of a matrix whose lines are aligned, and transposed or split if need be: for kernels that take no others.
#pragma once

#include <functional>
#include <memory>

#include "gemm/gemm_task.hpp"

namespace gpucompute {

struct Panel {
  Workspace buffer;
  GemmOperand operand;           // as a backend sees the copy
  std::uint64_t low_offset = 0;  // elements; with `split`, where the second panel starts
};

// Whether a product is so small, or has so little to compute for each element, that turning the lines of a matrix takes
// longer than what another backend loses.
inline bool is_small_for_panels(const GemmTask &task) noexcept {
  if (std::min({task.m, task.n, task.k}) <= 64) return true;
  return static_cast<double>(task.m) * static_cast<double>(task.n) * static_cast<double>(task.k) *
             static_cast<double>(task.batch_count) <
         700.0 * 700.0 * 700.0;
}

// The memory, for lines of `alignment` bytes or a multiple, and the copying. With `split`, an f32 matrix becomes two:
// upper bits and rest.
Panel make_panel(const GemmOperand &operand, std::uint64_t batch_count, bool transposed, bool split,
                 std::uint64_t alignment, Queue &queue);
void enqueue_panel(const GemmOperand &from, const Panel &panel, std::uint64_t batch_count, bool transposed, bool split,
                   Queue &queue, Waits waits, OutEvent out);

// What a backend needs of an operand.
struct PanelWish {
  bool packed = false;
  bool turned = false;  // only of what is packed
};

// Puts the panels that are wished for on the queue and then `product`; a and b are the panels by then.
void run_with_panels(GemmOperand &a, GemmOperand &b, const PanelWish (&wishes)[2], std::uint64_t batch_count,
                     bool split, Queue &queue, Waits waits, OutEvent out,
                     const std::function<void(const Panel (&)[2], Waits, OutEvent)> &product);

}  // namespace gpucompute
