// The bottom room: names, text, sizes, files, the log, the state of the process.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <gpucompute/platform.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/checked_math.hpp"
#include "support/cl_check.hpp"
#include "support/cl_handle.hpp"
#include "support/file.hpp"
#include "support/fixture.hpp"
#include "support/log.hpp"
#include "support/process.hpp"
#include "support/text.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("support");

namespace {

constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

// Where 64-bit arithmetic goes wrong, and the neighbourhood.
std::vector<std::size_t> edges() {
  std::vector<std::size_t> values = {0, 1, 2, 3, most, most - 1, most / 2, most / 2 + 1, most / 3};
  for (int shift : {31, 32, 62, 63})
    for (std::size_t near = 0; near <= 3; ++near) {
      values.push_back((std::size_t(1) << shift) + near);
      values.push_back((std::size_t(1) << shift) - near);
    }
  return values;
}

// True if it gives `exact`, or refuses one that does not fit.
template <class Function>
bool agrees(unsigned __int128 exact, Function &&function) {
  try {
    return function() == exact;
  } catch (const Error &error) {
    return exact > most && error.status() == Status::overflow && contains(error.message(), "the product of things");
  }
}

}  // namespace

TEST_CASE("every status has a name of its own") {
  const int values[] = {0,   101, 102, 103, 104, 105, 106, 107, 201, 202, 203, 204, 205, 206, 207,
                        208, 209, 210, 211, 212, 301, 302, 401, 402, 403, 404, 405, 501, 901};
  std::set<std::string> names;
  for (int value : values) {
    CAPTURE(value);
    const std::string name = status_name(static_cast<Status>(value));
    CHECK(name.compare(0, 5, "GPUC_") == 0);
    CHECK(name != "GPUC_ERROR_UNKNOWN");
    CHECK(names.insert(name).second);
  }
  CHECK(std::string(status_name(Status::ok)) == "GPUC_OK");
  CHECK(std::string(status_name(Status::allocation_too_large)) == "GPUC_ERROR_ALLOCATION_TOO_LARGE");
  int unknown = 0;
  for (int value = -5; value < 1000; ++value)
    unknown += std::string(status_name(static_cast<Status>(value))) == "GPUC_ERROR_UNKNOWN";
  CHECK(unknown == 1005 - static_cast<int>(std::size(values)));
}

TEST_CASE("OpenCL codes have the names of the header") {
  CHECK(std::string(cl_code_name(0)) == "CL_SUCCESS");
  CHECK(std::string(cl_code_name(-4)) == "CL_MEM_OBJECT_ALLOCATION_FAILURE");
  CHECK(std::string(cl_code_name(-5)) == "CL_OUT_OF_RESOURCES");
  CHECK(std::string(cl_code_name(-52)) == "CL_INVALID_KERNEL_ARGS");
  CHECK(std::string(cl_code_name(-72)) == "CL_MAX_SIZE_RESTRICTION_EXCEEDED");
  CHECK(std::string(cl_code_name(-1001)) == "CL_PLATFORM_NOT_FOUND_KHR");
  CHECK(std::string(cl_code_name(-9999)) == "NVIDIA_ILLEGAL_READ_OR_WRITE");
  for (int code : {1, 5, -20, -29, -73, -1000, -123456}) {
    CAPTURE(code);
    CHECK(std::string(cl_code_name(code)) == "CL_UNKNOWN_ERROR");
  }
  // All of -1 to -19 and of -30 to -72 are taken.
  for (int code = -72; code <= 0; ++code) {
    if (code > -30 && code < -19) continue;
    CAPTURE(code);
    CHECK(std::string(cl_code_name(code)) != "CL_UNKNOWN_ERROR");
  }
}

