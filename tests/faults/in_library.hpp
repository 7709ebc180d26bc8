// Marks what a test thread does inside the library, for programs that count or fail the library's allocations.
#pragma once

namespace capi_test {

inline thread_local int calls_in_library = 0;

struct InLibrary {
  InLibrary() { ++calls_in_library; }
  ~InLibrary() { --calls_in_library; }
  InLibrary(const InLibrary &) = delete;
  InLibrary &operator=(const InLibrary &) = delete;
};

}  // namespace capi_test
