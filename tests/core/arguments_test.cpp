// Arguments of a launch: what reaches the kernel, and what is refused with which words.
#include <doctest/doctest.h>
#include <gpucompute/kernel.hpp>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("program");

namespace {

// Launches one work-item; what it leaves in a buffer of that size, which is the last argument and full of 0xEE before.
Bytes run(const Bench &bench, Kernel &kernel, std::vector<Argument> arguments, std::size_t size) {
  const auto out = bench.buffer(Bytes(size, 0xEE));
  arguments.push_back(argument(*out));
  kernel.launch(*bench.queue, global_size(1), arguments.data(), arguments.size());
  return bench.read(*out);
}

template <class T>
T as(const Bytes &bytes) {
  T value;
  REQUIRE(bytes.size() >= sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

Error refusal(const Bench &bench, Kernel &kernel, const std::vector<Argument> &arguments) {
  return failure_of([&] { kernel.launch(*bench.queue, global_size(1), arguments.data(), arguments.size()); });
}

void check_refused(const Bench &bench, Kernel &kernel, const std::vector<Argument> &arguments,
                   std::vector<std::string> parts, Status status = Status::kernel_argument) {
  const Error error = refusal(bench, kernel, arguments);
  CAPTURE(error.message());
  CHECK(error.status() == status);
  CHECK(error.message().find('\n') == std::string::npos);
  for (const std::string &part : parts) {
    CAPTURE(part);
    CHECK(contains(error.message(), part));
  }
}

// Copies each value to the output, so that every bit is seen.
const char *const echo_source = R"(
kernel void echo_char(char v, global char *o) { *o = v; }
kernel void echo_uchar(uchar v, global uchar *o) { *o = v; }
kernel void echo_short(short v, global short *o) { *o = v; }
kernel void echo_ushort(ushort v, global ushort *o) { *o = v; }
kernel void echo_int(int v, global int *o) { *o = v; }
kernel void echo_uint(uint v, global uint *o) { *o = v; }
kernel void echo_long(long v, global long *o) { *o = v; }
kernel void echo_ulong(ulong v, global ulong *o) { *o = v; }
kernel void echo_float(float v, global float *o) { *o = v; }
)";

template <class T>
void check_echo(const Bench &bench, Program &program, const char *name) {
  CAPTURE(name);
  const auto kernel = program.kernel(std::string("echo_") + name);
  Dice dice(70);
  CAPTURE(dice.seed());
  std::vector<T> values = {T(0), T(1), std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()};
  for (int i = 0; i < 10; ++i) {
    T value;
    const std::uint64_t bits = dice.bits();
    std::memcpy(&value, &bits, sizeof value);
    values.push_back(value);
  }
  for (T value : values) {
    const Bytes got = run(bench, *kernel, {argument(value)}, sizeof(T));
    CHECK(std::memcmp(got.data(), &value, sizeof value) == 0);
    // As bytes, too.
    CHECK(run(bench, *kernel, {bytes_argument(&value, sizeof value)}, sizeof(T)) == got);
  }
}

}  // namespace

TEST_CASE("scalars of every type arrive bit by bit") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto program = bench.program(echo_source);
  check_echo<std::int8_t>(bench, *program, "char");
  check_echo<std::uint8_t>(bench, *program, "uchar");
  check_echo<std::int16_t>(bench, *program, "short");
  check_echo<std::uint16_t>(bench, *program, "ushort");
  check_echo<std::int32_t>(bench, *program, "int");
  check_echo<std::uint32_t>(bench, *program, "uint");
  check_echo<std::int64_t>(bench, *program, "long");
  check_echo<std::uint64_t>(bench, *program, "ulong");
  check_echo<float>(bench, *program, "float");
  if (bench.context->devices().front()->capabilities().fp64) {
    const auto wide = bench.program("kernel void echo_double(double v, global double *o) { *o = v; }");
    check_echo<double>(bench, *wide, "double");
    CHECK(as<double>(run(bench, *wide->kernel("echo_double"), {argument(1.5f)}, 8)) == 1.5);
    CHECK(as<double>(run(bench, *wide->kernel("echo_double"), {argument(std::int64_t(-3))}, 8)) == -3);
  } else {
    SKIP_PART("the device has no double");
  }
}

