#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <gpucompute/doctor.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/doctor_parts.hpp"

using namespace gpucompute;

namespace {

namespace fs = std::filesystem;
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

const DoctorProblem *find(const DoctorReport &report, const std::string &code) {
  for (const DoctorProblem &problem : report.problems) {
    if (problem.code == code) {
      return &problem;
    }
  }
  return nullptr;
}

DoctorProblem the(const DoctorReport &report, const std::string &code) {
  const DoctorProblem *problem = find(report, code);
  INFO("expected the problem ", code, " in:\n", to_text(report));
  REQUIRE(problem != nullptr);
  CHECK(!problem->what.empty());
  CHECK(!problem->fix.empty());
  return *problem;
}

bool has(const std::string &whole, const std::string &part) { return whole.find(part) != std::string::npos; }

#define CHECK_HAS(whole, part)                                   \
  do {                                                           \
    const std::string whole_text = (whole);                      \
    INFO("\"", std::string(part), "\" is not in: ", whole_text); \
    CHECK(has(whole_text, part));                                \
  } while (false)

// A report of a healthy machine, for find_problems() to spoil.
DoctorReport healthy() {
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

DoctorReport examined(DoctorReport report) {
  report.problems = find_problems(report);
  return report;
}

DoctorNode node(const std::string &path, const std::string &group, std::uint32_t group_id, std::uint32_t mode) {
  DoctorNode made;
  made.path = path;
  made.owner = "root";
  made.group = group;
  made.group_id = group_id;
  made.mode = mode;
  made.error = "Permission denied";
  return made;
}

std::string last_line(const std::string &page) {
  const std::string body = page.substr(0, page.size() - 1);
  return body.substr(body.rfind('\n') + 1);
}

// Runs one skipped test case of this program with other variables: a loader reads them once in a process.
bool passes_in_child(const std::string &assignments, const std::string &test_case) {
  const std::string command =
      "env " + assignments + " /proc/" + std::to_string(getpid()) + "/exe --no-skip=true -tc='" + test_case + "' 2>&1";
  FILE *child = popen(command.c_str(), "r");
  REQUIRE(child != nullptr);
  std::string output;
  char buffer[4096];
  for (std::size_t count = 0; (count = std::fread(buffer, 1, sizeof buffer, child)) != 0;) {
    output.append(buffer, count);
  }
  const int code = pclose(child);
  const bool ran = has(output, "1 passed");
  if (code != 0 || !ran) {
    MESSAGE(output);
  }
  return code == 0 && ran;
}

}  // namespace

TEST_SUITE_BEGIN("doctor");

TEST_CASE("doctor: no vendors folder, and an empty one") {
  const Tree tree;
  const DoctorProblem missing = the(tree.diagnose(), "vendors_missing");
  CHECK(missing.severity == DoctorSeverity::error);
  CHECK_HAS(missing.what, "/etc/OpenCL/vendors does not exist");
  CHECK(!has(missing.what, tree.root));
  CHECK_HAS(missing.fix, "sudo apt install pocl-opencl-icd");

  tree.folder("/etc/OpenCL/vendors");
  tree.file("/etc/OpenCL/vendors/README", "not a driver\n");
  const DoctorReport report = tree.diagnose();
  CHECK(find(report, "vendors_missing") == nullptr);
  CHECK_HAS(the(report, "vendors_empty").what, "/etc/OpenCL/vendors has no .icd file");

  fs::remove_all(tree.root + "/etc/OpenCL/vendors");
  tree.file("/etc/OpenCL/vendors", "a file");
  CHECK_HAS(the(tree.diagnose(), "vendors_unreadable").what, "Not a directory");
}

TEST_CASE("doctor: an .icd file of a library that does not load") {
  const Tree tree;
  const auto fix_for = [&](const std::string &library) {
    tree.file("/etc/OpenCL/vendors/a.icd", library + "\nsecond line\n");
    const DoctorReport report = tree.diagnose();
    REQUIRE(report.icds.size() == 1);
    CHECK(report.icds[0].library == library);
    CHECK(report.icds[0].file == "/etc/OpenCL/vendors/a.icd");
    const DoctorProblem problem = the(report, "icd_library");
    CHECK_HAS(problem.what, "a.icd names " + library + ", which does not load: cannot open shared object file");
    CHECK_HAS(problem.fix, "$ sudo rm /etc/OpenCL/vendors/a.icd");
    return problem.fix;
  };
  CHECK_HAS(fix_for("libpocl.so.2.10.0"), "pocl-opencl-icd");
  CHECK_HAS(fix_for("libnvidia-opencl.so.1"), "nvidia-opencl-icd");
  CHECK_HAS(fix_for("/usr/lib/intel-opencl/libigdrcl.so"), " intel-opencl-icd");
  CHECK_HAS(fix_for("/opt/intel/lib/libintelocl.so"), "intel-oneapi-runtime-opencl");
  CHECK_HAS(fix_for("libamdocl64.so"), "rocm-opencl-icd");
  CHECK_HAS(fix_for("libRusticlOpenCL.so.1"), "mesa-opencl-icd");
  CHECK_HAS(fix_for("libRusticlOpenCL.so.1"), "RUSTICL_ENABLE");
  CHECK_HAS(fix_for("libMesaOpenCL.so.1"), "mesa-opencl-icd");
  CHECK_HAS(fix_for("/usr/lib/oclgrind/liboclgrind-rt-icd.so"), "install --reinstall oclgrind");
  CHECK_HAS(fix_for("/opt/strange/libstrange.so"), "reinstall the package that has libstrange.so");
  CHECK_HAS(fix_for("libpocl.so.2\r"), "white space");
  CHECK_HAS(fix_for("libpocl.so.2 "), "sed -i");
}

TEST_CASE("doctor: a driver that lacks a library it needs") {
  DoctorReport report = healthy();
  DoctorIcd icd = report.icds[0];
  icd.loaded = {};
  icd.loaded.name = icd.library;
  icd.loaded.error = "libLLVM-15.so.1: cannot open shared object file: No such file or directory";
  report.icds.push_back(icd);
  const DoctorProblem problem = the(examined(report), "icd_library");
  CHECK(problem.severity == DoctorSeverity::warning);  // another driver works
  CHECK_HAS(problem.fix, "install the package that has libLLVM-15.so.1");
}

TEST_CASE("doctor: .icd files that name nothing, no driver, the loader, or the same driver") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/1.icd", "");
  tree.file("/etc/OpenCL/vendors/2.icd", "libm.so.6\n");
  tree.file("/etc/OpenCL/vendors/3.icd", "libpocl.so.2");
  tree.file("/etc/OpenCL/vendors/4 ' $(x).icd", "\n");
  tree.file("/etc/OpenCL/vendors/5.icd", "/usr/lib/libpocl.so.2\n");
  tree.folder("/etc/OpenCL/vendors/6.icd");
  const DoctorReport report = tree.diagnose({}, {"libpocl.so.2", "/usr/lib/libpocl.so.2"}, {"libm.so.6"});
  REQUIRE(report.icds.size() == 6);
  CHECK(report.icds[2].loaded.exports_icd);
  CHECK_HAS(the(report, "icd_empty").what, "1.icd names no library");
  CHECK_HAS(the(report, "icd_entry").what, "2.icd names libm.so.6, which loads but is no OpenCL driver");
  CHECK_HAS(the(report, "icd_twice").what, "5.icd and /etc/OpenCL/vendors/3.icd name the same library");
  CHECK_HAS(the(report, "icd_unreadable").what, "6.icd cannot be read: Is a directory");
  CHECK_HAS(to_text(report), "sudo rm '/etc/OpenCL/vendors/4 '\\'' $(x).icd'");

