// Small programs on the library, each from device to result, that stop at the first failure and leave nothing behind.
// They run under injected faults and on odd devices.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "support.hpp"

namespace capi_test {

// What became of a scenario.
class Steps {
 public:
  // Takes the result of one call. False: it failed, and the scenario ends.
  bool operator()(const char *function, gpuc_status got);
  // A result that is not what it must be, although every call succeeded.
  void wrong(const std::string &what) { problems_.push_back(what); }

  gpuc_status status() const { return status_; }
  const std::string &function() const { return function_; }
  const std::string &message() const { return message_; }
  // What may never be: wrong results, failures without a message, statuses that the header does not document.
  const std::vector<std::string> &problems() const { return problems_; }

 private:
  gpuc_status status_ = GPUC_OK;
  std::string function_, message_;
  std::vector<std::string> problems_;
};

struct Scenario {
  const char *name;
  void (*run)(Steps &);
  bool uses_user_events;
};

const std::vector<Scenario> &scenarios();

// Function -> what the header documents, the common statuses included.
const std::map<std::string, std::set<gpuc_status>> &documented_statuses();

// Whether the device computes kernels that it does not know by name, which the fake does not.
extern bool device_compiles;

}  // namespace capi_test
