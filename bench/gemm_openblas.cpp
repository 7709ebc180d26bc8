// GEMM on CPU devices: gpuc_gemm, with the backend that the library chooses, against OpenBLAS with as many threads as
// the device has units; and against CLBlast through the same call, where that takes no seconds.
//
// A sample is one call and the wait for its end, repeated for small sizes; a batch is one call of gpuc_gemm, and one
// call of OpenBLAS for each product. For small sizes there are two more sides: calls in a row with one wait at the end,
// and an empty kernel with a wait, which is what the driver takes whatever the product.
//
// With --cpu-time both sides have one thread, and what counts is the CPU time of the process: figures that other work
// on the machine disturbs little.
//
// OpenBLAS is loaded when the program runs: from $OPENBLAS, or libopenblas.so.0. Its threads go on spinning after a
// call, on cores that OpenCL's threads want: they are told to stop soon, and each sample starts after a pause.
#include <dlfcn.h>
#include <time.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "harness.hpp"

using namespace bench;

namespace {

struct Size {
  std::int64_t m = 0, n = 0, k = 0, batch = 1;
};

std::vector<Size> read_sizes(const Options &options) {
  const std::string path = options.sizes.empty() ? std::string(BENCH_SIZES) + "/gemm_openblas.txt" : options.sizes;
  std::ifstream in(path);
  if (!in) throw Failure("cannot read " + path + "; give another with --sizes");
  std::vector<Size> sizes;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    Size size;
    if (!(words >> size.m >> size.n >> size.k)) continue;
    if (!(words >> size.batch)) size.batch = 1;
    sizes.push_back(size);
  }
  if (sizes.empty()) throw Failure("no sizes in " + path);
  return sizes;
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The standard C interface of the BLAS, row-major.
class OpenBlas {
 public:
  OpenBlas() {
    const char *path = std::getenv("OPENBLAS");
    library_ = dlopen(path ? path : "libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library_) return;
    sgemm_ = find<decltype(sgemm_)>("cblas_sgemm");
    dgemm_ = find<decltype(dgemm_)>("cblas_dgemm");
    set_threads_ = find<decltype(set_threads_)>("openblas_set_num_threads");
    get_config_ = find<decltype(get_config_)>("openblas_get_config");
  }
  explicit operator bool() const { return sgemm_ && dgemm_ && set_threads_ && get_config_; }

  void set_threads(int count) const { set_threads_(count); }
  std::string config() const { return get_config_(); }

  void gemm(bool ta, bool tb, const Size &s, const float *a, int lda, const float *b, int ldb, float *c) const {
    sgemm_(101, ta ? 112 : 111, tb ? 112 : 111, static_cast<int>(s.m), static_cast<int>(s.n), static_cast<int>(s.k), 1,
           a, lda, b, ldb, 0, c, static_cast<int>(s.n));
  }
  void gemm(bool ta, bool tb, const Size &s, const double *a, int lda, const double *b, int ldb, double *c) const {
    dgemm_(101, ta ? 112 : 111, tb ? 112 : 111, static_cast<int>(s.m), static_cast<int>(s.n), static_cast<int>(s.k), 1,
           a, lda, b, ldb, 0, c, static_cast<int>(s.n));
  }

 private:
  template <class Function>
  Function find(const char *name) {
    return reinterpret_cast<Function>(dlsym(library_, name));
  }

  void *library_ = nullptr;  // stays: its threads run
  void (*sgemm_)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *,
                 int) = nullptr;
  void (*dgemm_)(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *,
                 int) = nullptr;
  void (*set_threads_)(int) = nullptr;
  const char *(*get_config_)() = nullptr;
};

// An empty kernel: the least time that a call with a wait can take.
class EmptyKernel {
 public:
  explicit EmptyKernel(Bench &bench) : queue_(bench.cl_queue.get()) {
    const char *source = "kernel __attribute__((reqd_work_group_size(1, 1, 1))) void nothing(global int *p) {}";
    cl_int code = CL_SUCCESS;
    program_ = ClHandle<cl_program>(clCreateProgramWithSource(bench.cl_ctx, 1, &source, nullptr, &code));
    cl_ok(code, "clCreateProgramWithSource");
    cl_ok(clBuildProgram(program_.get(), 1, &bench.cl_device, "", nullptr, nullptr), "clBuildProgram");
    kernel_ = ClHandle<cl_kernel>(clCreateKernel(program_.get(), "nothing", &code));
    cl_ok(code, "clCreateKernel");
    memory_ = bench.raw_buffer(64);
    cl_mem native = memory_.get();
    cl_ok(clSetKernelArg(kernel_.get(), 0, sizeof native, &native), "clSetKernelArg");
  }
  void run() {
    const std::size_t one = 1;
    cl_ok(clEnqueueNDRangeKernel(queue_, kernel_.get(), 1, nullptr, &one, &one, 0, nullptr, nullptr),
          "clEnqueueNDRangeKernel");
    cl_ok(clFinish(queue_), "clFinish");
  }

