// Trace files: whole at any moment, whatever becomes of the process; and what is in them.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <gpucompute/profile.hpp>

#include <csignal>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "profile/device_clock.hpp"
#include "profile/recorder.hpp"
#include "profile/trace_file.hpp"
#include "support/fixture.hpp"
#include "support/log.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using Json = nlohmann::json;

TEST_SUITE_BEGIN("profile");

namespace {

Json parse(const std::string &path, bool killed = false) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file.good(), path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Json json = Json::parse(text, nullptr, false);
  if (killed && json.is_discarded()) json = Json::parse(text + "]", nullptr, false);
  REQUIRE_MESSAGE(json.is_array(), path << " is no JSON array");
  return json;
}

// Every event is what the format asks for; how many there are of each category.
std::map<std::string, int> check_events(const Json &trace) {
  std::map<std::string, int> categories;
  std::set<std::int64_t> named, used;
  std::map<std::int64_t, int> arrows;
  std::map<std::pair<std::int64_t, std::string>, double> ends;
  for (const Json &event : trace) {
    INFO(event.dump());
    REQUIRE(event.at("name").is_string());
    REQUIRE(event.at("pid").is_number_integer());
    const std::string phase = event.at("ph");
    if (phase == "M") {
      if (event.at("name") == "thread_name") CHECK(named.insert(event.at("tid").get<std::int64_t>()).second);
      continue;
    }
    REQUIRE(event.at("ts").is_number());
    CHECK(event.at("ts").get<double>() > 0);
    if (phase == "i") continue;
    used.insert(event.at("tid").get<std::int64_t>());
    if (phase == "s") ++arrows[event.at("id").get<std::int64_t>()];
    if (phase == "f") --arrows[event.at("id").get<std::int64_t>()];
    if (phase == "b") ++categories[event.at("cat")];
    if (phase == "e") --categories["end of asynchronous"];
    if (phase != "X") continue;
    const double begin = event.at("ts"), duration = event.at("dur");
    CHECK(duration >= 0);
    ++categories[event.at("cat")];
    if (event.at("cat") == "host") continue;
    // Slices of a queue's track do not overlap; the numbers are rounded to nanoseconds.
    double &end = ends[{event.at("tid").get<std::int64_t>(), "end"}];
    CHECK(begin + 0.002 >= end);
    end = begin + duration;
  }
  for (const auto &[id, open] : arrows) CHECK(open == 0);
  for (const std::int64_t thread : used) CHECK(named.count(thread) == 1);
  return categories;
}

ProfileRecord record_of(std::uint64_t id, bool in_order = true) {
  ProfileRecord record;
  record.operation = Operation::kernel;
  record.name = "a \"quoted\" name\n\xff";
  record.id = id;
  record.queue = std::make_shared<const ProfiledQueue>(ProfiledQueue{1, in_order, true, "a device"});
  record.thread = 5;
  record.call_begin_ns = 1000 * id;
  record.call_end_ns = 1000 * id + 500;
  record.clock = ProfileClock::device;
  record.begin_ns = 1000 * id + 200;
  record.end_ns = 1000 * id + 1700;  // into the next one
  record.duration_ns = 1500;
  return record;
}

void some_work(int launches) {
  const Bench bench;
  const auto program = bench.program("kernel void twice(global int *x) { x[get_global_id(0)] *= 2; }");
  const auto kernel = program->kernel("twice");
  const auto buffer = bench.buffer(Bytes(256, 0));
  const Argument arguments[] = {argument(*buffer)};
  for (int i = 0; i < launches; ++i) kernel->launch(*bench.queue, global_size(64), arguments, 1);
  bench.read(*buffer);
}

// Processes that end in the middle of things, and children of fork(), leave objects behind.
const char *const no_leak_check = "ASAN_OPTIONS=detect_leaks=0:use_sigaltstack=0 ";

// Runs a test case that is left out otherwise, with a trace; what the trace holds.
Json traced(const char *test_case, const std::string &path, const std::string &variables = "", int expected = 0) {
  int status = -1;
  const std::string said = run_apart(test_case, no_leak_check + ("GPUC_TRACE='" + path) + "' " + variables, status);
  INFO(said);
  CHECK((WIFEXITED(status) ? WEXITSTATUS(status) : -1) == expected);
  return parse(path, expected == 128 + SIGKILL);
}

}  // namespace

