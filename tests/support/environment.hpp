// The environment of the process, for the length of a test.
#pragma once

#include <cstdlib>
#include <string>

namespace gpucompute::test {

// Sets or, with null, unsets an environment variable; puts the old value back.
class Environment {
 public:
  Environment(const char *name, const char *value) : name_(name) {
    if (const char *old = std::getenv(name)) {
      had_ = true;
      old_ = old;
    }
    put(value);
  }
  Environment(const Environment &) = delete;
  Environment &operator=(const Environment &) = delete;
  ~Environment() { put(had_ ? old_.c_str() : nullptr); }

 private:
  void put(const char *value) const { value ? setenv(name_, value, 1) : unsetenv(name_); }

  const char *name_;
  bool had_ = false;
  std::string old_;
};

}  // namespace gpucompute::test
