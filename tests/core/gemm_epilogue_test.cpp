// What goes beyond the BLAS: narrow types, results of another type than the factors, epilogues and groups, on every
// backend that can serve them, against float64.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "support/gemm_fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace gpucompute::test::gemms;

namespace {

double f8_value(DataType type, unsigned bits) {
  const int fraction_bits = type == DataType::f8e4m3 ? 3 : 2, bias = type == DataType::f8e4m3 ? 7 : 15;
  const double sign = bits & 0x80 ? -1 : 1;
  const int exponent = static_cast<int>((bits & 0x7f) >> fraction_bits);
  const int fraction = static_cast<int>(bits & ((1u << fraction_bits) - 1)), one = 1 << fraction_bits;
  if (type == DataType::f8e4m3 && (bits & 0x7f) == 0x7f) return std::nan("");
  if (type == DataType::f8e5m2 && exponent == 31) return fraction ? std::nan("") : sign * INFINITY;
  return sign * (exponent ? std::ldexp(one + fraction, exponent - bias - fraction_bits)
                          : std::ldexp(fraction, 1 - bias - fraction_bits));
}

double element(DataType type, const unsigned char *in) {
  if (type == DataType::f8e4m3 || type == DataType::f8e5m2) return f8_value(type, *in);
  if (type == DataType::i8) return static_cast<signed char>(*in);
  if (type != DataType::i32) return decode(type, in).real();
  std::int32_t value = 0;
  std::memcpy(&value, in, sizeof value);
  return value;
}

// Numbers of the type around 1, finite ones.
void random_element(DataType type, Random &random, unsigned char *out) {
  if (type == DataType::i8) {
    *out = static_cast<unsigned char>(random.integer(0, 255));
  } else if (type == DataType::i32) {
    const auto value = static_cast<std::int32_t>(random.integer(-100000, 100000));
    std::memcpy(out, &value, sizeof value);
  } else if (type == DataType::f8e4m3 || type == DataType::f8e5m2) {
    do *out = static_cast<unsigned char>(random.integer(0, 255));
    while (!(std::abs(f8_value(type, *out)) <= 4));
  } else {
    encode(type, random.real(-1, 1), out);
  }
}

// rows x columns in row-major order, `ld` apart, as it lies on the device.
struct Matrix {
  DataType type;
  std::int64_t ld;
  Bytes bytes;
  std::shared_ptr<Buffer> buffer;

  Matrix(const Bench &bench, DataType t, std::int64_t lines, std::int64_t pitch, Random &random)
      : type(t), ld(pitch), bytes(static_cast<std::size_t>(lines * pitch + 7) * size_of(t)) {
    for (std::size_t i = 0; i < bytes.size(); i += size_of(t)) random_element(t, random, bytes.data() + i);
    buffer = Buffer::create(*bench.context, bytes.size());
    buffer->write(*bench.queue, 0, bytes.size(), bytes.data());
  }
  double at(std::int64_t line, std::int64_t i) const {
    return element(type, bytes.data() + static_cast<std::size_t>(line * ld + i) * size_of(type));
  }
};

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::gelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::silu:
      return x / (1 + std::exp(-x));
    default:
      return x;
  }
}

// Of one sum of k products, relative to the sum of their magnitudes: units of what they are computed in. Matrix units
// cut off instead of rounding, and sum f8 with some 14 bits.
double sum_error(const GemmProblem &p, DataType type) {
  const double terms = static_cast<double>(p.k + 4);
  if (type == DataType::i8) return 0;
  if (type == DataType::f64) return terms * 0x1p-52;
  if (type == DataType::f8e4m3 || type == DataType::f8e5m2) return terms * 0x1p-13;
  if (p.compute == Compute::tf32) return 0x1p-9 + terms * 0x1p-23;
  return terms * 0x1p-23;
}

double rounding(DataType type) {
  switch (type) {
    case DataType::f16:
      return 0x1p-10;
    case DataType::bf16:
      return 0x1p-7;
    case DataType::f64:
      return 0x1p-50;
    case DataType::i32:
      return 0;
    default:
      return 0x1p-20;
  }
}

// The same product told by its transpose: row-major matrices are column-major ones turned, and C^T = op(B)^T * op(A)^T.
GemmProblem column_major(GemmProblem p) {
  p.layout = Layout::column_major;
  std::swap(p.m, p.n);
  std::swap(p.transpose_a, p.transpose_b);
  std::swap(p.lda, p.ldb);
  std::swap(p.a_stride, p.b_stride);
  if (p.b_type != DataType::none) std::swap(p.type, p.b_type);
  if (p.bias != Bias::none) p.bias = p.bias == Bias::per_row ? Bias::per_column : Bias::per_row;
  return p;
}

