#include <gpucompute/error.hpp>

#include <algorithm>
#include <cstddef>

#include "runtime/doctor_parts.hpp"
#include "support/text.hpp"

namespace gpucompute {
namespace {

using doctor::split;

std::string printable(std::string words) {
  for (char &letter : words) {
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) {
      letter = '?';
    }
  }
  return words;
}

std::string counted(std::size_t count, const char *word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

// "22.4 GiB", without the decimal point of the process's locale.
std::string memory_text(std::uint64_t bytes) {
  constexpr std::uint64_t mib = std::uint64_t{1} << 20;
  if (bytes < 1024 * mib) {
    return std::to_string(bytes / mib) + " MiB";
  }
  const std::uint64_t tenths = bytes / mib * 10 / 1024;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GiB";
}

std::string joined(const std::vector<std::string> &words) {
  std::string whole;
  for (const std::string &word : words) {
    whole += (whole.empty() || word.empty() ? "" : ", ") + word;
  }
  return whole;
}

// Collects the page: headings, and rows whose cells are aligned within one section.
class Page {
 public:
  void heading(const std::string &title) {
    flush();
    page_ += (page_.empty() ? "" : "\n") + title + "\n";
  }
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void line(const std::string &words) {
    flush();
    page_ += words + "\n";
  }
  std::string finish() {
    flush();
    return std::move(page_);
  }

 private:
  void flush() {
    std::vector<std::size_t> widths;
    for (const auto &cells : rows_) {
      widths.resize(std::max(widths.size(), cells.size()));
      for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
        widths[i] = std::max(widths[i], cells[i].size());
      }
    }
    for (const auto &cells : rows_) {
      std::string out = " ";
      for (std::size_t i = 0; i < cells.size(); ++i) {
        out += " " + printable(cells[i]);
        if (i + 1 < cells.size()) {
          out.append(widths[i] - cells[i].size() + 1, ' ');
        }
      }
      page_ += out.substr(0, length_without(out, " ")) + "\n";
    }
    rows_.clear();
  }

  std::string page_;
  std::vector<std::vector<std::string>> rows_;
};

std::string load_text(const DoctorLibrary &library) {
  if (library.name.empty()) {
    return {};
  }
  if (!library.loads) {
    return "does not load: " + doctor::load_reason(library);
  }
  if (!library.exports_icd) {
    return joined({"loads", library.path, "but is no driver (no clIcdGetPlatformIDsKHR)"});
  }
  return joined(
      {"loads", library.path, library.platforms_queried ? counted(library.platform_count, "platform") : std::string()});
}

std::string mode_text(std::uint32_t mode) {
  std::string letters = "rwxrwxrwx";
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if ((mode >> (8 - i) & 1U) == 0) {
      letters[i] = '-';
    }
  }
  return letters;
}

std::string cache_text(const DoctorCache &cache) {
  if (cache.path.empty()) {
    return cache.origin.empty() ? "none" : "turned off by " + cache.origin;
  }
  return joined({cache.path + " (from " + cache.origin + ")", cache.exists ? "" : "not made yet",
                 !cache.refused.empty() ? "NOT used: " + cache.refused
                 : cache.writable       ? "writable"
                                        : "NOT writable: " + cache.error});
}

void write_loader(Page &page, const DoctorReport &report) {
  page.heading("OpenCL loader");
  page.row({"library", report.loader.path});
  page.row({"kind", joined({report.loader.kind +
                                (report.loader.version.empty() ? " (it does not tell)" : " " + report.loader.version),
                            report.loader.name, report.loader.vendor, report.loader.opencl_version})});
  page.heading("Where the loader looks");
  for (const DoctorPlace &place : report.places) {
    const std::string content = place.kind == "directory" ? counted(place.icd_count, ".icd file") : std::string();
    page.row({place.path, "(" + place.origin + ")", place.used ? "used" : "not used",
              joined({place.kind == "missing"    ? "does not exist"
                      : place.kind == "icd_file" ? ".icd file"
                                                 : place.kind,
                      place.error.empty()       ? content
                      : place.kind == "missing" ? std::string()
                                                : place.error})});
  }
  page.heading("Drivers (ICDs)");
  for (const DoctorIcd &icd : report.icds) {
    page.row({icd.file.empty() ? icd.origin : icd.file,
              !icd.error.empty()    ? "cannot be read: " + icd.error
              : icd.library.empty() ? "names no library"
                                    : icd.library,
              load_text(icd.loaded)});
  }
  if (report.icds.empty()) {
    page.line("  none");
  }
  for (const DoctorLibrary &layer : report.layers) {
    page.row({"layer", layer.name,
              !layer.loads          ? "does not load: " + doctor::load_reason(layer)
              : layer.exports_layer ? "loads"
                                    : "loads, but is no OpenCL layer"});
  }
}

