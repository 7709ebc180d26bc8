// What the tests of the doctor share: made-up machines, reports to spoil, looking for a problem in a report.
#pragma once

#include <doctest/doctest.h>
#include <gpucompute/doctor.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "runtime/doctor_parts.hpp"

namespace doctor_test {

namespace fs = std::filesystem;
using namespace gpucompute;
using Variables = std::map<std::string, std::string>;

// A made-up machine in a temporary folder.
class Tree {
 public:
  Tree() {
    char name[] = "/tmp/gpucompute-doctor-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    root = name;
  }
  Tree(const Tree &) = delete;
  Tree &operator=(const Tree &) = delete;
  ~Tree() { fs::remove_all(root); }

  void folder(const std::string &path) const { fs::create_directories(root + path); }
  void file(const std::string &path, const std::string &content) const {
    fs::create_directories(fs::path(root + path).parent_path());
    std::ofstream(root + path) << content;
  }
  void pci(const std::string &address, const std::string &id, const std::string &driver,
           const std::string &type = "0x030000") const {
    const std::string at = "/sys/bus/pci/devices/" + address;
    file(at + "/class", type + "\n");
    file(at + "/vendor", id + "\n");
    file(at + "/device", "0x2335\n");
    if (!driver.empty()) {
      fs::create_symlink("/sys/bus/pci/drivers/" + driver, root + at + "/driver");
    }
  }

  // No OpenCL call; libraries load as the test says: those in `drivers` are drivers, those in `others` just libraries.
  DoctorReport diagnose(Variables environment = {}, const std::vector<std::string> &drivers = {},
                        const std::vector<std::string> &others = {}) const {
    environment.emplace("HOME", "/home/someone");
    DoctorProbe probe;
    probe.root = root;
    probe.environment = environment;
    probe.query_opencl = false;
    probe.load_library = [=](const std::string &name) {
      const auto in = [&](const std::vector<std::string> &names) {
        return std::find(names.begin(), names.end(), name) != names.end();
      };
      DoctorLibrary library;
      library.exports_icd = in(drivers);
      library.loads = in(drivers) || in(others);
      if (library.loads) {
        library.path = "/usr/lib/" + doctor::base_name(name);
      } else {
        library.error = name + ": cannot open shared object file: No such file or directory";
      }
      return library;
    };
    return gpucompute::diagnose(probe);
  }

  std::string root;
};

inline const DoctorProblem *find(const DoctorReport &report, const std::string &code) {
  for (const DoctorProblem &problem : report.problems) {
    if (problem.code == code) {
      return &problem;
    }
  }
  return nullptr;
}

inline DoctorProblem the(const DoctorReport &report, const std::string &code) {
  const DoctorProblem *problem = find(report, code);
  INFO("expected the problem ", code, " in:\n", to_text(report));
  REQUIRE(problem != nullptr);
  CHECK(!problem->what.empty());
  CHECK(!problem->fix.empty());
  return *problem;
}

inline bool has(const std::string &whole, const std::string &part) { return whole.find(part) != std::string::npos; }

#define CHECK_HAS(whole, part)                                   \
  do {                                                           \
    const std::string whole_text = (whole);                      \
    INFO("\"", std::string(part), "\" is not in: ", whole_text); \
    CHECK(has(whole_text, part));                                \
  } while (false)

// A report of a healthy machine, for find_problems() to spoil.
inline DoctorReport healthy() {
  DoctorReport report;
  report.user.name = "ada";
  report.loader.kind = "ocl-icd";
  report.loader.path = "/usr/lib/libOpenCL.so.1";
  report.environment = {{"HOME", "/home/ada"}};
  report.cache.path = "/home/ada/.cache/gpucompute";
  report.cache.origin = "HOME";
  report.cache.writable = true;
  DoctorPlace place;
  place.origin = "default";
  place.path = "/etc/OpenCL/vendors";
  place.kind = "directory";
  place.icd_count = 1;
  report.places = {place};
  DoctorIcd icd;
  icd.file = "/etc/OpenCL/vendors/pocl.icd";
  icd.origin = "default";
  icd.library = "libpocl.so.2";
  icd.loaded.name = icd.library;
  icd.loaded.path = "/usr/lib/libpocl.so.2";
  icd.loaded.loads = icd.loaded.exports_icd = icd.loaded.platforms_queried = true;
  icd.loaded.platform_count = 1;
  report.icds = {icd};
  DoctorDevice device;
  device.name = "pthread-cpu";
  device.vendor = "GenuineIntel";
  device.version = "OpenCL 3.0 PoCL HSTR";
  device.driver_version = "3.1";
  device.type = "cpu";
  device.available = true;
  device.global_memory_bytes = std::uint64_t{3} << 30;
  device.compute_unit_count = 2;
  DoctorPlatform platform;
  platform.name = "Portable Computing Language";
  platform.vendor = "The pocl project";
  platform.version = "OpenCL 3.0 PoCL 3.1";
  platform.devices = {device};
  report.platforms = {platform};
  report.opencl_queried = true;
  return report;
}

inline DoctorReport examined(DoctorReport report) {
  report.problems = find_problems(report);
  return report;
}

// What the doctor says of GPUC_DEVICE with this value, "" where it is well.
inline std::string wrong_filter(DoctorReport &report, const char *filter) {
  report.environment = {{"HOME", "/home/ada"}, {"GPUC_DEVICE", filter}};
  const DoctorReport done = examined(report);
  const DoctorProblem *problem = find(done, "device_filter");
  return problem == nullptr ? std::string() : problem->what;
}

inline DoctorNode node(const std::string &path, const std::string &group, std::uint32_t group_id, std::uint32_t mode) {
  DoctorNode made;
  made.path = path;
  made.owner = "root";
  made.group = group;
  made.group_id = group_id;
  made.mode = mode;
  made.error = "Permission denied";
  return made;
}

inline std::string last_line(const std::string &page) {
  const std::string body = page.substr(0, page.size() - 1);
  return body.substr(body.rfind('\n') + 1);
}

}  // namespace doctor_test
