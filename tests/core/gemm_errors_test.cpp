#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "support/gemm_fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace gpucompute::test::gemms;

TEST_SUITE_BEGIN("gemm");

TEST_CASE("description errors") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 4096), other = Buffer::create(*bench.context, 4096);
  const auto third = Buffer::create(*bench.context, 4096);
  const auto expect = [&](Status status, const std::string &named, const std::function<void(GemmProblem &)> &change) {
    GemmProblem p = problem_of(DataType::f32, 4, 5, 6);
    change(p);
    CAPTURE(describe(p));
    check_error(status, named, [&] { gemm(*bench.queue, p, buffer.get(), other.get(), *third); });
    check_error(status, named, [&] { explain_gemm(*bench.queue, p); });
  };
  const auto invalid = Status::invalid_argument;
  expect(invalid, "type", [](GemmProblem &p) { p.type = DataType::i16; });
  expect(invalid, "type", [](GemmProblem &p) { p.type = static_cast<DataType>(99); });
  expect(invalid, "type", [](GemmProblem &p) { p.type = DataType::i32; });
  expect(invalid, "layout", [](GemmProblem &p) { p.layout = static_cast<Layout>(2); });
  expect(invalid, "transpose_a", [](GemmProblem &p) { p.transpose_a = static_cast<Transpose>(3); });
  expect(invalid, "transpose_b", [](GemmProblem &p) { p.transpose_b = static_cast<Transpose>(-1); });
  expect(invalid, "m is -1", [](GemmProblem &p) { p.m = -1; });
  expect(invalid, "n is -1", [](GemmProblem &p) { p.n = -1; });
  expect(invalid, "k is -1", [](GemmProblem &p) { p.k = -1; });
  expect(invalid, "lda is -1", [](GemmProblem &p) { p.lda = -1; });
  expect(invalid, "ldb is -1", [](GemmProblem &p) { p.ldb = -1; });
  expect(invalid, "ldc is -1", [](GemmProblem &p) { p.ldc = -1; });
  expect(invalid, "a_offset", [](GemmProblem &p) { p.a_offset = -1; });
  expect(invalid, "b_offset", [](GemmProblem &p) { p.b_offset = -1; });
  expect(invalid, "c_offset", [](GemmProblem &p) { p.c_offset = -1; });
  expect(invalid, "batch_count", [](GemmProblem &p) { p.batch_count = -1; });
  expect(invalid, "a_stride", [](GemmProblem &p) { p.a_stride = -1; });
  expect(invalid, "b_stride", [](GemmProblem &p) { p.b_stride = -1; });
  expect(invalid, "c_stride", [](GemmProblem &p) { p.c_stride = INT64_MIN; });
  expect(invalid, "alpha_imag", [](GemmProblem &p) { p.alpha_imag = 1; });
  expect(invalid, "beta_imag", [](GemmProblem &p) { p.beta_imag = 1; });
  expect(invalid, "lda is 5, must be >= 6 (row-major, A not transposed)", [](GemmProblem &p) { p.lda = 5; });
  expect(invalid, "lda is 3, must be >= 4 (row-major, A transposed)",
         [](GemmProblem &p) { p.lda = 3, p.transpose_a = Transpose::trans; });
  expect(invalid, "lda is 3, must be >= 4 (column-major, A not transposed)",
         [](GemmProblem &p) { p.lda = 3, p.layout = Layout::column_major; });
  expect(invalid, "ldb is 4, must be >= 5 (row-major, B not transposed)", [](GemmProblem &p) { p.ldb = 4; });
  expect(invalid, "ldb is 5, must be >= 6 (row-major, B transposed)",
         [](GemmProblem &p) { p.ldb = 5, p.transpose_b = Transpose::conj; });
  expect(invalid, "ldc is 4, must be >= 5 (row-major)", [](GemmProblem &p) { p.ldc = 4; });
  expect(invalid, "ldc is 3, must be >= 4 (column-major)",
         [](GemmProblem &p) { p.ldc = 3, p.layout = Layout::column_major; });
  expect(invalid, "c_stride is 0, must be >= 20", [](GemmProblem &p) { p.batch_count = 2; });
  expect(invalid, "c_stride is 19, must be >= 20", [](GemmProblem &p) { p.batch_count = 2, p.c_stride = 19; });
  expect(invalid, "c_stride is 8", [](GemmProblem &p) { p.batch_count = 3, p.c_stride = 8, p.ldc = 20; });
  expect(Status::not_found, "'no such'", [](GemmProblem &p) { p.backend = "no such"; });
  const std::int64_t most = INT64_MAX;
  expect(Status::overflow, "a_offset", [most](GemmProblem &p) { p.a_offset = most; });
  expect(Status::overflow, "lda", [most](GemmProblem &p) { p.lda = most; });
  expect(Status::overflow, "ldb", [most](GemmProblem &p) { p.ldb = most / 2; });
  expect(Status::overflow, "ldc", [most](GemmProblem &p) { p.ldc = most; });
  expect(Status::overflow, "b_stride",
         [most](GemmProblem &p) { p.batch_count = most, p.b_stride = most, p.c_stride = 20; });
  expect(Status::overflow, "c_stride", [most](GemmProblem &p) { p.batch_count = most, p.c_stride = most; });
  expect(Status::overflow, "the end of a", [most](GemmProblem &p) { p.m = most, p.k = most; });
  expect(Status::overflow, "the end of c", [most](GemmProblem &p) { p.m = most, p.n = most, p.k = 0; });
}