  DoctorReport loader = healthy();
  loader.icds[0].loaded.path = loader.loader.path;
  CHECK_HAS(the(examined(loader), "icd_is_loader").what, "names the loader itself");
}

TEST_CASE("doctor: real loading in a made-up tree") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/a.icd", "/usr/lib/libpocl.so.2\n");
  tree.file("/etc/OpenCL/vendors/b.icd", "libm.so.6\n");
  tree.file("/usr/lib/libpocl.so.2", "not an ELF file");
  DoctorProbe probe;
  probe.root = tree.root + "/";
  probe.environment = Variables{};
  probe.query_opencl = false;
  const DoctorReport report = diagnose(probe);
  REQUIRE(report.icds.size() == 2);
  CHECK(!report.icds[0].loaded.loads);
  CHECK(!has(report.icds[0].loaded.error, tree.root));
  CHECK_HAS(report.icds[0].loaded.error, "/usr/lib/libpocl.so.2: ");
  CHECK(report.icds[1].loaded.loads);
  CHECK(report.icds[1].loaded.already_loaded);
  CHECK_HAS(report.icds[1].loaded.path, "libm.so.6");
  CHECK(!report.opencl_queried);
  CHECK(report.platforms.empty());
  CHECK(find(report, "no_platform") == nullptr);
  CHECK_HAS(the(report, "cache_nowhere").what, "none of GPUC_CACHE_DIR");
}

