// Programs: built when they are created, from sources, a binary or SPIR-V.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/types.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace gpucompute {

class Kernel;
class KernelRecord;

struct SourceText {
  std::string name, text;
};

// Exactly one of sources, binary and spirv is given.
struct ProgramDescription {
  std::vector<SourceText> sources, headers;
  std::vector<unsigned char> binary, spirv;
  std::vector<std::pair<std::string, std::string>> defines;
  std::string options;
  // "sm_90a": lines of inline PTX that start with "//@sm_90a " become instructions, where NVIDIA's driver lets them;
  // for sources. Elsewhere Error(unsupported).
  std::string ptx_target;
  bool use_cache = true;
};

class Program final : public Object {
 public:
  // Throws Error(build_failed with the log as detail, invalid_argument, invalid_binary, unsupported).
  static std::shared_ptr<Program> create(Context &context, const ProgramDescription &description);
  static std::shared_ptr<Program> wrap(Context &context, cl_program native);  // retains
  ~Program() override;

  cl_program native() const noexcept { return native_; }
  Context &context() const noexcept { return *context_; }
  bool from_cache() const noexcept { return from_cache_; }
  std::string build_log(const Device *device) const;
  std::vector<unsigned char> binary(const Device *device) const;
  const std::vector<std::string> &kernel_names() const noexcept { return kernel_names_; }  // sorted
  std::shared_ptr<Kernel> kernel(const std::string &name);                                 // throws Error(not_found)

 private:
  static std::shared_ptr<Program> build(Context &context, const ProgramDescription &description);
  Program(std::shared_ptr<Context> context, cl_program adopted, std::string source, bool from_cache);

  std::shared_ptr<Context> context_;
  cl_program native_;
  std::string source_;  // as given to the driver; "" where there is none
  bool from_cache_;
  std::vector<std::string> kernel_names_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<KernelRecord>> records_;
};

}  // namespace gpucompute
