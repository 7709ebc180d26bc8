// The programs of the library's own kernels, built on first use and kept with a context.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/program.hpp>

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/cl_handle.hpp"

namespace gpucompute {

// A Program keeps its Context alive, so a context that kept Programs would never go. What is kept is the cl_program:
// the driver's reference from there to the cl_context ends when the context drops its attachments.
class LibraryPrograms {
 public:
  static LibraryPrograms &of(Context &context);

  using Defines = std::vector<std::pair<std::string, std::string>>;
  // A new cl_kernel of kernels/<file>, built with these macros on first use. The caller's own: one cl_kernel that two
  // threads give arguments to computes wrong results without an error.
  // `ptx_target` as in ProgramDescription; one file has one.
  ClKernel kernel(Context &context, const std::string &file, const Defines &defines, const char *name,
                  const char *ptx_target = "");

 private:
  std::mutex mutex_;
  std::map<std::string, ClProgram> programs_;
};

}  // namespace gpucompute