TEST_CASE("doctor: the variables of the loader") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
  tree.file("/opt/v/x.icd", "libx.so\n");
  tree.folder("/opt/empty");

  DoctorReport report = tree.diagnose({{"OCL_ICD_VENDORS", "/nonexistent"}}, {"libpocl.so.2"});
  CHECK(report.icds.empty());
  CHECK_HAS(the(report, "vendors_variable").what, "OCL_ICD_VENDORS is \"/nonexistent\", which does not exist");
  CHECK_HAS(the(report, "vendors_variable").fix, "$ unset OCL_ICD_VENDORS");
  CHECK(find(report, "vendors_missing") == nullptr);

  report = tree.diagnose({{"OCL_ICD_VENDORS", "/opt/v"}}, {"libx.so"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].file == "/opt/v/x.icd");
  CHECK(report.icds[0].origin == "OCL_ICD_VENDORS");

  report = tree.diagnose({{"OCL_ICD_VENDORS", "/opt/empty"}});
  CHECK_HAS(the(report, "vendors_empty").what, "/opt/empty (OCL_ICD_VENDORS) has no .icd file");
  CHECK_HAS(the(report, "vendors_empty").fix, "unset OCL_ICD_VENDORS");

  report = tree.diagnose({{"OCL_ICD_VENDORS", "/opt/v/x.icd"}}, {"libx.so"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].library == "libx.so");

  report = tree.diagnose({{"OCL_ICD_VENDORS", "pocl.icd"}}, {"libpocl.so.2"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].file == "/etc/OpenCL/vendors/pocl.icd");

  report = tree.diagnose({{"OCL_ICD_VENDORS", "libother.so"}}, {"libother.so"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].file.empty());
  CHECK(report.icds[0].library == "libother.so");

  report = tree.diagnose({{"OPENCL_VENDOR_PATH", "/opt/v"}}, {"libx.so"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].file == "/opt/v/x.icd");
  CHECK(report.problems.empty());

  report = tree.diagnose({{"OCL_ICD_FILENAMES", "libx.so::/opt/gone.so"}}, {"libx.so", "libpocl.so.2"});
  CHECK(report.icds.size() == 2);
  CHECK_HAS(the(report, "vendors_variable").what, "OCL_ICD_FILENAMES is \"/opt/gone.so\", which does not exist");

  report = tree.diagnose({{"OCL_ICD_VENDORS", ""}}, {"libpocl.so.2"});
  CHECK(report.icds.size() == 1);
}

TEST_CASE("doctor: the two loaders obey different variables") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
  tree.file("/opt/v/x.icd", "libx.so\n");
  DoctorProbe probe;
  probe.root = tree.root;
  DoctorReport report = healthy();

  report.places = doctor::find_places(probe, {{"OPENCL_VENDOR_PATH", "/opt/v"}}, "khronos");
  report.loader.kind = "khronos";
  const std::vector<DoctorIcd> icds = doctor::read_icds(probe, report.places);
  REQUIRE(icds.size() == 1);
  CHECK(icds[0].file == "/etc/OpenCL/vendors/pocl.icd");
  CHECK_HAS(the(examined(report), "variable_ignored").what,
            "OPENCL_VENDOR_PATH is set, but the loader in use (khronos)");

  report.places = doctor::find_places(probe, {{"OCL_ICD_VENDORS", "/opt/v/x.icd"}}, "khronos");
  CHECK_HAS(the(examined(report), "vendors_variable").what, "cannot be read: Not a directory");

  report.places = doctor::find_places(probe, {{"OCL_ICD_FILENAMES", "libx.so:liby.so"}}, "ocl-icd");
  report.loader.kind = "ocl-icd";
  CHECK(doctor::read_icds(probe, report.places).size() == 1);
  CHECK_HAS(the(examined(report), "variable_ignored").what,
            "OCL_ICD_FILENAMES is set, but the loader in use (ocl-icd)");
  CHECK(examined(report).problems.size() == 1);  // once, however many libraries it names
}

TEST_CASE("doctor: layers that the loader ignores in silence") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
  const DoctorReport report =
      tree.diagnose({{"OPENCL_LAYERS", "/gone/layer.so:libm.so.6"}}, {"libpocl.so.2"}, {"libm.so.6"});
  REQUIRE(report.layers.size() == 2);
  CHECK_HAS(the(report, "layer_missing").what, "OPENCL_LAYERS names /gone/layer.so, which does not load");
  CHECK_HAS(report.problems[1].what, "libm.so.6, which is no OpenCL layer");
  CHECK_HAS(report.problems[1].what, "ignores it without a word");
}

TEST_CASE("doctor: NVIDIA's library without an .icd file") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
  DoctorReport report = tree.diagnose({}, {"libpocl.so.2", "libnvidia-opencl.so.1"}, {"libcuda.so.1"});
  CHECK(the(report, "nvidia_unregistered").fix ==
        "$ sudo mkdir -p /etc/OpenCL/vendors\n"
        "$ echo libnvidia-opencl.so.1 | sudo tee /etc/OpenCL/vendors/nvidia.icd");

  tree.folder("/opt/my icds");
  report = tree.diagnose({{"OCL_ICD_VENDORS", "/opt/my icds"}}, {"libnvidia-opencl.so.1"});
  CHECK_HAS(the(report, "nvidia_unregistered").fix, "| sudo tee '/opt/my icds/nvidia.icd'");
  report = tree.diagnose({{"OCL_ICD_VENDORS", "libpocl.so.2"}}, {"libpocl.so.2", "libnvidia-opencl.so.1"});
  CHECK_HAS(the(report, "nvidia_unregistered").fix, "\n$ unset OCL_ICD_VENDORS");

  tree.file("/etc/OpenCL/vendors/nvidia.icd", "libnvidia-opencl.so.1\n");
  report = tree.diagnose({}, {"libpocl.so.2", "libnvidia-opencl.so.1"}, {"libcuda.so.1"});
  CHECK(find(report, "nvidia_unregistered") == nullptr);

  report = tree.diagnose({}, {"libpocl.so.2"}, {"libcuda.so.1"});
  CHECK_HAS(the(report, "nvidia_library").fix, "nvidia-opencl-icd");
  report = tree.diagnose({{"NVIDIA_DRIVER_CAPABILITIES", "utility,video"}}, {"libpocl.so.2"}, {"libcuda.so.1"});
  CHECK_HAS(the(report, "nvidia_library").what, "NVIDIA_DRIVER_CAPABILITIES is \"utility,video\", without compute");
  CHECK_HAS(the(report, "nvidia_library").fix, "-e NVIDIA_DRIVER_CAPABILITIES=compute,utility");
}

