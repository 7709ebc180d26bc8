#include "support.hpp"

#include <CL/cl.h>

using namespace capi_test;

namespace {

gpuc_context *context() { return runtime().context; }

const char *const plain =
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n";

gpuc_text text(const char *content, const char *name = nullptr) { return {name, content, GPUC_NUL_TERMINATED}; }

std::string kernel_names(gpuc_program *program) {
  // documented: gpuc_program_get_kernel_names GPUC_ERROR_BUFFER_TOO_SMALL
  return check_string_result([&](char *buf, size_t capacity, size_t *needed) {
    return gpuc_program_get_kernel_names(program, buf, capacity, needed);
  });
}

}  // namespace

TEST_SUITE("program") {
  TEST_CASE("from one source") {
    Program program;
    OK(gpuc_program_create_from_source(context(), plain, GPUC_NUL_TERMINATED, nullptr, program.out()));
    CHECK(kernel_names(program) == "fill_value");
    OK(gpuc_program_create_from_source(context(), plain, std::strlen(plain), "-cl-mad-enable", program.out()));
    CHECK(kernel_names(runtime().program) == "axpy;fill_value;many_kinds;of_four;vector_add");

    gpuc_program *none = program;
    // documented: gpuc_program_create_from_source GPUC_ERROR_BUILD_FAILED
    const std::string broken =
        std::string(plain) + "\n#error SYNTAX_ERROR here\nkernel void b(global int *x) { SYNTAX_ERROR; }\n";
    FAILS(GPUC_ERROR_BUILD_FAILED,
          gpuc_program_create_from_source(context(), broken.c_str(), broken.size(), nullptr, &none));
    CHECK(none == nullptr);
    SAYS("does not build");
    SAYS("3");  // the line
    CHECK(std::string(gpuc_last_error_detail()).find("error") != std::string::npos);
    CHECK(std::string(gpuc_last_error_routine()) == "clBuildProgram");
    CHECK(gpuc_last_error_cl_code() != 0);
    // documented: gpuc_program_create_from_source GPUC_ERROR_INVALID_ARGUMENT
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_program_create_from_source(context(), nullptr, 5, nullptr, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_program_create_from_source(context(), plain, 5, nullptr, nullptr));
    FAILS(GPUC_ERROR_INVALID_ARGUMENT,
          gpuc_program_create_from_source(context(), "", GPUC_NUL_TERMINATED, nullptr, &none));
    SAYS("source");
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_program_create_from_source(context(), plain, 0, nullptr, &none));
  }

  TEST_CASE("from several sources, with headers and defines") {
    const gpuc_text sources[] = {text("#include \"types.h\"\n", "first.cl"),
                                 {"second.cl",
                                  "kernel void fill_value(global NUMBER *target, NUMBER value) "
                                  "{ target[get_global_id(0)] = value + EXTRA; }garbage",
                                  104}};
    const gpuc_text headers[] = {text("#define NUMBER int\n", "types.h")};
    const gpuc_define defines[] = {{"EXTRA", "0"}, {"FLAG", nullptr}};
    gpuc_program_desc desc = program_desc_init();
    desc.sources = sources;
    desc.source_count = 2;
    gpuc_text trimmed[] = {sources[0], sources[1]};
    trimmed[1].size_bytes = std::strlen(sources[1].text) - std::strlen("garbage");
    desc.sources = trimmed;
    desc.headers = headers;
    desc.header_count = 1;
    desc.defines = defines;
    desc.define_count = 2;
    desc.options = "-cl-mad-enable";
    Program program;
    OK(gpuc_program_create(context(), &desc, program.out()));
    CHECK(kernel_names(program) == "fill_value");
    desc.flags = GPUC_PROGRAM_NO_CACHE;
    OK(gpuc_program_create(context(), &desc, program.out()));
    int32_t from_cache = 7;
    OK(gpuc_program_get_from_cache(program, &from_cache));
    CHECK(from_cache == 0);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_program_get_from_cache(program, nullptr));
  }

  // documented: gpuc_program_create GPUC_ERROR_INVALID_ARGUMENT
  TEST_CASE("bad descriptions") {
    const gpuc_text source[] = {text(plain)};
    gpuc_program *none = runtime().program;
    gpuc_program_desc desc = program_desc_init();
    const auto create = [&] {
      none = runtime().program;
      const gpuc_status status = gpuc_program_create(context(), &desc, &none);
      CHECK(none == nullptr);
      return status;
    };
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, create());
    SAYS("no source");
    desc.sources = source;
    desc.source_count = 1;
    desc.binary = plain;
    desc.binary_size_bytes = 20;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, create());
    SAYS("more than one");
    desc.binary_size_bytes = 0;
    for (const char *name : {"", "1X", "a b", "a-b", "x)"}) {
      const gpuc_define define{name, "1"};
      desc.defines = &define;
      desc.define_count = 1;
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, create());
      SAYS("define");
    }
    const gpuc_define two_lines{"X", "1\n2"};
    desc.defines = &two_lines;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, create());
    desc.defines = nullptr;
    FAILS(GPUC_ERROR_NULL_ARGUMENT, create());
    SAYS("defines");
    const gpuc_define no_name{nullptr, "1"};
    desc.defines = &no_name;
    FAILS(GPUC_ERROR_NULL_ARGUMENT, create());
    desc.define_count = 0;
    const gpuc_text nameless[] = {text("#define A 1")};
    desc.headers = nameless;
    desc.header_count = 1;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, create());
    SAYS("header");
    desc.headers = nullptr;
    FAILS(GPUC_ERROR_NULL_ARGUMENT, create());
    desc.header_count = 0;
    desc.flags = 2;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, create());
    SAYS("flags");
    desc.flags = 0;
    desc.sources = nullptr;
    FAILS(GPUC_ERROR_NULL_ARGUMENT, create());
    const gpuc_text textless[] = {{"x", nullptr, 3}};
    desc.sources = textless;
    FAILS(GPUC_ERROR_NULL_ARGUMENT, create());
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_program_create(context(), nullptr, &none));
    desc.sources = source;
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_program_create(context(), &desc, nullptr));
  }

  // documented: gpuc_program_create GPUC_ERROR_BUILD_FAILED
  TEST_CASE("build errors name source and line") {
    const gpuc_text sources[] = {text("// fine\n", "fine.cl"),
                                 text("// fine too\n#error SYNTAX_ERROR in here\n", "broken.cl")};
    gpuc_program_desc desc = program_desc_init();
    desc.sources = sources;
    desc.source_count = 2;
    gpuc_program *none = nullptr;
    const bool fake = is_fake();
    FAILS(GPUC_ERROR_BUILD_FAILED, gpuc_program_create(context(), &desc, &none));
    if (!fake) {
      SAYS("broken.cl:2");
      SAYS("SYNTAX_ERROR in here");
    }
    // The library goes on.
    Program program;
    OK(gpuc_program_create_from_source(context(), plain, GPUC_NUL_TERMINATED, nullptr, program.out()));
  }

  TEST_CASE("build log") {
    // documented: gpuc_program_get_build_log GPUC_ERROR_BUFFER_TOO_SMALL
    check_string_result([&](char *buf, size_t capacity, size_t *needed) {
      return gpuc_program_get_build_log(runtime().program, nullptr, buf, capacity, needed);
    });
    size_t needed = 0;
    OK(gpuc_program_get_build_log(runtime().program, runtime().device, nullptr, 0, &needed));
    Program warned;
    const std::string warning = std::string("#warning look here\n") + plain;
    gpuc_program_desc desc = program_desc_init();
    const gpuc_text source[] = {text(warning.c_str())};
    desc.sources = source;
    desc.source_count = 1;
    desc.flags = GPUC_PROGRAM_NO_CACHE;
    OK(gpuc_program_create(context(), &desc, warned.out()));
    check_string_result([&](char *buf, size_t capacity, size_t *size) {
      return gpuc_program_get_build_log(warned, nullptr, buf, capacity, size);
    });
  }

  TEST_CASE("a device that is not in the context") {
    size_t count = 0, needed = 0;
    OK(gpuc_device_list(nullptr, nullptr, 0, &count));
    std::vector<gpuc_device *> items(count, nullptr);
    OK(gpuc_device_list(nullptr, items.data(), count, &count));
    const Kernel kernel = kernel_named("axpy");
    uint64_t value = 0;
    for (gpuc_device *item : items) {
      const Device device(item);
      if (item == runtime().device) continue;
      // documented: gpuc_program_get_build_log GPUC_ERROR_CONTEXT_MISMATCH
      FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_program_get_build_log(runtime().program, device, nullptr, 0, &needed));
      // documented: gpuc_program_get_binary GPUC_ERROR_CONTEXT_MISMATCH
      FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_program_get_binary(runtime().program, device, nullptr, 0, &needed));
      // documented: gpuc_kernel_get_number GPUC_ERROR_CONTEXT_MISMATCH
      FAILS(GPUC_ERROR_CONTEXT_MISMATCH,
            gpuc_kernel_get_number(kernel, device, GPUC_KERNEL_MAX_WORK_GROUP_SIZE, &value));
    }
  }

  // unprovoked: gpuc_program_get_binary GPUC_ERROR_UNSUPPORTED: every driver at hand gives binaries.
  TEST_CASE("binaries") {
    size_t needed = 0;
    OK(gpuc_program_get_binary(runtime().program, nullptr, nullptr, 0, &needed));
    REQUIRE(needed > 0);
    std::vector<unsigned char> binary(needed);
    // documented: gpuc_program_get_binary GPUC_ERROR_BUFFER_TOO_SMALL
    FAILS(GPUC_ERROR_BUFFER_TOO_SMALL,
          gpuc_program_get_binary(runtime().program, nullptr, binary.data(), needed - 1, &needed));
    OK(gpuc_program_get_binary(runtime().program, runtime().device, binary.data(), needed, &needed));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_program_get_binary(runtime().program, nullptr, nullptr, needed, &needed));
    gpuc_program_desc desc = program_desc_init();
    desc.binary = binary.data();
    desc.binary_size_bytes = needed;
    Program program;
    OK(gpuc_program_create(context(), &desc, program.out()));
    CHECK(kernel_names(program) == kernel_names(runtime().program));
    Kernel kernel;
    OK(gpuc_kernel_create(program, "fill_value", kernel.out()));
    const Buffer buffer = buffer_of(context(), 64);
    const gpuc_arg args[] = {buffer_arg(buffer), i32_arg(0x05050505)};
    const gpuc_launch launch = launch_1d(16);
    OK(gpuc_kernel_launch(kernel, runtime().queue, &launch, args, 2, nullptr, 0, nullptr));
    CHECK(read_back(buffer, 64) == std::vector<unsigned char>(64, 5));

    const std::vector<unsigned char> garbage(64, 0x11);
    desc.binary = garbage.data();
    desc.binary_size_bytes = garbage.size();
    gpuc_program *none = program;
    if (is_oclgrind()) {
      SKIP_PART("the driver ends the process over a binary that is none");
    } else {
      // documented: gpuc_program_create GPUC_ERROR_INVALID_BINARY
      FAILS(GPUC_ERROR_INVALID_BINARY, gpuc_program_create(context(), &desc, &none));
      CHECK(none == nullptr);
    }
    desc.binary = nullptr;
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_program_create(context(), &desc, &none));
  }

  TEST_CASE("SPIR-V") {
    const uint32_t module[] = {0x07230203, 0x00010000, 0, 1, 0};
    gpuc_program_desc desc = program_desc_init();
    desc.spirv = module;
    desc.spirv_size_bytes = sizeof module;
    gpuc_program *none = runtime().program;
    if (!capability(GPUC_CAPABILITY_SPIRV)) {
      // documented: gpuc_program_create GPUC_ERROR_UNSUPPORTED
      FAILS(GPUC_ERROR_UNSUPPORTED, gpuc_program_create(context(), &desc, &none));
      SAYS("SPIR-V");
    } else {
      const char no_module[] = "this is no module, although it is long enough";
      desc.spirv = no_module;
      desc.spirv_size_bytes = 24;
      FAILS(GPUC_ERROR_INVALID_BINARY, gpuc_program_create(context(), &desc, &none));
    }
    CHECK(none == nullptr);
  }

  TEST_CASE("native handle") {
    void *native = nullptr, *native_context = nullptr;
    OK(gpuc_program_get_native(runtime().program, &native));
    OK(gpuc_context_get_native(context(), &native_context));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_program_get_native(runtime().program, nullptr));
    Program wrapped;
    OK(gpuc_program_from_native(context(), native, wrapped.out()));
    CHECK(kernel_names(wrapped) == kernel_names(runtime().program));
    Kernel kernel;
    OK(gpuc_kernel_create(wrapped, "vector_add", kernel.out()));

    const Context other = another_context();
    gpuc_program *none = wrapped;
    // documented: gpuc_program_from_native GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_program_from_native(other, native, &none));
    CHECK(none == nullptr);
    cl_int code = CL_SUCCESS;
    const char *source = plain;
    cl_program unbuilt = clCreateProgramWithSource(static_cast<cl_context>(native_context), 1, &source, nullptr, &code);
    REQUIRE(code == CL_SUCCESS);
    // documented: gpuc_program_from_native GPUC_ERROR_INVALID_STATE
    FAILS(GPUC_ERROR_INVALID_STATE, gpuc_program_from_native(context(), unbuilt, &none));
    SAYS("not built");
    clReleaseProgram(unbuilt);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_program_from_native(context(), nullptr, &none));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_program_from_native(context(), native, nullptr));
  }

  TEST_CASE("references") {
    Program program;
    OK(gpuc_program_create_from_source(context(), plain, GPUC_NUL_TERMINATED, nullptr, program.out()));
    OK(gpuc_program_retain(program));
    gpuc_program_release(program);
    CHECK(kernel_names(program) == "fill_value");
    gpuc_program_release(nullptr);
  }
}