TEST_CASE("failures of OpenCL calls become statuses") {
  struct Row {
    cl_int code;
    Status status;
  };
  const Row rows[] = {{-1001, Status::no_platform},
                      {CL_DEVICE_NOT_FOUND, Status::no_device},
                      {CL_DEVICE_NOT_AVAILABLE, Status::device_lost},
                      {CL_INVALID_COMMAND_QUEUE, Status::device_lost},
                      {CL_MEM_OBJECT_ALLOCATION_FAILURE, Status::out_of_device_memory},
                      {CL_OUT_OF_RESOURCES, Status::out_of_device_memory},
                      {CL_OUT_OF_HOST_MEMORY, Status::out_of_host_memory},
                      {CL_BUILD_PROGRAM_FAILURE, Status::build_failed},
                      {CL_INVALID_BINARY, Status::invalid_binary},
                      {CL_INVALID_BUFFER_SIZE, Status::allocation_too_large},
                      {CL_MEM_COPY_OVERLAP, Status::overlap},
                      {CL_INVALID_VALUE, Status::driver},
                      {-12345, Status::driver}};
  for (const Row &row : rows) {
    CAPTURE(row.code);
    const Error error = failure_of([&] { cl_check(row.code, "clSomething", "testing"); });
    CHECK(error.status() == row.status);
    CHECK(error.cl_code() == row.code);
    CHECK(std::string(error.routine()) == "clSomething");
    CHECK(contains(error.message(),
                   text("clSomething failed with ", cl_code_name(row.code), " (", row.code, ") while testing")));
    CHECK(std::string(error.what()) == error.message());
  }
  CHECK_NOTHROW(cl_check(CL_SUCCESS, "clSomething"));
  // What a wait says about a command that failed.
  CHECK(failure_of([] { fail_execution(-5, "clFinish", "kernel 'k'"); }).status() == Status::execution_failed);
  CHECK(failure_of([] { fail_execution(-9999, "clFinish", "kernel 'k'"); }).status() == Status::execution_failed);
  // Whatever a command that failed is said to have: PoCL gives -1 to those that waited for it.
  for (cl_int code : {-1, -4, -11, -14, -42, -61, -1001, INT32_MIN})
    CHECK(failure_of([=] { fail_execution(code, "clFinish", "kernel 'k'"); }).status() == Status::execution_failed);
  CHECK(failure_of([] { fail_execution(CL_INVALID_COMMAND_QUEUE, "clFinish", "kernel 'k'"); }).status() ==
        Status::device_lost);
  CHECK(failure_of([] { fail_execution(CL_OUT_OF_HOST_MEMORY, "clFinish", "kernel 'k'"); }).status() ==
        Status::out_of_host_memory);
  CHECK(contains(failure_of([] { fail_execution(-5, "clFinish", "kernel 'k'"); }).message(),
                 "kernel 'k' failed while running"));
}

TEST_CASE("text joins pieces of any kind") {
  CHECK(text("lda is ", 3, ", must be >= ", std::size_t(4), '.', std::string(" ok ")) == "lda is 3, must be >= 4. ok ");
  CHECK(text(most) == "18446744073709551615");
  CHECK(text(-1, " ", 2.5) == "-1 2.5");
  CHECK_FAILS(Status::overlap, "a 1 b", fail(Status::overlap, "a ", 1, " b"));
}

TEST_CASE("a message is one line, whatever names are in it") {
  const Error error(Status::not_found, "kernel 'a\nb\r\tc\x7f' is \u00e4", "the\ndetail");
  CHECK(error.message() == "kernel 'a b  c ' is \u00e4");
  CHECK(error.detail() == "the\ndetail");
  CHECK_FAILS(Status::overlap, "a b", fail(Status::overlap, "a\nb"));
}

TEST_CASE("what is left without the characters at the end") {
  CHECK(length_without("ab  ", " ") == 2);
  CHECK(length_without("ab \t ", " ") == 4);
  CHECK(length_without("   ", " ") == 0);
  CHECK(length_without("", " ") == 0);
}

TEST_CASE("sums and products are exact or refused") {
  std::size_t wrong = 0, tried = 0;
  std::vector<std::size_t> values = edges();
  Dice dice(1);
  CAPTURE(dice.seed());
  for (int i = 0; i < 40; ++i) values.push_back(dice.bits() >> dice.between(0, 63));
  for (std::size_t a : values)
    for (std::size_t b : values) {
      using Wide = unsigned __int128;
      wrong += !agrees(Wide(a) + b, [&] { return checked_add(a, b, "the product of things"); });
      wrong += !agrees(Wide(a) * b, [&] { return checked_multiply(a, b, "the product of things"); });
      tried += 2;
    }
  CHECK(wrong == 0);
  CHECK(tried > 5000);
  CHECK(magnitude(-44) == 44);
  CHECK(magnitude(INT64_MAX) == INT64_MAX);
  CHECK(magnitude(INT64_MIN) == std::uint64_t(1) << 63);
  CHECK_FAILS(Status::overflow, "9223372036854775808 * 2", checked_multiply(std::size_t(1) << 63, 2, "x"));
}

