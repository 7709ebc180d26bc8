// Programs on drivers with odd compilers, and what becomes of NVIDIA's PTX.
#include <doctest/doctest.h>
#include <gpucompute/program.hpp>

#include <cstdlib>
#include <string>
#include <vector>

#include "program/kernel_signature.hpp"
#include "program/ptx_specialise.hpp"
#include "program/source_text.hpp"
#include "support/apart.hpp"
#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

namespace {

std::string specialised(const std::string &text, const std::string &target) {
  const auto out = ptx_specialise({text.begin(), text.end()}, target);
  return {out.begin(), out.end()};
}

ProgramDescription of_source(const std::string &text) {
  ProgramDescription description;
  description.sources.push_back({"source", text});
  return description;
}

const char *const fill_source =
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n";

}  // namespace

TEST_SUITE_BEGIN("program");

TEST_CASE("PTX is raised to the specific architecture") {
  CHECK(specialised(".version 8.0\n.target sm_90\nadd;\n//@sm_90a wgmma;\n//@sm_100a other;\n", "sm_90a") ==
        ".version 8.0\n.target sm_90a\nadd;\nwgmma;\n//@sm_100a other;\n");
  CHECK(specialised(".target sm_90, texmode_independent\n", "sm_90a") == ".target sm_90a, texmode_independent\n");
  CHECK(specialised(".target sm_90 \n", "sm_90") == ".target sm_90 \n");
  for (const char *other : {"",
                            "\x7f"
                            "ELF",
                            ".target sm_80\n", ".target sm_900\n", ".target sm_90"})
    CHECK_FAILS(Status::unsupported, "not PTX for sm_90, which sm_90a could be made of", specialised(other, "sm_90a"));
  CHECK_FAILS(Status::unsupported, "not PTX for ", specialised(".target sm_90\n", "letters"));
}

TEST_CASE("a driver without PTX refuses what only a specific architecture has") {
  check_apart("odd programs apart: for an architecture", fake(""));
}

TEST_CASE("odd programs apart: for an architecture" * doctest::skip()) {
  const Bench bench;
  ProgramDescription description = of_source(fill_source);
  description.ptx_target = "sm_90a";
  CHECK_FAILS(Status::unsupported, "the driver's binary is not PTX for sm_90",
              Program::create(*bench.context, description));
  description.use_cache = false;
  CHECK_FAILS(Status::unsupported, "the driver's binary is not PTX for sm_90",
              Program::create(*bench.context, description));
  ProgramDescription binary;
  binary.binary = bench.program(fill_source)->binary(nullptr);
  binary.ptx_target = "sm_90a";
  CHECK_FAILS(Status::invalid_argument, "ptx_target is for sources", Program::create(*bench.context, binary));
  binary.ptx_target.clear();
  CHECK(Program::create(*bench.context, binary)->kernel_names() == std::vector<std::string>{"fill_value"});
  ran();
}

TEST_CASE("a compiler that argument information breaks is tried without") {
  const std::string nvidia = "as:NVIDIA CUDA";
  const std::string plain = with_faults("clBuildProgram:1:-11");
  // The quotes end so that the name of the platform may have a blank.
  const std::string renamed = plain + " GPUC_FAKE='" + nvidia + "'";
  check_apart("odd programs apart: second try", renamed + " GPUC_TEST_WANTED=works");
  check_apart("odd programs apart: second try",
              with_faults("clBuildProgram:1+:-11") + " GPUC_FAKE='" + nvidia + "' GPUC_TEST_WANTED=fails");
  check_apart("odd programs apart: second try", plain + " GPUC_TEST_WANTED=fails");
}

TEST_CASE("odd programs apart: second try" * doctest::skip()) {
  const Bench bench;
  const std::string wanted = std::getenv("GPUC_TEST_WANTED");
  const auto build = [&] { return bench.program(fill_source, "-DX=1"); };
  if (wanted == "fails") {
    CHECK_FAILS(Status::build_failed, "the program does not build", build());
  } else {
    const auto program = build();
    const std::int32_t value = 7;
    const Bytes zeros(64, 0);
    const auto buffer = bench.buffer(zeros);
    const Argument arguments[] = {argument(*buffer), argument(value)};
    program->kernel("fill_value")->launch(*bench.queue, global_size(16), arguments, 2);
    for (std::size_t i = 0; i < 64; ++i) CHECK(bench.read(*buffer)[i] == (i % 4 ? 0 : 7));
  }
  ran();
}

