#include <doctest/doctest.h>

#include "gemm/k_parts.hpp"
#include "support/gemm_fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace gpucompute::test::gemms;

TEST_SUITE_BEGIN("gemm");

namespace {

GemmTask task_of(std::int64_t m, std::int64_t n, std::int64_t k, DataType type = DataType::f32) {
  return make_gemm_task(problem_of(type, m, n, k));
}

const GemmBackend &backend_named(const std::string &name) {
  for (const GemmBackend *backend : gemm_backends())
    if (name == backend->name()) return *backend;
  FAIL("no backend '", name, "'");
  std::abort();
}

}  // namespace

TEST_CASE("a long k is cut where C has few elements") {
  const std::uint64_t units = 132;
  const KParts parts = k_parts_for(task_of(64, 64, 65536), units);
  CHECK(parts.count > units / 2);
  CHECK(parts.count * parts.length <= 65536);
  CHECK(parts.length % 64 == 0);
  CHECK(parts.length >= 256);
  for (const GemmTask &task : {task_of(64, 64, 1024), task_of(640, 512, 65536), task_of(1 << 20, 1, 65536),
                               task_of(64, 64, 65536, DataType::c64), task_of(64, 64, 65536, DataType::i8)})
    CHECK(k_parts_for(task, units).count == 1);
  CHECK(k_parts_for(task_of(64, 64, 65536), 1).count == 1);
  CHECK(k_parts_for(task_of(512, 512, 4096), units).count == 4);
  GemmProblem batch = problem_of(DataType::f32, 64, 64, 65536);
  batch.batch_count = 2;
  batch.c_stride = 4096;
  CHECK(k_parts_for(make_gemm_task(batch), units).count == 1);
}

TEST_CASE("parts along k") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  std::uint64_t salt = 2200;
  for (DataType type : {DataType::bf16, DataType::f32, DataType::f64})
    for (const std::string &backend : able_backends(bench, type, 2))
      for (Transpose ta : transposes(type))
        for (Transpose tb : transposes(type))
          for (std::int64_t k : {192, 209}) {
            GemmProblem p = problem_of(type, 19, 35, k);
            p.transpose_a = ta;
            p.transpose_b = tb;
            p.alpha_real = 0.5;
            p.beta_real = k == 192 ? 0 : -1.25;
            p.layout = k == 192 ? Layout::row_major : Layout::column_major;
            spread(p, 3);
            const KParts parts{3, 64};
            const auto in_parts = [&](Queue &queue, const GemmProblem &problem, Buffer *a, Buffer *b, Buffer &c) {
              GemmTask task = make_gemm_task(problem);
              bind_gemm_buffers(task, problem, queue, a, b, c);
              // CLBlast has no C of another type.
              if (!backend_named(backend).refusal(parts_of(task, parts), queue).empty())
                return gemm(queue, problem, a, b, c);
              run_in_parts(backend_named(backend), task, parts, queue, {}, nullptr);
            };
            CHECK_EQ(run_and_compare(bench, *bench.queue, p, ++salt, {}, in_parts), "");
          }
}

TEST_SUITE_END();
