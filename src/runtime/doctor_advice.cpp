// What to do about a driver, by the name of its library.
#include <algorithm>

#include "runtime/doctor_parts.hpp"
#include "support/text.hpp"

namespace gpucompute::doctor {

std::string quoted(const std::string &path) {
  const bool plain = std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
           c == '_' || c == '-' || c == '+';
  });
  if (plain && !path.empty()) {
    return path;
  }
  std::string word = "'";
  for (const char c : path) {
    word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return word + "'";
}

bool is_simulator(const DoctorPlatform &platform) { return contains_text(platform.name, "oclgrind"); }

std::string package_advice(const std::string &library) {
  static constexpr struct {
    const char *part;
    const char *advice;
  } known[] = {
      {"libpocl", "$ sudo apt install --reinstall pocl-opencl-icd"},
      {"nvidia-opencl",
       "reinstall the OpenCL part of NVIDIA's driver, in the version of the kernel driver: nvidia-opencl-icd (Debian), "
       "libnvidia-compute-<version> (Ubuntu)"},
      {"igdrcl", "$ sudo apt install --reinstall intel-opencl-icd"},
      {"libintelocl", "reinstall Intel's CPU runtime: intel-oneapi-runtime-opencl, from Intel's repository"},
      {"intel", "$ sudo apt install --reinstall intel-opencl-icd"},
      {"amdocl", "$ sudo apt install --reinstall rocm-opencl-icd   (or rocm-opencl, from AMD's repository)"},
      {"rocm", "$ sudo apt install --reinstall rocm-opencl-icd   (or rocm-opencl, from AMD's repository)"},
      {"rusticl",
       "$ sudo apt install --reinstall mesa-opencl-icd\nthen set RUSTICL_ENABLE to the Mesa driver, such as radeonsi, "
       "iris or llvmpipe: without it Rusticl shows no device"},
      {"mesaopencl", "$ sudo apt install --reinstall mesa-opencl-icd"},
      {"oclgrind", "$ sudo apt install --reinstall oclgrind"},
  };
  for (const auto &package : known) {
    if (contains_text(base_name(library), package.part)) {
      return package.advice;
    }
  }
  return {};
}

std::string likely_reason(const DoctorReport &report, const std::string &driver) {
  const auto hides = [&](const char *name) {
    return variable_is_set(report, name)
               ? text(name, " is \"", variable(report, name), "\" and may hide the device:\n$ unset ", name)
               : std::string();
  };
  const auto any_node = [&](const char *start) {
    return std::any_of(report.nodes.begin(), report.nodes.end(),
                       [&](const DoctorNode &node) { return starts_with(node.path, start); });
  };
  if (contains_text(driver, "rusticl")) {
    const std::string enabled = variable(report, "RUSTICL_ENABLE");
    return enabled.empty() ? "Rusticl shows devices only of the drivers that RUSTICL_ENABLE names:\n"
                             "$ export RUSTICL_ENABLE=radeonsi   (or iris, nouveau, llvmpipe)"
                           : text("RUSTICL_ENABLE is \"", enabled, "\", and Mesa has no device of that driver here");
  }
  if (contains_text(driver, "nvidia")) {
    if (std::string reason = hides("CUDA_VISIBLE_DEVICES"); !reason.empty()) return reason;
    return any_node("/dev/nvidia")
               ? "the driver libraries may differ from the kernel driver in version: reboot, or reinstall "
                 "both in one version; $ nvidia-smi tells more"
               : "no /dev/nvidia* node is here: load the kernel driver ($ sudo modprobe nvidia), or start "
                 "the container with the GPU ($ docker run --gpus all ...)";
  }
  if (contains_text(driver, "amd") || contains_text(driver, "rocm")) {
    for (const char *name : {"ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "HIP_VISIBLE_DEVICES"}) {
      if (std::string reason = hides(name); !reason.empty()) return reason;
    }
    return any_node("/dev/kfd") ? "the GPU may be too old or too new for this ROCm, or its nodes may not be accessible"
                                : "no /dev/kfd is here: load the kernel driver ($ sudo modprobe amdgpu), or start the "
                                  "container with --device /dev/kfd --device /dev/dri";
  }
  if (contains_text(driver, "intel") || contains_text(driver, "igdrcl")) {
    if (std::string reason = hides("ZE_AFFINITY_MASK"); !reason.empty()) return reason;
    return any_node("/dev/dri/renderD")
               ? "the GPU may be unknown to this driver version, or its node may not be accessible"
               : "no /dev/dri/renderD* is here: load the kernel driver ($ sudo modprobe i915), or "
                 "start the container with --device /dev/dri";
  }
  if (contains_text(driver, "clover") || contains_text(driver, "mesa")) {
    return "Mesa's driver finds no GPU that it supports; Clover shows a CPU device only with LP_CL=1";
  }
  if (contains_text(driver, "pocl") || contains_text(driver, "portable computing")) {
    if (!report.pocl_cache.writable) {
      return text("it cannot write its cache, ", report.pocl_cache.path,
                  ": set POCL_CACHE_DIR to a folder that this user can write");
    }
    return variable_is_set(report, "POCL_DEVICES")
               ? text("POCL_DEVICES is \"", variable(report, "POCL_DEVICES"), "\":\n$ unset POCL_DEVICES")
               : "PoCL's files may be incomplete:\n$ sudo apt install --reinstall pocl-opencl-icd";
  }
  return "the driver finds no hardware that it supports, or may not open its device node";
}

}  // namespace gpucompute::doctor
