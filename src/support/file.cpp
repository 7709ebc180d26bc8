#include "support/file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "support/fail.hpp"

namespace gpucompute {

std::string read_file(const std::string &path) {
  const auto close = [](std::FILE *file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rbe"), close);
  if (!file) fail(Status::file, "file '", path, "' cannot be opened: ", std::strerror(errno));
  std::string content;
  char chunk[65536];
  std::size_t got;
  while ((got = std::fread(chunk, 1, sizeof chunk, file.get())) > 0) content.append(chunk, got);
  if (std::ferror(file.get())) fail(Status::file, "file '", path, "' cannot be read: ", std::strerror(errno));
  return content;
}

}  // namespace gpucompute
