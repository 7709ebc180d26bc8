// The record of the last failure, and that the library never prints.
#include "support.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>
#include <thread>

using namespace capi_test;

namespace {

// Everything that is written to standard output and standard error meanwhile.
class Capture {
 public:
  Capture() {
    std::fflush(nullptr);
    char path[] = "/tmp/gpuc_captured_XXXXXX";
    file_ = mkstemp(path);
    unlink(path);
    for (int i = 0; i < 2; ++i) {
      saved_[i] = dup(i + 1);
      dup2(file_, i + 1);
    }
  }
  ~Capture() {
    restore();
    close(file_);
  }
  // Without the lines in which PoCL's compiler counts its errors.
  std::string text() {
    restore();
    struct stat info {};
    fstat(file_, &info);
    std::string all(static_cast<size_t>(info.st_size), ' ');
    if (pread(file_, &all[0], all.size(), 0) != static_cast<ssize_t>(all.size())) return "cannot be read";
    std::istringstream lines(all);
    std::string rest;
    for (std::string line; std::getline(lines, line);)
      if (line.find(" generated.") == std::string::npos) rest += line + "\n";
    return rest;
  }

 private:
  void restore() {
    std::fflush(nullptr);
    for (int i = 0; i < 2; ++i) {
      if (saved_[i] < 0) continue;
      dup2(saved_[i], i + 1);
      close(saved_[i]);
      saved_[i] = -1;
    }
  }
  int file_, saved_[2];
};

}  // namespace

