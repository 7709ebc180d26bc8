// GPUs, their kernel modules and their device nodes.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "doctor_support.hpp"

using namespace doctor_test;

TEST_SUITE_BEGIN("doctor");

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

TEST_SUITE_END();
