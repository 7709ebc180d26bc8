// Fails every OpenCL call of every scenario in turn, once and from then on, with several codes.
//
//   capi_fault_tests [--every N] [--only SCENARIO]   the sweep; N: every N-th point only
//   capi_fault_tests --first-listing                 one run in a fresh process, armed by the environment
//
// After each point: no crash and no hang; the result is right, or a status that the header documents, with a message;
// no OpenCL object is left, none was used after its release; and the scenario succeeds as soon as there are no more
// faults.
#define DOCTEST_CONFIG_IMPLEMENT
#include "scenarios.hpp"

#include <faults.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace capi_test;

namespace {

gpuc_faults faults;
char current[256];  // the point that is being run, for the alarm
int reports = STDERR_FILENO;
long points = 0, injected = 0, failures = 0;
// Function and status of the failures that were seen.
std::set<std::pair<std::string, gpuc_status>> seen;

extern "C" void too_late(int) {
  static const char text[] = "HANGS: ";
  [[maybe_unused]] ssize_t ignored = write(reports, text, sizeof text - 1);
  ignored = write(reports, current, strlen(current));
  ignored = write(reports, "\n", 1);
  _exit(3);
}

void report(const std::string &problem) {
  if (++failures <= 40) dprintf(reports, "%s: %s\n", current, problem.c_str());
}

// Threads of the library may hold objects for a moment longer.
bool live_returns_to(long baseline) {
  for (int i = 0; i < 2000; ++i) {
    if (faults.live(nullptr) == baseline) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

std::string what_lives() {
  std::string all;
  for (const char *kind : {"context", "queue", "mem", "program", "kernel", "event"})
    if (const long count = faults.live(kind)) all += " " + std::to_string(count) + " " + kind;
  return all;
}

void run_point(const Scenario &scenario, const std::string &rule, bool once, long baseline) {
  ++points;
  std::snprintf(current, sizeof current, "%s with %s", scenario.name, rule.c_str());
  alarm(20);
  const auto begin = std::chrono::steady_clock::now();
  faults.reset();
  if (faults.arm(rule.c_str()) < 1) return report("the rule cannot be read");
  Steps steps;
  scenario.run(steps);
  const long fired = faults.fired();
  injected += fired;
  // Reset would forget what the threads of the library still do wrong.
  faults.arm(nullptr);
  for (const std::string &problem : steps.problems()) report(problem);
  if (steps.status() != GPUC_OK) {
    seen.insert({steps.function(), steps.status()});
    if (fired == 0) report(steps.function() + " fails without a fault: " + steps.message());
  }
  if (!live_returns_to(baseline)) report("leaves" + what_lives() + (once ? "" : " (faults from then on)"));
  if (faults.misuse() != 0) report("uses an object after its release");

  Steps again;
  scenario.run(again);
  for (const std::string &problem : again.problems()) report("afterwards: " + problem);
  if (again.status() != GPUC_OK) report("does not work afterwards: " + again.function() + ": " + again.message());
  if (!live_returns_to(baseline)) report("leaves afterwards" + what_lives());
  const auto took = std::chrono::steady_clock::now() - begin;
  if (took > std::chrono::seconds(5))
    report("takes " + std::to_string(std::chrono::duration<double>(took).count()) + " s");
  alarm(0);
}

void sweep(const Scenario &scenario, long every) {
  std::snprintf(current, sizeof current, "%s without faults", scenario.name);
  const long baseline = faults.live(nullptr);
  Steps steps;
  for (int i = 0; i < 2; ++i) {  // the second time counts: what is probed once is known then
    faults.reset();
    steps = Steps();
    alarm(120);
    scenario.run(steps);
    alarm(0);
  }
  const long calls = faults.calls(nullptr), events = faults.calls("event");
  std::vector<std::pair<std::string, long>> waiting_calls;
  for (const char *function : {"clWaitForEvents", "clFinish"})
    waiting_calls.emplace_back(function, faults.calls(function));
  for (const std::string &problem : steps.problems()) report(problem);
  if (steps.status() == GPUC_ERROR_UNSUPPORTED) {
    std::printf("%-16s not on this device: %s\n", scenario.name, steps.message().c_str());
    return;
  }
  if (steps.status() != GPUC_OK) return report("fails without faults: " + steps.function() + ": " + steps.message());
  if (!live_returns_to(baseline)) return report("leaves" + what_lives());
  if (baseline != 0) report("starts with" + what_lives());
  const long points_before = points, injected_before = injected;
  const auto begin = std::chrono::steady_clock::now();
  long number = 0;
  const auto selected = [&] { return number++ % every == 0; };
  const auto fail_each = [&](const std::string &name, long count, int code) {
    const auto rule = [&](long n, const char *mode) {
      return name + ":" + std::to_string(n) + mode + ":" + std::to_string(code);
    };
    for (long n = 1; n <= count; ++n)
      if (selected()) run_point(scenario, rule(n, ""), true, baseline);
    for (long n = 1; n <= count; ++n) {
      if (!selected()) continue;
      // A driver that never again completes a user event leaves its waiters for ever, and nothing helps: three in a
      // row.
      run_point(scenario,
                scenario.uses_user_events ? rule(n, "") + "," + rule(n + 1, "") + "," + rule(n + 2, "") : rule(n, "+"),
                false, baseline);
    }
  };
  for (const int code : {-4, -5, -6, -36, -2, -30, -9999}) fail_each("any", calls, code);
  for (const int code : {-1, -5, -6, -14, -36, -9999}) fail_each("event", events, code);
  // Only calls that wait give -14: a command failed.
  for (const auto &[function, count] : waiting_calls) fail_each(function, count, -14);
  std::printf("%-16s %4ld calls, %2ld events: %6ld points, %6ld faults, %.1f s\n", scenario.name, calls, events,
              points - points_before, injected - injected_before,
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  std::fflush(stdout);
}

// Codes that have a status of their own.
void check_statuses() {
  const auto expect = [](const char *function, const char *rule, gpuc_status expected,
                         const std::function<gpuc_status()> &call) {
    std::snprintf(current, sizeof current, "%s with %s", function, rule);
    faults.reset();
    faults.arm(rule);
    poison_record();
    const gpuc_status got = call();
    const long fired = faults.fired();
    faults.arm(nullptr);
    ++points;
    injected += fired;
    if (fired != 1) report("the call is not made");
    if (got != expected)
      report("gives " + named(got));
    else if (const std::string fault = record_fault(got); !fault.empty())
      report(fault);
    else if (std::strncmp(gpuc_last_error_routine(), "cl", 2) != 0)
      report("does not name the routine");
    if (const gpuc_status status = call(); status != GPUC_OK) report("then gives " + named(status));
  };
  Device device;
  Context context;
  Queue queue;
  Buffer buffer;
  ProQue proque;
  void *pointer = nullptr;
  char host[64] = {};
  gpuc_rect box{};
  gpuc_rect_init(&box, sizeof box);
  box.region[0] = 16;
  gpuc_proque_options options{};
  gpuc_proque_options_init(&options, sizeof options);
  gpuc_device_select(nullptr, device.out());
  gpuc_device *const devices[] = {device};
  gpuc_context_create(devices, 1, context.out());
  gpuc_queue_create(context, nullptr, 0, queue.out());
  gpuc_buffer_create(context, 64, 0, buffer.out());
  options.context = context;
  if (gpuc_proque_create("kernel void k(global int *x) {}", GPUC_NUL_TERMINATED, &options, proque.out()) != GPUC_OK)
    return report(std::string("cannot begin: ") + gpuc_last_error_message());
  const gpuc_status failed = GPUC_ERROR_EXECUTION_FAILED;
  // documented: gpuc_buffer_write GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_buffer_write", "clEnqueueWriteBuffer:1:-14", failed,
         [&] { return gpuc_buffer_write(buffer, queue, 0, 64, host); });
  // documented: gpuc_buffer_read GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_buffer_read", "clEnqueueReadBuffer:1:-14", failed,
         [&] { return gpuc_buffer_read(buffer, queue, 0, 64, host); });
  // documented: gpuc_buffer_write_rect GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_buffer_write_rect", "clEnqueueWriteBufferRect:1:-14", failed,
         [&] { return gpuc_buffer_write_rect(buffer, queue, &box, host); });
  // documented: gpuc_buffer_read_rect GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_buffer_read_rect", "clEnqueueReadBufferRect:1:-14", failed,
         [&] { return gpuc_buffer_read_rect(buffer, queue, &box, host); });
  // documented: gpuc_buffer_map GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_buffer_map", "clEnqueueMapBuffer:1:-14", failed,
         [&] { return gpuc_buffer_map(buffer, queue, GPUC_MAP_READ, 0, 64, &pointer); });
  gpuc_buffer_unmap_async(buffer, queue, pointer, nullptr, 0, nullptr);
  // documented: gpuc_queue_finish GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_queue_finish", "clFinish:1:-14", failed, [&] { return gpuc_queue_finish(queue); });
  expect("gpuc_queue_finish", "clFinish:1:-5", failed, [&] { return gpuc_queue_finish(queue); });
  // documented: gpuc_proque_finish GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_proque_finish", "clFinish:1:-14", failed, [&] { return gpuc_proque_finish(proque); });
  // documented: gpuc_proque_write GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_proque_write", "clEnqueueWriteBuffer:1:-14", failed,
         [&] { return gpuc_proque_write(proque, buffer, host); });
  // documented: gpuc_proque_read GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_proque_read", "clEnqueueReadBuffer:1:-14", failed,
         [&] { return gpuc_proque_read(proque, buffer, host); });
  // documented: common GPUC_ERROR_DRIVER GPUC_ERROR_DEVICE_LOST GPUC_ERROR_OUT_OF_HOST_MEMORY
  expect("gpuc_queue_flush", "clFlush:1:-30", GPUC_ERROR_DRIVER, [&] { return gpuc_queue_flush(queue); });
  expect("gpuc_queue_flush", "clFlush:1:-2", GPUC_ERROR_DEVICE_LOST, [&] { return gpuc_queue_flush(queue); });
  expect("gpuc_queue_flush", "clFlush:1:-36", GPUC_ERROR_DEVICE_LOST, [&] { return gpuc_queue_flush(queue); });
  expect("gpuc_queue_finish", "clFinish:1:-36", GPUC_ERROR_DEVICE_LOST, [&] { return gpuc_queue_finish(queue); });
  expect("gpuc_queue_flush", "clFlush:1:-6", GPUC_ERROR_OUT_OF_HOST_MEMORY, [&] { return gpuc_queue_flush(queue); });
  const auto context_of = [&] {
    Context another;
    return gpuc_context_create(devices, 1, another.out());
  };
  expect("gpuc_context_create", "clCreateContext:1:-5", GPUC_ERROR_OUT_OF_DEVICE_MEMORY, context_of);
  // A buffer is asked for twice before it is refused, with what the pool holds given back in between.
  std::snprintf(current, sizeof current, "gpuc_buffer_create");
  for (const char *rule : {"clCreateBuffer:1:-4", "clCreateBuffer:1:-4,clCreateBuffer:2:-5"}) {
    faults.arm(rule);
    Buffer other;
    const gpuc_status got = gpuc_buffer_create(context, 7777, GPUC_BUFFER_UNPOOLED, other.out());
    injected += faults.fired();
    faults.arm(nullptr);
    if (got != (std::strchr(rule, ',') ? GPUC_ERROR_OUT_OF_DEVICE_MEMORY : GPUC_OK))
      report(std::string(rule) + " gives " + named(got));
    if (got && !std::strstr(gpuc_last_error_detail(), "in use")) report("there is no memory report");
  }
}

