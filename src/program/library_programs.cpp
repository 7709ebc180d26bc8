#include "program/library_programs.hpp"

#include <algorithm>

#include "program/kernel_source.hpp"
#include "support/cl_check.hpp"

namespace gpucompute {
namespace {

// Adds the files that a text includes as "folder/file", and what these include.
void add_headers(const std::string &source, std::vector<SourceText> &headers) {
  static const std::string directive = "#include \"";
  for (std::size_t at = source.find(directive); at != std::string::npos; at = source.find(directive, at)) {
    at += directive.size();
    const std::string name = source.substr(at, source.find('"', at) - at);
    const auto known = [&](const SourceText &header) { return header.name == name; };
    if (std::any_of(headers.begin(), headers.end(), known)) continue;
    headers.push_back({name, kernel_source(name)});
    const std::string text = headers.back().text;
    add_headers(text, headers);
  }
}

}  // namespace

LibraryPrograms &LibraryPrograms::of(Context &context) {
  static const char key = 0;
  // The context keeps it, and the caller keeps the context.
  return *static_cast<LibraryPrograms *>(
      context.attachment(&key, [] { return std::static_pointer_cast<void>(std::make_shared<LibraryPrograms>()); })
          .get());
}

ClKernel LibraryPrograms::kernel(Context &context, const std::string &file, const Defines &defines, const char *name,
                                 const char *ptx_target) {
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
    add_headers(description.sources.front().text, description.headers);
    description.ptx_target = ptx_target;
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

}  // namespace gpucompute
