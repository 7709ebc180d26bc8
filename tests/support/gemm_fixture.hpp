// What the tests of matrix products share: problems with odd strides and offsets, and a run of one that is compared
// with float64, with NaN around the inputs and guard bands around the output.
#pragma once

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
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "gemm/gemm_backend.hpp"
#include "program/kernel_source.hpp"
#include "runtime/quirks.hpp"
#include "support/device_needs.hpp"
#include "support/random.hpp"
#include "support/reference_gemm.hpp"
#include "support/skip.hpp"
#include "support/text.hpp"

// Apart from fixture.hpp, whose Bench is another.
namespace gpucompute::test::gemms {

inline constexpr DataType all_types[] = {DataType::f16, DataType::f32, DataType::f64, DataType::c64, DataType::c128};
inline constexpr Layout both_layouts[] = {Layout::row_major, Layout::column_major};
inline constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

struct Bench {
  std::shared_ptr<Context> context = Context::create({select_device("")});
  std::shared_ptr<Queue> queue = Queue::create(*context, nullptr, 0);
  Device &device() const { return queue->device(); }
};

// Whether the backend for CPU devices takes it.
inline bool is_cpu(const Bench &bench) {
  return bench.device().info().type == DeviceType::cpu || quirks_of(bench.device()).checker;
}

inline std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const GemmBackend *backend : gemm_backends()) names.push_back(backend->name());
  return names;
}

