// Arrays through the ABI: that views arrive, and each refusal. What is done to their elements has tests in tests/core.
#include "support.hpp"

using namespace capi_test;

namespace {

gpuc_context *context() { return runtime().context; }
gpuc_queue *queue() { return runtime().queue; }

gpuc_array_view view_of(gpuc_buffer *buffer, gpuc_type type, const std::vector<uint64_t> &shape) {
  gpuc_array_view view = array_view_init();
  view.buffer = buffer;
  view.type = type;
  view.ndim = static_cast<uint32_t>(shape.size());
  for (size_t d = 0; d < shape.size(); ++d) view.shape[d] = shape[d];
  REQUIRE(named(gpuc_array_view_pack(&view, nullptr)) == "GPUC_OK");
  return view;
}

// A call with one view that it must refuse.
using Call = std::function<gpuc_status(const gpuc_array_view *)>;

// What every function refuses of a view of at least one row of 4 f32.
void check_views(const Call &call, const gpuc_array_view &good) {
  gpuc_array_view bad = good;
  bad.type = 99;
  FAILS(GPUC_ERROR_INVALID_ARGUMENT, call(&bad));
  SAYS("type is 99");
  bad = good;
  bad.ndim = 17;
  FAILS(GPUC_ERROR_INVALID_ARGUMENT, call(&bad));
  SAYS("ndim is 17, must be at most 16");
  bad = good;
  bad.flags = 2;
  FAILS(GPUC_ERROR_INVALID_ARGUMENT, call(&bad));
  SAYS("flags is 2");
  bad = good;
  bad.offset_bytes = 4096;
  FAILS(GPUC_ERROR_OUT_OF_RANGE, call(&bad));
  SAYS("reaches from byte 4096");
  bad = good;
  bad.strides_bytes[bad.ndim - 1] = -4;
  FAILS(GPUC_ERROR_OUT_OF_RANGE, call(&bad));
  SAYS("from byte -");
  bad = good;
  bad.offset_bytes = 2;
  FAILS(GPUC_ERROR_MISALIGNED, call(&bad));
  SAYS("must be a multiple of 4 for f32");
  bad = good;
  bad.ndim = 16;
  for (int d = 0; d < 14; ++d) bad.shape[d] = 1000, bad.strides_bytes[d] = 0;
  bad.shape[14] = bad.shape[15] = 4;
  FAILS(GPUC_ERROR_OVERFLOW, call(&bad));
  SAYS("63 bits");
  const Context elsewhere = another_context();
  const Buffer foreign = buffer_of(elsewhere, 4096);
  bad = good;
  bad.buffer = foreign;
  FAILS(GPUC_ERROR_CONTEXT_MISMATCH, call(&bad));
  FAILS(GPUC_ERROR_NULL_ARGUMENT, call(nullptr));
}

}  // namespace

