// Checks of views, and questions about where they lie.
#pragma once

#include <gpucompute/array.hpp>

namespace gpucompute {

// Products and sums of sizes and strides that 64 bits may not hold.
__extension__ using Wide = __int128;

// Bytes of the whole memory object, from the first to one past the last that a view reaches.
struct ByteRange {
  std::uint64_t begin = 0, end = 0;
};

// A view that has been checked. Offsets count from the start of the memory object.
struct CheckedView : ArrayView {
  std::uint64_t count = 0;  // of elements
  std::uint64_t root_offset = 0;
  ByteRange range;

  std::size_t element() const noexcept { return size_of(type); }
  std::uint64_t bytes() const noexcept { return count * element(); }
};

// The size of what must be aligned: a complex number's part, otherwise an element.
std::size_t part_size(DataType type) noexcept;
// Conversions from or to it compute in double.
bool is_double(DataType type) noexcept;
bool is_complex(DataType type) noexcept;

// Checks the type, the extent and the alignment. `name` is the argument in messages.
CheckedView check_view(const ArrayView &view, const Queue &queue, const char *name);

// The same, and that no two elements share bytes.
CheckedView check_destination(const ArrayView &view, const Queue &queue, const char *name);

// The source with the destination's shape: dimensions of size 1, and those that it lacks, are repeated.
CheckedView broadcast(const CheckedView &source, const CheckedView &destination, const char *name);

// Row-major without gaps.
bool is_packed(const ArrayView &view) noexcept;

// Whether the bytes from the first to the last of two views have some in common, gaps included.
bool ranges_overlap(const CheckedView &a, const CheckedView &b) noexcept;

// Whether two views may have bytes in common. It may say so of views that only interleave.
bool may_share_bytes(const CheckedView &a, const CheckedView &b) noexcept;

// A packed view with the shape of another, over a new buffer of the same context; the owner keeps the buffer.
struct OwnedView {
  std::shared_ptr<Buffer> buffer;
  ArrayView view;
};
OwnedView packed_like(const ArrayView &view, DataType type, Context &context);

}  // namespace gpucompute
