#include "gemm/tensor_maps.hpp"

#include "gemm/kernel_call.hpp"
#include "runtime/enqueue.hpp"
#include "support/cl_check.hpp"

namespace gpucompute {
namespace {

constexpr std::size_t map_bytes = 128, place_bytes = TensorMaps::most_maps * map_bytes, most_places = 1024;

std::vector<std::uint64_t> key_of(const std::vector<TensorMap> &maps, const Device &device) {
  std::vector<std::uint64_t> key{reinterpret_cast<std::uintptr_t>(&device)};
  for (const TensorMap &map : maps)
    for (std::uint64_t part : {map.buffer->root_id(), map.offset_bytes, map.x, map.y, map.z, map.y_bytes, map.z_bytes,
                               map.box_x, map.box_y, map.type, map.swizzled})
      key.push_back(part);
  return key;
}

bool is_complete(cl_event event) {
  cl_int status = CL_QUEUED;
  return clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr) == CL_SUCCESS &&
         status == CL_COMPLETE;
}

}  // namespace

bool is_aligned(const GemmOperand &operand, std::uint64_t batch_count) {
  const std::uint64_t element = size_of(operand.type);
  return operand.offset * element % 16 == 0 && operand.ld * element % 16 == 0 &&
         (batch_count == 1 || operand.stride * element % 16 == 0);
}

TensorMap map_of(const GemmOperand &operand, std::uint64_t batch_count, std::uint64_t type, std::uint64_t box_x,
                 std::uint64_t box_y) {
  const std::uint64_t element = size_of(operand.type);
  TensorMap map;
  map.buffer = operand.buffer;
  map.offset_bytes = operand.offset * element;
  map.x = operand.length;
  map.y = operand.lines;
  map.z = operand.stride == 0 ? 1 : batch_count;
  map.y_bytes = operand.ld * element;
  map.z_bytes = map.z == 1 ? map.y_bytes : operand.stride * element;
  map.box_x = box_x;
  map.box_y = box_y;
  map.type = type;
  return map;
}

TensorMaps &TensorMaps::of(Context &context) {
  static const char key = 0;
  // The context keeps it, and the caller keeps the context.
  return *static_cast<TensorMaps *>(
      context.attachment(&key, [] { return std::static_pointer_cast<void>(std::make_shared<TensorMaps>()); }).get());
}

TensorMaps::Place TensorMaps::Place::share() const {
  return {ClMem::share(memory.get()), at, ClEvent::share(ready.get()), made_on};
}

cl_event TensorMaps::Place::before(Queue &queue) noexcept {
  if (ready && is_complete(ready.get())) ready.reset();
  return made_on == queue.native() && queue.in_order() ? nullptr : ready.get();
}

TensorMaps::Place TensorMaps::place(Queue &queue, const std::vector<TensorMap> &maps) {
  auto key = key_of(maps, queue.device());
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = places_.find(key);
  if (found != places_.end()) return found->second.share();
  // A full arena is left to the commands that use it, and a new one begun.
  if (!arena_ || places_.size() == most_places) {
    cl_int code = CL_SUCCESS;
    ClMem arena(clCreateBuffer(queue.context().native(), CL_MEM_READ_WRITE, most_places * place_bytes, nullptr, &code));
    cl_check(code, "clCreateBuffer", "making room for tensor maps");
    places_.clear();
    arena_ = std::move(arena);
  }
  Place place{ClMem::share(arena_.get()), places_.size() * place_bytes, ClEvent(), nullptr};
  make(queue, maps, place);
  return places_.emplace(std::move(key), std::move(place)).first->second.share();
}

void TensorMaps::make(Queue &queue, const std::vector<TensorMap> &maps, Place &place) {
  Context &context = queue.context();
  std::uint64_t at = place.at;
  for (const TensorMap &map : maps) {
    KernelCall call(LibraryPrograms::of(context).kernel(context, "gemm/tensor_map.cl", {}, "tensor_map", "sm_90a"),
                    false);
    call.memory(place.memory.get()).number(at).memory(*map.buffer).number(map.offset_bytes);
    for (std::uint64_t part :
         {map.x, map.y, map.z, map.y_bytes, map.z_bytes, map.box_x, map.box_y, map.type, map.swizzled})
      call.number(part);
    const std::size_t size = 32;
    const cl_event before = place.ready.get();
    ClEvent ready;
    map.buffer->used_by(queue);
    cl_check(clEnqueueNDRangeKernel(queue.native(), call.kernel(), 1, nullptr, &size, &size, before ? 1 : 0,
                                    before ? &before : nullptr, ready.receive()),
             "clEnqueueNDRangeKernel", "making a tensor map");
    queue.timeline()->submitted();
    place.ready = std::move(ready);
    at += map_bytes;
  }
  place.made_on = queue.native();
}

}  // namespace gpucompute