TEST_CASE("ranges are judged as if without a limit to numbers") {
  std::size_t wrong = 0;
  const std::vector<std::size_t> values = edges();
  for (std::size_t offset : values)
    for (std::size_t size : values)
      for (std::size_t whole : values) {
        const bool inside = static_cast<unsigned __int128>(offset) + size <= whole;
        bool accepted = true;
        try {
          check_range(offset, size, whole, "the thing");
        } catch (const Error &error) {
          accepted = false;
          wrong += error.status() != Status::out_of_range || !contains(error.message(), "the thing is bytes");
        }
        wrong += accepted != inside;
      }
  CHECK(wrong == 0);
}

TEST_CASE("number types") {
  const char *const names[] = {"none", "i8",  "u8",  "i16", "u16",  "i32",  "u32",    "i64",    "u64",
                               "f16",  "f32", "f64", "c64", "c128", "bf16", "f8e4m3", "f8e5m2", "bool"};
  const std::size_t sizes[] = {0, 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8, 8, 16, 2, 1, 1, 1};
  for (int i = 0; i <= 17; ++i) {
    CAPTURE(i);
    CHECK(std::string(name_of(static_cast<DataType>(i))) == names[i]);
    CHECK(size_of(static_cast<DataType>(i)) == sizes[i]);
  }
  for (int i : {-1, 18, 1000, INT32_MIN, INT32_MAX}) {
    CAPTURE(i);
    CHECK(size_of(static_cast<DataType>(i)) == 0);
    CHECK(std::string(name_of(static_cast<DataType>(i))) == "none");
  }
}

TEST_CASE("files are read whole") {
  const TemporaryFolder folder;
  Dice dice(2);
  CAPTURE(dice.seed());
  for (std::size_t size :
       {std::size_t(0), std::size_t(1), std::size_t(65535), std::size_t(65536), std::size_t(200001)}) {
    CAPTURE(size);
    const Bytes content = dice.bytes(size);
    std::ofstream(folder / "file", std::ios::binary)
        .write(reinterpret_cast<const char *>(content.data()), static_cast<std::streamsize>(size));
    const std::string got = read_file(folder / "file");
    CHECK(got.size() == size);
    CHECK(std::equal(content.begin(), content.end(), got.begin(), got.end(),
                     [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); }));
  }
  CHECK_FAILS(Status::file, folder / "none", read_file(folder / "none"));
  CHECK_FAILS(Status::file, "No such file", read_file(folder / "none"));
  CHECK_FAILS(Status::file, "directory", read_file(folder.path()));
  CHECK_FAILS(Status::file, "''", read_file(""));
}

namespace {

struct Heard {
  std::vector<std::pair<int, std::string>> lines;
  bool re_enter = false;
};

void listen(void *user_data, int level, const char *message) {
  auto &heard = *static_cast<Heard *>(user_data);
  heard.lines.emplace_back(level, message);
  if (!heard.re_enter) return;
  heard.re_enter = false;
  // Everything that the sink might want of the library; a lock that is held would hang here.
  log(LogLevel::warning, "from within");
  const auto context = Context::create();
  const auto buffer = Buffer::create(*context, 64);
  context->trim();
  log_set(listen, user_data, LogLevel::debug);
  heard.lines.emplace_back(0, text("made a buffer of ", buffer->size()));
}

}  // namespace

TEST_CASE("the log gives what is asked for, and no more") {
  Heard heard;
  const auto speak = [] {
    log(LogLevel::warning, "w ", 1);
    log(LogLevel::info, "i ", 2);
    log(LogLevel::debug, "d ", 3);
  };
  for (int level = 0; level <= 3; ++level) {
    CAPTURE(level);
    heard.lines.clear();
    log_set(listen, &heard, static_cast<LogLevel>(level));
    speak();
    REQUIRE(heard.lines.size() == static_cast<std::size_t>(level));
    const std::pair<int, std::string> wanted[] = {{1, "w 1"}, {2, "i 2"}, {3, "d 3"}};
    for (std::size_t i = 0; i < heard.lines.size(); ++i) CHECK(heard.lines[i] == wanted[i]);
    for (int l = 1; l <= 3; ++l) CHECK(log_wanted(static_cast<LogLevel>(l)) == (l <= level));
  }
  heard.lines.clear();
  log_set(nullptr, nullptr, LogLevel::debug);
  CHECK_FALSE(log_wanted(LogLevel::warning));
  speak();
  log_message(LogLevel::warning, "to nobody");
  CHECK(heard.lines.empty());
}

