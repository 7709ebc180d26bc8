// Copies to memory that the processor will not read soon.
#pragma once

#include <cstddef>

namespace gpucompute {

// memcpy that leaves the caches alone: without it a store first fetches the line that it is about to overwrite, a third
// of the traffic of a large copy.
void stream_copy(void *destination, const void *source, std::size_t size) noexcept;

}  // namespace gpucompute
