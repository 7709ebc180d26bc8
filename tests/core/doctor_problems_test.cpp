// What a report says of platforms, devices, caches and variables.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "doctor_support.hpp"

using namespace doctor_test;

TEST_SUITE_BEGIN("doctor");

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
  const auto wrong = [&](const char *filter) { return wrong_filter(report, filter); };
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

TEST_SUITE_END();