TEST_CASE("the log's sink may call the library") {
  Heard heard;
  heard.re_enter = true;
  log_set(listen, &heard, LogLevel::debug);
  log(LogLevel::debug, "start");
  const auto context = Context::create();
  context->trim();
  log_set(nullptr, nullptr, LogLevel::off);
  std::vector<std::string> lines;
  for (const auto &line : heard.lines) lines.push_back(line.second);
  const auto heard_line = [&](const std::string &line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  };
  CHECK(heard_line("start"));
  CHECK(heard_line("from within"));
  CHECK(heard_line("made a buffer of 64"));
  CHECK(std::count(lines.begin(), lines.end(), "trimmed 0 bytes") == 2);
}

TEST_CASE("a forked child is refused, and releases nothing") {
  platforms();  // from here on a fork counts
  const auto context = Context::create();
  CHECK(process_running());
  CHECK_NOTHROW(require_running());
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int code = 0;
    alarm(300);
    if (process_running()) code |= 1;
    try {
      require_running();
      code |= 2;
    } catch (const Error &error) {
      if (error.status() != Status::forked) code |= 4;
      if (!contains(error.message(), "fork")) code |= 8;
    }
    ClContext copy(context->native());
    copy.reset();  // a release in here would drop the parent's only reference in the child, or hang
    _exit(code);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(process_running());
  CHECK_NOTHROW(Buffer::create(*context, 16));
}

namespace {

void drain_one() noexcept {
  if (process_state.load() == ProcessState::exiting) std::fputs("one ", stdout);
}
void drain_two() noexcept {
  try {
    require_running();
  } catch (const Error &error) {
    if (error.status() == Status::shutting_down) std::fputs("two ", stdout);
  }
}

}  // namespace

// Run by the next one.
TEST_CASE("a process that ends" * doctest::skip()) {
  platforms();
  process_on_exit(drain_one);
  process_on_exit(drain_two);
}

TEST_CASE("at exit the drains run in reverse order, after new calls are refused") {
  int status = -1;
  const std::string said = run_apart("a process that ends", "", status);
  CHECK(status == 0);
  CHECK_MESSAGE(contains(said, "two one "), said);
}

TEST_CASE("handles count references as OpenCL does") {
  const Bench bench;
  const auto count = [](cl_mem memory) {
    cl_uint references = 0;
    REQUIRE(clGetMemObjectInfo(memory, CL_MEM_REFERENCE_COUNT, sizeof references, &references, nullptr) == CL_SUCCESS);
    return references;
  };
  cl_int code = CL_SUCCESS;
  ClMem one(clCreateBuffer(bench.context->native(), CL_MEM_READ_WRITE, 16, nullptr, &code));
  REQUIRE(code == CL_SUCCESS);
  const cl_mem native = one.get();
  CHECK(count(native) == 1);
  {
    const ClMem two = ClMem::share(native);
    CHECK(count(native) == 2);
    ClMem three(std::move(one));
    CHECK_FALSE(one);
    CHECK(count(native) == 2);
    one = std::move(three);
  }
  CHECK(count(native) == 1);
  ClMem other = ClMem::share(native);
  other = ClMem::share(native);  // drops what it had
  CHECK(count(native) == 2);
  const cl_mem given = other.give();
  CHECK(given == native);
  CHECK(count(native) == 2);
  clReleaseMemObject(given);
  CHECK(count(native) == 1);
  CHECK_FALSE(ClMem::share(nullptr));
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads support");

TEST_CASE("threads log while the sink is changed") {
  struct Counter {
    std::atomic<int> count{0};
  } counters[2];
  const auto count = [](void *user_data, int, const char *) { static_cast<Counter *>(user_data)->count += 1; };
  log_set(count, &counters[0], LogLevel::debug);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 2000; ++i) log(LogLevel::info, "line ", i);
    });
  for (int i = 0; i < 500; ++i) log_set(count, &counters[i & 1], LogLevel::debug);
  for (auto &thread : threads) thread.join();
  log_set(nullptr, nullptr, LogLevel::off);
  CHECK(counters[0].count + counters[1].count == 8000);
}

TEST_SUITE_END();
