// The doctor: what OpenCL sees on this machine, what is wrong, and the fix, as plain data, text and JSON.
//
//   DoctorReport report = diagnose();
//   std::string page = to_text(report);
//
// Reads only: nothing is printed, written or changed, and whatever fails is recorded in the report. Nothing here throws
// except std::bad_alloc. Needs no context, no device and not even a platform. The problems are listed in
// docs/doctor.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gpucompute {

enum class DoctorSeverity : std::int32_t { note = 0, warning = 1, error = 2 };

// One thing that is wrong. `code` is a stable word for programs, such as "icd_library"; `what` is one sentence; `fix`
// says what to do and may have several lines, where a line that starts with "$ " is a shell command.
struct DoctorProblem {
  DoctorSeverity severity = DoctorSeverity::note;
  std::string code;
  std::string what;
  std::string fix;
};

// The libOpenCL that this process calls. Texts are empty where the loader does not tell.
struct DoctorLoader {
  std::string path;  // the file the process has mapped
  std::string kind;  // "ocl-icd", "khronos" or "unknown"; decides which variables it obeys
  std::string name;  // as it calls itself
  std::string vendor;
  std::string version;
  std::string opencl_version;  // such as "OpenCL 3.0"
};

// A place where the loader looks for drivers.
struct DoctorPlace {
  std::string origin;  // the variable that names it, or "default"
  std::string path;
  std::string kind;             // "directory", "icd_file", "library" or "missing"
  bool used = true;             // false: overridden by another place, or not a variable of this loader
  std::uint32_t icd_count = 0;  // .icd files in it, where it is a directory
  std::string error;            // why it could not be read, or empty
};

// A test load of one shared library into this process, as the loader does it.
struct DoctorLibrary {
  std::string name;  // as asked for
  std::string path;  // as resolved; empty where it does not load
  bool loads = false;
  bool already_loaded = false;        // was in the process before the test
  bool exports_icd = false;           // has clIcdGetPlatformIDsKHR
  bool exports_layer = false;         // has clGetLayerInfo and clInitLayer
  std::string error;                  // the text of dlerror() where it does not load
  bool platforms_queried = false;     // the two below are meaningful
  std::int32_t platforms_status = 0;  // cl_int of clIcdGetPlatformIDsKHR
  std::uint32_t platform_count = 0;
};

// A driver the loader is told of.
struct DoctorIcd {
  std::string file;      // the .icd file; empty where a variable names the library itself
  std::string origin;    // as in DoctorPlace
  std::string library;   // the file's first line, exactly, without the newline
  std::string error;     // why the file could not be read, or empty
  DoctorLibrary loaded;  // untouched (name empty) where there is no library to load
};

struct DoctorVariable {
  std::string name;
  std::string value;
};

// A device node of a compute device. `readable` and `writable` are for the calling process (effective ids), and true
// only where the node also opens; cards (/dev/dri/card*) are not opened, since that can make the process the display's
// master.
struct DoctorNode {
  std::string path;
  std::uint32_t mode = 0;  // permission bits, such as 0660
  std::string owner;       // a name, or the number where it has none
  std::string group;
  std::uint32_t group_id = 0;
  bool readable = false;
  bool writable = false;
  std::string error;  // the system's text for what was refused, or empty
};

// A graphics or compute device on the PCI bus.
struct DoctorPciDevice {
  std::string address;           // "0000:01:00.0"
  std::uint32_t class_code = 0;  // 24 bits, 0x030000 is VGA, 0x030200 a 3D controller
  std::uint32_t vendor_id = 0;
  std::uint32_t device_id = 0;
  std::string vendor;  // "NVIDIA", "AMD", "Intel", ... or the number
  std::string driver;  // the kernel driver bound to it, or empty
};

struct DoctorDevice {
  std::string name;
  std::string vendor;
  std::string version;
  std::string driver_version;
  std::string type;  // "cpu", "gpu", "accelerator", "custom" or "unknown"
  bool available = false;
  std::uint64_t global_memory_bytes = 0;
  std::uint64_t max_allocation_bytes = 0;
  std::uint32_t compute_unit_count = 0;
};

struct DoctorPlatform {
  std::string name;
  std::string vendor;
  std::string version;
  std::string library;              // the driver it comes from, or empty where that is not known
  std::int32_t devices_status = 0;  // cl_int of clGetDeviceIDs; -1 (CL_DEVICE_NOT_FOUND) with no device
  std::vector<DoctorDevice> devices;
};