// In a fresh process: the first listing of platforms and devices, with a fault, and once more without.
int first_listing() {
  std::snprintf(current, sizeof current, "first listing with %s",
                std::getenv("GPUC_FAULTS") ? std::getenv("GPUC_FAULTS") : "nothing");
  alarm(20);
  const auto list = [](Steps &steps) {
    size_t count = 0;
    poison_record();
    if (!steps("gpuc_platform_list", gpuc_platform_list(nullptr, 0, &count))) return;
    poison_record();
    if (!steps("gpuc_device_list", gpuc_device_list(nullptr, nullptr, 0, &count))) return;
    Device device;
    poison_record();
    if (!steps("gpuc_device_select", gpuc_device_select(nullptr, device.out()))) return;
    uint64_t value = 0;
    poison_record();
    if (!steps("gpuc_device_get_capability", gpuc_device_get_capability(device, GPUC_CAPABILITY_FP64, &value))) return;
  };
  Steps steps;
  list(steps);
  gpuc_faults_require(&faults);
  const long fired = faults.fired();
  const long calls = faults.calls(nullptr);
  faults.arm(nullptr);
  if (steps.status() == GPUC_OK) {
    for (const std::string &problem : steps.problems())
      std::fprintf(stderr, "%s: note: %s\n", current, problem.c_str());
  } else {
    for (const std::string &problem : steps.problems()) report(problem);
  }
  Steps again;
  list(again);
  for (const std::string &problem : again.problems()) report("afterwards: " + problem);
  if (again.status() != GPUC_OK) report("does not work afterwards: " + again.function() + ": " + again.message());
  if (faults.live(nullptr) != 0) report("leaves" + what_lives());
  if (faults.misuse() != 0) report("uses an object after its release");
  if (const char *path = std::getenv("GPUC_COUNT_FILE")) {
    if (FILE *file = std::fopen(path, "w")) {
      std::fprintf(file, "%ld %ld\n", calls, fired);
      std::fclose(file);
    }
  }
  return failures != 0;
}

