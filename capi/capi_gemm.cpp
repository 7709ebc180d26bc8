#include <gpucompute/gemm.hpp>

#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

namespace {

constexpr std::size_t first_desc_size = 168;

gpuc_gemm_desc default_desc() {
  gpuc_gemm_desc desc{};
  desc.type = GPUC_TYPE_F32;
  desc.batch_count = 1;
  desc.alpha_real = 1;
  return desc;
}

GemmProblem problem_in(const gpuc_gemm_desc *in) {
  const gpuc_gemm_desc d = read_struct(in, first_desc_size, default_desc(), "desc", 0);
  GemmProblem problem;
  problem.type = static_cast<DataType>(d.type);
  problem.layout = static_cast<Layout>(d.layout);
  problem.transpose_a = static_cast<Transpose>(d.transpose_a);
  problem.transpose_b = static_cast<Transpose>(d.transpose_b);
  problem.m = d.m;
  problem.n = d.n;
  problem.k = d.k;
  problem.lda = d.lda;
  problem.ldb = d.ldb;
  problem.ldc = d.ldc;
  problem.a_offset = d.a_offset;
  problem.b_offset = d.b_offset;
  problem.c_offset = d.c_offset;
  problem.batch_count = d.batch_count;
  problem.a_stride = d.a_stride;
  problem.b_stride = d.b_stride;
  problem.c_stride = d.c_stride;
  problem.alpha_real = d.alpha_real;
  problem.alpha_imag = d.alpha_imag;
  problem.beta_real = d.beta_real;
  problem.beta_imag = d.beta_imag;
  problem.backend = optional_text(d.backend);
  return problem;
}

}  // namespace

gpuc_status gpuc_gemm_desc_init(gpuc_gemm_desc *desc, size_t struct_size) {
  return guard([&] { init_struct(desc, struct_size, first_desc_size, default_desc(), "desc"); });
}

gpuc_status gpuc_gemm(gpuc_queue *queue, const gpuc_gemm_desc *desc, gpuc_buffer *a, gpuc_buffer *b, gpuc_buffer *c,
                      gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    const Pinned queue_(queue, "queue");
    const GemmProblem problem = problem_in(desc);
    const Pinned a_ = pin_optional(a, "a");
    const Pinned b_ = pin_optional(b, "b");
    const Pinned c_(c, "c");
    command(*queue_, waits, wait_count, out_event,
            [&](Waits list, OutEvent out) { gemm(*queue_, problem, a_.get(), b_.get(), *c_, list, out); });
  });
}

gpuc_status gpuc_gemm_explain(gpuc_queue *queue, const gpuc_gemm_desc *desc, char *buf, size_t capacity,
                              size_t *out_needed) {
  return guard([&] {
    const Pinned queue_(queue, "queue");
    text_out(explain_gemm(*queue_, problem_in(desc)), buf, capacity, out_needed);
  });
}
