#include <gpucompute/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <set>
#include <utility>

#include "runtime/doctor_parts.hpp"
#include "support/text.hpp"

namespace gpucompute {
namespace doctor {

void Findings::add(DoctorSeverity severity, const char *code, std::string what, std::string fix) {
  problems.push_back({severity, code, std::move(what), std::move(fix)});
}

void Findings::add_cause(const char *code, std::string what, std::string fix) {
  add(has_device ? DoctorSeverity::warning : DoctorSeverity::error, code, std::move(what), std::move(fix));
}

std::string variable(const DoctorReport &report, const std::string &name) {
  for (const DoctorVariable &known : report.environment) {
    if (known.name == name) {
      return known.value;
    }
  }
  return {};
}

bool variable_is_set(const DoctorReport &report, const std::string &name) {
  return std::any_of(report.environment.begin(), report.environment.end(),
                     [&](const DoctorVariable &known) { return known.name == name; });
}

bool names_library(const DoctorIcd &icd, const char *part) {
  return contains_text(base_name(icd.library), part) || contains_text(base_name(icd.loaded.path), part);
}

namespace {

constexpr const char *get_pocl = "$ sudo apt install pocl-opencl-icd";

std::string code_text(std::int32_t code) { return std::string(cl_code_name(code)) + " (" + std::to_string(code) + ")"; }

std::string icd_title(const DoctorIcd &icd) { return icd.file.empty() ? icd.origin : icd.file; }

void find_loader_problems(Findings &findings) {
  std::set<std::string> reported;
  for (const DoctorPlace &place : findings.report.places) {
    const bool by_variable = place.origin != "default";
    const std::string title = by_variable ? text(place.path, " (", place.origin, ")") : place.path;
    if (!place.used) {
      // A default that a variable replaces is as wanted; a variable that is not obeyed is not.
      const bool filenames = place.origin == "OCL_ICD_FILENAMES";
      if ((filenames && reported.insert(place.origin).second) ||
          (place.origin == "OPENCL_VENDOR_PATH" && findings.report.loader.kind == "khronos")) {
        findings.add(
            DoctorSeverity::note, "variable_ignored",
            text(place.origin, " is set, but the loader in use (", findings.report.loader.kind, ") does not know it"),
            filenames ? "use OCL_ICD_VENDORS instead: a folder, an .icd file or a library"
                      : "set OCL_ICD_VENDORS to the folder instead");
      }
      continue;
    }
    if (place.kind == "missing" || !place.error.empty()) {
      const bool missing = place.kind == "missing";
      const std::string what = missing ? "does not exist" : "cannot be read: " + place.error;
      if (by_variable) {
        findings.add_cause(
            "vendors_variable",
            text(place.origin, " is \"", place.path, "\", which ", what, "; the loader finds no driver there"),
            text("$ unset ", place.origin, "\nor let it name a folder of .icd files, such as /etc/OpenCL/vendors"));
      } else if (missing) {
        findings.add_cause("vendors_missing",
                           text("the folder ", place.path, " does not exist: no OpenCL driver is installed"),
                           text("install the driver of your device; for the CPU:\n", get_pocl));
      } else {
        findings.add_cause("vendors_unreadable", text("the folder ", place.path, " ", what),
                           text("$ sudo chmod a+rx ", quoted(place.path)));
      }
    } else if (place.kind == "directory" && place.icd_count == 0) {
      findings.add_cause("vendors_empty",
                         text("the folder ", title, " has no .icd file: no OpenCL driver is registered"),
                         by_variable ? text("$ unset ", place.origin, "\nor let it name a folder of .icd files")
                                     : text("install the driver of your device; for the CPU:\n", get_pocl));
    }
  }
}

void find_load_problem(Findings &findings, const DoctorIcd &icd) {
  const std::string library = base_name(icd.library);
  std::string fix = package_advice(icd.library);
  const std::string &error = icd.loaded.error;
  const bool blank_end =
      !icd.library.empty() && (icd.library.back() == ' ' || icd.library.back() == '\r' || icd.library.back() == '\t');
  if (blank_end && !icd.file.empty()) {
    fix = text("remove the white space after the name:\n$ sudo sed -i 's/[[:space:]]*$//' ", quoted(icd.file));
  } else if (contains_text(error, "cannot open shared object file") && !starts_with(error, icd.library)) {
    const std::string missing = error.substr(0, error.find(':'));
    fix = text("install the package that has ", missing, ", which the driver needs", fix.empty() ? "" : "; or\n", fix);
  } else if (fix.empty()) {
    fix = text("reinstall the package that has ", library);
  }
  if (!icd.file.empty()) {
    fix += text("\nor, where the driver is gone for good:\n$ sudo rm ", quoted(icd.file));
  }
  findings.add_cause("icd_library",
                     text(icd_title(icd), " names ", icd.library, ", which does not load: ", load_reason(icd.loaded)),
                     fix);
}

void find_icd_problems(Findings &findings) {
  const std::vector<DoctorIcd> &icds = findings.report.icds;
  for (std::size_t i = 0; i < icds.size(); ++i) {
    const DoctorIcd &icd = icds[i];
    const DoctorLibrary &library = icd.loaded;
    if (!icd.error.empty()) {
      findings.add_cause("icd_unreadable", text(icd.file, " cannot be read: ", icd.error),
                         text("$ sudo chmod a+r ", quoted(icd.file)));
    } else if (icd.library.empty()) {
      findings.add_cause("icd_empty", text(icd.file, " names no library in its first line"),
                         text("reinstall the driver it belongs to, or remove it:\n$ sudo rm ", quoted(icd.file)));
    } else if (!library.loads) {
      find_load_problem(findings, icd);
    } else if (!library.path.empty() && library.path == findings.report.loader.path) {
      findings.add_cause("icd_is_loader",
                         text(icd_title(icd), " names the loader itself (", icd.library, "), not a driver"),
                         "let it name the driver's own library");
    } else if (!library.exports_icd) {
      findings.add_cause("icd_entry",
                         text(icd_title(icd), " names ", icd.library,
                              ", which loads but is no OpenCL driver: it lacks clIcdGetPlatformIDsKHR"),
                         "let it name the driver's own library, or reinstall the driver");
    } else if (library.platforms_queried && library.platform_count == 0) {
      findings.add_cause("icd_no_platform",
                         text(icd_title(icd), ": ", icd.library, " loads but gives no platform (",
                              code_text(library.platforms_status), ")"),
                         likely_reason(findings.report, library.path.empty() ? icd.library : base_name(library.path)));
    }
    const auto same = [&](const DoctorIcd &other) { return other.loaded.path == library.path; };
    const auto end = icds.begin() + static_cast<std::ptrdiff_t>(i);
    const auto other = library.loads && !library.path.empty() ? std::find_if(icds.begin(), end, same) : end;
    const auto shown = std::count_if(findings.report.platforms.begin(), findings.report.platforms.end(),
                                     [&](const DoctorPlatform &platform) { return platform.library == library.path; });
    // Some loaders notice by themselves.
    if (other != end && (!library.platforms_queried || shown > static_cast<std::ptrdiff_t>(library.platform_count))) {
      findings.add(DoctorSeverity::note, "icd_twice",
                   text(icd_title(icd), " and ", icd_title(*other), " name the same library, ", library.path),
                   "remove one of the two: its devices may appear twice");
    }
  }
}

// PoCL shows no device where it cannot make its cache.
void find_pocl_problems(Findings &findings) {
  const DoctorReport &report = findings.report;
  if (std::none_of(report.icds.begin(), report.icds.end(),
                   [](const DoctorIcd &icd) { return names_library(icd, "libpocl") && icd.loaded.loads; })) {
    return;
  }
  if (!report.pocl_cache.writable) {
    findings.add_cause("pocl_cache",
                       text("PoCL's cache of compiled kernels, ", report.pocl_cache.path,
                            ", cannot be written: ", report.pocl_cache.error, "; without it PoCL has no device"),
                       "set POCL_CACHE_DIR to a folder that this user can write");
  }
  if (variable(report, "HOME").empty() && variable(report, "XDG_CACHE_HOME").empty() &&
      variable(report, "POCL_CACHE_DIR").empty()) {
    findings.add(
        DoctorSeverity::warning, "pocl_cache_shared",
        "HOME is not set: PoCL keeps its compiled kernels in /tmp/pocl, which every user of the machine can write",
        "set POCL_CACHE_DIR to a private folder of this user");
  }
}

void find_platform_problems(Findings &findings) {
  const DoctorReport &report = findings.report;
  for (const DoctorCall &call : report.failed_calls) {
    findings.add(DoctorSeverity::warning, "call_failed",
                 text(call.routine, "(", call.subject, ") failed: ", code_text(call.cl_code)),
                 "the driver is at fault: update it, or choose another device with GPUC_DEVICE");
  }
  for (const DoctorPlatform &platform : report.platforms) {
    const std::string driver = base_name(platform.library) + " " + platform.name;
    if (platform.devices.empty()) {
      findings.add_cause(
          "platform_no_device",
          text("the platform \"", platform.name, "\" has no device (", code_text(platform.devices_status), ")"),
          likely_reason(report, driver));
    }
    if (is_simulator(platform)) {
      findings.add(DoctorSeverity::note, "simulator",
                   text("\"", platform.name, "\" is no device but a checker of kernels, thousands of times slower"),
                   "nothing, where that is wanted; it is used only when GPUC_DEVICE or the program names it");
    }
    for (const DoctorDevice &device : platform.devices) {
      if (!device.available) {
        findings.add(DoctorSeverity::warning, "device_unavailable",
                     text("the device \"", device.name, "\" says that it is not available"),
                     "its compiler or its hardware is missing or in exclusive use: see the driver's own tools");
      }
    }
  }
  if (!report.not_queried.empty()) {
    findings.add(DoctorSeverity::warning, "not_queried", "OpenCL was not asked for its devices: " + report.not_queried,
                 "start this process with exec, or with the multiprocessing method \"spawn\"");
  }
  const bool has_error = std::any_of(findings.problems.begin(), findings.problems.end(),
                                     [](const DoctorProblem &p) { return p.severity == DoctorSeverity::error; });
  if (report.opencl_queried && report.platforms.empty()) {
    findings.add(DoctorSeverity::error, "no_platform",
                 text("there is no OpenCL platform: clGetPlatformIDs gave ", code_text(report.platforms_status)),
                 text(has_error ? "mend the errors above; or, " : "", "for a platform on the CPU:\n", get_pocl));
  }
}

// What is wrong with a device filter on this machine, or empty. The grammar is that of gpuc_device_select: up to four
// parts between ':', a type, an index into what the others leave, and texts to be found in the names.
std::string filter_problem(const DoctorReport &report, const std::string &filter) {
  std::vector<std::string> words;
  std::string type;
  std::string index;
  std::size_t parts = 0;
  for (std::size_t start = 0; start <= filter.size(); ++parts) {
    const std::size_t end = std::min(filter.find(':', start), filter.size());
    const std::string part = lower(trimmed(filter.substr(start, end - start)));
    start = end + 1;
    const bool is_type = part == "cpu" || part == "gpu" || part == "accelerator";
    const bool is_index = part.find_first_not_of("0123456789") == std::string::npos;
    if (part.empty() || (is_type && !type.empty()) || (is_index && !index.empty())) {
      return "has an empty part, two types or two indices";
    }
    is_type ? type = part : is_index ? index = part : words.emplace_back(part);
  }
  if (parts > 4) {
    return "has more than 4 parts";
  }
  std::size_t found = 0;
  for (const DoctorPlatform &platform : report.platforms) {
    for (const DoctorDevice &device : platform.devices) {
      const std::string names = text(platform.name, "\n", platform.vendor, "\n", platform.version, "\n", device.name,
                                     "\n", device.vendor, "\n", device.version, "\n", device.driver_version);
      const bool fits =
          std::all_of(words.begin(), words.end(), [&](const std::string &word) { return contains_text(names, word); });
      found += (type.empty() || device.type == type) && fits ? 1U : 0U;
    }
  }
  if (found == 0) {
    return "matches no device of this machine";
  }
  return !index.empty() && std::strtoull(index.c_str(), nullptr, 10) >= found
             ? text("asks for device ", index, ", but only ", std::to_string(found), " of this machine fit the rest")
             : std::string();
}

void find_variable_problems(Findings &findings) {
  const DoctorReport &report = findings.report;
  for (const DoctorLibrary &layer : report.layers) {
    if (!layer.loads || !layer.exports_layer) {
      findings.add(DoctorSeverity::warning, "layer_missing",
                   text("OPENCL_LAYERS names ", layer.name, ", which ",
                        layer.loads ? "is no OpenCL layer: it lacks clGetLayerInfo or clInitLayer"
                                    : "does not load: " + load_reason(layer),
                        "; the loader ignores it without a word"),
                   "correct the path in OPENCL_LAYERS (a list separated by ':'), or unset it");
    }
  }
  const std::string filter = trimmed(variable(report, "GPUC_DEVICE"));
  const std::string enforce = trimmed(variable(report, "GPUC_DEVICE_ENFORCE"));
  const std::string wrong = filter.empty() || !findings.has_device ? std::string() : filter_problem(report, filter);
  if (!wrong.empty()) {
    findings.add(DoctorSeverity::error, "device_filter", text("GPUC_DEVICE is \"", filter, "\", which ", wrong),
                 "use parts of a name or vendor, cpu, gpu or accelerator, or an index, joined by ':', such as "
                 "nvidia:gpu:0; or\n$ unset GPUC_DEVICE");
  } else if (filter.empty() && !enforce.empty() && enforce != "0") {
    findings.add(DoctorSeverity::error, "device_filter",
                 "GPUC_DEVICE_ENFORCE is set but GPUC_DEVICE is not: no device can be chosen",
                 "set GPUC_DEVICE too; or\n$ unset GPUC_DEVICE_ENFORCE");
  }
}

void find_cache_problems(Findings &findings) {
  const DoctorCache &cache = findings.report.cache;
  const std::string consequence = "; programs are compiled anew in every process";
  const std::string another = "set GPUC_CACHE_DIR to a private folder of this user";
  const std::string title = text("the program cache ", cache.path, " (from ", cache.origin, ")");
  if (cache.path.empty()) {
    if (cache.origin.empty()) {
      findings.add(DoctorSeverity::warning, "cache_nowhere",
                   "none of GPUC_CACHE_DIR, XDG_CACHE_HOME and HOME names a folder for the program cache" + consequence,
                   another);
    }
  } else if (!cache.refused.empty()) {
    const bool by_mode = cache.exists && cache.owned && !cache.is_symlink && contains_text(cache.refused, "can write");
    const bool by_limit = contains_text(cache.refused, "GPUC_CACHE_LIMIT_MB");
    findings.add(DoctorSeverity::warning, "cache_refused", text(title, " is not used: ", cache.refused, consequence),
                 by_mode    ? text("$ chmod 700 ", quoted(cache.path))
                 : by_limit ? std::string("$ unset GPUC_CACHE_LIMIT_MB")
                            : another);
  } else if (!cache.writable) {
    findings.add(DoctorSeverity::warning, "cache_unwritable",
                 text(title, " cannot be written: ", cache.error, consequence),
                 "set GPUC_CACHE_DIR to a folder that this user can write");
  }
}

}  // namespace
}  // namespace doctor

std::vector<DoctorProblem> find_problems(const DoctorReport &report) {
  using namespace doctor;
  const bool has_device = std::any_of(report.platforms.begin(), report.platforms.end(),
                                      [](const DoctorPlatform &platform) { return !platform.devices.empty(); });
  Findings findings{report, has_device, {}};
  find_loader_problems(findings);
  find_icd_problems(findings);
  find_node_problems(findings);
  find_nvidia_problems(findings);
  find_bus_problems(findings);
  find_pocl_problems(findings);
  find_platform_problems(findings);
  find_variable_problems(findings);
  find_cache_problems(findings);
  std::stable_sort(findings.problems.begin(), findings.problems.end(),
                   [](const DoctorProblem &a, const DoctorProblem &b) { return a.severity > b.severity; });
  return std::move(findings.problems);
}

}  // namespace gpucompute
