// What the tests of the core share: a queue to work with, environment variables for a while, failures to look at.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>
#include <gpucompute/buffer.hpp>
#include <gpucompute/context.hpp>
#include <gpucompute/error.hpp>
#include <gpucompute/event.hpp>
#include <gpucompute/kernel.hpp>
#include <gpucompute/program.hpp>
#include <gpucompute/queue.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

#include "runtime/quirks.hpp"
#include "support/device_needs.hpp"
#include "support/environment.hpp"
#include "support/random.hpp"
#include "support/skip.hpp"

namespace gpucompute::test {

using Bytes = std::vector<unsigned char>;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gpuc-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) std::abort();
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string &path() const { return path_; }
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The library's cache goes to a folder of this process, whatever the environment says: tests damage what is in there.
class PrivateCache {
 public:
  PrivateCache() : set_("GPUC_CACHE_DIR", folder_.path().c_str()) {}
  const TemporaryFolder &folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  Environment set_;
};
inline const PrivateCache private_cache;

// Random numbers and bytes.
class Dice : public Random {
 public:
  explicit Dice(std::uint64_t salt) : Random(salt) {}

  std::uint64_t bits() {
    const auto high = static_cast<std::uint64_t>(integer(0, UINT32_MAX));
    return high << 32 | static_cast<std::uint64_t>(integer(0, UINT32_MAX));
  }
  // least to most, both included.
  std::size_t between(std::size_t least, std::size_t most) {
    return static_cast<std::size_t>(integer(static_cast<std::int64_t>(least), static_cast<std::int64_t>(most)));
  }
  Bytes bytes(std::size_t count) {
    Bytes data(count);
    for (std::size_t i = 0; i < count; i += 8) {
      const std::uint64_t word = bits();
      for (std::size_t b = 0; b < 8 && i + b < count; ++b) data[i + b] = static_cast<unsigned char>(word >> (8 * b));
    }
    return data;
  }
};

// LLVM keeps some memory each time it compiles. While one of these lives, a leak checker does not count what is
// allocated: for tests that compile what no driver's own cache can have, such as programs that do not build.
#if defined(__SANITIZE_ADDRESS__)
using CompilerLeaks = __lsan::ScopedDisabler;
#else
struct CompilerLeaks {
  CompilerLeaks() {}
};
#endif

// A context on the device under test (GPUC_DEVICE, or the best) and a queue there.
struct Bench {
  std::shared_ptr<Context> context = Context::create();
  std::shared_ptr<Queue> queue = Queue::create(*context, nullptr, 0);

  const Device &device() const { return queue->device(); }
  // The device examines each work-item and is slow: less work, please.
  bool slow() const { return quirks_of(device()).checker; }

  std::shared_ptr<Buffer> buffer(const Bytes &content) const {
    auto made = Buffer::create(*context, content.size());
    made->write(*queue, 0, content.size(), content.data());
    return made;
  }
  Bytes read(Buffer &buffer) const {
    Bytes content(buffer.size(), 0xEE);
    buffer.read(*queue, 0, buffer.size(), content.data());
    return content;
  }
  std::shared_ptr<Program> program(const std::string &source, const std::string &options = "") const {
    ProgramDescription description;
    description.sources.push_back({"source", source});
    description.options = options;
    return Program::create(*context, description);
  }
};

// One event as a wait list.
class WaitFor {
 public:
  explicit WaitFor(const Event &event) : native_(event.native()) {}
  operator Waits() const { return {&native_, 1}; }  // valid as long as this object

 private:
  cl_event native_;
};

