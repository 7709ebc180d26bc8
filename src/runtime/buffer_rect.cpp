// Rectangular copies.
#include <gpucompute/buffer.hpp>

#include "runtime/enqueue.hpp"
#include "runtime/memory_guard.hpp"
#include "runtime/memory_pool.hpp"
#include "runtime/quirks.hpp"
#include "support/checked_math.hpp"
#include "support/cl_handle.hpp"

namespace gpucompute {
namespace {

// One side of a box: origin in bytes, rows, slices; pitches filled in.
struct Side {
  std::size_t origin[3];
  std::size_t row_pitch, slice_pitch;
  std::size_t first, end;  // the bytes it spans
};

Side side(const char *name, const std::size_t region[3], const std::size_t origin[3], std::size_t row_pitch,
          std::size_t slice_pitch) {
  Side s{{origin[0], origin[1], origin[2]}, row_pitch ? row_pitch : region[0], slice_pitch, 0, 0};
  if (s.row_pitch < region[0])
    fail(Status::invalid_argument, name, "_row_pitch_bytes is ", row_pitch, ", must be 0 or >= ", region[0],
         " (region[0])");
  const std::size_t tight = checked_multiply(region[1], s.row_pitch, "the size of a slice");
  if (s.slice_pitch == 0) s.slice_pitch = tight;
  if (s.slice_pitch < tight)
    fail(Status::invalid_argument, name, "_slice_pitch_bytes is ", slice_pitch, ", must be 0 or >= ", tight,
         " (rows times row pitch)");
  if (s.slice_pitch % s.row_pitch)
    fail(Status::invalid_argument, name, "_slice_pitch_bytes is ", s.slice_pitch,
         ", must be a multiple of the row pitch ", s.row_pitch);
  const auto at = [&](std::size_t x, std::size_t y, std::size_t z) {
    const std::size_t planes = checked_multiply(z, s.slice_pitch, "an offset of the box");
    const std::size_t rows = checked_multiply(y, s.row_pitch, "an offset of the box");
    return checked_add(checked_add(planes, rows, "an offset of the box"), x, "an offset of the box");
  };
  s.first = at(origin[0], origin[1], origin[2]);
  s.end = at(checked_add(origin[0], region[0], "the box"), checked_add(origin[1], region[1] - 1, "the box"),
             checked_add(origin[2], region[2] - 1, "the box"));
  return s;
}

struct Origin {
  std::size_t at[3];
};

// Where a side starts in the whole buffer, for a slice that starts at `offset`. The box is named by rows and slices
// that hold it where there are such: NVIDIA's driver refuses one that starts past the end of its row.
Origin origin_in_root(const Side &side, const std::size_t region[3], std::size_t offset) {
  const std::size_t linear = side.first + offset, in_slice = linear % side.slice_pitch;
  const Origin origin{{in_slice % side.row_pitch, in_slice / side.row_pitch, linear / side.slice_pitch}};
  const bool row_holds = region[0] <= side.row_pitch - origin.at[0];
  const bool slice_holds = region[1] <= side.slice_pitch / side.row_pitch - origin.at[1];
  if (row_holds && slice_holds) return origin;
  return {{side.origin[0] + offset, side.origin[1], side.origin[2]}};
}

// For boxes that a driver refuses though they fit (NVIDIA's does so with some in slices) or share no byte (Clover's and
// PoCL's with some that lie between each other's rows): row by row. put_row(source,
// destination, count, events) puts one row on the queue, at these offsets from where the sides start.
template <class PutRow>
cl_int by_rows(Queue &queue, const std::size_t region[3], const Side &from, const Side &to, bool blocking,
               cl_uint count, const cl_event *events, cl_event *event, PutRow &&put_row) {
  for (std::size_t z = 0; z < region[2]; ++z)
    for (std::size_t y = 0; y < region[1]; ++y) {
      const cl_int code =
          put_row(z * from.slice_pitch + y * from.row_pitch, z * to.slice_pitch + y * to.row_pitch, count, events);
      if (code != CL_SUCCESS) return code;
    }
  if (!event && !blocking) return CL_SUCCESS;
  // Complete when all rows are, also where commands overtake each other.
  ClEvent end;
  cl_int code = clEnqueueMarkerWithWaitList(queue.native(), 0, nullptr, end.receive());
  if (code != CL_SUCCESS) return code;
  const cl_event waited = end.get();
  if (blocking) code = clWaitForEvents(1, &waited);
  if (event && code == CL_SUCCESS) *event = end.give();
  return code;
}

std::uint64_t bytes_of(const Rect &rect) { return std::uint64_t(rect.region[0]) * rect.region[1] * rect.region[2]; }

bool empty(const Rect &rect) { return rect.region[0] == 0 || rect.region[1] == 0 || rect.region[2] == 0; }

Side source_side(const Rect &r) {
  return side("source", r.region, r.source_origin, r.source_row_pitch, r.source_slice_pitch);
}
Side destination_side(const Rect &r) {
  return side("destination", r.region, r.destination_origin, r.destination_row_pitch, r.destination_slice_pitch);
}

// Whether two boxes of one shape and the same pitches, whose first bytes are at a and b, have a byte in common: whether
// the way from one to the other is less than the box in all three directions. Boxes side by side in a matrix have none.
bool share_bytes(const std::size_t region[3], const Side &pitches, std::size_t a, std::size_t b) {
  const std::size_t way = a < b ? b - a : a - b;
  // Each pitch holds what is smaller, so the way there is at most one more than the division tells.
  for (std::size_t z = way / pitches.slice_pitch, last_z = z + 1; z <= last_z; ++z) {
    const std::size_t planes = z * pitches.slice_pitch;
    const std::size_t rest = planes > way ? planes - way : way - planes;
    for (std::size_t y = rest / pitches.row_pitch, last_y = y + 1; y <= last_y; ++y) {
      const std::size_t rows = y * pitches.row_pitch;
      const std::size_t x = rows > rest ? rows - rest : rest - rows;
      if (x < region[0] && y < region[1] && z < region[2]) return true;
    }
  }
  return false;
}

// Boxes are copied in the driver's own objects: with sub-buffers, which red zones make of all buffers, PoCL 3.1
// crashes.
struct Place {
  cl_mem memory;
  std::size_t place, end;  // where the buffer starts in it, and its size
};

Place place_of(const Block &block, std::size_t offset) {
  return {block.whole(), block.front() + offset, block.front() + block.capacity()};
}

// The pitch of a single row or slice may be any number, but Rusticl does not end with those beyond all memory. The side
// then starts at its first byte in row and slice 0.
void clamp_pitches(Side &side, std::size_t end) {
  if (side.slice_pitch <= end) return;
  if (side.row_pitch > end)
    side.row_pitch = side.slice_pitch = end;
  else
    side.slice_pitch = (end / side.row_pitch + 1) * side.row_pitch;
  side.origin[0] = side.first;
  side.origin[1] = side.origin[2] = 0;
}

}  // namespace

void Buffer::write_rect(Queue &queue, const Rect &rect, const void *host, bool blocking, Waits waits, OutEvent out) {
  check(queue, 0, 0, "the write");
  if (empty(rect)) return enqueue_nothing(queue, waits, out);
  const Side from = source_side(rect), to = destination_side(rect);
  check_range(to.first, to.end - to.first, size_, "the box in the buffer");
  const Place here = place_of(lease_->block(), offset_);
  const Origin origin = origin_in_root(to, rect.region, here.place), host_origin{{0, 0, 0}};
  used_by(queue);
  const bool wait = blocking && quirks_of(queue.device()).writes_after_return;
  std::shared_ptr<Event> written;
  enqueue(queue, "clEnqueueWriteBufferRect", "a write", waits, wait ? &written : out,
          [&](cl_uint count, const cl_event *events, cl_event *event) {
            const cl_int code = clEnqueueWriteBufferRect(
                queue.native(), here.memory, blocking ? CL_TRUE : CL_FALSE, origin.at, host_origin.at, rect.region,
                to.row_pitch, to.slice_pitch, from.row_pitch, from.slice_pitch,
                static_cast<const char *>(host) + from.first, count, events, event);
            if (code != CL_INVALID_VALUE) return code;
            return by_rows(queue, rect.region, from, to, blocking, count, events, event,
                           [&](std::size_t source, std::size_t target, cl_uint n, const cl_event *list) {
                             return clEnqueueWriteBuffer(
                                 queue.native(), here.memory, CL_FALSE, here.place + to.first + target, rect.region[0],
                                 static_cast<const char *>(host) + from.first + source, n, list, nullptr);
                           });
          },
          {bytes_of(rect)});
  if (!wait) return;
  written->wait();
  if (out) *out = std::move(written);
}

void Buffer::read_rect(Queue &queue, const Rect &rect, void *host, bool blocking, Waits waits, OutEvent out) {
  check(queue, 0, 0, "the read");
  if (empty(rect)) return enqueue_nothing(queue, waits, out);
  const Side from = source_side(rect), to = destination_side(rect);
  check_range(from.first, from.end - from.first, size_, "the box in the buffer");
  const Place here = place_of(lease_->block(), offset_);
  const Origin origin = origin_in_root(from, rect.region, here.place), host_origin{{0, 0, 0}};
  used_by(queue);
  enqueue(queue, "clEnqueueReadBufferRect", "a read", waits, out,
          [&](cl_uint count, const cl_event *events, cl_event *event) {
            const cl_int code =
                clEnqueueReadBufferRect(queue.native(), here.memory, blocking ? CL_TRUE : CL_FALSE, origin.at,
                                        host_origin.at, rect.region, from.row_pitch, from.slice_pitch, to.row_pitch,
                                        to.slice_pitch, static_cast<char *>(host) + to.first, count, events, event);
            if (code != CL_INVALID_VALUE) return code;
            return by_rows(queue, rect.region, from, to, blocking, count, events, event,
                           [&](std::size_t source, std::size_t target, cl_uint n, const cl_event *list) {
                             return clEnqueueReadBuffer(
                                 queue.native(), here.memory, CL_FALSE, here.place + from.first + source,
                                 rect.region[0], static_cast<char *>(host) + to.first + target, n, list, nullptr);
                           });
          },
          {bytes_of(rect)});
  if (blocking && guarding_memory()) check_guards(queue, queue.in_order());
}

void Buffer::copy_rect_to(Buffer &destination, Queue &queue, const Rect &rect, Waits waits, OutEvent out) {
  check(queue, 0, 0, "the copy");
  destination.check(queue, 0, 0, "the copy");
  if (empty(rect)) return enqueue_nothing(queue, waits, out);
  Side from = source_side(rect), to = destination_side(rect);
  check_range(from.first, from.end - from.first, size_, "the box in the source");
  check_range(to.first, to.end - to.first, destination.size_, "the box in the destination");
  if (root() == destination.root()) {
    if (from.row_pitch != to.row_pitch || from.slice_pitch != to.slice_pitch)
      fail(Status::invalid_argument,
           "source and destination are of one buffer: their pitches must be the same, got rows of ", from.row_pitch,
           " and ", to.row_pitch, ", slices of ", from.slice_pitch, " and ", to.slice_pitch);
    if (share_bytes(rect.region, from, offset_ + from.first, destination.offset_ + to.first))
      fail(Status::overlap, "the boxes share bytes of one buffer; copy by way of another");
  }
  const Place here = place_of(lease_->block(), offset_);
  const Place there = place_of(destination.lease_->block(), destination.offset_);
  clamp_pitches(from, here.end);
  clamp_pitches(to, there.end);
  const Origin source = origin_in_root(from, rect.region, here.place);
  const Origin target = origin_in_root(to, rect.region, there.place);
  used_by(queue);
  destination.used_by(queue);
  enqueue(queue, "clEnqueueCopyBufferRect", "a copy", waits, out,
          [&](cl_uint count, const cl_event *events, cl_event *event) {
            const cl_int code = clEnqueueCopyBufferRect(queue.native(), here.memory, there.memory, source.at, target.at,
                                                        rect.region, from.row_pitch, from.slice_pitch, to.row_pitch,
                                                        to.slice_pitch, count, events, event);
            if (code != CL_INVALID_VALUE && code != CL_MEM_COPY_OVERLAP) return code;
            return by_rows(queue, rect.region, from, to, false, count, events, event,
                           [&](std::size_t from_row, std::size_t to_row, cl_uint n, const cl_event *list) {
                             return clEnqueueCopyBuffer(
                                 queue.native(), here.memory, there.memory, here.place + from.first + from_row,
                                 there.place + to.first + to_row, rect.region[0], n, list, nullptr);
                           });
          },
          {bytes_of(rect)});
}

}  // namespace gpucompute