TEST_SUITE("errors") {
  // unprovoked: common GPUC_ERROR_INTERNAL: it stands for faults of the library.
  TEST_CASE("names of statuses") {
    const std::pair<gpuc_status, const char *> all[] = {
        {GPUC_OK, "GPUC_OK"},
        {GPUC_ERROR_NO_PLATFORM, "GPUC_ERROR_NO_PLATFORM"},
        {GPUC_ERROR_NO_DEVICE, "GPUC_ERROR_NO_DEVICE"},
        {GPUC_ERROR_DEVICE_LOST, "GPUC_ERROR_DEVICE_LOST"},
        {GPUC_ERROR_FORKED, "GPUC_ERROR_FORKED"},
        {GPUC_ERROR_SHUTTING_DOWN, "GPUC_ERROR_SHUTTING_DOWN"},
        {GPUC_ERROR_DRIVER, "GPUC_ERROR_DRIVER"},
        {GPUC_ERROR_FILE, "GPUC_ERROR_FILE"},
        {GPUC_ERROR_INVALID_ARGUMENT, "GPUC_ERROR_INVALID_ARGUMENT"},
        {GPUC_ERROR_NULL_ARGUMENT, "GPUC_ERROR_NULL_ARGUMENT"},
        {GPUC_ERROR_INVALID_HANDLE, "GPUC_ERROR_INVALID_HANDLE"},
        {GPUC_ERROR_OUT_OF_RANGE, "GPUC_ERROR_OUT_OF_RANGE"},
        {GPUC_ERROR_MISALIGNED, "GPUC_ERROR_MISALIGNED"},
        {GPUC_ERROR_OVERLAP, "GPUC_ERROR_OVERLAP"},
        {GPUC_ERROR_OVERFLOW, "GPUC_ERROR_OVERFLOW"},
        {GPUC_ERROR_BUFFER_TOO_SMALL, "GPUC_ERROR_BUFFER_TOO_SMALL"},
        {GPUC_ERROR_NOT_FOUND, "GPUC_ERROR_NOT_FOUND"},
        {GPUC_ERROR_KERNEL_ARGUMENT, "GPUC_ERROR_KERNEL_ARGUMENT"},
        {GPUC_ERROR_INVALID_STATE, "GPUC_ERROR_INVALID_STATE"},
        {GPUC_ERROR_CONTEXT_MISMATCH, "GPUC_ERROR_CONTEXT_MISMATCH"},
        {GPUC_ERROR_BUILD_FAILED, "GPUC_ERROR_BUILD_FAILED"},
        {GPUC_ERROR_INVALID_BINARY, "GPUC_ERROR_INVALID_BINARY"},
        {GPUC_ERROR_OUT_OF_DEVICE_MEMORY, "GPUC_ERROR_OUT_OF_DEVICE_MEMORY"},
        {GPUC_ERROR_OUT_OF_HOST_MEMORY, "GPUC_ERROR_OUT_OF_HOST_MEMORY"},
        {GPUC_ERROR_EXECUTION_FAILED, "GPUC_ERROR_EXECUTION_FAILED"},
        {GPUC_ERROR_TIMEOUT, "GPUC_ERROR_TIMEOUT"},
        {GPUC_ERROR_ALLOCATION_TOO_LARGE, "GPUC_ERROR_ALLOCATION_TOO_LARGE"},
        {GPUC_ERROR_UNSUPPORTED, "GPUC_ERROR_UNSUPPORTED"},
        {GPUC_ERROR_INTERNAL, "GPUC_ERROR_INTERNAL"}};
    for (const auto &[status, name] : all) CHECK(std::string(gpuc_status_name(status)) == name);
    for (const gpuc_status status : {-1, 1, 100, 108, 213, 303, 406, 502, 900, 902, INT32_MAX, INT32_MIN})
      CHECK(std::string(gpuc_status_name(status)) == "GPUC_ERROR_UNKNOWN");
  }

  TEST_CASE("the record of a thread") {
    runtime();
    std::thread([] {
      // Nothing has failed here yet.
      const bool blank = gpuc_last_error_status() == GPUC_OK && gpuc_last_error_cl_code() == 0 &&
                         !*gpuc_last_error_message() && !*gpuc_last_error_detail() && !*gpuc_last_error_routine();
      CHECK(blank);
    }).join();
    size_t size = 0;
    FAILS(GPUC_ERROR_INVALID_HANDLE, gpuc_buffer_get_size(nullptr, &size));
    const std::string message = gpuc_last_error_message();
    // Another thread's failure is its own.
    std::thread([] { FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_log_set(nullptr, nullptr, -5)); }).join();
    CHECK(gpuc_last_error_message() == message);
    // Successful calls and releases leave it.
    CHECK(named(gpuc_queue_finish(runtime().queue)) == "GPUC_OK");
    gpuc_buffer_release(nullptr);
    gpuc_buffer_release(reinterpret_cast<gpuc_buffer *>(&size));
    gpuc_buffer *buffer = nullptr;
    CHECK(named(gpuc_buffer_create(runtime().context, 16, 0, &buffer)) == "GPUC_OK");
    gpuc_buffer_release(buffer);
    gpuc_status_name(77);
    CHECK(gpuc_last_error_message() == message);
    CHECK(gpuc_last_error_status() == GPUC_ERROR_INVALID_HANDLE);
    CHECK(gpuc_last_error_cl_code() == 0);
    CHECK(std::string(gpuc_last_error_routine()).empty());
  }

  TEST_CASE("long messages come whole") {
    gpuc_kernel *none = nullptr;
    for (const size_t length : {100, 511, 512, 513, 5000, 200000}) {
      const std::string name(length, 'k');
      FAILS(GPUC_ERROR_NOT_FOUND, gpuc_kernel_create(runtime().program, name.c_str(), &none));
      SAYS("'" + name + "'");
      SAYS("vector_add");  // what comes after the name
    }
    // A build log of any length.
    std::string broken = "#error SYNTAX_ERROR 0\n";
    for (int i = 1; i < 300; ++i)
      broken += "kernel void k" + std::to_string(i) + "(global int *x) { undeclared_" + std::to_string(i) + " = 1; }\n";
    gpuc_program *program = nullptr;
    FAILS(GPUC_ERROR_BUILD_FAILED,
          gpuc_program_create_from_source(runtime().context, broken.data(), broken.size(), nullptr, &program));
    CHECK(std::string(gpuc_last_error_detail()).find("error") != std::string::npos);
    // The next failure has no detail: the old one is gone.
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_log_set(nullptr, nullptr, -1));
    CHECK(std::string(gpuc_last_error_detail()).empty());
  }

  TEST_CASE("a message may be an argument of the next failing call") {
    gpuc_device *device = nullptr;
    FAILS(GPUC_ERROR_NO_DEVICE, gpuc_device_select("no such device", &device));
    const gpuc_status status = gpuc_device_select(gpuc_last_error_message(), &device);
    CHECK(status != GPUC_OK);
    CHECK(record_fault(status) == "");
  }

  TEST_CASE("nothing is printed") {
    const bool oclgrind = is_oclgrind();
    runtime();
    Capture capture;
    {
      const auto &r = runtime();
      gpuc_device *device = nullptr;
      gpuc_context *context = nullptr;
      gpuc_buffer *buffer = nullptr;
      gpuc_program *program = nullptr;
      gpuc_kernel *kernel = nullptr;
      gpuc_proque *proque = nullptr;
      gpuc_event *event = nullptr;
      size_t size = 0;
      gpuc_device_select("no such device", &device);
      gpuc_device_select("a::b", &device);
      gpuc_context_create(nullptr, 7, &context);
      gpuc_buffer_create(r.context, SIZE_MAX, 0, &buffer);
      gpuc_buffer_create(nullptr, 5, 0, &buffer);
      gpuc_program_create_from_source(r.context, "#error SYNTAX_ERROR\n", GPUC_NUL_TERMINATED, nullptr, &program);
      gpuc_program_create_from_source(r.context, "kernel void k(global int *x) { *x = SYNTAX_ERROR; }",
                                      GPUC_NUL_TERMINATED, nullptr, &program);
      gpuc_program_create_from_source(r.context, "kernel void k() {}", GPUC_NUL_TERMINATED, "-no-such-option",
                                      &program);
      gpuc_program_release(program);
      program = nullptr;
      const unsigned char garbage[40] = {1, 2, 3};
      gpuc_program_desc desc{};
      gpuc_program_desc_init(&desc, sizeof desc);
      desc.binary = garbage;
      desc.binary_size_bytes = sizeof garbage;
      if (!oclgrind) gpuc_program_create(r.context, &desc, &program);
      gpuc_kernel_create(r.program, "nothing", &kernel);
      gpuc_kernel_create(r.program, "axpy", &kernel);
      gpuc_launch launch{};
      gpuc_launch_init(&launch, sizeof launch);
      gpuc_kernel_launch(kernel, r.queue, &launch, nullptr, 0, nullptr, 0, &event);
      gpuc_kernel_release(kernel);
      gpuc_proque_create(nullptr, 0, nullptr, &proque);
      gpuc_proque_create("SYNTAX_ERROR", GPUC_NUL_TERMINATED, nullptr, &proque);
      gpuc_queue_finish(reinterpret_cast<gpuc_queue *>(&size));
      gpuc_event_wait_all(nullptr, 3);
      if (!oclgrind) {
        gpuc_event_create_user(r.context, &event);
        gpuc_event *marker = nullptr;
        gpuc_queue *queue = nullptr;
        gpuc_queue_create(r.context, nullptr, 0, &queue);
        gpuc_queue_marker_async(queue, &event, 1, &marker);
        gpuc_event_complete(event, -5);
        gpuc_event_wait(marker);
        gpuc_event_release(marker);
        gpuc_event_release(event);
        gpuc_queue_release(queue);
      }
      gpuc_gemm_desc gemm{};
      gpuc_gemm_desc_init(&gemm, sizeof gemm);
      gemm.m = gemm.n = gemm.k = 4;
      gpuc_buffer_create(r.context, 16, 0, &buffer);
      gpuc_gemm(r.queue, &gemm, buffer, buffer, buffer, nullptr, 0, nullptr);
      gemm.type = GPUC_TYPE_F16;
      gpuc_gemm_explain(r.queue, &gemm, nullptr, 0, &size);
      gpuc_buffer_release(buffer);
      gpuc_doctor(GPUC_DOCTOR_TEXT, nullptr, 0, &size);
      gpuc_doctor(99, nullptr, 0, &size);
      gpuc_cache_get_number(99, nullptr);
    }
    const std::string printed = capture.text();
    if (oclgrind)
      SKIP_PART("a checker prints what it finds");
    else
      CHECK(printed == "");
  }
}

TEST_SUITE("errors, threads") {
  TEST_CASE("records of many threads") {
    std::vector<std::thread> threads;
    std::vector<std::string> wrong(8);
    for (size_t i = 0; i < 8; ++i)
      threads.emplace_back([&, i] {
        for (int round = 0; round < 2000; ++round) {
          const std::string name = "kernel_" + std::to_string(i) + "_" + std::to_string(round);
          gpuc_kernel *kernel = nullptr;
          const gpuc_status status = gpuc_kernel_create(runtime().program, name.c_str(), &kernel);
          if (status != GPUC_ERROR_NOT_FOUND ||
              std::string(gpuc_last_error_message()).find("'" + name + "'") == std::string::npos)
            wrong[i] = name + ": " + gpuc_last_error_message();
        }
      });
    for (std::thread &thread : threads) thread.join();
    for (const std::string &one : wrong) CHECK(one == "");
  }
}
