// GPUC_DEBUG=memory: red zones around buffers, poison in new and in released memory.
//
// A block is [front zone | the buffer | back zone]; what is given out is a sub-buffer of it that starts at the buffer's
// first byte. The zones hold a pattern. They are compared when somebody waits for a queue, for the buffers that
// commands of the queue have used since the last look, and when a buffer is released. New memory is 0xff: NaN for every
// floating-point type. Released memory is 0xff as well, and compared with it before it serves again.
#pragma once

#include <CL/cl.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/cl_handle.hpp"

namespace gpucompute {

class Block;
class Queue;
class Timeline;
class MemoryGuard;

extern std::atomic<bool> memory_guard_is_on;

// On the path of every command: one load and a branch that is not taken.
inline bool guarding_memory() noexcept {
  return __builtin_expect(memory_guard_is_on.load(std::memory_order_relaxed), 0);
}

// Of one buffer, from its creation to its release.
struct RedZones {
  MemoryGuard &guard;
  const cl_mem whole;
  const std::size_t front, size;  // the back zone follows
  const std::uint64_t number;     // which buffer of the context
  std::mutex mutex;               // held while the zones are read: they are the next buffer's when this one has gone
  bool open = true;
  std::atomic<bool> foreign{false};  // its cl_mem was given out: others may use it after the release
};

class MemoryGuard {
 public:
  // Null unless GPUC_DEBUG, which is read once in a process, has the word.
  static std::unique_ptr<MemoryGuard> from_environment(cl_context context, cl_device_id device,
                                                       std::uint64_t alignment);

  // How much larger a block is than what it can hold.
  std::size_t padding() const noexcept { return front_ + back; }

  // Poison, pattern and the sub-buffer for a buffer of `size` bytes. All that used the block before is over.
  void lend(Block &block, std::size_t size);
  // The buffer has gone. Hardly waits: where commands still use the block, the next lend() looks.
  void take_back(Block &block) noexcept;
  // The block goes back to the driver.
  void drop(Block &block) noexcept;

  void used(const std::shared_ptr<RedZones> &zones, const Timeline &timeline) noexcept;
  void launched(const Timeline &timeline, const std::string &command) noexcept;
  // Throws Error(execution_failed) if a zone of a buffer that commands of the queue have used is damaged, or if damage
  // was found at a release since. `finished`: all commands of the queue are complete.
  void check(const Timeline &timeline, bool finished);

 private:
  struct Commands {
    std::map<std::uint64_t, std::shared_ptr<RedZones>> zones;
    std::vector<std::string> kernels;  // the last few names
    std::size_t kernel_count = 0;
  };
  static constexpr std::size_t back = 1024, least_front = 1024, kept_names = 8;

  MemoryGuard(cl_context context, cl_device_id device, std::size_t front) noexcept
      : context_(context), device_(device), front_(front) {}
  cl_command_queue queue();
  enum class After { open, closed };
  std::string inspect(RedZones &zones, const std::string &suspects, After after);
  std::string inspect_released(Block &block);
  void remember(const std::string &damage) noexcept;
  void poison(cl_mem memory, std::size_t offset, std::size_t size);

  const cl_context context_;
  const cl_device_id device_;
  const std::size_t front_;
  std::atomic<std::uint64_t> next_number_{1};
  std::mutex mutex_;
  ClQueue queue_;
  std::map<const Timeline *, Commands> commands_;
  std::vector<std::string> found_;  // at releases, for the next check()
};

// A kernel is on the queue; for the commands that the message of damage names.
void note_launch(Queue &queue, const char *what, const std::string &name) noexcept;
// Somebody has waited for the queue.
void check_guards(Queue &queue, bool finished);

}  // namespace gpucompute