// Runs this program in a fresh process; gives the calls it made and the faults it met.
bool fresh_process(const std::string &rule, const std::string &count_file, long &calls, long &fired) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (rule.empty())
      unsetenv("GPUC_FAULTS");
    else
      setenv("GPUC_FAULTS", rule.c_str(), 1);
    setenv("GPUC_COUNT_FILE", count_file.c_str(), 1);
    setenv("GPUC_CACHE", "0", 1);
    execl("/proc/self/exe", "capi_fault_tests", "--first-listing", static_cast<char *>(nullptr));
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  calls = fired = 0;
  if (FILE *file = std::fopen(count_file.c_str(), "r")) {
    if (std::fscanf(file, "%ld %ld", &calls, &fired) != 2) calls = fired = 0;
    std::fclose(file);
  }
  unlink(count_file.c_str());
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void sweep_first_listing(long every) {
  std::snprintf(current, sizeof current, "first listing");
  const std::string count_file = "/tmp/gpuc_fault_count_" + std::to_string(getpid());
  long calls = 0, fired = 0;
  // Runs of the listing alone: the capabilities are probed with a context and programs of their own.
  if (!fresh_process("", count_file, calls, fired)) return report("fails without faults");
  const long points_before = points, injected_before = injected;
  for (const int code : {-5, -6, -36}) {
    for (const char *mode : {"", "+"}) {
      for (long n = 1; n <= calls; n += every) {
        const std::string rule = "any:" + std::to_string(n) + mode + ":" + std::to_string(code);
        std::snprintf(current, sizeof current, "first listing with %s", rule.c_str());
        long unused = 0;
        ++points;
        if (!fresh_process(rule, count_file, unused, fired)) report("see above");
        injected += fired;
      }
    }
  }
  std::printf("%-16s %4ld calls: %6ld points, %6ld faults\n", "first listing", calls, points - points_before,
              injected - injected_before);
}

}  // namespace

