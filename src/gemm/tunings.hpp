// What of tuning tables is in force in a context.
#pragma once

#include <gpucompute/context.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "gemm/gemm_backend.hpp"
#include "gemm/tuning_table.hpp"

namespace gpucompute {

class Tunings {
 public:
  // On first use, the tables of each device are read, and their parameters put in place.
  static Tunings &of(Context &context);
  // For the tuner: a context that nothing is in force in.
  static void keep_out(Context &context);

  // From now on the library's own table holds, and the user's for the types of which it has something. What a backend
  // refuses is left out, with a line in the log.
  void adopt(Context &context, const Device &device, const DeviceTuning &of_user);

  // The backend that was measured to be the fastest for such products, or null.
  const GemmBackend *preferred(const GemmTask &task, const Device &device) const;

 private:
  using Choices = std::map<ProductClass, const GemmBackend *>;

  std::once_flag loaded_;
  std::atomic<bool> any_choices_{false};
  mutable std::mutex mutex_;
  std::map<const Device *, Choices> choices_;
};

}  // namespace gpucompute
