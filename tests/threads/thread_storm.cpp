// thread_storm [--threads N] [--seconds S] [--seed N] [--no-log]: see README.md.
#define DOCTEST_CONFIG_IMPLEMENT
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>

#include "storm.hpp"

namespace storm {

Settings settings;
Common common;

namespace {

std::atomic<std::uint64_t> wrong_count{0}, message_count{0};
std::mutex print_mutex;

const char *const source =
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n";

std::string device_text(gpuc_device_string key) {
  char text[4096] = {};
  size_t needed = 0;
  return GOOD(gpuc_device_get_string(common.device, key, text, sizeof text, &needed)) ? text : "";
}

}  // namespace

void wrong(const std::string &what) {
  if (wrong_count.fetch_add(1) >= 20) return;
  const std::lock_guard<std::mutex> lock(print_mutex);
  std::printf("WRONG: %s\n", what.c_str());
  std::fflush(stdout);
}

std::uint64_t wrongs() { return wrong_count.load(); }

bool good(const char *call, gpuc_status got) {
  if (got == GPUC_OK) return true;
  wrong(std::string(call) + " gives " + gpuc_status_name(got) + ": " + gpuc_last_error_message());
  return false;
}

bool good_or_gone(const char *call, gpuc_status got) { return got == GPUC_ERROR_INVALID_HANDLE || good(call, got); }

void make_common() {
  GOOD(gpuc_device_select(nullptr, &common.device));
  GOOD(gpuc_context_create(&common.device, 1, &common.context));
  GOOD(gpuc_program_create_from_source(common.context, source, GPUC_NUL_TERMINATED, nullptr, &common.program));
  GOOD(gpuc_kernel_create(common.program, "fill_value", &common.fill));
  const std::string filter = device_text(GPUC_DEVICE_FILTER);
  settings.compiles = filter.find("fake") == std::string::npos;
  settings.user_events = filter.find("oclgrind") == std::string::npos;
  capi_test::device_compiles = settings.compiles;
}

void release_common() {
  gpuc_kernel_release(common.fill);
  gpuc_program_release(common.program);
  gpuc_context_release(common.context);
  gpuc_device_release(common.device);
}

void look_around(Dice &dice) {
  char text[4096];
  size_t needed = 0, count = 0;
  std::uint64_t number = 0;
  gpuc_device *devices[8] = {};
  gpuc_platform *platform = nullptr;
  switch (dice.below(5)) {
    case 0:
      if (GOOD(gpuc_device_list(nullptr, devices, 8, &count)) && count == 0) wrong("there is no device");
      for (gpuc_device *device : devices) gpuc_device_release(device);
      return;
    case 1:
      GOOD(gpuc_device_select(nullptr, devices));
      if (devices[0] != common.device) wrong("another device is selected than before");
      return gpuc_device_release(devices[0]);
    case 2:
      GOOD(gpuc_device_get_platform(common.device, &platform));
      GOOD(gpuc_platform_get_string(platform, GPUC_PLATFORM_NAME, text, sizeof text, &needed));
      return gpuc_platform_release(platform);
    case 3:
      GOOD(gpuc_device_get_number(common.device, GPUC_DEVICE_MAX_WORK_GROUP_SIZE, &number));
      GOOD(gpuc_device_get_capability(common.device, GPUC_CAPABILITY_FP64, &number));
      GOOD(gpuc_context_get_devices(common.context, devices, 8, &count));
      for (gpuc_device *device : devices) gpuc_device_release(device);
      return;
    default:
      GOOD(gpuc_cache_get_number(GPUC_CACHE_BYTES, &number));
      GOOD(gpuc_cache_get_directory(text, sizeof text, &needed));
  }
}

void run_scenario(Dice &dice) {
  const auto &all = capi_test::scenarios();
  const capi_test::Scenario &scenario = all[dice.below(all.size())];
  const std::string name = scenario.name;
  // A profile that counts its own commands alone finds those of the other threads as well.
  if (name == "profile" || (scenario.uses_user_events && !settings.user_events)) return;
  // Others would wait most of the time for the driver's compiler.
  const bool uncached =
      name == "program_cold" || name == "program_queries" || name == "broken_program" || name == "natives";
  if (settings.compiles && uncached && !dice.one_in(8)) return;
  // An allocation waits ten seconds for memory that commands still use; a device can be further behind while its driver
  // compiles for all threads. Then once more.
  capi_test::Steps first, second;
  scenario.run(first);
  const bool late = first.status() == GPUC_ERROR_OUT_OF_DEVICE_MEMORY;
  if (late) {
    std::printf("scenario %s again: %s\n", scenario.name, first.message().c_str());
    scenario.run(second);
  }
  const capi_test::Steps &steps = late ? second : first;
  for (const std::string &problem : steps.problems()) wrong("scenario " + name + ": " + problem);
  const bool lacking = steps.status() == GPUC_ERROR_UNSUPPORTED && name.compare(0, 5, "gemm_") == 0;
  if (steps.status() != GPUC_OK && !lacking && name != "broken_program")
    wrong("scenario " + name + " ends with " + gpuc_status_name(steps.status()) + " (" + steps.message() + ")");
}

// Called in the middle of whatever the thread does. Were a lock of the library's held then, this would wait for ever.
void log_sink(void *, gpuc_log_level, const char *message) {
  static thread_local bool inside = false;
  message_count.fetch_add(1, std::memory_order_relaxed);
  if (!message || !*message) wrong("a message of the log is empty");
  if (inside) return;
  inside = true;
  static std::atomic<std::uint64_t> salt{0};
  Dice dice(settings.seed + 77 * salt.fetch_add(1, std::memory_order_relaxed));
  gpuc_queue *queue = nullptr;
  if (GOOD(gpuc_queue_create(common.context, nullptr, 0, &queue))) {
    for (int i = 0; i < 3; ++i) {
      switch (dice.below(4)) {
        case 0:
          put_shared(dice, queue);
          break;
        case 1:
          use_shared(dice, queue);
          break;
        case 2:
          look_around(dice);
          break;
        default:
          if (dice.one_in(8)) run_scenario(dice);
      }
    }
    gpuc_queue_release(queue);
  }
  if (dice.one_in(16)) GOOD(gpuc_log_set(log_sink, nullptr, GPUC_LOG_DEBUG));
  inside = false;
}

std::uint64_t log_messages() { return message_count.load(); }

}  // namespace storm

