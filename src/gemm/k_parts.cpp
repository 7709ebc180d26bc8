#include "gemm/k_parts.hpp"

#include "gemm/epilogue.hpp"
#include "gemm/steps.hpp"

namespace gpucompute {
namespace {

// Of the tiles that backends cut C into, about.
constexpr std::uint64_t tile_side = 64;
// Below that a part is not worth its sums.
constexpr std::uint64_t least_length = 256;

std::uint64_t up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

// Elements from one k to the next.
std::uint64_t step_along_k(const GemmOperand &operand, bool is_b) {
  const bool lines_are_k = (operand.transpose == Transpose::none) == is_b;
  return lines_are_k ? operand.ld : 1;
}

void take_part(GemmOperand &operand, bool is_b, std::uint64_t start, std::uint64_t length) {
  const bool lines_are_k = (operand.transpose == Transpose::none) == is_b;
  operand.offset += start * step_along_k(operand, is_b);
  (lines_are_k ? operand.lines : operand.length) = length;
}

}  // namespace

KParts k_parts_for(const GemmTask &task, std::uint64_t units) {
  if (task.batch_count != 1 || !task.group_rows.empty() || task.is_complex() || task.compute == DataType::i32)
    return {};
  if (task.k < 8 * least_length || task.m > tile_side * units || task.n > tile_side * units) return {};
  const std::uint64_t tiles = up(task.m, tile_side) * up(task.n, tile_side);
  if (tiles * 2 > units) return {};
  const std::uint64_t wanted = std::min(2 * units / tiles, task.k / least_length);
  KParts parts;
  parts.length = up(up(task.k, wanted), 64) * 64;  // which keeps lines aligned
  parts.count = task.k / parts.length;
  return parts.count > 1 ? parts : KParts{};
}

GemmTask parts_of(const GemmTask &task, const KParts &parts) {
  GemmTask all = task;
  all.k = parts.length;
  all.batch_count = parts.count;
  take_part(all.a, false, 0, parts.length);
  take_part(all.b, true, 0, parts.length);
  all.a.stride = parts.length * step_along_k(all.a, false);
  all.b.stride = parts.length * step_along_k(all.b, true);
  return product_alone(all);
}

void run_in_parts(const GemmBackend &backend, GemmTask &task, const KParts &parts, Queue &queue, Waits waits,
                  OutEvent out) {
  const std::uint64_t left = task.k - parts.count * parts.length;
  GemmTask most = parts_of(task, parts), last = most;
  const std::uint64_t size = most.c.stride;
  const Workspace workspace(queue, (parts.count + (left != 0)) * size * size_of(most.c.type));
  most.c.buffer = last.c.buffer = workspace.get();
  last.k = left;
  last.batch_count = 1;
  take_part(last.a, false, parts.count * parts.length, left);
  take_part(last.b, true, parts.count * parts.length, left);
  last.a.stride = last.b.stride = 0;
  last.c.offset = parts.count * size;
  last.c.end = last.c.offset + size;
  Steps steps(queue, waits, out, left != 0 ? 3 : 2);
  steps.next([&](Waits w, OutEvent o) { backend.run(most, queue, w, o); });
  if (left != 0) steps.next([&](Waits w, OutEvent o) { backend.run(last, queue, w, o); });
  task.c_written = true;
  steps.next([&](Waits w, OutEvent o) {
    enqueue_epilogue(task, {workspace.get(), parts.count + (left != 0)}, queue, w, o);
  });
}

}  // namespace gpucompute
