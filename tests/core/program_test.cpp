// Programs: sources, headers, macros, options, failures, binaries, and the cache on disk.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <gpucompute/program.hpp>

#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "program/kernel_source.hpp"
#include "program/program_cache.hpp"
#include "runtime/cache.hpp"
#include "runtime/capability_probe.hpp"
#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("program");

namespace {

ProgramDescription text(const std::string &source) {
  ProgramDescription description;
  description.sources.push_back({"source", source});
  return description;
}

// What kernel 'k' of the program writes to its one argument.
std::int32_t result(const Bench &bench, Program &program, const char *kernel = "k") {
  const auto buffer = Buffer::create(*bench.context, 4);
  const std::int32_t poison = -12345;
  buffer->write(*bench.queue, 0, 4, &poison);
  const Argument arguments[] = {argument(*buffer)};
  program.kernel(kernel)->launch(*bench.queue, global_size(1), arguments, 1);
  std::int32_t got = 0;
  buffer->read(*bench.queue, 0, 4, &got);
  return got;
}

std::int32_t result_of(const Bench &bench, const ProgramDescription &description) {
  return result(bench, *Program::create(*bench.context, description));
}

std::string writes(const std::string &expression) {
  return "kernel void k(global int *x) { x[0] = " + expression + "; }\n";
}

// Another one each time: this process's cache does not have it.
std::string fresh(const std::string &expression) {
  static int number = 0;
  return "// " + std::to_string(++number) + "\n" + writes(expression);
}

}  // namespace

TEST_CASE("one source, several sources, and kernels of each") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  CHECK(result_of(bench, text(writes("42"))) == 42);
  ProgramDescription description;
  description.sources = {{"a.cl", "int helper(int n) { return n * 2; }"},
                         {"b.cl",
                          "int helper(int n);\nkernel void k(global int *x) { x[0] = helper(21); }\nkernel void "
                          "other(global int *x, float y) { x[0] = (int)y; }"},
                         {"c.cl", "kernel void another(global int *x) { x[0] = 7; }"}};
  const auto program = Program::create(*bench.context, description);
  CHECK(program->kernel_names() == std::vector<std::string>{"another", "k", "other"});
  CHECK(&program->context() == bench.context.get());
  CHECK(result(bench, *program) == 42);
  CHECK(result(bench, *program, "another") == 7);
  CHECK(program->kernel("other")->arguments().size() == 2);
  CHECK(program->kernel("other")->name() == "other");
  CHECK(&program->kernel("other")->program() == program.get());
  const Error error = failure_of([&] { program->kernel("nothing"); });
  CHECK(error.status() == Status::not_found);
  CHECK(contains(error.message(), "'nothing'"));
  CHECK(contains(error.message(), "another, k, other"));
  CHECK_FAILS(Status::not_found, "", program->kernel(""));
  CHECK_FAILS(Status::not_found, "none", bench.program("int unused(int n) { return n; }")->kernel("k"));
}

TEST_CASE("headers: nested, guarded, once, and mutual") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  ProgramDescription description =
      text("#include \"a.h\"\n#include \"lib/b.h\"\n#include \"a.h\"\n" + writes("A + B + C"));
  description.headers = {
      {"a.h", "#pragma once\n#include \"lib/b.h\"\nconstant int A = 100;"},
      {"lib/b.h", "#ifndef B_H\n#define B_H\n#include \"a.h\"\n#include \"c.h\"\nconstant int B = 20;\n#endif"},
      {"c.h", "#ifndef C_H\n#define C_H\n#include \"lib/b.h\"\nconstant int C = 3;\n#endif"}};
  CHECK(result_of(bench, description) == 123);
}

TEST_CASE("macros, also with parameters, and options") {
  SKIP_WITHOUT_COMPILER();
  const CompilerLeaks leaks;
  const Bench bench;
  ProgramDescription description = text(writes("SUM(N, M) + OPTION"));
  description.defines = {{"N", "40"}, {"M", "(N / 20)"}, {"SUM(a, b)", "((a) + (b))"}};
  description.options = "-DOPTION=1000";
  CHECK(result_of(bench, description) == 1042);
  description.defines.emplace_back("N N", "1");
  CHECK_FAILS(Status::invalid_argument, "'N N'", Program::create(*bench.context, description));
  description.defines.back() = {"X", "1\n"};
  CHECK_FAILS(Status::invalid_argument, "line break", Program::create(*bench.context, description));
  description.defines.pop_back();
  description.options += " -no-such-option";
  const Error error = failure_of([&] { Program::create(*bench.context, description); });
  CHECK((error.status() == Status::driver || error.status() == Status::build_failed));
  CHECK_FALSE(error.message().empty());
}