inline Argument argument(Buffer &buffer) {
  Argument a{};
  a.kind = ArgumentKind::buffer;
  a.buffer = &buffer;
  return a;
}
inline Argument argument(DataType type, const void *value, std::size_t size) {
  Argument a{};
  a.kind = ArgumentKind::scalar;
  a.type = type;
  std::copy_n(static_cast<const unsigned char *>(value), size, a.scalar);
  return a;
}
inline Argument argument(std::int8_t v) { return argument(DataType::i8, &v, sizeof v); }
inline Argument argument(std::uint8_t v) { return argument(DataType::u8, &v, sizeof v); }
inline Argument argument(std::int16_t v) { return argument(DataType::i16, &v, sizeof v); }
inline Argument argument(std::uint16_t v) { return argument(DataType::u16, &v, sizeof v); }
inline Argument argument(std::int32_t v) { return argument(DataType::i32, &v, sizeof v); }
inline Argument argument(std::uint32_t v) { return argument(DataType::u32, &v, sizeof v); }
inline Argument argument(std::int64_t v) { return argument(DataType::i64, &v, sizeof v); }
inline Argument argument(std::uint64_t v) { return argument(DataType::u64, &v, sizeof v); }
inline Argument argument(float v) { return argument(DataType::f32, &v, sizeof v); }
inline Argument argument(double v) { return argument(DataType::f64, &v, sizeof v); }
inline Argument bytes_argument(const void *bytes, std::size_t size) {
  Argument a{};
  a.kind = ArgumentKind::bytes;
  a.size = size;
  a.bytes = bytes;
  return a;
}
inline Argument local_argument(std::size_t size) {
  Argument a{};
  a.kind = ArgumentKind::local;
  a.size = size;
  return a;
}
inline Argument null_argument() {
  Argument a{};
  a.kind = ArgumentKind::null;
  return a;
}

inline LaunchSize global_size(std::size_t x, std::size_t y = 0, std::size_t z = 0) {
  LaunchSize size;
  size.dims = z ? 3 : y ? 2 : 1;
  size.global[0] = x;
  size.global[1] = y;
  size.global[2] = z;
  return size;
}

// The memory that the buffer has of the pool: with GPUC_DEBUG=memory the parent of what is given out.
inline cl_mem block_of(const Buffer &buffer) {
  cl_mem parent = nullptr;
  clGetMemObjectInfo(buffer.root(), CL_MEM_ASSOCIATED_MEMOBJECT, sizeof parent, &parent, nullptr);
  return parent ? parent : buffer.root();
}

// Runs a test case that is left out otherwise in a process of its own, with these variables before the command; what it
// said.
inline std::string run_apart(const std::string &test_case, const std::string &variables, int &status) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  std::FILE *child =
      popen((variables + " '" + self + "' --no-skip --minimal '--test-case=" + test_case + "' 2>&1").c_str(), "r");
  if (!child) std::abort();
  std::string said;
  for (int c; (c = std::fgetc(child)) != EOF;) said += static_cast<char>(c);
  status = pclose(child);
  return said;
}

inline bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

// A driver's own threads may hold on to objects a little longer than the last command that used them.
template <class Condition>
bool soon(Condition &&condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return condition();
}

// The failure of a function; none is a failure of the test.
template <class Function>
Error failure_of(Function &&function) {
  try {
    function();
  } catch (const Error &error) {
    return error;
  }
  return Error(Status::ok, "nothing failed");
}

}  // namespace gpucompute::test

// The expression throws Error of that status, with one sentence that has the fragment.
#define CHECK_FAILS(wanted, fragment, ...)                                                                             \
  do {                                                                                                                 \
    const ::gpucompute::Error failure_ = ::gpucompute::test::failure_of([&] { (void)(__VA_ARGS__); });                 \
    INFO("message: ", failure_.message());                                                                             \
    CHECK_MESSAGE(failure_.status() == (wanted), #__VA_ARGS__ " gave ", ::gpucompute::status_name(failure_.status())); \
    CHECK_MESSAGE(::gpucompute::test::contains(failure_.message(), fragment), "no '", fragment, "' in the message");   \
    CHECK_MESSAGE(failure_.message().find('\n') == std::string::npos, "the message has several lines");                \
  } while (0)

#define SKIP_WITHOUT_USER_EVENTS(device) \
  if (::gpucompute::quirks_of(device).no_user_events) SKIP_TEST("commands that wait for a user event never complete")
