#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <gpucompute/context.hpp>
#include <gpucompute/error.hpp>
#include <gpucompute/event.hpp>
#include <gpucompute/gemm.hpp>
#include <gpucompute/queue.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "gemm/gemm_backend.hpp"
#include "runtime/quirks.hpp"
#include "support/log.hpp"
#include "support/random.hpp"
#include "support/reference_gemm.hpp"
#include "support/text.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

namespace {

constexpr DataType all_types[] = {DataType::f16, DataType::f32, DataType::f64, DataType::c64, DataType::c128};
constexpr Layout both_layouts[] = {Layout::row_major, Layout::column_major};
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Bench {
  std::shared_ptr<Context> context = Context::create({select_device("")});
  std::shared_ptr<Queue> queue = Queue::create(*context, nullptr, 0);
  Device &device() const { return queue->device(); }
};

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const GemmBackend *backend : gemm_backends()) names.push_back(backend->name());
  return names;
}

bool has_backend(const std::string &name) {
  const auto names = backend_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The reason why the device cannot do it, or "".
std::string cannot(const Bench &bench, GemmProblem problem) {
  try {
    explain_gemm(*bench.queue, problem);
    return {};
  } catch (const Error &error) {
    REQUIRE(error.status() == Status::unsupported);
    return error.message();
  }
}

std::vector<Transpose> transposes(DataType type) {
  if (is_complex(type)) return {Transpose::none, Transpose::trans, Transpose::conj};
  return {Transpose::none, Transpose::trans};
}

GemmProblem problem_of(DataType type, std::int64_t m, std::int64_t n, std::int64_t k) {
  GemmProblem p;
  p.type = type;
  p.m = m;
  p.n = n;
  p.k = k;
  return p;
}

std::string describe(const GemmProblem &p) {
  return text(name_of(p.type), p.layout == Layout::row_major ? " row" : " column", " ", static_cast<int>(p.transpose_a),
              static_cast<int>(p.transpose_b), " ", p.m, "x", p.n, "x", p.k, " ld ", p.lda, " ", p.ldb, " ", p.ldc,
              " offset ", p.a_offset, " ", p.b_offset, " ", p.c_offset, " batch ", p.batch_count, " stride ",
              p.a_stride, " ", p.b_stride, " ", p.c_stride, " alpha ", p.alpha_real, ",", p.alpha_imag, " beta ",
              p.beta_real, ",", p.beta_imag, " backend '", p.backend, "'");
}

std::int64_t lines(const GemmProblem &p, Transpose transpose, std::int64_t rows, std::int64_t columns) {
  return (p.layout == Layout::row_major) == (transpose == Transpose::none) ? rows : columns;
}

// Leading dimensions, offsets and strides, each larger by some than it needs to be.
void spread(GemmProblem &p, std::int64_t pad) {
  const auto fill = [&](Transpose t, std::int64_t rows, std::int64_t columns, std::int64_t more, std::int64_t &ld,
                        std::int64_t &offset, std::int64_t &stride) {
    const std::int64_t count = lines(p, t, rows, columns), length = rows + columns - count;
    ld = std::max<std::int64_t>(length, 1) + (pad ? more : 0);
    offset = pad ? pad + more : 0;
    stride = p.batch_count > 1 ? std::max<std::int64_t>(count, 1) * ld + (pad ? more : 0) : 0;
  };
  fill(p.transpose_a, p.m, p.k, pad, p.lda, p.a_offset, p.a_stride);
  fill(p.transpose_b, p.k, p.n, pad + 1, p.ldb, p.b_offset, p.b_stride);
  fill(Transpose::none, p.m, p.n, pad + 2, p.ldc, p.c_offset, p.c_stride);
}

// The elements of a matrix, one by one: at(index in the buffer, row, column, product).
template <class At>
void for_elements(const GemmProblem &p, Transpose transpose, std::int64_t rows, std::int64_t columns, std::int64_t ld,
                  std::int64_t offset, std::int64_t stride, At at) {
  for (std::int64_t product = 0; product < p.batch_count; ++product)
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c)
        at(static_cast<std::size_t>(offset + product * stride + element_index(p.layout, transpose, r, c, ld)), r, c,
           product);
}

using Fill = std::function<Complex(Random &)>;
Complex ordinary(Random &random) { return {random.real(-1, 1), random.real(-1, 1)}; }

// A matrix with `around` everywhere that is not an element of it, and a guard band after its end.
Bytes make_matrix(const GemmProblem &p, Transpose transpose, std::int64_t rows, std::int64_t columns, std::int64_t ld,
                  std::int64_t offset, std::int64_t stride, Random &random, const Fill &fill, Complex around) {
  const std::size_t element = size_of(p.type), guard = 19;
  std::size_t count = static_cast<std::size_t>(offset) + guard;
  for_elements(p, transpose, rows, columns, ld, offset, stride,
               [&](std::size_t i, auto, auto, auto) { count = std::max(count, i + 1 + guard); });
  Bytes bytes(count * element);
  for (std::size_t i = 0; i < count; ++i) encode(p.type, around, bytes.data() + i * element);
  for_elements(p, transpose, rows, columns, ld, offset, stride,
               [&](std::size_t i, auto, auto, auto) { encode(p.type, fill(random), bytes.data() + i * element); });
  return bytes;
}