TEST_SUITE("array") {
  TEST_CASE("packing") {
    gpuc_array_view view = view_of(nullptr, GPUC_TYPE_C128, {2, 3, 4});
    CHECK(view.strides_bytes[0] == 192);
    CHECK(view.strides_bytes[1] == 64);
    CHECK(view.strides_bytes[2] == 16);
    size_t size = 1;
    OK(gpuc_array_view_pack(&view, &size));
    CHECK(size == 384);
    view.shape[1] = 0;
    OK(gpuc_array_view_pack(&view, &size));
    CHECK(size == 0);
    view.ndim = 0;
    OK(gpuc_array_view_pack(&view, &size));
    CHECK(size == 16);
    // documented: gpuc_array_view_pack GPUC_ERROR_INVALID_ARGUMENT
    view.ndim = 17;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_array_view_pack(&view, &size));
    view = array_view_init();
    view.type = GPUC_TYPE_NONE;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_array_view_pack(&view, &size));
    // documented: gpuc_array_view_pack GPUC_ERROR_OVERFLOW
    view = array_view_init();
    view.ndim = 2;
    view.shape[0] = view.shape[1] = uint64_t(1) << 31;
    FAILS(GPUC_ERROR_OVERFLOW, gpuc_array_view_pack(&view, &size));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_array_view_pack(nullptr, &size));
  }

  TEST_CASE("copy") {
    const Buffer a = buffer_of(context(), 64), b = buffer_of(context(), 64);
    const int32_t numbers[6] = {1, 2, 3, 4, 5, 6};
    gpuc_array_view from = view_of(a, GPUC_TYPE_I32, {3, 2}), to = view_of(b, GPUC_TYPE_F32, {2, 3});
    OK(gpuc_array_write(queue(), &from, numbers));
    std::swap(from.shape[0], from.shape[1]);
    std::swap(from.strides_bytes[0], from.strides_bytes[1]);
    Event event, read;
    OK(gpuc_array_copy(queue(), &to, &from, nullptr, 0, event.out()));
    gpuc_event *waits[] = {event};
    std::vector<float> back(6);
    OK(gpuc_array_read_async(queue(), &to, back.data(), waits, 1, read.out()));
    OK(gpuc_event_wait(read));
    if (is_fake())
      SKIP_PART("the fake device does not compute this");
    else
      CHECK(back == std::vector<float>{1, 3, 5, 2, 4, 6});
    // documented: gpuc_array_copy GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE GPUC_ERROR_OVERFLOW
    // documented: gpuc_array_copy GPUC_ERROR_MISALIGNED GPUC_ERROR_CONTEXT_MISMATCH
    gpuc_event *none = nullptr;
    check_views([&](const gpuc_array_view *v) { return gpuc_array_copy(queue(), v, &from, nullptr, 0, &none); }, to);
    gpuc_array_view row = view_of(a, GPUC_TYPE_F32, {2, 3});
    check_views([&](const gpuc_array_view *v) { return gpuc_array_copy(queue(), &to, v, nullptr, 0, &none); }, row);
    CHECK(none == nullptr);
    row.shape[1] = 2;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_array_copy(queue(), &to, &row, nullptr, 0, nullptr));
    SAYS("does not broadcast");
    row = to;
    row.strides_bytes[0] = 0;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_array_copy(queue(), &row, &from, nullptr, 0, nullptr));
    SAYS("elements overlap");
    if (!capability(GPUC_CAPABILITY_FP64)) {
      // documented: gpuc_array_copy GPUC_ERROR_UNSUPPORTED
      const gpuc_array_view wide = view_of(a, GPUC_TYPE_F64, {2, 3});
      FAILS(GPUC_ERROR_UNSUPPORTED, gpuc_array_copy(queue(), &to, &wide, nullptr, 0, nullptr));
      SAYS("double arithmetic");
    }
  }

  TEST_CASE("fill and range") {
    const Buffer a = buffer_of(context(), 64);
    const gpuc_array_view view = view_of(a, GPUC_TYPE_F32, {4});
    const int8_t seven = 7, minus = -1;
    Event event;
    OK(gpuc_array_fill(queue(), &view, &seven, GPUC_TYPE_I8, nullptr, 0, event.out()));
    gpuc_event *waits[] = {event};
    std::vector<float> back(4);
    OK(gpuc_array_read(queue(), &view, back.data()));
    CHECK(back == std::vector<float>{7, 7, 7, 7});
    OK(gpuc_array_arange(queue(), &view, &seven, &minus, GPUC_TYPE_I8, waits, 1, nullptr));
    OK(gpuc_array_read(queue(), &view, back.data()));
    if (is_fake())
      SKIP_PART("the fake device does not compute this");
    else
      CHECK(back == std::vector<float>{7, 6, 5, 4});
    // documented: gpuc_array_fill GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE GPUC_ERROR_OVERFLOW
    // documented: gpuc_array_fill GPUC_ERROR_MISALIGNED GPUC_ERROR_CONTEXT_MISMATCH
    gpuc_event *none = nullptr;
    check_views(
        [&](const gpuc_array_view *v) { return gpuc_array_fill(queue(), v, &seven, GPUC_TYPE_I8, nullptr, 0, &none); },
        view);
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_array_fill(queue(), &view, &seven, 77, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_array_fill(queue(), &view, nullptr, GPUC_TYPE_I8, nullptr, 0, nullptr));
    // documented: gpuc_array_arange GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE GPUC_ERROR_OVERFLOW
    // documented: gpuc_array_arange GPUC_ERROR_MISALIGNED GPUC_ERROR_CONTEXT_MISMATCH
    check_views(
        [&](const gpuc_array_view *v) {
          return gpuc_array_arange(queue(), v, &seven, &minus, GPUC_TYPE_I8, nullptr, 0, &none);
        },
        view);
    const gpuc_array_view square = view_of(a, GPUC_TYPE_F32, {2, 2}), bools = view_of(a, GPUC_TYPE_BOOL, {2});
    for (const gpuc_array_view &bad : {square, bools})
      FAILS(GPUC_ERROR_INVALID_ARGUMENT,
            gpuc_array_arange(queue(), &bad, &seven, &minus, GPUC_TYPE_I8, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_array_arange(queue(), &view, &seven, &minus, -1, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT,
          gpuc_array_arange(queue(), &view, nullptr, &minus, GPUC_TYPE_I8, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT,
          gpuc_array_arange(queue(), &view, &seven, nullptr, GPUC_TYPE_I8, nullptr, 0, nullptr));
    if (!capability(GPUC_CAPABILITY_FP64)) {
      // documented: gpuc_array_arange GPUC_ERROR_UNSUPPORTED
      const gpuc_array_view wide = view_of(a, GPUC_TYPE_F64, {4});
      FAILS(GPUC_ERROR_UNSUPPORTED,
            gpuc_array_arange(queue(), &wide, &seven, &minus, GPUC_TYPE_I8, nullptr, 0, nullptr));
      OK(gpuc_array_fill(queue(), &wide, &seven, GPUC_TYPE_I8, nullptr, 0, nullptr));
    }
  }

  TEST_CASE("reads and writes") {
    const Buffer a = buffer_of(context(), 64);
    const gpuc_array_view view = view_of(a, GPUC_TYPE_F32, {2, 4});
    float host[8] = {};
    gpuc_event *none = nullptr;
    // documented: gpuc_array_read GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE GPUC_ERROR_OVERFLOW
    // documented: gpuc_array_read GPUC_ERROR_MISALIGNED GPUC_ERROR_CONTEXT_MISMATCH
    check_views([&](const gpuc_array_view *v) { return gpuc_array_read(queue(), v, host); }, view);
    // documented: gpuc_array_write GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE GPUC_ERROR_OVERFLOW
    // documented: gpuc_array_write GPUC_ERROR_MISALIGNED GPUC_ERROR_CONTEXT_MISMATCH
    check_views([&](const gpuc_array_view *v) { return gpuc_array_write(queue(), v, host); }, view);
    // documented: gpuc_array_read_async GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE GPUC_ERROR_OVERFLOW
    // documented: gpuc_array_read_async GPUC_ERROR_MISALIGNED GPUC_ERROR_CONTEXT_MISMATCH
    check_views([&](const gpuc_array_view *v) { return gpuc_array_read_async(queue(), v, host, nullptr, 0, &none); },
                view);
    // documented: gpuc_array_write_async GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE GPUC_ERROR_OVERFLOW
    // documented: gpuc_array_write_async GPUC_ERROR_MISALIGNED GPUC_ERROR_CONTEXT_MISMATCH
    check_views([&](const gpuc_array_view *v) { return gpuc_array_write_async(queue(), v, host, nullptr, 0, &none); },
                view);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_array_read(queue(), &view, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_array_write(queue(), &view, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_array_read_async(queue(), &view, nullptr, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_array_write_async(queue(), &view, nullptr, nullptr, 0, nullptr));
    gpuc_array_view empty = view;
    empty.shape[0] = 0;
    OK(gpuc_array_read(queue(), &empty, nullptr));
    OK(gpuc_array_write(queue(), &empty, nullptr));
    Event event;
    OK(gpuc_array_read_async(queue(), &empty, nullptr, nullptr, 0, event.out()));
    OK(gpuc_array_write_async(queue(), &empty, nullptr, nullptr, 0, nullptr));
    OK(gpuc_event_wait(event));
    // One element, repeated more often than any device has memory for.
    gpuc_array_view repeated = view;
    repeated.shape[0] = uint64_t(1) << 55;
    repeated.strides_bytes[0] = 0;
    // documented: gpuc_array_read GPUC_ERROR_ALLOCATION_TOO_LARGE
    FAILS(GPUC_ERROR_ALLOCATION_TOO_LARGE, gpuc_array_read(queue(), &repeated, host));
    // documented: gpuc_array_read_async GPUC_ERROR_ALLOCATION_TOO_LARGE
    FAILS(GPUC_ERROR_ALLOCATION_TOO_LARGE, gpuc_array_read_async(queue(), &repeated, host, nullptr, 0, nullptr));
    // write
  }

  TEST_CASE("products") {
    const Buffer a = buffer_of(context(), 256), b = buffer_of(context(), 256), c = buffer_of(context(), 256);
    gpuc_array_view x = view_of(a, GPUC_TYPE_F32, {2, 3}), y = view_of(b, GPUC_TYPE_F32, {2, 3});
    const gpuc_array_view z = view_of(c, GPUC_TYPE_F32, {2, 2});
    const float numbers[6] = {1, 2, 3, 4, 5, 6};
    OK(gpuc_array_write(queue(), &x, numbers));
    OK(gpuc_array_write(queue(), &y, numbers));
    std::swap(y.shape[0], y.shape[1]);
    std::swap(y.strides_bytes[0], y.strides_bytes[1]);
    gpuc_matmul_options options = matmul_options_init();
    options.alpha_real = 2;
    options.backend = "reference";
    Event event;
    OK(gpuc_array_matmul(queue(), &x, &y, &z, &options, nullptr, 0, event.out()));
    gpuc_event *waits[] = {event};
    options.beta_real = 1;
    OK(gpuc_array_matmul(queue(), &x, &y, &z, &options, waits, 1, nullptr));
    std::vector<float> back(4);
    OK(gpuc_array_read(queue(), &z, back.data()));
    if (is_fake())
      SKIP_PART("the fake device does not compute this");
    else
      CHECK(back == std::vector<float>{56, 128, 128, 308});
    // documented: gpuc_array_matmul GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE GPUC_ERROR_OVERFLOW
    // documented: gpuc_array_matmul GPUC_ERROR_MISALIGNED GPUC_ERROR_CONTEXT_MISMATCH
    gpuc_event *none = nullptr;
    check_views(
        [&](const gpuc_array_view *v) { return gpuc_array_matmul(queue(), v, &y, &z, nullptr, nullptr, 0, &none); }, x);
    check_views(
        [&](const gpuc_array_view *v) { return gpuc_array_matmul(queue(), &x, v, &z, nullptr, nullptr, 0, &none); },
        view_of(b, GPUC_TYPE_F32, {3, 2}));
    check_views(
        [&](const gpuc_array_view *v) { return gpuc_array_matmul(queue(), &x, &y, v, nullptr, nullptr, 0, &none); }, z);
    CHECK(none == nullptr);
    const auto refused = [&](const gpuc_array_view &p, const gpuc_array_view &q, const gpuc_array_view &r,
                             const char *words) {
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_array_matmul(queue(), &p, &q, &r, nullptr, nullptr, 0, nullptr));
      SAYS(words);
    };
    refused(view_of(a, GPUC_TYPE_F32, {3}), y, z, "a.ndim is 1, must be 2 or more");
    refused(x, x, z, "a has 3 columns and b has 2 rows");
    refused(x, y, view_of(c, GPUC_TYPE_F32, {2, 3}), "c holds matrices of 2 x 3, must be 2 x 2");
    refused(view_of(a, GPUC_TYPE_F32, {2, 2, 3}), y, z, "does not broadcast");
    refused(view_of(a, GPUC_TYPE_I32, {2, 3}), y, z, "type is 5");
    gpuc_array_view overlapping = z;
    overlapping.strides_bytes[0] = 4;
    refused(x, y, overlapping, "elements overlap");
    options = matmul_options_init();
    options.alpha_imag = 1;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_array_matmul(queue(), &x, &y, &z, &options, nullptr, 0, nullptr));
    options = matmul_options_init();
    options.flags = 1u << 7;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_array_matmul(queue(), &x, &y, &z, &options, nullptr, 0, nullptr));
    options = matmul_options_init();
    options.backend = "no such backend";
    // documented: gpuc_array_matmul GPUC_ERROR_NOT_FOUND
    FAILS(GPUC_ERROR_NOT_FOUND, gpuc_array_matmul(queue(), &x, &y, &z, &options, nullptr, 0, nullptr));
    if (!capability(GPUC_CAPABILITY_FP64)) {
      // documented: gpuc_array_matmul GPUC_ERROR_UNSUPPORTED
      const gpuc_array_view wide = view_of(a, GPUC_TYPE_F64, {2, 2}), out = view_of(c, GPUC_TYPE_F64, {2, 2});
      FAILS(GPUC_ERROR_UNSUPPORTED, gpuc_array_matmul(queue(), &wide, &wide, &out, nullptr, nullptr, 0, nullptr));
    }
    // One column repeated is no matrix that the GEMM can use; the copy would be larger than any device.
    gpuc_array_view wide = x, tall = y;
    wide.shape[1] = tall.shape[0] = uint64_t(1) << 50;
    wide.strides_bytes[1] = tall.strides_bytes[0] = 0;
    // documented: gpuc_array_matmul GPUC_ERROR_ALLOCATION_TOO_LARGE
    FAILS(GPUC_ERROR_ALLOCATION_TOO_LARGE, gpuc_array_matmul(queue(), &wide, &tall, &z, nullptr, nullptr, 0, nullptr));
  }
}
