#include "gemm/gemm_state.hpp"

#include "program/kernel_source.hpp"
#include "support/cl_check.hpp"

namespace gpucompute {

GemmState &GemmState::of(Context &context) {
  static const char key = 0;
  // The context keeps it, and the caller keeps the context.
  return *static_cast<GemmState *>(
      context.attachment(&key, [] { return std::static_pointer_cast<void>(std::make_shared<GemmState>()); }).get());
}

ClKernel GemmState::kernel(Context &context, const std::string &file, const Defines &defines, const char *name) {
  std::string key = file;
  for (const auto &[define, value] : defines) key += " " + define + "=" + value;
  cl_program program = nullptr;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = programs_.find(key);
    if (found != programs_.end()) program = found->second.get();
  }
  if (!program) {
    // Without the lock, because building may call the user's log function. If two threads come here, the first one's
    // stays.
    ProgramDescription description;
    description.sources.push_back({file, kernel_source(file)});
    description.headers.push_back({"gemm/element.clh", kernel_source("gemm/element.clh")});
    description.defines = defines;
    const auto built = Program::create(context, description);
    std::lock_guard<std::mutex> lock(mutex_);
    program = programs_.try_emplace(key, ClProgram::share(built->native())).first->second.get();
  }
  cl_int code = CL_SUCCESS;
  ClKernel kernel(clCreateKernel(program, name, &code));
  cl_check(code, "clCreateKernel", "creating a kernel of the library");
  return kernel;
}

void GemmState::drop(const char *backend, DataType type, const Device &device, const std::string &reason) {
  std::lock_guard<std::mutex> lock(mutex_);
  dropped_.emplace(std::make_tuple(std::string(backend), type, &device), reason);
}

std::string GemmState::dropped(const char *backend, DataType type, const Device &device) const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (dropped_.empty()) return {};
  const auto found = dropped_.find(std::make_tuple(std::string(backend), type, &device));
  return found == dropped_.end() ? std::string() : found->second;
}

}  // namespace gpucompute
