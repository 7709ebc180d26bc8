// Joining sources, headers and macro definitions, and finding the first error in a build log.
#include "program/source_text.hpp"

#include <doctest/doctest.h>

#include <string>

#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("program");

namespace {

ProgramDescription sources(std::vector<SourceText> texts, std::vector<SourceText> headers = {}) {
  ProgramDescription description;
  description.sources = std::move(texts);
  description.headers = std::move(headers);
  return description;
}

int count(const std::string &text, const std::string &part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("sources are joined with marks that name them") {
  CHECK(join_sources(sources({{"a.cl", "int a;\nint b;"}, {"b.cl", "int c;\n"}})) ==
        "#line 1 \"a.cl\"\nint a;\nint b;\n#line 1 \"b.cl\"\nint c;\n");
  CHECK(join_sources(sources({{"w", "int a;\r\nint b;\r\n"}})) == "#line 1 \"w\"\nint a;\nint b;\n");
  CHECK(join_sources(sources({{"e", ""}})) == "#line 1 \"e\"\n");
  CHECK(join_sources(sources({{"with \"quotes\" and \\", "x"}})) == "#line 1 \"with \\\"quotes\\\" and \\\\\"\nx\n");
  // A name cannot end its line and bring in text of its own.
  const std::string joined = join_sources(sources({{"a\nint injected;\r", "x"}}));
  CHECK(count(joined, "\n") == 2);
  CHECK(count(joined, "\r") == 0);
}

TEST_CASE("headers are put in where they are included") {
  const std::string joined =
      join_sources(sources({{"main", "  #  include \"h\"  // c\nint b;\n#include <h>\n#include \"other\"\n"}},
                           {{"h", "int a;"}, {"unused", "no"}}));
  CHECK(joined ==
        "#line 1 \"main\"\n#line 1 \"h\"\nint a;\n#line 2 \"main\"\nint b;\n#include <h>\n#include \"other\"\n");
  CHECK(includes_files(joined));
  CHECK_FAILS(Status::invalid_argument, "a header has no name",
              join_sources(sources({{"main", ""}}, {{"", "int a;"}})));
}

TEST_CASE("headers include each other so deep and no deeper") {
  const auto chain = [](int length) {
    std::vector<SourceText> headers;
    for (int i = 0; i < length; ++i)
      headers.push_back(
          {std::to_string(i), "#include \"" + std::to_string(i + 1) + "\"\nint x" + std::to_string(i) + ";"});
    return join_sources(sources({{"main", "#include \"0\""}}, std::move(headers)));
  };
  CHECK(count(chain(200), "int x") == 200);
  CHECK_FAILS(Status::invalid_argument, "200 deep, at header '200'", chain(201));
}

TEST_CASE("an include of nothing is none") {
  CHECK(!includes_files("#include \r\nint a;"));
  CHECK(!includes_files("#include"));
  CHECK(includes_files("#include x\r"));
}

TEST_CASE("headers that are included again come again, unless they say once") {
  const std::string plain = join_sources(sources({{"m", "#include \"h\"\n#include \"h\"\n"}}, {{"h", "int a;"}}));
  CHECK(count(plain, "int a;") == 2);
  for (const char *once : {"#pragma once", "  #  pragma   once  "}) {
    const std::string joined =
        join_sources(sources({{"m", "#include \"h\"\n#include \"i\"\n#include \"h\"\n"}, {"n", "#include \"h\""}},
                             {{"h", std::string(once) + "\nint a;"}, {"i", "#include \"h\"\nint b;"}}));
    CHECK(count(joined, "int a;") == 1);
    CHECK(count(joined, "int b;") == 1);
    CHECK(count(joined, "pragma") == 0);
  }
  CHECK(count(join_sources(sources({{"m", "#include \"h\"\n#include \"h\"\n"}}, {{"h", "#pragma twice once\nint a;"}})),
              "int a;") == 2);
  // Mutual inclusion ends.
  const std::string mutual = join_sources(sources(
      {{"m", "#include \"a\"\n"}}, {{"a", "#include \"b\"\nint a;"}, {"b", "#include \"a\"\n#include \"b\"\nint b;"}}));
  CHECK(count(mutual, "int a;") == 1);
  CHECK(count(mutual, "int b;") == 1);
  CHECK_FALSE(includes_files(mutual));
}

TEST_CASE("macros are defined before everything, and cannot be anything else") {
  ProgramDescription description = sources({{"m", "x"}});
  description.defines = {{"A", "1"}, {"_B2", ""}, {"F(x, y)", "((x) + (y))"}};
  CHECK(join_sources(description) == "#define A 1\n#define _B2 \n#define F(x, y) ((x) + (y))\n#line 1 \"m\"\nx\n");
  for (const char *name : {"", "1A", "A B", "A-B", "A=1", "F(x", "F)", "A\n", "A\n#define B", "F(x\n)", "F(x)\nint y;)",
                           "F(x)(", "F(\r)", "\xC3\xA4"}) {
    CAPTURE(name);
    description.defines = {{name, "1"}};
    CHECK_FAILS(Status::invalid_argument, "define", join_sources(description));
  }
  for (const char *value : {"1\nint y;", "\n", "1\n", "1\rint y;", "1 \\"}) {
    CAPTURE(value);
    description.defines = {{"A", value}};
    CHECK_FAILS(Status::invalid_argument, "the value of define 'A'", join_sources(description));
  }
}

TEST_CASE("an include that is left is seen") {
  CHECK(includes_files("#include <x.h>"));
  CHECK(includes_files("int a;\n \t# \t include \"x.h\"\n"));
  CHECK(includes_files("#include MACRO"));
  CHECK_FALSE(includes_files(""));
  CHECK_FALSE(includes_files("int include;\n// include \"x\"\n#define include_it 1\n"));
  CHECK_FALSE(includes_files(std::string(2'000'000, ' ') + "include"));  // nothing recurses with the length of a line
}

TEST_CASE("the first error of a log, with its line") {
  const std::string joined =
      join_sources(sources({{"one.cl", "int a;\n  int b = c;\n"}, {"two.cl", "\n\nfloat x y;\n"}}));
  CHECK(first_error("", joined) == "");
  CHECK(first_error("warning: all is well\n", joined) == "");
  // clang's form, PoCL's, and those without a column.
  CHECK(first_error("one.cl:1:1: warning: w\none.cl:2:11: error: undeclared 'c'\nmore\ntwo.cl:3:8: error: later\n",
                    joined) == "one.cl:2: error: undeclared 'c' | int b = c;");
  CHECK(first_error("error: two.cl:3:8: expected ';'\n", joined) == "two.cl:3: error: expected ';' | float x y;");
  CHECK(first_error("two.cl:3: error: expected ';'\n", joined) == "two.cl:3: error: expected ';' | float x y;");
  CHECK(first_error("one.cl:2:1: fatal error: it", joined) == "one.cl:2: error: it | int b = c;");
  CHECK(first_error("one.cl:99:1: error: beyond", joined) == "one.cl:99: error: beyond");
  CHECK(first_error("Compilation ERROR\nerror of some kind\n", joined) == "error of some kind");
  // A driver that does not heed #line counts the joined text's lines, and calls it something else.
  CHECK(first_error("<kernel>:6:1: error: it", joined) == "two.cl:2: error: it");
  CHECK(first_error("<kernel>:7:1: error: it", joined) == "two.cl:3: error: it | float x y;");
  CHECK(first_error("one.cl:2:1: error: it", join_sources(sources({{"one.cl", "\n" + std::string(1000, 'x')}}))) ==
        "one.cl:2: error: it | " + std::string(200, 'x'));
}

TEST_CASE("a log or a source with a line without an end is no danger") {
  const std::string endless(3'000'000, 'x');
  const std::string joined = join_sources(sources({{"m", endless}}));
  CHECK(contains(first_error("m:1:1: error: " + endless, joined), "m:1: error: xxx"));
  CHECK(first_error("m:1:1: error: it\n" + endless, joined) == "m:1: error: it | " + std::string(200, 'x'));
  CHECK(first_error(endless + "\nm:1:1: error: it", joined) == "m:1: error: it | " + std::string(200, 'x'));
  CHECK(first_error(endless + " error", "").size() < 2000);
  CHECK(first_error(std::string(3'000'000, ' ') + "error", "").size() < 2000);
}

TEST_SUITE_END();
