// What the files of the doctor share; nobody else includes this.
#pragma once

#include <gpucompute/doctor.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gpucompute::doctor {

using Environment = std::map<std::string, std::string>;

// doctor.cpp
std::string value_of(const Environment &environment, const std::string &name);  // empty where unset
bool is_set(const Environment &environment, const std::string &name);
std::vector<std::string> split(const std::string &joined, char separator);  // without empty pieces
bool starts_with(const std::string &whole, const std::string &start);
bool ends_with(const std::string &whole, const std::string &end);
bool contains_text(const std::string &whole, const std::string &part);  // case-insensitive, ASCII
std::string lower(std::string mixed);
std::string trimmed(const std::string &words);  // of blanks and tabs
std::string base_name(const std::string &path);
std::string load_reason(const DoctorLibrary &library);  // its error, without its name at the start

// doctor_files.cpp: everything read from the file system. Paths are as the machine under `root` sees them.
std::string under(const std::string &root, const std::string &path);
std::string system_error(int code);
// Names in a directory, sorted; nothing where it cannot be read, and `error` says why.
std::optional<std::vector<std::string>> list_directory(const std::string &real_path, std::string &error);
// At most `limit` bytes from the start of a file; nothing where it cannot be read, and `error` says why.
std::optional<std::string> read_file(const std::string &real_path, std::size_t limit, std::string &error);
DoctorUser describe_user();
std::string describe_system(const std::string &root);
bool in_container(const std::string &root);
std::string nvidia_kernel_driver(const std::string &root);
std::vector<DoctorNode> find_nodes(const std::string &root);
std::vector<DoctorPciDevice> find_pci_devices(const std::string &root);
DoctorCache describe_cache(const std::string &root, const Environment &environment);
DoctorFolder describe_pocl_cache(const std::string &root, const Environment &environment);
// Whether a directory, or the nearest parent that exists, can be written.
bool directory_writable(const std::string &real_path, std::string &error);

// doctor_drivers.cpp: the loader and its drivers.
struct LoadedDriver {
  DoctorLibrary library;
  std::vector<const void *> platforms;  // the cl_platform_ids it gave
};
DoctorLoader describe_loader(bool query_opencl);
std::vector<DoctorPlace> find_places(const DoctorProbe &probe, const Environment &environment,
                                     const std::string &loader_kind);
std::vector<DoctorIcd> read_icds(const DoctorProbe &probe, const std::vector<DoctorPlace> &places);
LoadedDriver load(const DoctorProbe &probe, const std::string &name, bool ask_platforms);

// doctor_devices.cpp: asks OpenCL; fills platforms_status, platforms, failed_calls. Returns the handles of the
// platforms, in the order of the report.
std::vector<const void *> query_platforms(DoctorReport &report);

// doctor_problems.cpp: what is wrong, from the report alone.
struct Findings {
  const DoctorReport &report;
  bool has_device;  // OpenCL has one: then what hinders another driver is a warning, not an error
  std::vector<DoctorProblem> problems;

  void add(DoctorSeverity severity, const char *code, std::string what, std::string fix);
  // A reason why a driver or device is missing.
  void add_cause(const char *code, std::string what, std::string fix);
};
std::string variable(const DoctorReport &report, const std::string &name);  // empty where unset
bool variable_is_set(const DoctorReport &report, const std::string &name);
bool names_library(const DoctorIcd &icd, const char *part);  // by the first line or by the file it resolves to
// doctor_advice.cpp
// How the driver with this library is installed; empty where it is not a known one.
std::string package_advice(const std::string &library);
// A path as a word of a shell command: these are made to be copied, and file names may hold anything.
std::string quoted(const std::string &path);
// Why a driver that loads gives no platform, or a platform no device, as far as names and variables tell.
std::string likely_reason(const DoctorReport &report, const std::string &driver);

bool is_simulator(const DoctorPlatform &platform);  // its "GPU" is none

// doctor_hardware.cpp
void find_node_problems(Findings &findings);
void find_nvidia_problems(Findings &findings);
void find_bus_problems(Findings &findings);

}  // namespace gpucompute::doctor