// On the device, as a slice that starts at an element where no sub-buffer could.
std::shared_ptr<Buffer> upload(const Bench &bench, const GemmProblem &p, const Bytes &bytes) {
  const std::size_t before = 3 * size_of(p.type);
  const auto whole = Buffer::create(*bench.context, before + bytes.size());
  auto slice = whole->slice(before, bytes.size());
  slice->write(*bench.queue, 0, bytes.size(), bytes.data());
  return slice;
}

bool same(double got, double expected, double bound) {
  if (std::isnan(expected)) return std::isnan(got);
  if (std::isinf(expected)) return got == expected;
  return std::abs(got - expected) <= bound;
}

struct Fills {
  Fill a = ordinary, b = ordinary, c = ordinary;
};

// Computes on the device of the queue and compares. Returns what is wrong, "" if nothing is.
std::string run_and_compare(const Bench &bench, Queue &queue, GemmProblem p, std::uint64_t salt,
                            const Fills &fills = {}) {
  Random random(salt);
  // NaN around A and B: what is read there shows in C.
  const Bytes a =
      make_matrix(p, p.transpose_a, p.m, p.k, p.lda, p.a_offset, p.a_stride, random, fills.a, {nan_value, nan_value});
  const Bytes b =
      make_matrix(p, p.transpose_b, p.k, p.n, p.ldb, p.b_offset, p.b_stride, random, fills.b, {nan_value, nan_value});
  const Bytes before =
      make_matrix(p, Transpose::none, p.m, p.n, p.ldc, p.c_offset, p.c_stride, random, fills.c, {-77, 55});
  const auto buffer_a = upload(bench, p, a), buffer_b = upload(bench, p, b), buffer_c = upload(bench, p, before);
  bench.queue->finish();
  gemm(queue, p, buffer_a.get(), buffer_b.get(), *buffer_c);
  queue.finish();
  Bytes after(before.size());
  buffer_c->read(queue, 0, after.size(), after.data());

  const std::size_t element = size_of(p.type);
  const bool half_sums =
      p.type == DataType::f16 && p.backend != "reference" && bench.queue->device().capabilities().fp16 == Fp16::math;
  Bytes rest = after;
  std::vector<ReferenceGemm> expected;
  for (std::int64_t product = 0; product < p.batch_count; ++product)
    expected.push_back(reference_product(p, a, b, before, product));
  std::size_t wrong = 0;
  std::string first;
  for_elements(
      p, Transpose::none, p.m, p.n, p.ldc, p.c_offset, p.c_stride,
      [&](std::size_t i, auto row, auto column, auto product) {
        const auto &reference = expected[static_cast<std::size_t>(product)];
        const auto at = static_cast<std::size_t>(row * p.n + column);
        const Complex got = decode(p.type, after.data() + i * element), value = reference.values[at];
        const double bound = gemm_error_bound(p.type, p.k, reference.magnitudes[at], value, half_sums);
        if (!same(got.real(), value.real(), bound) || (is_complex(p.type) && !same(got.imag(), value.imag(), bound))) {
          if (wrong++ == 0)
            first =
                text("product ", product, " (", row, ", ", column, ") is ", got, ", should be ", value, " +- ", bound);
        }
        std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(i * element), element,
                    rest.begin() + static_cast<std::ptrdiff_t>(i * element));
      });
  if (wrong) return text(describe(p), ": ", wrong, " wrong, seed ", random.seed(), "; ", first);
  if (rest != before) return text(describe(p), ": wrote outside of C, seed ", random.seed());
  return {};
}

void check_gemm(const Bench &bench, const GemmProblem &p, std::uint64_t salt, const Fills &fills = {}) {
  CHECK_EQ(run_and_compare(bench, *bench.queue, p, salt, fills), "");
}

// CLBlast builds all its kernels for each type, and those for batches apart. A CPU's compiler takes a minute for some;
// what is left out differs from the rest in the type alone.
std::string too_slow_to_build(const Bench &bench, const GemmProblem &p) {
  const char *full = std::getenv("GPUC_TEST_FULL");
  if (p.backend != "clblast" || bench.device().info().type != DeviceType::cpu || (full && std::string(full) == "1"))
    return {};
  const bool slow = p.type == DataType::c128 || (p.type != DataType::f32 && p.batch_count > 1);
  return slow ? "takes minutes to build for a CPU; GPUC_TEST_FULL=1 runs it" : "";
}

