// Reading whole files.
#pragma once

#include <string>

namespace gpucompute {

// Throws Error(file) that names the file and the reason.
std::string read_file(const std::string &path);

}  // namespace gpucompute