TEST_CASE("doctor: NVIDIA's nodes and variables") {
  const Tree tree;
  tree.file("/dev/nvidia0", "");
  tree.file("/dev/nvidiactl", "");
  tree.folder("/dev/nvidia-caps");
  tree.file("/dev/nvidia-modeset", "");
  tree.file("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.1\nGCC version:\n");
  const DoctorReport report = tree.diagnose({{"CUDA_VISIBLE_DEVICES", ""}});
  REQUIRE(report.nodes.size() == 2);
  CHECK(report.nodes[0].path == "/dev/nvidia0");
  CHECK(report.nodes[0].readable);
  CHECK(report.nodes[0].writable);
  CHECK(report.nvidia_kernel_driver == "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.1");
  CHECK_HAS(the(report, "nvidia_uvm").fix, "nvidia-modprobe");
  CHECK_HAS(the(report, "nvidia_hidden").what, "CUDA_VISIBLE_DEVICES is \"\"");
  CHECK_HAS(the(report, "nvidia_library").what, "libnvidia-opencl.so.1");
}

TEST_CASE("doctor: device nodes of the file system") {
  const Tree tree;
  tree.file("/dev/dri/renderD128", "");
  tree.file("/dev/dri/card0", "");
  tree.folder("/dev/dri/by-path");
  tree.file("/dev/kfd", "");
  tree.file("/dev/mali0", "");
  tree.file("/dev/malice", "");
  tree.file("/dev/sda", "");
  fs::permissions(tree.root + "/dev/kfd", fs::perms(0640));
  const DoctorReport report = tree.diagnose();
  std::vector<std::string> paths;
  for (const DoctorNode &found : report.nodes) {
    paths.push_back(found.path);
    CHECK(!found.owner.empty());
    CHECK(!found.group.empty());
  }
  CHECK(paths == std::vector<std::string>{"/dev/dri/card0", "/dev/dri/renderD128", "/dev/kfd", "/dev/mali0"});
  CHECK(report.nodes[2].mode == 0640);

  fs::permissions(tree.root + "/dev/kfd", fs::perms(0));
  if (geteuid() != 0) {  // root may open anything
    const DoctorReport refused = tree.diagnose();
    CHECK(!refused.nodes[2].readable);
    CHECK_HAS(the(refused, "node_access").what, "/dev/kfd");
  }
}

TEST_CASE("doctor: a node that the user may not open") {
  DoctorReport report = healthy();
  report.user.groups = report.user.account_groups = {1000};
  report.nodes = {node("/dev/dri/renderD128", "render", 105, 0660)};
  DoctorProblem problem = the(examined(report), "node_access");
  CHECK(problem.severity == DoctorSeverity::warning);
  CHECK_HAS(problem.what, "ada cannot read and write /dev/dri/renderD128 (owner root, group render, mode 0660)");
  CHECK_HAS(problem.fix, "$ sudo usermod -aG render ada");
  CHECK(!has(problem.fix, "docker"));
  report.container = true;
  CHECK_HAS(the(examined(report), "node_access").fix, "--group-add 105");

  report.nodes = {node("/dev/kfd", "video", 44, 0660)};
  CHECK_HAS(the(examined(report), "node_access").fix, "$ sudo usermod -aG video ada");

  report.user.account_groups = {44, 1000};
  CHECK_HAS(the(examined(report), "node_access").fix, "log out and in again");
  CHECK(!has(the(examined(report), "node_access").fix, "usermod"));

  report.nodes = {node("/dev/kfd", "993", 993, 0660)};
  CHECK_HAS(the(examined(report), "node_access").fix, "docker run --group-add 993");

  report.nodes = {node("/dev/kfd", "root", 0, 0600)};
  CHECK_HAS(the(examined(report), "node_access").fix, "/etc/udev/rules.d/");

  report.nodes[0].mode = 0666;
  report.nodes[0].error = "Operation not permitted";
  CHECK_HAS(the(examined(report), "node_access").fix, "--device /dev/kfd");

  // A card matters little, and not at all beside a render node.
  report.nodes = {node("/dev/dri/card0", "video", 44, 0660)};
  CHECK(the(examined(report), "node_access").severity == DoctorSeverity::note);
  DoctorNode good = node("/dev/dri/renderD128", "render", 105, 0666);
  good.readable = good.writable = true;
  report.nodes.push_back(good);
  CHECK(find(examined(report), "node_access") == nullptr);

  // With no device at all it is what is wrong.
  report.platforms[0].devices.clear();
  report.nodes = {node("/dev/dri/renderD128", "render", 105, 0660)};
  CHECK(the(examined(report), "node_access").severity == DoctorSeverity::error);
}

