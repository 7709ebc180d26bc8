// The bytes of one input as numbers and choices; zeros when they are used up. And what every target needs: a way to
// stop.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace fuzz {

class Input {
 public:
  Input(const std::uint8_t *data, std::size_t size) : at_(data), left_(size) {}

  bool empty() const { return left_ == 0; }
  std::size_t left() const { return left_; }

  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *at_++;
  }

  template <class T>
  T number() {
    T value = 0;
    const std::size_t size = std::min(sizeof value, left_);
    if (size) std::memcpy(&value, at_, size);
    at_ += size;
    left_ -= size;
    return value;
  }

  // At most `most` bytes, and no more than there are.
  std::string text(std::size_t most) {
    const std::size_t size = std::min(most, left_);
    std::string result(reinterpret_cast<const char *>(at_), size);
    at_ += size;
    left_ -= size;
    return result;
  }
  std::string rest() { return text(left_); }

 private:
  const std::uint8_t *at_;
  std::size_t left_;
};

// Ends the program where a sanitizer would, so that libFuzzer keeps the input.
[[noreturn]] inline void wrong(const std::string &what) {
  std::fprintf(stderr, "fuzz: %s\n", what.c_str());
  std::abort();
}
inline void require(bool condition, const char *what) {
  if (!condition) wrong(what);
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
// Once, before the first input.
extern "C" int LLVMFuzzerInitialize(int *argc, char ***argv);