TEST_CASE("exactly one of sources, binary and SPIR-V") {
  const Bench bench;
  ProgramDescription description;
  CHECK_FAILS(Status::invalid_argument, "no source", Program::create(*bench.context, description));
  description = text(writes("1"));
  description.binary = {1, 2, 3};
  CHECK_FAILS(Status::invalid_argument, "more than one", Program::create(*bench.context, description));
  description.binary.clear();
  description.spirv = {1, 2, 3};
  CHECK_FAILS(Status::invalid_argument, "more than one", Program::create(*bench.context, description));
  description.sources.clear();
  description.defines = {{"A", "1"}};
  CHECK_FAILS(Status::invalid_argument, "defines and headers", Program::create(*bench.context, description));
  description.defines.clear();
  description.headers = {{"h", ""}};
  CHECK_FAILS(Status::invalid_argument, "defines and headers", Program::create(*bench.context, description));
}

TEST_CASE("a program that does not build says where and shows the line") {
  SKIP_WITHOUT_COMPILER();
  const CompilerLeaks leaks;
  const Bench bench;
  ProgramDescription description;
  description.sources = {
      {"fine.cl", "int fine(int n) { return n; }\n"},
      {"wrong.cl", "kernel void k(global int *x) {\n  int a = 1;\n  x[0] = a + undeclared_thing;\n}\n"}};
  description.defines = {{"UNUSED", "1"}};
  description.options = "-DSOMETHING=2";
  for (int twice = 0; twice < 2; ++twice) {
    const Error error = failure_of([&] { Program::create(*bench.context, description); });
    CAPTURE(error.message());
    CAPTURE(error.detail());
    CHECK(error.status() == Status::build_failed);
    CHECK(error.cl_code() == CL_BUILD_PROGRAM_FAILURE);
    CHECK(std::string(error.routine()) == "clBuildProgram");
    CHECK(contains(error.message(), "does not build"));
    CHECK(contains(error.message(), "wrong.cl:3"));
    CHECK(contains(error.message(), "undeclared_thing"));
    CHECK(contains(error.message(), "| x[0] = a + undeclared_thing;"));
    CHECK(error.message().find('\n') == std::string::npos);
    CHECK(contains(error.detail(), "undeclared_thing"));
    CHECK(contains(error.detail(), "-DSOMETHING=2"));
  }
  // In a header, under its own name.
  description = text("#include \"h.h\"\n" + writes("H"));
  description.headers = {{"h.h", "constant int H = 1;\nconstant int I = ;\n"}};
  const Error error = failure_of([&] { Program::create(*bench.context, description); });
  CHECK_MESSAGE(contains(error.message(), "h.h:2"), error.message());
  // Everything still works.
  CHECK(result_of(bench, text(writes("5"))) == 5);
  // Sources that are nothing, or rubbish.
  for (const char *rubbish : {"}", "\x01\x02\xff", "kernel void k(", "#error stop here\n", "#line 7 \"x\"\nint"}) {
    CAPTURE(rubbish);
    CHECK_FAILS(Status::build_failed, "", Program::create(*bench.context, text(rubbish)));
  }
}

TEST_CASE("a build log is there to read") {
  const Bench bench;
  const auto program = bench.program("#warning something to say\n" + writes("1"));
  if (!program->from_cache()) CHECK_NOTHROW(program->build_log(nullptr));
  CHECK(program->build_log(&bench.device()) == program->build_log(nullptr));
}

TEST_CASE("a binary goes out and comes back") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto program = Program::create(*bench.context, text(writes("99")));
  ProgramDescription description;
  description.binary = program->binary(nullptr);
  CHECK(description.binary == program->binary(&bench.device()));
  REQUIRE_FALSE(description.binary.empty());
  const auto again = Program::create(*bench.context, description);
  CHECK_FALSE(again->from_cache());
  CHECK(again->kernel_names() == std::vector<std::string>{"k"});
  CHECK(result(bench, *again) == 99);
  const auto elsewhere = Context::create();
  const Bench other{elsewhere, Queue::create(*elsewhere, nullptr, 0)};
  CHECK(result_of(other, description) == 99);
}

// Run by the next one: a driver may crash.
TEST_CASE("a binary that is none" * doctest::skip()) {
  const Bench bench;
  Dice dice(40);
  CAPTURE(dice.seed());
  ProgramDescription description;
  for (int i = 0; i < 20; ++i) {
    description.binary = dice.bytes(64);
    CHECK_FAILS(Status::invalid_binary, bench.device().info().name, Program::create(*bench.context, description));
  }
  CHECK(result_of(bench, text(writes("5"))) == 5);
}

