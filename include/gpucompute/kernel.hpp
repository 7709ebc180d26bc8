// Kernels and launches.
#pragma once

#include <gpucompute/buffer.hpp>
#include <gpucompute/program.hpp>
#include <gpucompute/types.hpp>

#include <memory>
#include <string>
#include <vector>

namespace gpucompute {

enum class ArgumentSpace : int { unknown = 0, by_value = 1, global = 2, constant = 3, local = 4 };

// What is known of one argument of a kernel.
struct ArgumentInfo {
  ArgumentSpace space = ArgumentSpace::unknown;
  DataType type = DataType::none;  // of a scalar, of a vector's elements, or of what a pointer points to
  unsigned vector_width = 1;
  std::size_t size = 0;  // of a value; 0 for pointers and where it is not known
  std::string type_name, name;
};

enum class ArgumentKind : int { buffer = 1, scalar = 2, bytes = 3, local = 4, null = 5 };

// One argument of a launch. A scalar lies in the first bytes of `scalar`, in the host's byte order. Nothing is
// initialised by itself: a launch makes arrays of these.
struct Argument {
  ArgumentKind kind;
  DataType type;     // of a scalar
  std::size_t size;  // of bytes and of local memory
  union {
    Buffer *buffer;
    const void *bytes;
    unsigned char scalar[8];
  };
};

struct LaunchSize {
  std::uint32_t dims = 1;
  bool round_up = false;
  std::size_t global[3] = {0, 0, 0}, local[3] = {0, 0, 0}, offset[3] = {0, 0, 0};
};

// Numbers about a kernel on a device; sizes in bytes and work-items.
struct KernelWorkInfo {
  std::uint64_t max_work_group_size = 0, preferred_multiple = 0, local_memory = 0, private_memory = 0;
  std::size_t required_size[3] = {0, 0, 0};
};

class Kernel final : public Object {
 public:
  Kernel(std::shared_ptr<Program> program, KernelRecord &record);
  const std::string &name() const noexcept;
  Program &program() const noexcept { return *program_; }
  const std::vector<ArgumentInfo> &arguments() const noexcept;
  const KernelWorkInfo &work_info(const Device *device) const;
  cl_kernel create_native() const;  // the caller's

  // Thread-safe: each launch has all of its own arguments. Throws Error(kernel_argument, misaligned, invalid_argument,
  // overflow, context_mismatch, ...). The buffers must stay alive during the call only.
  void launch(Queue &queue, const LaunchSize &size, const Argument *arguments, std::size_t count, Waits waits = {},
              OutEvent out = nullptr);

 private:
  std::shared_ptr<Program> program_;
  KernelRecord &record_;  // the program's
};

}  // namespace gpucompute
