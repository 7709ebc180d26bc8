// The library's own kernels: files of kernels/, embedded at build time.
#pragma once

#include <string>

namespace gpucompute {

struct EmbeddedKernel {
  const char *name;  // "gemm/scale.cl"; null ends the list
  const char *source;
};

extern const EmbeddedKernel embedded_kernels[];

// The source of kernels/<name>; from the folder GPUC_KERNEL_DIR where that is set. Throws Error(internal, file).
std::string kernel_source(const std::string &name);

}  // namespace gpucompute
