// Instructions that only one architecture has, in programs for NVIDIA's OpenCL compiler. It assembles for the plain
// architecture ("sm_90") and refuses what exists for the specific one alone ("sm_90a"). Inline PTX that starts with
// "//@sm_90a " is a comment to it. What it gives as a program's binary is PTX text: in that the marks are removed and
// the target is raised, and the text is built as a binary. Found out by trial; documented nowhere, so that each use
// must be ready for a driver that refuses.
#pragma once

#include <string>
#include <vector>

namespace gpucompute {

// `target` as in "sm_90a". Throws Error(unsupported) if the binary is not PTX for the plain form of the target.
std::vector<unsigned char> ptx_specialise(const std::vector<unsigned char> &binary, const std::string &target);

}  // namespace gpucompute