 private:
  cl_command_queue queue_;
  ClHandle<cl_program> program_;
  ClHandle<cl_kernel> kernel_;
  ClHandle<cl_mem> memory_;
};

template <class T>
class Gemm {
 public:
  Gemm(Bench &bench, const OpenBlas &blas, Size size, bool ta, bool tb)
      : bench_(bench),
        blas_(blas),
        size_(size),
        ta_(ta),
        tb_(tb),
        a_(count(size.m, size.k)),
        b_(count(size.k, size.n)),
        c_(count(size.m, size.n)) {
    Random random(static_cast<std::uint64_t>(size.m * 31 + size.n));
    for (T &v : a_) v = static_cast<T>(random.uniform());
    for (T &v : b_) v = static_cast<T>(random.uniform());
    device_a_ = upload(a_);
    device_b_ = upload(b_);
    device_c_ = upload(c_);
    ok(gpuc_gemm_desc_init(&desc_, sizeof desc_), "gpuc_gemm_desc_init");
    desc_.type = std::is_same_v<T, float> ? GPUC_TYPE_F32 : GPUC_TYPE_F64;
    desc_.transpose_a = ta ? GPUC_TRANSPOSE_TRANS : GPUC_TRANSPOSE_NONE;
    desc_.transpose_b = tb ? GPUC_TRANSPOSE_TRANS : GPUC_TRANSPOSE_NONE;
    desc_.m = size.m;
    desc_.n = size.n;
    desc_.k = size.k;
    desc_.batch_count = size.batch;
    desc_.a_stride = size.m * size.k;
    desc_.b_stride = size.k * size.n;
    desc_.c_stride = size.m * size.n;
  }

  void put(const char *backend = nullptr) {
    desc_.backend = backend;
    ok(gpuc_gemm(bench_.queue.get(), &desc_, device_a_.get(), device_b_.get(), device_c_.get(), nullptr, 0, nullptr),
       "gpuc_gemm");
  }
  void wait() { ok(gpuc_queue_finish(bench_.queue.get()), "gpuc_queue_finish"); }

  void openblas() {
    const int lda = static_cast<int>(ta_ ? size_.m : size_.k), ldb = static_cast<int>(tb_ ? size_.k : size_.n);
    Size one = size_;
    for (std::int64_t i = 0; i < size_.batch; ++i)
      blas_.gemm(ta_, tb_, one, a_.data() + i * size_.m * size_.k, lda, b_.data() + i * size_.k * size_.n, ldb,
                 c_.data() + i * size_.m * size_.n);
  }

