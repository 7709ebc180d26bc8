#include <gpucompute/kernel.hpp>
#include <gpucompute/program.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "profile/recorder.hpp"
#include "program/kernel_record.hpp"
#include "program/program_cache.hpp"
#include "program/ptx_specialise.hpp"
#include "program/source_text.hpp"
#include "runtime/cl_query.hpp"
#include "runtime/quirks.hpp"
#include "support/cl_check.hpp"
#include "support/cl_handle.hpp"
#include "support/log.hpp"

namespace gpucompute {
namespace {

constexpr const char *argument_info = "-cl-kernel-arg-info";

std::vector<cl_device_id> ids_of(const Context &context) {
  std::vector<cl_device_id> ids;
  for (const auto &device : context.devices()) ids.push_back(device->native());
  return ids;
}

std::string read_log(cl_program program, const Device &device) {
  return query_text(
      [&](std::size_t n, void *p, std::size_t *r) {
        return clGetProgramBuildInfo(program, device.native(), CL_PROGRAM_BUILD_LOG, n, p, r);
      },
      "clGetProgramBuildInfo");
}

std::string read_logs(cl_program program, const Context &context) {
  std::string all;
  for (const auto &device : context.devices()) {
    try {
      const std::string log = read_log(program, *device);
      if (!log.empty() && log != all) all += (all.empty() ? "" : "\n") + log;
    } catch (const Error &) {  // a missing log must not hide that the build failed
    }
  }
  return all;
}

// One binary per device of the context, in the driver's order; empty where the driver gives none.
std::vector<std::vector<unsigned char>> read_binaries(cl_program program, const std::vector<cl_device_id> &devices) {
  std::vector<std::size_t> sizes(devices.size(), 0);
  cl_check(
      clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizes.size() * sizeof(std::size_t), sizes.data(), nullptr),
      "clGetProgramInfo", "reading the size of a binary");
  std::vector<std::vector<unsigned char>> binaries(devices.size());
  std::vector<unsigned char *> pointers;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    binaries[i].resize(sizes[i]);
    pointers.push_back(binaries[i].empty() ? nullptr : binaries[i].data());
  }
  cl_check(clGetProgramInfo(program, CL_PROGRAM_BINARIES, pointers.size() * sizeof(unsigned char *), pointers.data(),
                            nullptr),
           "clGetProgramInfo", "reading a binary");
  return binaries;
}

cl_int build(cl_program program, const Context &context, const std::string &options) {
  const auto ids = ids_of(context);
  return clBuildProgram(program, static_cast<cl_uint>(ids.size()), ids.data(), options.c_str(), nullptr, nullptr);
}

// Null where the driver does not take the binaries.
ClProgram build_from_binaries(const Context &context, const std::vector<std::vector<unsigned char>> &binaries,
                              const std::string &options, cl_int &code) {
  const auto ids = ids_of(context);
  std::vector<const unsigned char *> pointers;
  std::vector<std::size_t> sizes;
  for (const auto &binary : binaries) {
    pointers.push_back(binary.data());
    sizes.push_back(binary.size());
  }
  std::vector<cl_int> statuses(ids.size(), CL_SUCCESS);
  code = CL_SUCCESS;
  ClProgram program(clCreateProgramWithBinary(context.native(), static_cast<cl_uint>(ids.size()), ids.data(),
                                              sizes.data(), pointers.data(), statuses.data(), &code));
  for (cl_int status : statuses)
    if (code == CL_SUCCESS) code = status;
  if (code == CL_SUCCESS) code = build(program.get(), context, options);
  if (code != CL_SUCCESS) program.reset();
  return program;
}

[[noreturn]] void fail_build(cl_int code, cl_program program, const Context &context, const std::string &source,
                             const std::string &options) {
  if (code != CL_BUILD_PROGRAM_FAILURE) cl_check(code, "clBuildProgram", "building a program");
  const std::string log = read_logs(program, context);
  const std::string error = first_error(log, source);
  throw Error(Status::build_failed,
              "the program does not build: " + (error.empty() ? std::string("see the build log") : error),
              log + (options.empty() ? "" : "\noptions: " + options), code, "clBuildProgram");
}