TEST_CASE("buffer errors") {
  const Bench bench, elsewhere;
  // A 4 x 6: 96 bytes; B 6 x 5: 120 bytes; C 4 x 5: 80 bytes.
  const GemmProblem p = problem_of(DataType::f32, 4, 5, 6);
  const auto a = Buffer::create(*bench.context, 96), b = Buffer::create(*bench.context, 120),
             c = Buffer::create(*bench.context, 80);
  const auto foreign = Buffer::create(*elsewhere.context, 4096), large = Buffer::create(*bench.context, 4096);
  gemm(*bench.queue, p, a.get(), b.get(), *c);
  const auto expect = [&](Status status, const std::string &named, const GemmProblem &problem, Buffer *pa, Buffer *pb,
                          Buffer &pc) {
    CAPTURE(describe(problem));
    check_error(status, named, [&] { gemm(*bench.queue, problem, pa, pb, pc); });
  };
  expect(Status::null_argument, "a is NULL", p, nullptr, b.get(), *c);
  expect(Status::null_argument, "b is NULL", p, a.get(), nullptr, *c);
  expect(Status::context_mismatch, "queue and a", p, foreign.get(), b.get(), *c);
  expect(Status::context_mismatch, "queue and b", p, a.get(), foreign.get(), *c);
  expect(Status::context_mismatch, "queue and c", p, a.get(), b.get(), *foreign);

  expect(Status::out_of_range, "a reaches byte 96", p, a->slice(0, 95).get(), b.get(), *c);
  expect(Status::out_of_range, "b reaches byte 120", p, a.get(), b->slice(0, 116).get(), *c);
  expect(Status::out_of_range, "c reaches byte 80", p, a.get(), b.get(), *c->slice(0, 79));
  GemmProblem q = p;
  q.layout = Layout::column_major;  // the names must not be exchanged with the matrices
  expect(Status::out_of_range, "a reaches byte 96", q, a->slice(0, 95).get(), b.get(), *c);
  expect(Status::out_of_range, "b reaches byte 120", q, a.get(), b->slice(0, 116).get(), *c);
  q = p;
  q.a_offset = 1;
  expect(Status::out_of_range, "a reaches byte 100", q, a.get(), b.get(), *c);
  q = p;
  q.ldc = 6;  // the last row needs no padding
  expect(Status::out_of_range, "c reaches byte 92", q, a.get(), b.get(), *c);
  q = p;
  q.batch_count = 2;
  q.c_stride = 20;
  expect(Status::out_of_range, "c reaches byte 160", q, a.get(), b.get(), *c);
  gemm(*bench.queue, q, a.get(), b.get(), *large);  // one A and B for both products
  q.b_stride = 1;
  expect(Status::out_of_range, "b reaches byte 124", q, a.get(), b.get(), *large);
  q = p;
  q.a_offset = (std::int64_t(1) << 60) - 100;  // 2^62 bytes: a 32- or 64-bit sum of these would wrap
  expect(Status::out_of_range, "a reaches byte", q, a.get(), b.get(), *c);

  expect(Status::misaligned, "a is a slice", p, large->slice(2, 2000).get(), b.get(), *c);
  expect(Status::misaligned, "b is a slice", p, a.get(), large->slice(1, 2000).get(), *c);
  expect(Status::misaligned, "c is a slice", p, a.get(), b.get(), *large->slice(3, 2000));
  if (bench.device().capabilities().fp64) {
    const GemmProblem wide = problem_of(DataType::c128, 1, 1, 1);
    expect(Status::misaligned, "c is a slice", wide, a.get(), b.get(), *large->slice(8, 2000));
  }

  expect(Status::overlap, "with a", p, large.get(), b.get(), *large);
  expect(Status::overlap, "with b", p, a.get(), large->slice(76, 120).get(), *large);
  gemm(*bench.queue, p, large->slice(80, 96).get(), large->slice(176, 120).get(), *large);  // side by side
  q = p;
  q.c_offset = 24;
  gemm(*bench.queue, q, large.get(), b.get(), *large);  // by offset
  q.c_offset = 23;
  expect(Status::overlap, "with a", q, large.get(), b.get(), *large);
  q.k = 0;  // not read: no overlap
  gemm(*bench.queue, q, large.get(), large.get(), *large);
  gemm(*bench.queue, p, large.get(), large.get(), *c);  // A and B may be one
  bench.queue->finish();
}

