#include <gpucompute/doctor.hpp>

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <utility>

#include "runtime/doctor_parts.hpp"
#include "support/process.hpp"

extern "C" char **environ;

namespace gpucompute {
namespace doctor {

std::string value_of(const Environment &environment, const std::string &name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

bool is_set(const Environment &environment, const std::string &name) { return environment.count(name) != 0; }

std::vector<std::string> split(const std::string &joined, char separator) {
  std::vector<std::string> pieces;
  std::size_t start = 0;
  while (start <= joined.size()) {
    const std::size_t end = std::min(joined.find(separator, start), joined.size());
    if (end > start) {
      pieces.push_back(joined.substr(start, end - start));
    }
    start = end + 1;
  }
  return pieces;
}

bool starts_with(const std::string &whole, const std::string &start) {
  return whole.compare(0, start.size(), start) == 0;
}

bool ends_with(const std::string &whole, const std::string &end) {
  return whole.size() >= end.size() && whole.compare(whole.size() - end.size(), end.size(), end) == 0;
}

std::string lower(std::string mixed) {
  for (char &letter : mixed) {
    if (letter >= 'A' && letter <= 'Z') {
      letter = static_cast<char>(letter - 'A' + 'a');
    }
  }
  return mixed;
}

std::string load_reason(const DoctorLibrary &library) {
  const std::string prefix = library.name + ": ";
  return starts_with(library.error, prefix) ? library.error.substr(prefix.size()) : library.error;
}

std::string trimmed(const std::string &words) {
  const std::size_t first = words.find_first_not_of(" \t");
  return first == std::string::npos ? std::string() : words.substr(first, words.find_last_not_of(" \t") - first + 1);
}

bool contains_text(const std::string &whole, const std::string &part) {
  return lower(whole).find(lower(part)) != std::string::npos;
}

std::string base_name(const std::string &path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

namespace {

// Variables that decide what OpenCL finds, or where a driver or this library keeps its files.
bool matters(const std::string &name) {
  static const char *const prefixes[] = {"GPUC_", "OCL_ICD_", "OPENCL_", "POCL_", "RUSTICL_", "OCLGRIND_"};
  static const char *const names[] = {"CUDA_VISIBLE_DEVICES",
                                      "CUDA_CACHE_DISABLE",
                                      "CUDA_CACHE_PATH",
                                      "NVIDIA_VISIBLE_DEVICES",
                                      "NVIDIA_DRIVER_CAPABILITIES",
                                      "GPU_DEVICE_ORDINAL",
                                      "ROCR_VISIBLE_DEVICES",
                                      "HIP_VISIBLE_DEVICES",
                                      "LP_CL",
                                      "ZE_AFFINITY_MASK",
                                      "ONEAPI_DEVICE_SELECTOR",
                                      "LD_LIBRARY_PATH",
                                      "LD_PRELOAD",
                                      "HOME",
                                      "XDG_CACHE_HOME"};
  return std::any_of(std::begin(prefixes), std::end(prefixes),
                     [&](const char *prefix) { return starts_with(name, prefix); }) ||
         std::any_of(std::begin(names), std::end(names), [&](const char *known) { return name == known; });
}

Environment process_environment() {
  Environment environment;
  for (char **entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string pair(*entry);
    const std::size_t equals = pair.find('=');
    if (equals != std::string::npos) {
      environment.emplace(pair.substr(0, equals), pair.substr(equals + 1));  // the first one counts, as for getenv
    }
  }
  return environment;
}

}  // namespace
}  // namespace doctor

DoctorReport diagnose(const DoctorProbe &probe) {
  using namespace doctor;
  DoctorReport report;
#ifdef GPUCOMPUTE_VERSION
  report.library_version = GPUCOMPUTE_VERSION;
#endif
  // The drivers' start comes first: they may set variables meanwhile, which nobody must read then, and the test loads
  // below find them in place instead of starting them.
  std::vector<const void *> handles;
  report.opencl_queried = probe.query_opencl && process_running();
  if (report.opencl_queried) {
    static std::mutex mutex;  // never taken in a forked child
    const std::lock_guard<std::mutex> lock(mutex);
    handles = query_platforms(report);
    process_arm();  // after the drivers are loaded: exit hooks run in reverse order
  } else if (probe.query_opencl) {
    report.not_queried = "this process was forked from one that had used OpenCL, or is in exit()";
  }

  const Environment environment = probe.environment ? *probe.environment : process_environment();
  for (const auto &[name, value] : environment) {
    if (matters(name)) {
      report.environment.push_back({name, value});
    }
  }
  report.user = describe_user();
  report.system = describe_system(probe.root);
  report.container = in_container(probe.root);
  report.nvidia_kernel_driver = nvidia_kernel_driver(probe.root);
  report.nodes = find_nodes(probe.root);
  report.pci = find_pci_devices(probe.root);
  report.cache = describe_cache(probe.root, environment);
  report.pocl_cache = describe_pocl_cache(probe.root, environment);

  report.loader = describe_loader(report.opencl_queried);
  report.places = find_places(probe, environment, report.loader.kind);
  report.icds = read_icds(probe, report.places);
  for (DoctorIcd &icd : report.icds) {
    if (icd.library.empty()) {
      continue;
    }
    LoadedDriver driver = load(probe, icd.library, report.opencl_queried);
    icd.loaded = std::move(driver.library);
    for (std::size_t i = 0; i < handles.size(); ++i) {
      if (std::count(driver.platforms.begin(), driver.platforms.end(), handles[i]) != 0) {
        report.platforms[i].library = icd.loaded.path;
      }
    }
  }
  for (const std::string &layer : split(value_of(environment, "OPENCL_LAYERS"), ':')) {
    report.layers.push_back(load(probe, layer, false).library);
  }
  for (const char *name : {"libcuda.so.1", "libnvidia-opencl.so.1"}) {
    report.libraries.push_back(load(probe, name, false).library);
  }
  report.problems = find_problems(report);
  return report;
}

const char *severity_name(DoctorSeverity severity) noexcept {
  switch (severity) {
    case DoctorSeverity::note:
      return "note";
    case DoctorSeverity::warning:
      return "warning";
    case DoctorSeverity::error:
      return "error";
  }
  return "unknown";
}

}  // namespace gpucompute
