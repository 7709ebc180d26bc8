#include "gemm/prepared.hpp"

#include <cstring>

#include "runtime/enqueue.hpp"

namespace gpucompute {
namespace {

constexpr std::size_t most = 512;

std::uint64_t bits_of(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace

void add_to_key(PreparedLaunches::Key &key, const GemmOperand &o) {
  key.push_back(o.buffer ? o.buffer->root_id() : 0);
  for (std::uint64_t part : {o.offset, o.lines, o.length, o.ld, o.stride}) key.push_back(part);
  key.push_back(static_cast<std::uint64_t>(o.type) << 8 | static_cast<std::uint64_t>(o.transpose));
}

PreparedLaunches &PreparedLaunches::of(Context &context) {
  static const char key = 0;
  // The context keeps it, and the caller keeps the context.
  return *static_cast<PreparedLaunches *>(
      context.attachment(&key, [] { return std::static_pointer_cast<void>(std::make_shared<PreparedLaunches>()); })
          .get());
}

std::unique_ptr<Prepared> PreparedLaunches::take(const Key &key) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = ready_.find(key);
  return found == ready_.end() ? nullptr : std::move(found->second);
}

void PreparedLaunches::put(Key key, std::unique_ptr<Prepared> prepared) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  if (ready_.size() >= most) ready_.clear();
  try {
    ready_.insert_or_assign(std::move(key), std::move(prepared));
  } catch (...) {  // the next call makes another
  }
}

PreparedLaunch::PreparedLaunch(Queue &queue, PreparedLaunches::Key key,
                               const std::function<std::unique_ptr<Prepared>()> &prepare)
    : queue_(queue), key_(std::move(key)), prepared_(PreparedLaunches::of(queue.context()).take(key_)) {
  if (!prepared_) prepared_ = prepare();
}

void PreparedLaunch::put_on_queue(const char *what, const LaunchGrid &grid, std::initializer_list<Buffer *> buffers,
                                  Waits waits, OutEvent out) {
  std::vector<cl_event> events;
  if (cl_event before = prepared_->maps.before(queue_)) {
    events.assign(waits.events, waits.events + waits.count);
    events.push_back(before);
    waits = {events.data(), static_cast<cl_uint>(events.size())};
  }
  for (Buffer *buffer : buffers)
    if (buffer) buffer->used_by(queue_);
  enqueue(queue_, "clEnqueueNDRangeKernel", what, waits, out,
          [&](cl_uint count, const cl_event *list, cl_event *event) {
            return clEnqueueNDRangeKernel(queue_.native(), kernel(), grid.dims, nullptr, grid.global, grid.local, count,
                                          list, event);
          });
  PreparedLaunches::of(queue_.context()).put(std::move(key_), std::move(prepared_));
}

PreparedLaunches::Key key_of(const GemmTask &task, const GemmOperand &a, const GemmOperand &b, const Device &device) {
  PreparedLaunches::Key key;
  key.reserve(56);
  key.push_back(reinterpret_cast<std::uintptr_t>(&device));
  for (std::uint64_t part : {task.m, task.n, task.k, task.batch_count}) key.push_back(part);
  const GemmEpilogue &e = task.epilogue;
  for (double part : {task.alpha.real(), task.alpha.imag(), task.beta.real(), task.beta.imag(), e.scale})
    key.push_back(bits_of(part));
  key.push_back(static_cast<std::uint64_t>(task.mode) << 16 | static_cast<std::uint64_t>(e.bias) << 8 |
                static_cast<std::uint64_t>(e.activation));
  for (const GemmOperand *operand : {&a, &b, &task.c}) add_to_key(key, *operand);
  if (!e.nothing())
    for (const GemmOperand *operand : {&e.bias_values, &e.residual}) add_to_key(key, *operand);
  return key;
}

}  // namespace gpucompute