inline bool has_backend(const std::string &name) {
  const auto names = backend_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The library's kernels in a folder of their own, where those of one backend do not build: files that start with
// `broken`. Contexts that are made meanwhile have to do without it.
class BrokenKernels {
 public:
  explicit BrokenKernels(const std::string &broken) {
    for (const EmbeddedKernel *kernel = embedded_kernels; kernel->name; ++kernel) {
      const std::string name = kernel->name;
      const std::filesystem::path path = folder_ / name;
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path) << (name.rfind(broken, 0) == 0 ? "this is broken\n" : "") << kernel->source;
    }
    ::setenv("GPUC_KERNEL_DIR", folder_.c_str(), 1);
  }
  ~BrokenKernels() {
    ::unsetenv("GPUC_KERNEL_DIR");
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  BrokenKernels(const BrokenKernels &) = delete;
  BrokenKernels &operator=(const BrokenKernels &) = delete;

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("gpuc-kernels-" + std::to_string(::getpid()));
};

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

// Of "backend 'x' cannot serve this problem on 'device': reason" the reason, for what counts reasons.
inline std::string bare_reason(const std::string &message) {
  const std::size_t at = message.rfind("': ");
  return at == std::string::npos ? message : message.substr(at + 3);
}

// The reason why the device cannot do it, or "".
inline std::string cannot(const Bench &bench, GemmProblem problem) {
  try {
    explain_gemm(*bench.queue, problem);
    return {};
  } catch (const Error &error) {
    REQUIRE(error.status() == Status::unsupported);
    return error.message();
  }
}

inline std::vector<Transpose> transposes(DataType type) {
  if (is_complex(type)) return {Transpose::none, Transpose::trans, Transpose::conj};
  return {Transpose::none, Transpose::trans};
}

inline GemmProblem problem_of(DataType type, std::int64_t m, std::int64_t n, std::int64_t k) {
  GemmProblem p;
  p.type = type;
  p.m = m;
  p.n = n;
  p.k = k;
  return p;
}

inline std::string describe(const GemmProblem &p) {
  return text(name_of(p.type), " to ", name_of(c_type_of(p)), p.layout == Layout::row_major ? " row" : " column", " ",
              static_cast<int>(p.transpose_a), static_cast<int>(p.transpose_b), " ", p.m, "x", p.n, "x", p.k, " ld ",
              p.lda, " ", p.ldb, " ", p.ldc, " offset ", p.a_offset, " ", p.b_offset, " ", p.c_offset, " batch ",
              p.batch_count, " stride ", p.a_stride, " ", p.b_stride, " ", p.c_stride, " alpha ", p.alpha_real, ",",
              p.alpha_imag, " beta ", p.beta_real, ",", p.beta_imag, " backend '", p.backend, "'");
}

inline std::int64_t lines(const GemmProblem &p, Transpose transpose, std::int64_t rows, std::int64_t columns) {
  return (p.layout == Layout::row_major) == (transpose == Transpose::none) ? rows : columns;
}

// Leading dimensions, offsets and strides, each larger by some than it needs to be.
inline void spread(GemmProblem &p, std::int64_t pad) {
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
inline void for_elements(const GemmProblem &p, Transpose transpose, std::int64_t rows, std::int64_t columns,
                         std::int64_t ld, std::int64_t offset, std::int64_t stride, At at) {
  for (std::int64_t product = 0; product < p.batch_count; ++product)
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c)
        at(static_cast<std::size_t>(offset + product * stride + element_index(p.layout, transpose, r, c, ld)), r, c,
           product);
}

using Fill = std::function<Complex(Random &)>;
inline Complex ordinary(Random &random) { return {random.real(-1, 1), random.real(-1, 1)}; }

// A matrix with `around` everywhere that is not an element of it, and a guard band after its end.
inline Bytes make_matrix(const GemmProblem &p, DataType type, Transpose transpose, std::int64_t rows,
                         std::int64_t columns, std::int64_t ld, std::int64_t offset, std::int64_t stride,
                         Random &random, const Fill &fill, Complex around) {
  const std::size_t element = size_of(type), guard = 19;
  std::size_t count = static_cast<std::size_t>(offset) + guard;
  for_elements(p, transpose, rows, columns, ld, offset, stride,
               [&](std::size_t i, auto, auto, auto) { count = std::max(count, i + 1 + guard); });
  Bytes bytes(count * element);
  for (std::size_t i = 0; i < count; ++i) encode(type, around, bytes.data() + i * element);
  for_elements(p, transpose, rows, columns, ld, offset, stride,
               [&](std::size_t i, auto, auto, auto) { encode(type, fill(random), bytes.data() + i * element); });
  return bytes;
}

// On the device, as a slice that starts at an element where no sub-buffer could, between bytes that nobody writes.
struct Banded {
  static constexpr std::size_t behind = 512;
  static constexpr unsigned char band = 0xA7;

  std::shared_ptr<Buffer> whole, slice;
  std::size_t before;

  Banded(const Bench &bench, const GemmProblem &p, const Bytes &bytes)
      : before(3 * std::max(size_of(p.type), size_of(c_type_of(p)))) {
    Bytes all(before + bytes.size() + behind, band);
    std::copy(bytes.begin(), bytes.end(), all.begin() + static_cast<std::ptrdiff_t>(before));
    whole = Buffer::create(*bench.context, all.size());
    whole->write(*bench.queue, 0, all.size(), all.data());
    slice = whole->slice(before, bytes.size());
  }
  // Nothing in front of the slice or behind it was written.
  bool bands_are_whole(Queue &queue) const {
    Bytes all(whole->size());
    whole->read(queue, 0, all.size(), all.data());
    const auto good = [](unsigned char byte) { return byte == band; };
    return std::all_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(before), good) &&
           std::all_of(all.end() - static_cast<std::ptrdiff_t>(behind), all.end(), good);
  }
};

inline bool same(double got, double expected, double bound) {
  if (std::isnan(expected)) return std::isnan(got);
  if (std::isinf(expected)) return got == expected;
  return std::abs(got - expected) <= bound;
}

struct Fills {
  Fill a = ordinary, b = ordinary, c = ordinary;
};

// How a product is computed.
using How = std::function<void(Queue &, const GemmProblem &, Buffer *, Buffer *, Buffer &)>;
inline void as_users_do(Queue &queue, const GemmProblem &p, Buffer *a, Buffer *b, Buffer &c) {
  gemm(queue, p, a, b, c);
}

