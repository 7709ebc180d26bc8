// Platforms, devices, their selection, and what probing finds.
#include <doctest/doctest.h>
#include <gpucompute/device.hpp>
#include <gpucompute/platform.hpp>

#include <cctype>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "runtime/cache.hpp"
#include "runtime/capability_probe.hpp"
#include "runtime/cl_query.hpp"
#include "runtime/quirks.hpp"
#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("runtime");

namespace {

template <class T>
T raw(const Device &device, cl_device_info key) {
  T value{};
  REQUIRE(clGetDeviceInfo(device.native(), key, sizeof value, &value, nullptr) == CL_SUCCESS);
  return value;
}

std::string raw_text(const Device &device, cl_device_info key) {
  char value[65536] = "";
  REQUIRE(clGetDeviceInfo(device.native(), key, sizeof value, value, nullptr) == CL_SUCCESS);
  std::string text = value;
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.pop_back();
  return text;
}

std::vector<std::shared_ptr<Device>> every_device() {
  std::vector<std::shared_ptr<Device>> all;
  for (const auto &platform : platforms())
    all.insert(all.end(), platform->devices().begin(), platform->devices().end());
  return all;
}

std::string upper(std::string text) {
  for (char &c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// The tests below say for themselves what the environment is.
struct NoDeviceVariables {
  Environment device{"GPUC_DEVICE", nullptr}, enforce{"GPUC_DEVICE_ENFORCE", nullptr};
};

// From the cache, or else by running kernels.
Capabilities probe(const Device &device) {
  bool was_probed = false;
  const auto hits = disk_cache().stats().hits;
  const Capabilities found = probe_capabilities(device, was_probed);
  CHECK(was_probed == (disk_cache().stats().hits == hits));
  return found;
}

bool same(const Capabilities &a, const Capabilities &b) {
  return a.fp16 == b.fp16 && a.fp64 == b.fp64 && a.int64_atomics == b.int64_atomics && a.sub_groups == b.sub_groups &&
         a.inline_ptx == b.inline_ptx && a.spirv == b.spirv;
}

}  // namespace

TEST_CASE("platforms are those of the loader") {
  cl_uint count = 0;
  REQUIRE(clGetPlatformIDs(0, nullptr, &count) == CL_SUCCESS);
  std::vector<cl_platform_id> ids(count);
  REQUIRE(clGetPlatformIDs(count, ids.data(), nullptr) == CL_SUCCESS);
  REQUIRE(platforms().size() == count);
  for (cl_uint i = 0; i < count; ++i) {
    const Platform &platform = *platforms()[i];
    CHECK(platform.native() == ids[i]);
    CHECK(platform.info().name == platform_text(ids[i], CL_PLATFORM_NAME));
    CHECK_FALSE(platform.info().name.empty());
    CHECK_FALSE(platform.info().vendor.empty());
    CHECK(platform.info().version.compare(0, 7, "OpenCL ") == 0);
    CHECK(contains(platform.info().profile, "PROFILE"));
    cl_uint devices = 0;
    clGetDeviceIDs(ids[i], CL_DEVICE_TYPE_ALL, 0, nullptr, &devices);
    CHECK(platform.devices().size() == devices);
    for (const auto &device : platform.devices()) CHECK(&device->platform() == &platform);
  }
  CHECK(&platforms() == &platforms());
}

TEST_CASE("devices tell what the driver tells") {
  for (const auto &device : every_device()) {
    const DeviceInfo &i = device->info();
    CAPTURE(i.name);
    const Device &d = *device;
    CHECK(i.name == raw_text(d, CL_DEVICE_NAME));
    CHECK(i.vendor == raw_text(d, CL_DEVICE_VENDOR));
    CHECK(i.driver_version == raw_text(d, CL_DRIVER_VERSION));
    CHECK(i.version == raw_text(d, CL_DEVICE_VERSION));
    CHECK(i.c_version == raw_text(d, CL_DEVICE_OPENCL_C_VERSION));
    CHECK(i.profile == raw_text(d, CL_DEVICE_PROFILE));
    CHECK(i.extensions == raw_text(d, CL_DEVICE_EXTENSIONS));
    CHECK(i.vendor_id == raw<cl_uint>(d, CL_DEVICE_VENDOR_ID));
    CHECK(i.compute_units == raw<cl_uint>(d, CL_DEVICE_MAX_COMPUTE_UNITS));
    CHECK(i.clock_mhz == raw<cl_uint>(d, CL_DEVICE_MAX_CLOCK_FREQUENCY));
    CHECK(i.global_memory == raw<cl_ulong>(d, CL_DEVICE_GLOBAL_MEM_SIZE));
    CHECK(i.max_allocation == raw<cl_ulong>(d, CL_DEVICE_MAX_MEM_ALLOC_SIZE));
    CHECK(i.local_memory == raw<cl_ulong>(d, CL_DEVICE_LOCAL_MEM_SIZE));
    CHECK(i.constant_memory == raw<cl_ulong>(d, CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE));
    CHECK(i.cache == raw<cl_ulong>(d, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE));
    CHECK(i.cache_line == raw<cl_uint>(d, CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE));
    CHECK(i.max_work_group_size == raw<std::size_t>(d, CL_DEVICE_MAX_WORK_GROUP_SIZE));
    std::size_t items[8] = {};
    REQUIRE(clGetDeviceInfo(d.native(), CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof items, items, nullptr) == CL_SUCCESS);
    for (int axis = 0; axis < 3; ++axis) CHECK(i.max_work_items[axis] == items[axis]);
    CHECK(i.address_bits == raw<cl_uint>(d, CL_DEVICE_ADDRESS_BITS));
    CHECK(i.slice_alignment * 8 == raw<cl_uint>(d, CL_DEVICE_MEM_BASE_ADDR_ALIGN));
    CHECK(i.timer_resolution_ns == raw<std::size_t>(d, CL_DEVICE_PROFILING_TIMER_RESOLUTION));
    CHECK(i.max_argument_bytes == raw<std::size_t>(d, CL_DEVICE_MAX_PARAMETER_SIZE));
    CHECK(i.unified_memory == (raw<cl_bool>(d, CL_DEVICE_HOST_UNIFIED_MEMORY) != 0));
    CHECK(i.available == (raw<cl_bool>(d, CL_DEVICE_AVAILABLE) != 0));
    CHECK(i.compiler_available == (raw<cl_bool>(d, CL_DEVICE_COMPILER_AVAILABLE) != 0));
    CHECK(i.little_endian == (raw<cl_bool>(d, CL_DEVICE_ENDIAN_LITTLE) != 0));
    const bool out_of_order =
        (raw<cl_command_queue_properties>(d, CL_DEVICE_QUEUE_PROPERTIES) & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
    CHECK(i.out_of_order == out_of_order);
    // And it makes sense.
    CHECK_FALSE(i.name.empty());
    CHECK(i.compute_units >= 1);
    CHECK(i.global_memory >= (1u << 20));
    CHECK(i.max_allocation >= i.global_memory / 8);
    CHECK(i.max_work_group_size >= 1);
    CHECK((i.address_bits == 32 || i.address_bits == 64));
    CHECK((i.slice_alignment & (i.slice_alignment - 1)) == 0);
    CHECK(i.max_argument_bytes >= 256);
    CHECK((i.opencl_version >= 100 && i.opencl_version < 400 && i.opencl_version % 10 == 0));
    CHECK(contains(i.version, "OpenCL " + std::to_string(i.opencl_version / 100) + "." +
                                  std::to_string(i.opencl_version % 100 / 10)));
    CHECK(contains(i.c_version,
                   std::to_string(i.opencl_c_version / 100) + "." + std::to_string(i.opencl_c_version % 100 / 10)));
    CHECK((i.uuid.empty() || i.uuid.size() == 32));
    CHECK(find_device(d.native()) == device);
  }
  int nothing = 0;
  CHECK_FAILS(Status::no_device, "cl_device_id", find_device(reinterpret_cast<cl_device_id>(&nothing)));
}

TEST_CASE("extensions are found as whole words") {
  for (const auto &device : every_device()) {
    const std::string &all = device->info().extensions;
    std::set<std::string> words;
    for (std::size_t start = 0; start < all.size();) {
      const std::size_t end = std::min(all.find(' ', start), all.size());
      if (end > start) words.insert(all.substr(start, end - start));
      start = end + 1;
    }
    REQUIRE_FALSE(words.empty());
    for (const std::string &word : words) {
      CAPTURE(word);
      CHECK(device->has_extension(word.c_str()));
      for (const std::string &part : {word.substr(1), word.substr(0, word.size() - 1)}) {
        CAPTURE(part);
        CHECK(device->has_extension(part.c_str()) == (words.count(part) == 1));
      }
    }
    CHECK_FALSE(device->has_extension("cl_khr_no_such_thing"));
  }
}

TEST_CASE("a filter selects by type, index and text") {
  const NoDeviceVariables none;
  const auto all = list_devices("");
  REQUIRE_FALSE(all.empty());
  CHECK(all.size() == every_device().size());
  CHECK(select_device("") == all.front());
  CHECK(list_devices("  ").size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Device &device = *all[i];
    CAPTURE(device.info().name);
    CHECK(select_device(std::to_string(i)) == all[i]);
    CHECK(select_device(device.filter()) == all[i]);
    CHECK(select_device(upper(device.filter())) == all[i]);
    std::string name = device.info().name;
    if (name.find(':') != std::string::npos) name.resize(name.find(':'));
    const auto named = list_devices(name);
    CHECK(std::find(named.begin(), named.end(), all[i]) != named.end());
    const auto shouted = list_devices("  " + upper(name) + " ");
    CHECK(shouted.size() == named.size());
    const auto in_parts = list_devices(name.substr(0, 3) + " : " + name.substr(name.size() / 2));
    CHECK(std::find(in_parts.begin(), in_parts.end(), all[i]) != in_parts.end());
    for (const auto &match : named)
      CHECK(contains(upper(match->info().name + match->platform().info().name + match->info().vendor), upper(name)));
  }
  const std::pair<const char *, DeviceType> types[] = {
      {"cpu", DeviceType::cpu}, {"GPU", DeviceType::gpu}, {"Accelerator", DeviceType::accelerator}};
  std::size_t typed = 0;
  for (const auto &[word, type] : types) {
    try {
      for (const auto &device : list_devices(word)) {
        CHECK(device->info().type == type);
        ++typed;
      }
    } catch (const Error &error) {
      CHECK(error.status() == Status::no_device);
    }
  }
  CHECK(typed <= all.size());
  // The best first.
  for (std::size_t i = 1; i < all.size(); ++i) CHECK((!quirks_of(*all[i - 1]).checker || quirks_of(*all[i]).checker));
}

TEST_CASE("a filter that selects nothing says what there is") {
  const NoDeviceVariables none;
  const std::string some_name = list_devices("").front()->info().name;
  CHECK_FAILS(Status::no_device, some_name, select_device("no such device"));
  CHECK_FAILS(Status::no_device, "'no such device' lets no device through", list_devices("no such device"));
  CHECK_FAILS(Status::no_device, "asks for device 999", select_device("999"));
  CHECK_FAILS(Status::invalid_argument, "empty part", select_device("cpu::0"));
  CHECK_FAILS(Status::invalid_argument, "empty part", select_device(":"));
  CHECK_FAILS(Status::invalid_argument, "empty part", select_device("cpu:"));
  CHECK_FAILS(Status::invalid_argument, "empty part", select_device(": cpu"));
  CHECK_FAILS(Status::invalid_argument, "two indices", select_device("0:1"));
  CHECK_FAILS(Status::invalid_argument, "two types", select_device("cpu:gpu"));
  CHECK_FAILS(Status::invalid_argument, "more than 4 parts", select_device("a:b:c:d:e"));
  CHECK_FAILS(Status::invalid_argument, "index", select_device("18446744073709551616"));
  CHECK_FAILS(Status::invalid_argument, "index", list_devices("0"));
  CHECK_FAILS(Status::invalid_argument, "index", list_devices("cpu:0"));
}

TEST_CASE("GPUC_DEVICE is the default") {
  const NoDeviceVariables none;
  for (const auto &device : list_devices("")) {
    const Environment variable("GPUC_DEVICE", device->filter().c_str());
    CHECK(select_device("") == device);
    CHECK(Context::create()->devices().front() == device);
    // It hides nothing.
    CHECK(list_devices("").size() == every_device().size());
    CHECK(select_device(list_devices("").back()->filter()) == list_devices("").back());
  }
  {
    const Environment variable("GPUC_DEVICE", "no such device");
    CHECK_FAILS(Status::no_device, "GPUC_DEVICE 'no such device'", select_device(""));
    CHECK_NOTHROW(select_device("0"));
  }
  {
    const Environment variable("GPUC_DEVICE", "a::b");
    CHECK_FAILS(Status::invalid_argument, "empty part", select_device(""));
  }
  const Environment variable("GPUC_DEVICE", "");
  CHECK(select_device("") == list_devices("").front());
}

TEST_CASE("GPUC_DEVICE_ENFORCE hides the other devices") {
  const NoDeviceVariables none;
  const auto all = list_devices("");
  {
    const Environment enforce("GPUC_DEVICE_ENFORCE", "1");
    CHECK_FAILS(Status::no_device, "GPUC_DEVICE is not", select_device(""));
    CHECK_FAILS(Status::no_device, "GPUC_DEVICE is not", select_device("0"));
    CHECK_FAILS(Status::no_device, "GPUC_DEVICE is not", list_devices(""));
  }
  for (const auto &device : all) {
    const std::string filter = device->filter();
    const Environment variable("GPUC_DEVICE", filter.c_str());
    {
      const Environment enforce("GPUC_DEVICE_ENFORCE", "0");
      CHECK(list_devices("").size() == all.size());
    }
    const Environment enforce("GPUC_DEVICE_ENFORCE", "1");
    CHECK(list_devices("") == std::vector<std::shared_ptr<Device>>{device});
    CHECK(select_device("") == device);
    CHECK(select_device("0") == device);
    CHECK_FAILS(Status::no_device, "only 1", select_device("1"));
    for (const auto &other : all) {
      if (other == device) continue;
      std::string name = other->platform().info().name + ":" + std::to_string(999);
      CHECK_FAILS(Status::no_device, "", select_device(name));
    }
  }
  const Environment variable("GPUC_DEVICE", "no such device"), enforce("GPUC_DEVICE_ENFORCE", "1");
  CHECK_FAILS(Status::no_device, "GPUC_DEVICE 'no such device'", list_devices(""));
  CHECK_FAILS(Status::no_device, "GPUC_DEVICE 'no such device'", select_device("0"));
}

// Run by the next one, where there are two devices.
TEST_CASE("two devices" * doctest::skip()) {
  const NoDeviceVariables none;
  const auto all = list_devices("");
  REQUIRE(all.size() == 2);
  CHECK(all[0] != all[1]);
  CHECK(all[0]->filter() != all[1]->filter());
  const bool one_platform = &all[0]->platform() == &all[1]->platform();
  for (int i = 0; i < 2; ++i) {
    CHECK(select_device(std::to_string(i)) == all[i]);
    CHECK(select_device(all[i]->filter()) == all[i]);
    const std::string filter = all[i]->filter();
    const std::string other = all[1 - i]->filter();
    {
      const Environment variable("GPUC_DEVICE", filter.c_str());
      CHECK(select_device("") == all[i]);
      CHECK(select_device(other) == all[1 - i]);
      const Environment enforce("GPUC_DEVICE_ENFORCE", "1");
      CHECK(select_device("") == all[i]);
      CHECK(list_devices("").size() == 1);
      CHECK_FAILS(Status::no_device, "device filter", select_device("1"));
      if (!one_platform) CHECK_FAILS(Status::no_device, "device filter", select_device(other));
    }
    const Environment variable("GPUC_DEVICE", one_platform ? "cpu" : filter.c_str()),
        enforce("GPUC_DEVICE_ENFORCE", "1");
    CHECK(list_devices("").size() == (one_platform ? 2u : 1u));
  }
  if (one_platform) {
    const auto context = Context::create({all[0], all[1]});
    CHECK(context->devices() == all);
    CHECK(context->has(*all[0]));
    CHECK(context->has(*all[1]));
    CHECK(context->device_or_first(nullptr) == all[0]);
    CHECK(context->device_or_first(all[1].get()) == all[1]);
    const auto alone = Context::create({all[1]});
    CHECK_FALSE(alone->has(*all[0]));
    CHECK_FAILS(Status::context_mismatch, all[0]->info().name, alone->device_or_first(all[0].get()));
    CHECK_FAILS(Status::context_mismatch, "not in the context", Queue::create(*alone, all[0].get(), 0));
    // One buffer and one program, a queue on each device.
    const auto buffer = Buffer::create(*context, 4096);
    ProgramDescription description;
    description.sources.push_back({"source", "kernel void add(global int *x, int n) { x[get_global_id(0)] += n; }"});
    for (int round = 0; round < 2; ++round) {
      const auto program = Program::create(*context, description);
      CHECK(program->from_cache() == (round == 1));
      const auto kernel = program->kernel("add");
      const auto first = Queue::create(*context, all[0].get(), 0), second = Queue::create(*context, all[1].get(), 0);
      CHECK(&second->device() == all[1].get());
      const int zero = 0;
      buffer->fill(*first, &zero, sizeof zero, 0, 4096, {}, nullptr);
      const Argument by_three[] = {argument(*buffer), argument(3)}, by_four[] = {argument(*buffer), argument(4)};
      std::shared_ptr<Event> done;
      kernel->launch(*first, global_size(1024), by_three, 2, {}, &done);
      done->wait();
      kernel->launch(*second, global_size(1024), by_four, 2, {}, &done);
      done->wait();
      std::vector<int> got(1024, -1);
      buffer->read(*second, 0, 4096, got.data());
      CHECK(std::count(got.begin(), got.end(), 7) == 1024);
      CHECK_FALSE(program->binary(all[0].get()).empty());
      CHECK_FALSE(program->binary(all[1].get()).empty());
      ProgramDescription binary;
      binary.binary = program->binary(nullptr);
      CHECK_FAILS(Status::invalid_argument, "2", Program::create(*context, binary));
    }
  } else {
    CHECK_FAILS(Status::context_mismatch, all[1]->platform().info().name, Context::create({all[0], all[1]}));
    CHECK_FAILS(Status::context_mismatch, "one platform", Context::create({all[1], all[0]}));
    CHECK(quirks_of(*all[1]).checker);  // the last, although it claims to be a GPU
    CHECK_FALSE(quirks_of(*all[0]).checker);
  }
}

TEST_CASE("two devices of one platform, and of two") {
  int status = -1;
  if (contains(select_device("")->platform().info().name, "Portable Computing Language")) {
    const std::string said = run_apart("two devices", "POCL_DEVICES='basic pthread'", status);
    CHECK_MESSAGE(status == 0, said);
  } else {
    SKIP_PART("one platform with two devices can only be had from PoCL");
  }
  const char *const oclgrind = "/usr/lib/oclgrind/liboclgrind-rt-icd.so";
  const char *const pocl = "/etc/OpenCL/vendors/pocl.icd";
  if (!std::filesystem::exists(oclgrind) || !std::filesystem::exists(pocl)) {
    SKIP_PART("needs PoCL and Oclgrind installed");
    return;
  }
  const TemporaryFolder vendors;
  std::ofstream(vendors / "oclgrind.icd") << oclgrind << "\n";
  std::filesystem::copy_file(pocl, vendors / "pocl.icd");
  const std::string said = run_apart("two devices", "OCL_ICD_VENDORS='" + vendors.path() + "'", status);
  CHECK_MESSAGE(status == 0, said);
}

TEST_CASE("capabilities are probed once and kept") {
  SKIP_WITHOUT_COMPILER();
  const auto device = select_device("");
  DiskCache &cache = disk_cache();
  REQUIRE_MESSAGE(cache.usable(), cache.reason());
  REQUIRE(cache.directory() == private_cache.folder().path());
  cache.clear();

  const auto before = cache.stats();
  const Capabilities first = probe(*device);
  CHECK(cache.stats().stores == before.stores + 1);
  const Capabilities second = probe(*device);
  CHECK(cache.stats().hits == before.hits + 1);
  CHECK(cache.stats().stores == before.stores + 1);
  CHECK(same(first, second));
  CHECK(same(first, device->capabilities()));
  CHECK(&device->capabilities() == &device->capabilities());

  // They agree with what the driver says where it says anything.
  CHECK(first.fp64 == device->has_extension("cl_khr_fp64"));
  // NVIDIA's has half arithmetic and does not say so.
  if (!device->has_extension("cl_khr_fp16") && !device->has_extension("cl_nv_compiler_options"))
    CHECK(first.fp16 < Fp16::arithmetic);
  if (!device->has_extension("cl_nv_compiler_options")) CHECK_FALSE(first.inline_ptx);
  std::size_t il_size = 0;  // of the text that names the versions; empty without any
  clGetDeviceInfo(device->native(), CL_DEVICE_IL_VERSION, 0, nullptr, &il_size);
  CHECK(first.spirv == (device->has_extension("cl_khr_il_program") || il_size > 1));

  // Damaged: found anew, the same, and stored again.
  Dice dice(3);
  CAPTURE(dice.seed());
  for (bool one_bit : {true, false}) {
    CAPTURE(one_bit);
    for (const auto &entry : std::filesystem::directory_iterator(cache.directory())) {
      if (entry.path().extension() != ".bin") continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      const auto size = static_cast<std::size_t>(std::filesystem::file_size(entry.path()));
      if (one_bit) {  // of the record
        file.seekg(static_cast<std::streamoff>(size - 1 - dice.between(0, 6)));
        const auto at = file.tellg();
        const int byte = file.get();
        file.seekp(at);
        file.put(static_cast<char>(byte ^ (1 << dice.between(0, 7))));
      } else {
        const Bytes noise = dice.bytes(size);
        file.write(reinterpret_cast<const char *>(noise.data()), static_cast<std::streamsize>(size));
      }
    }
    const auto damaged = cache.stats();
    CHECK(same(first, probe(*device)));
    CHECK(cache.stats().rejected == damaged.rejected + 1);
    CHECK(cache.stats().stores == damaged.stores + 1);
    CHECK(same(first, probe(*device)));
    CHECK(cache.stats().hits == damaged.hits + 1);
  }
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads runtime");

TEST_CASE("threads ask for platforms and capabilities at once") {
  std::vector<std::thread> threads;
  std::vector<const Capabilities *> seen(8);
  for (std::size_t t = 0; t < seen.size(); ++t)
    threads.emplace_back([t, &seen] { seen[t] = &platforms().front()->devices().front()->capabilities(); });
  for (auto &thread : threads) thread.join();
  for (const Capabilities *one : seen) CHECK(one == seen[0]);
}

TEST_SUITE_END();
