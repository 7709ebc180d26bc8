// What tuning does to products: every setting that may be tried is right, tables take effect, and the tuner itself.
#include <doctest/doctest.h>
#include <gpucompute/tuning.hpp>

#include <set>

#include "gemm/clblast_parameters.hpp"
#include "gemm/cpu_tuning.hpp"
#include "gemm/shipped_tuning.hpp"
#include "gemm/tuning_store.hpp"
#include "gemm/tunings.hpp"
#include "support/fixture.hpp"
#include "support/gemm_fixture.hpp"
#include "support/log.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using gemms::cannot;
using gemms::check_gemm;
using gemms::problem_of;

namespace {

const GemmBackend &backend_named(const std::string &name) {
  for (const GemmBackend *backend : gemm_backends())
    if (name == backend->name()) return *backend;
  FAIL("no backend ", name);
  return *gemm_backends().front();
}

std::string reason_for(const gemms::Bench &bench, const char *backend, DataType type) {
  GemmProblem problem = problem_of(type, 64, 64, 64);
  problem.backend = backend;
  return cannot(bench, problem);
}

// Each setting of each axis in turn, with products that have edges.
void check_settings(const char *name, DataType type, int most) {
  const gemms::Bench bench;
  if (const std::string reason = reason_for(bench, name, type); !reason.empty())
    return note_skip(false, std::string("nothing to tune for ") + name + " there: " + gemms::bare_reason(reason));
  const Tunable *tunable = backend_named(name).tunable();
  REQUIRE(tunable);
  REQUIRE(tunable->tunes(type, bench.device()));
  const TuningValues own = tunable->current(*bench.context, bench.device(), type);
  CHECK(!own.empty());
  std::uint64_t salt = 90000;
  int tried = 0;
  for (const TuningAxis &axis : tunable->axes(type, bench.device()))
    for (const TuningValues &setting : axis.settings) {
      TuningValues values = own;
      for (const auto &value : setting) values[value.first] = value.second;
      if (!tunable->refusal(values, type, bench.device()).empty() || ++tried > most) continue;
      tunable->use(values, type, *bench.context, bench.device());
      CHECK(tunable->current(*bench.context, bench.device(), type) == values);
      CAPTURE(axis.what);
      for (const auto &[m, n, k] :
           {std::array<std::int64_t, 3>{67, 45, 33}, {129, 131, 70}, {1, 50, 40}, {200, 64, 17}, {16, 16, 16}}) {
        GemmProblem problem = problem_of(type, m, n, k);
        problem.backend = name;
        problem.transpose_a = static_cast<Transpose>(salt % 2);
        problem.transpose_b = static_cast<Transpose>(salt / 2 % 2);
        problem.beta_real = salt % 3 ? 0.5 : 0;
        gemms::spread(problem, static_cast<std::int64_t>(salt % 4));
        check_gemm(bench, problem, salt++);
      }
    }
  tunable->use(own, type, *bench.context, bench.device());
  CHECK(tried > 0);
}

void check_spread(const gemms::Bench &bench, GemmProblem problem, std::uint64_t salt) {
  gemms::spread(problem, 1);
  check_gemm(bench, problem, salt);
}

ProductClass class_of(const GemmProblem &problem) {
  const auto products = ProductClass::of(make_gemm_task(problem));
  REQUIRE(products);
  return *products;
}

std::string first_line(const std::string &text) { return text.substr(0, text.find('\n')); }

}  // namespace

TEST_SUITE_BEGIN("tuning");

TEST_CASE("every setting of the kernels for CPU devices is right") {
  SKIP_WITHOUT_COMPILER();
  // On a checker each product takes seconds.
  const bool slow = quirks_of(*select_device("")).checker;
  for (DataType type : {DataType::f32, DataType::f64}) check_settings("cpu", type, slow ? 2 : 1000);
}

TEST_CASE("every setting of simt is right") {
  SKIP_WITHOUT_COMPILER();
  const bool slow = quirks_of(*select_device("")).checker;
  for (DataType type : {DataType::f32, DataType::f64}) check_settings("simt", type, slow ? 2 : 1000);
}

TEST_CASE("settings of CLBlast are right") {
  SKIP_WITHOUT_COMPILER();
  if (!gemms::has_backend("clblast")) return note_skip(true, "built without CLBlast");
  // Each takes a CPU's compiler some seconds.
  const bool cpu = select_device("")->info().type == DeviceType::cpu;
  check_settings("clblast", DataType::f32, cpu ? 2 : 1000);
}

