// The problems that the benches measure (bench/sizes): all are planned for, and those that are soon computed are right.
#include <doctest/doctest.h>

#include <map>
#include <sstream>

#include "support/gemm_fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace gpucompute::test::gemms;

namespace {

std::vector<std::string> split(const std::string &text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

// Lines "m n k [batch]", for f32 and f64, or "types modes ops m n k [batch]": see the files.
std::vector<GemmProblem> problems_of(const std::filesystem::path &path) {
  static const std::map<std::string, DataType> types{{"f16", DataType::f16},       {"bf16", DataType::bf16},
                                                     {"f32", DataType::f32},       {"f64", DataType::f64},
                                                     {"f8e4m3", DataType::f8e4m3}, {"i8", DataType::i8}};
  static const std::map<std::string, Compute> modes{
      {"-", Compute::standard}, {"tf32", Compute::tf32}, {"split", Compute::f32_split}};
  std::vector<GemmProblem> problems;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> words = split(line.substr(0, line.find('#')), ' ');
    if (words.empty()) continue;
    if (words[0].find_first_not_of("0123456789") == std::string::npos)
      words.insert(words.begin(), {"f32,f64", "-", "nn"});
    CAPTURE(line);
    REQUIRE((words.size() == 6 || words.size() == 7));
    for (const std::string &type : split(words[0], ','))
      for (const std::string &op : split(words[2], ',')) {
        GemmProblem p = problem_of(types.at(type), std::stoll(words[3]), std::stoll(words[4]), std::stoll(words[5]));
        p.compute = modes.at(words[1]);
        p.transpose_a = op[0] == 't' ? Transpose::trans : Transpose::none;
        p.transpose_b = op[1] == 't' ? Transpose::trans : Transpose::none;
        if (words.size() == 7) p.batch_count = std::stoll(words[6]);
        spread(p, 0);
        problems.push_back(p);
      }
  }
  return problems;
}

bool is_soon_computed(const GemmProblem &p) {
  return p.compute == Compute::standard && size_of(p.type) > 1 &&
         static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k * p.batch_count) <= 2.2e6;
}

}  // namespace

TEST_SUITE_BEGIN("gemm");

TEST_CASE("the problems of the benches") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  std::size_t files = 0, planned = 0, computed = 0;
  for (const auto &entry : std::filesystem::directory_iterator(BENCH_SIZES)) {
    ++files;
    CAPTURE(entry.path());
    for (const GemmProblem &p : problems_of(entry.path())) {
      CAPTURE(describe(p));
      if (const std::string reason = cannot(bench, p); !reason.empty()) {
        SKIP_PART("a problem of the benches: " + bare_reason(reason));
        continue;
      }
      ++planned;
      if (!is_soon_computed(p)) continue;
      check_gemm(bench, p, 73000 + ++computed);
    }
  }
  CHECK(files >= 5);
  CHECK(planned >= 100);
  CHECK(computed > 0);
}

TEST_SUITE_END();
