// The report as text and JSON, and of the machine that the test runs on.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "doctor_support.hpp"

using namespace doctor_test;

namespace {

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
    alarm(300);
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
