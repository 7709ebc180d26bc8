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
  desc.output_scale = 1;
  return desc;
}

// Keeps what the description names while it is in use.
struct Problem : GemmProblem {
  explicit Problem(const gpuc_gemm_desc *in) : Problem(read_struct(in, first_desc_size, default_desc(), "desc", 0)) {}

 private:
  explicit Problem(const gpuc_gemm_desc &d)
      : GemmProblem(problem_in(d)),
        bias_(pin_optional(d.bias_buffer, "desc.bias_buffer")),
        residual_(pin_optional(d.residual, "desc.residual")) {
    bias_buffer = bias_.get();
    residual = residual_.get();
  }

  static GemmProblem problem_in(const gpuc_gemm_desc &d);

  Pinned<gpuc_buffer> bias_, residual_;
};

GemmProblem Problem::problem_in(const gpuc_gemm_desc &d) {
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
  problem.b_type = static_cast<DataType>(d.b_type);
  problem.c_type = static_cast<DataType>(d.c_type);
  problem.compute = static_cast<Compute>(d.compute);
  problem.activation = static_cast<Activation>(d.activation);
  problem.bias = static_cast<Bias>(d.bias);
  problem.bias_type = static_cast<DataType>(d.bias_type);
  problem.bias_offset = d.bias_offset;
  problem.output_scale = d.output_scale;
  problem.residual_offset = d.residual_offset;
  problem.residual_ld = d.residual_ld;
  problem.residual_stride = d.residual_stride;
  if (d.group_count && !d.group_rows)
    fail(Status::null_argument, "desc.group_rows is NULL, but desc.group_count is ", d.group_count);
  problem.group_rows.assign(d.group_rows, d.group_rows + d.group_count);
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
    const Problem problem(desc);
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
    text_out(explain_gemm(*queue_, Problem(desc)), buf, capacity, out_needed);
  });
}
