// What NVIDIA's matrix instructions call the types of their factors.
#pragma once

#include <gpucompute/types.hpp>

namespace gpucompute {

inline const char *ptx_type(DataType type) noexcept {
  switch (type) {
    case DataType::f16:
      return "f16";
    case DataType::bf16:
      return "bf16";
    case DataType::f32:
      return "tf32";
    case DataType::f8e4m3:
      return "e4m3";
    case DataType::f8e5m2:
      return "e5m2";
    default:
      return "s8";
  }
}

}  // namespace gpucompute
