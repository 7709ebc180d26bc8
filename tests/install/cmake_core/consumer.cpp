// A C++ user of the core.
#include <gpucompute/error.hpp>
#include <gpucompute/platform.hpp>

#include <cstdio>

int main() {
  try {
    for (const auto &platform : gpucompute::platforms()) {
      std::printf("%s: %zu devices\n", platform->info().name.c_str(), platform->devices().size());
    }
  } catch (const gpucompute::Error &error) {
    std::printf("%s: %s\n", gpucompute::status_name(error.status()), error.message().c_str());
    return error.status() == gpucompute::Status::no_platform ? 0 : 1;
  }
  return 0;
}