// Backends that can serve such problems on the device; says why the others cannot.
std::vector<std::string> able_backends(const Bench &bench, DataType type, std::int64_t batch_count = 1) {
  std::vector<std::string> able;
  GemmProblem p = problem_of(type, 8, 8, 8);
  p.batch_count = batch_count;
  p.c_stride = 64;
  for (const std::string &name : backend_names()) {
    p.backend = name;
    std::string reason = cannot(bench, p);
    if (reason.empty()) reason = too_slow_to_build(bench, p);
    if (reason.empty())
      able.push_back(name);
    else
      MESSAGE("skipped: ", name, " ", name_of(type), batch_count > 1 ? " in batches: " : ": ", reason);
  }
  return able;
}

void check_error(Status status, const std::string &named, const std::function<void()> &call) {
  try {
    call();
  } catch (const Error &error) {
    CHECK_MESSAGE(error.status() == status, status_name(error.status()), ": ", error.message());
    CHECK_MESSAGE(error.message().find(named) != std::string::npos, "'", named, "' is not in: ", error.message());
    return;
  }
  FAIL_CHECK("no error, expected ", status_name(status), " about ", named);
}

}  // namespace

TEST_SUITE_BEGIN("gemm");

TEST_CASE("every backend, type, transpose and layout") {
  const Bench bench;
  std::uint64_t salt = 1;
  for (std::int64_t batch_count : {1, 3})
    for (DataType type : all_types)
      for (const std::string &backend : able_backends(bench, type, batch_count))
        for (Transpose ta : transposes(type))
          for (Transpose tb : transposes(type))
            for (Layout layout : both_layouts) {
              GemmProblem p = batch_count == 1 ? problem_of(type, 37, 21, 33) : problem_of(type, 17, 35, 9);
              p.backend = backend;
              p.transpose_a = ta;
              p.transpose_b = tb;
              p.layout = layout;
              p.batch_count = batch_count;
              p.alpha_real = 0.5;
              p.beta_real = -1.25;
              if (is_complex(type)) p.alpha_imag = 2, p.beta_imag = 0.75;
              spread(p, 3);
              check_gemm(bench, p, ++salt);
            }
}

TEST_CASE("sizes") {
  const Bench bench;
  const std::int64_t sizes[][3] = {{1, 1, 1},    {1, 1, 70},   {1, 50, 1},   {50, 1, 1},   {1, 64, 64},
                                   {64, 1, 64},  {64, 64, 1},  {2, 3, 5},    {16, 16, 16}, {15, 17, 31},
                                   {64, 64, 64}, {65, 63, 66}, {128, 96, 32}};
  std::uint64_t salt = 1000;
  for (DataType type : {DataType::f16, DataType::f32, DataType::c64})
    for (const std::string &backend : able_backends(bench, type))
      for (const auto &size : sizes)
        for (std::int64_t pad : {0, 2}) {
          GemmProblem p = problem_of(type, size[0], size[1], size[2]);
          p.backend = backend;
          p.beta_real = 1;
          p.transpose_b = Transpose::trans;
          spread(p, pad);
          check_gemm(bench, p, ++salt);
        }
}

TEST_CASE("products that clblast packs") {
  const Bench bench;
  if (quirks_of(bench.device()).checker) {
    MESSAGE("skipped: too slow on a checker");
    return;
  }
  std::uint64_t salt = 2000;
  for (const std::string &backend : able_backends(bench, DataType::f32))
    for (int variant = 0; variant < 3; ++variant) {
      // Multiples of every tile, then odd; the second matrix of a batch never starts at offset 0.
      GemmProblem p = problem_of(DataType::f32, 640, 640, 512);
      if (variant == 1) p = problem_of(DataType::f32, 577, 583, 591);
      p.backend = backend;
      p.layout = variant == 2 ? Layout::column_major : Layout::row_major;
      p.transpose_a = variant == 1 ? Transpose::trans : Transpose::none;
      p.batch_count = variant == 1 ? 1 : 2;
      p.beta_real = 0.5;
      spread(p, variant == 2 ? 0 : 5);
      check_gemm(bench, p, ++salt);
    }
}

TEST_CASE("batches") {
  const Bench bench;
  std::uint64_t salt = 3000;
  for (DataType type : {DataType::f32, DataType::c64})
    for (const std::string &backend : able_backends(bench, type, 5))
      for (Layout layout : both_layouts) {
        GemmProblem p = problem_of(type, 9, 7, 11);
        p.backend = backend;
        p.layout = layout;
        p.batch_count = 5;
        p.beta_real = 2;
        spread(p, 2);
        check_gemm(bench, p, ++salt);
        p.a_stride = 0;  // one A for all
        check_gemm(bench, p, ++salt);
        p.b_stride = 0;
        check_gemm(bench, p, ++salt);
        // C side by side: every product is a block of columns (row-major) of one large matrix.
        const std::int64_t length = layout == Layout::row_major ? p.n : p.m;
        p.c_stride = length + 1;
        p.ldc = p.c_stride * p.batch_count;
        check_gemm(bench, p, ++salt);
      }
}

