// The frame of every benchmark: one device seen through both APIs, interleaved samples, one JSON document.
//
// A case has several sides (the library, the driver called directly, ...). A round takes one sample of each side, and
// the side that goes first changes from round to round, so that a slow second of the machine falls on all of them. A
// comparison is the ratio of two sides within a round; bench/run.py takes the median of these ratios.
#pragma once

#include <CL/cl.h>
#include <gpucompute/gpucompute.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace bench {

using json = nlohmann::ordered_json;

// ---- errors --------------------------------------------------------------------------------------------------------

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void ok(gpuc_status status, const char *what) {
  if (status != GPUC_OK)
    throw Failure(std::string(what) + ": " + gpuc_status_name(status) + ": " + gpuc_last_error_message());
}

inline void cl_ok(cl_int code, const char *what) {
  if (code != CL_SUCCESS) throw Failure(std::string(what) + ": " + gpuc_cl_code_name(code));
}

inline void check(bool right, const std::string &what) {
  if (!right) throw Failure("wrong result: " + what);
}

// ---- handles -------------------------------------------------------------------------------------------------------

struct Releaser {
  void operator()(gpuc_device *p) const { gpuc_device_release(p); }
  void operator()(gpuc_platform *p) const { gpuc_platform_release(p); }
  void operator()(gpuc_context *p) const { gpuc_context_release(p); }
  void operator()(gpuc_queue *p) const { gpuc_queue_release(p); }
  void operator()(gpuc_event *p) const { gpuc_event_release(p); }
  void operator()(gpuc_buffer *p) const { gpuc_buffer_release(p); }
  void operator()(gpuc_host_memory *p) const { gpuc_host_memory_release(p); }
  void operator()(gpuc_program *p) const { gpuc_program_release(p); }
  void operator()(gpuc_kernel *p) const { gpuc_kernel_release(p); }
  void operator()(cl_command_queue p) const { clReleaseCommandQueue(p); }
  void operator()(cl_mem p) const { clReleaseMemObject(p); }
  void operator()(cl_program p) const { clReleaseProgram(p); }
  void operator()(cl_kernel p) const { clReleaseKernel(p); }
  void operator()(cl_event p) const { clReleaseEvent(p); }
};

template <class T>
using Handle = std::unique_ptr<T, Releaser>;
template <class T>  // of a cl_* handle
using ClHandle = std::unique_ptr<std::remove_pointer_t<T>, Releaser>;

// make<gpuc_queue>("creating a queue", [&](gpuc_queue **out) { return gpuc_queue_create(..., out); })
template <class T, class Create>
Handle<T> make(const char *what, Create &&create) {
  T *made = nullptr;
  ok(create(&made), what);
  return Handle<T>(made);
}

template <class Get>
std::string text_of(Get &&get) {
  std::size_t needed = 0;
  ok(get(nullptr, 0, &needed), "asking for the size of a text");
  std::string text(needed, '\0');
  ok(get(text.data(), needed, &needed), "reading a text");
  text.resize(needed - 1);
  return text;
}

// ---- time and samples ----------------------------------------------------------------------------------------------

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class Body>
double seconds_of(Body &&body) {
  const double start = now();
  body();
  return now() - start;
}

struct Options {
  bool quick = false;         // a smoke run: everything once, small sizes, no meaningful times
  double seconds = 2;         // a case goes on for so long at least
  int least_rounds = 15;      // ... and for so many rounds
  int most_rounds = 300;      // ... but no longer than this
  std::string device;         // a device filter; empty: the default device
  std::string sizes;          // gemm: another file of sizes
  bool driver_cache = false;  // warm_start: leave the driver's own cache on
  bool cpu_time = false;      // gemm_openblas: one thread each, and their CPU time
};

// One way of doing what a case measures: sample() gives the seconds of one operation.
struct Side {
  std::string name;
  std::function<double()> sample;
};

// How often to repeat an operation in one sample. run(n) does it n times.
template <class Run>
int repetitions(const Options &options, Run &&run, int most = 1 << 20) {
  const double wanted = options.quick ? 1e-4 : 4e-3;
  int n = 1;
  run(n);
  while (n < most) {
    const double taken = seconds_of([&] { run(n); });
    if (taken >= wanted) break;
    n = static_cast<int>(
        std::min<double>(most, taken > 0 ? std::max(1.2, std::min(16.0, 1.2 * wanted / taken)) * n + 1 : 16.0 * n));
  }
  return n;
}

enum class Goal { at_most, at_least };

// The ratio of two sides of a case; `target` and `tolerance` are of the ratio.
struct Comparison {
  std::string name, numerator, denominator, meaning;
  json target = nullptr;
};

inline json target(Goal goal, double value, double tolerance = 0) {
  json result = {{"goal", goal == Goal::at_most ? "at most" : "at least"}, {"value", value}};
  if (tolerance > 0) result["tolerance"] = tolerance;
  return result;
}

// ---- the document and the device -----------------------------------------------------------------------------------

inline std::string host_cpu() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("model name", 0) == 0 && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "unknown";
}