TEST_CASE("batches are right in contexts that are older than CLBlast's parameters") {
  SKIP_WITHOUT_COMPILER();
  if (!gemms::has_backend("clblast")) return note_skip(true, "built without CLBlast");
  const gemms::Bench bench, other;
  if (const std::string reason = reason_for(bench, "clblast", DataType::f32); !reason.empty())
    return note_skip(true, "nothing to tune for clblast there: " + gemms::bare_reason(reason));
  if (quirks_of(bench.device()).checker) SKIP_TEST("a checker takes minutes for CLBlast's kernels");
  GemmProblem problem = problem_of(DataType::f32, 128, 128, 128);
  problem.backend = "clblast";
  problem.batch_count = 3;
  gemms::spread(problem, 0);
  problem.a_stride += 5;
  problem.c_stride += 7;
  check_gemm(bench, problem, 93000);
  // From now on all products are packed first, which CLBlast's own batches are not good at.
  const Tunable *tunable = backend_named("clblast").tunable();
  const TuningValues own = tunable->current(*other.context, other.device(), DataType::f32);
  TuningValues packed = own;
  packed["XGEMM_MIN_INDIRECT_SIZE"] = 0;
  REQUIRE(tunable->refusal(packed, DataType::f32, other.device()) == "");
  tunable->use(packed, DataType::f32, *other.context, other.device());
  check_gemm(bench, problem, 93001);
  check_gemm(other, problem, 93002);
  tunable->use(own, DataType::f32, *other.context, other.device());
  check_gemm(bench, problem, 93003);
}

TEST_CASE("values that kernels cannot be built from are refused") {
  const gemms::Bench bench;
  const Device &device = bench.device();
  const auto refused = [&](const char *backend, DataType type, const TuningValues &changes, const char *named) {
    const Tunable *tunable = backend_named(backend).tunable();
    TuningValues values = tunable->current(*bench.context, device, type);
    for (const auto &value : changes) values[value.first] = value.second;
    const std::string why = tunable->refusal(values, type, device);
    CHECK_MESSAGE(why.find(named) != std::string::npos, backend, ": ", why);
  };
  refused("cpu", DataType::f32, {{"rows", 7}}, "must be even");
  refused("cpu", DataType::f32, {{"rows", 18}}, "rows is 18, must be 2 to 16");
  refused("cpu", DataType::f32, {{"rows_mid", 16}}, "must be even, and fall");
  refused("cpu", DataType::f32, {{"depth_bytes", 0}}, "depth_bytes is 0");
  refused("cpu", DataType::f32, {{"block_bytes", std::int64_t{1} << 40}}, "block_bytes is 1099511627776");
  refused("cpu", DataType::f32, {{"speed", 3}}, "no parameter 'speed'");
  CpuTuning tile;
  tile.vector_bytes = 64;
  tile.rows = 14;
  CHECK(cpu_tile_refusal(tile).find("cannot be packed") != std::string::npos);
  tile.rows = 12;
  CHECK(cpu_tile_refusal(tile) == "");
  refused("simt", DataType::f32, {{"tile_rows", 96}}, "64 or 128 rows and columns, not 96");
  refused("simt", DataType::f32, {{"depth", 12}}, "depth is 12");
  refused("simt", DataType::f32, {{"GROUP", 12}}, "no parameter 'GROUP'");
  if (!gemms::has_backend("clblast")) return;
  const Tunable *clblast = backend_named("clblast").tunable();
  CHECK(clblast->refusal({{"MWG", 64}}, DataType::f32, device).find("is missing") != std::string::npos);

  TuningValues good;
  for (const TuningAxis &axis : clblast_axes(4, 1 << 16, 1024))
    for (const auto &value : axis.settings.front()) good[value.first] = value.second;
  CHECK(clblast_refusal(good, 4, 1 << 16, 1024) == "");
  const struct {
    const char *name;
    std::int64_t value;
    const char *named;
  } bad[] = {{"MWG", 48, "MWG is 48, no multiple of"},
             {"KWG", 3, "KWG is 3, no multiple of KWI"},
             {"VWM", 3, "must be a power of two"},
             {"MDIMC", 0, "MDIMC is 0"},
             {"WGD", 12, "WGD is 12"},
             {"GEMMK", 1, "GEMMK is 1"},
             {"SA", 2, "SA is 2, must be 0 to 1"},
             {"XGEMM_MIN_INDIRECT_SIZE", -1, "must be 0 to"},
             {"MDIMAD", 3, "no multiple of"},
             {"NDIMB", 64, "no multiple of"}};
  for (const auto &change : bad) {
    TuningValues values = good;
    values[change.name] = change.value;
    const std::string why = clblast_refusal(values, 4, 1 << 16, 1024);
    CHECK_MESSAGE(why.find(change.named) != std::string::npos, change.name, ": ", why);
  }
  CHECK(clblast_refusal(good, 4, 64, 1024).find("bytes of local memory, the device has 64") != std::string::npos);
  CHECK(clblast_refusal(good, 4, 1 << 16, 4).find("the device allows 4") != std::string::npos);
  // Where nothing fits, nothing is tried.
  for (const TuningAxis &axis : clblast_axes(16, 64, 1)) CHECK((axis.settings.empty() || axis.sizes.front() == 256));
}