TEST_CASE("beta 0 does not read C, alpha 0 and k 0 do not read A and B") {
  const Bench bench;
  const Fills nan_c{ordinary, ordinary, [](Random &) { return Complex(nan_value, nan_value); }};
  const Fills nan_ab{[](Random &) { return Complex(nan_value, nan_value); },
                     [](Random &) { return Complex(infinity, nan_value); }, ordinary};
  const Fills nan_all{nan_ab.a, nan_ab.b, nan_c.c};
  std::uint64_t salt = 4000;
  for (std::int64_t batch_count : {1, 3})
    for (DataType type : all_types)
      for (const std::string &backend : able_backends(bench, type, batch_count)) {
        GemmProblem p = problem_of(type, 33, 18, 20);
        p.backend = backend;
        p.batch_count = batch_count;
        spread(p, 2);
        check_gemm(bench, p, ++salt, nan_c);
        p.beta_real = -0.0;
        check_gemm(bench, p, ++salt, nan_c);
        p.alpha_real = 0;
        check_gemm(bench, p, ++salt, nan_all);
        p.beta_real = 0.5;
        check_gemm(bench, p, ++salt, nan_ab);
        p.beta_real = 1;
        check_gemm(bench, p, ++salt, nan_ab);
        if (is_complex(type)) {
          p.beta_real = 0;
          p.beta_imag = 1;
          check_gemm(bench, p, ++salt, nan_ab);
          p.beta_imag = 0;
        }
        p.beta_real = 0.5;
        p.alpha_real = 2;
        p.k = 0;
        p.lda = p.ldb = 0;
        check_gemm(bench, p, ++salt);
        p.beta_real = 0;
        check_gemm(bench, p, ++salt, nan_c);
      }
}

TEST_CASE("NaN and infinity go from A and B to C") {
  const Bench bench;
  std::uint64_t salt = 5000;
  for (DataType type : {DataType::f16, DataType::f32, DataType::f64})
    for (const std::string &backend : able_backends(bench, type)) {
      GemmProblem p = problem_of(type, 20, 19, 21);
      p.backend = backend;
      p.beta_real = 1;
      spread(p, 2);
      for (double special : {infinity, -infinity, nan_value}) {
        // One element in about 50.
        const Fill some = [special](Random &random) {
          return random.integer(0, 49) ? ordinary(random) : Complex(special, 0);
        };
        check_gemm(bench, p, ++salt, {some, ordinary, ordinary});
        check_gemm(bench, p, ++salt, {ordinary, some, ordinary});
        check_gemm(bench, p, ++salt, {some, some, some});
      }
    }
}

TEST_CASE("scaling writes all of a large C") {
  const Bench bench;
  GemmProblem p = problem_of(DataType::f32, 1030, 1050, 0);  // more elements than work-items
  p.beta_real = 3;
  spread(p, 2);
  check_gemm(bench, p, 5500);
}

TEST_CASE("nothing to compute: C stays, the event follows the waits") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 64);
  const std::vector<float> before(16, 7);
  std::vector<float> after(16);
  buffer->write(*bench.queue, 0, 64, before.data());
  GemmProblem empty[] = {problem_of(DataType::f32, 0, 4, 4), problem_of(DataType::f32, 4, 0, 4),
                         problem_of(DataType::f32, 4, 4, 4), problem_of(DataType::f32, 0, INT64_MAX, INT64_MAX)};
  empty[2].batch_count = 0;
  for (const GemmProblem &p : empty) {
    CAPTURE(describe(p));
    std::shared_ptr<Event> event;
    gemm(*bench.queue, p, nullptr, nullptr, *buffer, {}, &event);
    REQUIRE(event);
    event->wait();
    CHECK(explain_gemm(*bench.queue, p).find("nothing is computed") != std::string::npos);
  }
  buffer->read(*bench.queue, 0, 64, after.data());
  CHECK(after == before);

  if (quirks_of(bench.device()).no_user_events) {
    MESSAGE("skipped: the device has no working user events");
    return;
  }
  const auto gate = Event::create_user(*bench.context);
  const cl_event native = gate->native();
  std::shared_ptr<Event> event;
  gemm(*bench.queue, empty[0], nullptr, nullptr, *buffer, {&native, 1}, &event);
  bench.queue->flush();
  CHECK(event->state() != EventState::complete);
  gate->complete(0);
  event->wait();
}

