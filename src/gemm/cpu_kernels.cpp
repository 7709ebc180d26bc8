#include "gemm/cpu_kernels.hpp"

#include <gpucompute/program.hpp>

#include "program/kernel_source.hpp"
#include "runtime/quirks.hpp"
#include "support/cl_check.hpp"

namespace gpucompute {
namespace {

struct Source {
  const char *file, *name, *define;
};

Source source_of(CpuKernel kernel) {
  switch (kernel) {
    case CpuKernel::packed:
      return {"gemm/cpu_packed.cl", "cpu_gemm_packed", nullptr};
    case CpuKernel::direct:
      return {"gemm/cpu_direct.cl", "cpu_gemm_direct", nullptr};
    case CpuKernel::direct_trans:
      return {"gemm/cpu_direct.cl", "cpu_gemm_direct", "A_TRANSPOSED"};
    case CpuKernel::gemv_column:
      return {"gemm/cpu_gemv.cl", "cpu_gemv", nullptr};
    default:
      return {"gemm/cpu_gemv.cl", "cpu_gemv", "SWAPPED"};
  }
}

// A_TYPE and the like in cpu_element.clh.
const char *stored_type(DataType type) {
  switch (type) {
    case DataType::f16:
      return "0";
    case DataType::f64:
    case DataType::c128:
      return "2";
    case DataType::bf16:
      return "5";
    default:
      return "1";
  }
}

ClProgram build(Context &context, const Source &source, const CpuTypes &types, const CpuTuning &tuning) {
  ProgramDescription description;
  description.sources.push_back({source.file, kernel_source(source.file)});
  for (const char *header : {"gemm/cpu_element.clh", "gemm/cpu_tile.clh", "gemm/cpu_pack.clh"})
    description.headers.push_back({header, kernel_source(header)});
  const auto number = [](int value) { return std::to_string(value); };
  description.defines = {{"REAL_TYPE", types.is_double ? "2" : "1"},
                         {"A_TYPE", stored_type(types.a)},
                         {"B_TYPE", stored_type(types.b)},
                         {"C_TYPE", stored_type(types.c)},
                         {"IS_COMPLEX", types.is_complex ? "1" : "0"},
                         {"VL", number(tuning.vector_bytes / static_cast<int>(types.real_bytes()))},
                         {"MR", number(tuning.rows)},
                         {"MR_MID", number(tuning.rows_mid)},
                         {"MR_LOW", number(tuning.rows_low)},
                         {"NV", number(types.is_complex ? 2 : tuning.vectors)}};
  if (quirks_of(*context.devices().front()).no_prefetch) description.defines.emplace_back("NO_PREFETCH", "1");
  if (source.define) description.defines.emplace_back(source.define, "1");
  return ClProgram::share(Program::create(context, description)->native());
}

}  // namespace

CpuKernels &CpuKernels::of(Context &context) {
  static const char key = 0;
  return *static_cast<CpuKernels *>(
      context.attachment(&key, [] { return std::static_pointer_cast<void>(std::make_shared<CpuKernels>()); }).get());
}

CpuKernels::Lease::~Lease() {
  std::lock_guard<std::mutex> lock(all_.mutex_);
  try {
    all_.built_.at(key_).idle.push_back(std::move(kernel_));
  } catch (...) {  // one less is ready
  }
}

CpuKernels::Lease CpuKernels::lease(Context &context, CpuKernel kernel, const CpuTypes &types,
                                    const CpuTuning &tuning) {
  const Key key{kernel,      types.a,         types.b,         types.c,       tuning.vector_bytes,
                tuning.rows, tuning.rows_mid, tuning.rows_low, tuning.vectors};
  cl_program program = nullptr;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = built_.find(key);
    if (found != built_.end()) {
      auto &idle = found->second.idle;
      if (!idle.empty()) {
        ClKernel ready = std::move(idle.back());
        idle.pop_back();
        return {*this, key, std::move(ready)};
      }
      program = found->second.program.get();
    }
  }
  const Source source = source_of(kernel);
  if (!program) {
    // Without the lock, because building may call the user's log function. If two threads come here, the first one's
    // stays.
    ClProgram fresh = build(context, source, types, tuning);
    std::lock_guard<std::mutex> lock(mutex_);
    Built &built = built_[key];
    if (!built.program) built.program = std::move(fresh);
    program = built.program.get();
  }
  cl_int code = CL_SUCCESS;
  ClKernel made(clCreateKernel(program, source.name, &code));
  cl_check(code, "clCreateKernel", "creating a kernel of the library");
  return {*this, key, std::move(made)};
}

}  // namespace gpucompute
