// A product that candidates are measured with: random matrices on the device, the right result, and a stop-watch.
#pragma once

#include <gpucompute/buffer.hpp>
#include <gpucompute/gemm.hpp>
#include <gpucompute/queue.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gpucompute {

class TuneTrial {
 public:
  // Square, of `n`. Throws where there is no memory for it.
  TuneTrial(Queue &queue, DataType type, bool a_transposed, bool b_transposed, std::int64_t n);

  const GemmProblem &problem() const noexcept { return problem_; }

  // Whether the backend computes it rightly: within the error bound of the type, of what the reference backend gives.
  bool is_right(const std::string &backend);
  // Seconds for one product of the backend: the median of `samples`, each long enough for the clock.
  double seconds(const std::string &backend, int samples);

 private:
  void put(const std::string &backend);
  std::vector<double> read_result();

  Queue &queue_;
  GemmProblem problem_;
  std::shared_ptr<Buffer> a_, b_, c_;
  std::vector<double> expected_;
};

}  // namespace gpucompute