TEST_CASE("scalars of another type are converted where that does not change them") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto program = bench.program(echo_source);
  const auto echo = [&](const char *name) { return program->kernel(std::string("echo_") + name); };
  CHECK(as<std::int8_t>(run(bench, *echo("char"), {argument(std::int64_t(-128))}, 1)) == -128);
  CHECK(as<std::uint8_t>(run(bench, *echo("uchar"), {argument(255.0)}, 1)) == 255);
  CHECK(as<std::uint16_t>(run(bench, *echo("ushort"), {argument(std::uint64_t(65535))}, 2)) == 65535);
  CHECK(as<std::int32_t>(run(bench, *echo("int"), {argument(2.0)}, 4)) == 2);
  CHECK(as<std::uint32_t>(run(bench, *echo("uint"), {argument(std::int32_t(7))}, 4)) == 7);
  CHECK(as<std::int64_t>(run(bench, *echo("long"), {argument(-0x1p63)}, 8)) == INT64_MIN);
  CHECK(as<std::uint64_t>(run(bench, *echo("ulong"), {argument(0x1p63f)}, 8)) == std::uint64_t(1) << 63);
  CHECK(as<float>(run(bench, *echo("float"), {argument(0.1)}, 4)) == 0.1f);
  CHECK(as<float>(run(bench, *echo("float"), {argument(std::int32_t(3))}, 4)) == 3.0f);
  CHECK(as<float>(run(bench, *echo("float"), {argument(std::numeric_limits<double>::infinity())}, 4)) ==
        std::numeric_limits<float>::infinity());
  const float nan = as<float>(run(bench, *echo("float"), {argument(std::numeric_limits<double>::quiet_NaN())}, 4));
  CHECK(nan != nan);

  const auto out = Buffer::create(*bench.context, 8);
  const auto refused = [&](const char *name, Argument value, const char *why) {
    check_refused(bench, *echo(name), {value, argument(*out)},
                  {"argument 0", "'v'", std::string("kernel 'echo_") + name + "'", name, why});
  };
  refused("char", argument(std::int32_t(128)), "got 128, must be -128 to 127");
  refused("uchar", argument(std::int32_t(-1)), "got -1, must be 0 to 255");
  refused("short", argument(std::uint16_t(32768)), "must be -32768 to 32767");
  refused("ushort", argument(std::int64_t(65536)), "must be 0 to 65535");
  refused("int", argument(2.5), "2.5");
  refused("int", argument(std::uint32_t(0x80000000u)), "2147483648");
  refused("uint", argument(std::int32_t(-1)), "must be 0 to");
  refused("long", argument(0x1p63), "9.22337e+18");
  refused("ulong", argument(-1.0), "-1");
  refused("int", argument(std::numeric_limits<double>::infinity()), "inf");
  refused("int", argument(std::numeric_limits<float>::quiet_NaN()), "nan");
  refused("float", argument(1e300), "too large");
  for (DataType type :
       {DataType::none, DataType::c64, DataType::c128, DataType::bf16, DataType::f16, static_cast<DataType>(77)}) {
    Argument odd = argument(1.0);
    odd.type = type;
    refused("int", odd, "got a scalar of type");
  }
}

TEST_CASE("half by value") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  if (bench.context->devices().front()->capabilities().fp16 < Fp16::arithmetic)
    SKIP_TEST("the device has no half arguments");
  const auto kernel = bench
                          .program(
                              "#pragma OPENCL EXTENSION cl_khr_fp16 : enable\nkernel void echo_half(half v, global "
                              "half *o) { *o = v; }")
                          ->kernel("echo_half");
  const std::uint16_t bits = 0x3555;
  CHECK(as<std::uint16_t>(run(bench, *kernel, {argument(DataType::f16, &bits, 2)}, 2)) == bits);
  CHECK(as<std::uint16_t>(run(bench, *kernel, {argument(1.0f)}, 2)) == 0x3C00);
  CHECK(as<std::uint16_t>(run(bench, *kernel, {argument(std::int32_t(-2))}, 2)) == 0xC000);
  CHECK(as<std::uint16_t>(run(bench, *kernel, {argument(0.1)}, 2)) == 0x2E66);
  const auto out = Buffer::create(*bench.context, 2);
  check_refused(bench, *kernel, {argument(65520.0), argument(*out)}, {"too large", "echo_half"});
}

