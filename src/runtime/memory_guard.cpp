#include "runtime/memory_guard.hpp"

#include <gpucompute/event.hpp>
#include <gpucompute/queue.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/memory_pool.hpp"
#include "support/cl_check.hpp"
#include "support/fail.hpp"
#include "support/log.hpp"
#include "support/process.hpp"

namespace gpucompute {

std::atomic<bool> memory_guard_is_on{false};

namespace {

constexpr unsigned char poison_byte = 0xff;
// How long a release waits for the commands that use the buffer. What they wait for may come after the release.
constexpr std::chrono::milliseconds patience{20};
constexpr const char *doing = "checking memory (GPUC_DEBUG=memory)";

// A byte of a red zone: no two neighbours are the same, and none is 0, 0xff or a common filler.
unsigned char pattern_at(std::size_t position) { return static_cast<unsigned char>(0xa1 + position % 61); }

std::vector<unsigned char> pattern(std::size_t position, std::size_t count) {
  std::vector<unsigned char> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = pattern_at(position + i);
  return bytes;
}

std::string hex(unsigned byte) {
  char out[8];
  std::snprintf(out, sizeof out, "0x%02x", byte & 0xff);
  return out;
}

bool wanted_by_environment() {
  static const bool wanted = [] {
    const char *value = std::getenv("GPUC_DEBUG");
    std::string words = value ? value : "";
    bool memory = false;
    for (std::size_t begin = 0; begin < words.size();) {
      const std::size_t end = std::min(words.find(',', begin), words.size());
      const std::string word = words.substr(begin, end - begin);
      if (word == "memory")
        memory = true;
      else if (!word.empty())
        log(LogLevel::warning, "GPUC_DEBUG has the word '", word, "', which is not known; known is memory");
      begin = end + 1;
    }
    return memory;
  }();
  return wanted;
}

std::vector<unsigned char> read(cl_command_queue queue, cl_mem memory, std::size_t offset, std::size_t size) {
  std::vector<unsigned char> bytes(size);
  if (size)
    cl_check(clEnqueueReadBuffer(queue, memory, CL_TRUE, offset, size, bytes.data(), 0, nullptr, nullptr),
             "clEnqueueReadBuffer", doing);
  return bytes;
}

void write(cl_command_queue queue, cl_mem memory, std::size_t offset, const std::vector<unsigned char> &bytes) {
  if (bytes.empty()) return;
  cl_check(clEnqueueWriteBuffer(queue, memory, CL_TRUE, offset, bytes.size(), bytes.data(), 0, nullptr, nullptr),
           "clEnqueueWriteBuffer", doing);
  // A blocking write may return before it has written, and the buffer is used from other queues.
  cl_check(clFinish(queue), "clFinish", doing);
}

}  // namespace

std::unique_ptr<MemoryGuard> MemoryGuard::from_environment(cl_context context, cl_device_id device,
                                                           std::uint64_t alignment) {
  if (!wanted_by_environment()) return nullptr;
  memory_guard_is_on.store(true, std::memory_order_relaxed);
  const std::size_t step = std::max<std::size_t>(alignment, 1);
  const std::size_t front = (least_front + step - 1) / step * step;
  return std::unique_ptr<MemoryGuard>(new MemoryGuard(context, device, front));
}

// Of its own: what it does is over when its calls are, and no queue of the program waits.
cl_command_queue MemoryGuard::queue() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!queue_.get()) {
    cl_int code = CL_SUCCESS;
    queue_ = ClQueue(clCreateCommandQueue(context_, device_, 0, &code));
    cl_check(code, "clCreateCommandQueue", doing);
  }
  return queue_.get();
}

void MemoryGuard::poison(cl_mem memory, std::size_t offset, std::size_t size) {
  unsigned char bytes[16];
  std::memset(bytes, poison_byte, sizeof bytes);
  const std::size_t step = offset % sizeof bytes || size % sizeof bytes ? 1 : sizeof bytes;
  cl_check(clEnqueueFillBuffer(queue(), memory, bytes, step, offset, size, 0, nullptr, nullptr), "clEnqueueFillBuffer",
           doing);
  cl_check(clFinish(queue()), "clFinish", doing);
}

void MemoryGuard::lend(Block &block, std::size_t size) {
  if (block.released()) {
    const std::string damage = inspect_released(block);
    if (!damage.empty()) remember(damage);
  }
  const cl_mem whole = block.whole();
  poison(whole, 0, padding() + block.capacity());
  write(queue(), whole, 0, pattern(0, front_));
  write(queue(), whole, front_ + size, pattern(front_ + size, back));
  const cl_buffer_region region = {front_, std::max<std::size_t>(size, 1)};
  cl_int code = CL_SUCCESS;
  ClMem inside(clCreateSubBuffer(whole, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code));
  cl_check(code, "clCreateSubBuffer", doing);
  std::shared_ptr<RedZones> zones(new RedZones{*this, whole, front_, size, next_number_.fetch_add(1), {}});
  log(LogLevel::debug, "buffer ", zones->number, " of ", size, " bytes");
  block.guard(std::move(inside), std::move(zones));
}

