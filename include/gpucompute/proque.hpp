// ProQue: a program, a queue and default dimensions in one object. The name and the idea are the Rust crate ocl's.
#pragma once

#include <gpucompute/buffer.hpp>
#include <gpucompute/kernel.hpp>
#include <gpucompute/program.hpp>
#include <gpucompute/queue.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gpucompute {

struct ProQueOptions {
  std::string source, source_file;  // exactly one
  std::string device_filter;        // not together with device or context
  std::shared_ptr<Device> device;
  std::shared_ptr<Context> context;
  std::string options;
  std::vector<std::pair<std::string, std::string>> defines;
  std::uint32_t queue_flags = 0;
  std::vector<std::size_t> dims;  // at most 3, each more than 0; empty: none
};

class ProQue final : public Object {
 public:
  static std::shared_ptr<ProQue> create(const ProQueOptions &options);

  Context &context() const noexcept { return queue_->context(); }
  Queue &queue() const noexcept { return *queue_; }
  Program &program() const noexcept { return *program_; }
  void set_dims(std::vector<std::size_t> dims);
  std::vector<std::size_t> dims() const;
  std::shared_ptr<Buffer> create_buffer(DataType type);  // zero-filled
  std::shared_ptr<Kernel> kernel(const std::string &name);
  void launch(const std::string &name, const Argument *arguments, std::size_t count, Waits waits = {},
              OutEvent out = nullptr);

 private:
  ProQue(std::shared_ptr<Queue> queue, std::shared_ptr<Program> program)
      : queue_(std::move(queue)), program_(std::move(program)) {}

  std::shared_ptr<Queue> queue_;
  std::shared_ptr<Program> program_;
  mutable std::mutex mutex_;
  std::vector<std::size_t> dims_;
  std::map<std::string, std::shared_ptr<Kernel>> kernels_;
};

}  // namespace gpucompute