int main(int argc, char **argv) {
  long every = 1;
  std::string only;
  signal(SIGALRM, too_late);
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--first-listing") return first_listing();
    if (argument == "--every" && i + 1 < argc) every = std::max(1L, std::atol(argv[++i]));
    if (argument == "--only" && i + 1 < argc) only = argv[++i];
  }
  setenv("GPUC_TRANSFER", "force", 1);
  const std::string cache = "/tmp/gpuc_fault_cache_" + std::to_string(getpid());
  setenv("GPUC_CACHE_DIR", cache.c_str(), 1);
  gpuc_faults_require(&faults);
  if (only.empty()) sweep_first_listing(every * 4);
  {
    // What is read once in a process.
    Device device;
    uint64_t value = 0;
    char filter[256];
    if (gpuc_device_select(nullptr, device.out()) || gpuc_device_get_capability(device, GPUC_CAPABILITY_FP64, &value) ||
        gpuc_device_get_string(device, GPUC_DEVICE_FILTER, filter, sizeof filter, nullptr)) {
      std::fprintf(stderr, "no device: %s\n", gpuc_last_error_message());
      return 2;
    }
    device_compiles = std::string(filter).find("fake") == std::string::npos;
  }
  // CLBlast tells of every OpenCL call that fails, and PoCL's compiler of every error.
  reports = dup(STDERR_FILENO);
  if (!std::getenv("GPUC_FAULT_NOISE") && !std::freopen("/dev/null", "w", stderr)) return 2;
  if (only.empty()) check_statuses();
  for (const Scenario &scenario : scenarios())
    if (only.empty() || only == scenario.name) sweep(scenario, every);
  gpuc_cache_clear(nullptr);
  rmdir(cache.c_str());
  std::printf("%ld points, %ld faults injected, %zu kinds of failure, %ld problems\n", points, injected, seen.size(),
              failures);
  if (std::getenv("GPUC_FAULT_KINDS"))
    for (const auto &[function, status] : seen) std::printf("  %s %s\n", function.c_str(), gpuc_status_name(status));
  const long least = every == 1 && only.empty() ? 10000 : 1;
  if (injected < least) dprintf(reports, "only %ld faults were injected, must be %ld\n", injected, least);
  return failures != 0 || injected < least;
}
