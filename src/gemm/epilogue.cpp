#include "gemm/epilogue.hpp"

#include "gemm/gemm_backend.hpp"
#include "gemm/kernel_call.hpp"
#include "runtime/enqueue.hpp"

namespace gpucompute {

GemmTask product_alone(const GemmTask &task) {
  GemmTask product = task;
  product.epilogue = {};
  product.beta = 0;
  product.type = product.c.type = task.is_double() ? DataType::f64 : DataType::f32;
  // Sizes of nothing may be any, so their product is not asked for.
  const std::uint64_t elements = task.nothing_to_do() ? 0 : task.m * task.n;
  product.c = {nullptr, product.type, 0, task.m, task.n, task.n, elements, 0, Transpose::none};
  product.c.end = elements * task.batch_count;
  return product;
}

void enqueue_epilogue(const GemmTask &task, const StoredProduct &product, Queue &queue, Waits waits, OutEvent out) {
  Context &context = queue.context();
  const GemmEpilogue &e = task.epilogue;
  LibraryPrograms::Defines defines = element_defines(task);
  const DataType real = task.is_double() ? DataType::f64 : DataType::f32;
  for (auto &[name, value] : defines)
    if (name == "A_TYPE" || name == "COMPUTE") value = name_of(real);
  defines[1].second = name_of(e.bias == Bias::none ? real : e.bias_values.type);  // load_b reads the bias
  defines.emplace_back("ACTIVATION", std::to_string(static_cast<int>(e.activation)));
  KernelCall call(LibraryPrograms::of(context).kernel(context, "gemm/epilogue.cl", defines, "gemm_epilogue"),
                  task.is_double());
  call.number(task.m).number(task.n).number(task.batch_count);
  call.memory(product.buffer ? *product.buffer : *task.c.buffer).number(product.buffer ? product.parts : 0);
  call.real(task.beta.real()).matrix(task.c);
  const bool bias = e.bias != Bias::none;
  call.memory(bias ? *e.bias_values.buffer : *task.c.buffer).number(bias ? e.bias_values.offset : 0);
  call.number(static_cast<std::uint64_t>(e.bias));
  call.real(e.scale);
  const bool residual = e.has_residual();
  call.number(residual).matrix(residual ? e.residual : task.c);
  // The kernel loops, so that any number of work-items is right; the driver chooses their groups.
  constexpr std::uint64_t most_items = 1 << 20;
  const std::size_t global = std::min(task.c.lines * task.c.length * task.batch_count, most_items);
  for (Buffer *buffer : {product.buffer, task.c.buffer, e.bias_values.buffer, e.residual.buffer})
    if (buffer) buffer->used_by(queue);
  enqueue(queue, "clEnqueueNDRangeKernel", "the epilogue of a matrix product", waits, out,
          [&](cl_uint count, const cl_event *events, cl_event *event) {
            return clEnqueueNDRangeKernel(queue.native(), call.kernel(), 1, nullptr, &global, nullptr, count, events,
                                          event);
          });
}

}  // namespace gpucompute
