// What is known of a kernel's arguments, from its declaration and from the driver.
#include "program/kernel_signature.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("program");

namespace {

using Space = ArgumentSpace;

// The only argument of: kernel void k(<declaration>) {}
ArgumentInfo parsed(const std::string &declaration) {
  const auto arguments = parse_declaration("kernel void k(" + declaration + ") {}", "k");
  REQUIRE_MESSAGE(arguments.size() == 1, declaration);
  return arguments[0];
}

void check(const std::string &declaration, Space space, DataType type, unsigned width, std::size_t size,
           const std::string &name) {
  CAPTURE(declaration);
  const ArgumentInfo info = parsed(declaration);
  CHECK(info.space == space);
  CHECK(info.type == type);
  CHECK(info.vector_width == width);
  CHECK(info.size == size);
  CHECK(info.name == name);
}

std::vector<std::string> names(const std::vector<ArgumentInfo> &arguments) {
  std::vector<std::string> all;
  for (const ArgumentInfo &argument : arguments) all.push_back(argument.name);
  return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("scalars in every spelling") {
  check("char x", Space::by_value, DataType::i8, 1, 1, "x");
  check("signed char x", Space::by_value, DataType::i8, 1, 1, "x");
  check("uchar x", Space::by_value, DataType::u8, 1, 1, "x");
  check("unsigned char x", Space::by_value, DataType::u8, 1, 1, "x");
  check("short x", Space::by_value, DataType::i16, 1, 2, "x");
  check("short int x", Space::by_value, DataType::i16, 1, 2, "x");
  check("ushort x", Space::by_value, DataType::u16, 1, 2, "x");
  check("unsigned short x", Space::by_value, DataType::u16, 1, 2, "x");
  check("unsigned short int x", Space::by_value, DataType::u16, 1, 2, "x");
  check("int x", Space::by_value, DataType::i32, 1, 4, "x");
  check("signed x", Space::by_value, DataType::i32, 1, 4, "x");
  check("const int x", Space::by_value, DataType::i32, 1, 4, "x");
  check("int const x", Space::by_value, DataType::i32, 1, 4, "x");
  check("uint x", Space::by_value, DataType::u32, 1, 4, "x");
  check("unsigned x", Space::by_value, DataType::u32, 1, 4, "x");
  check("unsigned int x", Space::by_value, DataType::u32, 1, 4, "x");
  check("const unsigned int x", Space::by_value, DataType::u32, 1, 4, "x");
  check("long x", Space::by_value, DataType::i64, 1, 8, "x");
  check("long int x", Space::by_value, DataType::i64, 1, 8, "x");
  check("ulong x", Space::by_value, DataType::u64, 1, 8, "x");
  check("unsigned long x", Space::by_value, DataType::u64, 1, 8, "x");
  check("unsigned long int x", Space::by_value, DataType::u64, 1, 8, "x");
  check("half x", Space::by_value, DataType::f16, 1, 2, "x");
  check("float x", Space::by_value, DataType::f32, 1, 4, "x");
  check("double x", Space::by_value, DataType::f64, 1, 8, "x");
  check("private float x", Space::by_value, DataType::f32, 1, 4, "x");
  check("  float\n\tx  ", Space::by_value, DataType::f32, 1, 4, "x");
  check("float _x1", Space::by_value, DataType::f32, 1, 4, "_x1");
}

TEST_CASE("vectors") {
  check("float2 v", Space::by_value, DataType::f32, 2, 8, "v");
  check("float3 v", Space::by_value, DataType::f32, 3, 16, "v");
  check("const uchar16 v", Space::by_value, DataType::u8, 16, 16, "v");
  check("long8 v", Space::by_value, DataType::i64, 8, 64, "v");
  check("double4 v", Space::by_value, DataType::f64, 4, 32, "v");
  check("ushort3 v", Space::by_value, DataType::u16, 3, 8, "v");
  check("global int4 *v", Space::global, DataType::i32, 4, 0, "v");
  check("float5 v", Space::by_value, DataType::none, 1, 0, "v");
}

TEST_CASE("pointers") {
  check("global float *x", Space::global, DataType::f32, 1, 0, "x");
  check("__global float* x", Space::global, DataType::f32, 1, 0, "x");
  check("global float * restrict x", Space::global, DataType::f32, 1, 0, "x");
  check("const global float * restrict const x", Space::global, DataType::f32, 1, 0, "x");
  check("__global const float *__restrict x", Space::global, DataType::f32, 1, 0, "x");
  check("__global const float *__restrict__ x", Space::global, DataType::f32, 1, 0, "x");
  check("float global *x", Space::global, DataType::f32, 1, 0, "x");
  check("volatile global unsigned int *x", Space::global, DataType::u32, 1, 0, "x");
  check("constant short *x", Space::constant, DataType::i16, 1, 0, "x");
  check("__constant short *x", Space::constant, DataType::i16, 1, 0, "x");
  check("local uchar *x", Space::local, DataType::u8, 1, 0, "x");
  check("__local uchar *x", Space::local, DataType::u8, 1, 0, "x");
  check("global float x[]", Space::global, DataType::f32, 1, 0, "x");
  check("global float x[16]", Space::global, DataType::f32, 1, 0, "x");
  check("local float x[4 * (3 + 1)][2]", Space::local, DataType::f32, 1, 0, "x");
  check("global void *x", Space::global, DataType::none, 1, 0, "x");
  check("global float *global *x", Space::global, DataType::f32, 1, 0, "x");
  CHECK(parsed("global const float *x").type_name == "float*");
  CHECK(parsed("global Item *items").type_name == "Item*");
}

TEST_CASE("names of types, structs and unnamed arguments") {
  check("Item item", Space::by_value, DataType::none, 1, 0, "item");
  check("struct Item item", Space::by_value, DataType::none, 1, 0, "item");
  check("const struct Item item", Space::by_value, DataType::none, 1, 0, "item");
  check("global struct Item *items", Space::global, DataType::none, 1, 0, "items");
  check("global struct Item *", Space::global, DataType::none, 1, 0, "");
  check("struct Item", Space::by_value, DataType::none, 1, 0, "");
  check("int", Space::by_value, DataType::i32, 1, 4, "");
  check("unsigned int", Space::by_value, DataType::u32, 1, 4, "");
  check("float4", Space::by_value, DataType::f32, 4, 16, "");
  check("global float *", Space::global, DataType::f32, 1, 0, "");
  check("size_t n", Space::by_value, DataType::none, 1, 0, "n");
  CHECK(parsed("struct Item item").type_name == "struct Item");
  CHECK(parsed("struct Item").type_name == "struct Item");
  CHECK(parsed("unsigned int").type_name == "unsigned int");
}

TEST_CASE("attributes, comments and preprocessor lines are passed over") {
  check("__attribute__((aligned(16))) int x", Space::by_value, DataType::i32, 1, 4, "x");
  check("int x __attribute__((unused))", Space::by_value, DataType::i32, 1, 4, "x");
  check("global /* char */ float *x // int y\n", Space::global, DataType::f32, 1, 0, "x");
  const char *const forms[] = {
      "kernel void k(int a, float b) {}",
      "__kernel void k(int a, float b) {}",
      "kernel __attribute__((reqd_work_group_size(8, 8, 1))) void k(int a, float b) {}",
      "__kernel void __attribute__((vec_type_hint(float4))) k(int a, float b) {}",
      "__attribute__((reqd_work_group_size(64, 1, 1))) __kernel void k(int a, float b) {}",
      "kernel\nvoid\nk\n(\nint a,\nfloat b\n)\n{}",
      "// kernel void k(char z)\nkernel void k(int a, float b) {}",
      "/* kernel void k(char z) */ kernel void k(int a, float b) {}",
      "#define OLD kernel void k(char z)\nkernel void k(int a, float b) {}",
      "  #  define OLD \\\n kernel void k(char z)\nkernel void k(int a, float b) {}",
      "kernel void k(int a,\n#ifdef X\n#endif\n float b) {}",
      "kernel void kk(char z) {} kernel void k(int a, float b) {} kernel void k2(char z) {}",
      "void k(char z); kernel void k(int a, float b) {}",
      "kernel void other(global int *k) { k[0] = 1; } kernel void k(int a, float b) {}",
      "int kernel_of(int k) { return k; } kernel void k(int a, float b) {}",
      "kernel void k(int a, float b); kernel void k(int a, float b) {}",
  };
  for (const char *form : forms) {
    CAPTURE(form);
    const auto arguments = parse_declaration(form, "k");
    CHECK(names(arguments) == Names{"a", "b"});
    if (arguments.size() != 2) continue;
    CHECK(arguments[0].type == DataType::i32);
    CHECK(arguments[1].type == DataType::f32);
  }
}

TEST_CASE("several arguments, none, and what is no declaration") {
  const std::string two =
      "kernel void a(global float *x, constant int4 *y, local uchar *z, const double w, struct S s) {}\nkernel void "
      "b(void) {}\nkernel void c() {}";
  const auto arguments = parse_declaration(two, "a");
  CHECK(names(arguments) == Names{"x", "y", "z", "w", "s"});
  CHECK(parse_declaration(two, "b").empty());
  CHECK(parse_declaration(two, "c").empty());
  for (const char *source : {"", "kernel", "kernel void", "kernel void k", "kernel void k(", "kernel void k(int",
                             "kernel void k(int a", "kernel void k(((", "kernel void k)", "kernel void k(int a[", "/*",
                             "//", "#", "#define \\", "kernel void __attribute__((", "k(int a)", "kernel void k(,,)"}) {
    CAPTURE(source);
    CHECK(parse_declaration(source, "k").size() <= 3);  // whatever it is, it is harmless
  }
  CHECK(parse_declaration("kernel void k(int a) {}", "").empty());
  Dice dice(60);
  CAPTURE(dice.seed());
  const std::string alphabet = "kernel void k(int a[3], __attribute__((x)) float *b) /* */ // # \\ \n\"";
  for (int i = 0; i < 3000; ++i) {
    std::string noise;
    for (std::size_t n = dice.between(0, 60); n > 0; --n)
      noise += alphabet.substr(dice.between(0, alphabet.size() - 1), dice.between(1, 8));
    CHECK(parse_declaration(noise, "k").size() < 1000);
  }
}

TEST_CASE("typedefs of numbers are followed") {
  const char *const source =
      "typedef long Index; typedef unsigned int Count;\ntypedef Count Sum; typedef float4 Point;\n"
      "#ifdef X\ntypedef float Real;\n#else\ntypedef double Real;\n#endif\n"
      "typedef struct { int a; } Item; typedef Loop Loop; typedef Ping Pong; typedef Pong Ping; typedef float "
      "*Pointer; typedef int Array[4];\n";
  const auto resolved = [&](const char *name) {
    ArgumentInfo info;
    info.space = ArgumentSpace::by_value;
    info.type_name = name;
    follow_typedefs(source, info);
    CHECK(info.type_name == name);
    return info;
  };
  CHECK(resolved("Index").type == DataType::i64);
  CHECK(resolved("Index").size == 8);
  CHECK(resolved("Sum").type == DataType::u32);
  CHECK(resolved("Point").vector_width == 4);
  CHECK(resolved("Point").size == 16);
  for (const char *name : {"Real", "Item", "Loop", "Ping", "Pointer", "Array", "Unknown", ""}) {
    CAPTURE(name);
    CHECK(resolved(name).type == DataType::none);
    CHECK(resolved(name).size == 0);
  }
}

TEST_CASE("declarations that contradict each other tell nothing") {
  const char *const source =
      "#ifdef WIDE\nkernel void k(global double *x, double y) {}\n#else\nkernel void k(global float *x, float y) "
      "{}\n#endif\n";
  CHECK(parse_declaration(source, "k").empty());
}

TEST_CASE("the declaration agrees with what the driver tells") {
  const Bench bench;
  const bool fp64 = bench.context->devices().front()->capabilities().fp64;
  const std::string source =
      "typedef struct Pair { int a; float b; } Pair;\n"
      "kernel void many(global float *a, __global const uint * restrict b, constant short4 *c, local uchar *d, const "
      "int e, unsigned f,\n"
      "                float3 g, uchar16 h, long i, unsigned long j, char k, unsigned char l, short m, ushort n, "
      "global Pair *o, Pair p,\n"
      "                global unsigned int *q, volatile global long *r, float4 s, int2 t, global const char *u, struct "
      "Pair v, signed char w,\n"
      "                unsigned short x) { a[0] = 1; }\n"
      "kernel __attribute__((reqd_work_group_size(1, 1, 1))) void small(global int x[], int n) { x[0] = n; }\n" +
      std::string(fp64 ? "kernel void wide(double a, global double2 *b) { b[0].x = a; }\n" : "");
  const auto program = bench.program(source);
  std::size_t compared = 0;
  for (const std::string &name : program->kernel_names()) {
    CAPTURE(name);
    const auto kernel = program->kernel(name);
    cl_kernel native = kernel->create_native();
    cl_kernel_arg_address_qualifier space = 0;
    const bool told =
        clGetKernelArgInfo(native, 0, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof space, &space, nullptr) == CL_SUCCESS;
    clReleaseKernel(native);
    const auto parsed = parse_declaration(source, name);
    REQUIRE(parsed.size() == kernel->arguments().size());
    if (!told) {
      SKIP_PART("the driver tells nothing of kernel arguments");
      continue;
    }
    for (std::size_t i = 0; i < parsed.size(); ++i) {
      const ArgumentInfo &mine = parsed[i], &its = kernel->arguments()[i];
      CAPTURE(i);
      CAPTURE(its.type_name);
      CHECK(mine.space == its.space);
      CHECK(mine.type == its.type);
      CHECK(mine.vector_width == its.vector_width);
      CHECK(mine.size == its.size);
      CHECK((its.name.empty() || mine.name == its.name));
      ++compared;
    }
  }
  if (compared) CHECK(compared == (fp64 ? 28u : 26u));
}

TEST_SUITE_END();
