#include "array/array_view.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "support/checked_math.hpp"
#include "support/fail.hpp"

namespace gpucompute {
namespace {

std::string shape_text(const ArrayView &view) {
  std::string out = "(";
  for (unsigned d = 0; d < view.ndim; ++d) out += (d ? ", " : "") + std::to_string(view.shape[d]);
  return out + (view.ndim == 1 ? ",)" : ")");
}

std::uint64_t count_elements(const ArrayView &view, const char *name) {
  const std::uint64_t *end = view.shape + view.ndim;
  if (std::find(view.shape, end, 0u) != end) return 0;
  std::uint64_t count = 1;
  for (unsigned d = 0; d < view.ndim; ++d)
    if (__builtin_mul_overflow(count, view.shape[d], &count) || count > INT64_MAX / size_of(view.type))
      fail(Status::overflow, name, " has the shape ", shape_text(view), ": its size in bytes does not fit 63 bits");
  return count;
}

void check_alignment(const CheckedView &view, const char *name) {
  const std::size_t part = part_size(view.type);
  if (view.root_offset % part)
    fail(Status::misaligned, name, " starts at byte ", view.root_offset, " of the whole buffer, must be a multiple of ",
         part, " for ", name_of(view.type));
  for (unsigned d = 0; d < view.ndim; ++d)
    if (view.shape[d] > 1 && view.strides[d] % static_cast<std::int64_t>(part))
      fail(Status::misaligned, name, ".strides_bytes[", d, "] is ", view.strides[d], ", must be a multiple of ", part,
           " for ", name_of(view.type));
}

// What is true of every view, without its buffer.
void check_description(const ArrayView &view, const char *name) {
  if (size_of(view.type) == 0)
    fail(Status::invalid_argument, name, ".type is ", static_cast<int>(view.type), ", which is not an element type");
  if (view.ndim > ArrayView::max_dims)
    fail(Status::invalid_argument, name, ".ndim is ", view.ndim, ", must be at most ", ArrayView::max_dims);
}

}  // namespace

std::size_t part_size(DataType type) noexcept { return is_complex(type) ? size_of(type) / 2 : size_of(type); }
bool is_double(DataType type) noexcept { return type == DataType::f64 || type == DataType::c128; }
bool is_complex(DataType type) noexcept { return type == DataType::c64 || type == DataType::c128; }

std::size_t pack_strides(ArrayView &view) {
  check_description(view, "view");
  const std::uint64_t count = count_elements(view, "view");
  std::uint64_t stride = size_of(view.type);
  for (unsigned d = view.ndim; d > 0; --d) {
    view.strides[d - 1] = static_cast<std::int64_t>(stride);
    if (count) stride *= view.shape[d - 1];
  }
  return count * size_of(view.type);
}

CheckedView check_view(const ArrayView &view, const Queue &queue, const char *name) {
  check_description(view, name);
  if (&view.buffer->context() != &queue.context())
    fail(Status::context_mismatch, "queue and ", name, ".buffer are of different contexts");
  CheckedView checked{view, 0, 0, {}};
  checked.count = count_elements(view, name);
  if (checked.count == 0) return checked;
  Wide low = view.offset, high = low + static_cast<Wide>(size_of(view.type));
  for (unsigned d = 0; d < view.ndim; ++d) {
    const Wide reach = Wide(view.shape[d] - 1) * view.strides[d];
    (reach < 0 ? low : high) += reach;
  }
  const std::uint64_t size = view.buffer->size();
  if (low < 0 || high > Wide(size)) {
    const auto shown = [](Wide value) {  // no stream writes 128 bits
      return value < INT64_MIN ? "less than -2^63" : value > INT64_MAX ? "more than 2^63" : text(std::int64_t(value));
    };
    fail(Status::out_of_range, name, " reaches from byte ", shown(low), " to byte ", shown(high),
         " of its buffer, which has ", size, " (shape ", shape_text(view), " of ", name_of(view.type), " at byte ",
         view.offset, ")");
  }
  checked.root_offset = view.buffer->offset() + view.offset;
  checked.range = {view.buffer->offset() + static_cast<std::uint64_t>(low),
                   view.buffer->offset() + static_cast<std::uint64_t>(high)};
  check_alignment(checked, name);
  return checked;
}

CheckedView check_destination(const ArrayView &view, const Queue &queue, const char *name) {
  const CheckedView checked = check_view(view, queue, name);
  if (checked.count < 2) return checked;
  // Each stride spans what the smaller ones reach. Views that interleave in other ways are refused too: to find out
  // about those is a hard problem in general.
  std::pair<std::uint64_t, std::uint64_t> axes[ArrayView::max_dims];  // distance, size
  unsigned count = 0;
  for (unsigned d = 0; d < view.ndim; ++d)
    if (view.shape[d] > 1) {
      axes[count++] = {magnitude(view.strides[d]), view.shape[d]};
    }
  std::sort(axes, axes + count);
  std::uint64_t extent = checked.element();
  for (unsigned a = 0; a < count; ++a) {
    if (axes[a].first < extent)
      fail(Status::invalid_argument, name, " is written to, but its elements overlap: a stride of ", axes[a].first,
           " bytes lies within ", extent, " bytes that the smaller strides span");
    extent += (axes[a].second - 1) * axes[a].first;
  }
  return checked;
}

CheckedView broadcast(const CheckedView &source, const CheckedView &destination, const char *name) {
  CheckedView result = source;
  result.ndim = destination.ndim;
  const auto refuse = [&] {
    fail(Status::invalid_argument, name, " has the shape ", shape_text(source), ", which does not broadcast to ",
         shape_text(destination));
  };
  const unsigned lacks = destination.ndim > source.ndim ? destination.ndim - source.ndim : 0;
  const unsigned extra = source.ndim > destination.ndim ? source.ndim - destination.ndim : 0;
  for (unsigned d = 0; d < extra; ++d)
    if (source.shape[d] != 1) refuse();
  for (unsigned d = 0; d < destination.ndim; ++d) {
    const std::uint64_t size = d < lacks ? 1 : source.shape[d - lacks + extra];
    if (size != 1 && size != destination.shape[d]) refuse();
    result.shape[d] = destination.shape[d];
    result.strides[d] = size == 1 ? 0 : source.strides[d - lacks + extra];
  }
  result.count = destination.count;
  return result;
}

bool is_packed(const ArrayView &view) noexcept {
  std::uint64_t stride = size_of(view.type);
  for (unsigned left = view.ndim; left > 0; --left) {
    const unsigned d = left - 1;
    if (view.shape[d] != 1 && view.strides[d] != static_cast<std::int64_t>(stride)) return false;
    if (__builtin_mul_overflow(stride, view.shape[d], &stride)) return false;
  }
  return true;
}

bool ranges_overlap(const CheckedView &a, const CheckedView &b) noexcept {
  if (a.count == 0 || b.count == 0 || a.buffer->root() != b.buffer->root()) return false;
  return a.range.begin < b.range.end && b.range.begin < a.range.end;
}

bool may_share_bytes(const CheckedView &a, const CheckedView &b) noexcept {
  if (!ranges_overlap(a, b)) return false;
  // Both step by multiples of one number: where they lie between two multiples decides. Even and odd elements, real and
  // imaginary parts.
  std::uint64_t step = 0;
  for (const CheckedView *view : {&a, &b})
    for (unsigned d = 0; d < view->ndim; ++d)
      if (view->shape[d] > 1) {
        step = std::gcd(step, magnitude(view->strides[d]));
      }
  if (step == 0) return true;
  const std::uint64_t at_a = a.root_offset % step, at_b = b.root_offset % step;
  const std::uint64_t from_a_to_b = (at_b + step - at_a) % step, from_b_to_a = (at_a + step - at_b) % step;
  return from_a_to_b < a.element() || from_b_to_a < b.element();
}

OwnedView packed_like(const ArrayView &view, DataType type, Context &context) {
  OwnedView owned;
  owned.view = view;
  owned.view.type = type;
  owned.view.offset = 0;
  owned.buffer = Buffer::create(context, pack_strides(owned.view));
  owned.view.buffer = owned.buffer.get();
  return owned;
}

}  // namespace gpucompute