TEST_CASE("a driver that minds line marks gets none, and its errors still have the place") {
  check_apart("odd programs apart: errors", fake("as:NVIDIA CUDA"));
  check_apart("odd programs apart: errors", fake("two"));
}

TEST_CASE("odd programs apart: errors" * doctest::skip()) {
  const Bench bench;
  ProgramDescription description;
  description.sources.push_back({"first.cl", fill_source});
  description.sources.push_back({"second.cl", "// a line\nint x = SYNTAX_ERROR;\n"});
  const Error failure = failure_of([&] { Program::create(*bench.context, description); });
  CHECK(failure.status() == Status::build_failed);
  CHECK(contains(failure.message(), "second.cl:2: error: "));
  CHECK(contains(failure.message(), "int x = SYNTAX_ERROR;"));
  ran();
}

TEST_CASE("texts of programs at their edges") {
  CHECK(without_line_marks("#line 1 \"a\"\nint x;\n#line 7 \"b\"\nint y;\n") == "\nint x;\n\nint y;\n");
  for (const char *name : {"F(a, ...)", "F()", "_x"}) {
    ProgramDescription description;
    description.defines.emplace_back(name, "1");
    CHECK_NOTHROW(join_sources(description));
  }
  for (const char *name : {"F(a;b)", "F(a", "1x", "a-b", ""}) {
    ProgramDescription description;
    description.defines.emplace_back(name, "1");
    CHECK_FAILS(Status::invalid_argument, "is not a macro name", join_sources(description));
  }
  // Unfinished directives include nothing and end nothing.
  for (const char *line : {"#", "# ", "#include", "#include \"open", "#inclu", "#pragma"})
    CHECK(contains(join_sources(of_source(std::string(line) + "\nint x;\n")), "int x;"));
  CHECK(first_error("two errors generated", "int x;\n") == "two errors generated");
  CHECK(first_error("error one\nerror two", "int x;\n") == "error one");
  CHECK(first_error("", "int x;\n").empty());
}

TEST_CASE("declarations at their edges") {
  // An unfinished directive, one that goes on in the next line, and one at the end.
  CHECK(parse_declaration("#define K kernel \\\nvoid k(int a)\nkernel void k(float b) {}\n#endif", "k").size() == 1);
  CHECK(parse_declaration("#define X \\", "k").empty());
  CHECK(parse_declaration("kernel void", "k").empty());
  CHECK(parse_declaration("kernel void k", "k").empty());
  CHECK(parse_declaration("kernel void k(int a", "k").size() <= 1);
  CHECK(parse_declaration("kernel __attribute__((reqd_work_group_size(1, 1, 1))) void k(int a) {}", "k").size() == 1);
  // A prototype that says something else: nobody knows which counts.
  for (const char *other : {"global int *a", "uint a", "int2 a", "struct s a", "int a, int b"})
    CHECK(parse_declaration(std::string("kernel void k(int a);\nkernel void k(") + other + ") {}", "k").empty());
  CHECK(parse_declaration("kernel void k(struct t a);\nkernel void k(struct s a) {}", "k").empty());
  CHECK(parse_declaration("kernel void k(int a);\nkernel void k(int b) {}", "k").size() == 1);
  for (const char *image : {"read_only image2d_t a", "write_only image2d_t a", "__read_write image2d_t a"}) {
    const auto arguments = parse_declaration(std::string("kernel void k(") + image + ") {}", "k");
    REQUIRE(arguments.size() == 1);
    CHECK(arguments[0].type_name == "image2d_t");
    CHECK(arguments[0].name == "a");
  }

  const auto followed = [](const std::string &source) {
    ArgumentInfo info;
    info.space = ArgumentSpace::by_value;
    info.type_name = "t";
    follow_typedefs(source, info);
    CHECK(info.type_name == "t");
    return info;
  };
  CHECK(followed("typedef const float t;").type == DataType::f32);
  CHECK(followed("typedef u t; typedef ushort4 u;").size == 8);
  CHECK(followed("typedef int t; typedef int t;").type == DataType::i32);
  CHECK(followed("typedef int t; typedef float t;").type == DataType::none);
  CHECK(followed("typedef t t;").type == DataType::none);  // for ever
  for (const char *odd :
       {"typedef", "typedef int", "typedef int t", "typedef int other;", "typedef int t[2];", "int t;"})
    CHECK(followed(odd).type == DataType::none);
}

TEST_SUITE_END();
