// The backend for CPU devices: every plan and every entry of its table, at sizes around the edges of tiles, slabs and
// blocks.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gemm/cpu_plan.hpp"
#include "gemm/gemm_state.hpp"
#include "support/gemm_fixture.hpp"
#include "support/log.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace gpucompute::test::gemms;

namespace {

constexpr DataType computed_types[] = {DataType::f32,  DataType::f64, DataType::f16,
                                       DataType::bf16, DataType::c64, DataType::c128};

// Whether the device is for this backend; says so if not.
bool is_for_cpu(const Bench &bench) {
  GemmProblem p = problem_of(DataType::f32, 8, 8, 8);
  p.backend = "cpu";
  const std::string reason = cannot(bench, p);
  if (!reason.empty()) note_skip(true, "no kernels for CPU devices there: " + bare_reason(reason));
  return reason.empty();
}

bool can_compute(const Bench &bench, DataType type) {
  return bench.device().capabilities().fp64 || (type != DataType::f64 && type != DataType::c128);
}

// Slabs and blocks so small that few elements make several of them.
CpuTuning in_small_pieces(CpuTuning tuning) {
  tuning.depth_bytes = tuning.vector_bytes;
  tuning.block_bytes = 4 * tuning.vectors * tuning.vector_bytes * 16;
  tuning.unit_rows = 2 * tuning.rows;
  tuning.panels_ahead = 2;
  tuning.alone_work = 0;
  return tuning;
}

GemmProblem random_problem(Random &random, DataType type, std::int64_t most) {
  // Every other size is near a multiple of what tiles have.
  const auto size = [&] {
    const std::int64_t any = random.integer(1, most);
    return random.integer(0, 1) ? any : std::max<std::int64_t>(1, any / 16 * 16 + random.integer(-1, 1));
  };
  GemmProblem p = problem_of(type, size(), size(), size());
  if (random.integer(0, 9) == 0) p.m = 1;
  if (random.integer(0, 9) == 0) p.n = 1;
  if (random.integer(0, 9) == 0) p.k = random.integer(1, 3);
  const auto transpose = [&] { return static_cast<Transpose>(random.integer(0, is_complex(type) ? 2 : 1)); };
  p.transpose_a = transpose();
  p.transpose_b = transpose();
  p.layout = static_cast<Layout>(random.integer(0, 1));
  p.batch_count = random.integer(0, 3) ? 1 : random.integer(2, 5);
  const double alphas[] = {1, -0.75, 2.5}, betas[] = {0, 1, 0.5, -2};
  p.alpha_real = alphas[random.integer(0, 2)];
  p.beta_real = betas[random.integer(0, 3)];
  if (is_complex(type)) {
    p.alpha_imag = alphas[random.integer(0, 2)];
    p.beta_imag = betas[random.integer(0, 3)];
  }
  spread(p, random.integer(0, 4));
  if (p.batch_count > 1 && random.integer(0, 3) == 0) p.a_stride = 0;
  if (p.batch_count > 1 && random.integer(0, 3) == 0) p.b_stride = 0;
  // Narrow factors may have a wide result.
  if ((type == DataType::f16 || type == DataType::bf16) && random.integer(0, 1)) p.c_type = DataType::f32;
  p.backend = "cpu";
  return p;
}

const Fills nan_in_c{ordinary, ordinary, [](Random &) { return Complex(nan_value, nan_value); }};

void check_random(const Bench &bench, DataType type, int count, std::int64_t most, std::uint64_t salt) {
  Random random(salt);
  for (int i = 0; i < count; ++i) {
    const GemmProblem p = random_problem(random, type, most);
    const bool overwrites = p.beta_real == 0 && p.beta_imag == 0;
    check_gemm(bench, p, salt + static_cast<std::uint64_t>(i), overwrites ? nan_in_c : Fills{});
  }
}

CpuKernel planned(const Bench &bench, const GemmProblem &p) {
  const GemmTask task = make_gemm_task(p);
  const bool is_double = task.is_double();
  return make_cpu_plan(task, CpuLimits::of(bench.device()), cpu_tuning(*bench.context, bench.device(), is_double))
      .kernel;
}

}  // namespace

