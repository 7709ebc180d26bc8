// Scenarios of matrix products: every backend by name, and all that a product may be asked for.
#include "scenario_steps.hpp"

namespace capi_test {
namespace {

struct Product {
  const char *backend = nullptr;
  gpuc_type type = GPUC_TYPE_F32;
  int64_t k = 8;
  bool epilogue = false, groups = false;
  int64_t batch = 1;
  gpuc_compute compute = GPUC_COMPUTE_STANDARD;
  uint32_t queue_flags = 0;
};

// 8 x 8 matrices of ones, C twice: with beta 2, and the second time after an event.
void multiply(Steps &steps, const Product &product) {
  BASICS(product.queue_flags);
  const size_t element = gpuc_type_size_bytes(product.type);
  const size_t count = 64 * static_cast<size_t>(product.batch), bytes = count * element;
  Buffer a, b, c, bias, residual;
  for (Buffer *buffer : {&a, &b, &c, &bias, &residual}) STEP(gpuc_buffer_create, context, bytes, 0, buffer->out());
  const std::vector<float> ones(count, 1);
  if (product.type == GPUC_TYPE_F32)
    for (Buffer *buffer : {&a, &b, &c, &bias, &residual})
      STEP(gpuc_buffer_write, *buffer, queue, 0, bytes, ones.data());
  gpuc_gemm_desc desc{};
  gpuc_gemm_desc_init(&desc, sizeof desc);
  desc.type = product.type;
  desc.m = desc.n = 8;
  desc.k = product.k;
  desc.beta_real = 2;
  desc.backend = product.backend;
  desc.batch_count = product.batch;
  desc.compute = product.compute;
  if (product.batch > 1) desc.a_stride = desc.b_stride = desc.c_stride = desc.residual_stride = 64;
  const int64_t rows[] = {3, 0, 5};
  if (product.groups) {
    desc.group_rows = rows;
    desc.group_count = 3;
    desc.b_stride = 0;
  }
  if (product.epilogue) {
    desc.bias = GPUC_BIAS_PER_COLUMN;
    desc.bias_buffer = bias;
    desc.activation = GPUC_ACTIVATION_RELU;
    desc.output_scale = 2;
    desc.residual = residual;
  }
  char text[4096];
  size_t needed = 0;
  STEP(gpuc_gemm_explain, queue, &desc, text, sizeof text, &needed);
  Event event;
  STEP(gpuc_gemm, queue, &desc, a, b, c, nullptr, 0, event.out());
  gpuc_event *waits[] = {event};
  Event second;
  STEP(gpuc_gemm, queue, &desc, a, b, c, waits, 1, second.out());
  STEP(gpuc_event_wait, second);
  STEP(gpuc_queue_finish, queue);
  if (product.type != GPUC_TYPE_F32 || !device_compiles) return;
  std::vector<float> back(count, 0);
  STEP(gpuc_buffer_read, c, queue, 0, bytes, back.data());
  const auto once = [&](float before) {
    const float sum = static_cast<float>(product.k) + 2 * before;
    return product.epilogue ? 2 * (sum + 1) + 1 : sum;
  };
  RIGHT(back == std::vector<float>(count, once(once(1))));
}

Product by(const char *backend) {
  Product product;
  product.backend = backend;
  return product;
}
Product with_epilogue(Product product) {
  product.epilogue = true;
  return product;
}
Product with_batch(Product product) {
  product.batch = 3;
  return product;
}
Product with_groups(Product product) {
  product.groups = true;
  return product;
}

// One function a scenario: they are kept as plain pointers.
#define PRODUCT(name, product) \
  void name(Steps &steps) { multiply(steps, product); }

PRODUCT(chosen, Product())
PRODUCT(reference, by("reference"))
PRODUCT(reference_batch, with_batch(by("reference")))
PRODUCT(reference_all, with_epilogue(with_batch(by("reference"))))
PRODUCT(reference_groups, with_epilogue(with_groups(by("reference"))))
PRODUCT(simt, by("simt"))
PRODUCT(simt_all, with_epilogue(with_batch(by("simt"))))
PRODUCT(simt_groups, with_groups(by("simt")))
PRODUCT(cpu, by("cpu"))
PRODUCT(cpu_all, with_epilogue(with_batch(by("cpu"))))
PRODUCT(cpu_groups, with_groups(by("cpu")))
PRODUCT(clblast, by("clblast"))
PRODUCT(clblast_all, with_epilogue(with_batch(by("clblast"))))
PRODUCT(clblast_groups, with_groups(by("clblast")))
#undef PRODUCT

void scaling(Steps &steps) {
  Product product;
  product.k = 0;
  multiply(steps, product);
}
void f64(Steps &steps) {
  Product product = by("reference");
  product.type = GPUC_TYPE_F64;
  multiply(steps, product);
}
void out_of_order(Steps &steps) {
  Product product = with_epilogue(with_groups(by("reference")));
  product.queue_flags = GPUC_QUEUE_OUT_OF_ORDER;
  multiply(steps, product);
}
// Matrices in two halves, in panels of their own: on NVIDIA's Hopper only.
void split_panels(Steps &steps) {
  Product product = with_epilogue(by("nvidia_wgmma"));
  product.compute = GPUC_COMPUTE_F32_SPLIT;
  multiply(steps, product);
}

}  // namespace

std::vector<Scenario> gemm_scenarios() {
  return {{"gemm_chosen", chosen, false},
          {"gemm_reference", reference, false},
          {"gemm_reference_batch", reference_batch, false},
          {"gemm_reference_all", reference_all, false},
          {"gemm_reference_groups", reference_groups, false},
          {"gemm_simt", simt, false},
          {"gemm_simt_all", simt_all, false},
          {"gemm_simt_groups", simt_groups, false},
          {"gemm_cpu", cpu, false},
          {"gemm_cpu_all", cpu_all, false},
          {"gemm_cpu_groups", cpu_groups, false},
          {"gemm_clblast", clblast, false},
          {"gemm_clblast_all", clblast_all, false},
          {"gemm_clblast_groups", clblast_groups, false},
          {"gemm_scaling", scaling, false},
          {"gemm_f64", f64, false},
          {"gemm_out_of_order", out_of_order, false},
          {"gemm_split_panels", split_panels, false}};
}

}  // namespace capi_test
