// Warm start: a program of 20 kernels from the library's on-disk cache against a cold build of its source.
//
// Two times are taken in each sample, from the same start, in a context made for it (making it is not timed):
//   built     gpuc_program_create has returned
//   launched  every kernel has been launched once and is complete. Some drivers (PoCL) compile a kernel when it is
//   first
//             launched, some (NVIDIA) when it is built; this is what a program waits for on either.
// Sides:
//   cold      gpuc_program_create with GPUC_PROGRAM_NO_CACHE of a source that was never seen: its text has a new
//   number, which
//             is in the arithmetic of all kernels
//   driver    the same of another new number through clBuildProgram
//   hit       gpuc_program_create of a source that is in the library's cache
//
// Drivers have caches of their own, which would make the comparison one of caches. They are turned off before the first
// OpenCL call (POCL_KERNEL_CACHE=0, CUDA_CACHE_DISABLE=1) and given an empty folder. So a hit shows what the library's
// cache is worth alone: the driver still turns the kept binary into what the device runs (on NVIDIA the binary is PTX
// text).
// --driver-cache leaves them on.
#include <cmath>
#include <filesystem>
#include <sstream>

#include "harness.hpp"

using namespace bench;

namespace {

constexpr int most_kernels = 20;
constexpr std::size_t group = 64, items = 256;

// What the kernels do, in OpenCL C and in C++. A kernel is a choice of functions, factors and trip counts.
struct Step {
  int function, trips, stride;
  double factor, other;
};

const char *const functions[] = {
    "sin(v)",  "cos(v + 0.5f)",     "exp(-v * v)", "sqrt(fabs(v) + 1.0f) - 1.0f", "v / (1.0f + v * v)",
    "tanh(v)", "log(1.0f + v * v)", "atan(v)"};

double apply(int function, double v) {
  switch (function) {
    case 0:
      return std::sin(v);
    case 1:
      return std::cos(v + 0.5);
    case 2:
      return std::exp(-v * v);
    case 3:
      return std::sqrt(std::fabs(v) + 1) - 1;
    case 4:
      return v / (1 + v * v);
    case 5:
      return std::tanh(v);
    case 6:
      return std::log(1 + v * v);
    default:
      return std::atan(v);
  }
}

std::vector<Step> steps_of(int kernel) {
  std::vector<Step> steps;
  for (int s = 0; s < 3; ++s) {
    const int n = kernel * 3 + s;
    steps.push_back({(kernel + 3 * s) % 8, 3 + n % 5, 1 + n % 7, 0.25 + 0.0625 * (n % 6), 0.125 + 0.03125 * (n % 4)});
  }
  return steps;
}

// In [0, 1), exact in a float.
double salt_value(std::uint64_t salt) { return static_cast<double>(salt % (1u << 20)) / (1u << 20); }

std::string source_of(std::uint64_t salt, int kernel_count) {
  std::ostringstream out;
  out.precision(17);
  out << std::showpoint << "/* " << salt << " */\n";
  for (int k = 0; k < kernel_count; ++k) {
    out << "kernel void k" << k << "(global const float *x, global float *y, uint n) {\n"
        << "  local float tile[" << group << "];\n"
        << "  const uint g = get_global_id(0), l = get_local_id(0);\n"
        << "  float v = g < n ? x[g] : 0.0f;\n";
    for (const Step &s : steps_of(k))
      out << "  tile[l] = v;\n"
          << "  barrier(CLK_LOCAL_MEM_FENCE);\n"
          << "  for (uint i = 1; i <= " << s.trips << "; ++i) {\n"
          << "    v = v * " << s.factor << "f + tile[(l + i * " << s.stride << ") % " << group << "] * " << s.other
          << "f + " << salt_value(salt) << "f;\n"
          << "    v = " << functions[s.function] << ";\n"
          << "  }\n"
          << "  barrier(CLK_LOCAL_MEM_FENCE);\n";
    out << "  if (g < n) y[g] = v;\n}\n";
  }
  return out.str();
}

std::vector<double> expected(int kernel, const std::vector<float> &x, std::uint64_t salt) {
  std::vector<double> y(x.begin(), x.end());
  for (const Step &s : steps_of(kernel))
    for (std::size_t first = 0; first < items; first += group) {
      const std::vector<double> tile(y.begin() + static_cast<std::ptrdiff_t>(first),
                                     y.begin() + static_cast<std::ptrdiff_t>(first + group));
      for (std::size_t l = 0; l < group; ++l) {
        double &v = y[first + l];
        for (int i = 1; i <= s.trips; ++i) {
          v = v * s.factor + tile[(l + static_cast<std::size_t>(i * s.stride)) % group] * s.other + salt_value(salt);
          v = apply(s.function, v);
        }
      }
    }
  return y;
}

struct Times {
  double built = 0, launched = 0;
};

class WarmStart {
 public:
  explicit WarmStart(Bench &bench)
      : bench_(bench),
        kernel_count_(bench.options.quick ? 3 : most_kernels),
        x_(items),
        salt_(static_cast<std::uint64_t>(now() * 1e6)) {
    Random random(3);
    for (float &v : x_) v = static_cast<float>(random.uniform());
  }

