#include "sweep.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace capi_test {
namespace {

const char *const kind_names[] = {"crashes", "leaks", "wrong statuses", "failed retries", "other problems"};

// For signal handlers, which see no more than this.
const char *point_now = "";
int reports = STDERR_FILENO;

void say(const char *what) {
  for (const char *text : {what, point_now, "\n"})
    if (write(reports, text, std::strlen(text)) < 0) return;
}

extern "C" void too_late(int) {
  say("HANGS: ");
  _exit(3);
}

extern "C" void crashed(int signal_number) {
  say("CRASHES: ");
  std::signal(signal_number, SIG_DFL);
  raise(signal_number);
}

std::string &filter() {
  static std::string text;
  return text;
}

}  // namespace

void Sweep::read_options(int argc, char **argv, const std::function<void(const std::string &, const char *)> &other) {
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const char *value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (option == "--every" && value)
      every_ = std::max(1L, std::atol(argv[++i]));
    else if (option == "--offset" && value)
      offset_ = std::max(0L, std::atol(argv[++i]));
    else if (option == "--least" && value)
      least_ = std::atol(argv[++i]);
    else if (option == "--only" && value)
      only_ = argv[++i];
    else
      other(option, value);
  }
  offset_ %= every_;
  point_now = current_;
  std::signal(SIGALRM, too_late);
  std::signal(SIGABRT, crashed);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  std::signal(SIGSEGV, crashed);
  std::signal(SIGBUS, crashed);
#endif
  // CLBlast tells of every OpenCL call that fails, and PoCL's compiler of every error.
  reports = dup(STDERR_FILENO);
  if (!std::getenv("GPUC_FAULT_NOISE") && !std::freopen("/dev/null", "w", stderr)) std::exit(2);
}

void Sweep::at(const char *format, ...) {
  va_list values;
  va_start(values, format);
  std::vsnprintf(current_, sizeof current_, format, values);
  va_end(values);
}

void Sweep::begin_point() {
  ++counts_.points;
  alarm(600);
}

void Sweep::end_point() { alarm(0); }

void Sweep::report(Problem kind, const std::string &problem) {
  ++kinds_[static_cast<int>(kind)];
  if (++counts_.problems <= 40) dprintf(reports, "%s: %s\n", current_, problem.c_str());
}

void Sweep::take_reported(long problems) {
  kinds_[static_cast<int>(Problem::other)] += problems;
  counts_.problems += problems;
}

std::string Sweep::what_lives(const gpuc_faults &faults) {
  std::string all;
  for (const char *kind : {"context", "queue", "mem", "program", "kernel", "event"})
    if (const long count = faults.live(kind)) all += " " + std::to_string(count) + " " + kind;
  return all;
}

void Sweep::row(const char *scenario, long count, const char *of_what, const Counts &before) const {
  std::printf("%-22s %5ld %s: %6ld points, %8ld faults, %ld problems\n", scenario, count, of_what,
              counts_.points - before.points, counts_.injected - before.injected, counts_.problems - before.problems);
  std::fflush(stdout);
}

void Sweep::skip(const char *scenario, const std::string &why) const {
  std::printf("%-22s skipped: %s\n", scenario, why.c_str());
  std::fflush(stdout);
}

int Sweep::summary(const char *of_what) const {
  const long least = std::max(least_, all() ? 10000L : 1L);
  std::printf("total of %s on %s: %ld points, %ld faults, %zu kinds of failure", of_what, filter().c_str(),
              counts_.points, counts_.injected, seen_.size());
  for (int kind = 0; kind < 5; ++kind) std::printf(", %ld %s", kinds_[kind], kind_names[kind]);
  std::printf("\n");
  std::printf("figure: %s, %s | 1 point in %ld from %ld on, %ld faults | %ld points, %ld faults", of_what,
              filter().c_str(), every_, offset_, least, counts_.points, counts_.injected);
  for (int kind = 0; kind < 5; ++kind) std::printf(", %ld %s", kinds_[kind], kind_names[kind]);
  std::printf("\n");
  if (std::getenv("GPUC_FAULT_KINDS"))
    for (const auto &[function, status] : seen_) std::printf("  %s %s\n", function.c_str(), gpuc_status_name(status));
  if (counts_.injected < least)
    dprintf(reports, "only %ld faults were injected, must be %ld\n", counts_.injected, least);
  return counts_.problems != 0 || counts_.injected < least;
}

OwnCache::OwnCache() {
  const std::string place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  path_ = place + "/gpuc_sweep_cache_" + std::to_string(getpid());
  setenv("GPUC_CACHE_DIR", path_.c_str(), 1);
}

OwnCache::~OwnCache() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

bool device_is_known() {
  Device device;
  uint64_t value = 0;
  char text[256];
  if (gpuc_device_select(nullptr, device.out()) || gpuc_device_get_capability(device, GPUC_CAPABILITY_FP64, &value) ||
      gpuc_device_get_string(device, GPUC_DEVICE_FILTER, text, sizeof text, nullptr)) {
    dprintf(reports, "no device: %s\n", gpuc_last_error_message());
    return false;
  }
  filter() = text;
  device_compiles = !device_is("fake");
  return true;
}

bool device_is(const std::string &platform) { return filter().find(platform) != std::string::npos; }

}  // namespace capi_test