TEST_CASE("a trace file is whole after every write") {
  const TemporaryFolder folder;
  for (const bool in_order : {true, false}) {
    const std::string path = folder / "trace.json";
    TraceFile file(path, true, UINT64_MAX);
    CHECK(file.path() == path);
    CHECK(parse(path).size() == 1);
    for (std::uint64_t id = 1; id <= 2000; ++id) {
      file.take(record_of(id, in_order));
      if (id % 500 == 0) check_events(parse(path));
    }
    file.close();
    const auto categories = check_events(parse(path));
    CHECK(categories.at("host") == 2000);
    CHECK(categories.at("kernel") == 2000);
    file.take(record_of(2001));
    CHECK(check_events(parse(path)).at("host") == 2000);
  }
}

TEST_CASE("two processes do not write one file") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.b/trace.json", pid = std::to_string(getpid());
  std::filesystem::create_directory(folder / "a.b");
  // Two descriptions of one file lock each other out as two processes do.
  TraceFile first(path, true, UINT64_MAX), second(path, true, UINT64_MAX);
  CHECK(second.path() == folder / ("a.b/trace." + pid + ".json"));
  TraceFile plain(folder / "a.b/trace", true, UINT64_MAX), another(folder / "a.b/trace", true, UINT64_MAX);
  CHECK(another.path() == folder / ("a.b/trace." + pid));
  first.take(record_of(1));
  second.take(record_of(2));
  first.close();
  second.close();
  check_events(parse(first.path()));
  check_events(parse(second.path()));
  CHECK(trace_path("x-%p-%p.json") == "x-" + pid + "-" + pid + ".json");
  CHECK(trace_path("100%") == "100%");
  CHECK(trace_path("0").empty());
  CHECK(trace_path("").empty());
}

TEST_CASE("files that cannot hold a trace are refused") {
  const TemporaryFolder folder;
  CHECK_FAILS(Status::file, "cannot be opened", TraceFile(folder / "none/trace.json", true, UINT64_MAX));
  CHECK_FAILS(Status::file, "cannot be opened", TraceFile(folder.path(), true, UINT64_MAX));
  CHECK_FAILS(Status::file, "no regular file", TraceFile("/dev/null", true, UINT64_MAX));
}

TEST_CASE("a trace ends at its limit") {
  const TemporaryFolder folder;
  const std::string path = folder / "trace.json";
  TraceFile file(path, true, 20000);
  for (std::uint64_t id = 1; id <= 1000; ++id) file.take(record_of(id));
  file.close();
  const Json trace = parse(path);
  CHECK(std::filesystem::file_size(path) < 20200);
  CHECK(check_events(trace).at("host") > 10);
  CHECK(contains(trace.back().at("name"), "GPUC_TRACE_LIMIT_MB"));
}

TEST_CASE("a disk that is full leaves what was there") {
  const TemporaryFolder folder;
  const std::string path = folder / "trace.json";
  // In a process of its own: the limit is the whole process's.
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{200000, 200000};
    setrlimit(RLIMIT_FSIZE, &limit);
    int result = 1;
    try {
      TraceFile file(path, true, UINT64_MAX);
      static TraceFile *the_file = &file;
      static int warnings = 0;
      log_set(
          [](void *, int, const char *) {
            ++warnings;
            the_file->take(record_of(1));  // as a command of the sink's would
          },
          nullptr, LogLevel::warning);
      for (std::uint64_t id = 1; id <= 5000; ++id) file.take(record_of(id));
      try {
        file.close();
      } catch (const Error &error) {
        result = error.status() == Status::file && warnings == 1 ? 0 : 2;
      }
    } catch (...) {
    }
    _exit(result);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  const auto categories = check_events(parse(path));
  CHECK(categories.at("host") > 50);
  CHECK(categories.at("host") < 5000);
}