TEST_CASE("doctor: GPUs on the bus") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
  tree.pci("0000:00:02.0", "0x1234", "bochs");
  tree.pci("0000:00:03.0", "0x8086", "e1000", "0x020000");
  tree.pci("0000:01:00.0", "0x10de", "nouveau", "0x030200");
  tree.pci("0000:02:00.0", "0x1002", "amdgpu", "0x120000");
  tree.pci("0000:03:00.0", "0x8086", "");
  const DoctorReport report = tree.diagnose({}, {"libpocl.so.2"});
  REQUIRE(report.pci.size() == 4);
  CHECK(report.pci[1].vendor == "NVIDIA");
  CHECK(report.pci[1].class_code == 0x030200);
  CHECK(report.pci[1].device_id == 0x2335);
  CHECK(report.pci[1].driver == "nouveau");
  CHECK_HAS(the(report, "gpu_driver").what, "the NVIDIA GPU at 0000:01:00.0 is bound to the kernel driver nouveau");
  CHECK_HAS(the(report, "gpu_node").what,
            "the AMD GPU at 0000:02:00.0 is driven by amdgpu, but has no device node here");
  CHECK_HAS(the(report, "gpu_node").fix, "--device /dev/kfd");
  CHECK_HAS(to_text(report), "the Intel GPU at 0000:03:00.0 has no kernel driver");

  DoctorReport intel = healthy();
  DoctorPciDevice gpu;
  gpu.address = "0000:00:02.0";
  gpu.vendor_id = 0x8086;
  gpu.vendor = "Intel";
  gpu.driver = "i915";
  intel.pci = {gpu};
  DoctorNode render = node("/dev/dri/renderD128", "render", 105, 0666);
  render.readable = render.writable = true;
  intel.nodes = {render};
  CHECK_HAS(the(examined(intel), "gpu_without_opencl").fix, "intel-opencl-icd");
  intel.platforms[0].devices[0].type = "gpu";
  CHECK(find(examined(intel), "gpu_without_opencl") == nullptr);
}

TEST_CASE("doctor: no platform, no device") {
  DoctorReport report = healthy();
  CHECK(examined(report).problems.empty());

  report.platforms.clear();
  report.platforms_status = -1001;
  report.icds[0].loaded.platform_count = 0;
  report.icds[0].loaded.platforms_status = -1001;
  report = examined(report);
  REQUIRE(report.problems.size() == 2);  // the cause first
  CHECK(report.problems[0].code == "icd_no_platform");
  CHECK_HAS(report.problems[0].what, "libpocl.so.2 loads but gives no platform (CL_PLATFORM_NOT_FOUND_KHR (-1001))");
  CHECK(report.problems[1].code == "no_platform");
  CHECK_HAS(report.problems[1].what, "CL_PLATFORM_NOT_FOUND_KHR (-1001)");
  CHECK_HAS(report.problems[1].fix, "$ sudo apt install pocl-opencl-icd");
  CHECK(verdict(report) ==
        "verdict: OpenCL does not work here: no platform; 2 errors, 0 warnings, 0 notes: mend the first one first");

  report = healthy();
  report.platforms[0].devices.clear();
  report.platforms[0].devices_status = -1;
  report.platforms[0].library = "/usr/lib/libRusticlOpenCL.so.1";
  CHECK_HAS(the(examined(report), "platform_no_device").fix, "$ export RUSTICL_ENABLE=radeonsi");
  report.environment.push_back({"RUSTICL_ENABLE", "iris"});
  CHECK_HAS(the(examined(report), "platform_no_device").fix, "RUSTICL_ENABLE is \"iris\"");

  const auto reason = [&](const char *library, const char *name) {
    report.platforms[0].library = library;
    report.platforms[0].name = "X";
    if (*name != '\0') {
      report.environment.push_back({name, "-1"});
    }
    return the(examined(report), "platform_no_device").fix;
  };
  CHECK_HAS(reason("libnvidia-opencl.so.1", ""), "no /dev/nvidia* node");
  CHECK_HAS(reason("libnvidia-opencl.so.1", "CUDA_VISIBLE_DEVICES"), "$ unset CUDA_VISIBLE_DEVICES");
  CHECK_HAS(reason("libamdocl64.so", ""), "/dev/kfd");
  CHECK_HAS(reason("libamdocl64.so", "ROCR_VISIBLE_DEVICES"), "$ unset ROCR_VISIBLE_DEVICES");
  CHECK_HAS(reason("libigdrcl.so", ""), "/dev/dri/renderD*");
  CHECK_HAS(reason("libigdrcl.so", "ZE_AFFINITY_MASK"), "$ unset ZE_AFFINITY_MASK");
  CHECK_HAS(reason("libMesaOpenCL.so.1", ""), "LP_CL=1");
  CHECK_HAS(reason("libpocl.so.2", "POCL_DEVICES"), "$ unset POCL_DEVICES");
  CHECK_HAS(reason("libunknown.so", ""), "no hardware that it supports");
  CHECK_HAS(verdict(report), "OpenCL does not work here: 1 platform, no device");
}