namespace {

[[noreturn]] void usage() {
  std::fprintf(stderr, "thread_storm [--threads N] [--seconds S] [--seed N] [--no-log]\n");
  std::exit(2);
}

const char *variable_or(const char *name, const char *otherwise) {
  const char *value = std::getenv(name);
  return value ? value : otherwise;
}

}  // namespace

int main(int argc, char **argv) {
  using namespace storm;
  settings.seed = std::random_device{}();
  // ctest's storm is short; these make it longer without another build.
  settings.threads = static_cast<unsigned>(std::atoi(variable_or("GPUC_STORM_THREADS", "8")));
  settings.seconds = std::atof(variable_or("GPUC_STORM_SECONDS", "10"));
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--no-log") {
      settings.log = false;
      continue;
    }
    if (i + 1 == argc) usage();
    const char *value = argv[++i];
    if (option == "--threads")
      settings.threads = static_cast<unsigned>(std::atoi(value));
    else if (option == "--seconds")
      settings.seconds = std::atof(value);
    else if (option == "--seed")
      settings.seed = std::strtoull(value, nullptr, 10);
    else
      usage();
  }
  if (settings.threads == 0 || settings.seconds <= 0) usage();
  std::printf("seed %llu, %u threads, %g s\n", static_cast<unsigned long long>(settings.seed), settings.threads,
              settings.seconds);
  std::fflush(stdout);

  make_common();
  if (wrongs()) return 1;
  if (!settings.user_events) {
    std::printf("SKIPPED: Oclgrind can be used by one thread at a time\n");
    return 77;
  }
  if (settings.log) GOOD(gpuc_log_set(log_sink, nullptr, GPUC_LOG_DEBUG));
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < settings.threads; ++i) workers.push_back(std::make_unique<Worker>(i));
  const auto steps = [&] {
    std::uint64_t sum = 0;
    for (const auto &worker : workers) sum += worker->steps();
    return sum;
  };
  std::atomic<bool> stop{false};
  std::atomic<unsigned> running{settings.threads};
  std::vector<std::thread> threads;
  for (const auto &worker : workers)
    threads.emplace_back([&stop, &running, mine = worker.get()] {
      while (!stop.load(std::memory_order_relaxed)) mine->step();
      running.fetch_sub(1);
    });

  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(settings.seconds);
  // A thread that does nothing for so long waits for what will never come. (Cold compilers and checkers are slow.)
  constexpr auto patience = std::chrono::seconds(600);
  std::vector<std::uint64_t> seen(settings.threads, 0);
  std::vector<Clock::time_point> since(settings.threads, Clock::now());
  while (running.load() != 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (Clock::now() >= end) stop = true;
    for (unsigned i = 0; i < settings.threads; ++i) {
      if (workers[i]->steps() != seen[i] || (stop && running.load() == 0)) {
        seen[i] = workers[i]->steps();
        since[i] = Clock::now();
      } else if (Clock::now() - since[i] > patience && !(stop && seen[i] == 0)) {
        std::printf("FAILED: a thread hangs\n");
        for (const auto &worker : workers) std::printf("  in: %s\n", worker->doing());
        std::fflush(stdout);
        _exit(3);
      }
    }
  }
  for (std::thread &thread : threads) thread.join();
  const std::uint64_t done = steps();
  workers.clear();
  release_shared();
  GOOD(gpuc_log_set(nullptr, nullptr, GPUC_LOG_OFF));
  release_common();
  Worker::print_counts();
  std::printf("%llu operations, %llu wrong\n", static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(wrongs()));
  std::printf("figure: storm of threads, %s | %u threads, %g s | %llu operations, %llu wrong\n",
              settings.compiles ? "device under test" : "fake", settings.threads, settings.seconds,
              static_cast<unsigned long long>(done), static_cast<unsigned long long>(wrongs()));
  return wrongs() || done == 0 ? 1 : 0;
}