TEST_CASE("a table takes effect in contexts that are made afterwards") {
  const TemporaryFolder folder;
  const Environment variable("GPUC_TUNING", folder.path().c_str());
  const GemmProblem problem = problem_of(DataType::f32, 100, 90, 80);
  const gemms::Bench before;
  const std::string told = explain_gemm(*before.queue, problem);
  CHECK(told.rfind("reference: chosen", 0) != 0);
  CHECK(told.find("measured") == std::string::npos);

  DeviceTuning tuning;
  tuning.put(TunedChoice{class_of(problem), "reference", 123});
  GemmProblem other = problem;
  other.transpose_a = Transpose::trans;
  tuning.put(TunedChoice{class_of(other), "a backend of another version", 123});
  tuning.put(TunedValues{"simt", DataType::f32, {{"tile_rows", 64}, {"tile_columns", 128}}, 110});
  save_tuning(before.device(), tuning);
  CHECK(explain_gemm(*before.queue, problem) == told);

  const gemms::Bench after;
  const std::string chosen = first_line(explain_gemm(*after.queue, problem));
  CHECK_MESSAGE(chosen.find("reference: chosen: ") == 0, chosen);
  CHECK(chosen.find("measured to be the fastest here") != std::string::npos);
  CHECK(first_line(explain_gemm(*after.queue, other)) == first_line(explain_gemm(*before.queue, other)));
  GemmProblem forced = problem;
  forced.backend = "simt";
  if (cannot(after, forced).empty()) {
    CHECK(explain_gemm(*after.queue, forced).rfind("simt: chosen: asked for by name\n", 0) == 0);
    CHECK(backend_named("simt").tunable()->current(*after.context, after.device(), DataType::f32) ==
          TuningValues{{"depth", 16}, {"tile_columns", 128}, {"tile_rows", 64}});
  }
  if (quirks_of(after.device()).checker || !has_compiler(after.device())) return;
  check_spread(after, problem, 91000);
  check_spread(after, other, 91001);
}

TEST_CASE("the library's own table holds, and the user's in its place") {
  const TemporaryFolder folder;
  const Environment variable("GPUC_TUNING", folder.path().c_str());
  const gemms::Bench before;
  const auto shipped = shipped_tuning(before.device().info().name);
  if (!shipped || shipped->choices.empty()) SKIP_TEST("the library has no table for the device");
  const TunedChoice &choice = shipped->choices.front();
  const std::int64_t n = std::int64_t{1} << choice.products.size_log2;
  GemmProblem problem = problem_of(choice.products.a, n, n, n);
  problem.transpose_a = choice.products.a_transposed ? Transpose::trans : Transpose::none;
  problem.transpose_b = choice.products.b_transposed ? Transpose::trans : Transpose::none;
  const std::string chosen = first_line(explain_gemm(*before.queue, problem));
  CHECK(chosen.find(choice.backend + ": chosen: ") == 0);
  CHECK(chosen.find("measured to be the fastest here") != std::string::npos);

  // For a type of which the user's table has something, the library's has no say.
  DeviceTuning tuning;
  tuning.put(TunedChoice{class_of(problem_of(choice.products.a, 4096, 4096, 4096)), "reference", 123});
  save_tuning(before.device(), tuning);
  const gemms::Bench after;
  CHECK(first_line(explain_gemm(*after.queue, problem)).find("measured") == std::string::npos);
}

TEST_CASE("what a backend refuses of a table is left out, and the log says so") {
  const TemporaryFolder folder;
  const Environment variable("GPUC_TUNING", folder.path().c_str());
  const Device &device = *select_device("");
  DeviceTuning tuning;
  tuning.put(TunedValues{"simt", DataType::f32, {{"tile_rows", 1000}}, 110});
  tuning.put(TunedValues{"cpu", DataType::f16, {}, 110});
  tuning.put(TunedValues{"magic", DataType::f32, {}, 110});
  tuning.put(TunedValues{"reference", DataType::f32, {}, 110});
  save_tuning(device, tuning);
  static std::vector<std::string> lines;
  lines.clear();
  log_set([](void *, int, const char *line) { lines.push_back(line); }, nullptr, LogLevel::warning);
  const gemms::Bench bench;
  explain_gemm(*bench.queue, problem_of(DataType::f32, 100, 100, 100));
  log_set(nullptr, nullptr, LogLevel::off);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].find("64 or 128 rows and columns, not 1000") != std::string::npos);
  CHECK(lines[1].find("no parameters for the type") != std::string::npos);
  CHECK(lines[2].find("no such backend") != std::string::npos);
  CHECK(backend_named("simt").tunable()->current(*bench.context, device, DataType::f32).at("tile_rows") == 128);
}