TEST_CASE("a type that the device lacks is refused by name") {
  const Bench bench;
  if (bench.device().capabilities().fp64) SKIP_TEST("for devices without double");
  const auto a = Buffer::create(*bench.context, 64), c = Buffer::create(*bench.context, 64);
  for (DataType type : {DataType::f64, DataType::c128})
    for (std::int64_t k : {0, 1})
      check_error(Status::unsupported, "f64",
                  [&] { gemm(*bench.queue, problem_of(type, 1, 1, k), a.get(), a.get(), *c); });
}

TEST_CASE("explain") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  GemmProblem p = problem_of(DataType::f32, 100, 100, 100);
  std::string told = explain_gemm(*bench.queue, p);
  CAPTURE(told);
  const auto names = backend_names();
  CHECK(static_cast<std::size_t>(std::count(told.begin(), told.end(), '\n')) == names.size());
  CHECK(told.back() == '\n');
  CHECK(told.substr(0, told.find('\n')).find(": chosen: ") != std::string::npos);
  for (const std::string &name : names) {
    p.backend = name;
    if (!cannot(bench, p).empty()) continue;
    told = explain_gemm(*bench.queue, p);
    CHECK(told.rfind(name + ": chosen: asked for by name", 0) == 0);
  }
  p.backend.clear();
  p.alpha_real = 0;
  CHECK(explain_gemm(*bench.queue, p).find("only scaled") != std::string::npos);

  p = problem_of(DataType::f32, 10, 10, 10);
  p.lda = std::int64_t(1) << 31;
  told = explain_gemm(*bench.queue, p);
  const auto another_serves = [](const std::string &text) {
    return text.rfind("clblast", 0) != 0 && text.substr(0, text.find('\n')).find(": chosen: ") != std::string::npos;
  };
  CHECK(another_serves(told));
  if (!has_backend("clblast")) {
    SKIP_PART("CLBlast is not compiled in");
    return;
  }
  CHECK(told.find("clblast: refused: it indexes with 32 bits") != std::string::npos);
  p.backend = "clblast";
  check_error(Status::unsupported, "32 bits", [&] { explain_gemm(*bench.queue, p); });
  p = problem_of(DataType::f16, 10, 10, 10);
  p.alpha_real = 0.1;
  CHECK(another_serves(explain_gemm(*bench.queue, p)));
}

TEST_SUITE_END();