inline std::uint64_t host_memory_bytes() {
  std::uint64_t bytes =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
  std::uint64_t limit = 0;  // of a container
  if (std::ifstream in("/sys/fs/cgroup/memory.max"); in >> limit) bytes = std::min(bytes, limit);
  return bytes;
}

inline std::string utc_date() {
  const std::time_t t = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&t));
  return text;
}

// Four figures are more than a clock gives, and keep the document small.
inline double rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return std::strtod(text, nullptr);
}

inline std::string size_text(std::uint64_t bytes) {
  if (bytes >= (1u << 30)) return std::to_string(bytes >> 30) + " GiB";
  if (bytes >= (1u << 20)) return std::to_string(bytes >> 20) + " MiB";
  return std::to_string(bytes >> 10) + " KiB";
}

// xorshift64*: fast enough to fill gigabytes.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u | 1) {}
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Du;
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53 * 2 - 1; }  // in [-1, 1)
  void fill(void *data, std::size_t bytes) {
    auto *out = static_cast<unsigned char *>(data);
    for (; bytes >= 8; bytes -= 8, out += 8) {
      const std::uint64_t value = next();
      std::memcpy(out, &value, 8);
    }
    const std::uint64_t value = next();
    std::memcpy(out, &value, bytes);
  }

 private:
  std::uint64_t state_;
};

class Bench {
 public:
  Bench(const Options &given, std::string name, std::string title) : options(given) {
    device = make<gpuc_device>("selecting a device", [&](gpuc_device **out) {
      return gpuc_device_select(options.device.empty() ? nullptr : options.device.c_str(), out);
    });
    void *native = nullptr;
    ok(gpuc_device_get_native(device.get(), &native), "gpuc_device_get_native");
    cl_device = static_cast<cl_device_id>(native);
    open();
    const std::string device_name = device_text(GPUC_DEVICE_NAME);
    // Both APIs must be on one device, or the ratios mean nothing.
    check(
        device_name == cl_text(CL_DEVICE_NAME) && device_text(GPUC_DEVICE_DRIVER_VERSION) == cl_text(CL_DRIVER_VERSION),
        "the device differs between the two APIs");
    const auto platform = make<gpuc_platform>(
        "gpuc_device_get_platform", [&](gpuc_platform **out) { return gpuc_device_get_platform(device.get(), out); });
    const auto platform_text = [&](gpuc_platform_string key) {
      return text_of([&](char *b, std::size_t c, std::size_t *n) {
        return gpuc_platform_get_string(platform.get(), key, b, c, n);
      });
    };
    document = {{"name", std::move(name)},
                {"title", std::move(title)},
                {"quick", options.quick},
                {"device", device_name},
                {"driver", device_text(GPUC_DEVICE_DRIVER_VERSION)},
                {"platform", platform_text(GPUC_PLATFORM_NAME) + ", " + platform_text(GPUC_PLATFORM_VERSION)},
                {"date", utc_date()},
                {"host",
                 {{"cpu", host_cpu()},
                  {"threads", std::thread::hardware_concurrency()},
                  {"memory_bytes", host_memory_bytes()}}},
                {"library", gpuc_version_string()},
                {"correct", false},
                {"skipped", json::array()},
                {"cases", json::array()}};
  }

  // A new context and queues in place of the ones there are.
  void open() {
    cl_queue.reset();
    queue.reset();
    context.reset();
    gpuc_device *one = device.get();
    context =
        make<gpuc_context>("creating a context", [&](gpuc_context **out) { return gpuc_context_create(&one, 1, out); });
    queue = make<gpuc_queue>("creating a queue",
                             [&](gpuc_queue **out) { return gpuc_queue_create(context.get(), one, 0, out); });
    void *native = nullptr;
    ok(gpuc_context_get_native(context.get(), &native), "gpuc_context_get_native");
    cl_ctx = static_cast<cl_context>(native);
    cl_int code = CL_SUCCESS;
    cl_queue = ClHandle<cl_command_queue>(clCreateCommandQueue(cl_ctx, cl_device, 0, &code));
    cl_ok(code, "clCreateCommandQueue");
  }

  std::uint64_t device_number(gpuc_device_number key) const {
    std::uint64_t value = 0;
    ok(gpuc_device_get_number(device.get(), key, &value), "gpuc_device_get_number");
    return value;
  }
  std::string device_text(gpuc_device_string key) const {
    return text_of(
        [&](char *b, std::size_t c, std::size_t *n) { return gpuc_device_get_string(device.get(), key, b, c, n); });
  }

  Handle<gpuc_buffer> buffer(std::size_t size) const {
    return make<gpuc_buffer>("gpuc_buffer_create",
                             [&](gpuc_buffer **out) { return gpuc_buffer_create(context.get(), size, 0, out); });
  }
  ClHandle<cl_mem> raw_buffer(std::size_t size) const {
    cl_int code = CL_SUCCESS;
    ClHandle<cl_mem> made(clCreateBuffer(cl_ctx, CL_MEM_READ_WRITE, size, nullptr, &code));
    cl_ok(code, "clCreateBuffer");
    return made;
  }