  // Each side into a C full of NaN; then against each other, and entries against long double.
  void verify() {
    const T nan = std::numeric_limits<T>::quiet_NaN();
    std::fill(c_.begin(), c_.end(), nan);
    openblas();
    std::vector<T> ours(c_.size(), nan);
    ok(gpuc_buffer_write(device_c_.get(), bench_.queue.get(), 0, ours.size() * sizeof(T), ours.data()), "write");
    put();
    wait();
    ok(gpuc_buffer_read(device_c_.get(), bench_.queue.get(), 0, ours.size() * sizeof(T), ours.data()), "read");
    const double tolerance =
        4 * static_cast<double>(std::numeric_limits<T>::epsilon()) * static_cast<double>(size_.k + 4);
    for (std::size_t i = 0; i < ours.size(); ++i)
      check(std::fabs(static_cast<double>(ours[i]) - static_cast<double>(c_[i])) <= tolerance,
            "the library and OpenBLAS differ");
    Random random(11);
    const std::uint64_t rows = static_cast<std::uint64_t>(size_.m), columns = static_cast<std::uint64_t>(size_.n);
    for (int sample = 0; sample < 64; ++sample) {
      const auto product = static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(size_.batch));
      const auto i = static_cast<std::int64_t>(random.next() % rows),
                 j = static_cast<std::int64_t>(random.next() % columns);
      const T *a = a_.data() + product * size_.m * size_.k, *b = b_.data() + product * size_.k * size_.n;
      long double sum = 0;
      for (std::int64_t p = 0; p < size_.k; ++p)
        sum += static_cast<long double>(a[ta_ ? p * size_.m + i : i * size_.k + p]) *
               static_cast<long double>(b[tb_ ? j * size_.k + p : p * size_.n + j]);
      const auto at = static_cast<std::size_t>((product * size_.m + i) * size_.n + j);
      check(std::fabs(static_cast<double>(ours[at] - sum)) <= tolerance, "an entry differs from the exact one");
    }
  }

 private:
  std::size_t count(std::int64_t rows, std::int64_t columns) const {
    return static_cast<std::size_t>(rows * columns * size_.batch);
  }
  Handle<gpuc_buffer> upload(const std::vector<T> &data) {
    auto made = bench_.buffer(data.size() * sizeof(T));
    ok(gpuc_buffer_write(made.get(), bench_.queue.get(), 0, data.size() * sizeof(T), data.data()), "gpuc_buffer_write");
    return made;
  }

  Bench &bench_;
  const OpenBlas &blas_;
  const Size size_;
  const bool ta_, tb_;
  std::vector<T> a_, b_, c_;
  Handle<gpuc_buffer> device_a_, device_b_, device_c_;
  gpuc_gemm_desc desc_;
};

json target_of(const Size &s) {
  if (s.m != s.n || s.n != s.k || s.batch > 1 || (s.n & (s.n - 1)) != 0) return nullptr;
  return target(Goal::at_least, s.n >= 256 ? 1.0 : s.n == 128 ? 0.85 : 0.5);
}

template <class T>
void measure_one(Bench &bench, const OpenBlas &blas, EmptyKernel &empty, const std::string &type, const Size &size,
                 bool ta, bool tb) {
  const std::string combination = std::string(ta ? "T" : "N") + (tb ? "T" : "N");
  std::string label = type + " " + combination + " " + std::to_string(size.m) + " x " + std::to_string(size.n) + " x " +
                      std::to_string(size.k);
  if (size.batch > 1) label += " x " + std::to_string(size.batch);
  const double work = static_cast<double>(size.m) * static_cast<double>(size.n) * static_cast<double>(size.k) *
                      static_cast<double>(size.batch);
  if (bench.options.quick && (work > 128.0 * 128 * 128 || std::max({size.m, size.n, size.k}) > 200)) {
    bench.skip(label, "too large for a quick run");
    return;
  }
  Gemm<T> gemm(bench, blas, size, ta, tb);
  gemm.verify();
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  // run(n) does it n times.
  const auto side = [&](const char *name, std::function<void(int)> run) {
    const int times = repetitions(bench.options, run);
    return Side{name, [run, times, pause, cpu_time = bench.options.cpu_time] {
                  pause();
                  if (cpu_time) {
                    const double start = cpu_seconds();
                    run(times);
                    return (cpu_seconds() - start) / times;
                  }
                  return seconds_of([&] { run(times); }) / times;
                }};
  };
  const auto library = [&](const char *backend) {
    return [&gemm, backend](int n) {
      for (int i = 0; i < n; ++i) {
        gemm.put(backend);
        gemm.wait();
      }
    };
  };
  std::vector<Side> sides = {side("library", library(nullptr)), side("openblas", [&](int n) {
                               for (int i = 0; i < n; ++i) gemm.openblas();
                             })};
  const json goal = target_of(size);
  std::vector<Comparison> comparisons = {{"openblas / library", "openblas", "library",
                                          "time of OpenBLAS over that of gpuc_gemm and wait: speed over OpenBLAS's",
                                          goal}};
  if (work <= 256.0 * 256 * 256 && size.batch == 1 && !bench.options.cpu_time) {
    sides.push_back(side("in a row", [&](int n) {
      for (int i = 0; i < n; ++i) gemm.put();
      gemm.wait();
    }));
    sides.push_back(side("empty kernel", [&](int n) {
      for (int i = 0; i < n; ++i) empty.run();
    }));
    comparisons.push_back({"openblas / in a row", "openblas", "in a row",
                           "time of OpenBLAS over that of gpuc_gemm, calls in a row with one wait", goal});
  }
  // Its kernels build for minutes in f64 and in batches, and take seconds for large products.
  if (!bench.options.quick && !bench.options.cpu_time && std::is_same_v<T, float> && size.batch == 1 && work <= 1e9 &&
      !ta && !tb) {
    sides.push_back(side("clblast", library("clblast")));
    comparisons.push_back({"clblast / library", "clblast", "library",
                           "time of the backend clblast over that of the chosen one", target(Goal::at_least, 1.0)});
  }
  bench.measure(label,
                {{"type", type},
                 {"transposes", combination},
                 {"m", size.m},
                 {"n", size.n},
                 {"k", size.k},
                 {"batch", size.batch},
                 {"operations", 2 * work}},
                "the whole of C against OpenBLAS, 64 entries against long double", sides, comparisons);
}

