// Panels: copies of matrices whose lines are aligned, turned or split on the way.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "gemm/panel.hpp"
#include "support/gemm_fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace gpucompute::test::gemms;

namespace {

struct Case {
  DataType type;
  std::uint64_t lines, length, pad, offset, batch_count;
  bool shared;  // one matrix for all products
};

// As they lie in memory, the panel must hold the elements of the matrix, in lines or turned; the rest is poison.
void check(const Bench &bench, const Case &c, bool transposed) {
  const std::size_t element = size_of(c.type);
  GemmOperand from;
  from.type = c.type;
  from.offset = c.offset;
  from.lines = c.lines;
  from.length = c.length;
  from.ld = c.length + c.pad;
  from.stride = c.shared ? 0 : c.lines * from.ld + c.pad;
  from.end = c.offset + (c.batch_count - 1) * from.stride + c.lines * from.ld;
  Random random(c.lines * 31 + c.length);
  Bytes source(from.end * element);
  for (auto &byte : source) byte = static_cast<unsigned char>(random.integer(0, 255));
  const auto buffer = Buffer::create(*bench.context, source.size());
  buffer->write(*bench.queue, 0, source.size(), source.data());
  from.buffer = buffer.get();

  const Panel panel = make_panel(from, c.batch_count, transposed, false, 128, *bench.queue);
  const GemmOperand &to = panel.operand;
  CHECK(to.ld * element % 128 == 0);
  CHECK((to.transpose == Transpose::none) != transposed);
  Bytes poison(panel.buffer->size(), 0xa5);
  panel.buffer->write(*bench.queue, 0, poison.size(), poison.data());
  enqueue_panel(from, panel, c.batch_count, transposed, false, *bench.queue, {}, nullptr);
  Bytes got(poison.size());
  panel.buffer->read(*bench.queue, 0, got.size(), got.data());
  for (std::uint64_t batch = 0; batch < (c.shared ? 1 : c.batch_count); ++batch)
    for (std::uint64_t line = 0; line < c.lines; ++line)
      for (std::uint64_t i = 0; i < c.length; ++i) {
        const std::uint64_t at = transposed ? i * to.ld + line : line * to.ld + i;
        std::memcpy(poison.data() + (to.offset + batch * to.stride + at) * element,
                    source.data() + (from.offset + batch * from.stride + line * from.ld + i) * element, element);
      }
  CAPTURE(name_of(c.type));
  CAPTURE(c.lines);
  CAPTURE(c.length);
  CAPTURE(transposed);
  CHECK(got == poison);
}

}  // namespace

TEST_SUITE_BEGIN("gemm");

TEST_CASE("panels hold the matrix and nothing else") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  for (DataType type : {DataType::i8, DataType::bf16, DataType::f32, DataType::f64}) {
    if (type == DataType::f64 && !bench.device().capabilities().fp64) continue;
    for (const Case &c :
         {Case{type, 1, 1, 0, 0, 1, false}, Case{type, 33, 65, 3, 5, 1, false}, Case{type, 128, 128, 0, 0, 1, false},
          Case{type, 129, 31, 1, 2, 3, false}, Case{type, 40, 300, 4, 8, 2, true}})
      for (bool transposed : {false, true}) check(bench, c, transposed);
  }
}

TEST_CASE("split panels: 11 bits and the rest") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const std::uint64_t lines = 35, length = 67;
  std::vector<float> numbers(lines * length);
  Random random(7);
  for (float &x : numbers) x = static_cast<float>(random.real(-1, 1) * std::exp2(random.integer(-30, 30)));
  numbers[1] = INFINITY;
  numbers[2] = -INFINITY;
  numbers[3] = NAN;
  numbers[4] = std::numeric_limits<float>::max();
  numbers[5] = -0.0f;
  const auto buffer = Buffer::create(*bench.context, numbers.size() * 4);
  buffer->write(*bench.queue, 0, numbers.size() * 4, numbers.data());
  GemmOperand from;
  from.buffer = buffer.get();
  from.type = DataType::f32;
  from.lines = lines;
  from.length = from.ld = length;
  from.end = lines * length;
  for (bool transposed : {false, true}) {
    const Panel panel = make_panel(from, 1, transposed, true, 128, *bench.queue);
    enqueue_panel(from, panel, 1, transposed, true, *bench.queue, {}, nullptr);
    std::vector<float> got(panel.buffer->size() / 4);
    panel.buffer->read(*bench.queue, 0, got.size() * 4, got.data());
    for (std::uint64_t line = 0; line < lines; ++line)
      for (std::uint64_t i = 0; i < length; ++i) {
        const float x = numbers[line * length + i];
        const std::uint64_t at = transposed ? i * panel.operand.ld + line : line * panel.operand.ld + i;
        const float high = got[at], low = got[panel.low_offset + at];
        CAPTURE(x);
        if (std::isnan(x)) {
          CHECK(std::isnan(high));
        } else if (std::isinf(x)) {
          CHECK(high == x);
          CHECK(low == 0);
        } else {
          std::uint32_t bits = 0;
          std::memcpy(&bits, &high, 4);
          CHECK((bits & 0x1fff) == 0);
          CHECK(std::isfinite(high));
          CHECK(std::abs(x - high) <= std::abs(x) * 0x1p-10f);  // 2^-11, and 2^-10 where rounding would overflow
          CHECK(static_cast<double>(high) + static_cast<double>(low) == static_cast<double>(x));
        }
      }
  }
}

TEST_CASE("workspaces come back to those who come later in order") {
  const Bench bench;
  const auto out_of_order =
      bench.device().info().out_of_order ? Queue::create(*bench.context, nullptr, Queue::out_of_order) : nullptr;
  std::uint64_t first = 0;
  {
    const Workspace workspace(*bench.queue, 1 << 20);
    first = workspace->root_id();
  }
  {
    const Workspace small(*bench.queue, 1000);  // not one a thousand times as large
    const Workspace same(*bench.queue, 1 << 20), other(*bench.queue, 1 << 20);
    CHECK(small->root_id() != first);
    CHECK(same->root_id() == first);
    CHECK(other->root_id() != first);
  }
  const auto live = [&] { return bench.context->memory().in_use; };
  const auto before = live();
  for (int i = 0; i < 20; ++i) {
    const Workspace workspace(*bench.queue, std::size_t(1) << (10 + i % 5));
  }
  CHECK(live() <= before + (std::size_t(4) << 20));
  if (!out_of_order) return;
  const auto kept = live();
  { const Workspace workspace(*out_of_order, 1 << 20); }
  CHECK(live() == kept);
}

TEST_SUITE_END();
