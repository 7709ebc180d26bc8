#include <gpucompute/array.hpp>

#include "array/array_view.hpp"
#include "array/command_list.hpp"
#include "array/copy_kernels.hpp"
#include "array/element_convert.hpp"
#include "array/kernel_call.hpp"
#include "program/library_programs.hpp"
#include "support/checked_math.hpp"
#include "support/fail.hpp"

namespace gpucompute {
namespace {

void check_type(DataType type, const char *name) {
  if (size_of(type) == 0) fail(Status::invalid_argument, name, " is ", static_cast<int>(type), ", not an element type");
}

// Floating-point types that are computed in f32.
bool is_narrow(DataType type) {
  return type == DataType::f16 || type == DataType::bf16 || type == DataType::f8e4m3 || type == DataType::f8e5m2;
}

bool same_elements(const CheckedView &a, const CheckedView &b) {
  if (a.type != b.type || a.buffer->root() != b.buffer->root() || a.root_offset != b.root_offset) return false;
  for (unsigned d = 0; d < a.ndim; ++d)
    if (a.shape[d] > 1 && a.strides[d] != b.strides[d]) return false;
  return true;
}

void add_checked_copy(CommandList &list, Queue &queue, const CheckedView &to, const CheckedView &from) {
  if (to.count == 0 || same_elements(to, from)) return;
  if (!may_share_bytes(to, from)) return add_copy(list, queue, to, from);
  const OwnedView third = packed_like(to, to.type, queue.context());
  const CheckedView between = check_view(third.view, queue, "a temporary array");
  add_copy(list, queue, between, from);
  add_copy(list, queue, to, between);
}

// The part of a buffer that a packed view is.
struct Span {
  std::size_t offset, size;
};
Span span_of(const CheckedView &view) {
  return {static_cast<std::size_t>(view.offset), static_cast<std::size_t>(view.bytes())};
}

}  // namespace

void array_copy(Queue &queue, const ArrayView &destination, const ArrayView &source, Waits waits, OutEvent out) {
  const CheckedView to = check_destination(destination, queue, "destination");
  const CheckedView from = broadcast(check_view(source, queue, "source"), to, "source");
  CommandList list;
  add_checked_copy(list, queue, to, from);
  list.run(queue, waits, out);
}

void array_fill(Queue &queue, const ArrayView &view, const void *value, DataType type, Waits waits, OutEvent out) {
  const CheckedView to = check_destination(view, queue, "view");
  check_type(type, "type");
  unsigned char element[16] = {};
  convert_element(type, value, to.type, element);
  CommandList list;
  if (to.count) add_fill(list, queue, to, element, CopyStyle::of(queue));
  list.run(queue, waits, out);
}

void array_arange(Queue &queue, const ArrayView &view, const void *start, const void *step, DataType type, Waits waits,
                  OutEvent out) {
  const CheckedView to = check_destination(view, queue, "view");
  check_type(type, "type");
  if (to.ndim != 1) fail(Status::invalid_argument, "view.ndim is ", to.ndim, ", must be 1");
  if (to.type == DataType::boolean) fail(Status::invalid_argument, "view.type is bool, which has no steps");
  if (is_double(to.type) && !queue.device().capabilities().fp64)
    fail(Status::unsupported, "'", queue.device().info().name, "' has no double arithmetic, which ", name_of(to.type),
         " needs");
  const DataType work = is_narrow(to.type) ? DataType::f32 : to.type;
  unsigned char first[16], by[16];
  convert_element(type, start, work, first);
  convert_element(type, step, work, by);
  CommandList list;
  const auto part = static_cast<std::int64_t>(part_size(to.type));
  for (std::uint64_t begin = 0; begin < to.count; begin += most_elements) {
    const auto count = static_cast<cl_uint>(std::min(most_elements, to.count - begin));
    list.add([&, begin, count](Waits these, OutEvent event) {
      ArrayKernelCall call(LibraryPrograms::of(queue.context())
                               .kernel(queue.context(), "array/arange.cl",
                                       {{"DST", std::to_string(static_cast<int>(to.type))}}, "array_arange"));
      const std::int64_t stride = to.strides[0] / part;
      const std::uint64_t offset = moved(to.root_offset / static_cast<std::uint64_t>(part), begin, stride);
      call.set(count).set(static_cast<cl_ulong>(begin)).memory(*to.buffer, offset).set(static_cast<cl_long>(stride));
      call.bytes(first, size_of(work)).bytes(by, size_of(work));
      to.buffer->used_by(queue);
      call.launch(queue, "a range of numbers", count, std::min<std::size_t>(64, call.most_items(queue)), these, event);
    });
  }
  list.run(queue, waits, out);
}

void array_read(Queue &queue, const ArrayView &view, void *host) {
  const CheckedView from = check_view(view, queue, "view");
  if (from.count == 0) return;
  if (is_packed(from)) return from.buffer->read(queue, span_of(from).offset, span_of(from).size, host);
  const OwnedView packed = packed_like(from, from.type, queue.context());
  CommandList list;
  add_copy(list, queue, check_view(packed.view, queue, "a temporary array"), from);
  std::shared_ptr<Event> done;
  list.run(queue, {}, queue.in_order() ? nullptr : &done);
  if (done) done->wait();  // a blocking read waits for nothing on an out-of-order queue
  packed.buffer->read(queue, 0, from.bytes(), host);
}

void array_read_async(Queue &queue, const ArrayView &view, void *host, Waits waits, OutEvent out) {
  const CheckedView from = check_view(view, queue, "view");
  if (from.count == 0) return enqueue_nothing(queue, waits, out);
  if (is_packed(from))
    return from.buffer->read_async(queue, span_of(from).offset, span_of(from).size, host, waits, out);
  const OwnedView packed = packed_like(from, from.type, queue.context());
  CommandList list;
  add_copy(list, queue, check_view(packed.view, queue, "a temporary array"), from);
  list.add([&](Waits these, OutEvent event) { packed.buffer->read_async(queue, 0, from.bytes(), host, these, event); });
  list.run(queue, waits, out);
}

void array_write(Queue &queue, const ArrayView &view, const void *host) {
  const CheckedView to = check_destination(view, queue, "view");
  if (to.count == 0) return;
  if (is_packed(to)) return to.buffer->write(queue, span_of(to).offset, span_of(to).size, host);
  const OwnedView packed = packed_like(to, to.type, queue.context());
  packed.buffer->write(queue, 0, to.bytes(), host);
  CommandList list;
  add_copy(list, queue, to, check_view(packed.view, queue, "a temporary array"));
  std::shared_ptr<Event> done;
  list.run(queue, {}, queue.in_order() ? nullptr : &done);
  if (done) done->wait();  // as of a write that is complete when it returns
}

void array_write_async(Queue &queue, const ArrayView &view, const void *host, Waits waits, OutEvent out) {
  const CheckedView to = check_destination(view, queue, "view");
  if (to.count == 0) return enqueue_nothing(queue, waits, out);
  if (is_packed(to)) return to.buffer->write_async(queue, span_of(to).offset, span_of(to).size, host, waits, out);
  const OwnedView packed = packed_like(to, to.type, queue.context());
  CommandList list;
  list.add([&](Waits these, OutEvent event) { packed.buffer->write_async(queue, 0, to.bytes(), host, these, event); });
  add_copy(list, queue, to, check_view(packed.view, queue, "a temporary array"));
  list.run(queue, waits, out);
}

}  // namespace gpucompute