TEST_CASE("a profile writes what it recorded") {
  const TemporaryFolder folder;
  const std::string path = folder / "trace.json";
  const auto profile = Profile::start();
  {
    const auto context = Context::create();
    const auto queue = Queue::create(*context, nullptr, 0);
    const bool can = queue->device().info().out_of_order;
    const auto other = Queue::create(*context, nullptr, can ? Queue::out_of_order : 0);
    const auto buffer = Buffer::create(*context, 1024);
    const unsigned char one = 1;
    for (int i = 0; i < 5; ++i) {
      buffer->fill(*queue, &one, 1, 0, 1024, {}, nullptr);
      buffer->fill(*other, &one, 1, 0, 1024, {}, nullptr);
    }
    queue->finish();
    other->finish();
  }
  profile->stop(60'000'000'000);
  profile->write_trace(path);
  const auto categories = check_events(parse(path));
  CHECK(categories.at("host") == 10);
  CHECK(categories.at("fill") == 10);
  // A file that is there is replaced.
  std::ofstream(path) << std::string(100000, 'x');
  profile->write_trace(path);
  check_events(parse(path));
}

// Run apart, with GPUC_TRACE.
TEST_CASE("traced and ends" * doctest::skip()) {
  some_work(10);
  // Left behind: exit() waits for it, and takes its times.
  auto *bench = new Bench;
  auto *buffer = new std::shared_ptr<Buffer>(Buffer::create(*bench->context, 1 << 20));
  const unsigned char one = 1;
  (*buffer)->fill(*bench->queue, &one, 1, 0, 1 << 20, {}, nullptr);
  bench->queue->flush();
  std::exit(3);
}
TEST_CASE("traced and ends at once" * doctest::skip()) {
  some_work(10);
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  some_work(1);
  _exit(4);
}
TEST_CASE("traced and is killed" * doctest::skip()) {
  const std::string path = std::getenv("GPUC_TRACE");
  std::thread([path] {  // in the middle of whatever the other thread does, once there is something to be seen
    std::error_code ignored;
    while (std::filesystem::file_size(path, ignored) < 50000 || ignored)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    kill(getpid(), SIGKILL);
  })
      .detach();
  for (;;) some_work(100);
}
TEST_CASE("traced and forks" * doctest::skip()) {
  some_work(5);
  for (const bool orderly : {true, false}) {
    const pid_t child = fork();
    if (child == 0) {
      if (orderly) std::exit(0);
      _exit(0);
    }
    int status = -1;
    if (waitpid(child, &status, 0) != child || status != 0) _exit(9);
  }
  some_work(5);
}
TEST_CASE("traced in two" * doctest::skip()) {
  int both_began[2];
  if (pipe(both_began) != 0) _exit(8);
  const pid_t child = fork();  // before the library is used
  some_work(5);
  char byte = 0;
  // One that has ended leaves its name to the next.
  if (child == 0) std::exit(read(both_began[0], &byte, 1) == 1 ? 0 : 7);
  if (write(both_began[1], &byte, 1) != 1) _exit(6);
  int status = -1;
  if (waitpid(child, &status, 0) != child || status != 0) _exit(9);
}
TEST_CASE("traced to nowhere" * doctest::skip()) {
  static std::string warning;
  // The log may use the library.
  log_set(
      [](void *, int, const char *message) {
        warning += message;
        Context::create();
      },
      nullptr, LogLevel::warning);
  some_work(5);
  CHECK(contains(warning, "GPUC_TRACE: no trace: file '/nonexistent/trace.json' cannot be opened"));
  CHECK_FALSE(profiling());
  std::puts("it ran");
}
TEST_CASE("traced with a wrong limit" * doctest::skip()) {
  static std::string warning;
  log_set([](void *, int, const char *message) { warning += message; }, nullptr, LogLevel::warning);
  some_work(5);
  CHECK(contains(warning, "GPUC_TRACE_LIMIT_MB is 'many'"));
  std::puts("it ran");
}

TEST_CASE("a program is traced from the environment, however it ends") {
  const TemporaryFolder folder;
  const std::string path = folder / "trace.json";
  const bool slow = Bench().slow();
  auto categories = check_events(traced("traced and ends", path, "", 3));
  CHECK(categories["kernel"] == 10);
  CHECK(categories["fill"] == 1);
  CHECK(categories["write"] == 1);
  CHECK(categories["read"] == 1);
  categories = check_events(traced("traced and ends at once", path, "", 4));
  CHECK(categories["kernel"] >= 10);
  if (!slow) {
    categories = check_events(traced("traced and is killed", path, "", 128 + SIGKILL));
    CHECK(categories["kernel"] > 10);
  }
  // The child of a fork is silent, and what it had in common with its parent is written once.
  categories = check_events(traced("traced and forks", path));
  CHECK(categories["kernel"] == 10);
  std::filesystem::remove(path);

  categories = check_events(traced("traced in two", path));
  CHECK(categories["kernel"] == 5);
  int files = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder.path())) {
    ++files;
    CHECK(check_events(parse(entry.path())).at("kernel") == 5);
  }
  CHECK(files == 2);
  int status = -1;
  run_apart("traced and forks", no_leak_check + ("GPUC_TRACE='" + folder.path()) + "/x-%p.json'", status);
  CHECK(status == 0);
  files = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder.path()))
    if (contains(entry.path(), "/x-")) files += check_events(parse(entry.path())).at("kernel") == 10;
  CHECK(files == 1);
  CHECK(contains(run_apart("traced to nowhere", "GPUC_TRACE=/nonexistent/trace.json", status), "it ran"));
  CHECK(status == 0);
  CHECK(contains(run_apart("traced with a wrong limit",
                           "GPUC_TRACE_LIMIT_MB=many GPUC_TRACE='" + (folder / "wrong.json") + "'", status),
                 "it ran"));
  CHECK(status == 0);
}

TEST_SUITE_END();