// "" if the zones are whole. They are made whole again, so that a fault is told of once.
std::string MemoryGuard::inspect(RedZones &zones, const std::string &suspects, After after) {
  const cl_command_queue reader = queue();
  std::lock_guard<std::mutex> lock(zones.mutex);
  if (!zones.open) return {};
  zones.open = after == After::open;
  const std::size_t end = zones.front + zones.size;
  const auto front = read(reader, zones.whole, 0, zones.front), front_good = pattern(0, zones.front);
  const auto behind = read(reader, zones.whole, end, back), behind_good = pattern(end, back);
  const std::string name = text("buffer ", zones.number, " of ", zones.size, " bytes was written to ");
  std::string damage;
  if (behind != behind_good) {
    const std::size_t at = static_cast<std::size_t>(
        std::mismatch(behind.begin(), behind.end(), behind_good.begin()).first - behind.begin());
    damage = text(name, "behind its end: ", at, " bytes past the end there is ", hex(behind[at]), ", must be ",
                  hex(behind_good[at]));
    write(reader, zones.whole, end, behind_good);
  }
  if (front != front_good) {
    const std::size_t from_start = static_cast<std::size_t>(
        std::mismatch(front.rbegin(), front.rend(), front_good.rbegin()).first - front.rbegin());
    const std::size_t at = zones.front - 1 - from_start;
    damage += text(damage.empty() ? name : " and ", "in front of its start: ", from_start + 1,
                   " bytes before the start there is ", hex(front[at]), ", must be ", hex(front_good[at]));
    write(reader, zones.whole, 0, front_good);
  }
  return damage.empty() ? damage : damage + suspects;
}

std::string MemoryGuard::inspect_released(Block &block) {
  const auto zones = block.released();
  if (!block.poisoned()) {  // commands still used it then
    zones->open = true;
    return inspect(*zones, "; it was found after its release", After::closed);
  }
  constexpr std::size_t piece = std::size_t(1) << 20;
  for (std::size_t done = 0; done < block.capacity(); done += piece) {
    const auto bytes = read(queue(), block.whole(), front_ + done, std::min(piece, block.capacity() - done));
    const auto wrong = std::find_if(bytes.begin(), bytes.end(), [](unsigned char b) { return b != poison_byte; });
    if (wrong != bytes.end())
      return text("buffer ", zones->number, " of ", zones->size, " bytes was written to after its release: byte ",
                  done + static_cast<std::size_t>(wrong - bytes.begin()), " is ", hex(*wrong), ", must be ",
                  hex(poison_byte));
  }
  return {};
}

void MemoryGuard::take_back(Block &block) noexcept {
  const auto zones = block.zones();
  if (!zones) return;
  bool poisoned = false;
  if (process_running() && !zones->foreign && block.wait_idle(patience)) {
    try {
      const std::string damage = inspect(*zones, "; it was found at its release", After::closed);
      if (!damage.empty()) remember(damage);
      if (block.pooled()) {
        poison(block.whole(), front_, block.capacity());
        poisoned = true;
      }
    } catch (...) {  // the driver refuses, or there is no memory: nothing is known of it
    }
  }
  {
    std::lock_guard<std::mutex> lock(zones->mutex);
    zones->open = false;
  }
  block.unguard(poisoned);
}

void MemoryGuard::drop(Block &block) noexcept {
  if (!block.released() || !process_running()) return;
  try {
    const std::string damage = inspect_released(block);
    if (!damage.empty()) remember(damage);
  } catch (...) {
  }
}

void MemoryGuard::remember(const std::string &damage) noexcept {
  log(LogLevel::warning, damage);
  try {
    std::lock_guard<std::mutex> lock(mutex_);
    found_.push_back(damage);
  } catch (...) {
  }
}

void MemoryGuard::used(const std::shared_ptr<RedZones> &zones, const Timeline &timeline) noexcept {
  try {
    std::lock_guard<std::mutex> lock(mutex_);
    commands_[&timeline].zones.emplace(zones->number, zones);
  } catch (...) {  // no memory: the release looks
  }
}

void MemoryGuard::launched(const Timeline &timeline, const std::string &command) noexcept {
  try {
    std::lock_guard<std::mutex> lock(mutex_);
    Commands &commands = commands_[&timeline];
    commands.kernel_count += 1;
    auto &names = commands.kernels;
    names.erase(std::remove(names.begin(), names.end(), command), names.end());
    names.push_back(command);
    if (names.size() > kept_names) names.erase(names.begin());
  } catch (...) {
  }
}

void MemoryGuard::check(const Timeline &timeline, bool finished) {
  Commands commands;
  std::vector<std::string> damages;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    damages.swap(found_);
    const auto found = commands_.find(&timeline);
    if (found != commands_.end()) {
      if (finished) {
        commands = std::move(found->second);
        commands_.erase(found);
      } else {
        commands = found->second;
      }
    }
  }
  std::string suspects = "; no kernel was launched on the queue since the last check";
  if (commands.kernel_count) {
    suspects = text("; launched on the queue since the last check: ", commands.kernel_count, " kernels, the last ",
                    commands.kernels.size() == 1 ? "is " : "are ");
    for (const std::string &name : commands.kernels) {
      if (&name != &commands.kernels.front()) suspects += ", ";
      suspects += name;
    }
  }
  for (const auto &[number, zones] : commands.zones) {
    const std::string damage = inspect(*zones, suspects, After::open);
    if (damage.empty()) continue;
    log(LogLevel::warning, damage);
    damages.push_back(damage);
  }
  if (damages.empty()) return;
  std::string all;
  for (const std::string &damage : damages) all += damage + "\n";
  throw Error(Status::execution_failed,
              damages.front() +
                  (damages.size() > 1 ? text("; and ", damages.size() - 1, " more, in the detail") : std::string()),
              all);
}

void note_launch(Queue &queue, const char *what, const std::string &name) noexcept {
  MemoryGuard *guard = queue.context().pool().guard();
  if (!guard) return;
  try {
    guard->launched(*queue.timeline(), command_text(what, name));
  } catch (...) {
  }
}

void check_guards(Queue &queue, bool finished) {
  if (MemoryGuard *guard = queue.context().pool().guard()) guard->check(*queue.timeline(), finished);
}

}  // namespace gpucompute