TEST_CASE("a product starts after its waits and its event follows it") {
  const Bench bench;
  if (quirks_of(bench.device()).no_user_events) {
    MESSAGE("skipped: the device has no working user events");
    return;
  }
  std::vector<std::uint32_t> flags = {0};
  if (bench.device().info().out_of_order)
    flags.push_back(Queue::out_of_order);
  else
    MESSAGE("skipped: the device has no out-of-order queues");
  for (const std::string &backend : able_backends(bench, DataType::f32))
    for (std::uint32_t flag : flags)
      for (std::int64_t batch_count : {1, 4}) {
        CAPTURE(backend);
        CAPTURE(flag);
        const auto queue = Queue::create(*bench.context, nullptr, flag);
        GemmProblem p = problem_of(DataType::f32, 8, 8, 8);
        p.backend = backend;
        p.batch_count = batch_count;
        p.a_stride = p.b_stride = p.c_stride = 64;
        const std::size_t count = static_cast<std::size_t>(batch_count) * 64;
        const std::vector<float> zeros(count, 0), ones(count, 1);
        std::vector<float> result(count, -1);
        const auto a = Buffer::create(*bench.context, count * 4), b = Buffer::create(*bench.context, count * 4),
                   c = Buffer::create(*bench.context, count * 4);
        a->write(*queue, 0, count * 4, zeros.data());
        b->write(*queue, 0, count * 4, ones.data());
        c->write(*queue, 0, count * 4, result.data());
        queue->finish();
        const auto gate = Event::create_user(*bench.context);
        const cl_event native_gate = gate->native();
        std::shared_ptr<Event> event;
        gemm(*queue, p, a.get(), b.get(), *c, {&native_gate, 1}, &event);
        REQUIRE(event);
        queue->flush();
        a->write(*bench.queue, 0, count * 4, ones.data());
        gate->complete(0);
        event->wait();
        c->read(*bench.queue, 0, count * 4, result.data());
        CHECK(result == std::vector<float>(count, 8));
      }
}

TEST_CASE("products that share a workspace on an out-of-order queue") {
  const Bench bench;
  if (!bench.device().info().out_of_order || quirks_of(bench.device()).checker) {
    MESSAGE("skipped: the device has no out-of-order queues, or is a checker");
    return;
  }
  const auto queue = Queue::create(*bench.context, nullptr, Queue::out_of_order);
  GemmProblem p = problem_of(DataType::f32, 600, 600, 600);
  p.batch_count = 3;
  p.a_stride = 0;
  spread(p, 1);
  CHECK_EQ(run_and_compare(bench, *queue, p, 5800), "");
}