TEST_CASE("doctor: devices that are not what they seem") {
  DoctorReport report = healthy();
  report.failed_calls = {{"clGetDeviceInfo", "CL_DEVICE_NAME of device 0 of platform 0", -5}};
  CHECK_HAS(the(examined(report), "call_failed").what,
            "clGetDeviceInfo(CL_DEVICE_NAME of device 0 of platform 0) failed: CL_OUT_OF_RESOURCES (-5)");
  report.platforms[0].devices[0].available = false;
  CHECK_HAS(the(examined(report), "device_unavailable").what, "pthread-cpu");
  report.platforms[0].name = "Oclgrind";
  report.platforms[0].devices[0].type = "gpu";
  CHECK(the(examined(report), "simulator").severity == DoctorSeverity::note);
  CHECK_HAS(verdict(report), "no GPU");
}

TEST_CASE("doctor: GPUC_DEVICE") {
  DoctorReport report = healthy();
  const auto wrong = [&](const char *filter) {
    report.environment = {{"HOME", "/home/ada"}, {"GPUC_DEVICE", filter}};
    const DoctorReport done = examined(report);
    const DoctorProblem *problem = find(done, "device_filter");
    return problem == nullptr ? std::string() : problem->what;
  };
  for (const char *good : {"", "pocl", "POCL:CPU:0", "0", " cpu : portable", "genuineintel"}) {
    CHECK(wrong(good) == "");
  }
  CHECK_HAS(wrong("gpu"), "GPUC_DEVICE is \"gpu\", which matches no device of this machine");
  CHECK_HAS(wrong("nvidia:gpu:0"), "matches no device");
  CHECK_HAS(wrong("pocl:1"), "asks for device 1, but only 1");
  CHECK_HAS(wrong("1"), "asks for device 1");
  CHECK_HAS(wrong("99999999999999999999999"), "asks for device");
  CHECK_HAS(wrong("cpu::0"), "empty part");
  CHECK_HAS(wrong(":"), "empty part");
  CHECK_HAS(wrong("cpu:gpu"), "two types");
  CHECK_HAS(wrong("a:b:c:d:e"), "more than 4 parts");
  report.environment = {{"HOME", "/home/ada"}, {"GPUC_DEVICE_ENFORCE", "1"}};
  CHECK_HAS(the(examined(report), "device_filter").what, "GPUC_DEVICE_ENFORCE is set but GPUC_DEVICE is not");
}

