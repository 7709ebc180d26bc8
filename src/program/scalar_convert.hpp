// Numbers from one type to another, refused where that would change them.
#pragma once

#include <gpucompute/types.hpp>

#include <string>

namespace gpucompute {

// Writes the number at `from` as type `to` into `out` (8 bytes). Integers must be in range, a floating-point number for
// an integer must be whole, and a finite number must stay finite; rounding to a narrower floating-point type is
// allowed. On failure returns false and says in `reason` what was wrong. Types: i8 to u64, f16 (target only), f32, f64.
bool convert_scalar(DataType from_type, const void *from, DataType to, unsigned char *out, std::string &reason);

// IEEE binary16 bits of a float, rounded to nearest even.
std::uint16_t half_bits(float value) noexcept;

}  // namespace gpucompute
