// Buffers and slices of them: (root memory object, byte offset, size). Sizes and offsets are bytes.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/types.hpp>

#include <memory>
#include <mutex>

namespace gpucompute {

class BlockLease;
class Event;
class Queue;

// A box in two places: bytes in a row, rows, slices. A pitch of 0 is tight.
struct Rect {
  std::size_t region[3];
  std::size_t source_origin[3], source_row_pitch, source_slice_pitch;
  std::size_t destination_origin[3], destination_row_pitch, destination_slice_pitch;
};

using OutEvent = std::shared_ptr<Event> *;  // may be null: no event is made

class Buffer final : public Object {
 public:
  static constexpr std::uint32_t unpooled = 1;
  static constexpr std::uint32_t map_read = 1, map_write = 2, map_discard = 4;

  static std::shared_ptr<Buffer> create(Context &context, std::size_t size, std::uint32_t flags = 0);
  static std::shared_ptr<Buffer> over_host(Context &context, void *host, std::size_t size);
  static std::shared_ptr<Buffer> wrap(Context &context, cl_mem native);  // retains
  ~Buffer() override;

  std::shared_ptr<Buffer> slice(std::size_t offset, std::size_t size);

  Context &context() const noexcept { return *context_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t offset() const noexcept { return offset_; }  // within the root
  cl_mem root() const noexcept;                            // for commands that take an offset
  cl_mem escape();                                         // the root for foreign hands: never pooled again
  bool overlaps(const Buffer &other, std::size_t offset, std::size_t other_offset, std::size_t size,
                std::size_t other_size) const noexcept;

  void write(Queue &queue, std::size_t offset, std::size_t size, const void *host);
  void read(Queue &queue, std::size_t offset, std::size_t size, void *host);
  void write_async(Queue &queue, std::size_t offset, std::size_t size, const void *host, Waits waits, OutEvent out);
  void read_async(Queue &queue, std::size_t offset, std::size_t size, void *host, Waits waits, OutEvent out);
  void copy_to(Buffer &destination, Queue &queue, std::size_t offset, std::size_t destination_offset, std::size_t size,
               Waits waits, OutEvent out);
  void fill(Queue &queue, const void *pattern, std::size_t pattern_size, std::size_t offset, std::size_t size,
            Waits waits, OutEvent out);
  void write_rect(Queue &queue, const Rect &rect, const void *host, bool blocking, Waits waits, OutEvent out);
  void read_rect(Queue &queue, const Rect &rect, void *host, bool blocking, Waits waits, OutEvent out);
  void copy_rect_to(Buffer &destination, Queue &queue, const Rect &rect, Waits waits, OutEvent out);
  void *map(Queue &queue, std::uint32_t flags, std::size_t offset, std::size_t size, bool blocking, Waits waits,
            OutEvent out);
  void unmap(Queue &queue, void *pointer, Waits waits, OutEvent out);

  // For kernels: the object to set as an argument on this device. `index` and `kernel` name the argument in the error
  // for a slice that starts where the device allows none.
  cl_mem argument(const Device &device, std::size_t index, const char *kernel);
  // A number that differs for every memory object of the process, unlike its address.
  std::uint64_t argument_id() const noexcept;
  // The same for the root of a slice.
  std::uint64_t root_id() const noexcept;
  // Commands of the queue use the memory from now on. Called before the first is put there.
  void used_by(Queue &queue) noexcept;

 private:
  Buffer(std::shared_ptr<Context> context, std::shared_ptr<BlockLease> lease, std::size_t offset, std::size_t size,
         bool is_slice);
  void check(const Queue &queue, std::size_t offset, std::size_t size, const char *what) const;

  std::shared_ptr<Context> context_;
  std::shared_ptr<BlockLease> lease_;
  std::size_t offset_, size_;
  bool is_slice_;
  std::mutex sub_buffer_mutex_;
  std::atomic<cl_mem> sub_buffer_{nullptr};
  std::uint64_t sub_buffer_id_ = 0;
};

}  // namespace gpucompute