TEST_SUITE_BEGIN("gemm");

TEST_CASE("cpu: it is chosen on CPU devices, and refuses others in words") {
  const Bench bench;
  const GemmProblem p = problem_of(DataType::f32, 100, 100, 100);
  const std::string told = explain_gemm(*bench.queue, p);
  if (is_cpu(bench))
    CHECK(told.rfind("cpu: chosen: ", 0) == 0);
  else
    CHECK(told.find("cpu: refused: the device is no CPU") != std::string::npos);
}

TEST_CASE("cpu: random problems") {
  const Bench bench;
  if (!is_for_cpu(bench)) return;
  const bool slow = quirks_of(bench.device()).checker;
  std::uint64_t salt = 20000;
  for (DataType type : computed_types)
    if (can_compute(bench, type)) {
      CAPTURE(name_of(type));
      check_random(bench, type, slow ? 15 : 150, slow ? 40 : 150, salt += 1000);
      if (!slow) check_random(bench, type, 8, 700, salt += 1000);
    }
}

TEST_CASE("cpu: random problems in small pieces, with every entry of the table") {
  std::uint64_t salt = 40000;
  for (const CpuTuning &entry : cpu_tuning_table()) {
    const Bench bench;
    if (!is_for_cpu(bench)) return;
    const bool slow = quirks_of(bench.device()).checker;
    for (const bool is_double : {false, true})
      put_cpu_tuning(*bench.context, bench.device(), is_double, in_small_pieces(entry));
    for (DataType type : computed_types)
      if (can_compute(bench, type)) {
        CAPTURE(name_of(type));
        CAPTURE(entry.vector_bytes);
        check_random(bench, type, slow ? 10 : 60, slow ? 30 : 120, salt += 1000);
      }
  }
}

TEST_CASE("cpu: each kernel is planned for, and right") {
  const Bench bench;
  if (!is_for_cpu(bench)) return;
  const bool slow = quirks_of(bench.device()).checker;
  const auto plan = [&](CpuKernel kernel, GemmProblem p) {
    p.backend = "cpu";
    p.beta_real = 0.5;
    spread(p, 3);
    CAPTURE(describe(p));
    CHECK(planned(bench, p) == kernel);
    check_gemm(bench, p, 60000);
  };
  GemmProblem p = problem_of(DataType::f32, 20, 40, 30);
  plan(CpuKernel::direct, p);
  p.transpose_a = Transpose::trans;
  plan(CpuKernel::direct_trans, p);
  p.transpose_b = Transpose::trans;
  plan(CpuKernel::packed, p);
  p.type = DataType::f16;
  p.transpose_b = Transpose::none;
  plan(CpuKernel::packed, p);
  p = problem_of(DataType::f32, 30, 3, 20);  // fewer columns than a vector has
  plan(CpuKernel::packed, p);
  if (!slow) plan(CpuKernel::packed, problem_of(DataType::f32, 300, 300, 300));
  for (Transpose transpose : {Transpose::none, Transpose::trans})
    for (DataType type : {DataType::f32, DataType::f16}) {
      p = problem_of(type, slow ? 70 : 3000, 1, slow ? 50 : 9000);
      p.transpose_a = p.transpose_b = transpose;
      plan(CpuKernel::gemv_column, p);
      std::swap(p.m, p.n);
      plan(CpuKernel::gemv_row, p);
    }
}

