// Joining sources, headers and macros, and finding a build log's line in the result.
#include "fuzz_input.hpp"

#include <gpucompute/error.hpp>

#include "program/source_text.hpp"

using namespace gpucompute;

namespace {

std::size_t lines_of(const std::string &text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int *, char ***) { return 0; }

// A byte for each kind of part, a byte for the length of its name, two for the length of its text. What is left over is
// a build log.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  fuzz::Input input(data, size);
  ProgramDescription description;
  const std::size_t parts = input.byte() % 8;
  for (std::size_t i = 0; i < parts; ++i) {
    const std::uint8_t kind = input.byte();
    const std::string name = input.text(input.byte() % 32);
    const std::string text = input.text(input.number<std::uint16_t>() % 512);
    if (kind % 4 == 0)
      description.defines.emplace_back(name, text);
    else if (kind % 4 == 1)
      description.sources.push_back({name, text});
    else
      description.headers.push_back({name, text});
  }
  const std::string log = input.rest();
  try {
    const std::string joined = join_sources(description);
    fuzz::require(description.sources.empty() == (lines_of(joined) == description.defines.size()),
                  "a define is not one line, or a source is lost");
    const std::string plain = without_line_marks(joined);
    fuzz::require(lines_of(plain) == lines_of(joined), "without marks there is another number of lines");
    (void)includes_files(joined);
    (void)first_error(log, joined);
    (void)first_error(log, log);
  } catch (const Error &error) {
    fuzz::require(error.status() == Status::invalid_argument || error.status() == Status::not_found,
                  "a status that is not documented");
    fuzz::require(std::string(error.message()).find('\n') == std::string::npos, "a message of several lines");
  }
  return 0;
}