// Runs row-major problems whose buffers are made here, and compares. Pads of 0 allow backends their fastest ways.
// `turned`: as the column-major problem that it is as well.
void check(const Bench &bench, GemmProblem p, std::int64_t pad, std::uint64_t salt, bool turned = false) {
  CAPTURE(describe(p));
  CAPTURE(static_cast<int>(p.activation));
  CAPTURE(pad);
  Random random(salt);
  const bool ta = p.transpose_a != Transpose::none, tb = p.transpose_b != Transpose::none;
  const DataType b_type = p.b_type == DataType::none ? p.type : p.b_type;
  const bool f8 = p.type == DataType::f8e4m3 || p.type == DataType::f8e5m2;
  const DataType c_type = p.c_type != DataType::none ? p.c_type
                          : p.type == DataType::i8   ? DataType::i32
                          : f8                       ? DataType::bf16
                                                     : p.type;
  const std::int64_t groups = p.group_rows.empty() ? 1 : static_cast<std::int64_t>(p.group_rows.size());
  const std::int64_t columns = p.activation == Activation::swiglu ? p.n / 2 : p.n;
  p.lda = (ta ? p.m : p.k) + pad;
  p.ldb = (tb ? p.k : p.n) + pad;
  p.ldc = columns + pad;
  p.residual_ld = columns + 2 * pad;
  const std::int64_t b_lines = tb ? p.n : p.k;
  p.b_stride = b_lines * p.ldb;
  const Matrix a(bench, p.type, ta ? p.k : p.m, p.lda, random), b(bench, b_type, groups * b_lines, p.ldb, random),
      c(bench, c_type, p.m, p.ldc, random), residual(bench, c_type, p.m, p.residual_ld, random),
      bias(bench, p.bias_type == DataType::none ? c_type : p.bias_type, 1, std::max(p.m, p.n), random);
  if (p.bias != Bias::none) p.bias_buffer = bias.buffer.get();
  const bool has_residual = p.residual != nullptr;
  if (has_residual) p.residual = residual.buffer.get();
  if (turned)
    gemm(*bench.queue, column_major(p), b.buffer.get(), a.buffer.get(), *c.buffer);
  else
    gemm(*bench.queue, p, a.buffer.get(), b.buffer.get(), *c.buffer);
  Bytes after(c.bytes.size());
  c.buffer->read(*bench.queue, 0, after.size(), after.data());

  std::size_t wrong = 0;
  std::string first;
  std::int64_t group = 0, group_end = p.group_rows.empty() ? p.m : p.group_rows[0];
  std::vector<double> x(static_cast<std::size_t>(p.n)), error(static_cast<std::size_t>(p.n));
  Bytes rest = after;
  for (std::int64_t row = 0; row < p.m; ++row) {
    while (row >= group_end) group_end += p.group_rows[static_cast<std::size_t>(++group)];
    for (std::int64_t column = 0; column < p.n; ++column) {
      double sum = 0, magnitude = 0;
      for (std::int64_t i = 0; i < p.k; ++i) {
        const double av = ta ? a.at(i, row) : a.at(row, i);
        const double bv = tb ? b.at(group * b_lines + column, i) : b.at(group * b_lines + i, column);
        sum += av * bv;
        magnitude += std::abs(av * bv);
      }
      const auto at = static_cast<std::size_t>(column);
      x[at] = p.alpha_real * sum;
      if (p.beta_real != 0) x[at] += p.beta_real * c.at(row, column);
      if (p.bias != Bias::none) x[at] += bias.at(0, p.bias == Bias::per_row ? row : column);
      error[at] = std::abs(p.alpha_real) * magnitude * sum_error(p, p.type) + 0x1p-20 * std::abs(x[at]);
      if (c_type == DataType::i32) error[at] = 0;
    }
    for (std::int64_t column = 0; column < columns; ++column) {
      const auto at = static_cast<std::size_t>(p.activation == Activation::swiglu ? 2 * column : column);
      double value = activated(p.activation, x[at]), bound = 1.2 * error[at];
      if (p.activation == Activation::swiglu) {
        const double gate = activated(Activation::silu, x[at]);
        value = gate * x[at + 1];
        bound = 1.2 * error[at] * std::abs(x[at + 1]) + std::abs(gate) * error[at + 1];
      }
      bound *= std::abs(p.output_scale);
      value *= p.output_scale;
      if (has_residual) value += residual.at(row, column);
      bound += rounding(c_type) * (std::abs(value) + 0x1p-14);
      const std::size_t offset = static_cast<std::size_t>(row * p.ldc + column) * size_of(c_type);
      const double got = element(c_type, after.data() + offset);
      if (!(std::abs(got - value) <= bound) && wrong++ == 0)
        first = text("(", row, ", ", column, ") is ", got, ", should be ", value, " +- ", bound);
      std::copy_n(c.bytes.begin() + static_cast<std::ptrdiff_t>(offset), size_of(c_type),
                  rest.begin() + static_cast<std::ptrdiff_t>(offset));
    }
  }
  CHECK_MESSAGE(wrong == 0, wrong, " wrong; ", first);
  CHECK_MESSAGE(rest == c.bytes, "wrote outside of C");
}