// An OpenCL call that failed during the diagnosis.
struct DoctorCall {
  std::string routine;  // such as "clGetDeviceInfo"
  std::string subject;  // such as "CL_DEVICE_NAME of device 0 of platform 1"
  std::int32_t cl_code = 0;
};

// The directory of the program cache, as the environment decides it. The diagnosis does not make it.
struct DoctorCache {
  std::string path;    // empty where no variable names one, or where GPUC_CACHE turns the cache off
  std::string origin;  // the variable that decided
  bool exists = false;
  bool is_symlink = false;
  bool owned = false;      // by the calling user; meaningful where it exists
  std::uint32_t mode = 0;  // permission bits; meaningful where it exists
  bool writable = false;   // where it does not exist: whether it can be made
  std::string error;       // why it is not writable, or empty
  std::string refused;     // why the library will not use it although it may be writable, or empty
};

struct DoctorFolder {
  std::string path;
  bool writable = true;  // where it does not exist: whether it can be made
  std::string error;     // why it is not writable, or empty
};

// The calling process. Group numbers: those it has, and those the account would have after a new login.
struct DoctorUser {
  std::string name;
  std::uint32_t user_id = 0;
  std::vector<std::uint32_t> groups;
  std::vector<std::uint32_t> account_groups;
};

struct DoctorReport {
  std::string library_version;       // of libgpucompute
  std::string system;                // distribution, kernel, machine
  bool container = false;            // runs in a container, as far as can be told
  std::string nvidia_kernel_driver;  // the NVRM line of /proc/driver/nvidia/version, or empty
  DoctorUser user;
  DoctorLoader loader;
  std::vector<DoctorPlace> places;
  std::vector<DoctorIcd> icds;
  std::vector<DoctorLibrary> layers;        // those OPENCL_LAYERS names
  std::vector<DoctorLibrary> libraries;     // libcuda.so.1 and libnvidia-opencl.so.1, registered or not
  std::vector<DoctorVariable> environment;  // those that matter and are set, sorted by name
  std::vector<DoctorNode> nodes;
  std::vector<DoctorPciDevice> pci;
  bool opencl_queried = false;        // false: the three below were not asked for
  std::string not_queried;            // why not, or empty
  std::int32_t platforms_status = 0;  // cl_int of clGetPlatformIDs; -1001 with no platform
  std::vector<DoctorPlatform> platforms;
  std::vector<DoctorCall> failed_calls;
  DoctorCache cache;
  DoctorFolder pocl_cache;              // where PoCL, if it is here, keeps compiled kernels
  std::vector<DoctorProblem> problems;  // errors first; causes before their consequences
};

// Where to look. The defaults are this machine and this process.
struct DoctorProbe {
  // Put before every absolute path that is read (paths in the report stay without it): a mounted image, or a test's
  // tree.
  std::string root = "/";
  // Instead of the process's own environment. The OpenCL calls still see the process's own.
  std::optional<std::map<std::string, std::string>> environment;
  // false: no OpenCL function and no driver is called. In a forked child of a process that used OpenCL, where drivers
  // hang, that is so in any case.
  bool query_opencl = true;
  // Instead of loading a library into this process; gets the name as dlopen would, may throw std::bad_alloc only.
  std::function<DoctorLibrary(const std::string &name)> load_library;
};

// Looks at everything and lists the problems. Takes as long as the drivers need to start (a second or more on a first
// call), and keeps the drivers loaded, as any OpenCL call does. May be called from any thread, several at a time, while
// no thread changes the environment.
DoctorReport diagnose(const DoctorProbe &probe = {});

// The problems in a report, from its other fields alone; diagnose() has already called it. Pure.
std::vector<DoctorProblem> find_problems(const DoctorReport &report);

// The last line of the text: does OpenCL work here, with what, and how many problems there are. No newline. Pure.
std::string verdict(const DoctorReport &report);

// A report for a person: aligned lines, problems with their fixes after the facts, the verdict as the last line. Ends
// in a newline. Control characters in names are shown as '?'. Pure.
std::string to_text(const DoctorReport &report);

// The report as one JSON object, indented, in UTF-8 (bytes that are not UTF-8 are replaced), no newline at the end. Its
// schema is in docs/doctor.md and numbered by the field "schema". Pure.
std::string to_json(const DoctorReport &report);

// "note", "warning" or "error". Static strings.
const char *severity_name(DoctorSeverity severity) noexcept;

}  // namespace gpucompute