TEST_CASE("cpu: NaN and infinity around and in all edges") {
  const Bench bench;
  if (!is_for_cpu(bench)) return;
  std::uint64_t salt = 61000;
  // What stands in for missing rows and columns must not be seen, nor anything that is not an element.
  const Fill some = [](Random &random) {
    const std::int64_t choice = random.integer(0, 99);
    if (choice == 0) return Complex(infinity, 0);
    if (choice == 1) return Complex(nan_value, 0);
    return ordinary(random);
  };
  const bool slow = quirks_of(bench.device()).checker;
  for (DataType type : {DataType::f32, DataType::f64, DataType::f16, DataType::bf16})
    for (std::int64_t n : {17, 33, 1}) {
      if (!can_compute(bench, type)) continue;
      for (int transposes = 0; transposes < 4; ++transposes) {
        GemmProblem p = problem_of(type, slow ? 13 : 37, n, 35);
        p.transpose_a = static_cast<Transpose>(transposes & 1);
        p.transpose_b = static_cast<Transpose>(transposes >> 1);
        p.backend = "cpu";
        p.beta_real = 1;
        spread(p, 1);
        check_gemm(bench, p, ++salt, {some, ordinary, ordinary});
        check_gemm(bench, p, ++salt, {ordinary, some, some});
      }
    }
}

TEST_CASE("cpu: many small products, and more units than groups") {
  const Bench bench;
  if (!is_for_cpu(bench) || quirks_of(bench.device()).checker) return;
  for (std::int64_t size : {1, 4, 16, 33}) {
    GemmProblem p = problem_of(DataType::f32, size, size, size);
    p.batch_count = 5000;
    p.backend = "cpu";
    spread(p, 1);
    check_gemm(bench, p, 62000);
  }
}

TEST_CASE("cpu: a device with little local memory gets small slabs, one with hardly any is refused") {
  const Bench bench;
  if (!is_for_cpu(bench)) return;
  const CpuTuning tuning = cpu_tuning(bench.device());
  for (DataType type : computed_types) {
    const GemmTask task = make_gemm_task(problem_of(type, 1000, 1000, 1000));
    for (std::uint64_t bytes = 1 << 22; bytes >= 64; bytes /= 2) {
      CAPTURE(bytes);
      const CpuLimits limits{64, bytes};
      const std::string refusal = cpu_plan_refusal(task, limits, tuning);
      if (!refusal.empty()) {
        CHECK(bytes < 1 << 14);
        CHECK(refusal.find("bytes of local memory, the device has " + std::to_string(bytes)) != std::string::npos);
        continue;
      }
      const CpuPlan plan = make_cpu_plan(task, limits, tuning);
      CHECK(plan.local_bytes <= bytes);
      CHECK(plan.local_bytes > 0);
      CHECK(plan.shape.depth >= 1);
    }
    CHECK(!cpu_plan_refusal(task, CpuLimits{64, 128}, tuning).empty());
  }
}

TEST_CASE("cpu: where the kernels do not build, the next backend serves") {
  std::string logged;
  GemmProblem p = problem_of(DataType::f32, 50, 60, 70);
  spread(p, 1);
  {
    const BrokenKernels broken("gemm/cpu_");
    const Bench bench;
    if (!is_for_cpu(bench)) return;
    log_set([](void *to, int, const char *message) { *static_cast<std::string *>(to) += message; }, &logged,
            LogLevel::warning);
    std::string wrong;
    {
      const Silence silence;  // PoCL prints a line about the compiler
      wrong = run_and_compare(bench, *bench.queue, p, 63000);
    }
    log_set(nullptr, nullptr, LogLevel::off);
    CHECK_EQ(wrong, "");
    CHECK(logged.find("backend 'cpu' failed") != std::string::npos);
    CHECK(explain_gemm(*bench.queue, p).find("cpu: refused: it failed before") != std::string::npos);
  }
  const Bench fresh;
  CHECK(explain_gemm(*fresh.queue, p).rfind("cpu: chosen", 0) == 0);
  check_gemm(fresh, p, 63001);
}

TEST_SUITE_END();
