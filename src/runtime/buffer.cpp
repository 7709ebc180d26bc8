#include <gpucompute/buffer.hpp>

#include <algorithm>

#include "runtime/enqueue.hpp"
#include "runtime/memory_guard.hpp"
#include "runtime/memory_pool.hpp"
#include "runtime/quirks.hpp"
#include "runtime/transfer.hpp"
#include "support/checked_math.hpp"

namespace gpucompute {
namespace {

// A blocking call: put(event) with everything else bound. `wants_event`: the caller needs `event` for itself.
template <class Put>
cl_int recorded(Queue &queue, const char *routine, std::size_t size, bool wants_event, ClEvent &event, const Put &put) {
  if (!profiling()) return put_with_room(queue, wants_event ? event.receive() : nullptr, put);
  CommandProbe probe(queue.track(), routine, "", {}, {size, 0, nullptr, nullptr, true});
  const cl_int code = put_with_room(queue, wants_event || probe.wants_event() ? event.receive() : nullptr, put);
  probe.done(code, event.get());
  return code;
}

std::atomic<std::uint64_t> next_sub_buffer_id{std::uint64_t(1) << 63};  // apart from the ids of blocks

}  // namespace

Buffer::Buffer(std::shared_ptr<Context> context, std::shared_ptr<BlockLease> lease, std::size_t offset,
               std::size_t size, bool is_slice)
    : context_(std::move(context)), lease_(std::move(lease)), offset_(offset), size_(size), is_slice_(is_slice) {}

std::shared_ptr<Buffer> Buffer::create(Context &context, std::size_t size, std::uint32_t flags) {
  if (flags & ~unpooled) fail(Status::invalid_argument, "flags is ", flags, ", which has unknown bits; known is 1");
  auto lease = context.pool().allocate(size, !(flags & unpooled));
  return std::shared_ptr<Buffer>(new Buffer(share(context), std::move(lease), 0, size, false));
}

std::shared_ptr<Buffer> Buffer::over_host(Context &context, void *host, std::size_t size) {
  if (size == 0) fail(Status::invalid_argument, "size_bytes is 0, must be more");
  if (!context.unified_memory())
    fail(Status::unsupported, "a device of the context has memory of its own: create a buffer and write to it");
  if (size > context.max_allocation())
    fail(Status::allocation_too_large, "size_bytes is ", size, ", the device allows at most ", context.max_allocation(),
         " in one buffer");
  cl_int code = CL_SUCCESS;
  ClMem memory(clCreateBuffer(context.native(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, size, host, &code));
  cl_check(code, "clCreateBuffer", "creating a buffer over host memory");
  auto lease = context.pool().adopt(std::move(memory), size);
  return std::shared_ptr<Buffer>(new Buffer(share(context), std::move(lease), 0, size, false));
}

std::shared_ptr<Buffer> Buffer::wrap(Context &context, cl_mem native) {
  cl_context owner = nullptr;
  cl_mem_object_type type = 0;
  std::size_t size = 0;
  cl_check(clGetMemObjectInfo(native, CL_MEM_CONTEXT, sizeof owner, &owner, nullptr), "clGetMemObjectInfo");
  cl_check(clGetMemObjectInfo(native, CL_MEM_TYPE, sizeof type, &type, nullptr), "clGetMemObjectInfo");
  cl_check(clGetMemObjectInfo(native, CL_MEM_SIZE, sizeof size, &size, nullptr), "clGetMemObjectInfo");
  if (owner != context.native())
    fail(Status::context_mismatch, "the cl_mem belongs to another cl_context than the context given");
  if (type != CL_MEM_OBJECT_BUFFER) fail(Status::invalid_argument, "the cl_mem is not a buffer but of type ", type);
  auto lease = context.pool().adopt(ClMem::share(native), size);
  return std::shared_ptr<Buffer>(new Buffer(share(context), std::move(lease), 0, size, false));
}

Buffer::~Buffer() {
  if (cl_mem sub_buffer = sub_buffer_.load(); sub_buffer && process_running()) clReleaseMemObject(sub_buffer);
}

std::shared_ptr<Buffer> Buffer::slice(std::size_t offset, std::size_t size) {
  check_range(offset, size, size_, "the slice");
  return std::shared_ptr<Buffer>(new Buffer(context_, lease_, offset_ + offset, size, true));
}

cl_mem Buffer::root() const noexcept { return lease_->block().memory(); }

cl_mem Buffer::escape() {
  lease_->block().keep_out_of_pool();
  if (const auto &zones = lease_->block().zones()) zones->foreign = true;
  return root();
}

std::uint64_t Buffer::argument_id() const noexcept {
  return is_slice_ && size_ ? sub_buffer_id_ : lease_->block().id();
}

std::uint64_t Buffer::root_id() const noexcept { return lease_->block().id(); }

void Buffer::used_by(Queue &queue) noexcept { lease_->block().used(queue.timeline()); }

bool Buffer::overlaps(const Buffer &other, std::size_t offset, std::size_t other_offset, std::size_t size,
                      std::size_t other_size) const noexcept {
  if (root() != other.root() || size == 0 || other_size == 0) return false;
  const std::size_t a = offset_ + offset, b = other.offset_ + other_offset;
  return a < b + other_size && b < a + size;
}

void Buffer::check(const Queue &queue, std::size_t offset, std::size_t size, const char *what) const {
  if (&queue.context() != context_.get())
    fail(Status::context_mismatch, "queue and buffer are of different contexts; ", what, " needs both of one");
  check_range(offset, size, size_, what);
}

void Buffer::write(Queue &queue, std::size_t offset, std::size_t size, const void *host) {
  check(queue, offset, size, "the write");
  if (size == 0) return;
  if (context_->transfer().wants(queue, host, size) &&
      context_->transfer().write(queue, lease_, offset_ + offset, size, host))
    return;
  used_by(queue);
  const auto put = [&](cl_event *event) {
    return clEnqueueWriteBuffer(queue.native(), root(), CL_TRUE, offset_ + offset, size, host, 0, nullptr, event);
  };
  const bool waits = quirks_of(queue.device()).writes_after_return;
  ClEvent written;
  cl_check(recorded(queue, "clEnqueueWriteBuffer", size, waits, written, put), "clEnqueueWriteBuffer",
           "writing to a buffer");
  // OpenCL says no more than that the host's memory may be used again: the pool counts the write as any other command.
  queue.timeline()->submitted();
  if (!waits) return;
  const cl_event event = written.get();
  if (const cl_int code = clWaitForEvents(1, &event); code != CL_SUCCESS)
    fail_execution(code, "clWaitForEvents", "a write");
}

void Buffer::read(Queue &queue, std::size_t offset, std::size_t size, void *host) {
  check(queue, offset, size, "the read");
  if (size == 0) return;
  if (context_->transfer().wants(queue, host, size) &&
      context_->transfer().read(queue, lease_, offset_ + offset, size, host)) {
    if (guarding_memory()) check_guards(queue, queue.in_order());
    return;
  }
  const std::uint64_t before = queue.timeline()->last();
  const auto put = [&](cl_event *event) {
    return clEnqueueReadBuffer(queue.native(), root(), CL_TRUE, offset_ + offset, size, host, 0, nullptr, event);
  };
  ClEvent none;
  cl_check(recorded(queue, "clEnqueueReadBuffer", size, false, none, put), "clEnqueueReadBuffer",
           "reading from a buffer");
  if (queue.in_order()) queue.timeline()->completed(before);
  if (guarding_memory()) check_guards(queue, queue.in_order());
}

void Buffer::write_async(Queue &queue, std::size_t offset, std::size_t size, const void *host, Waits waits,
                         OutEvent out) {
  check(queue, offset, size, "the write");
  if (size == 0) return enqueue_nothing(queue, waits, out);
  if (context_->transfer().wants(queue, host, size) &&
      context_->transfer().write_async(queue, lease_, offset_ + offset, size, host, waits, out))
    return;
  used_by(queue);
  enqueue(queue, "clEnqueueWriteBuffer", "a write", waits, out,
          [&](cl_uint count, const cl_event *events, cl_event *event) {
            return clEnqueueWriteBuffer(queue.native(), root(), CL_FALSE, offset_ + offset, size, host, count, events,
                                        event);
          },
          {size});
}

void Buffer::read_async(Queue &queue, std::size_t offset, std::size_t size, void *host, Waits waits, OutEvent out) {
  check(queue, offset, size, "the read");
  if (size == 0) return enqueue_nothing(queue, waits, out);
  if (context_->transfer().wants(queue, host, size) &&
      context_->transfer().read_async(queue, lease_, offset_ + offset, size, host, waits, out))
    return;
  used_by(queue);
  enqueue(queue, "clEnqueueReadBuffer", "a read", waits, out,
          [&](cl_uint count, const cl_event *events, cl_event *event) {
            return clEnqueueReadBuffer(queue.native(), root(), CL_FALSE, offset_ + offset, size, host, count, events,
                                       event);
          },
          {size});
}

void Buffer::copy_to(Buffer &destination, Queue &queue, std::size_t offset, std::size_t destination_offset,
                     std::size_t size, Waits waits, OutEvent out) {
  check(queue, offset, size, "the source of the copy");
  destination.check(queue, destination_offset, size, "the destination of the copy");
  if (overlaps(destination, offset, destination_offset, size, size))
    fail(Status::overlap, "source and destination share bytes: ", size, " bytes at ", offset_ + offset, " and at ",
         destination.offset_ + destination_offset, " of one buffer; copy by way of another");
  if (size == 0) return enqueue_nothing(queue, waits, out);
  used_by(queue);
  destination.used_by(queue);
  enqueue(queue, "clEnqueueCopyBuffer", "a copy", waits, out,
          [&](cl_uint count, const cl_event *events, cl_event *event) {
            return clEnqueueCopyBuffer(queue.native(), root(), destination.root(), offset_ + offset,
                                       destination.offset_ + destination_offset, size, count, events, event);
          },
          {size});
}

void Buffer::fill(Queue &queue, const void *pattern, std::size_t pattern_size, std::size_t offset, std::size_t size,
                  Waits waits, OutEvent out) {
  check(queue, offset, size, "the fill");
  if (pattern_size == 0 || pattern_size > 128 || (pattern_size & (pattern_size - 1)))
    fail(Status::invalid_argument, "pattern_size_bytes is ", pattern_size, ", must be 1, 2, 4, 8, 16, 32, 64 or 128");
  if (size % pattern_size)
    fail(Status::misaligned, "size_bytes is ", size, ", must be a multiple of the pattern's ", pattern_size, " bytes");
  if ((offset_ + offset) % pattern_size)
    fail(Status::misaligned, "the fill starts at byte ", offset_ + offset,
         " of the whole buffer, must be a multiple of the pattern's ", pattern_size, " bytes");
  if (size == 0) return enqueue_nothing(queue, waits, out);
  used_by(queue);
  enqueue(queue, "clEnqueueFillBuffer", "a fill", waits, out,
          [&](cl_uint count, const cl_event *events, cl_event *event) {
            return clEnqueueFillBuffer(queue.native(), root(), pattern, pattern_size, offset_ + offset, size, count,
                                       events, event);
          },
          {size});
}

void *Buffer::map(Queue &queue, std::uint32_t flags, std::size_t offset, std::size_t size, bool blocking, Waits waits,
                  OutEvent out) {
  check(queue, offset, size, "the map");
  if (flags & ~(map_read | map_write | map_discard))
    fail(Status::invalid_argument, "flags is ", flags, ", which has unknown bits; known are 1, 2 and 4");
  if (!(flags & (map_read | map_write)))
    fail(Status::invalid_argument, "flags is ", flags, ", must have GPUC_MAP_READ or GPUC_MAP_WRITE");
  if ((flags & map_discard) && (flags & map_read || !(flags & map_write)))
    fail(Status::invalid_argument, "GPUC_MAP_DISCARD goes with GPUC_MAP_WRITE alone");
  if (size == 0) fail(Status::invalid_argument, "size_bytes is 0, must be more");
  cl_map_flags native = 0;
  if (flags & map_read) native |= CL_MAP_READ;
  if (flags & map_write) native |= flags & map_discard ? CL_MAP_WRITE_INVALIDATE_REGION : CL_MAP_WRITE;
  BlockLease::Mappings mapping(1);
  mapping.front().timeline = queue.timeline();
  void *pointer = nullptr;
  used_by(queue);
  enqueue(queue, "clEnqueueMapBuffer", "a map", waits, blocking ? out : &mapping.front().mapped,
          [&](cl_uint count, const cl_event *events, cl_event *event) {
            cl_int code = CL_SUCCESS;
            pointer = clEnqueueMapBuffer(queue.native(), root(), blocking ? CL_TRUE : CL_FALSE, native,
                                         offset_ + offset, size, count, events, event, &code);
            return code;
          },
          {size});
  mapping.front().pointer = pointer;
  if (out && !blocking) *out = mapping.front().mapped;
  lease_->add_mapping(std::move(mapping));
  return pointer;
}

void Buffer::unmap(Queue &queue, void *pointer, Waits waits, OutEvent out) {
  check(queue, 0, 0, "the unmap");
  BlockLease::Mappings mapping = lease_->take_mapping(pointer);
  if (mapping.empty()) fail(Status::invalid_state, "pointer ", pointer, " is not mapped from this buffer");
  try {
    std::vector<cl_event> all;
    if (const cl_event map = mapping.front().pending()) {
      if (mapping.front().timeline != queue.timeline()) mapping.front().mapped->ensure_flushed();
      all.assign(waits.events, waits.events + waits.count);
      all.push_back(map);
      waits = {all.data(), static_cast<cl_uint>(all.size())};
    }
    used_by(queue);
    enqueue(queue, "clEnqueueUnmapMemObject", "an unmap", waits, out,
            [&](cl_uint count, const cl_event *events, cl_event *event) {
              return clEnqueueUnmapMemObject(queue.native(), root(), pointer, count, events, event);
            });
  } catch (...) {
    lease_->add_mapping(std::move(mapping));
    throw;
  }
}

cl_mem Buffer::argument(const Device &device, std::size_t index, const char *kernel) {
  if (!is_slice_ || size_ == 0) return root();
  const std::uint64_t alignment = device.info().slice_alignment;
  if (offset_ % alignment)
    fail(Status::misaligned, "argument ", index, " of kernel '", kernel, "' is a slice that starts at byte ", offset_,
         " of its buffer, must be a multiple of ", alignment, " on '", device.info().name,
         "'; pass the whole buffer and the offset, or copy the slice");
  if (cl_mem ready = sub_buffer_.load(std::memory_order_acquire)) return ready;
  std::lock_guard<std::mutex> lock(sub_buffer_mutex_);
  if (cl_mem ready = sub_buffer_.load()) return ready;
  const cl_buffer_region region = {lease_->block().front() + offset_, size_};
  cl_int code = CL_SUCCESS;
  cl_mem made = clCreateSubBuffer(lease_->block().whole(), 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
  cl_check(code, "clCreateSubBuffer", "making a slice a kernel argument");
  sub_buffer_id_ = next_sub_buffer_id.fetch_add(1);
  sub_buffer_.store(made, std::memory_order_release);
  return made;
}

}  // namespace gpucompute