ClProgram build_from_source(const Context &context, const std::string &source, const std::string &options) {
  const std::string given = quirks_of(*context.devices().front()).no_line_marks ? without_line_marks(source) : source;
  const char *pointer = given.c_str();
  const std::size_t size = given.size();
  cl_int code = CL_SUCCESS;
  ClProgram program(clCreateProgramWithSource(context.native(), 1, &pointer, &size, &code));
  cl_check(code, "clCreateProgramWithSource", "creating a program");
  code = build(program.get(), context, options);
  if (code == CL_BUILD_PROGRAM_FAILURE && quirks_of(*context.devices().front()).argument_info_may_break) {
    const std::size_t at = options.find(argument_info);
    if (at != std::string::npos) {
      ClProgram again(clCreateProgramWithSource(context.native(), 1, &pointer, &size, &code));
      cl_check(code, "clCreateProgramWithSource", "creating a program");
      code = build(again.get(), context, std::string(options).erase(at, std::strlen(argument_info)));
      if (code == CL_SUCCESS) return again;
    }
  }
  if (code != CL_SUCCESS) fail_build(code, program.get(), context, source, options);
  return program;
}

ClProgram build_from_spirv(const Context &context, const std::vector<unsigned char> &spirv,
                           const std::string &options) {
  for (const auto &device : context.devices())
    if (!device->capabilities().spirv)
      fail(Status::unsupported, "device '", device->info().name, "' takes no SPIR-V; give OpenCL C sources");
  constexpr unsigned char magic[] = {0x03, 0x02, 0x23, 0x07};
  if (spirv.size() < 20 || spirv.size() % 4 ||
      !(std::equal(magic, magic + 4, spirv.begin()) ||
        std::equal(magic, magic + 4, std::make_reverse_iterator(spirv.begin() + 4))))
    fail(Status::invalid_binary, "spirv is not a SPIR-V module: ", spirv.size(),
         " bytes that do not start with its magic number");
  cl_int code = CL_SUCCESS;
  ClProgram program(clCreateProgramWithIL(context.native(), spirv.data(), spirv.size(), &code));
  cl_check(code, "clCreateProgramWithIL", "creating a program from SPIR-V");
  code = build(program.get(), context, options);
  if (code != CL_SUCCESS) fail_build(code, program.get(), context, {}, options);
  return program;
}

// A program of what ptx_specialise makes of another one's binaries, which are left in `binaries`.
ClProgram build_specialised(const Context &context, cl_program plain, const std::string &options,
                            const std::string &target, std::vector<std::vector<unsigned char>> &binaries) {
  for (const auto &binary : read_binaries(plain, ids_of(context))) binaries.push_back(ptx_specialise(binary, target));
  cl_int code = CL_SUCCESS;
  ClProgram program = build_from_binaries(context, binaries, options, code);
  if (!program)
    throw Error(Status::build_failed,
                text("the driver does not build the program for ", target, ": ", cl_code_name(code)), {}, code,
                "clBuildProgram");
  return program;
}

// From the on-disk cache where it has the program for every device, else by the compiler.
ClProgram build_sources(const Context &context, const std::string &source, const std::string &options,
                        const std::string &ptx_target, bool use_cache, bool &from_cache) {
  const std::string key_options = ptx_target.empty() ? options : options + " for " + ptx_target;
  std::vector<std::string> keys;
  std::vector<std::vector<unsigned char>> binaries;
  if (use_cache) {
    for (const auto &device : context.devices()) {
      keys.push_back(program_cache_key(*device, source, key_options));
      if (auto binary = load_program_binary(keys.back()); binary && !binary->empty())
        binaries.push_back(std::move(*binary));
    }
    if (binaries.size() == keys.size()) {
      cl_int code = CL_SUCCESS;
      ClProgram cached = build_from_binaries(context, binaries, options, code);
      from_cache = static_cast<bool>(cached);
      if (cached) {
        log(LogLevel::debug, "a program of ", source.size(), " bytes of source came from the cache");
        return cached;
      }
      log(LogLevel::warning, "a cached program is built anew: the driver answered ", cl_code_name(code));
    }
  }
  const auto start = std::chrono::steady_clock::now();
  ClProgram built = build_from_source(context, source, options);
  std::vector<std::vector<unsigned char>> specialised;
  if (!ptx_target.empty()) built = build_specialised(context, built.get(), options, ptx_target, specialised);
  const auto time = std::chrono::steady_clock::now() - start;
  log(LogLevel::debug, "a program of ", source.size(), " bytes of source was built in ",
      std::chrono::duration_cast<std::chrono::milliseconds>(time).count(), " ms");
  if (!use_cache) return built;
  try {
    const auto fresh = specialised.empty() ? read_binaries(built.get(), ids_of(context)) : specialised;
    for (std::size_t i = 0; i < fresh.size(); ++i) store_program_binary(keys[i], fresh[i]);
  } catch (const Error &error) {  // the cache never decides whether a program works
    log(LogLevel::info, "a program is not kept in the cache: ", error.message());
  }
  return built;
}

