// Devices and drivers that no machine here has: on the fake ICD, in processes of their own.
#include <doctest/doctest.h>
#include <gpucompute/device.hpp>
#include <gpucompute/platform.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "runtime/cache.hpp"
#include "runtime/capability_probe.hpp"
#include "support/apart.hpp"
#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

namespace {

std::string given(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

// Capabilities are looked at anew: a device keeps its own.
Capabilities probed(const Device &device, bool &was_probed) {
  was_probed = false;
  return probe_capabilities(device, was_probed);
}

}  // namespace

TEST_SUITE_BEGIN("runtime");

TEST_CASE("devices are chosen by what they are, and by whether they can be used") {
  const auto check = [](const char *profile, const char *chosen) {
    check_apart("odd devices apart: the best", fake(profile) + " GPUC_TEST_WANTED='" + chosen + "'");
  };
  check("two,cpu", "Fake Device:gpu:1");
  check("two,cpu,unavailable", "Second Fake Device:cpu:2");
  check("two,accelerator", "Fake Device:gpu:1");
  check("two,accelerator,nocompiler", "Second Fake Device:accelerator:2");
  check("two,custom", "Fake Device:gpu:1");
  check("two,custom,unavailable", "Second Fake Device:custom:2");
  check("accelerator", "Fake Device:accelerator:1");
  check("unified", "Fake Device:gpu:1");
  check("as:fake Oclgrind", "Fake Device:gpu:1");  // a checker is better than nothing
}

TEST_CASE("odd devices apart: the best" * doctest::skip()) {
  const auto device = select_device("");
  const char *const types[] = {"", "cpu", "gpu", "accelerator", "custom"};
  const std::string type = types[static_cast<int>(device->info().type)];
  const auto all = list_devices("");
  std::size_t at = 0;
  for (const auto &platform : platforms())
    for (std::size_t i = 0; i < platform->devices().size(); ++i)
      if (platform->devices()[i] == device) at = i + 1;
  CHECK(device->info().name + ":" + type + ":" + std::to_string(at) == given("GPUC_TEST_WANTED"));
  CHECK(all.front() == device);
  CHECK(select_device(device->filter()) == device);
  CHECK(device->filter() == (type == "custom" ? "fake:0" : "fake:" + type + ":0"));
  ran();
}

TEST_CASE("devices tell who and where they are") {
  check_apart("odd devices apart: identity",
              fake("ids") + " GPUC_TEST_WANTED=f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff,0001:17:02.1,0");
  check_apart("odd devices apart: identity", fake("nvids") + " GPUC_TEST_WANTED=,0000:17:02.1,350");
  check_apart("odd devices apart: identity", fake("") + " GPUC_TEST_WANTED=,,0");
}

TEST_CASE("odd devices apart: identity" * doctest::skip()) {
  const DeviceInfo &info = select_device("")->info();
  CHECK(info.uuid + "," + info.pci_id + "," + std::to_string(info.nvidia_compute_capability) ==
        given("GPUC_TEST_WANTED"));
  ran();
}

TEST_CASE("there may be no device at all") {
  check_apart("odd devices apart: none", fake("nodevices") + " GPUC_TEST_WANTED='no OpenCL platform has a device'");
  check_apart("odd devices apart: none", fake("nodevices") + " GPUC_DEVICE=gpu GPUC_TEST_WANTED='no device at all'");
  check_apart("odd devices apart: none", fake("noplatform") + " GPUC_TEST_WANTED='no OpenCL platform'");
  check_apart("odd devices apart: none", with_faults("clGetDeviceIDs:1+:-6") + " GPUC_TEST_WANTED=clGetDeviceIDs");
  check_apart("odd devices apart: none",
              with_faults("clGetPlatformInfo:1+:-6") + " GPUC_TEST_WANTED=clGetPlatformInfo");
  check_apart("odd devices apart: none", with_faults("clGetDeviceInfo:1+:-6") + " GPUC_TEST_WANTED=clGetDeviceInfo");
}

TEST_CASE("odd devices apart: none" * doctest::skip()) {
  for (int i = 0; i < 2; ++i) {  // the failure is not kept as an empty list
    const Error failure = failure_of([] { select_device(""); });
    INFO(failure.message());
    CHECK(failure.status() != Status::ok);
    CHECK(contains(failure.message(), given("GPUC_TEST_WANTED")));
  }
  ran();
}

// ---- what is known of drivers by their names ----

TEST_CASE("a driver that does not survive probes is believed") {
  const char *child = "odd devices apart: believed";
  check_apart(child, fake("as:Clover") + " GPUC_TEST_WANTED=math,fp64");
  check_apart(child, fake("as:Clover,nofp16") + " GPUC_TEST_WANTED=storage,fp64");
  check_apart(child, fake("as:Oclgrind,nofp64") + " GPUC_TEST_WANTED=math,");
}

TEST_CASE("odd devices apart: believed" * doctest::skip()) {
  const Capabilities found = select_device("")->capabilities();
  CHECK(std::string(found.fp16 == Fp16::math ? "math," : "storage,") + (found.fp64 ? "fp64" : "") ==
        given("GPUC_TEST_WANTED"));
  CHECK(found.sub_groups);
  CHECK_FALSE(found.int64_atomics);
  ran();
}

TEST_CASE("what was found of a device is kept, but no doubtful answer and no damaged record is") {
  const char *child = "odd devices apart: kept";
  check_apart(child, fake(""));
  check_apart(child, fake("as:Portable Computing Language,nofp64,nofp16"));
  const char *doubtful = "odd devices apart: not kept";
  for (const char *code : {"-2", "-4", "-5", "-6", "-36"})
    check_apart(doubtful, with_faults(std::string("clEnqueueNDRangeKernel:1+:") + code));
  for (const char *call : {"clBuildProgram", "clCreateKernel", "clSetKernelArg", "clEnqueueReadBuffer"})
    check_apart(doubtful, with_faults(std::string(call) + ":1+:-5"));
}

TEST_CASE("odd devices apart: kept" * doctest::skip()) {
  const auto device = select_device("");
  bool was_probed = false;
  const Capabilities first = probed(*device, was_probed);
  CHECK(was_probed);
  CHECK(probed(*device, was_probed).fp16 == first.fp16);
  CHECK_FALSE(was_probed);

  std::string key;
  for (const auto &file : std::filesystem::directory_iterator(private_cache.folder().path()))
    if (file.path().extension() == ".bin") key += file.path().stem().string();  // the only one
  unsigned char record[8] = {1, 3, 1, 1, 1, 1, 1};
  REQUIRE(disk_cache().put(key, record, 7));
  const Capabilities all = probed(*device, was_probed);
  CHECK_FALSE(was_probed);
  CHECK(all.fp16 == Fp16::math);
  CHECK((all.fp64 && all.int64_atomics && all.sub_groups && all.inline_ptx && all.spirv));
  for (const int damage : {0, 1, 2}) {
    CAPTURE(damage);
    unsigned char bad[8] = {1, 3, 1, 1, 1, 1, 1};
    if (damage == 0) bad[0] = 99;  // another format
    if (damage == 1) bad[1] = 4;   // no such grade
    REQUIRE(disk_cache().put(key, bad, damage == 2 ? 8 : 7));
    CHECK(probed(*device, was_probed).inline_ptx == first.inline_ptx);
    CHECK(was_probed);
  }
  ran();
}

TEST_CASE("odd devices apart: not kept" * doctest::skip()) {
  const auto device = select_device("");
  for (int i = 0; i < 2; ++i) {
    bool was_probed = false;
    const Capabilities found = probed(*device, was_probed);
    CHECK(was_probed);
    CHECK_FALSE(found.fp64);
  }
  ran();
}

TEST_SUITE_END();
