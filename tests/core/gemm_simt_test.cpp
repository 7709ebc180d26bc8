// The kernel for any GPU: every shape of its tiles, in quads and one by one, and the choice among them.
#include <doctest/doctest.h>

#include "gemm/simt_tile.hpp"
#include "support/gemm_fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace gpucompute::test::gemms;

namespace {

std::vector<SimtTile> all_tiles() {
  std::vector<SimtTile> tiles = small_simt_tiles();
  for (const auto &[rows, columns] : {std::pair<std::uint64_t, std::uint64_t>{64, 128}, {128, 64}, {128, 128}})
    for (std::uint64_t depth : {8, 16}) tiles.push_back(large_simt_tile(rows, columns, depth));
  return tiles;
}

How by_tile(const SimtTile &tile) {
  return [tile](Queue &queue, const GemmProblem &problem, Buffer *a, Buffer *b, Buffer &c) {
    GemmTask task = make_gemm_task(problem);
    bind_gemm_buffers(task, problem, queue, a, b, c);
    run_simt(task, tile, queue, {}, {});
  };
}

// Banded's slices start three elements of the larger type into their buffers.
void in_quads(GemmProblem &p) {
  spread(p, 0);
  const auto start = [&](DataType type) {
    const std::size_t before = 3 * std::max(size_of(p.type), size_of(c_type_of(p))) / size_of(type);
    return static_cast<std::int64_t>(16 - before % 4);
  };
  p.a_offset = p.b_offset = start(p.type);
  p.c_offset = start(c_type_of(p));
}

bool can(const Bench &bench, DataType type) {
  GemmProblem p = problem_of(type, 8, 8, 8);
  p.backend = "simt";
  const std::string reason = cannot(bench, p);
  if (!reason.empty()) SKIP_PART("simt " + std::string(name_of(type)) + ": " + bare_reason(reason));
  return reason.empty();
}

DeviceInfo gpu_of(std::uint64_t units) {
  DeviceInfo info;
  info.type = DeviceType::gpu;
  info.compute_units = units;
  info.max_work_group_size = info.max_work_items[0] = 1024;
  info.local_memory = 48 << 10;
  return info;
}

const SimtTile &chosen(const DeviceInfo &info, std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t batch = 1,
                       std::int64_t pad = 0) {
  GemmProblem p = problem_of(DataType::f32, m, n, k);
  p.batch_count = batch;
  spread(p, pad);
  static const SimtTile large = large_simt_tile(128, 128, 16);
  const SimtTile *tile = simt_tile_for(make_gemm_task(p), large, info);
  REQUIRE(tile);
  return *tile;
}

}  // namespace

TEST_SUITE_BEGIN("gemm");

TEST_CASE("simt: every tile is right, in quads and one by one") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const bool cpu = bench.device().info().type == DeviceType::cpu;
  std::uint64_t salt = 70000;
  for (DataType type : {DataType::f32, DataType::f64, DataType::bf16, DataType::f16}) {
    if (!can(bench, type)) continue;
    for (const SimtTile &tile : all_tiles()) {
      const std::size_t element = type == DataType::f64 ? 8 : 4;
      if (!tile.fits(bench.device().info(), element)) {
        SKIP_PART("simt " + std::string(name_of(type)) + ": a tile needs more than the device has");
        continue;
      }
      // Other types differ in how an element is read. A CPU's compiler takes a second for each kernel.
      ++salt;
      int combinations = type == DataType::f32 ? 4 : 1;
      if (cpu) combinations = type == DataType::f32 ? 2 : salt % 4 == 0;
      for (int i = 0; i < combinations; ++i) {
        const bool quads = (salt + static_cast<std::uint64_t>(i)) % 2 == 0;
        const auto rows = static_cast<std::int64_t>(tile.rows), columns = static_cast<std::int64_t>(tile.columns);
        GemmProblem p = problem_of(type, rows + (quads ? 12 : 11), columns + (quads ? 4 : 5),
                                   static_cast<std::int64_t>(tile.depth) * 2 + (quads ? 4 : 3));
        p.transpose_a = static_cast<Transpose>((salt / 2 + static_cast<std::uint64_t>(i) / 2) % 2);
        p.transpose_b = static_cast<Transpose>((salt / 4 + static_cast<std::uint64_t>(i) / 4) % 2);
        p.batch_count = i % 3 + 1;
        p.alpha_real = 0.5;
        p.beta_real = i % 2 ? -1.25 : 0;
        quads ? in_quads(p) : spread(p, 3);
        CAPTURE(tile.rows);
        CAPTURE(tile.columns);
        CAPTURE(tile.depth);
        CAPTURE(tile.slices);
        CHECK_EQ(run_and_compare(bench, *bench.queue, p, salt * 8 + static_cast<std::uint64_t>(i), {}, by_tile(tile)),
                 "");
      }
    }
  }
}

TEST_CASE("simt: NaN in C is not read with beta 0, and comes through with another") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  if (!can(bench, DataType::f32)) return;
  Fills fills;
  fills.c = [](Random &) { return Complex(nan_value, nan_value); };
  for (double beta : {0.0, 1.0})
    for (const SimtTile *tile : {&small_simt_tiles().front(), &small_simt_tiles().back()}) {
      if (!tile->fits(bench.device().info(), 4)) continue;
      GemmProblem p = problem_of(DataType::f32, 40, 24, 8);
      p.beta_real = beta;
      in_quads(p);
      CHECK_EQ(run_and_compare(bench, *bench.queue, p, 71000, fills, by_tile(*tile)), "");
    }
}

TEST_CASE("simt: the tile follows the product and the device") {
  const DeviceInfo large = gpu_of(132), small = gpu_of(4);
  CHECK(chosen(large, 4096, 4096, 4096).rows == 128);
  // More tiles than 64 bits count, times 0 products: nothing to do, but explained.
  CHECK(chosen(large, 1LL << 62, 1LL << 62, 1, 0).items() > 0);
  // Not enough of the large ones for all units.
  CHECK(chosen(large, 512, 512, 512).rows < 64);
  CHECK(chosen(small, 512, 512, 512).rows >= 64);
  // A small C and a long k: items share out k.
  CHECK(chosen(large, 128, 128, 4096).slices > 1);
  CHECK(chosen(small, 16, 16, 4096).slices > 1);
  // As narrow as C.
  CHECK(chosen(large, 65536, 16, 64).columns == 16);
  CHECK(chosen(large, 16, 65536, 64).rows == 16);
  CHECK(chosen(large, 16, 16, 16, 16384).rows == 16);
  CHECK(chosen(large, 32, 32, 32, 8192).rows == 32);
  CHECK(chosen(large, 64, 64, 64, 4096).slices == 1);
  // Of elements that are moved one by one not so many at a time.
  CHECK(chosen(large, 37, 37, 37, 4096, 1).depth == 8);

  DeviceInfo tiny = gpu_of(2);
  tiny.local_memory = 8 << 10;
  tiny.max_work_group_size = 64;
  const SimtTile &little = chosen(tiny, 4096, 4096, 4096);
  CHECK(little.items() <= 64);
  CHECK(little.local_bytes(4) <= tiny.local_memory);
  tiny.max_work_group_size = 31;
  CHECK(simt_tile_for(make_gemm_task(problem_of(DataType::f32, 64, 64, 64)), large_simt_tile(128, 128, 16), tiny) ==
        nullptr);
}

TEST_SUITE_END();