TEST_CASE("tune measures, stores and uses") {
  const TemporaryFolder folder;
  const Environment variable("GPUC_TUNING", folder.path().c_str());
  const gemms::Bench bench;
  if (quirks_of(bench.device()).checker) SKIP_TEST("a checker's times say nothing, and it takes minutes");
  TuneOptions options;
  options.type = DataType::f32;
  options.max_size = 128;
  options.seconds = 5;
  SUBCASE("parameters of one backend") {
    options.backend = gemms::is_cpu(bench) ? "cpu" : "simt";
    tune(*bench.queue, options);
    const auto tuning = load_tuning(bench.device());
    REQUIRE(tuning);
    CHECK(tuning->device == bench.device().info().name);
    CHECK(tuning->date.size() == 10);
    CHECK(tuning->choices.empty());
    for (const TunedValues &tuned : tuning->values) {
      CHECK(tuned.backend == options.backend);
      CHECK(tuned.gain_percent >= 103);
      CHECK(backend_named(tuned.backend).tunable()->refusal(tuned.values, tuned.type, bench.device()) == "");
    }
  }
  SUBCASE("all, in no time") {
    options.seconds = 1e-9;
    tune(*bench.queue, options);
    CHECK(load_tuning(bench.device())->empty());
  }
  SUBCASE("all") {
    options.max_size = 64;
    tune(*bench.queue, options);
    const auto tuning = load_tuning(bench.device());
    REQUIRE(tuning);
    // What was found is in force here.
    for (const TunedChoice &choice : tuning->choices) {
      GemmProblem problem =
          problem_of(DataType::f32, std::int64_t{1} << choice.products.size_log2,
                     std::int64_t{1} << choice.products.size_log2, std::int64_t{1} << choice.products.size_log2);
      problem.transpose_a = static_cast<Transpose>(choice.products.a_transposed);
      problem.transpose_b = static_cast<Transpose>(choice.products.b_transposed);
      CHECK(explain_gemm(*bench.queue, problem).rfind(choice.backend + ": chosen: ", 0) == 0);
    }
  }
  if (!has_compiler(bench.device())) return;
  for (std::int64_t n : {31, 64, 130}) check_spread(bench, problem_of(DataType::f32, n, n, n), 92000);
}

TEST_CASE("bad options are refused") {
  const TemporaryFolder folder;
  const Environment variable("GPUC_TUNING", folder.path().c_str());
  const gemms::Bench bench;
  const auto refused = [&](Status status, const char *named, void (*change)(TuneOptions &)) {
    TuneOptions options;
    change(options);
    gemms::check_error(status, named, [&] { tune(*bench.queue, options); });
  };
  refused(Status::invalid_argument, "type is ", [](TuneOptions &o) { o.type = DataType::i8; });
  refused(Status::invalid_argument, "type is 99", [](TuneOptions &o) { o.type = static_cast<DataType>(99); });
  for (const double seconds : {0.0, -1.0, 86401.0, gemms::nan_value}) {
    TuneOptions options;
    options.seconds = seconds;
    gemms::check_error(Status::invalid_argument, "seconds is ", [&] { tune(*bench.queue, options); });
  }
  refused(Status::invalid_argument, "max_size is 31", [](TuneOptions &o) { o.max_size = 31; });
  refused(Status::invalid_argument, "max_size is 16385", [](TuneOptions &o) { o.max_size = 16385; });
  refused(Status::not_found, "backend is 'magic'", [](TuneOptions &o) { o.backend = "magic"; });
  refused(Status::unsupported, "'reference' has no parameters", [](TuneOptions &o) { o.backend = "reference"; });
  if (!bench.device().capabilities().fp64)
    refused(Status::unsupported, "no product of that type", [](TuneOptions &o) { o.type = DataType::f64; });
  CHECK(std::filesystem::is_empty(folder.path()) == bench.device().capabilities().fp64);
  const Environment off("GPUC_TUNING", "0");
  refused(Status::invalid_state, "turns it off", [](TuneOptions &) {});
}

TEST_SUITE_END();