  // Why a buffer of a size is not measured here; empty: it is.
  std::string too_large(std::uint64_t bytes, std::uint64_t quick_limit) const {
    if (options.quick && bytes > quick_limit) return "more than " + size_text(quick_limit) + " in a quick run";
    if (bytes > device_number(GPUC_DEVICE_MAX_ALLOCATION_BYTES)) return "more than the device allows in one buffer";
    if (bytes > device_number(GPUC_DEVICE_GLOBAL_MEMORY_BYTES) / 4) return "more than a quarter of the device's memory";
    if (bytes > host_memory_bytes() / 8) return "more than an eighth of the host's memory";
    return {};
  }
  void skip(const std::string &what, const std::string &reason) {
    document["skipped"].push_back({{"case", what}, {"reason", reason}});
  }

  // Rounds of one sample of each side.
  void measure(const std::string &name, json parameters, const std::string &checked, const std::vector<Side> &sides,
               const std::vector<Comparison> &comparisons) {
    for (const Side &side : sides) side.sample();  // warm-up
    const int least = options.quick ? 2 : options.least_rounds, most = options.quick ? 5 : options.most_rounds;
    const double enough = options.quick ? 0.02 : options.seconds, too_much = 20 * enough;
    std::vector<std::vector<double>> samples(sides.size());
    const double start = now();
    for (int round = 0; round < most; ++round) {
      const double elapsed = now() - start;
      if (round >= least && elapsed >= enough) break;
      if (round >= std::min(least, 5) && elapsed >= too_much) break;
      for (std::size_t i = 0; i < sides.size(); ++i) {
        const std::size_t s = (i + static_cast<std::size_t>(round)) % sides.size();
        samples[s].push_back(rounded(sides[s].sample()));
      }
    }
    json entry = {{"name", name}, {"parameters", std::move(parameters)}, {"checked", checked}};
    for (std::size_t s = 0; s < sides.size(); ++s) entry["samples"][sides[s].name] = samples[s];
    for (const Comparison &c : comparisons)
      entry["comparisons"].push_back({{"name", c.name},
                                      {"numerator", c.numerator},
                                      {"denominator", c.denominator},
                                      {"meaning", c.meaning},
                                      {"target", c.target}});
    document["cases"].push_back(std::move(entry));
  }

  const Options options;
  json document;
  Handle<gpuc_device> device;
  Handle<gpuc_context> context;
  Handle<gpuc_queue> queue;
  // The same device and context for direct calls, with a queue of their own.
  cl_device_id cl_device = nullptr;
  cl_context cl_ctx = nullptr;
  ClHandle<cl_command_queue> cl_queue;

 private:
  std::string cl_text(cl_device_info key) const {
    std::size_t size = 0;
    cl_ok(clGetDeviceInfo(cl_device, key, 0, nullptr, &size), "clGetDeviceInfo");
    std::string text(size, '\0');
    cl_ok(clGetDeviceInfo(cl_device, key, size, text.data(), nullptr), "clGetDeviceInfo");
    text.resize(std::strlen(text.c_str()));
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
  }
};

// ---- main ----------------------------------------------------------------------------------------------------------

inline Options read_options(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) throw Failure(argument + " needs a value");
      return argv[++i];
    };
    if (argument == "--quick")
      options.quick = true;
    else if (argument == "--seconds")
      options.seconds = std::stod(value());
    else if (argument == "--device")
      options.device = value();
    else if (argument == "--sizes")
      options.sizes = value();
    else if (argument == "--driver-cache")
      options.driver_cache = true;
    else if (argument == "--cpu-time")
      options.cpu_time = true;
    else
      throw Failure("unknown argument " + argument +
                    "; known: --quick, --seconds S, --device FILTER, --sizes FILE (gemm), --driver-cache (warm_start), "
                    "--cpu-time (gemm_openblas)");
  }
  return options;
}

// The document goes to the standard output, whatever happens to the standard error. Exit status 1: something was wrong.
template <class Prepare, class Body>
int run(int argc, char **argv, const char *name, const char *title, Prepare &&prepare, Body &&body) {
  json document = {{"name", name}, {"title", title}, {"correct", false}};
  try {
    const Options options = read_options(argc, argv);
    prepare(options);
    Bench bench(options, name, title);
    try {
      body(bench);
      bench.document["correct"] = true;
    } catch (const std::exception &error) {
      bench.document["error"] = error.what();
    }
    document = std::move(bench.document);
  } catch (const std::exception &error) {
    document["error"] = error.what();
  }
  std::printf("%s\n", document.dump().c_str());
  if (document["correct"] == true) return 0;
  std::fprintf(stderr, "%s: %s\n", name, document["error"].get<std::string>().c_str());
  return 1;
}

template <class Body>
int run(int argc, char **argv, const char *name, const char *title, Body &&body) {
  return run(
      argc, argv, name, title, [](const Options &) {}, std::forward<Body>(body));
}

}  // namespace bench