// "" and every backend that can serve the problem on the device.
std::vector<std::string> able(const Bench &bench, GemmProblem p) {
  std::vector<std::string> names;
  for (const std::string &name : backend_names()) {
    p.backend = name;
    if (cannot(bench, p).empty() && too_slow_to_build(bench, p).empty()) names.push_back(name);
  }
  return names;
}

}  // namespace

TEST_SUITE_BEGIN("gemm");

TEST_CASE("narrow factors, and results of another type") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const DataType none = DataType::none;
  const struct {
    DataType a, b, c;
  } types[] = {{DataType::i8, none, none},
               {DataType::i8, none, DataType::f32},
               {DataType::f8e4m3, none, none},
               {DataType::f8e5m2, DataType::f8e4m3, DataType::f16},
               {DataType::f8e4m3, DataType::f8e5m2, DataType::f32},
               {DataType::f8e5m2, none, none},
               {DataType::bf16, none, none},
               {DataType::bf16, none, DataType::f32},
               {DataType::f16, none, DataType::f32}};
  std::uint64_t salt = 1;
  for (const auto &type : types)
    for (Transpose ta : {Transpose::none, Transpose::trans})
      for (Transpose tb : {Transpose::none, Transpose::trans}) {
        GemmProblem p = problem_of(type.a, 39, 52, 83);
        p.b_type = type.b;
        p.c_type = type.c;
        p.transpose_a = ta;
        p.transpose_b = tb;
        for (const std::string &backend : able(bench, p)) {
          p.backend = backend;
          p.alpha_real = 1;
          p.beta_real = 0;
          check(bench, p, 0, ++salt);
          // Results beyond 2^24 show where integers went through f32.
          p.alpha_real = type.a == DataType::i8 ? 1001 : 3;
          p.beta_real = -2;
          check(bench, p, 5, ++salt);
        }
      }
}

TEST_CASE("epilogues") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  std::uint64_t salt = 1000;
  const auto any = Buffer::create(*bench.context, 4);
  for (DataType type : {DataType::f32, DataType::bf16, DataType::f16, DataType::f64})
    for (int activation = 0; activation <= 5; ++activation)
      for (int variant = 0; variant < 4; ++variant) {
        GemmProblem p = problem_of(type, 33, 70, 41);
        p.activation = static_cast<Activation>(activation);
        p.bias = static_cast<Bias>(variant % 3);
        if (variant == 2 && type != DataType::f64) p.bias_type = DataType::f32;
        p.output_scale = variant == 0 ? 1 : 0.75;
        p.alpha_real = 0.5;
        if (variant >= 2) p.residual = any.get();  // exchanged for one of the right size
        if (variant % 2 && p.activation != Activation::swiglu) p.beta_real = -0.5;
        if (type == DataType::f64 && p.bias_type == DataType::f32) continue;
        for (const std::string &backend : able(bench, p)) {
          p.backend = backend;
          check(bench, p, variant, ++salt);
          // swiglu is for row-major products alone.
          if (variant == 1 + activation % 2 && p.activation != Activation::swiglu) check(bench, p, 1, ++salt, true);
        }
      }
}

TEST_CASE("an epilogue of nothing: alpha or k is 0") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  GemmProblem p = problem_of(DataType::f32, 9, 14, 6);
  p.alpha_real = 0;
  p.beta_real = 2;
  p.bias = Bias::per_column;
  p.activation = Activation::relu;
  check(bench, p, 1, 1);
  p.alpha_real = 1;
  p.k = 0;
  check(bench, p, 2, 2);
}

TEST_CASE("groups") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  std::uint64_t salt = 2000;
  for (DataType type : {DataType::f32, DataType::bf16, DataType::i8})
    for (const std::vector<std::int64_t> &rows :
         {std::vector<std::int64_t>{5, 0, 17, 1}, std::vector<std::int64_t>{0, 40}, std::vector<std::int64_t>{64}})
      for (Transpose ta : {Transpose::none, Transpose::trans}) {
        std::int64_t m = 0;
        for (std::int64_t count : rows) m += count;
        GemmProblem p = problem_of(type, m, 24, 31);
        p.group_rows = rows;
        p.transpose_a = ta;
        p.transpose_b = ta == Transpose::none ? Transpose::trans : Transpose::none;
        for (const std::string &backend : able(bench, p)) {
          p.backend = backend;
          p.bias = Bias::none;
          check(bench, p, 0, ++salt);
          if (type == DataType::i8) continue;
          p.bias = Bias::per_row;
          p.activation = Activation::silu;
          check(bench, p, 3, ++salt);
        }
      }
}

