// The matrix product through the ABI: that descriptions arrive, and each refusal. Its arithmetic has tests of its own.
#include "support.hpp"

using namespace capi_test;

namespace {

gpuc_context *context() { return runtime().context; }
gpuc_queue *queue() { return runtime().queue; }

// 2 x 3 times 3 x 4, with room to spare.
gpuc_gemm_desc small_product() {
  gpuc_gemm_desc desc = gemm_desc_init();
  desc.m = 2;
  desc.n = 4;
  desc.k = 3;
  return desc;
}

struct Matrices {
  Buffer a = buffer_of(context(), 1024), b = buffer_of(context(), 1024), c = buffer_of(context(), 1024);
};

gpuc_status run(const gpuc_gemm_desc &desc, const Matrices &m, gpuc_event **out = nullptr) {
  return gpuc_gemm(queue(), &desc, m.a, m.b, m.c, nullptr, 0, out);
}

gpuc_status explain(const gpuc_gemm_desc &desc) {
  size_t needed = 0;
  return gpuc_gemm_explain(queue(), &desc, nullptr, 0, &needed);
}

}  // namespace

TEST_SUITE("gemm") {
  TEST_CASE("a product") {
    const Matrices m;
    const float a[6] = {1, 2, 3, 4, 5, 6}, b[12] = {1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1};
    std::vector<float> c(8, 100);
    OK(gpuc_buffer_write(m.a, queue(), 0, sizeof a, a));
    OK(gpuc_buffer_write(m.b, queue(), 0, sizeof b, b));
    OK(gpuc_buffer_write(m.c, queue(), 0, 32, c.data()));
    gpuc_gemm_desc desc = small_product();
    desc.beta_real = 1;
    for (const char *backend : {"reference", static_cast<const char *>(nullptr)}) {
      desc.backend = backend;
      Event event;
      OK(run(desc, m, event.out()));
      OK(gpuc_event_wait(event));
    }
    OK(gpuc_buffer_read(m.c, queue(), 0, 32, c.data()));
    if (is_fake())
      SKIP_PART("the fake device does not compute this");
    else
      CHECK(c == std::vector<float>{102, 104, 106, 112, 108, 110, 112, 130});
    // Nothing to read: no matrices are needed.
    desc.k = 0;
    Event event;
    gpuc_event *waits[1] = {nullptr};
    OK(gpuc_gemm(queue(), &desc, nullptr, nullptr, m.c, nullptr, 0, event.out()));
    waits[0] = event;
    desc.m = 0;
    OK(gpuc_gemm(queue(), &desc, nullptr, nullptr, m.c, waits, 1, nullptr));
    OK(gpuc_queue_finish(queue()));
    desc = small_product();
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_gemm(queue(), &desc, nullptr, m.b, m.c, nullptr, 0, nullptr));
    SAYS("a is NULL");
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_gemm(queue(), &desc, m.a, nullptr, m.c, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_gemm(queue(), nullptr, m.a, m.b, m.c, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_gemm(queue(), &desc, m.a, m.b, m.c, nullptr, 1, nullptr));
    FAILS(GPUC_ERROR_INVALID_HANDLE, gpuc_gemm(queue(), &desc, m.a, m.b, nullptr, nullptr, 0, nullptr));
  }

  TEST_CASE("explanation") {
    const gpuc_gemm_desc desc = small_product();
    // documented: gpuc_gemm_explain GPUC_ERROR_BUFFER_TOO_SMALL
    const std::string text = check_string_result([&](char *buf, size_t capacity, size_t *needed) {
      return gpuc_gemm_explain(queue(), &desc, buf, capacity, needed);
    });
    CHECK(text.find("reference: ") != std::string::npos);
    CHECK(text.find(": chosen") < text.find('\n'));
    // Of nothing, whose sizes may be any.
    gpuc_gemm_desc nothing = desc;
    nothing.m = nothing.n = nothing.k = INT64_MAX;
    nothing.lda = nothing.ldb = nothing.ldc = 0;
    nothing.batch_count = 0;
    nothing.activation = GPUC_ACTIVATION_RELU;
    OK(explain(nothing));
  }

  TEST_CASE("bad descriptions") {
    const Matrices m;
    // documented: gpuc_gemm GPUC_ERROR_INVALID_ARGUMENT
    // documented: gpuc_gemm_explain GPUC_ERROR_INVALID_ARGUMENT
    const auto refused = [&](const char *word, const std::function<void(gpuc_gemm_desc &)> &spoil) {
      CAPTURE(std::string(word));
      gpuc_gemm_desc desc = small_product();
      spoil(desc);
      gpuc_event *none = nullptr;
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, run(desc, m, &none));
      SAYS(word);
      CHECK(none == nullptr);
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, explain(desc));
      SAYS(word);
    };
    using D = gpuc_gemm_desc;
    for (const gpuc_type type : {int(GPUC_TYPE_NONE), int(GPUC_TYPE_I32), int(GPUC_TYPE_U16), 99, -1})
      refused("type", [&](D &d) { d.type = type; });
    for (const int value : {2, -1, 99}) refused("layout", [&](D &d) { d.layout = value; });
    for (const int value : {3, -1, 99}) refused("transpose_a", [&](D &d) { d.transpose_a = value; });
    for (const int value : {3, -1, 99}) refused("transpose_b", [&](D &d) { d.transpose_b = value; });
    for (const int64_t value : {int64_t(-1), INT64_MIN}) {
      refused("m is", [&](D &d) { d.m = value; });
      refused("n is", [&](D &d) { d.n = value; });
      refused("k is", [&](D &d) { d.k = value; });
      refused("lda is", [&](D &d) { d.lda = value; });
      refused("ldb is", [&](D &d) { d.ldb = value; });
      refused("ldc is", [&](D &d) { d.ldc = value; });
      refused("a_offset is", [&](D &d) { d.a_offset = value; });
      refused("b_offset is", [&](D &d) { d.b_offset = value; });
      refused("c_offset is", [&](D &d) { d.c_offset = value; });
      refused("batch_count is", [&](D &d) { d.batch_count = value; });
      refused("a_stride is", [&](D &d) { d.a_stride = value; });
      refused("b_stride is", [&](D &d) { d.b_stride = value; });
      refused("c_stride is", [&](D &d) { d.c_stride = value; });
    }
    refused("lda is 2, must be >= 3", [&](D &d) { d.lda = 2; });
    refused("ldb is 3, must be >= 4", [&](D &d) { d.ldb = 3; });
    refused("ldc is 3, must be >= 4", [&](D &d) { d.ldc = 3; });
    refused("lda is 1, must be >= 2", [&](D &d) { d.transpose_a = GPUC_TRANSPOSE_TRANS, d.lda = 1; });
    refused("alpha_imag", [&](D &d) { d.alpha_imag = 1; });
    refused("beta_imag", [&](D &d) { d.beta_imag = 1; });
    refused("c_stride", [&](D &d) { d.batch_count = 2, d.c_stride = 5; });
    refused("flags", [&](D &d) { d.flags = 1; });
    // documented: gpuc_gemm GPUC_ERROR_NOT_FOUND
    gpuc_gemm_desc desc = small_product();
    desc.backend = "no such backend";
    FAILS(GPUC_ERROR_NOT_FOUND, run(desc, m));
    SAYS("reference");
    // documented: gpuc_gemm_explain GPUC_ERROR_NOT_FOUND
    FAILS(GPUC_ERROR_NOT_FOUND, explain(desc));
    // documented: gpuc_gemm GPUC_ERROR_OVERFLOW
    desc = small_product();
    desc.a_offset = INT64_MAX - 3;
    FAILS(GPUC_ERROR_OVERFLOW, run(desc, m));
    // documented: gpuc_gemm_explain GPUC_ERROR_OVERFLOW
    FAILS(GPUC_ERROR_OVERFLOW, explain(desc));
  }

  TEST_CASE("bad matrices") {
    const Matrices m;
    gpuc_gemm_desc desc = small_product();
    // documented: gpuc_gemm GPUC_ERROR_OUT_OF_RANGE
    desc.a_offset = 256 - 5;
    FAILS(GPUC_ERROR_OUT_OF_RANGE, run(desc, m));
    SAYS("a reaches byte 1028");
    desc = small_product();
    desc.c_offset = 250;
    FAILS(GPUC_ERROR_OUT_OF_RANGE, run(desc, m));
    desc = small_product();
    desc.b_offset = (int64_t(1) << 61) - 100;
    FAILS(GPUC_ERROR_OUT_OF_RANGE, run(desc, m));
    desc = small_product();
    Buffer odd;
    OK(gpuc_buffer_slice(m.a, 2, 500, odd.out()));
    gpuc_event *none = nullptr;
    // documented: gpuc_gemm GPUC_ERROR_MISALIGNED
    FAILS(GPUC_ERROR_MISALIGNED, gpuc_gemm(queue(), &desc, odd, m.b, m.c, nullptr, 0, &none));
    SAYS("a is a slice");
    // documented: gpuc_gemm GPUC_ERROR_OVERLAP
    FAILS(GPUC_ERROR_OVERLAP, gpuc_gemm(queue(), &desc, m.a, m.b, m.a, nullptr, 0, &none));
    FAILS(GPUC_ERROR_OVERLAP, gpuc_gemm(queue(), &desc, m.a, m.b, m.b, nullptr, 0, &none));
    const Context other = another_context();
    const Buffer foreign = buffer_of(other, 1024);
    // documented: gpuc_gemm GPUC_ERROR_CONTEXT_MISMATCH
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_gemm(queue(), &desc, foreign, m.b, m.c, nullptr, 0, &none));
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_gemm(queue(), &desc, m.a, foreign, m.c, nullptr, 0, &none));
    FAILS(GPUC_ERROR_CONTEXT_MISMATCH, gpuc_gemm(queue(), &desc, m.a, m.b, foreign, nullptr, 0, &none));
  }

  TEST_CASE("what the device cannot do") {
    const Matrices m;
    gpuc_gemm_desc desc = small_product();
    desc.type = GPUC_TYPE_F64;
    if (!capability(GPUC_CAPABILITY_FP64)) {
      // documented: gpuc_gemm GPUC_ERROR_UNSUPPORTED
      FAILS(GPUC_ERROR_UNSUPPORTED, run(desc, m));
      // documented: gpuc_gemm_explain GPUC_ERROR_UNSUPPORTED
      FAILS(GPUC_ERROR_UNSUPPORTED, explain(desc));
    }
    // CLBlast indexes with 32 bits.
    desc = small_product();
    desc.backend = "clblast";
    desc.lda = int64_t(1) << 40;
    desc.m = 1;
    const gpuc_status status = explain(desc);
    if (status != GPUC_ERROR_NOT_FOUND) {  // it is part of the library
      FAILS(GPUC_ERROR_UNSUPPORTED, explain(desc));
      SAYS("clblast");
      FAILS(GPUC_ERROR_UNSUPPORTED, run(desc, m));
    }
  }

  TEST_CASE("types, an epilogue and groups arrive") {
    const Matrices m;
    const Buffer bias = buffer_of(context(), 64), residual = buffer_of(context(), 64);
    const float a[6] = {1, 2, 3, 4, 5, 6},
                b[24] = {1, 0, 0, -9, 0, 1, 0, 1, 0, 0, 1, 1, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0};
    const float biases[4] = {10, 20, 30, 40}, more[8] = {0.5f, 0, 0, 0, 0, 0, 0, 0.25f};
    OK(gpuc_buffer_write(m.a, queue(), 0, sizeof a, a));
    OK(gpuc_buffer_write(m.b, queue(), 0, sizeof b, b));
    OK(gpuc_buffer_write(bias, queue(), 4, sizeof biases, biases));
    OK(gpuc_buffer_write(residual, queue(), 8, sizeof more, more));
    gpuc_gemm_desc desc = small_product();
    const int64_t rows[3] = {1, 0, 1};
    desc.group_rows = rows;
    desc.group_count = 3;
    desc.b_stride = 6;  // the third group's B is the second half
    desc.bias = GPUC_BIAS_PER_COLUMN;
    desc.bias_buffer = bias;
    desc.bias_offset = 1;
    desc.activation = GPUC_ACTIVATION_RELU;
    desc.output_scale = 2;
    desc.residual = residual;
    desc.residual_offset = 2;
    OK(run(desc, m));
    std::vector<float> c(8, 100);
    OK(gpuc_buffer_read(m.c, queue(), 0, 32, c.data()));
    if (is_fake())
      SKIP_PART("the fake device does not compute this");
    else
      CHECK(c == std::vector<float>{22.5f, 44, 66, 72, 36, 60, 84, 80.25f});

    desc = small_product();
    desc.type = GPUC_TYPE_I8;
    desc.compute = GPUC_COMPUTE_STANDARD;
    const signed char small_a[6] = {1, -2, 3, 4, 5, -128}, small_b[12] = {1, 2, 3, 4, 5, 6, 7, 8, -9, 10, 11, 127};
    OK(gpuc_buffer_write(m.a, queue(), 0, sizeof small_a, small_a));
    OK(gpuc_buffer_write(m.b, queue(), 0, sizeof small_b, small_b));
    OK(run(desc, m));
    std::vector<int32_t> sums(8);
    OK(gpuc_buffer_read(m.c, queue(), 0, 32, sums.data()));
    if (is_fake())
      SKIP_PART("the fake device does not compute this");
    else
      CHECK(sums == std::vector<int32_t>{-36, 20, 22, 369, 1181, -1242, -1361, -16200});

    desc = small_product();
    desc.group_count = 2;
    // documented: gpuc_gemm GPUC_ERROR_NULL_ARGUMENT
    FAILS(GPUC_ERROR_NULL_ARGUMENT, run(desc, m));
    // documented: gpuc_gemm_explain GPUC_ERROR_NULL_ARGUMENT
    FAILS(GPUC_ERROR_NULL_ARGUMENT, explain(desc));
    desc.group_count = 0;
    desc.bias = GPUC_BIAS_PER_ROW;
    // documented: gpuc_gemm GPUC_ERROR_NULL_ARGUMENT
    FAILS(GPUC_ERROR_NULL_ARGUMENT, run(desc, m));
    desc.bias = GPUC_BIAS_NONE;
    desc.c_type = GPUC_TYPE_F64;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, run(desc, m));
    // As a program knows it that was compiled before these fields.
    desc.struct_size = 168;
    OK(run(desc, m));
  }
}
