// The library and the end of the process, fork, systems without OpenCL and odd devices: each in a process of its own.
#include "support.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

#include "support/sanitizers.hpp"

using namespace capi_test;
using gpucompute::test::sanitizer_allocator;

namespace {

struct Result {
  int status = -1;  // 1000 and more: a signal
  std::string out, err;
  double seconds = 0;
};

std::string folder() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  REQUIRE(length > 0);
  const std::string whole(path, static_cast<size_t>(length));
  return whole.substr(0, whole.rfind('/'));
}

// Runs process_child with a time limit, which is only for what hangs. Variables without '=' are removed.
Result run(const std::string &shape, const std::vector<std::string> &variables = {}, unsigned limit_s = 400) {
  static const std::string program = folder() + "/capi_process_child";
  int out[2], err[2];
  REQUIRE(pipe(out) == 0);
  REQUIRE(pipe(err) == 0);
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    for (const int fd : {out[0], out[1], err[0], err[1]}) close(fd);
    // Who exits in the middle of the work leaves a driver's memory to the system, as the library does.
    setenv("LSAN_OPTIONS", "detect_leaks=0", 1);
    for (const std::string &variable : variables) {
      const size_t equals = variable.find('=');
      if (equals == std::string::npos)
        unsetenv(variable.c_str());
      else
        setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
    }
    alarm(limit_s);  // lives on through exec
    execl(program.c_str(), "capi_process_child", shape.c_str(), static_cast<char *>(nullptr));
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  Result result;
  pollfd fds[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  int open = 2;
  while (open > 0 && poll(fds, 2, -1) > 0) {
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || !fds[i].revents) continue;
      char buffer[4096];
      const ssize_t count = read(fds[i].fd, buffer, sizeof buffer);
      if (count > 0) {
        (i ? result.err : result.out).append(buffer, static_cast<size_t>(count));
      } else {
        fds[i].fd = -1;
        --open;
      }
    }
  }
  close(out[0]);
  close(err[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

// PoCL's compiler tells how many errors and warnings it had.
std::string without_driver_lines(const std::string &err) {
  std::istringstream lines(err);
  std::string line, rest;
  while (std::getline(lines, line))
    if (line.find(" generated.") == std::string::npos) rest += line + "\n";
  return rest;
}

void check_ends_well(const Result &result, const std::string &shape) {
  INFO(shape << ": " << result.out << result.err << " after " << result.seconds << " s");
  CHECK(result.status == 0);
  CHECK(without_driver_lines(result.err) == "");
}

// The fake ICD of this build.
std::vector<std::string> fake(const std::string &profile) {
  return {"OCL_ICD_VENDORS=" + folder() + "/../fake_icd/vendors", "GPUC_FAKE=" + profile, "GPUC_DEVICE",
          "GPUC_DEVICE_ENFORCE"};
}

}  // namespace

TEST_SUITE("process") {
  TEST_CASE("exit in every shape") {
    if (is_oclgrind()) SKIP_TEST("a checker knows no threads, and takes minutes for the kernel");
    for (const char *shape : {"running_kernel", "released_running_kernel", "copies", "copies_arrive", "never_released",
                              "second_thread", "busy_threads", "release_at_exit", "release_before_library_exit",
                              "call_at_exit", "busy_call_at_exit", "watched_event", "gemm"}) {
      for (int i = 0; i < 5; ++i) {
        const Result result = run(shape, {"GPUC_TRANSFER=" + std::string(i % 2 ? "force" : "")});
        check_ends_well(result, shape);
      }
    }
    // While the driver still compiles the kernel that was launched: nothing comes from a cache.
    for (const char *shape : {"running_kernel", "released_running_kernel", "second_thread"}) {
      char cold[] = "/tmp/gpuc_cold_XXXXXX";
      REQUIRE(mkdtemp(cold));
      const Result result = run(shape, {"GPUC_CACHE=0", std::string("POCL_CACHE_DIR=") + cold});
      check_ends_well(result, std::string(shape) + ", cold");
      std::filesystem::remove_all(cold);
    }
    // exit() gives up what will never be complete.
    check_ends_well(run("blocked"), "blocked");
    check_ends_well(run("blocked_copy", {"GPUC_TRANSFER=force"}), "blocked_copy");
  }

  TEST_CASE("fork") {
    if (is_oclgrind()) SKIP_TEST("a checker knows no threads, and takes minutes for the kernel");
    for (const char *shape : {"fork", "fork_underscore_exit", "fork_before_use"})
      for (int i = 0; i < 3; ++i) check_ends_well(run(shape), shape);
    // A child of a program in which another thread just allocates would wait for the allocator for ever.
    if (sanitizer_allocator) {
      SKIP_PART("a sanitizer's allocator does not survive a fork among threads that work");
      return;
    }
    for (const char *shape : {"fork_busy", "fork_no_release"})
      for (int i = 0; i < 3; ++i) check_ends_well(run(shape), shape);
    for (const char *transfer : {"", "", "", "force"})
      check_ends_well(run("fork_among_threads", {std::string("GPUC_TRANSFER=") + transfer}), "fork_among_threads");
  }

  TEST_CASE("no platform") {
    check_ends_well(
        run("no_platform", {"OCL_ICD_VENDORS=/nonexistent", "OPENCL_LAYERS", "GPUC_DEVICE", "GPUC_DEVICE_ENFORCE"}),
        "no_platform");
    check_ends_well(run("no_platform", fake("noplatform")), "no_platform on the fake");
  }

  TEST_CASE("odd devices") {
    check_ends_well(run("no_device", fake("nodevices")), "no_device");
    check_ends_well(run("bits32", fake("bits32")), "bits32");
    // What cannot be there on these; all else must work.
    const std::map<std::string, std::string> too_large = {{"transfer", "GPUC_ERROR_ALLOCATION_TOO_LARGE"},
                                                          {"transfer_pinned", "GPUC_ERROR_ALLOCATION_TOO_LARGE"},
                                                          {"transfer_async", "GPUC_ERROR_ALLOCATION_TOO_LARGE"}};
    const std::map<std::string, std::map<std::string, std::string>> profiles = {
        {"", {}},
        {"nofp64", {}},
        {"nofp16", {}},
        {"two", {}},
        {"unified", {}},
        {"noargs", {}},
        {"wg1", {}},
        {"bits32", {}},
        {"ticks0", {}},
        {"big", {}},
        {"cl30", {}},
        {"cl12", {}},
        {"tiny", too_large},
        {"tiny,cl12,wg1,noargs", too_large},
    };
    for (const auto &row : profiles) {
      const std::string &profile = row.first;
      const std::map<std::string, std::string> &refused = row.second;
      const Result result = run("odd_device", fake(profile));
      check_ends_well(result, "the fake with '" + profile + "'");
      std::istringstream lines(result.out);
      std::string scenario, status, function;
      for (std::string line; std::getline(lines, line);) {
        std::istringstream(line) >> scenario >> status >> function;
        // Backends that do not serve every device say so.
        const bool asks_first = function == "gpuc_gemm_explain" && scenario.compare(0, 14, "gemm_reference") != 0;
        if (asks_first && status == "GPUC_ERROR_UNSUPPORTED") continue;
        const auto known = refused.find(scenario);
        // The fake computes no kernel that it does not know, and so shows no f64.
        const std::string expected = scenario == "gemm_f64"   ? "GPUC_ERROR_UNSUPPORTED"
                                     : known == refused.end() ? "GPUC_OK"
                                                              : known->second;
        CHECK_MESSAGE(status == expected, "'" << profile << "': " << line);
      }
    }
    // OpenCL 1.1 lacks much: right or refused, and neither crashes nor hangs.
    const Result old = run("odd_device", fake("cl11"));
    check_ends_well(old, "cl11");
    CHECK(old.out.find("broken_program GPUC_OK") != std::string::npos);
  }

  TEST_CASE("a device that is lost") {
    bool told = false;
    for (int n = 0; n < 24; ++n) {
      const Result result = run("lost", fake("lost:" + std::to_string(n)));
      check_ends_well(result, "lost:" + std::to_string(n));
      told = told || result.out.find("first GPUC_ERROR_") != std::string::npos;
    }
    CHECK(told);
    for (int n = 0; n < 60; n += 3)
      check_ends_well(run("odd_device", fake("lost:" + std::to_string(n))), "lost:" + std::to_string(n));
  }
}
