// What the doctor advises for hardware and drivers, and how it shows what it has seen.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "doctor_support.hpp"
#include "support/apart.hpp"

using namespace doctor_test;

namespace {

DoctorPciDevice gpu(std::uint32_t vendor_id, const char *vendor, const char *driver) {
  DoctorPciDevice made;
  made.address = "0000:01:00.0";
  made.class_code = 0x030000;
  made.vendor_id = vendor_id;
  made.vendor = vendor;
  made.driver = driver;
  return made;
}

DoctorNode usable(const std::string &path) {
  DoctorNode made = node(path, "render", 105, 0666);
  made.readable = made.writable = true;
  made.error.clear();
  return made;
}

DoctorLibrary library(const char *name, bool loads) {
  DoctorLibrary made;
  made.name = name;
  made.loads = loads;
  made.path = loads ? std::string("/usr/lib/") + name : std::string();
  return made;
}

// The page with its columns no longer aligned.
std::string squeezed(const DoctorReport &report) {
  std::string page;
  for (const char c : to_text(report))
    if (c != ' ' || page.empty() || page.back() != ' ') page += c;
  return page;
}

}  // namespace

TEST_SUITE_BEGIN("doctor");

TEST_CASE("doctor: a GPU without a kernel driver, by vendor") {
  DoctorReport report = healthy();
  const auto fix_for = [&](const DoctorPciDevice &device) {
    report.pci = {device};
    return the(examined(report), "gpu_driver").fix;
  };
  CHECK_HAS(fix_for(gpu(0x10de, "NVIDIA", "")), "install NVIDIA's driver");
  CHECK(fix_for(gpu(0x1002, "AMD", "")) == "$ sudo modprobe amdgpu");
  CHECK_HAS(fix_for(gpu(0x8086, "Intel", "")), "$ sudo modprobe i915");
  CHECK_HAS(fix_for(gpu(0x1002, "AMD", "vfio-pci")), "unbind it from vfio-pci");
  CHECK_HAS(the(examined(report), "gpu_driver").what, "the AMD GPU at 0000:01:00.0 is bound to the kernel driver vfio");
}

TEST_CASE("doctor: a GPU with a kernel driver and no node, or no platform") {
  DoctorReport report = healthy();
  const auto fix_for = [&](const char *code, const DoctorPciDevice &device) {
    report.pci = {device};
    return the(examined(report), code).fix;
  };
  CHECK_HAS(fix_for("gpu_node", gpu(0x10de, "NVIDIA", "nvidia")), "$ docker run --gpus all");
  CHECK_HAS(fix_for("gpu_node", gpu(0x1002, "AMD", "amdgpu")), "--device /dev/kfd");
  CHECK(fix_for("gpu_node", gpu(0x8086, "Intel", "xe")) == "$ docker run --device /dev/dri ...");

  report.nodes = {usable("/dev/dri/renderD128")};
  CHECK_HAS(fix_for("gpu_without_opencl", gpu(0x1002, "AMD", "amdgpu")), "rocm-opencl-icd");
  CHECK_HAS(fix_for("gpu_without_opencl", gpu(0x8086, "Intel", "xe")), "intel-opencl-icd");
  report.opencl_queried = false;  // then it is not known
  CHECK(find(examined(report), "gpu_without_opencl") == nullptr);
  report.opencl_queried = true;
  report.nodes = {usable("/dev/nvidia0"), usable("/dev/nvidia-uvm")};
  report.pci = {gpu(0x10de, "NVIDIA", "nvidia")};  // another problem tells of NVIDIA's libraries
  CHECK(find(examined(report), "gpu_without_opencl") == nullptr);

  // AMD's platform does not say AMD.
  report.nodes = {usable("/dev/dri/renderD128")};
  report.pci = {gpu(0x1002, "AMD", "amdgpu")};
  report.platforms[0].vendor = "Advanced Micro Devices, Inc.";
  report.platforms[0].devices[0].vendor = "Advanced Micro Devices, Inc.";
  CHECK(find(examined(report), "gpu_without_opencl") != nullptr);  // its device is a CPU
  report.platforms[0].devices[0].type = "gpu";
  CHECK(find(examined(report), "gpu_without_opencl") == nullptr);
  report.platforms[0].vendor = report.platforms[0].devices[0].vendor = "somebody else";
  CHECK(find(examined(report), "gpu_without_opencl") != nullptr);
  report.pci = {gpu(0x8086, "Intel", "xe")};
  CHECK(find(examined(report), "gpu_without_opencl") != nullptr);
}

