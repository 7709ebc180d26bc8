// Launches that are ready to go again: a kernel with its arguments set, filed under all that they depend on. Making one
// takes longer than the driver needs to launch it.
#pragma once

#include <gpucompute/context.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "gemm/gemm_task.hpp"
#include "gemm/tensor_maps.hpp"
#include "support/cl_handle.hpp"

namespace gpucompute {

struct Prepared {
  ClKernel kernel;
  TensorMaps::Place maps;  // where the kernel takes any
};

class PreparedLaunches {
 public:
  using Key = std::vector<std::uint64_t>;
  static PreparedLaunches &of(Context &context);

  // Null where there is none, or another thread has it: a cl_kernel is for one launch at a time.
  std::unique_ptr<Prepared> take(const Key &key);
  // Without memory for it, it is dropped.
  void put(Key key, std::unique_ptr<Prepared> prepared) noexcept;

 private:
  std::mutex mutex_;
  std::map<Key, std::unique_ptr<Prepared>> ready_;
};

struct LaunchGrid {
  cl_uint dims;
  std::size_t global[3], local[3];
};

// One launch, of what is ready under `key` or else of what `prepare` makes.
class PreparedLaunch {
 public:
  PreparedLaunch(Queue &queue, PreparedLaunches::Key key, const std::function<std::unique_ptr<Prepared>()> &prepare);

  cl_kernel kernel() const noexcept { return prepared_->kernel.get(); }
  // `buffers` are what the kernel reads and writes; some may be null. Afterwards it is ready for the next call.
  void put_on_queue(const char *what, const LaunchGrid &grid, std::initializer_list<Buffer *> buffers, Waits waits,
                    OutEvent out);

 private:
  Queue &queue_;
  PreparedLaunches::Key key_;
  std::unique_ptr<Prepared> prepared_;
};

void add_to_key(PreparedLaunches::Key &key, const GemmOperand &operand);
// Everything of a task that arguments and kernels depend on, with memory objects by numbers that never come again.
PreparedLaunches::Key key_of(const GemmTask &task, const GemmOperand &a, const GemmOperand &b, const Device &device);

}  // namespace gpucompute
