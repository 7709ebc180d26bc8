// Small programs on the library, each from device to result, that stop at the first failure and leave nothing behind.
// They run under injected faults and on odd devices.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "support.hpp"

namespace capi_test {

// How many commands were put on queues until now. Where it is set, a call that puts one command on a queue and fails
// for want of host memory must have put none there: what it would do to the caller's memory nobody could wait for.
extern long (*commands_on_queues)();
// What is recorded of commands may then be less than all.
extern bool host_memory_may_run_out;

// What became of a scenario.
class Steps {
 public:
  // Makes one call, as `function` says. False: it failed, and the scenario ends.
  template <class Call>
  bool call(const char *function, Call &&make) {
    poison_record();
    const long before = commands_on_queues ? commands_on_queues() : 0;
    gpuc_status got;
    {
      const InLibrary inside;
      got = make();
    }
    if (commands_on_queues && got == GPUC_ERROR_OUT_OF_HOST_MEMORY) check_nothing_put(function, before);
    return (*this)(function, got);
  }
  // Takes the result of a call.
  bool operator()(const char *function, gpuc_status got);
  // A result that is not what it must be, although every call succeeded.
  void wrong(const std::string &what) { problems_.push_back(what); }

  gpuc_status status() const { return status_; }
  // It cannot do what the scenario does, or has no memory for it.
  bool not_on_this_device() const {
    return status_ == GPUC_ERROR_UNSUPPORTED || status_ == GPUC_ERROR_ALLOCATION_TOO_LARGE;
  }
  const std::string &function() const { return function_; }
  const std::string &message() const { return message_; }
  // Where the scenario has failed: no more faults from here on, so that what still runs can be waited for.
  void end_faults() const {
    if (status_ != GPUC_OK && no_more_faults) no_more_faults();
  }
  std::function<void()> no_more_faults;
  // What may never be: wrong results, failures without a message, statuses that the header does not document.
  const std::vector<std::string> &problems() const { return problems_; }

 private:
  void check_nothing_put(const std::string &function, long before);

  gpuc_status status_ = GPUC_OK;
  std::string function_, message_;
  std::vector<std::string> problems_;
};

struct Scenario {
  const char *name;
  void (*run)(Steps &);
  bool uses_user_events;
};

const std::vector<Scenario> &scenarios();  // all of them
std::vector<Scenario> gemm_scenarios();
std::vector<Scenario> tool_scenarios();

// Function -> what the header documents, the common statuses included.
const std::map<std::string, std::set<gpuc_status>> &documented_statuses();

// Whether the device computes kernels that it does not know by name, which the fake does not.
extern bool device_compiles;

}  // namespace capi_test