TEST_CASE("doctor: NVIDIA's nodes, capabilities and hidden devices") {
  DoctorReport report = healthy();
  report.libraries = {library("libcuda.so.1", true), library("libnvidia-opencl.so.1", false)};
  const auto what = [&](const char *capabilities) {
    report.environment = {{"HOME", "/home/ada"}, {"NVIDIA_DRIVER_CAPABILITIES", capabilities}};
    return the(examined(report), "nvidia_library").what;
  };
  CHECK_HAS(what("utility"), "without compute");
  for (const char *enough : {"", "all", "compute,utility"}) CHECK(!has(what(enough), "without compute"));

  report = healthy();
  report.libraries = {library("libnvidia-opencl.so.1", true)};
  report.icds[0].loaded.path = "/usr/lib/libnvidia-opencl.so.1";  // whatever name the file gives
  report.nodes = {usable("/dev/nvidia0"), usable("/dev/nvidia-uvm")};
  report.environment.push_back({"CUDA_VISIBLE_DEVICES", "7"});
  CHECK(examined(report).problems.empty());  // it has answered
  report.icds[0].loaded.platforms_queried = false;
  CHECK_HAS(the(examined(report), "nvidia_hidden").what, "CUDA_VISIBLE_DEVICES is \"7\"");
  report.platforms[0].devices[0].type = "gpu";
  report.platforms[0].devices[0].vendor = "NVIDIA Corporation";
  CHECK(find(examined(report), "nvidia_hidden") == nullptr);
  report.platforms[0].devices[0].vendor = "somebody else";
  report.environment.pop_back();
  CHECK(find(examined(report), "nvidia_hidden") == nullptr);
  report.nodes = {usable("/dev/nvidiactl")};  // a node, but of no GPU
  CHECK(find(examined(report), "nvidia_uvm") == nullptr);
}

TEST_CASE("doctor: access to a node that is refused in part, or by a driver") {
  DoctorReport report = healthy();
  DoctorNode half = node("/dev/kfd", "render", 105, 0640);
  half.readable = true;
  half.error.clear();
  report.nodes = {half};
  const DoctorProblem problem = the(examined(report), "node_access");
  CHECK_HAS(problem.what, "mode 0640)");
  CHECK(problem.what.back() == ')');  // no reason, as none was given
  CHECK_HAS(problem.fix, "/etc/udev/rules.d/");
  report.nodes[0].error = "No such device";
  CHECK_HAS(the(examined(report), "node_access").fix, "$ sudo dmesg");
  report.nodes = {node("/dev/kfd", "root", 0, 0660)};  // nobody should join root's group
  CHECK_HAS(the(examined(report), "node_access").fix, "/etc/udev/rules.d/");
  report.nodes = {node("/dev/kfd", "render", 105, 0660)};
  report.user.groups = report.user.account_groups = {105};
  CHECK_HAS(the(examined(report), "node_access").fix, "usermod -aG render");
}

TEST_CASE("doctor: why a platform may have no device, where its node is here") {
  DoctorReport report = healthy();
  report.platforms[0].devices.clear();
  report.platforms[0].name = "X";
  report.nodes = {usable("/dev/nvidia0"), usable("/dev/nvidia-uvm"), usable("/dev/kfd"), usable("/dev/dri/renderD128")};
  const auto reason = [&](const char *driver) {
    report.platforms[0].library = driver;
    return the(examined(report), "platform_no_device").fix;
  };
  CHECK_HAS(reason("libnvidia-opencl.so.1"), "$ nvidia-smi tells more");
  CHECK_HAS(reason("libamdocl64.so"), "too old or too new for this ROCm");
  CHECK_HAS(reason("librocm.so"), "too old or too new for this ROCm");
  CHECK_HAS(reason("libintelocl.so"), "unknown to this driver version");
  CHECK_HAS(reason("libclover.so"), "LP_CL=1");
  CHECK_HAS(reason("libpocl.so.2"), "--reinstall pocl-opencl-icd");
}

