// What tests leave out, and why: counted, and printed at the end of a run in one form for all programs and devices
// (tests/devices/README.md). Reasons are the same text for the same reason, without names and numbers.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace gpucompute::test {

class SkipList {
 public:
  static SkipList &instance() {
    static SkipList list;
    return list;
  }
  // `test` twice, as where it has subcases, counts once.
  void note(bool whole, const std::string &test, const std::string &reason) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (whole) whole_tests_.insert(test);
    if (seen_.insert(test + (whole ? "\n1" : "\n0") + reason).second) ++(whole ? tests : parts)[reason];
  }
  std::size_t skipped() const { return whole_tests_.size(); }

  std::map<std::string, int> tests, parts;

 private:
  std::mutex mutex_;
  std::set<std::string> seen_, whole_tests_;
};

inline void note_skip(bool whole, const std::string &reason) {
  const doctest::TestCaseData *test = doctest::getContextOptions()->currentTest;
  SkipList::instance().note(whole, test ? test->m_name : "", reason);
}

}  // namespace gpucompute::test

// Leaves the test case; nothing of it was checked.
#define SKIP_TEST(reason)                        \
  do {                                           \
    ::gpucompute::test::note_skip(true, reason); \
    return;                                      \
  } while (0)

// A part of the test case is left out; the rest counts.
#define SKIP_PART(reason) ::gpucompute::test::note_skip(false, reason)
