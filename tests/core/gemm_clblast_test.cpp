#include <doctest/doctest.h>
#include <cstdlib>
#include <string>

#include "support/gemm_fixture.hpp"
#include "support/log.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace gpucompute::test::gemms;

TEST_SUITE_BEGIN("gemm");

TEST_CASE("products that clblast packs") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  if (quirks_of(bench.device()).checker) SKIP_TEST("too slow on a checker");
  std::uint64_t salt = 2000;
  for (const std::string &backend : able_backends(bench, DataType::f32))
    for (int variant = 0; variant < 3; ++variant) {
      // Multiples of every tile, then odd; the second matrix of a batch never starts at offset 0.
      GemmProblem p = problem_of(DataType::f32, 640, 640, 512);
      if (variant == 1) p = problem_of(DataType::f32, 577, 583, 591);
      p.backend = backend;
      p.layout = variant == 2 ? Layout::column_major : Layout::row_major;
      p.transpose_a = variant == 1 ? Transpose::trans : Transpose::none;
      p.batch_count = variant == 1 ? 1 : 2;
      p.beta_real = 0.5;
      spread(p, variant == 2 ? 0 : 5);
      check_gemm(bench, p, ++salt);
    }
}

TEST_CASE("products that share a workspace on an out-of-order queue") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  if (!bench.device().info().out_of_order || quirks_of(bench.device()).checker)
    SKIP_TEST("no out-of-order queues, or a checker");
  const auto queue = Queue::create(*bench.context, nullptr, Queue::out_of_order);
  GemmProblem p = problem_of(DataType::f32, 600, 600, 600);
  p.batch_count = 3;
  p.a_stride = 0;
  spread(p, 1);
  for (const std::string &backend : able_backends(bench, DataType::f32, 3)) {
    p.backend = backend;
    CHECK_EQ(run_and_compare(bench, *queue, p, 5800), "");
  }
}

TEST_CASE("where clblast fails to build, the next one serves") {
  SKIP_WITHOUT_COMPILER();
  if (!has_backend("clblast")) SKIP_TEST("CLBlast is not compiled in");
  const BrokenKernels broken("gemm/cpu_");  // where the cpu backend would come first
  const Bench bench;
  const std::string first = explain_gemm(*bench.queue, problem_of(DataType::f32, 20, 30, 40));
  if (first.rfind("clblast", 0) != 0 && first.rfind("cpu", 0) != 0) SKIP_TEST("another backend comes before CLBlast");
  std::string logged;
  log_set([](void *to, int, const char *message) { *static_cast<std::string *>(to) += message; }, &logged,
          LogLevel::warning);
  ::setenv("CLBLAST_BUILD_OPTIONS", "-Dget_group_id=+/+", 1);  // read by CLBlast
  GemmProblem p = problem_of(DataType::f32, 20, 30, 40);
  spread(p, 1);
  std::string wrong;
  {
    const Silence silence;  // CLBlast prints the compiler's log
    wrong = run_and_compare(bench, *bench.queue, p, 6000);
  }
  CHECK_EQ(wrong, "");
  CHECK(logged.find("clblast") != std::string::npos);
  CHECK(explain_gemm(*bench.queue, p).find("clblast: refused: it failed before") != std::string::npos);
  p.backend = "clblast";
  check_error(Status::unsupported, "failed before", [&] { explain_gemm(*bench.queue, p); });
  ::unsetenv("CLBLAST_BUILD_OPTIONS");
  logged.clear();
  p.backend.clear();
  check_gemm(bench, p, 6001);  // not tried again
  CHECK_EQ(logged, "");
  log_set(nullptr, nullptr, LogLevel::off);

  const Bench fresh;
  {
    const Silence silence;  // the compiler says a line about the broken kernels
    wrong = run_and_compare(fresh, *fresh.queue, p, 6002);
  }
  CHECK_EQ(wrong, "");
  CHECK(explain_gemm(*fresh.queue, p).rfind("clblast: chosen", 0) == 0);
}

TEST_SUITE_END();