  Times library(std::uint64_t salt, bool use_cache, bool must_hit) {
    bench_.open();
    const std::string source = source_of(salt, kernel_count_);
    const std::size_t y_bytes = static_cast<std::size_t>(kernel_count_) * bytes;
    const auto x = bench_.buffer(bytes), y = bench_.buffer(y_bytes);
    std::vector<Handle<gpuc_buffer>> parts;
    for (int k = 0; k < kernel_count_; ++k)
      parts.push_back(make<gpuc_buffer>("gpuc_buffer_slice", [&](gpuc_buffer **out) {
        return gpuc_buffer_slice(y.get(), static_cast<std::size_t>(k) * bytes, bytes, out);
      }));
    ok(gpuc_buffer_write(x.get(), bench_.queue.get(), 0, bytes, x_.data()), "gpuc_buffer_write");
    gpuc_text text = {nullptr, source.data(), source.size()};
    gpuc_program_desc desc;
    ok(gpuc_program_desc_init(&desc, sizeof desc), "gpuc_program_desc_init");
    desc.sources = &text;
    desc.source_count = 1;
    if (!use_cache) desc.flags = GPUC_PROGRAM_NO_CACHE;
    gpuc_launch launch;
    ok(gpuc_launch_init(&launch, sizeof launch), "gpuc_launch_init");
    launch.global[0] = items;
    launch.local[0] = group;
    gpuc_arg args[3] = {};
    args[0].kind = args[1].kind = GPUC_ARG_BUFFER;
    args[0].value.buffer = x.get();
    args[2].kind = GPUC_ARG_SCALAR;
    args[2].type = GPUC_TYPE_U32;
    args[2].value.u32 = items;

    Times times;
    const double start = now();
    const auto program = make<gpuc_program>("gpuc_program_create", [&](gpuc_program **out) {
      return gpuc_program_create(bench_.context.get(), &desc, out);
    });
    times.built = now() - start;
    for (int k = 0; k < kernel_count_; ++k) {
      const auto kernel = make<gpuc_kernel>("gpuc_kernel_create", [&](gpuc_kernel **out) {
        return gpuc_kernel_create(program.get(), ("k" + std::to_string(k)).c_str(), out);
      });
      args[1].value.buffer = parts[static_cast<std::size_t>(k)].get();
      ok(gpuc_kernel_launch(kernel.get(), bench_.queue.get(), &launch, args, 3, nullptr, 0, nullptr),
         "gpuc_kernel_launch");
    }
    ok(gpuc_queue_finish(bench_.queue.get()), "gpuc_queue_finish");
    times.launched = now() - start;

    std::int32_t from_cache = 0;
    ok(gpuc_program_get_from_cache(program.get(), &from_cache), "gpuc_program_get_from_cache");
    if (must_hit) check(from_cache == 1, "the program did not come from the cache");
    if (!use_cache) check(from_cache == 0, "a program with GPUC_PROGRAM_NO_CACHE came from the cache");
    std::vector<float> got(static_cast<std::size_t>(kernel_count_) * items);
    ok(gpuc_buffer_read(y.get(), bench_.queue.get(), 0, y_bytes, got.data()), "gpuc_buffer_read");
    compare(got, salt);
    return times;
  }

  Times driver(std::uint64_t salt) {
    bench_.open();
    const std::string source = source_of(salt, kernel_count_);
    const auto x = bench_.raw_buffer(bytes);
    std::vector<ClHandle<cl_mem>> y;
    for (int k = 0; k < kernel_count_; ++k) y.push_back(bench_.raw_buffer(bytes));
    cl_command_queue queue = bench_.cl_queue.get();
    cl_ok(clEnqueueWriteBuffer(queue, x.get(), CL_TRUE, 0, bytes, x_.data(), 0, nullptr, nullptr),
          "clEnqueueWriteBuffer");
    const char *text = source.c_str();
    const cl_uint n = items;
    cl_int code = CL_SUCCESS;

    Times times;
    const double start = now();
    const ClHandle<cl_program> program(clCreateProgramWithSource(bench_.cl_ctx, 1, &text, nullptr, &code));
    cl_ok(code, "clCreateProgramWithSource");
    cl_ok(clBuildProgram(program.get(), 1, &bench_.cl_device, "", nullptr, nullptr), "clBuildProgram");
    times.built = now() - start;
    for (int k = 0; k < kernel_count_; ++k) {
      const ClHandle<cl_kernel> kernel(clCreateKernel(program.get(), ("k" + std::to_string(k)).c_str(), &code));
      cl_ok(code, "clCreateKernel");
      cl_mem in = x.get(), out = y[static_cast<std::size_t>(k)].get();
      code |= clSetKernelArg(kernel.get(), 0, sizeof in, &in);
      code |= clSetKernelArg(kernel.get(), 1, sizeof out, &out);
      code |= clSetKernelArg(kernel.get(), 2, sizeof n, &n);
      cl_ok(code, "clSetKernelArg");
      const std::size_t global = items, local = group;
      cl_ok(clEnqueueNDRangeKernel(queue, kernel.get(), 1, nullptr, &global, &local, 0, nullptr, nullptr),
            "clEnqueueNDRangeKernel");
    }
    cl_ok(clFinish(queue), "clFinish");
    times.launched = now() - start;

    std::vector<float> got(static_cast<std::size_t>(kernel_count_) * items);
    for (std::size_t k = 0; k < y.size(); ++k)
      cl_ok(clEnqueueReadBuffer(queue, y[k].get(), CL_TRUE, 0, bytes, &got[k * items], 0, nullptr, nullptr),
            "clEnqueueReadBuffer");
    compare(got, salt);
    return times;
  }