TEST_CASE("description errors") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 4096), other = Buffer::create(*bench.context, 4096);
  const auto third = Buffer::create(*bench.context, 4096);
  const auto expect = [&](Status status, const std::string &named, const std::function<void(GemmProblem &)> &change) {
    GemmProblem p = problem_of(DataType::f32, 4, 5, 6);
    change(p);
    CAPTURE(describe(p));
    check_error(status, named, [&] { gemm(*bench.queue, p, buffer.get(), other.get(), *third); });
    check_error(status, named, [&] { explain_gemm(*bench.queue, p); });
  };
  const auto invalid = Status::invalid_argument;
  expect(invalid, "type", [](GemmProblem &p) { p.type = DataType::bf16; });
  expect(invalid, "type", [](GemmProblem &p) { p.type = static_cast<DataType>(99); });
  expect(invalid, "type", [](GemmProblem &p) { p.type = DataType::i32; });
  expect(invalid, "layout", [](GemmProblem &p) { p.layout = static_cast<Layout>(2); });
  expect(invalid, "transpose_a", [](GemmProblem &p) { p.transpose_a = static_cast<Transpose>(3); });
  expect(invalid, "transpose_b", [](GemmProblem &p) { p.transpose_b = static_cast<Transpose>(-1); });
  expect(invalid, "m is -1", [](GemmProblem &p) { p.m = -1; });
  expect(invalid, "n is -1", [](GemmProblem &p) { p.n = -1; });
  expect(invalid, "k is -1", [](GemmProblem &p) { p.k = -1; });
  expect(invalid, "lda is -1", [](GemmProblem &p) { p.lda = -1; });
  expect(invalid, "ldb is -1", [](GemmProblem &p) { p.ldb = -1; });
  expect(invalid, "ldc is -1", [](GemmProblem &p) { p.ldc = -1; });
  expect(invalid, "a_offset", [](GemmProblem &p) { p.a_offset = -1; });
  expect(invalid, "b_offset", [](GemmProblem &p) { p.b_offset = -1; });
  expect(invalid, "c_offset", [](GemmProblem &p) { p.c_offset = -1; });
  expect(invalid, "batch_count", [](GemmProblem &p) { p.batch_count = -1; });
  expect(invalid, "a_stride", [](GemmProblem &p) { p.a_stride = -1; });
  expect(invalid, "b_stride", [](GemmProblem &p) { p.b_stride = -1; });
  expect(invalid, "c_stride", [](GemmProblem &p) { p.c_stride = INT64_MIN; });
  expect(invalid, "alpha_imag", [](GemmProblem &p) { p.alpha_imag = 1; });
  expect(invalid, "beta_imag", [](GemmProblem &p) { p.beta_imag = 1; });
  expect(invalid, "lda is 5, must be >= 6 (row-major, A not transposed)", [](GemmProblem &p) { p.lda = 5; });
  expect(invalid, "lda is 3, must be >= 4 (row-major, A transposed)",
         [](GemmProblem &p) { p.lda = 3, p.transpose_a = Transpose::trans; });
  expect(invalid, "lda is 3, must be >= 4 (column-major, A not transposed)",
         [](GemmProblem &p) { p.lda = 3, p.layout = Layout::column_major; });
  expect(invalid, "ldb is 4, must be >= 5 (row-major, B not transposed)", [](GemmProblem &p) { p.ldb = 4; });
  expect(invalid, "ldb is 5, must be >= 6 (row-major, B transposed)",
         [](GemmProblem &p) { p.ldb = 5, p.transpose_b = Transpose::conj; });
  expect(invalid, "ldc is 4, must be >= 5 (row-major)", [](GemmProblem &p) { p.ldc = 4; });
  expect(invalid, "ldc is 3, must be >= 4 (column-major)",
         [](GemmProblem &p) { p.ldc = 3, p.layout = Layout::column_major; });
  expect(invalid, "c_stride is 0, must be >= 20", [](GemmProblem &p) { p.batch_count = 2; });
  expect(invalid, "c_stride is 19, must be >= 20", [](GemmProblem &p) { p.batch_count = 2, p.c_stride = 19; });
  expect(invalid, "c_stride is 8", [](GemmProblem &p) { p.batch_count = 3, p.c_stride = 8, p.ldc = 20; });
  expect(Status::not_found, "'no such'", [](GemmProblem &p) { p.backend = "no such"; });
  const std::int64_t most = INT64_MAX;
  expect(Status::overflow, "a_offset", [most](GemmProblem &p) { p.a_offset = most; });
  expect(Status::overflow, "lda", [most](GemmProblem &p) { p.lda = most; });
  expect(Status::overflow, "ldb", [most](GemmProblem &p) { p.ldb = most / 2; });
  expect(Status::overflow, "ldc", [most](GemmProblem &p) { p.ldc = most; });
  expect(Status::overflow, "b_stride",
         [most](GemmProblem &p) { p.batch_count = most, p.b_stride = most, p.c_stride = 20; });
  expect(Status::overflow, "c_stride", [most](GemmProblem &p) { p.batch_count = most, p.c_stride = most; });
  expect(Status::overflow, "the end of a", [most](GemmProblem &p) { p.m = most, p.k = most; });
  expect(Status::overflow, "the end of c", [most](GemmProblem &p) { p.m = most, p.n = most, p.k = 0; });
}

TEST_CASE("buffer errors") {
  const Bench bench, elsewhere;
  // A 4 x 6: 96 bytes; B 6 x 5: 120 bytes; C 4 x 5: 80 bytes.
  const GemmProblem p = problem_of(DataType::f32, 4, 5, 6);
  const auto a = Buffer::create(*bench.context, 96), b = Buffer::create(*bench.context, 120),
             c = Buffer::create(*bench.context, 80);
  const auto foreign = Buffer::create(*elsewhere.context, 4096), large = Buffer::create(*bench.context, 4096);
  gemm(*bench.queue, p, a.get(), b.get(), *c);
  const auto expect = [&](Status status, const std::string &named, const GemmProblem &problem, Buffer *pa, Buffer *pb,
                          Buffer &pc) {
    CAPTURE(describe(problem));
    check_error(status, named, [&] { gemm(*bench.queue, problem, pa, pb, pc); });
  };
  expect(Status::null_argument, "a is NULL", p, nullptr, b.get(), *c);
  expect(Status::null_argument, "b is NULL", p, a.get(), nullptr, *c);
  expect(Status::context_mismatch, "queue and a", p, foreign.get(), b.get(), *c);
  expect(Status::context_mismatch, "queue and b", p, a.get(), foreign.get(), *c);
  expect(Status::context_mismatch, "queue and c", p, a.get(), b.get(), *foreign);

  expect(Status::out_of_range, "a reaches byte 96", p, a->slice(0, 95).get(), b.get(), *c);
  expect(Status::out_of_range, "b reaches byte 120", p, a.get(), b->slice(0, 116).get(), *c);
  expect(Status::out_of_range, "c reaches byte 80", p, a.get(), b.get(), *c->slice(0, 79));
  GemmProblem q = p;
  q.layout = Layout::column_major;  // the names must not be exchanged with the matrices
  expect(Status::out_of_range, "a reaches byte 96", q, a->slice(0, 95).get(), b.get(), *c);
  expect(Status::out_of_range, "b reaches byte 120", q, a.get(), b->slice(0, 116).get(), *c);
  q = p;
  q.a_offset = 1;
  expect(Status::out_of_range, "a reaches byte 100", q, a.get(), b.get(), *c);
  q = p;
  q.ldc = 6;  // the last row needs no padding
  expect(Status::out_of_range, "c reaches byte 92", q, a.get(), b.get(), *c);
  q = p;
  q.batch_count = 2;
  q.c_stride = 20;
  expect(Status::out_of_range, "c reaches byte 160", q, a.get(), b.get(), *c);
  gemm(*bench.queue, q, a.get(), b.get(), *large);  // one A and B for both products
  q.b_stride = 1;
  expect(Status::out_of_range, "b reaches byte 124", q, a.get(), b.get(), *large);
  q = p;
  q.a_offset = (std::int64_t(1) << 60) - 100;  // 2^62 bytes: a 32- or 64-bit sum of these would wrap
  expect(Status::out_of_range, "a reaches byte", q, a.get(), b.get(), *c);

  expect(Status::misaligned, "a is a slice", p, large->slice(2, 2000).get(), b.get(), *c);
  expect(Status::misaligned, "b is a slice", p, a.get(), large->slice(1, 2000).get(), *c);
  expect(Status::misaligned, "c is a slice", p, a.get(), b.get(), *large->slice(3, 2000));
  if (bench.device().capabilities().fp64) {
    const GemmProblem wide = problem_of(DataType::c128, 1, 1, 1);
    expect(Status::misaligned, "c is a slice", wide, a.get(), b.get(), *large->slice(8, 2000));
  }

  expect(Status::overlap, "with a", p, large.get(), b.get(), *large);
  expect(Status::overlap, "with b", p, a.get(), large->slice(76, 120).get(), *large);
  gemm(*bench.queue, p, large->slice(80, 96).get(), large->slice(176, 120).get(), *large);  // side by side
  q = p;
  q.c_offset = 24;
  gemm(*bench.queue, q, large.get(), b.get(), *large);  // by offset
  q.c_offset = 23;
  expect(Status::overlap, "with a", q, large.get(), b.get(), *large);
  q.k = 0;  // not read: no overlap
  gemm(*bench.queue, q, large.get(), large.get(), *large);
  gemm(*bench.queue, p, large.get(), large.get(), *c);  // A and B may be one
  bench.queue->finish();
}

