// GEMM: gpuc_gemm with the backend "clblast" against clblast::Gemm called directly, on the same buffers and queue.
//
// A sample is one call and the wait for its end, repeated for small sizes. Both sides run the same kernels, so the
// difference is what the library adds: checks, planning, and the workspace (from its pool; CLBlast alone makes one
// anew).
#include <clblast.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "harness.hpp"

using namespace bench;

namespace {

struct Size {
  std::size_t m = 0, n = 0, k = 0;
};

std::vector<Size> read_sizes(const Options &options) {
  const std::string path = options.sizes.empty() ? std::string(BENCH_SIZES) + "/gemm_squares.txt" : options.sizes;
  std::ifstream in(path);
  if (!in) throw Failure("cannot read " + path + "; give another with --sizes");
  std::vector<Size> sizes;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    Size size;
    if (words >> size.m >> size.n >> size.k) sizes.push_back(size);
  }
  if (sizes.empty()) throw Failure("no sizes in " + path);
  return sizes;
}

template <class T>
class Gemm {
 public:
  Gemm(Bench &bench, Size size) : bench_(bench), size_(size), a_(size.m * size.k), b_(size.k * size.n) {
    Random random(size.m * 31 + size.n);
    for (T &v : a_) v = static_cast<T>(random.uniform());
    for (T &v : b_) v = static_cast<T>(random.uniform());
    device_a_ = upload(a_);
    device_b_ = upload(b_);
    device_c_ = bench.buffer(c_bytes());
    raw_a_ = native(device_a_);
    raw_b_ = native(device_b_);
    raw_c_ = native(device_c_);
    void *queue = nullptr;
    ok(gpuc_queue_get_native(bench.queue.get(), &queue), "gpuc_queue_get_native");
    raw_queue_ = static_cast<cl_command_queue>(queue);
    ok(gpuc_gemm_desc_init(&desc_, sizeof desc_), "gpuc_gemm_desc_init");
    desc_.type = std::is_same_v<T, float> ? GPUC_TYPE_F32 : GPUC_TYPE_F64;
    desc_.m = static_cast<std::int64_t>(size.m);
    desc_.n = static_cast<std::int64_t>(size.n);
    desc_.k = static_cast<std::int64_t>(size.k);
    desc_.backend = "clblast";
  }

  void library() {
    ok(gpuc_gemm(bench_.queue.get(), &desc_, device_a_.get(), device_b_.get(), device_c_.get(), nullptr, 0, nullptr),
       "gpuc_gemm");
    ok(gpuc_queue_finish(bench_.queue.get()), "gpuc_queue_finish");
  }

  void direct() {
    const auto status =
        clblast::Gemm<T>(clblast::Layout::kRowMajor, clblast::Transpose::kNo, clblast::Transpose::kNo, size_.m, size_.n,
                         size_.k, T(1), raw_a_, 0, size_.k, raw_b_, 0, size_.n, T(0), raw_c_, 0, size_.n, &raw_queue_);
    if (status != clblast::StatusCode::kSuccess)
      throw Failure("clblast::Gemm: " + std::to_string(static_cast<int>(status)));
    cl_ok(clFinish(raw_queue_), "clFinish");
  }

  // Each side into a C full of NaN; then against each other, and entries against float64.
  void verify() {
    const std::vector<T> ours = result([&] { library(); }), theirs = result([&] { direct(); });
    const double epsilon = std::numeric_limits<T>::epsilon(), tolerance = 4 * epsilon * static_cast<double>(size_.k);
    for (std::size_t i = 0; i < ours.size(); ++i)
      check(std::fabs(static_cast<double>(ours[i]) - static_cast<double>(theirs[i])) <= tolerance,
            "library and clblast::Gemm differ");
    Random random(11);
    for (int sample = 0; sample < 256; ++sample) {
      const std::size_t i = random.next() % size_.m, j = random.next() % size_.n;
      long double sum = 0;
      for (std::size_t p = 0; p < size_.k; ++p)
        sum += static_cast<long double>(a_[i * size_.k + p]) * static_cast<long double>(b_[p * size_.n + j]);
      check(std::fabs(static_cast<double>(ours[i * size_.n + j] - sum)) <= tolerance, "an entry differs from float64");
    }
  }