  void measure() {
    const std::uint64_t kept = new_salt();
    library(kept, true, false);  // fills the cache
    Times cold, direct, hit;
    json built, launched;
    const auto round = [&](bool record) {
      cold = library(new_salt(), false, false);
      hit = library(kept, true, true);
      direct = driver(new_salt());
      if (!record) return;
      for (const auto &[name, times] : {std::pair("cold", cold), std::pair("hit", hit), std::pair("driver", direct)}) {
        built[name].push_back(rounded(times.built));
        launched[name].push_back(rounded(times.launched));
      }
    };
    const Options &o = bench_.options;
    if (!o.quick) round(false);
    const double start = now();
    // Cold builds take seconds on some drivers; they vary little.
    for (int i = 0; i < o.most_rounds; ++i) {
      const double elapsed = now() - start;
      if (i >= (o.quick ? 1 : 5) &&
          (o.quick || elapsed > 10 * o.seconds || (i >= o.least_rounds && elapsed > o.seconds)))
        break;
      round(true);
    }
    add("built and every kernel launched once", launched, target(Goal::at_least, 10));
    add("built", built, nullptr);
  }

 private:
  static constexpr std::size_t bytes = items * sizeof(float);

  std::uint64_t new_salt() { return salt_ += 7919; }

  void compare(const std::vector<float> &got, std::uint64_t salt) const {
    for (int k = 0; k < kernel_count_; ++k) {
      const std::vector<double> right = expected(k, x_, salt);
      for (std::size_t i = 0; i < items; ++i) {
        const double difference = std::fabs(got[static_cast<std::size_t>(k) * items + i] - right[i]);
        check(difference <= 1e-4, "kernel k" + std::to_string(k) + ", element " + std::to_string(i));
      }
    }
  }

  void add(const char *name, json samples, json goal) {
    json comparisons = json::array();
    comparisons.push_back({{"name", "cold / hit"},
                           {"numerator", "cold"},
                           {"denominator", "hit"},
                           {"meaning", "time of a cold build over that of a cache hit, both through the library"},
                           {"target", goal}});
    comparisons.push_back({{"name", "driver cold / hit"},
                           {"numerator", "driver"},
                           {"denominator", "hit"},
                           {"meaning", "time of a cold build by clBuildProgram over that of a cache hit"},
                           {"target", nullptr}});
    bench_.document["cases"].push_back(
        {{"name", name},
         {"parameters", {{"kernels", kernel_count_}, {"driver_cache", bench_.options.driver_cache}}},
         {"checked", "all kernels against float64 on the host, in every sample"},
         {"samples", std::move(samples)},
         {"comparisons", std::move(comparisons)}});
  }

  Bench &bench_;
  const int kernel_count_;  // a quick run has few
  std::vector<float> x_;
  std::uint64_t salt_;
};

// Empty folders for all caches, removed at the end.
class Folders {
 public:
  void make(const Options &options) {
    std::string path = (std::filesystem::temp_directory_path() / "gpuc-bench-XXXXXX").string();
    if (!mkdtemp(path.data())) throw Failure("no folder for the caches can be made in " + path);
    root_ = path;
    for (const char *name : {"library", "driver"}) std::filesystem::create_directory(root_ / name);
    std::filesystem::permissions(root_ / "library", std::filesystem::perms::owner_all);
    setenv("GPUC_CACHE", "1", 1);
    setenv("GPUC_CACHE_DIR", (root_ / "library").c_str(), 1);
    setenv("POCL_CACHE_DIR", (root_ / "driver").c_str(), 1);
    setenv("CUDA_CACHE_PATH", (root_ / "driver").c_str(), 1);
    if (options.driver_cache) return;
    setenv("POCL_KERNEL_CACHE", "0", 1);
    setenv("CUDA_CACHE_DISABLE", "1", 1);
  }
  ~Folders() {
    std::error_code ignored;
    if (!root_.empty()) std::filesystem::remove_all(root_, ignored);
  }

 private:
  std::filesystem::path root_;
};

}  // namespace

int main(int argc, char **argv) {
  Folders folders;
  return run(
      argc, argv, "warm_start", "Warm start: 20 kernels from the library's on-disk cache against a cold build",
      [&](const Options &options) { folders.make(options); }, [](Bench &bench) { WarmStart(bench).measure(); });
}
