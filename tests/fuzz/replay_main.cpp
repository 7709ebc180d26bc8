// Runs a fuzz target over kept inputs, without libFuzzer: replay FILE_OR_FOLDER...
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "fuzz_input.hpp"

int main(int argc, char **argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      files.emplace_back(argv[i]);
      continue;
    }
    for (const auto &entry : std::filesystem::recursive_directory_iterator(argv[i]))
      if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  LLVMFuzzerInitialize(&argc, &argv);
  const auto run = [](const std::vector<char> &bytes) {
    // A copy of exactly this size, so that a reader beyond it is seen.
    const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
  };
  run({});
  for (const auto &path : files) {
    std::ifstream file(path, std::ios::binary);
    fuzz::require(file.good(), "an input cannot be opened");
    // Told before, so that the name of an input that ends the program is the last line.
    std::printf("%s\n", path.c_str());
    std::fflush(stdout);
    run(std::vector<char>(std::istreambuf_iterator<char>(file), {}));
  }
  std::printf("%zu inputs\n", files.size());
  return files.empty();
}