TEST_CASE("a binary that is none is refused") {
  SKIP_WITHOUT_COMPILER();
  int status = -1;
  const std::string said = run_apart("a binary that is none", "", status);
  if (WIFSIGNALED(status) || WEXITSTATUS(status) >= 128 || contains(said, "CRASHED"))
    SKIP_TEST("the driver crashes on a binary that is none");
  CHECK_MESSAGE(status == 0, said);
}

TEST_CASE("SPIR-V is built where the device takes it, and refused elsewhere") {
  const Bench bench;
  ProgramDescription description;
  description.spirv = {0x03, 0x02, 0x23, 0x07, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
  if (!bench.context->devices().front()->capabilities().spirv) {
    CHECK_FAILS(Status::unsupported, "takes no SPIR-V", Program::create(*bench.context, description));
    return;
  }
  description.spirv = Bytes(64, 1);
  CHECK_FAILS(Status::invalid_binary, "not a SPIR-V module", Program::create(*bench.context, description));
  description.spirv = {0x03, 0x02, 0x23, 0x07};
  CHECK_FAILS(Status::invalid_binary, "4 bytes", Program::create(*bench.context, description));
}

TEST_CASE("a cl_program can be wrapped when it is built") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const auto other = Context::create();
  const std::string source = writes("17");
  const char *pointer = source.c_str();
  cl_int code = CL_SUCCESS;
  cl_program native = clCreateProgramWithSource(bench.context->native(), 1, &pointer, nullptr, &code);
  REQUIRE(code == CL_SUCCESS);
  CHECK_FAILS(Status::invalid_state, "not built", Program::wrap(*bench.context, native));
  CHECK_FAILS(Status::context_mismatch, "cl_program", Program::wrap(*other, native));
  REQUIRE(clBuildProgram(native, 0, nullptr, "", nullptr, nullptr) == CL_SUCCESS);
  {
    const auto program = Program::wrap(*bench.context, native);
    CHECK(program->native() == native);
    CHECK(program->kernel_names() == std::vector<std::string>{"k"});
    CHECK(result(bench, *program) == 17);
  }
  CHECK(soon([&] {
    cl_uint references = 0;
    return clGetProgramInfo(native, CL_PROGRAM_REFERENCE_COUNT, sizeof references, &references, nullptr) ==
               CL_SUCCESS &&
           references == 1;
  }));
  clReleaseProgram(native);
}

TEST_CASE("the second build comes from the cache and gives the same results") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  REQUIRE(disk_cache().usable());
  const ProgramDescription description = text(fresh("77"));
  const auto first = Program::create(*bench.context, description);
  CHECK_FALSE(first->from_cache());
  const auto second = Program::create(*bench.context, description);
  CHECK(second->from_cache());
  CHECK(second->kernel_names() == first->kernel_names());
  CHECK(result(bench, *first) == 77);
  CHECK(result(bench, *second) == 77);
  CHECK(second->kernel("k")->arguments().at(0).name == first->kernel("k")->arguments().at(0).name);
  CHECK(second->kernel("k")->arguments().at(0).type == DataType::i32);
  // In another context of the device, too.
  const auto elsewhere = Context::create();
  CHECK(Program::create(*elsewhere, description)->from_cache());
  ProgramDescription uncached = description;
  uncached.use_cache = false;
  CHECK_FALSE(Program::create(*bench.context, uncached)->from_cache());
}

TEST_CASE("whatever a program depends on is in the key") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const std::string source = fresh("VALUE");
  ProgramDescription description = text(source);
  description.defines = {{"VALUE", "1"}};
  CHECK(result_of(bench, description) == 1);
  CHECK(Program::create(*bench.context, description)->from_cache());
  const auto misses = [&](const ProgramDescription &changed) {
    return !Program::create(*bench.context, changed)->from_cache();
  };
  ProgramDescription changed = description;
  changed.defines[0].second = "2";
  CHECK(misses(changed));
  CHECK(result_of(bench, changed) == 2);
  changed = description;
  changed.options = "-DOTHER";
  CHECK(misses(changed));
  changed = description;
  changed.sources[0].text += " ";
  CHECK(misses(changed));
  changed = description;
  changed.defines.emplace_back("MORE", "");
  CHECK(misses(changed));
  changed = description;
  changed.headers = {{"unused", "x"}};
  CHECK_FALSE(misses(changed));  // what is not included is not part of it
  changed = text("#include \"h\"\n" + source);
  changed.headers = {{"h", "#define VALUE 3\n"}};
  CHECK(result_of(bench, changed) == 3);
  changed.headers[0].text = "#define VALUE 4\n";
  CHECK(misses(changed));
  CHECK(result_of(bench, changed) == 4);
  CHECK(result_of(bench, description) == 1);

  const Device &device = bench.device();
  const std::string key = program_cache_key(device, "source", "options");
  CHECK(key.size() == 64);
  CHECK(key == program_cache_key(device, "source", "options"));
  CHECK(key != program_cache_key(device, "source ", "options"));
  CHECK(key != program_cache_key(device, "source", "option"));
  CHECK(key != program_cache_key(device, "options", "source"));
  CHECK(key != program_cache_key(device, "sourceo", "ptions"));
}

