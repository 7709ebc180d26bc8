// The main function of a test program: doctest's, and at its end what was skipped. Included by one file of it.
#pragma once

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdio>
#include <ostream>

#include "support/skip.hpp"

namespace gpucompute::test {

class SkipReport : public doctest::IReporter {
 public:
  explicit SkipReport(const doctest::ContextOptions &options) : options_(options) {}

  void test_run_end(const doctest::TestRunStats &stats) override {
    // A test that runs in a process of its own is part of the test that started it.
    if (options_.no_skip) return;
    const char *device = std::getenv("GPUC_DEVICE");
    if (!device || !*device) device = "the default device";
    const SkipList &list = SkipList::instance();
    for (const auto &[reason, count] : list.tests)
      *options_.cout << count << " tests skipped on " << device << ": " << reason << "\n";
    for (const auto &[reason, count] : list.parts)
      *options_.cout << count << " tests skipped in part on " << device << ": " << reason << "\n";
    *options_.cout << "tests: " << stats.numTestCasesPassingFilters - stats.numTestCasesFailed - list.skipped()
                   << " passed, " << list.skipped() << " skipped, " << stats.numTestCasesFailed << " failed\n"
                   << std::flush;
  }

  // A checker reports on stderr: its words are then told apart by test.
  void test_case_start(const doctest::TestCaseData &test) override {
    if (std::getenv("GPUC_TEST_MARKS")) std::fprintf(stderr, "== test case: %s\n", test.m_name);
  }

  void report_query(const doctest::QueryData &) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData &) override {}
  void test_case_end(const doctest::CurrentTestCaseStats &) override {}
  void test_case_exception(const doctest::TestCaseException &) override {}
  void subcase_start(const doctest::SubcaseSignature &) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData &) override {}
  void log_message(const doctest::MessageData &) override {}
  void test_case_skipped(const doctest::TestCaseData &) override {}

 private:
  const doctest::ContextOptions &options_;
};
REGISTER_LISTENER("skips", 1, SkipReport);

}  // namespace gpucompute::test
