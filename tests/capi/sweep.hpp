// What the sweeps share: which points are run, what is reported of them, and the table at the end.
#pragma once

#include <faults.h>

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "scenarios.hpp"

namespace capi_test {

enum class Problem { crash, leak, status, retry, other };

class Sweep {
 public:
  struct Counts {
    long points = 0, injected = 0, problems = 0;
  };

  // --every N, --offset K, --only NAME, --least N; what else there is goes to `other(option, next argument or null)`.
  void read_options(int argc, char **argv, const std::function<void(const std::string &, const char *)> &other);
  bool wants(const std::string &scenario) const { return only_.empty() || only_ == scenario; }
  bool all() const { return every_ == 1 && only_.empty(); }
  // Whether the next point is one of those to be run. `sparser`: of many processes, one.
  bool selected(long sparser = 1) { return number_++ % (every_ * sparser) == offset_; }

  // Names the point that follows, for reports; like printf.
  void at(const char *format, ...) __attribute__((format(printf, 2, 3)));
  const char *where() const { return current_; }
  // Counts the point. One that hangs ends the process with a message, after more time than any loaded machine needs.
  void begin_point();
  void end_point();
  void injected(long faults) { counts_.injected += faults; }
  void saw(const std::string &function, gpuc_status status) { seen_.insert({function, status}); }

  void report(Problem kind, const std::string &problem);
  // Problems that a child process has reported already.
  void take_reported(long problems);
  static std::string what_lives(const gpuc_faults &faults);

  const Counts &counts() const { return counts_; }
  void row(const char *scenario, long count, const char *of_what, const Counts &before) const;
  void skip(const char *scenario, const std::string &why) const;
  // Prints the last line and the figure for the table of .ci/run; gives the exit status. With --least, and where all
  // points were run, so many faults must have been injected.
  int summary(const char *of_what) const;

 private:
  long every_ = 1, offset_ = 0, number_ = 0, least_ = 0;
  std::string only_;
  char current_[256] = "";
  Counts counts_;
  long kinds_[5] = {};
  std::set<std::pair<std::string, gpuc_status>> seen_;  // of the failures
};

// A cache directory of the process's own, in memory where there is such a place. Sets GPUC_CACHE_DIR.
class OwnCache {
 public:
  OwnCache();
  ~OwnCache();

 private:
  std::string path_;
};

// Lists devices and asks for what is asked for once in a process; sets device_compiles. False, with a message: there
// is no device.
bool device_is_known();
// Part of the name of the device's platform, as in a device filter.
bool device_is(const std::string &platform);

}  // namespace capi_test
