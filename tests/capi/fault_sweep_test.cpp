// Fails every OpenCL call of every scenario in turn, once and from then on, with several codes.
//
//   capi_fault_tests [--every N] [--offset K] [--only SCENARIO] [--least N]
//                                      the sweep; N, K: every N-th point only, beginning with the K-th
//   capi_fault_tests --first-listing   one run in a fresh process, armed by the environment
//
// After each point: no crash and no hang; the result is right, or a status that the header documents, with a message;
// no OpenCL object is left, none was used after its release; and the scenario succeeds as soon as there are no more
// faults.
#define DOCTEST_CONFIG_IMPLEMENT
#include <faults.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

#include "scenarios.hpp"
#include "sweep.hpp"

using namespace capi_test;

namespace {

gpuc_faults faults;
Sweep sweep;

// Threads of the library may hold objects for a moment longer.
bool live_returns_to(long baseline) {
  for (int i = 0; i < 60000; ++i) {
    if (faults.live(nullptr) == baseline) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

void run_point(const Scenario &scenario, const std::string &rule, bool once, long baseline) {
  sweep.at("%s with %s", scenario.name, rule.c_str());
  sweep.begin_point();
  faults.reset();
  if (faults.arm(rule.c_str()) < 1) return sweep.report(Problem::other, "the rule cannot be read");
  Steps steps;
  long fired = 0;
  steps.no_more_faults = [&] {
    fired += faults.fired();
    faults.arm(nullptr);
  };
  scenario.run(steps);
  fired += faults.fired();
  sweep.injected(fired);
  // Reset would forget what the threads of the library still do wrong.
  faults.arm(nullptr);
  for (const std::string &problem : steps.problems()) sweep.report(Problem::status, problem);
  if (steps.status() != GPUC_OK) {
    sweep.saw(steps.function(), steps.status());
    if (fired == 0) sweep.report(Problem::status, steps.function() + " fails without a fault: " + steps.message());
  }
  if (!live_returns_to(baseline))
    sweep.report(Problem::leak, "leaves" + Sweep::what_lives(faults) + (once ? "" : " (faults from then on)"));
  if (faults.misuse() != 0) sweep.report(Problem::leak, "uses an object after its release");

  Steps again;
  scenario.run(again);
  for (const std::string &problem : again.problems()) sweep.report(Problem::retry, "afterwards: " + problem);
  if (again.status() != GPUC_OK)
    sweep.report(Problem::retry, "does not work afterwards: " + again.function() + ": " + again.message());
  if (!live_returns_to(baseline)) sweep.report(Problem::leak, "leaves afterwards" + Sweep::what_lives(faults));
  sweep.end_point();
}

void sweep_scenario(const Scenario &scenario) {
  sweep.at("%s without faults", scenario.name);
  const long baseline = faults.live(nullptr);
  Steps steps;
  for (int i = 0; i < 2; ++i) {  // the second time counts: what is probed once is known then
    faults.reset();
    steps = Steps();
    alarm(900);
    scenario.run(steps);
    alarm(0);
  }
  const long calls = faults.calls(nullptr), events = faults.calls("event");
  std::vector<std::pair<std::string, long>> waiting_calls;
  for (const char *function : {"clWaitForEvents", "clFinish"})
    waiting_calls.emplace_back(function, faults.calls(function));
  if (steps.not_on_this_device()) return sweep.skip(scenario.name, "not on this device: " + steps.message());
  for (const std::string &problem : steps.problems()) sweep.report(Problem::other, problem);
  if (steps.status() != GPUC_OK)
    return sweep.report(Problem::other, "fails without faults: " + steps.function() + ": " + steps.message());
  if (!live_returns_to(baseline)) return sweep.report(Problem::leak, "leaves" + Sweep::what_lives(faults));
  if (baseline != 0) sweep.report(Problem::leak, "starts with" + Sweep::what_lives(faults));
  const Sweep::Counts before = sweep.counts();
  const auto fail_each = [&](const std::string &name, long count, int code) {
    const auto rule = [&](long n, const char *mode) {
      return name + ":" + std::to_string(n) + mode + ":" + std::to_string(code);
    };
    for (long n = 1; n <= count; ++n)
      if (sweep.selected()) run_point(scenario, rule(n, ""), true, baseline);
    for (long n = 1; n <= count; ++n) {
      if (!sweep.selected()) continue;
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
  sweep.row(scenario.name, calls, "calls", before);
}

// Where memory is refused, cached memory is given back and the call is made once more; then the failure tells what the
// context holds, and a later call works.
void check_device_memory(gpuc_context *context, gpuc_queue *queue) {
  Buffer used;
  const int zero = 0;
  const auto fill = [&] { return gpuc_buffer_fill_async(used, queue, &zero, 4, 0, 64, nullptr, 0, nullptr); };
  const auto create = [&] {
    Buffer other;
    return gpuc_buffer_create(context, 7777, GPUC_BUFFER_UNPOOLED, other.out());
  };
  if (gpuc_buffer_create(context, 64, 0, used.out())) return sweep.report(Problem::other, "there is no buffer");
  const auto check = [&](const std::string &routine, const std::function<gpuc_status()> &call, int code, int times,
                         gpuc_status expected) {
    // Something to give back, whose last command is over soon.
    Buffer cached;
    gpuc_buffer_create(context, 5000, 0, cached.out());
    gpuc_buffer_fill_async(cached, queue, &zero, 4, 0, 64, nullptr, 0, nullptr);
    cached.reset();
    std::string rules;
    for (int n = 1; n <= times; ++n)
      rules += (n > 1 ? "," : "") + routine + ":" + std::to_string(n) + ":" + std::to_string(code);
    sweep.at("device memory, %s", rules.c_str());
    sweep.begin_point();
    faults.reset();
    faults.arm(rules.c_str());
    poison_record();
    const gpuc_status got = call();
    const long calls = faults.calls(routine.c_str());
    sweep.injected(faults.fired());
    faults.arm(nullptr);
    if (got != expected) sweep.report(Problem::status, "gives " + named(got));
    if (calls != 2) sweep.report(Problem::other, "the call is made " + std::to_string(calls) + " times, not twice");
    const bool tells = std::strstr(gpuc_last_error_detail(), "in use") != nullptr;
    if (got == GPUC_ERROR_OUT_OF_DEVICE_MEMORY && !tells) sweep.report(Problem::status, "there is no memory report");
    if (call() != GPUC_OK) sweep.report(Problem::retry, "does not work afterwards");
    uint64_t left = 1;
    gpuc_context_get_memory(context, GPUC_MEMORY_CACHED_BYTES, &left);
    if (left != 0) sweep.report(Problem::other, "cached memory is not given back");
    sweep.end_point();
  };
  for (const int code : {-4, -5, -6}) {
    const gpuc_status refused = code == -6 ? GPUC_ERROR_OUT_OF_HOST_MEMORY : GPUC_ERROR_OUT_OF_DEVICE_MEMORY;
    check("clCreateBuffer", create, code, 1, GPUC_OK);
    check("clCreateBuffer", create, code, 2, refused);
    check("clEnqueueFillBuffer", fill, code, 1, GPUC_OK);
    check("clEnqueueFillBuffer", fill, code, 2, refused);
    // A command that ran: nothing can be done for it, but for the next one.
    sweep.at("device memory, an event with %d", code);
    sweep.begin_point();
    Event event;
    faults.reset();
    faults.arm(("event:1:" + std::to_string(code)).c_str());
    gpuc_buffer_fill_async(used, queue, &zero, 4, 0, 64, nullptr, 0, event.out());
    const gpuc_status got = gpuc_event_wait(event);
    sweep.injected(faults.fired());
    faults.arm(nullptr);
    const gpuc_status expected = code == -6 ? GPUC_ERROR_OUT_OF_HOST_MEMORY : GPUC_ERROR_EXECUTION_FAILED;
    if (got != expected) sweep.report(Problem::status, "gives " + named(got));
    if (fill() != GPUC_OK || create() != GPUC_OK) sweep.report(Problem::retry, "does not work afterwards");
    sweep.end_point();
  }
}

// Codes that have a status of their own.
void check_statuses() {
  const auto report = [](const std::string &problem) { sweep.report(Problem::status, problem); };
  const auto expect = [&](const char *function, const char *rule, gpuc_status expected,
                          const std::function<gpuc_status()> &call) {
    sweep.at("%s with %s", function, rule);
    sweep.begin_point();
    faults.reset();
    faults.arm(rule);
    poison_record();
    const gpuc_status got = call();
    const long fired = faults.fired();
    faults.arm(nullptr);
    sweep.injected(fired);
    if (fired != 1) report("the call is not made");
    if (got != expected)
      report("gives " + named(got));
    else if (const std::string fault = record_fault(got); !fault.empty())
      report(fault);
    else if (std::strncmp(gpuc_last_error_routine(), "cl", 2) != 0)
      report("does not name the routine");
    if (const gpuc_status status = call(); status != GPUC_OK) report("then gives " + named(status));
    sweep.end_point();
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
  gpuc_array_view array{};
  gpuc_array_view_init(&array, sizeof array);
  array.buffer = buffer;
  // documented: gpuc_array_write GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_array_write", "clEnqueueWriteBuffer:1:-14", failed,
         [&] { return gpuc_array_write(queue, &array, host); });
  // documented: gpuc_array_read GPUC_ERROR_EXECUTION_FAILED
  expect("gpuc_array_read", "clEnqueueReadBuffer:1:-14", failed, [&] { return gpuc_array_read(queue, &array, host); });
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
  check_device_memory(context, queue);
}

// In a fresh process: the first listing of platforms and devices, with a fault, and once more without.
int first_listing() {
  sweep.at("first listing with %s", std::getenv("GPUC_FAULTS") ? std::getenv("GPUC_FAULTS") : "nothing");
  sweep.begin_point();
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
  if (steps.status() != GPUC_OK)
    for (const std::string &problem : steps.problems()) sweep.report(Problem::status, problem);
  Steps again;
  list(again);
  for (const std::string &problem : again.problems()) sweep.report(Problem::retry, "afterwards: " + problem);
  if (again.status() != GPUC_OK)
    sweep.report(Problem::retry, "does not work afterwards: " + again.function() + ": " + again.message());
  if (faults.live(nullptr) != 0) sweep.report(Problem::leak, "leaves" + Sweep::what_lives(faults));
  if (faults.misuse() != 0) sweep.report(Problem::leak, "uses an object after its release");
  if (const char *path = std::getenv("GPUC_COUNT_FILE")) {
    if (FILE *file = std::fopen(path, "w")) {
      std::fprintf(file, "%ld %ld\n", calls, fired);
      std::fclose(file);
    }
  }
  return sweep.counts().problems != 0;
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

// Each point needs a process of its own, so only one of four is run.
void sweep_first_listing() {
  sweep.at("first listing");
  const std::string count_file = "/tmp/gpuc_fault_count_" + std::to_string(getpid());
  long calls = 0, fired = 0;
  // Runs of the listing alone: the capabilities are probed with a context and programs of their own.
  if (!fresh_process("", count_file, calls, fired)) return sweep.report(Problem::other, "fails without faults");
  const Sweep::Counts before = sweep.counts();
  for (const int code : {-5, -6, -36}) {
    for (const char *mode : {"", "+"}) {
      for (long n = 1; n <= calls; ++n) {
        if (!sweep.selected(4)) continue;
        const std::string rule = "any:" + std::to_string(n) + mode + ":" + std::to_string(code);
        sweep.at("first listing with %s", rule.c_str());
        long unused = 0;
        sweep.begin_point();
        if (!fresh_process(rule, count_file, unused, fired)) sweep.report(Problem::other, "see above");
        sweep.end_point();
        sweep.injected(fired);
      }
    }
  }
  sweep.row("first listing", calls, "calls", before);
}

// Why the device cannot have the scenario's faults, or null.
const char *reason_against(const Scenario &scenario) {
  // PoCL 3.1 wakes the commands behind a failed user event on a lock that may be gone already, and aborts.
  if (scenario.uses_user_events && device_is("portable")) return "PoCL ends the process when user events fail";
  if (scenario.uses_user_events && device_is("oclgrind"))
    return "Oclgrind never runs commands that wait for a user event";
  // Which serves where a fault takes the first backend out, too.
  const std::string name = scenario.name;
  if ((name == "gemm_chosen" || name.rfind("gemm_clblast", 0) == 0) && device_is("intel") && device_is(":cpu:"))
    return "Intel's runtime compiles CLBlast's kernels anew each time, for minutes";
  return nullptr;
}

}  // namespace

int main(int argc, char **argv) {
  bool is_first_listing = false;
  sweep.read_options(argc, argv, [&](const std::string &option, const char *) {
    if (option == "--first-listing") is_first_listing = true;
  });
  if (is_first_listing) return first_listing();
  setenv("GPUC_TRANSFER", "force", 1);
  const OwnCache cache;
  gpuc_faults_require(&faults);
  if (sweep.wants("first")) sweep_first_listing();
  if (!device_is_known()) return 2;
  if (sweep.wants("statuses")) check_statuses();
  for (const Scenario &scenario : scenarios()) {
    if (!sweep.wants(scenario.name)) continue;
    if (const char *reason = reason_against(scenario))
      sweep.skip(scenario.name, reason);
    else
      sweep_scenario(scenario);
  }
  return sweep.summary("OpenCL calls that fail");
}