TEST_CASE("each thing that a cache entry is made from changes its key") {
  struct Origin {
    std::string version = "1.2.3", source = "source", options = "options";
    PlatformInfo platform;
    DeviceInfo device;
  };
  const auto program = [](const Origin &o) {
    return program_cache_key(o.version, o.platform, o.device, o.source, o.options);
  };
  const auto capabilities = [](const Origin &o) { return capabilities_cache_key(o.version, o.platform, o.device); };
  const Origin origin;
  std::set<std::string> programs = {program(origin)}, probed = {capabilities(origin)};
  const auto is_new = [](std::set<std::string> &seen, const std::string &key) { return seen.insert(key).second; };
  // Of the device, its driver and the platform: both kinds of entries. Each gets the same text, so that a key without
  // the field's place is one that was there already.
  for (std::string PlatformInfo::*field : {&PlatformInfo::name, &PlatformInfo::version}) {
    Origin changed;
    changed.platform.*field = "x";
    CHECK(is_new(programs, program(changed)));
    CHECK(is_new(probed, capabilities(changed)));
  }
  for (std::string DeviceInfo::*field : {&DeviceInfo::name, &DeviceInfo::vendor, &DeviceInfo::version,
                                         &DeviceInfo::c_version, &DeviceInfo::driver_version}) {
    Origin changed;
    changed.device.*field = "x";
    CHECK(is_new(programs, program(changed)));
    CHECK(is_new(probed, capabilities(changed)));
  }
  // The library: a new ABI is a new version, and so is any other release.
  for (const char *version : {"2.2.3", "1.3.3", "1.2.4"}) {
    Origin changed;
    changed.version = version;
    CHECK(is_new(programs, program(changed)));
    CHECK(is_new(probed, capabilities(changed)));
  }
  Origin changed;
  changed.device.extensions = "x";
  CHECK(is_new(probed, capabilities(changed)));
  changed = origin;
  changed.device.address_bits = 32;
  CHECK(is_new(programs, program(changed)));
  changed = origin;
  changed.source = "x";
  CHECK(is_new(programs, program(changed)));
  changed = origin;
  changed.options = "x";
  CHECK(is_new(programs, program(changed)));
  // Nothing else: the same again is a hit.
  CHECK_FALSE(is_new(programs, program(Origin())));
  CHECK_FALSE(is_new(probed, capabilities(Origin())));
}

TEST_CASE("a file that the driver includes keeps a program out of the cache") {
  SKIP_WITHOUT_COMPILER();
  const CompilerLeaks leaks;
  const Bench bench;
  const TemporaryFolder folder;
  ProgramDescription description = text("#include \"gpuc_name.h\"\nkernel void NAME(global int *x) { x[0] = 1; }\n");
  description.options = "-I " + folder.path();
  std::ofstream(folder / "gpuc_name.h") << "#define NAME first\n";
  const auto stores = disk_cache().stats().stores;
  try {
    CHECK(Program::create(*bench.context, description)->kernel_names() == std::vector<std::string>{"first"});
  } catch (const Error &error) {
    SKIP_PART("the driver does not find included files by -I");
    return;
  }
  CHECK_FALSE(Program::create(*bench.context, description)->from_cache());
  CHECK(disk_cache().stats().stores == stores);
  std::ofstream(folder / "gpuc_name.h") << "#define NAME second\n";
  CHECK(Program::create(*bench.context, description)->kernel_names() == std::vector<std::string>{"second"});
}

