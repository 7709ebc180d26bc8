// The product in float64 (complex128), and how far a result may lie from it.
#pragma once

#include <gpucompute/gemm.hpp>

#include <cmath>
#include <complex>
#include <cstring>
#include <vector>

#include "program/scalar_convert.hpp"

namespace gpucompute::test {

using Complex = std::complex<double>;
using Bytes = std::vector<unsigned char>;

inline bool is_complex(DataType type) { return type == DataType::c64 || type == DataType::c128; }

inline double half_value(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? std::nan("") : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

inline float bf16_value(std::uint16_t bits) {
  const std::uint32_t wide = static_cast<std::uint32_t>(bits) << 16;
  float value = 0;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

// To the nearest, ties to even.
inline std::uint16_t bf16_bits(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// The type of C where the problem leaves it open.
inline DataType c_type_of(const GemmProblem &p) { return p.c_type == DataType::none ? p.type : p.c_type; }

// An element of a matrix in memory, rounded to its type.
inline void encode(DataType type, Complex value, unsigned char *out) {
  const double parts[2] = {value.real(), value.imag()};
  const float narrow[2] = {static_cast<float>(parts[0]), static_cast<float>(parts[1])};
  const std::uint16_t half = type == DataType::bf16 ? bf16_bits(narrow[0]) : half_bits(narrow[0]);
  if (type == DataType::f16 || type == DataType::bf16)
    std::memcpy(out, &half, sizeof half);
  else if (type == DataType::f32 || type == DataType::c64)
    std::memcpy(out, narrow, size_of(type));
  else
    std::memcpy(out, parts, size_of(type));
}

inline Complex decode(DataType type, const unsigned char *in) {
  std::uint16_t half = 0;
  float narrow[2] = {0, 0};
  double wide[2] = {0, 0};
  if (type == DataType::f16 || type == DataType::bf16) {
    std::memcpy(&half, in, sizeof half);
    wide[0] = type == DataType::f16 ? half_value(half) : static_cast<double>(bf16_value(half));
  } else if (type == DataType::f32 || type == DataType::c64) {
    std::memcpy(narrow, in, size_of(type));
    wide[0] = static_cast<double>(narrow[0]);
    wide[1] = static_cast<double>(narrow[1]);
  } else {
    std::memcpy(wide, in, size_of(type));
  }
  return {wide[0], wide[1]};
}

// The place of element (row, column) of a matrix as BLAS counts it; `transposed` says how it is stored.
inline std::int64_t element_index(Layout layout, Transpose transpose, std::int64_t row, std::int64_t column,
                                  std::int64_t ld) {
  const bool lines_are_rows = (layout == Layout::row_major) == (transpose == Transpose::none);
  return lines_are_rows ? row * ld + column : column * ld + row;
}

// op(A), or op(B), as a dense row-major matrix of Number (double or Complex).
template <class Number>
std::vector<Number> dense(const GemmProblem &p, const Bytes &bytes, std::int64_t start, std::int64_t rows,
                          std::int64_t columns, std::int64_t ld, Transpose transpose) {
  std::vector<Number> out(static_cast<std::size_t>(rows * columns));
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::int64_t at = start + element_index(p.layout, transpose, r, c, ld);
      Complex value = decode(p.type, bytes.data() + static_cast<std::size_t>(at) * size_of(p.type));
      if (transpose == Transpose::conj) value = std::conj(value);
      if constexpr (std::is_same_v<Number, double>)
        out[static_cast<std::size_t>(r * columns + c)] = value.real();
      else
        out[static_cast<std::size_t>(r * columns + c)] = value;
    }
  return out;
}

struct ReferenceGemm {
  std::vector<Complex> values;     // m x n of one product, row by row
  std::vector<double> magnitudes;  // |alpha| |A| |B| + |beta| |C|
};

template <class Number>
ReferenceGemm reference_product_of(const GemmProblem &p, const Bytes &a, const Bytes &b, const Bytes &c,
                                   std::int64_t product) {
  const auto m = static_cast<std::size_t>(p.m), n = static_cast<std::size_t>(p.n), k = static_cast<std::size_t>(p.k);
  const Complex alpha(p.alpha_real, p.alpha_imag), beta(p.beta_real, p.beta_imag);
  std::vector<Number> sums(m * n);
  std::vector<double> absolute(m * n);
  if (alpha != 0.0 && k > 0) {
    const auto da = dense<Number>(p, a, p.a_offset + product * p.a_stride, p.m, p.k, p.lda, p.transpose_a);
    const auto db = dense<Number>(p, b, p.b_offset + product * p.b_stride, p.k, p.n, p.ldb, p.transpose_b);
    std::vector<double> absolute_b(k * n);
    for (std::size_t i = 0; i < k * n; ++i) absolute_b[i] = std::abs(db[i]);
    for (std::size_t r = 0; r < m; ++r)
      for (std::size_t i = 0; i < k; ++i) {
        const Number x = da[r * k + i];
        const double absolute_x = std::abs(x);
        for (std::size_t col = 0; col < n; ++col) sums[r * n + col] += x * db[i * n + col];
        for (std::size_t col = 0; col < n; ++col) absolute[r * n + col] += absolute_x * absolute_b[i * n + col];
      }
  }
  ReferenceGemm out;
  for (std::size_t r = 0; r < m; ++r)
    for (std::size_t col = 0; col < n; ++col) {
      const std::size_t i = r * n + col;
      Complex value = 0;
      double magnitude = std::abs(alpha) * absolute[i];
      if (alpha != 0.0 && k > 0) {
        if constexpr (std::is_same_v<Number, double>)
          value = alpha.real() * sums[i];  // no complex inf * 0
        else
          value = alpha * sums[i];
      }
      if (beta != 0.0) {
        const std::int64_t at = p.c_offset + product * p.c_stride +
                                element_index(p.layout, Transpose::none, static_cast<std::int64_t>(r),
                                              static_cast<std::int64_t>(col), p.ldc);
        const Complex old = decode(c_type_of(p), c.data() + static_cast<std::size_t>(at) * size_of(c_type_of(p)));
        if constexpr (std::is_same_v<Number, double>)
          value += beta.real() * old.real();
        else
          value += beta * old;
        magnitude += std::abs(beta) * std::abs(old);
      }
      out.values.push_back(value);
      out.magnitudes.push_back(magnitude);
    }
  return out;
}

// One product of the batch; the problem has its defaults filled in (leading dimensions above all).
inline ReferenceGemm reference_product(const GemmProblem &p, const Bytes &a, const Bytes &b, const Bytes &c,
                                       std::int64_t product) {
  return is_complex(p.type) ? reference_product_of<Complex>(p, a, b, c, product)
                            : reference_product_of<double>(p, a, b, c, product);
}

// (K + 4) * eps * magnitude, twice that for complex numbers, whose products are sums themselves. f16 that is summed in
// f32 has the bound of f32 and the rounding of the result, and so has bf16; summed in f16, that of f16. Denormals have
// an absolute error.
inline double gemm_error_bound(DataType type, std::int64_t k, double magnitude, Complex value, bool half_sums) {
  const double terms = static_cast<double>(k + 4) * (is_complex(type) ? 2 : 1);
  constexpr double eps16 = 0x1p-10, eps32 = 0x1p-23, eps64 = 0x1p-52;
  if (type == DataType::f64 || type == DataType::c128) return terms * eps64 * magnitude;
  if (type == DataType::bf16) return 1.01 * terms * eps32 * magnitude + 1.01 * 0x1p-8 * std::abs(value) + 0x1p-133;
  if (type != DataType::f16) return terms * eps32 * magnitude + 0x1p-140;
  if (half_sums) return terms * (eps16 * magnitude + 0x1p-24);
  return 1.01 * terms * eps32 * magnitude + eps16 / 2 * std::abs(value) + 0x1p-25;
}

}  // namespace gpucompute::test