TEST_CASE("a type that the device lacks is refused by name") {
  const Bench bench;
  if (bench.device().capabilities().fp64) {
    MESSAGE("skipped: the device has f64");
    return;
  }
  const auto a = Buffer::create(*bench.context, 64), c = Buffer::create(*bench.context, 64);
  for (DataType type : {DataType::f64, DataType::c128})
    for (std::int64_t k : {0, 1})
      check_error(Status::unsupported, "f64",
                  [&] { gemm(*bench.queue, problem_of(type, 1, 1, k), a.get(), a.get(), *c); });
}

TEST_CASE("explain") {
  const Bench bench;
  GemmProblem p = problem_of(DataType::f32, 100, 100, 100);
  std::string told = explain_gemm(*bench.queue, p);
  CAPTURE(told);
  const auto names = backend_names();
  CHECK(static_cast<std::size_t>(std::count(told.begin(), told.end(), '\n')) == names.size());
  CHECK(told.back() == '\n');
  CHECK(told.substr(0, told.find('\n')).find(": chosen: ") != std::string::npos);
  for (const std::string &name : names) {
    p.backend = name;
    told = explain_gemm(*bench.queue, p);
    CHECK(told.rfind(name + ": chosen: asked for by name", 0) == 0);
  }
  p.backend.clear();
  p.alpha_real = 0;
  CHECK(explain_gemm(*bench.queue, p).find("only scaled") != std::string::npos);

  p = problem_of(DataType::f32, 10, 10, 10);
  p.lda = std::int64_t(1) << 31;
  told = explain_gemm(*bench.queue, p);
  CHECK(told.rfind("reference: chosen: ", 0) == 0);
  if (!has_backend("clblast")) {
    MESSAGE("skipped: CLBlast is not compiled in");
    return;
  }
  CHECK(told.find("clblast: refused: it indexes with 32 bits") != std::string::npos);
  p.backend = "clblast";
  check_error(Status::unsupported, "32 bits", [&] { explain_gemm(*bench.queue, p); });
  p = problem_of(DataType::f16, 10, 10, 10);
  p.alpha_real = 0.1;
  CHECK(explain_gemm(*bench.queue, p).rfind("reference: chosen: ", 0) == 0);
}

namespace {

// What is printed to either stream while it lives goes nowhere.
class Silence {
 public:
  Silence() {
    std::fflush(nullptr);
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int i : {1, 2}) {
      kept_[i] = ::dup(i);
      ::dup2(nowhere, i);
    }
    ::close(nowhere);
  }
  ~Silence() {
    std::fflush(nullptr);
    for (int i : {1, 2}) {
      ::dup2(kept_[i], i);
      ::close(kept_[i]);
    }
  }
  Silence(const Silence &) = delete;
  Silence &operator=(const Silence &) = delete;