TEST_CASE("vectors and structs go as bytes") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto program = bench.program(R"(
typedef struct { int a; float b; uchar c; long d; } Item;
typedef struct { int values[64]; } Large;
kernel void vectors(float4 v, int3 w, uchar2 x, global float4 *o) { *o = v * (float)w.z + (float)(x.x + w.x) * 0 + (float)x.y; }
kernel void item(Item i, global Item *o) { *o = i; }
kernel void large(Large l, global Large *o) { *o = l; }
)");
  const float v[4] = {1, 2, 3, 4};
  const std::int32_t w[4] = {5, 6, 7, 0};
  const std::uint8_t x[2] = {8, 9};
  const Bytes got =
      run(bench, *program->kernel("vectors"), {bytes_argument(v, 16), bytes_argument(w, 16), bytes_argument(x, 2)}, 16);
  for (std::size_t i = 0; i < 4; ++i) {
    float value;
    std::memcpy(&value, got.data() + 4 * i, 4);
    CHECK(value == v[i] * 7 + 9);
  }
  struct Item {
    std::int32_t a;
    float b;
    std::uint8_t c;
    std::int64_t d;
  } item;
  std::memset(&item, 0, sizeof item);
  item = {-5, 2.5f, 200, -(std::int64_t(1) << 40)};
  const Item back = as<Item>(run(bench, *program->kernel("item"), {bytes_argument(&item, sizeof item)}, sizeof item));
  CHECK(back.a == item.a);
  CHECK(back.b == item.b);
  CHECK(back.c == item.c);
  CHECK(back.d == item.d);
  std::int32_t large[64];
  for (int round = 0; round < 3; ++round) {  // a large one is set each time
    for (int i = 0; i < 64; ++i) large[i] = i * (round + 1);
    CHECK(std::memcmp(run(bench, *program->kernel("large"), {bytes_argument(large, sizeof large)}, sizeof large).data(),
                      large, sizeof large) == 0);
  }

  const auto out = Buffer::create(*bench.context, 256);
  const auto kernel = program->kernel("vectors");
  const Argument good[] = {bytes_argument(v, 16), bytes_argument(w, 16), bytes_argument(x, 2), argument(*out)};
  const auto with = [&](std::size_t index, Argument wrong) {
    std::vector<Argument> arguments(std::begin(good), std::end(good));
    arguments[index] = wrong;
    return arguments;
  };
  check_refused(bench, *kernel, with(0, bytes_argument(v, 12)), {"argument 0", "'v'", "vectors", "16 bytes, got 12"});
  check_refused(bench, *kernel, with(1, bytes_argument(w, 12)), {"argument 1", "'w'", "16 bytes, got 12"});
  check_refused(bench, *kernel, with(2, bytes_argument(x, 0)), {"argument 2", "got 0"});
  check_refused(bench, *kernel, with(2, bytes_argument(x, SIZE_MAX)), {"argument 2", "got 18446744073709551615"});
  check_refused(bench, *kernel, with(0, argument(1.0f)), {"argument 0", "is a vector"});
  check_refused(bench, *kernel, with(0, argument(*out)), {"argument 0", "takes a scalar or bytes, got a buffer"});
  check_refused(bench, *kernel, with(0, local_argument(16)),
                {"argument 0", "takes a scalar or bytes, got a local size"});
  check_refused(bench, *kernel, with(0, null_argument()), {"argument 0", "takes a scalar or bytes, got a null"});
  Argument unknown = good[0];
  unknown.kind = static_cast<ArgumentKind>(9);
  check_refused(bench, *kernel, with(0, unknown), {"argument 0", "unknown argument kind 9"});
  // A struct's size is the driver's to know, and not all drivers look.
  const Bytes block(bench.device().info().max_argument_bytes + 1, 0);
  check_refused(bench, *program->kernel("item"), {bytes_argument(block.data(), block.size()), argument(*out)},
                {"kernel 'item'", "bytes"});
  for (DataType type : {DataType::none, DataType::f16, DataType::c64, static_cast<DataType>(77)}) {
    Argument scalar = argument(1);
    scalar.type = type;
    check_refused(bench, *program->kernel("item"), {scalar, argument(*out)},
                  {"argument 0", "kernel 'item'", "got a scalar of type"});
  }
  // Not so what a typedef names.
  const auto named =
      bench.program("typedef long Index;\nkernel void named(Index i, global long *o) { *o = i; }")->kernel("named");
  CHECK(as<std::int64_t>(run(bench, *named, {argument(std::int64_t(-7))}, 8)) == -7);
  CHECK(as<std::int64_t>(run(bench, *named, {argument(std::int32_t(-7))}, 8)) == -7);
  check_refused(bench, *named, {argument(0.5f), argument(*out)},
                {"argument 0 'i' of kernel 'named'", "(Index)", "got 0.5"});
  check_refused(bench, *named, {bytes_argument(v, 4), argument(*out)},
                {"argument 0 'i' of kernel 'named'", "8 bytes, got 4"});
  // After all these failures the kernel works.
  CHECK(run(bench, *program->kernel("vectors"), {good[0], good[1], good[2]}, 16) == got);
}

