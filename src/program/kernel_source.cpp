#include "program/kernel_source.hpp"

#include <cstdlib>

#include "support/fail.hpp"
#include "support/file.hpp"

namespace gpucompute {

std::string kernel_source(const std::string &name) {
  if (const char *folder = std::getenv("GPUC_KERNEL_DIR")) return read_file(std::string(folder) + "/" + name);
  for (const EmbeddedKernel *kernel = embedded_kernels; kernel->name; ++kernel)
    if (name == kernel->name) return kernel->source;
  fail(Status::internal, "no kernel file '", name, "' is embedded");
}

}  // namespace gpucompute