void write_hardware(Page &page, const DoctorReport &report) {
  page.heading("Hardware");
  for (const DoctorPciDevice &device : report.pci) {
    page.row({device.address, device.vendor, device.driver.empty() ? "no driver" : "driver " + device.driver});
  }
  for (const DoctorNode &node : report.nodes) {
    const std::string access = node.readable && node.writable ? "accessible" : "NOT accessible";
    page.row({node.path, mode_text(node.mode), node.owner + ":" + node.group,
              access + (node.error.empty() ? "" : ": " + node.error)});
  }
  if (report.pci.empty() && report.nodes.empty()) {
    page.line("  no GPU on the PCI bus, no device node");
  }
  if (!report.nvidia_kernel_driver.empty()) {
    page.row({"NVIDIA kernel driver", report.nvidia_kernel_driver});
  }
  for (const DoctorLibrary &library : report.libraries) {
    page.row({library.name, library.loads ? library.path : "not there"});
  }
}

void write_platforms(Page &page, const DoctorReport &report) {
  page.heading("Platforms and devices");
  if (!report.opencl_queried) {
    page.line("  not asked for" + (report.not_queried.empty() ? "" : ": " + report.not_queried));
  } else if (report.platforms.empty()) {
    page.line("  none (" + std::to_string(report.platforms_status) + ")");
  }
  for (std::size_t p = 0; p < report.platforms.size(); ++p) {
    const DoctorPlatform &platform = report.platforms[p];
    page.line("  [" + std::to_string(p) + "] " + printable(joined({platform.name, platform.version, platform.vendor})));
    if (platform.devices.empty()) {
      page.line("      no device");
    }
    for (std::size_t d = 0; d < platform.devices.size(); ++d) {
      const DoctorDevice &device = platform.devices[d];
      page.line("      [" + std::to_string(d) + "] " + printable(joined({device.name, device.type, device.vendor})));
      page.line("          " + printable(joined({device.version, "driver " + device.driver_version})));
      page.line("          " + joined({memory_text(device.global_memory_bytes) + " memory",
                                       memory_text(device.max_allocation_bytes) + " largest buffer",
                                       counted(device.compute_unit_count, "compute unit"),
                                       device.available ? std::string() : "NOT available"}));
    }
  }
}

void write_problems(Page &page, const DoctorReport &report) {
  page.heading("Problems");
  if (report.problems.empty()) {
    page.line("  none");
  }
  for (std::size_t i = 0; i < report.problems.size(); ++i) {
    const DoctorProblem &problem = report.problems[i];
    page.line(text(i + 1 < 10 ? "  " : " ", std::to_string(i + 1), ". ", severity_name(problem.severity), ": ",
                   printable(problem.what)));
    const char *label = "     fix: ";
    for (const std::string &line : split(problem.fix, '\n')) {
      page.line(label + printable(line));
      label = "          ";
    }
  }
}

std::size_t count_problems(const DoctorReport &report, DoctorSeverity severity) {
  return static_cast<std::size_t>(std::count_if(report.problems.begin(), report.problems.end(),
                                                [&](const DoctorProblem &p) { return p.severity == severity; }));
}

}  // namespace

std::string verdict(const DoctorReport &report) {
  std::size_t devices = 0;
  std::size_t gpus = 0;
  for (const DoctorPlatform &platform : report.platforms) {
    devices += platform.devices.size();
    if (doctor::is_simulator(platform)) {
      continue;
    }
    gpus += static_cast<std::size_t>(std::count_if(platform.devices.begin(), platform.devices.end(),
                                                   [](const DoctorDevice &device) { return device.type == "gpu"; }));
  }
  std::string line = "verdict: ";
  if (!report.opencl_queried) {
    line += "OpenCL was not asked for its devices";
  } else if (devices == 0) {
    line += report.platforms.empty()
                ? "OpenCL does not work here: no platform"
                : "OpenCL does not work here: " + counted(report.platforms.size(), "platform") + ", no device";
  } else {
    line += "OpenCL works here: " + counted(devices, "device") + " on " + counted(report.platforms.size(), "platform") +
            (gpus == 0 ? ", no GPU" : ", " + counted(gpus, "GPU"));
  }
  const std::size_t errors = count_problems(report, DoctorSeverity::error);
  return line + "; " + counted(errors, "error") + ", " +
         counted(count_problems(report, DoctorSeverity::warning), "warning") + ", " +
         counted(count_problems(report, DoctorSeverity::note), "note") +
         (errors == 0 ? "" : ": mend the first one first");
}

std::string to_text(const DoctorReport &report) {
  Page page;
  page.heading(report.library_version.empty() ? "gpucompute doctor"
                                              : "gpucompute doctor, version " + report.library_version);
  page.row({"system", report.system + (report.container ? " (in a container)" : "")});
  page.row({"user", report.user.name + " (" + std::to_string(report.user.user_id) + ")"});
  page.row({"cache", cache_text(report.cache)});
  write_loader(page, report);
  page.heading("Environment");
  for (const DoctorVariable &variable : report.environment) {
    page.row({variable.name, "= " + variable.value});
  }
  if (report.environment.empty()) {
    page.line("  none of the variables that matter is set");
  }
  write_hardware(page, report);
  write_platforms(page, report);
  write_problems(page, report);
  page.line("");
  page.line(verdict(report));
  return page.finish();
}

}  // namespace gpucompute