TEST_CASE("doctor: words of a shell") {
  CHECK(doctor::quoted("/opt/a-b_C.9+x") == "/opt/a-b_C.9+x");
  CHECK(doctor::quoted("") == "''");
  CHECK(doctor::quoted("a b") == "'a b'");
  CHECK(doctor::quoted("it's") == "'it'\\''s'");
  for (const char odd : {'[', '{', ':', '@', '`', '~', '\x1f'}) {  // just beyond the letters and digits
    CHECK(doctor::quoted(std::string("a") + odd) == std::string("'a") + odd + "'");
  }
}

TEST_CASE("doctor: drivers that fail in odd ways") {
  DoctorReport report = healthy();
  DoctorIcd &icd = report.icds[0];
  icd.loaded = {};
  icd.library = "libpocl.so.2\t";
  icd.loaded.name = icd.library;
  icd.loaded.error = "libpocl.so.2\t: cannot open shared object file: No such file or directory";
  CHECK_HAS(the(examined(report), "icd_library").fix, "white space");
  icd.file.clear();  // a variable names it: there is no file to mend or to remove
  icd.origin = "OCL_ICD_VENDORS";
  const DoctorProblem by_variable = the(examined(report), "icd_library");
  CHECK_HAS(by_variable.what, "OCL_ICD_VENDORS names libpocl.so.2");
  CHECK(!has(by_variable.fix, "sudo rm"));
  CHECK(!has(by_variable.fix, "sed"));
  icd.library = icd.loaded.name = "libstrange.so";
  icd.loaded.error = "libmissing.so.3: cannot open shared object file: No such file or directory";
  CHECK(the(examined(report), "icd_library").fix ==
        "install the package that has libmissing.so.3, which the driver needs");
  icd.loaded.loads = true;
  icd.loaded.exports_icd = icd.loaded.platforms_queried = true;  // from nowhere, with nothing
  CHECK_HAS(the(examined(report), "icd_no_platform").fix, "no hardware that it supports");

  // Named twice: a problem only where the platforms appear twice, too.
  report = healthy();
  report.icds.push_back(report.icds[0]);
  report.icds[1].file = "/etc/OpenCL/vendors/two.icd";
  CHECK(find(examined(report), "icd_twice") == nullptr);
  report.platforms[0].library = report.icds[0].loaded.path;
  report.platforms.push_back(report.platforms[0]);
  CHECK_HAS(the(examined(report), "icd_twice").what, "two.icd and /etc/OpenCL/vendors/pocl.icd name the same library");

  report = healthy();
  report.places[0].used = false;
  report.places[0].origin = "OPENCL_VENDOR_PATH";  // which ocl-icd obeys; another place came first
  CHECK(find(examined(report), "variable_ignored") == nullptr);
}

TEST_CASE("doctor: filters, layers and caches") {
  DoctorReport report = healthy();
  const auto wrong = [&](const char *filter) { return wrong_filter(report, filter); };
  CHECK_HAS(wrong("accelerator"), "matches no device");
  CHECK_HAS(wrong("0:0"), "two indices");
  CHECK_HAS(wrong("cpu:nvidia"), "matches no device");
  report.environment = {{"HOME", "/home/ada"}, {"GPUC_DEVICE_ENFORCE", "0"}};
  CHECK(examined(report).problems.empty());

  report.layers = {library("libgood.so", true)};
  report.layers[0].exports_layer = true;
  CHECK(examined(report).problems.empty());
  CHECK_HAS(squeezed(report), "libgood.so loads\n");
  report.layers[0].exports_layer = false;
  CHECK_HAS(to_text(report), "loads, but is no OpenCL layer");

  report = healthy();
  report.cache.exists = true;
  report.cache.refused = "it belongs to another user";
  CHECK_HAS(the(examined(report), "cache_refused").fix, "set GPUC_CACHE_DIR");
  report.cache.owned = true;
  report.cache.refused = "of a reason that no command mends";
  CHECK_HAS(the(examined(report), "cache_refused").fix, "set GPUC_CACHE_DIR");

  report = healthy();
  report.environment.clear();
  CHECK(find(examined(report), "pocl_cache_shared") != nullptr);
  report.environment = {{"XDG_CACHE_HOME", "/x"}};
  CHECK(find(examined(report), "pocl_cache_shared") == nullptr);
  report.opencl_queried = true;
  report.platforms.clear();  // nothing else is wrong: the advice begins with it
  CHECK(the(examined(report), "no_platform").fix == "for a platform on the CPU:\n$ sudo apt install pocl-opencl-icd");
}