TEST_CASE("f32 by tf32 products") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  std::uint64_t salt = 3000;
  struct Shape {
    std::int64_t m, n, k;
  };
  // The first has lines that no copy engine takes, the last more of k than there is work for.
  for (const Shape &shape : {Shape{70, 130, 300}, {72, 132, 300}, {196, 324, 100}, {20, 136, 2048}})
    for (Compute compute : {Compute::tf32, Compute::f32_split})
      for (int ops = 0; ops < 4; ++ops) {
        GemmProblem p = problem_of(DataType::f32, shape.m, shape.n, shape.k);
        p.compute = compute;
        p.transpose_a = ops & 2 ? Transpose::trans : Transpose::none;
        p.transpose_b = ops & 1 ? Transpose::trans : Transpose::none;
        p.activation = ops == 1 ? Activation::relu : Activation::none;
        for (const std::string &backend : able(bench, p)) {
          p.backend = backend;
          p.bias = Bias::none;
          check(bench, p, 0, ++salt);
          p.bias = ops & 1 ? Bias::per_row : Bias::per_column;
          check(bench, p, 1, ++salt, ops == 2);
          check(bench, p, 4, ++salt);
        }
      }
}

TEST_CASE("types, epilogues and groups that do not fit are refused in words") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 4096);
  const auto expect = [&](const std::string &named, const std::function<void(GemmProblem &)> &change) {
    GemmProblem p = problem_of(DataType::f32, 4, 6, 5);
    change(p);
    check_error(Status::invalid_argument, named, [&] { explain_gemm(*bench.queue, p); });
  };
  expect("b_type is", [](GemmProblem &p) { p.b_type = DataType::f16; });
  expect("c_type is", [](GemmProblem &p) { p.c_type = DataType::f64; });
  expect("c_type is", [](GemmProblem &p) { p.type = DataType::i8, p.c_type = DataType::bf16; });
  expect("compute is 9", [](GemmProblem &p) { p.compute = static_cast<Compute>(9); });
  expect("compute is tf32", [](GemmProblem &p) { p.type = DataType::f64, p.compute = Compute::tf32; });
  expect("activation is 6", [](GemmProblem &p) { p.activation = static_cast<Activation>(6); });
  expect("bias is 3", [](GemmProblem &p) { p.bias = static_cast<Bias>(3); });
  expect("bias_type is", [](GemmProblem &p) { p.bias = Bias::per_row, p.bias_type = DataType::f16; });
  expect("are for real types", [](GemmProblem &p) { p.type = DataType::c64, p.output_scale = 2; });
  expect("are for real types", [](GemmProblem &p) { p.type = DataType::i8, p.activation = Activation::relu; });
  expect("alpha_real is 0.5", [](GemmProblem &p) { p.type = DataType::i8, p.alpha_real = 0.5; });
  expect("n is 7", [](GemmProblem &p) { p.activation = Activation::swiglu, p.n = 7; });
  expect("beta_real is 1", [](GemmProblem &p) { p.activation = Activation::swiglu, p.beta_real = 1; });
  expect("column-major", [](GemmProblem &p) { p.activation = Activation::swiglu, p.layout = Layout::column_major; });
  expect("group_rows sum up to 3", [](GemmProblem &p) { p.group_rows = {1, 2}; });
  expect("group_rows[1] is -1", [](GemmProblem &p) { p.group_rows = {5, -1}; });
  expect("batch_count is 2", [](GemmProblem &p) { p.group_rows = {4}, p.batch_count = 2, p.c_stride = 24; });
  expect("residual_ld is 2", [&](GemmProblem &p) { p.residual = buffer.get(), p.residual_ld = 2; });

  GemmProblem p = problem_of(DataType::f32, 4, 6, 5);
  p.bias = Bias::per_row;
  const auto c = Buffer::create(*bench.context, 96);
  const auto run = [&] { gemm(*bench.queue, p, buffer.get(), buffer.get(), *c); };
  check_error(Status::null_argument, "bias_buffer is NULL", run);
  const auto small = Buffer::create(*bench.context, 12);
  p.bias_buffer = small.get();
  check_error(Status::out_of_range, "bias reaches byte 16", run);
  p.bias_buffer = c.get();
  check_error(Status::overlap, "c shares bytes with bias", run);
  p.bias = Bias::none;
  p.residual = c.get();
  run();  // element for element it may
  p.residual_offset = 1;
  check_error(Status::out_of_range, "residual reaches byte 100", run);
}

TEST_SUITE_END();