// Arguments can be checked better where the driver keeps what it knows of them.
std::string complete_options(const Context &context, const std::string &options) {
  for (const auto &device : context.devices())
    if (device->info().opencl_version < 120) return options;
  if (options.find(argument_info) != std::string::npos) return options;
  return options.empty() ? argument_info : options + " " + argument_info;
}

std::vector<std::string> read_kernel_names(cl_program program) {
  // NVIDIA's driver (580.159.04) damages the heap when a program without kernels is asked for their names.
  std::size_t count = 0;
  cl_check(clGetProgramInfo(program, CL_PROGRAM_NUM_KERNELS, sizeof count, &count, nullptr), "clGetProgramInfo",
           "counting kernels");
  if (count == 0) return {};
  const std::string joined =
      query_text([&](std::size_t n, void *p,
                     std::size_t *r) { return clGetProgramInfo(program, CL_PROGRAM_KERNEL_NAMES, n, p, r); },
                 "clGetProgramInfo");
  std::vector<std::string> names;
  for (std::size_t start = 0; start < joined.size();) {
    const std::size_t end = std::min(joined.find(';', start), joined.size());
    if (end > start) names.push_back(joined.substr(start, end - start));
    start = end + 1;
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Program::Program(std::shared_ptr<Context> context, cl_program adopted, std::string source, bool from_cache)
    : context_(std::move(context)),
      native_(adopted),
      source_(std::move(source)),
      from_cache_(from_cache),
      kernel_names_(read_kernel_names(adopted)) {}

Program::~Program() {
  records_.clear();
  if (process_running()) clReleaseProgram(native_);
}

namespace {

// Three kernels' names tell programs apart.
std::string profile_name(const Program &program) {
  std::string name;
  const auto &kernels = program.kernel_names();
  for (std::size_t i = 0; i < kernels.size() && i < 3; ++i) name += (i ? ", " : "") + kernels[i];
  if (kernels.size() > 3) name += ", ...";
  if (name.empty()) name = "a program without kernels";
  return program.from_cache() ? name + " (from the cache)" : name;
}

}  // namespace

std::shared_ptr<Program> Program::create(Context &context, const ProgramDescription &description) {
  if (!profiling()) return build(context, description);
  std::uint64_t bytes = description.binary.size() + description.spirv.size();
  for (const SourceText &source : description.sources) bytes += source.text.size();
  const std::string &device = context.devices().front()->info().name;
  const std::uint64_t begin = host_now_ns();
  try {
    auto program = build(context, description);
    record_build(profile_name(*program), device, begin, host_now_ns(), bytes, CL_SUCCESS);
    return program;
  } catch (const Error &error) {
    record_build("a program that does not build", device, begin, host_now_ns(), bytes,
                 error.cl_code() ? error.cl_code() : CL_BUILD_PROGRAM_FAILURE);
    throw;
  }
}

std::shared_ptr<Program> Program::build(Context &context, const ProgramDescription &description) {
  const int kinds = !description.sources.empty() + !description.binary.empty() + !description.spirv.empty();
  if (kinds != 1)
    fail(Status::invalid_argument, "the program has ", kinds == 0 ? "no source" : "more than one kind of source",
         "; give either sources, a binary or SPIR-V");
  if (description.sources.empty() && !description.ptx_target.empty())
    fail(Status::invalid_argument, "ptx_target is for sources; a binary or SPIR-V is compiled already");
  if (description.sources.empty() && (!description.defines.empty() || !description.headers.empty()))
    fail(Status::invalid_argument, "defines and headers are for sources; a binary or SPIR-V is compiled already");
  const std::string options = complete_options(context, description.options);
  std::string source;
  bool from_cache = false;
  ClProgram native;
  if (!description.spirv.empty()) {
    native = build_from_spirv(context, description.spirv, description.options);
  } else if (!description.binary.empty()) {
    if (context.devices().size() != 1)
      fail(Status::invalid_argument, "a binary is for one device; the context has ", context.devices().size());
    cl_int code = CL_SUCCESS;
    native = build_from_binaries(context, {description.binary}, description.options, code);
    if (!native)
      throw Error(Status::invalid_binary,
                  text("the driver of '", context.devices().front()->info().name,
                       "' does not accept the binary: ", cl_code_name(code), " (", code, ")"),
                  {}, code, "clCreateProgramWithBinary");
  } else {
    source = join_sources(description);
    // A file that the driver reads itself may change without the key knowing.
    native = build_sources(context, source, options, description.ptx_target,
                           description.use_cache && !includes_files(source), from_cache);
  }
  std::unique_ptr<Program> program(new Program(share(context), native.get(), std::move(source), from_cache));
  native.give();
  return program;
}

std::shared_ptr<Program> Program::wrap(Context &context, cl_program native) {
  cl_context owner = nullptr;
  cl_check(clGetProgramInfo(native, CL_PROGRAM_CONTEXT, sizeof owner, &owner, nullptr), "clGetProgramInfo");
  if (owner != context.native())
    fail(Status::context_mismatch, "the cl_program belongs to another cl_context than the context given");
  for (const auto &device : context.devices()) {
    cl_build_status status = CL_BUILD_NONE;
    cl_check(clGetProgramBuildInfo(native, device->native(), CL_PROGRAM_BUILD_STATUS, sizeof status, &status, nullptr),
             "clGetProgramBuildInfo");
    if (status != CL_BUILD_SUCCESS)
      fail(Status::invalid_state, "the cl_program is not built for '", device->info().name, "'");
  }
  ClProgram shared = ClProgram::share(native);
  std::unique_ptr<Program> program(new Program(share(context), shared.get(), {}, false));
  shared.give();
  return program;
}

std::string Program::build_log(const Device *device) const {
  return read_log(native_, *context_->device_or_first(device));
}

std::vector<unsigned char> Program::binary(const Device *device) const {
  const auto &chosen = context_->device_or_first(device);
  cl_uint count = 0;
  cl_check(clGetProgramInfo(native_, CL_PROGRAM_NUM_DEVICES, sizeof count, &count, nullptr), "clGetProgramInfo");
  std::vector<cl_device_id> ids(count);
  cl_check(clGetProgramInfo(native_, CL_PROGRAM_DEVICES, count * sizeof(cl_device_id), ids.data(), nullptr),
           "clGetProgramInfo");
  auto binaries = read_binaries(native_, ids);
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i] == chosen->native() && !binaries[i].empty()) return std::move(binaries[i]);
  fail(Status::unsupported, "the driver of '", chosen->info().name, "' gives no binary");
}

std::shared_ptr<Kernel> Program::kernel(const std::string &name) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = records_.find(name);
  if (found == records_.end()) {
    if (!std::binary_search(kernel_names_.begin(), kernel_names_.end(), name)) {
      std::string known;
      for (const std::string &kernel_name : kernel_names_) known += (known.empty() ? "" : ", ") + kernel_name;
      fail(Status::not_found, "the program has no kernel '", name, "'; it has: ", known.empty() ? "none" : known);
    }
    found = records_.emplace(name, std::make_unique<KernelRecord>(*context_, native_, name, source_)).first;
  }
  return std::make_shared<Kernel>(share(*this), *found->second);
}

}  // namespace gpucompute
