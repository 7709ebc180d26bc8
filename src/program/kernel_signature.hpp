// What the arguments of a kernel are: from the driver where it tells, else from the kernel's declaration in the source.
#pragma once

#include <gpucompute/kernel.hpp>

#include <string>
#include <vector>

namespace gpucompute {

// As many entries as the kernel has arguments; what nobody tells stays unknown.
std::vector<ArgumentInfo> read_signature(cl_kernel kernel, const std::string &name, const std::string &source);

// Fills type and size of a value whose type is a typedef of a number or a vector in the source: many drivers tell the
// typedef's name only, and take any number of bytes.
void follow_typedefs(const std::string &source, ArgumentInfo &info);

// The arguments in the declaration of a kernel in OpenCL C; empty where it is not found. Macros are not expanded.
std::vector<ArgumentInfo> parse_declaration(const std::string &source, const std::string &kernel_name);

}  // namespace gpucompute
