// The log's sink is called with no lock held: at each place that logs, the whole library can be used.
#define DOCTEST_CONFIG_IMPLEMENT
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <set>
#include <string>

#include "../capi/scenarios.hpp"

using namespace capi_test;

namespace {

int failures = 0;
int depth = 0;
std::set<std::string> places;  // the messages, without their numbers

void run_all() {
  for (const Scenario &scenario : scenarios()) {
    // Counts the commands of the process, and so those of the scenarios within it.
    if (std::string(scenario.name) == "profile") continue;
    Steps steps;
    scenario.run(steps);
    for (const std::string &problem : steps.problems()) {
      ++failures;
      std::printf("%s, %s: %s\n", scenario.name, depth ? "in the sink" : "outside", problem.c_str());
    }
  }
}

void sink(void *, gpuc_log_level, const char *message) {
  std::string place;
  for (const char *c = message; *c; ++c)
    if (!std::isdigit(static_cast<unsigned char>(*c))) place += *c;
  if (depth != 0 || !places.insert(place).second) return;
  ++depth;
  alarm(900);  // whoever waits for a lock here waits for ever
  std::printf("again, in the middle of: %s\n", message);
  std::fflush(stdout);
  if (gpuc_log_set(sink, nullptr, GPUC_LOG_DEBUG) != GPUC_OK) ++failures;
  run_all();
  alarm(0);
  --depth;
}

}  // namespace

int main() {
  gpuc_device *device = nullptr;
  char filter[256] = {};
  size_t needed = 0;
  if (gpuc_log_set(sink, nullptr, GPUC_LOG_DEBUG) != GPUC_OK || gpuc_device_select(nullptr, &device) != GPUC_OK ||
      gpuc_device_get_string(device, GPUC_DEVICE_FILTER, filter, sizeof filter, &needed) != GPUC_OK) {
    std::printf("%s\n", gpuc_last_error_message());
    return 1;
  }
  device_compiles = std::string(filter).find("fake") == std::string::npos;
  run_all();
  gpuc_device_release(device);
  std::printf("%zu places that log, %d failures\n", places.size(), failures);
  return failures || places.empty() ? 1 : 0;
}
