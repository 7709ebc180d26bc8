#include "gemm/tuning_store.hpp"

#include <unistd.h>
#include <gpucompute/platform.hpp>

#include <cstdlib>
#include <cstring>

#include "program/kernel_source.hpp"
#include "support/disk_cache.hpp"
#include "support/fail.hpp"
#include "support/log.hpp"
#include "support/sha256.hpp"

namespace gpucompute {
namespace {

constexpr std::uint64_t limit_bytes = std::uint64_t{64} << 20;

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

// Other kernels want other parameters, and so does another driver for the same ones.
std::string key_of(const Device &device) {
  const DeviceInfo &info = device.info();
  Sha256 hash;
  hash.field("gpucompute tuning 1").field(GPUCOMPUTE_VERSION);
  for (const std::string *part : {&device.platform().info().name, &device.platform().info().version, &info.name,
                                  &info.vendor, &info.version, &info.driver_version})
    hash.field(*part);
  hash.number(info.compute_units).number(info.max_work_group_size).number(info.local_memory);
  for (const EmbeddedKernel *kernel = embedded_kernels; kernel->name; ++kernel)
    if (std::strncmp(kernel->name, "gemm/", 5) == 0) hash.field(kernel->name).field(kernel->source);
  return hash.hex();
}

}  // namespace

std::string tuning_store_directory(std::string &why_not) {
  why_not.clear();
  const std::string choice = environment("GPUC_TUNING");
  if (choice == "0" || choice == "off" || choice == "OFF") {
    why_not = "GPUC_TUNING=" + choice + " turns it off";
    return {};
  }
  if (::getuid() != ::geteuid() || ::getgid() != ::getegid()) {
    why_not = "the program runs with the rights of another user, whose environment is not to be trusted";
    return {};
  }
  if (!choice.empty()) return choice;
  const std::string data = environment("XDG_DATA_HOME"), home = environment("HOME");
  if (!data.empty() && data[0] == '/') return data + "/gpucompute/tuning";
  if (!home.empty() && home[0] == '/') return home + "/.local/share/gpucompute/tuning";
  why_not = "none of GPUC_TUNING, XDG_DATA_HOME and HOME names a directory";
  return {};
}

std::optional<DeviceTuning> load_tuning(const Device &device) {
  std::string why;
  const std::string directory = tuning_store_directory(why);
  // Who has never tuned has no directory, and gets none by reading.
  if (directory.empty() || ::access(directory.c_str(), F_OK) != 0) return std::nullopt;
  DiskCache store(directory, limit_bytes);
  const auto bytes = store.get(key_of(device));
  if (!bytes) return std::nullopt;
  auto tuning = parse_tuning({reinterpret_cast<const char *>(bytes->data()), bytes->size()}, why);
  if (!tuning) log(LogLevel::warning, "gemm: the tuning table of '", device.info().name, "' is not used: ", why);
  return tuning;
}

void save_tuning(const Device &device, const DeviceTuning &tuning) {
  std::string why;
  const std::string directory = tuning_store_directory(why);
  if (directory.empty()) fail(Status::invalid_state, "there is no table to store what was measured in: ", why);
  DiskCache store(directory, limit_bytes);
  if (!store.usable()) fail(Status::file, "the tuning table cannot be written: ", store.reason());
  const std::string json = to_json(tuning);
  if (!store.put(key_of(device), json.data(), json.size()))
    fail(Status::file, "the tuning table in '", directory,
         "' cannot be written: ", std::strerror(store.stats().last_store_errno));
}

}  // namespace gpucompute