TEST_CASE("local memory") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto kernel = bench
                          .program(R"(
kernel void turn(local int *a, local int *b, global int *o) {
  int i = get_local_id(0), n = get_local_size(0);
  a[i] = i; b[i] = 100 * i;
  barrier(CLK_LOCAL_MEM_FENCE);
  o[i] = a[n - 1 - i] + b[n - 1 - i];
})")
                          ->kernel("turn");
  const std::size_t n = std::min<std::size_t>(16, kernel->work_info(nullptr).max_work_group_size);
  LaunchSize size = global_size(n);
  size.local[0] = n;
  const auto out = Buffer::create(*bench.context, 4 * n);
  for (std::size_t room : {n, 4 * n, n}) {  // the size changes back and forth
    const Argument arguments[] = {local_argument(4 * room), local_argument(4 * n), argument(*out)};
    kernel->launch(*bench.queue, size, arguments, 3);
    const Bytes got = bench.read(*out);
    for (std::size_t i = 0; i < n; ++i) {
      std::int32_t value;
      std::memcpy(&value, got.data() + 4 * i, 4);
      CHECK(value == static_cast<std::int32_t>(101 * (n - 1 - i)));
    }
  }
  const std::size_t all = bench.device().info().local_memory;
  const auto with = [&](Argument a, Argument b) { return std::vector<Argument>{a, b, argument(*out)}; };
  check_refused(bench, *kernel, with(local_argument(0), local_argument(4)),
                {"argument 0 'a' of kernel 'turn'", "is 0"});
  check_refused(bench, *kernel, with(local_argument(4), local_argument(all)),
                {"argument 1", std::to_string(all + 4), "the device has " + std::to_string(all)});
  for (std::size_t large : {all + 1, std::size_t(1) << 62, SIZE_MAX})
    check_refused(bench, *kernel, with(local_argument(4), local_argument(large)), {"argument 1", "local memory"});
  check_refused(bench, *kernel, with(local_argument(SIZE_MAX), local_argument(4)), {"argument 0", "local memory"});
  check_refused(bench, *kernel, with(local_argument(4), argument(*out)),
                {"argument 1", "takes a local size, got a buffer"});
  check_refused(bench, *kernel, with(local_argument(4), argument(1)),
                {"argument 1", "takes a local size, got a scalar"});
  check_refused(bench, *kernel, with(local_argument(4), null_argument()),
                {"argument 1", "takes a local size, got a null"});
}

TEST_CASE("null for a buffer") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto kernel =
      bench
          .program(
              "kernel void maybe(global int *a, constant int *b, global int *o) { *o = (a ? 1 : 0) + (b ? 2 : 0); }")
          ->kernel("maybe");
  const auto buffer = bench.buffer(Bytes(64, 1));
  const Argument full = argument(*buffer), none = null_argument();
  for (int round = 0; round < 2; ++round) {
    CHECK(as<std::int32_t>(run(bench, *kernel, {none, none}, 4)) == 0);
    CHECK(as<std::int32_t>(run(bench, *kernel, {full, none}, 4)) == 1);
    CHECK(as<std::int32_t>(run(bench, *kernel, {none, full}, 4)) == 2);
    CHECK(as<std::int32_t>(run(bench, *kernel, {full, full}, 4)) == 3);
  }
}