// Computes on the device of the queue and compares. Returns what is wrong, "" if nothing is.
inline std::string run_and_compare(const Bench &bench, Queue &queue, GemmProblem p, std::uint64_t salt,
                                   const Fills &fills = {}, const How &compute = as_users_do) {
  Random random(salt);
  // NaN around A and B: what is read there shows in C.
  const Bytes a = make_matrix(p, p.type, p.transpose_a, p.m, p.k, p.lda, p.a_offset, p.a_stride, random, fills.a,
                              {nan_value, nan_value});
  const Bytes b = make_matrix(p, p.type, p.transpose_b, p.k, p.n, p.ldb, p.b_offset, p.b_stride, random, fills.b,
                              {nan_value, nan_value});
  const Bytes before = make_matrix(p, c_type_of(p), Transpose::none, p.m, p.n, p.ldc, p.c_offset, p.c_stride, random,
                                   fills.c, {-77, 55});
  const Banded banded_a(bench, p, a), banded_b(bench, p, b), banded_c(bench, p, before);
  bench.queue->finish();
  compute(queue, p, banded_a.slice.get(), banded_b.slice.get(), *banded_c.slice);
  queue.finish();
  Bytes after(before.size());
  banded_c.slice->read(queue, 0, after.size(), after.data());
  for (const Banded *banded : {&banded_a, &banded_b, &banded_c})
    if (!banded->bands_are_whole(queue))
      return text(describe(p), ": wrote outside of ", banded == &banded_c ? "C" : "a factor", ", seed ", random.seed());

  const std::size_t element = size_of(c_type_of(p));
  // CLBlast alone sums f16 in f16.
  const bool half_sums = p.type == DataType::f16 && bench.device().capabilities().fp16 == Fp16::math &&
                         explain_gemm(queue, p).rfind("clblast", 0) == 0;
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
        const Complex got = decode(c_type_of(p), after.data() + i * element), value = reference.values[at];
        const double bound = gemm_error_bound(c_type_of(p), p.k, reference.magnitudes[at], value, half_sums);
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

inline void check_gemm(const Bench &bench, const GemmProblem &p, std::uint64_t salt, const Fills &fills = {}) {
  CHECK_EQ(run_and_compare(bench, *bench.queue, p, salt, fills), "");
}

// CLBlast builds all its kernels for each type, and those for batches apart. A CPU's compiler takes a minute for some;
// what is left out differs from the rest in the type alone.
inline std::string too_slow_to_build(const Bench &bench, const GemmProblem &p) {
  const char *full = std::getenv("GPUC_TEST_FULL");
  if (p.backend != "clblast" || bench.device().info().type != DeviceType::cpu || (full && std::string(full) == "1"))
    return {};
  const bool slow = p.type == DataType::c128 || (p.type != DataType::f32 && p.batch_count > 1);
  return slow ? "takes minutes to build for a CPU; GPUC_TEST_FULL=1 runs it" : "";
}

// Backends that can serve such problems on the device; says why the others cannot.
inline std::vector<std::string> able_backends(const Bench &bench, DataType type, std::int64_t batch_count = 1) {
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
      SKIP_PART(name + " " + std::string(name_of(type)) + (batch_count > 1 ? " in batches: " : ": ") +
                bare_reason(reason));
  }
  return able;
}

inline void check_error(Status status, const std::string &named, const std::function<void()> &call) {
  try {
    call();
  } catch (const Error &error) {
    CHECK_MESSAGE(error.status() == status, status_name(error.status()), ": ", error.message());
    CHECK_MESSAGE(error.message().find(named) != std::string::npos, "'", named, "' is not in: ", error.message());
    return;
  }
  FAIL_CHECK("no error, expected ", status_name(status), " about ", named);
}

}  // namespace gpucompute::test::gemms