 private:
  std::size_t c_bytes() const { return size_.m * size_.n * sizeof(T); }

  Handle<gpuc_buffer> upload(const std::vector<T> &data) {
    auto made = bench_.buffer(data.size() * sizeof(T));
    ok(gpuc_buffer_write(made.get(), bench_.queue.get(), 0, data.size() * sizeof(T), data.data()), "gpuc_buffer_write");
    return made;
  }
  static cl_mem native(const Handle<gpuc_buffer> &buffer) {
    void *memory = nullptr;
    ok(gpuc_buffer_get_native(buffer.get(), &memory, nullptr), "gpuc_buffer_get_native");
    return static_cast<cl_mem>(memory);
  }
  template <class Call>
  std::vector<T> result(Call &&call) {
    std::vector<T> c(size_.m * size_.n, std::numeric_limits<T>::quiet_NaN());
    ok(gpuc_buffer_write(device_c_.get(), bench_.queue.get(), 0, c_bytes(), c.data()), "gpuc_buffer_write");
    call();
    ok(gpuc_buffer_read(device_c_.get(), bench_.queue.get(), 0, c_bytes(), c.data()), "gpuc_buffer_read");
    return c;
  }

  Bench &bench_;
  const Size size_;
  std::vector<T> a_, b_;
  Handle<gpuc_buffer> device_a_, device_b_, device_c_;
  cl_mem raw_a_ = nullptr, raw_b_ = nullptr, raw_c_ = nullptr;
  cl_command_queue raw_queue_ = nullptr;
  gpuc_gemm_desc desc_;
};

template <class T>
void measure(Bench &bench, const std::string &type, const std::vector<Size> &sizes) {
  bool too_slow = false;
  for (const Size &size : sizes) {
    const std::string label =
        type + " " + std::to_string(size.m) + " x " + std::to_string(size.n) + " x " + std::to_string(size.k);
    if (bench.options.quick && std::max({size.m, size.n, size.k}) > 128) {
      bench.skip(label, "more than 128 in a quick run");
      continue;
    }
    if (too_slow) {
      bench.skip(label, "a call of the size before took more than 2 s");
      continue;
    }
    Gemm<T> gemm(bench, size);
    gemm.verify();
    too_slow = seconds_of([&] { gemm.direct(); }) > 2;
    const auto side = [&](const char *name, std::function<void()> call) {
      const int count = repetitions(bench.options, [&](int n) {
        for (int i = 0; i < n; ++i) call();
      });
      return Side{name, [call, count] {
                    return seconds_of([&] {
                             for (int i = 0; i < count; ++i) call();
                           }) /
                           count;
                  }};
    };
    bench.measure(
        label,
        {{"type", type},
         {"m", size.m},
         {"n", size.n},
         {"k", size.k},
         {"operations", 2.0 * static_cast<double>(size.m) * static_cast<double>(size.n) * static_cast<double>(size.k)}},
        "the whole of C against the other side, 256 entries against float64",
        {side("library", [&] { gemm.library(); }), side("clblast", [&] { gemm.direct(); })},
        {{"library / clblast", "library", "clblast", "time of gpuc_gemm over that of clblast::Gemm, call and wait",
          size.n >= 512 ? target(Goal::at_most, 1.02) : json(nullptr)}});
    gemm.verify();
  }
}

}  // namespace

int main(int argc, char **argv) {
  return run(argc, argv, "gemm", "GEMM: the library against CLBlast called directly", [](Bench &bench) {
    const std::vector<Size> sizes = read_sizes(bench.options);
    measure<float>(bench, "f32", sizes);
    if (bench.options.quick)
      bench.skip("f64", "a quick run has f32 alone");
    else if (bench.device_text(GPUC_DEVICE_EXTENSIONS).find("cl_khr_fp64") == std::string::npos)
      bench.skip("f64", "the device has no cl_khr_fp64");
    else
      measure<double>(bench, "f64", sizes);
    // Its cache holds the context, and is otherwise released after the driver is gone.
    clblast::ClearCache();
  });
}
