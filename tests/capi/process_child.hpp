// Programs that end, fork, or find odd devices, each in a process of its own: capi_process_child SHAPE.
// Run by process_test.cpp, and many times over by ../process/run_shapes.py.
// Says what is wrong on standard output, and ends with status 1 then. Nothing may ever come on standard error.
#pragma once

#include "scenarios.hpp"

#include <string>

namespace process_child {

using namespace capi_test;

extern int failures;
void wrong(const std::string &what);
void expect(const char *call, gpuc_status expected, gpuc_status got);
#define EXPECT(status, ...) (poison_record(), expect(#__VA_ARGS__, status, __VA_ARGS__))

// Everything that the shapes leave behind.
struct Objects {
  gpuc_platform *platform = nullptr;
  gpuc_device *device = nullptr;
  gpuc_context *context = nullptr;
  gpuc_queue *queue = nullptr;
  gpuc_buffer *buffer = nullptr;
  gpuc_buffer *large = nullptr;
  gpuc_host_memory *memory = nullptr;
  gpuc_program *program = nullptr;
  gpuc_kernel *kernel = nullptr;
  gpuc_proque *proque = nullptr;
  gpuc_event *event = nullptr;
};
extern Objects o;

constexpr size_t large_size = size_t(4) << 20;
extern unsigned char *large_host;  // lives to the very end
extern const char *const source;

void make_all();
void release_all();
// Of the kernel that takes its time.
void start_kernel(int rounds);
// Every kind of function answers with this status at once, with its out handles nulled.
void expect_everywhere(gpuc_status status);

// Each is one of these, or there is no such shape.
bool exit_shape(const std::string &shape);
bool fork_shape(const std::string &shape);
bool device_shape(const std::string &shape);

}  // namespace process_child
