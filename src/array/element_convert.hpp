// One element from type to type on the host, as the kernels convert arrays.
#pragma once

#include <gpucompute/types.hpp>

namespace gpucompute {

// Both are types. `out` has room for 16 bytes.
void convert_element(DataType from_type, const void *from, DataType to, unsigned char *out) noexcept;

}  // namespace gpucompute
