// Trace files: their names, what may hold one, and the events of seldom records.
#include <doctest/doctest.h>
#include <unistd.h>
#include <gpucompute/profile.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "profile/recorder.hpp"
#include "profile/trace_file.hpp"
#include "support/apart.hpp"
#include "support/fixture.hpp"
#include "support/log.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using Json = nlohmann::json;

namespace {

constexpr std::uint64_t no_limit = UINT64_MAX;

Json parse(const std::string &path) {
  std::ifstream file(path);
  Json json = Json::parse(file, nullptr, false);
  REQUIRE_MESSAGE(json.is_array(), path << " is no JSON array");
  return json;
}

std::shared_ptr<const ProfiledQueue> queue(unsigned number, bool in_order = true, bool has_times = true) {
  return std::make_shared<const ProfiledQueue>(ProfiledQueue{number, in_order, has_times, "a device"});
}

ProfileRecord record_of(std::uint64_t id, Operation operation, ProfileClock clock) {
  ProfileRecord record;
  record.operation = operation;
  record.name = "name " + std::to_string(id);
  record.id = id;
  record.thread = 5;
  record.call_begin_ns = 1000 * id;
  record.call_end_ns = 1000 * id + 500;
  record.clock = clock;
  record.begin_ns = 1000 * id + 200;
  record.end_ns = 1000 * id + 700;
  record.duration_ns = 500;
  return record;
}

// The events of that command, of that phase.
std::vector<Json> events_of(const Json &trace, std::uint64_t id, const char *phase = "X") {
  std::vector<Json> found;
  for (const Json &event : trace)
    if (event.at("ph") == phase && event.contains("args") && event["args"].value("command", std::uint64_t(0)) == id)
      found.push_back(event);
  return found;
}

}  // namespace

TEST_SUITE_BEGIN("profile");

TEST_CASE("a name that is taken gets the process's number, before its extension") {
  const TemporaryFolder folder;
  REQUIRE(std::filesystem::create_directory(folder / "dir.d"));
  const std::string pid = "." + std::to_string(getpid());
  const std::string before = std::filesystem::current_path().string();
  REQUIRE(chdir(folder.path().c_str()) == 0);
  const auto second_name = [](const std::string &name) {
    const TraceFile first(name, true, no_limit);
    const TraceFile second(name, true, no_limit);
    CHECK(first.path() == name);
    parse(second.path());
    return second.path();
  };
  CHECK(second_name(folder / "t.json") == (folder / ("t" + pid + ".json")));
  CHECK(second_name(folder / "dir.d/t") == (folder / ("dir.d/t" + pid)));  // that dot is the folder's
  CHECK(second_name(folder / ".t") == (folder / (".t" + pid)));
  CHECK(second_name("t.json") == "t" + pid + ".json");
  CHECK(second_name("t") == "t" + pid);
  CHECK(second_name(".t") == ".t" + pid);
  REQUIRE(chdir(before.c_str()) == 0);
  // Not shared: the later one takes the file over.
  const TraceFile first(folder / "own.json", false, no_limit);
  CHECK(TraceFile(folder / "own.json", false, no_limit).path() == first.path());
}

TEST_CASE("what is no file holds no trace") {
  CHECK_FAILS(Status::file, "'/dev/null' cannot hold a trace: it is no regular file", TraceFile("/dev/null", false, 1));
  CHECK_FAILS(Status::file, "cannot be opened: ", TraceFile("/tmp", false, 1));
  CHECK_FAILS(Status::file, "cannot be opened: ", TraceFile("/nonexistent/t.json", true, 1));
}

