// Checks the arguments of a launch against the kernel's signature and sets them.
#pragma once

#include <gpucompute/kernel.hpp>

#include "program/kernel_record.hpp"

namespace gpucompute {

// Sets all arguments of the instance. What it already holds is not set again. Throws Error(kernel_argument, ...).
void set_arguments(const KernelRecord &record, KernelInstance &instance, const Device &device, const Context &context,
                   const Argument *arguments, std::size_t count);

}  // namespace gpucompute