TEST_CASE("a damaged cache entry is built anew") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  Dice dice(41);
  CAPTURE(dice.seed());
  const ProgramDescription description = text(fresh("55"));
  for (int round = 0; round < 4; ++round) {
    disk_cache().clear();
    CHECK_FALSE(Program::create(*bench.context, description)->from_cache());
    CHECK(Program::create(*bench.context, description)->from_cache());
    int entries = 0;
    for (const auto &entry : std::filesystem::directory_iterator(disk_cache().directory())) {
      if (entry.path().extension() != ".bin") continue;
      ++entries;
      const auto size = static_cast<std::size_t>(std::filesystem::file_size(entry.path()));
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      const auto at = static_cast<std::streamoff>(dice.between(0, size - 1));
      file.seekg(at);
      const int byte = file.get();
      file.seekp(at);
      file.put(static_cast<char>(byte ^ (1 << dice.between(0, 7))));
      file.close();
      if (round == 3) std::filesystem::resize_file(entry.path(), size - dice.between(1, size));
    }
    CHECK(entries == 1);
    const auto damaged = Program::create(*bench.context, description);
    CHECK_FALSE(damaged->from_cache());
    CHECK(result(bench, *damaged) == 55);
    CHECK(Program::create(*bench.context, description)->from_cache());
  }
}

TEST_CASE("a binary in the cache that the driver refuses is built anew") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const ProgramDescription description = text(fresh("56"));
  CHECK_FALSE(Program::create(*bench.context, description)->from_cache());
  // An intact entry of another device's driver, say: empty as far as this driver is concerned.
  for (const auto &entry : std::filesystem::directory_iterator(disk_cache().directory()))
    if (entry.path().extension() == ".bin") disk_cache().put(entry.path().stem().string(), "", 0);
  const auto again = Program::create(*bench.context, description);
  CHECK_FALSE(again->from_cache());
  CHECK(result(bench, *again) == 56);
}

TEST_CASE("a cache folder that cannot be written, or is gone, is harmless") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const std::string folder = disk_cache().directory();
  const ProgramDescription description = text(fresh("57"));
  REQUIRE(chmod(folder.c_str(), 0500) == 0);
  CHECK(result_of(bench, description) == 57);
  CHECK(result_of(bench, description) == 57);
  REQUIRE(chmod(folder.c_str(), 0700) == 0);
  // A file in its place: nobody can write there, not even root.
  std::filesystem::rename(folder, folder + "-away");
  std::ofstream(folder).put('x');
  const ProgramDescription other = text(fresh("58"));
  CHECK(result_of(bench, other) == 58);
  CHECK(result_of(bench, other) == 58);
  CHECK_FALSE(Program::create(*bench.context, other)->from_cache());
  std::filesystem::remove(folder);
  std::filesystem::rename(folder + "-away", folder);
  CHECK(result_of(bench, other) == 58);
  CHECK(Program::create(*bench.context, other)->from_cache());
}

TEST_CASE("the library's own kernels") {
  REQUIRE(embedded_kernels[0].name != nullptr);
  for (const EmbeddedKernel *kernel = embedded_kernels; kernel->name; ++kernel) {
    CHECK(kernel_source(kernel->name) == kernel->source);
    CHECK_FALSE(std::string(kernel->source).empty());
  }
  CHECK_FAILS(Status::internal, "'none.cl'", kernel_source("none.cl"));
  const TemporaryFolder folder;
  std::ofstream(folder / "none.cl") << "text";
  const Environment variable("GPUC_KERNEL_DIR", folder.path().c_str());
  CHECK(kernel_source("none.cl") == "text");
  CHECK_FAILS(Status::file, "other.cl", kernel_source("other.cl"));
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads program");

TEST_CASE("threads build one program, and take its kernels") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const ProgramDescription description = text(fresh("88") + "kernel void other(global int *x) { x[0] = 89; }");
  const auto shared = Program::create(*bench.context, description);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      const Bench mine{bench.context, Queue::create(*bench.context, nullptr, 0)};
      for (int i = 0; i < 5; ++i) {
        const auto own = Program::create(*bench.context, description);
        wrong += result(mine, *own) != 88;
        wrong += result(mine, *shared) != 88;
        wrong += result(mine, *shared, "other") != 89;
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a kernel without arguments builds, beside one that has some") {
  const auto context = Context::create({select_device("")});
  const auto queue = Queue::create(*context, nullptr, 0);
  ProgramDescription description;
  description.sources.push_back(
      {"none.cl", "kernel void nothing() {}\nkernel void one(global int *a) { a[0] = 1; }\n"});
  const auto program = Program::create(*context, description);
  CHECK(program->kernel_names() == std::vector<std::string>{"nothing", "one"});
  CHECK(program->kernel("nothing")->arguments().empty());
  CHECK(program->kernel("one")->arguments().size() == 1);
}

TEST_SUITE_END();
