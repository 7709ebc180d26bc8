// Makes one text of sources, headers and macro definitions, with #line marks so that build logs name the right places.
#pragma once

#include <gpucompute/program.hpp>

#include <string>

namespace gpucompute {

// Headers are put in where a source has #include "name"; other includes are left to the driver.
// Throws Error(invalid_argument, not_found).
std::string join_sources(const ProgramDescription &description);

// The joined text with empty lines for its #line marks: the same lines at the same numbers.
std::string without_line_marks(const std::string &joined);

// Whether the joined text has an #include left, which the driver follows to a file.
bool includes_files(const std::string &joined);

// The first error of a build log as one line, with the line of source that it speaks of: "source:3: ... | x = y;". ""
// if there is none.
std::string first_error(const std::string &log, const std::string &joined);

}  // namespace gpucompute
