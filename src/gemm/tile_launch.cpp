#include "gemm/tile_launch.hpp"

#include "gemm/kernel_call.hpp"
#include "gemm/prepared.hpp"

namespace gpucompute {
namespace {

// In place of a device's address in the keys of other launches.
constexpr std::uint64_t tile_launch = 2;

std::unique_ptr<Prepared> prepare(const GemmTask &task, Context &context, const TileKernel &kernel) {
  KernelCall call(LibraryPrograms::of(context).kernel(context, kernel.file, kernel.defines, kernel.name),
                  task.is_double());
  for (std::uint64_t size : {task.m, task.n, task.k, task.batch_count})
    kernel.narrow ? call.integer(static_cast<std::int64_t>(size)) : call.number(size);
  call.real(task.alpha.real()).real(task.beta.real()).matrix(task.a).matrix(task.b).matrix(task.c);
  auto prepared = std::make_unique<Prepared>();
  prepared->kernel = call.take();
  return prepared;
}

}  // namespace

void launch_tiles(GemmTask &task, Queue &queue, std::uint64_t variant, std::size_t groups, std::size_t local,
                  Waits waits, OutEvent out, const std::function<TileKernel()> &make) {
  PreparedLaunches::Key key = key_of(task, task.a, task.b, queue.device());
  key.push_back(tile_launch);
  key.push_back(variant);
  PreparedLaunch launch(queue, std::move(key), [&] { return prepare(task, queue.context(), make()); });
  task.c_written = true;
  launch.put_on_queue("a matrix product", {1, {groups * local}, {local}}, {task.a.buffer, task.b.buffer, task.c.buffer},
                      waits, out);
}

}  // namespace gpucompute