TEST_CASE("wrong counts and kinds are refused by index, name and kernel") {
  const Bench bench, other;
  const auto kernel = bench
                          .program(
                              "kernel void scale(global float *data, constant float *table, float factor, uint count) "
                              "{ data[0] = table[0] * factor * count; }")
                          ->kernel("scale");
  const auto buffer = bench.buffer(Bytes(64, 0)), foreign = other.buffer(Bytes(64, 0));
  const auto slice = buffer->slice(0, 64);
  const std::vector<Argument> good = {argument(*buffer), argument(*slice), argument(1.0f), argument(2u)};
  CHECK_NOTHROW(kernel->launch(*bench.queue, global_size(1), good.data(), 4));
  for (std::size_t count : {std::size_t(0), std::size_t(1), std::size_t(3)})
    check_refused(bench, *kernel, {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(count)},
                  {"kernel 'scale' takes 4 arguments", "got " + std::to_string(count)});
  std::vector<Argument> five = good;
  five.push_back(argument(1));
  check_refused(bench, *kernel, five, {"takes 4 arguments, got 5"});
  const auto with = [&](std::size_t index, Argument wrong) {
    std::vector<Argument> arguments = good;
    arguments[index] = wrong;
    return arguments;
  };
  const int five_value = 5;
  check_refused(bench, *kernel, with(0, argument(1.0f)),
                {"argument 0 'data' of kernel 'scale'", "global float*", "takes a buffer, got a scalar"});
  check_refused(bench, *kernel, with(0, bytes_argument(&five_value, 4)), {"argument 0", "takes a buffer, got bytes"});
  check_refused(bench, *kernel, with(0, local_argument(64)), {"argument 0", "takes a buffer, got a local size"});
  check_refused(bench, *kernel, with(1, argument(3)), {"argument 1 'table'", "constant float*", "got a scalar"});
  check_refused(bench, *kernel, with(2, argument(*buffer)), {"argument 2 'factor'", "(float)", "got a buffer"});
  check_refused(bench, *kernel, with(3, null_argument()), {"argument 3 'count'", "uint", "got a null"});
  check_refused(bench, *kernel, with(0, argument(*foreign)), {"argument 0", "another context"},
                Status::context_mismatch);
  check_refused(bench, *kernel, with(3, argument(-1)),
                {"argument 3 'count' of kernel 'scale'", "got -1, must be 0 to 4294967295"});
  CHECK_NOTHROW(kernel->launch(*bench.queue, global_size(1), good.data(), 4));
  // They are checked where nothing is to be launched, too.
  CHECK(failure_of([&] { kernel->launch(*bench.queue, global_size(0), five.data(), 5); }).status() ==
        Status::kernel_argument);
}

TEST_CASE("a driver that tells nothing of arguments is helped by the source, or by its own checks") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  // Wrapped, a program has no source here, and was built without -cl-kernel-arg-info.
  const char *const source = "kernel void blend(global int *o, int a, float b) { *o = a + (int)b; }";
  cl_int code = CL_SUCCESS;
  cl_program native =
      clCreateProgramWithSource(bench.context->native(), 1, const_cast<const char **>(&source), nullptr, &code);
  REQUIRE(code == CL_SUCCESS);
  REQUIRE(clBuildProgram(native, 0, nullptr, "", nullptr, nullptr) == CL_SUCCESS);
  const auto kernel = Program::wrap(*bench.context, native)->kernel("blend");
  clReleaseProgram(native);
  REQUIRE(kernel->arguments().size() == 3);
  const auto out = Buffer::create(*bench.context, 4);
  const Argument arguments[] = {argument(*out), argument(40), argument(2.5f)};
  kernel->launch(*bench.queue, global_size(1), arguments, 3);
  CHECK(as<std::int32_t>(bench.read(*out)) == 42);
  if (kernel->arguments()[1].space == ArgumentSpace::unknown) {
    check_refused(bench, *kernel, {argument(*out), argument(std::int64_t(1)), argument(1.0f)},
                  {"argument 1", "kernel 'blend'", "8 bytes"});
    Argument nothing = argument(1);
    nothing.type = DataType::none;
    check_refused(bench, *kernel, {argument(*out), argument(1), nothing}, {"argument 2", "got a scalar of type none"});
  }
  kernel->launch(*bench.queue, global_size(1), arguments, 3);
  CHECK(as<std::int32_t>(bench.read(*out)) == 42);
}

TEST_SUITE_END();