 private:
  int kept_[3] = {-1, -1, -1};
};

}  // namespace

TEST_CASE("where a backend fails to build, the next one serves") {
  if (!has_backend("clblast")) {
    MESSAGE("skipped: CLBlast is not compiled in");
    return;
  }
  const Bench bench;
  std::string logged;
  log_set([](void *to, int, const char *message) { *static_cast<std::string *>(to) += message; }, &logged,
          LogLevel::warning);
  ::setenv("CLBLAST_BUILD_OPTIONS", "-Dget_group_id=+/+", 1);  // read by CLBlast
  GemmProblem p = problem_of(DataType::f32, 20, 30, 40);
  spread(p, 1);
  std::string wrong;
  {
    const Silence silence;  // CLBlast prints the compiler's log
    wrong = run_and_compare(bench, *bench.queue, p, 6000);
  }
  CHECK_EQ(wrong, "");
  CHECK(logged.find("clblast") != std::string::npos);
  CHECK(explain_gemm(*bench.queue, p).find("clblast: refused: it failed before") != std::string::npos);
  p.backend = "clblast";
  check_error(Status::unsupported, "failed before", [&] { explain_gemm(*bench.queue, p); });
  ::unsetenv("CLBLAST_BUILD_OPTIONS");
  logged.clear();
  p.backend.clear();
  check_gemm(bench, p, 6001);  // not tried again
  CHECK_EQ(logged, "");
  log_set(nullptr, nullptr, LogLevel::off);

  const Bench fresh;
  CHECK(explain_gemm(*fresh.queue, p).rfind("clblast: chosen", 0) == 0);
  check_gemm(fresh, p, 6002);
}

TEST_CASE("a product does not keep its context alive") {
  for (const std::string &backend : backend_names()) {
    CAPTURE(backend);
    std::weak_ptr<Context> gone;
    cl_context native = nullptr;
    {
      const Bench bench;
      GemmProblem p = problem_of(DataType::f32, 8, 8, 8);
      spread(p, 0);
      p.backend = backend;
      check_gemm(bench, p, 7000);
      p.k = 0;
      check_gemm(bench, p, 7001);
      gone = bench.context;
      native = bench.context->native();
      clRetainContext(native);
    }
    CHECK(gone.expired());
    cl_uint references = 0;
    CHECK(clGetContextInfo(native, CL_CONTEXT_REFERENCE_COUNT, sizeof references, &references, nullptr) == CL_SUCCESS);
    CHECK(references == 1);
    clReleaseContext(native);
  }
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("gemm threads");

TEST_CASE("products from four threads at once") {
  const Bench bench;
  if (quirks_of(bench.device()).checker) {
    MESSAGE("skipped: a checker runs one kernel at a time");
    return;
  }
  constexpr std::size_t count = 4;
  std::string wrong[count];
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < count; ++t)
    threads.emplace_back([&, t] {
      try {
        // Two threads share a queue.
        const auto queue = t < 2 ? bench.queue : Queue::create(*bench.context, nullptr, 0);
        for (std::int64_t i = 0; i < 8 && wrong[t].empty(); ++i) {
          const auto size = static_cast<std::int64_t>(t) * 13 + i;
          GemmProblem p = problem_of(i % 2 ? DataType::c64 : DataType::f32, 20 + size, 30 - size / 2, 25 + size);
          p.layout = t % 2 ? Layout::column_major : Layout::row_major;
          p.batch_count = i % 3 == 2 ? 3 : 1;
          p.beta_real = i % 4 ? 0.5 : 0;
          if (i == 5) p.k = 0;
          if (i == 6) p.backend = "reference";
          spread(p, i % 2);
          wrong[t] = run_and_compare(bench, *queue, p, 8000 + t * 100 + static_cast<std::uint64_t>(i));
        }
      } catch (const Error &error) {
        wrong[t] = error.message();
      }
    });
  for (std::thread &thread : threads) thread.join();
  for (const std::string &text_of_one : wrong) CHECK_EQ(text_of_one, "");
}

TEST_CASE("contexts come and go in four threads") {
  if (quirks_of(Bench().device()).checker) {
    MESSAGE("skipped: a checker runs one kernel at a time");
    return;
  }
  std::string wrong[4];
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      try {
        for (std::uint64_t i = 0; i < 3 && wrong[t].empty(); ++i) {
          const Bench bench;
          GemmProblem p = problem_of(DataType::f32, 20, 30, 25);
          spread(p, 1);
          wrong[t] = run_and_compare(bench, *bench.queue, p, 9000 + t * 100 + i);
        }
      } catch (const Error &error) {
        wrong[t] = error.message();
      }
    });
  for (std::thread &thread : threads) thread.join();
  for (const std::string &text_of_one : wrong) CHECK_EQ(text_of_one, "");
}

TEST_SUITE_END();
