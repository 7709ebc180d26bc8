// What this room keeps with a context: built programs, and which backends failed there.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/program.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/cl_handle.hpp"

namespace gpucompute {

// A Program keeps its Context alive, so a context that kept Programs would never go. What is kept is the cl_program:
// the driver's reference from there to the cl_context ends when the context drops its attachments.
class GemmState {
 public:
  static GemmState &of(Context &context);

  using Defines = std::vector<std::pair<std::string, std::string>>;
  // A new cl_kernel of kernels/<file>, which is built on first use. Each call of gemm() has its own: one cl_kernel that
  // two threads give arguments to computes wrong results without an error.
  ClKernel kernel(Context &context, const std::string &file, const Defines &defines, const char *name);

  // A backend that failed for a type on a device is not tried again in this context.
  void drop(const char *backend, DataType type, const Device &device, const std::string &reason);
  std::string dropped(const char *backend, DataType type, const Device &device) const;  // the reason, or ""

 private:
  mutable std::mutex mutex_;
  std::map<std::string, ClProgram> programs_;
  std::map<std::tuple<std::string, DataType, const Device *>, std::string> dropped_;
};

}  // namespace gpucompute