TEST_CASE("the events of records of every kind") {
  const TemporaryFolder folder;
  TraceFile file(folder / "t.json", false, no_limit);
  ProfileRecord kernel = record_of(1, Operation::kernel, ProfileClock::device);
  kernel.queue = queue(1);
  kernel.dims = 2;
  kernel.global[0] = 64;
  kernel.global[1] = 3;
  kernel.local[0] = 8;
  kernel.local[1] = 1;
  ProfileRecord failed = record_of(2, Operation::write, ProfileClock::none);
  failed.queue = queue(1);
  failed.code = -5;
  failed.bytes = 10;
  ProfileRecord moved = record_of(3, Operation::read, ProfileClock::host);
  moved.queue = queue(2, false, false);
  moved.bytes = 1500;
  ProfileRecord instant = moved;  // in no time at all: no rate
  instant.id = 4;
  instant.duration_ns = 0;
  instant.end_ns = instant.begin_ns;
  ProfileRecord product = record_of(5, Operation::gemm, ProfileClock::none);  // the span around its commands
  ProfileRecord part = record_of(6, Operation::gemm, ProfileClock::device);
  part.queue = queue(1);
  ProfileRecord build = record_of(7, Operation::build, ProfileClock::host);
  build.queue = queue(0);  // which stands for none
  for (ProfileRecord *record : {&kernel, &failed, &moved, &instant, &product, &part, &build}) file.take(*record);
  file.close();
  const Json trace = parse(folder / "t.json");

  REQUIRE(events_of(trace, 1).size() == 2);
  CHECK(events_of(trace, 1)[0].at("name") == "launch name 1");
  CHECK(events_of(trace, 1)[0]["args"]["global"] == Json::parse("[64,3]"));
  CHECK(events_of(trace, 1)[0]["args"]["local"] == Json::parse("[8,1]"));
  CHECK(events_of(trace, 1)[1]["args"]["clock"] == "device");
  REQUIRE(events_of(trace, 2).size() == 1);  // it never ran
  CHECK(events_of(trace, 2)[0]["args"]["error"] == -5);
  std::vector<Json> rates;
  for (const Json &event : trace)
    if (event.contains("args") && event["args"].contains("GB/s")) rates.push_back(event);
  REQUIRE(rates.size() == 1);
  CHECK(rates[0]["args"]["command"] == 3);
  CHECK(rates[0]["args"]["GB/s"] == 3.0);
  CHECK(rates[0]["args"]["clock"] == "host");
  REQUIRE(events_of(trace, 5).size() == 1);
  CHECK(events_of(trace, 5)[0].at("name") == "name 5");
  CHECK(events_of(trace, 6)[0].at("name") == "launch name 6");
  CHECK(events_of(trace, 7)[0].at("name") == "build name 7");
  std::string tracks;
  for (const Json &event : trace)
    if (event.at("name") == "thread_name") tracks += event["args"]["name"].get<std::string>() + "\n";
  CHECK(contains(tracks, "queue 1: a device\n"));
  CHECK(contains(tracks, "queue 2: a device, out of order (no device times: made before recording began)\n"));
  CHECK_FALSE(contains(tracks, "queue 0"));
}

TEST_CASE("ten thousand names and more") {
  const TemporaryFolder folder;
  TraceFile file(folder / "t.json", false, no_limit);
  for (std::uint64_t id = 1; id <= 10100; ++id) file.take(record_of(id, Operation::marker, ProfileClock::none));
  file.close();
  const Json trace = parse(folder / "t.json");
  for (const std::uint64_t id : {1, 10000, 10001, 10002, 10100}) {
    REQUIRE(events_of(trace, id).size() == 1);
    CHECK(events_of(trace, id)[0].at("name") == "name " + std::to_string(id));
  }
}

TEST_CASE("the limit of a trace by the environment") {
  const TemporaryFolder folder;
  const auto check = [&](const char *limit, const char *wanted) {
    check_apart("trace files apart: the limit", fake("") + " GPUC_TRACE='" + (folder / "t.json") +
                                                    "' GPUC_TRACE_LIMIT_MB='" + limit + "' GPUC_TEST_WANTED='" +
                                                    wanted + "'");
  };
  check("12", "");
  for (const char *wrong : {"", "0", "x", "-1", "12x", "1099511627776", "99999999999999999999999"})
    check(wrong, "must be a number of megabytes");
}

TEST_CASE("trace files apart: the limit" * doctest::skip()) {
  std::string logged;
  log_set([](void *to, int, const char *message) { *static_cast<std::string *>(to) += message; }, &logged,
          LogLevel::warning);
  const auto context = Context::create();
  log_set(nullptr, nullptr, LogLevel::off);
  INFO(logged);
  const std::string wanted = std::getenv("GPUC_TEST_WANTED");
  if (wanted.empty())
    CHECK(logged.empty());
  else
    CHECK(contains(logged, wanted));
  ran();
}

TEST_CASE("a profile's report of several devices, of failures and of builds") {
  const auto profile = Profile::start();
  const std::uint64_t now = host_now_ns();
  record_build("one program", "first device", now, now + 2000, 100, CL_SUCCESS);
  record_build("one program", "second device", now, now + 3000, 100, CL_SUCCESS);
  record_build("a program that does not build", "first device", now, now + 1000, 100, CL_BUILD_PROGRAM_FAILURE);
  profile->stop(0);
  const std::string report = profile->report();
  CHECK(contains(report, "one program @ first device"));
  CHECK(contains(report, "one program @ second device"));
  CHECK(contains(report, "1 (1 failed)"));
  REQUIRE(profile->rows().size() == 3);
  CHECK(profile->rows()[0].device == "second device");  // which took longest
  CHECK(std::string(name_of(Operation::build)) == "build");
  CHECK(std::string(name_of(static_cast<Operation>(12))).empty());
}

TEST_SUITE_END();