TEST_CASE("doctor: PoCL's cache") {
  const Tree tree;
  tree.folder("/tmp");
  tree.file("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
  DoctorReport report = tree.diagnose({{"HOME", ""}}, {"libpocl.so.2"});
  CHECK_HAS(the(report, "pocl_cache_shared").fix, "POCL_CACHE_DIR");
  report = tree.diagnose({{"HOME", ""}, {"POCL_CACHE_DIR", "/var/pocl"}}, {"libpocl.so.2"});
  CHECK(find(report, "pocl_cache_shared") == nullptr);
  CHECK(find(report, "pocl_cache") == nullptr);
  tree.file("/var/pocl", "a file");
  report = tree.diagnose({{"POCL_CACHE_DIR", "/var/pocl"}}, {"libpocl.so.2"});
  CHECK_HAS(the(report, "pocl_cache").what,
            "PoCL's cache of compiled kernels, /var/pocl, cannot be written: Not a dir");
  CHECK_HAS(the(report, "pocl_cache").fix, "set POCL_CACHE_DIR");
  CHECK(tree.diagnose({{"XDG_CACHE_HOME", "/x"}}).pocl_cache.path == "/x/pocl/kcache");
  CHECK(tree.diagnose().pocl_cache.path == "/home/someone/.cache/pocl/kcache");
  const DoctorReport unloaded = tree.diagnose({{"POCL_CACHE_DIR", "/var/pocl"}});
  CHECK(find(unloaded, "pocl_cache") == nullptr);  // PoCL does not load: its cache does not matter

  report = healthy();
  report.pocl_cache = {"/root/.cache/pocl/kcache", false, "Permission denied"};
  CHECK(the(examined(report), "pocl_cache").severity == DoctorSeverity::warning);
  report.platforms[0].devices.clear();
  report = examined(report);
  CHECK(report.problems[0].code == "pocl_cache");
  CHECK(report.problems[0].severity == DoctorSeverity::error);
  CHECK_HAS(the(report, "platform_no_device").fix, "it cannot write its cache, /root/.cache/pocl/kcache");
}

TEST_CASE("doctor: the program cache") {
  const Tree tree;
  tree.folder("/home/someone");
  DoctorReport report = tree.diagnose();
  CHECK(report.cache.path == "/home/someone/.cache/gpucompute");
  CHECK(report.cache.origin == "HOME");
  CHECK(!report.cache.exists);
  CHECK(report.cache.writable);
  CHECK(!fs::exists(tree.root + "/home/someone/.cache"));  // a reader only

  report = tree.diagnose({{"XDG_CACHE_HOME", "/var/xdg"}});
  CHECK(report.cache.path == "/var/xdg/gpucompute");
  CHECK(tree.diagnose({{"XDG_CACHE_HOME", "relative"}}).cache.origin == "HOME");

  tree.file("/var/plain", "a file");
  report = tree.diagnose({{"GPUC_CACHE_DIR", "/var/plain/c"}, {"XDG_CACHE_HOME", "/var/xdg"}});
  CHECK_HAS(the(report, "cache_unwritable").what,
            "the program cache /var/plain/c (from GPUC_CACHE_DIR) cannot be written: Not a directory");
  CHECK_HAS(the(report, "cache_unwritable").fix, "set GPUC_CACHE_DIR");

  tree.folder("/var/c");
  fs::permissions(tree.root + "/var/c", fs::perms(0777));
  report = tree.diagnose({{"GPUC_CACHE_DIR", "/var/c"}});
  CHECK_HAS(the(report, "cache_refused").what, "is not used: other users can write it");
  CHECK_HAS(the(report, "cache_refused").fix, "$ chmod 700 /var/c");
  fs::permissions(tree.root + "/var/c", fs::perms(0700));
  CHECK(find(tree.diagnose({{"GPUC_CACHE_DIR", "/var/c"}}), "cache_refused") == nullptr);

  fs::create_symlink("c", tree.root + "/var/link");
  CHECK_HAS(the(tree.diagnose({{"GPUC_CACHE_DIR", "/var/link"}}), "cache_refused").what, "a symbolic link");

  report = tree.diagnose({{"GPUC_CACHE_LIMIT_MB", "many"}});
  CHECK_HAS(the(report, "cache_refused").fix, "unset GPUC_CACHE_LIMIT_MB");

  report = tree.diagnose({{"GPUC_CACHE", "0"}, {"GPUC_CACHE_DIR", "/var/plain/c"}});
  CHECK(report.cache.path.empty());
  CHECK(find(report, "cache_nowhere") == nullptr);
  CHECK_HAS(to_text(report), "turned off by GPUC_CACHE");
}

TEST_CASE("doctor: only variables that matter, sorted") {
  const Tree tree;
  const DoctorReport report = tree.diagnose({{"PATH", "/bin"}, {"SECRET", "s"}, {"POCL_X", "1"}, {"GPUC_DEVICE", "a"}});
  std::vector<std::string> names;
  for (const DoctorVariable &variable : report.environment) {
    names.push_back(variable.name);
  }
  CHECK(names == std::vector<std::string>{"GPUC_DEVICE", "HOME", "POCL_X"});
}

TEST_CASE("doctor: text") {
  DoctorReport report = healthy();
  report.library_version = "9.9.9";
  report.platforms[0].name = "odd\nname\x1b[31m";
  report.layers.resize(1);
  report.layers[0].name = "/gone.so";
  report.nodes = {node("/dev/kfd", "render", 105, 0660)};
  report = examined(report);
  const std::string page = to_text(report);
  CHECK_HAS(page, "gpucompute doctor, version 9.9.9\n");
  CHECK_HAS(page, "[0] odd?name?[31m, OpenCL 3.0 PoCL 3.1, The pocl project\n");
  CHECK_HAS(page, "3.0 GiB memory");
  CHECK_HAS(page, "2 compute units");
  CHECK_HAS(page, "rw-rw----");
  CHECK_HAS(page, "NOT accessible");
  CHECK_HAS(page, "     fix: ");
  CHECK(page.find("Problems") > page.find("Platforms and devices"));
  CHECK(page.back() == '\n');
  CHECK(last_line(page) == verdict(report));
  CHECK_HAS(verdict(report), "OpenCL works here: 1 device on 1 platform, no GPU; 0 errors, 2 warnings, 0 notes");
  CHECK(!has(page, " \n"));
  CHECK(
      std::none_of(page.begin(), page.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; }));
  CHECK(last_line(to_text(DoctorReport{})) ==
        "verdict: OpenCL was not asked for its devices; 0 errors, 0 warnings, 0 notes");
}

