// Problems with device nodes, NVIDIA's driver, and GPUs that no driver serves.
#include <algorithm>

#include "runtime/doctor_parts.hpp"
#include "support/text.hpp"

namespace gpucompute::doctor {
namespace {

bool has_node(const DoctorReport &report, const std::string &path) {
  return std::any_of(report.nodes.begin(), report.nodes.end(),
                     [&](const DoctorNode &node) { return node.path == path; });
}

bool has_nodes(const DoctorReport &report, const std::string &start) {
  return std::any_of(report.nodes.begin(), report.nodes.end(),
                     [&](const DoctorNode &node) { return starts_with(node.path, start); });
}

bool loads(const DoctorReport &report, const std::string &library) {
  return std::any_of(report.libraries.begin(), report.libraries.end(),
                     [&](const DoctorLibrary &known) { return known.name == library && known.loads; });
}

bool is_member(const std::vector<std::uint32_t> &groups, std::uint32_t group) {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

bool has_gpu_of(const DoctorReport &report, const std::string &vendor) {
  return std::any_of(report.platforms.begin(), report.platforms.end(), [&](const DoctorPlatform &platform) {
    return std::any_of(platform.devices.begin(), platform.devices.end(), [&](const DoctorDevice &device) {
      const std::string names = text(platform.vendor, "\n", device.vendor, "\n", device.name);
      return device.type == "gpu" &&
             (contains_text(names, vendor) || (vendor == "AMD" && contains_text(names, "Advanced Micro Devices")));
    });
  });
}

// In the folder that the loader reads now.
std::string register_nvidia(const DoctorReport &report) {
  std::string folder = "/etc/OpenCL/vendors";
  std::string obstacle;
  for (const DoctorPlace &place : report.places) {
    if (place.used && place.kind == "directory") {
      folder = place.path;
    } else if (place.used && place.origin == "OCL_ICD_VENDORS") {
      obstacle = "\n$ unset OCL_ICD_VENDORS";
    }
  }
  return text("$ sudo mkdir -p ", quoted(folder), "\n$ echo libnvidia-opencl.so.1 | sudo tee ",
              quoted(folder + "/nvidia.icd"), obstacle);
}

std::string access_fix(const DoctorReport &report, const DoctorNode &node) {
  const bool group_may = (node.mode & 0060U) == 0060U;
  const bool refused_by_bits = node.error.empty() || node.error == "Permission denied";
  if (!refused_by_bits) {
    return node.error == "Operation not permitted"
               ? text("a container's device rules refuse it; start the container with it:\n$ docker run --device ",
                      node.path, " ...   (NVIDIA: --gpus all)")
               : "its permissions are right, but the kernel driver has no working device behind it: see $ sudo dmesg";
  }
  if (!group_may || node.group_id == 0) {
    return text("its group cannot use it either; give it to one that can, for good:\n$ echo 'KERNEL==\"",
                base_name(node.path),
                "\", GROUP=\"render\", MODE=\"0660\"' | sudo tee /etc/udev/rules.d/70-gpu-access.rules\n"
                "$ sudo udevadm control --reload && sudo udevadm trigger");
  }
  if (is_member(report.user.account_groups, node.group_id) && !is_member(report.user.groups, node.group_id)) {
    return text("the account is in the group ", node.group, " already, but this login is older: log out and in again");
  }
  const bool numbered = node.group == std::to_string(node.group_id);
  const std::string container = text("$ docker run --group-add ", node.group_id, " ...");
  if (numbered) {
    return text("its group has no name here, as in a container; start the container with it:\n", container);
  }
  return text("$ sudo usermod -aG ", node.group, " ", report.user.name, "\nthen log out and in again",
              report.container ? "; or start the container with the group:\n" + container : std::string());
}

}  // namespace

void find_node_problems(Findings &findings) {
  const DoctorReport &report = findings.report;
  const bool has_render_nodes = has_nodes(report, "/dev/dri/renderD");
  for (const DoctorNode &node : report.nodes) {
    const bool is_card = starts_with(node.path, "/dev/dri/card");
    // Drivers compute through the render nodes; the cards matter only where there are none.
    if ((node.readable && node.writable) || (is_card && has_render_nodes)) {
      continue;
    }
    std::string mode(4, '0');
    for (unsigned digit = 0; digit < 4; ++digit) {
      mode[3 - digit] = static_cast<char>('0' + ((node.mode >> (3 * digit)) & 7U));
    }
    const std::string what =
        text(report.user.name, " cannot read and write ", node.path, " (owner ", node.owner, ", group ", node.group,
             ", mode ", mode, ")", node.error.empty() ? "" : ": " + node.error);
    if (is_card) {
      findings.add(DoctorSeverity::note, "node_access", what, access_fix(report, node));
    } else {
      findings.add_cause("node_access", what, access_fix(report, node));
    }
  }
}

void find_nvidia_problems(Findings &findings) {
  const DoctorReport &report = findings.report;
  const bool registered = std::any_of(report.icds.begin(), report.icds.end(),
                                      [](const DoctorIcd &icd) { return names_library(icd, "nvidia-opencl"); });
  const bool gpu_nodes = std::any_of(report.nodes.begin(), report.nodes.end(), [](const DoctorNode &node) {
    return starts_with(node.path, "/dev/nvidia") && node.path.find_first_of("0123456789") == 11;
  });
  const bool driver_here = gpu_nodes || loads(report, "libcuda.so.1");
  if (!registered && loads(report, "libnvidia-opencl.so.1")) {
    findings.add_cause("nvidia_unregistered",
                       "NVIDIA's OpenCL library (libnvidia-opencl.so.1) is installed, but no .icd file names it",
                       register_nvidia(report));
  } else if (driver_here && !loads(report, "libnvidia-opencl.so.1")) {
    const std::string capabilities = variable(report, "NVIDIA_DRIVER_CAPABILITIES");
    const bool excluded = !capabilities.empty() && !contains_text(capabilities, "compute") && capabilities != "all";
    findings.add_cause(
        "nvidia_library",
        text(
            "NVIDIA's driver is here, but its OpenCL library (libnvidia-opencl.so.1) is not",
            excluded ? text(": NVIDIA_DRIVER_CAPABILITIES is \"", capabilities, "\", without compute") : std::string()),
        excluded
            ? "start the container with -e NVIDIA_DRIVER_CAPABILITIES=compute,utility"
            : "install the OpenCL part of the driver, in the version of the kernel driver: nvidia-opencl-icd (Debian), "
              "libnvidia-compute-<version> (Ubuntu); in a container start it with "
              "-e NVIDIA_DRIVER_CAPABILITIES=compute,utility");
  }
  if (gpu_nodes && !has_node(report, "/dev/nvidia-uvm")) {
    findings.add_cause("nvidia_uvm", "/dev/nvidia-uvm is missing, without which NVIDIA's driver shows no device",
                       "$ sudo nvidia-modprobe -u -c=0");
  }
  const std::string visible = variable(report, "CUDA_VISIBLE_DEVICES");
  // Where the driver has answered, the problem with its answer tells of the variable.
  const bool answered = std::any_of(report.icds.begin(), report.icds.end(), [](const DoctorIcd &icd) {
    return names_library(icd, "nvidia-opencl") && icd.loaded.platforms_queried;
  });
  if (gpu_nodes && !answered && variable_is_set(report, "CUDA_VISIBLE_DEVICES") && !has_gpu_of(report, "NVIDIA")) {
    findings.add(DoctorSeverity::warning, "nvidia_hidden",
                 text("CUDA_VISIBLE_DEVICES is \"", visible, "\", and no NVIDIA GPU is visible; OpenCL obeys it too"),
                 "$ unset CUDA_VISIBLE_DEVICES");
  }
}

void find_bus_problems(Findings &findings) {
  const DoctorReport &report = findings.report;
  for (const DoctorPciDevice &gpu : report.pci) {
    const bool nvidia = gpu.vendor_id == 0x10de;
    const bool amd = gpu.vendor_id == 0x1002;
    if ((!nvidia && !amd && gpu.vendor_id != 0x8086) || has_gpu_of(report, gpu.vendor)) {
      continue;
    }
    const std::string title = text("the ", gpu.vendor, " GPU at ", gpu.address);
    const bool node = nvidia ? has_nodes(report, "/dev/nvidia") : has_nodes(report, "/dev/dri/renderD");
    if (gpu.driver.empty() || gpu.driver == "vfio-pci" || (nvidia && gpu.driver == "nouveau")) {
      findings.add(
          DoctorSeverity::warning, "gpu_driver",
          title + (gpu.driver.empty() ? " has no kernel driver" : " is bound to the kernel driver " + gpu.driver),
          gpu.driver == "vfio-pci" ? "it is reserved for a virtual machine: unbind it from vfio-pci to use it here"
          : nvidia ? "install NVIDIA's driver: nvidia-driver (Debian), nvidia-driver-<version> (Ubuntu); then reboot"
          : amd    ? "$ sudo modprobe amdgpu"
                   : "$ sudo modprobe i915   (newer GPUs: xe)");
    } else if (!node) {
      findings.add(DoctorSeverity::warning, "gpu_node",
                   text(title, " is driven by ", gpu.driver,
                        ", but has no device node here: this looks like a container "
                        "without it"),
                   nvidia
                       ? "$ docker run --gpus all ...\nor, where it is not a container:\n$ sudo nvidia-modprobe -c=0 -u"
                   : amd ? "$ docker run --device /dev/kfd --device /dev/dri ..."
                         : "$ docker run --device /dev/dri ...");
    } else if (!nvidia && report.opencl_queried) {
      findings.add(
          DoctorSeverity::note, "gpu_without_opencl",
          text(title, " (driver ", gpu.driver, ") is here, but no OpenCL platform shows it"),
          amd ? "$ sudo apt install rocm-opencl-icd   (recent GPUs) or mesa-opencl-icd, with RUSTICL_ENABLE=radeonsi"
              : "$ sudo apt install intel-opencl-icd   or mesa-opencl-icd, with RUSTICL_ENABLE=iris");
    }
  }
}

}  // namespace gpucompute::doctor