TEST_CASE("doctor: the page of what is seldom") {
  DoctorReport report = healthy();
  report.loader.version = "2.3.1";
  report.cache.writable = false;
  report.cache.error = "Read-only file system";
  CHECK_HAS(to_text(report), "not made yet, NOT writable: Read-only file system");
  report.cache.writable = true;
  CHECK_HAS(to_text(report), "not made yet, writable");
  report.cache.refused = "it is a symbolic link";
  CHECK_HAS(to_text(report), "NOT used: it is a symbolic link");
  report.nvidia_kernel_driver = "NVRM version: 580.1";
  report.libraries = {library("libcuda.so.1", true), library("libnvidia-opencl.so.1", false)};
  report.nodes = {usable("/dev/kfd"), node("/dev/dri/renderD128", "render", 105, 0660)};
  report.nodes[1].readable = true;
  report.nodes[1].error.clear();
  report.pci = {gpu(0x1002, "AMD", ""), gpu(0x8086, "Intel", "xe")};
  report.platforms[0].devices[0].available = false;
  report.platforms[0].devices[0].name = "odd\x7fname";
  DoctorPlace file = report.places[0];
  file.origin = "OCL_ICD_VENDORS";
  file.path = "/opt/x.icd";
  file.kind = "icd_file";
  DoctorPlace missing = file;
  missing.path = "/gone";
  missing.kind = "missing";
  missing.error = "No such file or directory";
  report.places.push_back(file);
  report.places.push_back(missing);
  DoctorIcd broken;
  broken.origin = "OCL_ICD_VENDORS";
  broken.library = "libx.so";
  broken.loaded = library("libx.so", false);
  broken.loaded.error = "wrong ELF class";
  report.icds.push_back(broken);
  for (int i = 0; i < 9; ++i) report.failed_calls.push_back({"clGetDeviceInfo", "CL_DEVICE_NAME", -5});
  report = examined(report);
  const std::string page = squeezed(report);
  CHECK_HAS(page, "ocl-icd 2.3.1");
  CHECK_HAS(page, "NVIDIA kernel driver NVRM version: 580.1");
  CHECK_HAS(page, "/usr/lib/libcuda.so.1");
  CHECK_HAS(page, "libnvidia-opencl.so.1 not there");
  CHECK_HAS(page, " accessible\n");
  CHECK_HAS(page, " NOT accessible\n");
  CHECK_HAS(page, "AMD no driver");
  CHECK_HAS(page, "Intel driver xe");
  CHECK_HAS(page, "NOT available");
  CHECK_HAS(page, "odd?name");
  CHECK_HAS(page, ".icd file");
  CHECK_HAS(page, "does not exist\n");
  CHECK_HAS(page, "does not load: wrong ELF class");
  REQUIRE(report.problems.size() > 9);
  CHECK_HAS(page, "\n 9. ");
  CHECK_HAS(page, "\n 10. ");

  report = healthy();
  report.opencl_queried = false;
  report.not_queried = "this process was forked";
  CHECK_HAS(to_text(report), "  not asked for: this process was forked\n");
}

TEST_CASE("doctor: nodes, devices and folders of the file system that are seldom") {
  const Tree tree;
  for (const char *name : {"dxg", "kgsl-3d0", "nvidia-uvm", "nvidia12", "nvidiax", "nvidia", "mali7"}) {
    tree.file(std::string("/dev/") + name, "");
  }
  tree.folder("/dev/nvidia9");
  tree.pci("0000:00:04.0", "0x9999", "odd");
  tree.pci("0000:00:05.0", "0x8086", "idxd", "0x120000");  // an accelerator that is no GPU
  tree.pci("0000:00:06.0", "", "odd");
  tree.file("/run/.containerenv", "");
  const DoctorReport report = tree.diagnose();
  std::vector<std::string> paths;
  for (const DoctorNode &found : report.nodes) paths.push_back(found.path);
  CHECK(paths ==
        std::vector<std::string>{"/dev/dxg", "/dev/kgsl-3d0", "/dev/mali7", "/dev/nvidia-uvm", "/dev/nvidia12"});
  REQUIRE(report.pci.size() == 2);
  CHECK(report.pci[0].vendor == "0x9999");
  CHECK(report.pci[1].vendor == "0x0000");
  CHECK(report.container);

  for (const char *choice : {"off", "OFF"}) {
    const DoctorReport without = tree.diagnose({{"GPUC_CACHE", choice}});
    CHECK(without.cache.path.empty());
    CHECK(without.cache.origin == "GPUC_CACHE");
  }
  CHECK(tree.diagnose({{"GPUC_CACHE_LIMIT_MB", "12"}}).cache.refused.empty());
  if (geteuid() == 0) {
    tree.folder("/var/theirs");
    tree.folder("/home/ada");
    REQUIRE(chown((tree.root + "/var/theirs").c_str(), 12345, 12345) == 0);
    REQUIRE(chown((tree.root + "/home/ada").c_str(), 12345, 12345) == 0);
    CHECK_HAS(the(tree.diagnose({{"GPUC_CACHE_DIR", "/var/theirs"}}), "cache_refused").what,
              "it belongs to another user");
    CHECK_HAS(the(tree.diagnose({{"HOME", "/home/ada"}}), "cache_refused").what,
              "HOME \"/home/ada\" belongs to 12345, but the program runs as root");
  }
}