TEST_CASE("doctor: JSON") {
  DoctorReport report = healthy();
  report.platforms[0].vendor = "bad \xff utf-8 \" and quotes";
  report.nodes = {node("/dev/kfd", "render", 105, 0660)};
  report = examined(report);
  const auto json = nlohmann::json::parse(to_json(report));
  CHECK(json["schema"] == 1);
  CHECK(json["verdict"] == verdict(report));
  CHECK(json["loader"]["kind"] == "ocl-icd");
  CHECK(json["places"][0]["kind"] == "directory");
  CHECK(json["icds"][0]["loaded"]["platform_count"] == 1);
  CHECK(json["environment"]["HOME"] == "/home/ada");
  CHECK(json["nodes"][0]["mode"] == "0660");
  CHECK(json["platforms"][0]["vendor"] == "bad \xef\xbf\xbd utf-8 \" and quotes");
  CHECK(json["platforms"][0]["devices"][0]["global_memory_bytes"] == std::uint64_t{3} << 30);
  CHECK(json["cache"]["mode"].is_null());
  CHECK(json["problems"].size() == 1);
  CHECK(json["problems"][0]["severity"] == "warning");
  CHECK(json["problems"][0]["code"] == "node_access");
  for (const char *key :
       {"library_version", "system", "container", "nvidia_kernel_driver", "user", "layers", "libraries", "pci",
        "opencl_queried", "not_queried", "platforms_status", "failed_calls", "pocl_cache"}) {
    CHECK(json.contains(key));
  }
  const auto empty = nlohmann::json::parse(to_json(DoctorReport{}));
  CHECK(empty["platforms_status"].is_null());
  CHECK(empty["environment"].is_object());
  CHECK(empty["problems"].is_array());
}

TEST_CASE("doctor: this machine") {
  const DoctorReport report = diagnose();
  CHECK(report.opencl_queried);
  CHECK_HAS(report.loader.path, "libOpenCL");
  CHECK(!report.user.name.empty());
  CHECK(!report.places.empty());
  const auto json = nlohmann::json::parse(to_json(report));
  CHECK(json["platforms"].size() == report.platforms.size());
  for (const DoctorPlatform &platform : report.platforms) {
    CHECK(!platform.name.empty());
    CHECK_HAS(platform.version, "OpenCL");
    for (const DoctorDevice &device : platform.devices) {
      CHECK(!device.name.empty());
      CHECK(device.global_memory_bytes > 0);
      CHECK(device.compute_unit_count > 0);
    }
  }
  if (report.loader.kind == "ocl-icd") {
    CHECK(!report.loader.version.empty());
  }
  // Looking again finds the same, and the drivers in place.
  const DoctorReport again = diagnose();
  CHECK(again.platforms.size() == report.platforms.size());
  CHECK(again.problems.size() == report.problems.size());
  for (const DoctorIcd &icd : again.icds) {
    CHECK(icd.loaded.already_loaded == (icd.loaded.loads && icd.loaded.exports_icd));
  }
}

TEST_CASE("doctor: with other variables, in a process of its own") {
  const Tree tree;
  tree.file("/v/gone.icd", "/gone/libpocl.so.9\n");
  CHECK(passes_in_child("OCL_ICD_VENDORS=/nonexistent", "doctor child: no such folder"));
  CHECK(passes_in_child("OCL_ICD_VENDORS=" + tree.root + "/v", "doctor child: no such library"));
  CHECK(passes_in_child("POCL_X=1", "doctor child: forked"));
  const std::string oclgrind = "/usr/lib/oclgrind/liboclgrind-rt-icd.so";
  if (fs::exists(oclgrind)) {
    tree.file("/o/oclgrind.icd", oclgrind + "\n");
    CHECK(passes_in_child("OCL_ICD_VENDORS=" + tree.root + "/o", "doctor child: Oclgrind"));
    CHECK(passes_in_child("OCL_ICD_VENDORS=" + oclgrind, "doctor child: Oclgrind"));
  }
}

TEST_CASE("doctor child: no such folder" * doctest::skip()) {
  const DoctorReport report = diagnose();
  CHECK(report.platforms.empty());
  CHECK(report.problems.at(0).code == "vendors_variable");
  CHECK(the(report, "no_platform").severity == DoctorSeverity::error);
  CHECK(report.problems.at(1).code == "no_platform");
}

TEST_CASE("doctor child: no such library" * doctest::skip()) {
  const DoctorReport report = diagnose();
  CHECK(report.problems.at(0).code == "icd_library");
  CHECK_HAS(report.problems.at(0).what, "/gone/libpocl.so.9, which does not load: cannot open shared object file");
  CHECK_HAS(verdict(report), "no platform; 2 errors");
}

TEST_CASE("doctor child: Oclgrind" * doctest::skip()) {
  const DoctorReport report = diagnose();
  REQUIRE(report.platforms.size() == 1);
  CHECK(report.platforms[0].name == "Oclgrind");
  CHECK_HAS(report.platforms[0].library, "liboclgrind");
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].loaded.platform_count == 1);
  CHECK(find(report, "simulator") != nullptr);
}

TEST_CASE("doctor child: forked" * doctest::skip()) {
  const DoctorReport parent = diagnose();
  CHECK(parent.opencl_queried);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);
    const DoctorReport report = diagnose();
    _exit(!report.opencl_queried && find(report, "not_queried") != nullptr && find(report, "no_platform") == nullptr
              ? 0
              : 1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_SUITE_END();