template <class T>
void measure(Bench &bench, const OpenBlas &blas, EmptyKernel &empty, const std::string &type,
             const std::vector<Size> &sizes) {
  for (const Size &size : sizes) {
    const bool all = size.m == size.n && size.n == size.k && size.batch == 1;
    for (int transposes = 0; transposes < (all ? 4 : 1); ++transposes)
      measure_one<T>(bench, blas, empty, type, size, transposes & 1, transposes & 2);
  }
}

json load_average() {
  double load[3] = {0, 0, 0};
  if (getloadavg(load, 3) != 3) return nullptr;
  return {rounded(load[0]), rounded(load[1]), rounded(load[2])};
}

}  // namespace

int main(int argc, char **argv) {
  setenv("OPENBLAS_THREAD_TIMEOUT", "8", 0);
  const auto prepare = [](const Options &options) {
    if (!options.cpu_time) return;
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    setenv("CL_CONFIG_CPU_TBB_NUM_WORKERS", "1", 1);  // Intel's
  };
  return run(
      argc, argv, "gemm_openblas", "GEMM on a CPU device: the library against OpenBLAS", prepare, [](Bench &bench) {
        if (bench.options.cpu_time) {
          bench.document["name"] = "gemm_openblas_one_thread";
          bench.document["title"] = "GEMM on a CPU device, CPU time of one thread each: the library against OpenBLAS";
        }
        const OpenBlas blas;
        if (!blas) {
          bench.document["unavailable"] = "OpenBLAS is not installed (libopenblas.so.0)";
          return;
        }
        cl_device_type type = 0;
        cl_ok(clGetDeviceInfo(bench.cl_device, CL_DEVICE_TYPE, sizeof type, &type, nullptr), "clGetDeviceInfo");
        if (type != CL_DEVICE_TYPE_CPU) {
          bench.document["unavailable"] = "the device is no CPU";
          return;
        }
        const auto threads =
            bench.options.cpu_time ? 1 : static_cast<int>(bench.device_number(GPUC_DEVICE_COMPUTE_UNITS));
        blas.set_threads(threads);
        bench.document["peer"] = {{"name", blas.config()}, {"threads", threads}};
        bench.document["load_average_before"] = load_average();
        EmptyKernel empty(bench);
        const std::vector<Size> sizes = read_sizes(bench.options);
        measure<float>(bench, blas, empty, "f32", sizes);
        if (bench.device_text(GPUC_DEVICE_EXTENSIONS).find("cl_khr_fp64") == std::string::npos)
          bench.skip("f64", "the device has no cl_khr_fp64");
        else
          measure<double>(bench, blas, empty, "f64", sizes);
        bench.document["load_average_after"] = load_average();
      });
}
