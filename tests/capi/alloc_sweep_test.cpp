// Fails every host allocation of the library in turn, in every scenario, once and from then on.
//
//   capi_alloc_tests [--every N] [--offset K] [--only SCENARIO] [--least N] [--places] [--point N] [--stack]
//
// N, K: every N-th point only, beginning with the K-th. --places: of the allocations that one call stack makes, the
// first and the last only. --point: that allocation alone; --stack: where it is made.
//
// After each point: no crash and no hang; the result is right, or "out of host memory" with a message; no command of a
// call that failed is on a queue; no OpenCL object and no host memory is left; the scenario succeeds as soon as there
// is memory again. The first use of the library runs in a process of its own for each point, and so does exit().
#define DOCTEST_CONFIG_IMPLEMENT
#include <dirent.h>
#include <faults.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <faults/alloc_hook.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <thread>

#include "scenarios.hpp"
#include "sweep.hpp"

using namespace capi_test;

namespace {

gpuc_faults faults;
Sweep sweep;
bool only_places = false;
long only_point = 0;
long spared = 0;  // points at which nothing failed

extern "C" void count_log(void *count, gpuc_log_level, const char *) { ++*static_cast<std::atomic<long> *>(count); }
std::atomic<long> logged{0};

// Commands that move or compute something; a marker alone touches nothing, and the library maps memory of its own.
long commands_put() {
  long sum = 0;
  for (const char *function : {"clEnqueueReadBuffer", "clEnqueueWriteBuffer", "clEnqueueReadBufferRect",
                               "clEnqueueWriteBufferRect", "clEnqueueCopyBuffer", "clEnqueueCopyBufferRect",
                               "clEnqueueFillBuffer", "clEnqueueNDRangeKernel", "clEnqueueBarrierWithWaitList"})
    sum += faults.calls(function);
  return sum;
}

// Threads of the library may hold something for a moment longer.
template <class Holds>
bool holds_soon(Holds &&holds, int tries = 60000) {
  for (int i = 0; i < tries; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

void check_failure(const Steps &steps, const char *when) {
  for (const std::string &problem : steps.problems()) sweep.report(Problem::status, when + problem);
  if (steps.status() != GPUC_OK && steps.status() != GPUC_ERROR_OUT_OF_HOST_MEMORY)
    sweep.report(Problem::status, when + steps.function() + " gives " + named(steps.status()) + ": " + steps.message());
}

// Files, sockets and the like that the process has open.
long open_files() {
  DIR *const list = opendir("/proc/self/fd");
  long count = 0;
  while (list && readdir(list)) ++count;
  if (list) closedir(list);
  return count;
}

std::vector<long> all_of(long count) {
  std::vector<long> all(static_cast<size_t>(count));
  std::iota(all.begin(), all.end(), 1);
  return all;
}

// Of the allocations that one stack makes the first and the last, in order.
std::vector<long> ends_of_stacks(const uint64_t *stacks, long count) {
  std::map<uint64_t, std::pair<long, long>> ends;
  for (long n = 1; n <= count; ++n) {
    const auto [place, fresh] = ends.try_emplace(stacks[n - 1], n, n);
    if (!fresh) place->second.second = n;
  }
  std::set<long> chosen;
  for (const auto &[stack, first_and_last] : ends) {
    chosen.insert(first_and_last.first);
    chosen.insert(first_and_last.second);
  }
  return {chosen.begin(), chosen.end()};
}

class ScenarioSweep {
 public:
  explicit ScenarioSweep(const Scenario &scenario) : scenario_(scenario) {}

  void run() {
    sweep.at("%s without faults", scenario_.name);
    const long count = learn();
    if (count < 0) return;
    const Sweep::Counts before = sweep.counts();
    const std::vector<long> chosen = only_places ? places(count) : all_of(count);
    for (const bool from_then_on : {false, true})
      for (const long n : chosen)
        if (only_point ? n == only_point : sweep.selected()) point(n, from_then_on);
    sweep.row(scenario_.name, count, "allocations", before);
  }

 private:
  std::vector<long> places(long count) const {
    std::vector<uint64_t> stacks(static_cast<size_t>(count), 0);
    alloc_hook::disarm();
    alloc_hook::record_stacks(stacks.data(), count);
    Steps steps;
    scenario_.run(steps);
    alloc_hook::record_stacks(nullptr, 0);
    return ends_of_stacks(stacks.data(), count);
  }

  // Runs without faults until what is kept from one run to the next is there; gives the allocations of one run, or -1.
  long learn() {
    for (int i = 0; i < 24; ++i) {
      Steps steps;
      faults.reset();
      alloc_hook::disarm();
      sweep.begin_point();
      scenario_.run(steps);
      sweep.end_point();
      if (steps.not_on_this_device()) {
        sweep.skip(scenario_.name, "not on this device: " + steps.message());
        return -1;
      }
      for (const std::string &problem : steps.problems()) sweep.report(Problem::other, problem);
      if (steps.status() != GPUC_OK) {
        sweep.report(Problem::other, "fails without faults: " + steps.function() + ": " + steps.message());
        return -1;
      }
      if (!holds_soon([] { return faults.live(nullptr) == 0; })) sweep.report(Problem::leak, "leaves OpenCL objects");
      files_ = open_files();
      if (i >= 4) most_kept_ = std::max(most_kept_, alloc_hook::living());
    }
    const long count = alloc_hook::counted();
    if (count < 1) sweep.report(Problem::other, "makes no allocation: the hook is not where the library allocates");
    return count;
  }

  void point(long n, bool from_then_on) {
    sweep.at("%s, allocation %ld%s", scenario_.name, n, from_then_on ? " and all later ones" : "");
    sweep.begin_point();
    faults.reset();
    alloc_hook::arm(n, from_then_on);
    Steps steps;
    scenario_.run(steps);
    const long failed = alloc_hook::failed();
    // What the library's threads do for the call must fail as well.
    if (from_then_on) holds_soon([] { return faults.live(nullptr) == 0; }, 2000);
    alloc_hook::disarm();
    if (failed == 0) ++spared;
    sweep.injected(failed);
    check_failure(steps, "");
    if (steps.status() != GPUC_OK) sweep.saw(steps.function(), steps.status());
    if (steps.status() != GPUC_OK && failed == 0)
      sweep.report(Problem::status, "fails without a fault: " + steps.message());
    if (!holds_soon([] { return faults.live(nullptr) == 0; }))
      sweep.report(Problem::leak, "leaves" + sweep.what_lives(faults));
    if (faults.misuse() != 0) sweep.report(Problem::leak, "uses an object after its release");
    if (!succeeds()) sweep.report(Problem::retry, "does not work afterwards");
    check_memory();
    // The library's thread closes the descriptors of events when it finds them complete.
    if (!holds_soon([this] { return open_files() <= files_; })) sweep.report(Problem::leak, "leaves a file open");
    sweep.end_point();
  }

  bool succeeds() {
    Steps again;
    scenario_.run(again);
    for (const std::string &problem : again.problems()) sweep.report(Problem::retry, "afterwards: " + problem);
    if (again.status() != GPUC_OK)
      sweep.report(Problem::retry, "afterwards: " + again.function() + ": " + again.message());
    if (!holds_soon([] { return faults.live(nullptr) == 0; }))
      sweep.report(Problem::leak, "leaves afterwards" + sweep.what_lives(faults));
    return again.status() == GPUC_OK;
  }

  // What is kept goes up and down from run to run (lists are swept when they are full), but not beyond what it was.
  void check_memory() {
    if (holds_soon([this] { return alloc_hook::living() <= most_kept_; }, 20)) return;
    long most = 0;
    for (int i = 0; i < 40; ++i) {
      Steps steps;
      scenario_.run(steps);
      holds_soon([] { return faults.live(nullptr) == 0; });
      most = std::max(most, alloc_hook::living());
    }
    if (most > most_kept_)
      sweep.report(Problem::leak, "leaves " + std::to_string(most - most_kept_) + " blocks of host memory");
    most_kept_ = std::max(most_kept_, most);
  }

  const Scenario &scenario_;
  long most_kept_ = 0, files_ = 0;
};

// From listing platforms to a result.
void first_use(Steps &steps) {
  size_t count = 0;
  uint64_t value = 0;
  const auto ok = [&](const char *function, auto &&call) {
    return steps.status() == GPUC_OK && steps.call(function, call);
  };
  Device device;
  Context context;
  Queue queue;
  Buffer buffer;
  ok("gpuc_platform_list", [&] { return gpuc_platform_list(nullptr, 0, &count); });
  ok("gpuc_device_list", [&] { return gpuc_device_list(nullptr, nullptr, 0, &count); });
  ok("gpuc_device_select", [&] { return gpuc_device_select(nullptr, device.out()); });
  ok("gpuc_device_get_capability", [&] { return gpuc_device_get_capability(device, GPUC_CAPABILITY_FP64, &value); });
  ok("gpuc_context_create", [&] {
    gpuc_device *const devices[] = {device};
    return gpuc_context_create(devices, 1, context.out());
  });
  ok("gpuc_queue_create", [&] { return gpuc_queue_create(context, device, 0, queue.out()); });
  ok("gpuc_buffer_create", [&] { return gpuc_buffer_create(context, 64, 0, buffer.out()); });
  int out = 11, in = 0;
  ok("gpuc_buffer_write", [&] { return gpuc_buffer_write(buffer, queue, 0, 4, &out); });
  ok("gpuc_buffer_read", [&] { return gpuc_buffer_read(buffer, queue, 0, 4, &in); });
  if (steps.status() == GPUC_OK && in != 11) steps.wrong("another number is read than was written");
}

// Shared with the processes in which a scenario is the first use of the library.
struct FirstUse {
  std::atomic<long> counted, failed, problems;
  std::atomic<bool> unsupported;
  static constexpr long most = 100000;
  uint64_t stacks[most];
};

// n 0: without a fault.
[[noreturn]] void first_use_process(const Scenario &scenario, FirstUse &shared, long n, bool from_then_on) {
  const long problems_before = sweep.counts().problems;
  sweep.begin_point();
  if (n) {
    alloc_hook::arm(n, from_then_on);
  } else {
    alloc_hook::disarm();
    alloc_hook::record_stacks(shared.stacks, FirstUse::most);
  }
  {
    Steps steps, again;
    scenario.run(steps);
    shared.counted = alloc_hook::counted();
    shared.failed = alloc_hook::failed();
    alloc_hook::record_stacks(nullptr, 0);
    alloc_hook::disarm();
    shared.unsupported = steps.not_on_this_device();
    if (!shared.unsupported) check_failure(steps, "");
    scenario.run(again);
    if (!shared.unsupported && again.status() != GPUC_OK)
      sweep.report(Problem::retry, "does not work afterwards: " + again.function() + ": " + again.message());
    for (const std::string &problem : again.problems()) sweep.report(Problem::retry, "afterwards: " + problem);
    gpuc_faults_require(&faults);
    if (!holds_soon([] { return faults.live(nullptr) == 0; }))
      sweep.report(Problem::leak, "leaves" + sweep.what_lives(faults));
    if (faults.misuse() != 0) sweep.report(Problem::leak, "uses an object after its release");
  }
  shared.problems = sweep.counts().problems - problems_before;
  // And exit() without memory.
  if (n && from_then_on) alloc_hook::arm(1, true);
  std::exit(0);
}

// What is set up once in a process is set up without memory here; so is its end.
void sweep_first_use(const Scenario &scenario) {
  const std::string name = std::string("first ") + scenario.name;
  sweep.at("%s", name.c_str());
  auto *shared = static_cast<FirstUse *>(
      mmap(nullptr, sizeof(FirstUse), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const auto in_process = [&](long n, bool from_then_on) {
    shared->counted = shared->failed = shared->problems = 0;
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) first_use_process(scenario, *shared, n, from_then_on);
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
      sweep.report(Problem::crash, "the process ends with " + std::to_string(status));
    else
      sweep.take_reported(shared->problems);
  };
  in_process(0, false);
  const long count = shared->counted;
  if (shared->unsupported) return sweep.skip(name.c_str(), "not on this device");
  if (count < 1)
    return sweep.report(Problem::other, "makes no allocation: the hook is not where the library allocates");
  const std::vector<long> chosen =
      only_places ? ends_of_stacks(shared->stacks, std::min(count, FirstUse::most)) : all_of(count);
  const Sweep::Counts before = sweep.counts();
  for (const bool from_then_on : {false, true})
    for (const long n : chosen) {
      if (only_point ? n != only_point : !sweep.selected()) continue;
      sweep.at("%s, allocation %ld%s", name.c_str(), n, from_then_on ? " and all later ones" : "");
      sweep.begin_point();
      in_process(n, from_then_on);
      sweep.injected(shared->failed);
      sweep.end_point();
    }
  sweep.row(name.c_str(), count, "allocations", before);
  munmap(shared, sizeof(FirstUse));
}

}  // namespace

int main(int argc, char **argv) {
  alloc_hook::this_thread_is_the_tests();
  sweep.read_options(argc, argv, [&](const std::string &option, const char *value) {
    if (option == "--stack") alloc_hook::print_stacks(true);
    if (option == "--places") only_places = true;
    if (option == "--point" && value) only_point = std::atol(value);
  });
  setenv("GPUC_TRANSFER", "force", 1);
  const OwnCache cache;
  host_memory_may_run_out = true;
  if (sweep.wants("first use")) sweep_first_use({"use", first_use, false});
  for (const Scenario &scenario : scenarios())
    if (sweep.wants(std::string("first ") + scenario.name)) sweep_first_use(scenario);
  gpuc_faults_require(&faults);
  if (!device_is_known()) return 2;
  commands_on_queues = commands_put;
  // With a log, so that the texts of its messages are made.
  gpuc_log_set(count_log, &logged, GPUC_LOG_DEBUG);
  for (const Scenario &scenario : scenarios())
    if (sweep.wants(scenario.name)) ScenarioSweep(scenario).run();
  gpuc_log_set(nullptr, nullptr, GPUC_LOG_OFF);
  if (spared) std::printf("at %ld points nothing failed: threads shared the work another way\n", spared);
  return sweep.summary("allocations that fail");
}