TEST_CASE("doctor: where the variables of the loader lead to nothing") {
  const Tree tree;
  tree.file("/opt/v/x.icd", "libx.so\n");
  DoctorReport report = tree.diagnose({{"OPENCL_VENDOR_PATH", "/opt/v/"}}, {"libx.so"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].file == "/opt/v/x.icd");  // one slash
  for (const char *gone : {"gone.icd", "/opt/gone.icd", "/opt/libgone.so"}) {
    report = tree.diagnose({{"OCL_ICD_VENDORS", gone}});
    CHECK(report.icds.empty());
    CHECK_HAS(the(report, "vendors_variable").what, std::string("OCL_ICD_VENDORS is \"") + gone + "\", which does not");
  }
  tree.file("/opt/libhere.so", "");
  report = tree.diagnose({{"OCL_ICD_VENDORS", "/opt/libhere.so"}}, {"/opt/libhere.so"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].loaded.loads);
  tree.file("/home/plain", "a file");
  report = tree.diagnose({{"HOME", "/home/plain/deeper"}});
  CHECK(!report.cache.writable);
  CHECK(report.cache.error == "Not a directory");
}

TEST_CASE("doctor: drivers that answer with errors, and odd devices") {
  using namespace gpucompute::test;
  const auto check = [](const std::string &machine, const char *wanted) {
    check_apart("doctor apart: what it sees", machine + " GPUC_TEST_WANTED='" + wanted + "'");
  };
  check(with_faults("clGetPlatformIDs:1+:-6"), "no_platform (-6)");
  check(with_faults("clGetPlatformInfo:1:-5"), "call_failed clGetPlatformInfo(CL_PLATFORM_NAME of platform 0)");
  check(with_faults("clGetDeviceIDs:1+:-5"), "call_failed clGetDeviceIDs(platform 0)");
  check(with_faults("clGetDeviceIDs:2:-5"), "call_failed clGetDeviceIDs(platform 0)");
  check(with_faults("clGetDeviceInfo:1:-5"), "call_failed clGetDeviceInfo(CL_DEVICE_NAME of device 0 of platform 0)");
  check(with_faults("clGetDeviceInfo:2:-5"), "call_failed clGetDeviceInfo(CL_DEVICE_NAME of device 0 of platform 0)");
  check(with_faults("clGetDeviceInfo:9:-5"), "call_failed clGetDeviceInfo(CL_DEVICE_TYPE of device 0 of platform 0)");
  check(with_faults(""), "libgpuc_fault_layer.so loads");
  check(fake("two,cpu"), "Second Fake Device, cpu");
  check(fake("accelerator"), "Fake Device, accelerator");
  check(fake("custom"), "Fake Device, custom");
  check(fake("unavailable"), "device_unavailable");
  check(fake("nodevices"), "platform_no_device");
}

TEST_CASE("doctor apart: what it sees" * doctest::skip()) {
  const DoctorReport report = diagnose();
  std::string seen = squeezed(report);
  for (const DoctorProblem &problem : report.problems) seen += problem.code + " " + problem.what + "\n";
  seen += "no_platform (" + std::to_string(report.platforms_status) + ")\n";
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].loaded.exports_icd);
  CHECK_HAS(report.icds[0].loaded.path, "libgpuc_fake_icd.so");
  CHECK_HAS(seen, std::getenv("GPUC_TEST_WANTED"));
  gpucompute::test::ran();
}

TEST_SUITE_END();
