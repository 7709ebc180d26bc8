// Tensor maps of Hopper's copy engine, made on the device (kernels/gemm/tensor_map.cl) and kept with the context: for a
// memory object, a place in it and a shape they stay right for as long as the object lives.
#pragma once

#include <gpucompute/buffer.hpp>
#include <gpucompute/queue.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "gemm/gemm_task.hpp"
#include "support/cl_handle.hpp"

namespace gpucompute {

// x runs along a line; y counts lines, z matrices. Strides are bytes and multiples of 16, as is the offset.
struct TensorMap {
  Buffer *buffer = nullptr;
  std::uint64_t offset_bytes = 0;
  std::uint64_t x = 0, y = 0, z = 0, y_bytes = 0, z_bytes = 0;
  std::uint64_t box_x = 0, box_y = 0;
  std::uint64_t type = 0;  // as tensor_map.cl counts
  std::uint64_t swizzled = 1;
};

// Whether the copy engine can take lines of the matrix.
bool is_aligned(const GemmOperand &operand, std::uint64_t batch_count);
TensorMap map_of(const GemmOperand &operand, std::uint64_t batch_count, std::uint64_t type, std::uint64_t box_x,
                 std::uint64_t box_y);

class TensorMaps {
 public:
  static TensorMaps &of(Context &context);
  static constexpr std::size_t most_maps = 8;

  struct Place {
    ClMem memory;
    std::uint64_t at = 0;  // bytes
    ClEvent ready;         // of the commands that make the maps; null when they are known to be complete
    cl_command_queue made_on = nullptr;

    Place share() const;
    // What a command on the queue has to wait for, or null.
    cl_event before(Queue &queue) noexcept;
  };
  // Where these maps lie one after the other. New ones are made by commands on the queue.
  Place place(Queue &queue, const std::vector<TensorMap> &maps);

 private:
  void make(Queue &queue, const std::vector<TensorMap> &maps, Place &place);

  std::mutex mutex_;
  ClMem arena_;
  std::map<std::vector<std::uint64_t>, Place> places_;
};

}  // namespace gpucompute
