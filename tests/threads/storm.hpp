// A storm: threads that use the whole C ABI at random on objects of their own and on shared ones. See README.md.
#pragma once

#include <gpucompute/gpucompute.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "../capi/scenarios.hpp"

namespace storm {

struct Settings {
  unsigned threads = 8;
  double seconds = 10;
  std::uint64_t seed = 0;
  bool log = true;       // with a log sink that uses the library
  bool compiles = true;  // the device computes whatever kernel it is given
  bool user_events = true;
};
extern Settings settings;

// What is wrong: counted, and the first of it printed.
void wrong(const std::string &what);
std::uint64_t wrongs();

// Random numbers of one thread.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t bits() { return engine_(); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

// What all threads use: made before they start, released after they end.
struct Common {
  gpuc_device *device = nullptr;
  gpuc_context *context = nullptr;
  gpuc_program *program = nullptr;
  gpuc_kernel *fill = nullptr;  // one kernel for all
};
extern Common common;
void make_common();
void release_common();

// The call succeeds, or else it is wrong.
bool good(const char *call, gpuc_status got);
#define GOOD(...) (::storm::good(#__VA_ARGS__, __VA_ARGS__))
// The call succeeds, or the handle was released by another thread meanwhile.
bool good_or_gone(const char *call, gpuc_status got);
#define GOOD_OR_GONE(...) (::storm::good_or_gone(#__VA_ARGS__, __VA_ARGS__))

// Handles that threads put, take, use and release without asking each other (storm_shared.cpp).
void put_shared(Dice &dice, gpuc_queue *queue);
void use_shared(Dice &dice, gpuc_queue *queue);
void release_twice(Dice &dice);
void release_shared();

// Functions that only look.
void look_around(Dice &dice);

// One of the scenarios that the fault sweep uses, from device to result.
void run_scenario(Dice &dice);

// A thread's own objects, whose content it knows (storm_worker.cpp).
class Worker {
 public:
  explicit Worker(unsigned number);
  ~Worker();
  Worker(const Worker &) = delete;
  Worker &operator=(const Worker &) = delete;

  void step();                                         // one random operation
  const char *doing() const { return doing_.load(); }  // for the watchdog
  std::uint64_t steps() const { return steps_.load(); }

  static void print_counts();  // of each operation

 private:
  struct Operation;
  static const std::vector<Operation> &operations();

  void write();
  void read();
  void fill();
  void copy();
  void map();
  void launch();
  void gemm();
  void user_event();
  void markers();
  void program();
  void broken_program();
  void cache();
  void profile();
  void context();
  void host_memory();
  void proque();
  void own_error();
  void memory();
  void finish();

  std::vector<unsigned char> random_bytes(std::size_t size);
  void check(const char *what, const unsigned char *got, std::size_t offset, std::size_t size);

  unsigned number_;
  Dice dice_;
  gpuc_queue *queue_ = nullptr;
  gpuc_buffer *data_ = nullptr;
  std::vector<unsigned char> mirror_;  // what is in data_, once the queue is through
  std::atomic<const char *> doing_{"starting"};
  std::atomic<std::uint64_t> steps_{0};
};

// The sink of the log, which goes back into the library.
void log_sink(void *, gpuc_log_level, const char *message);
std::uint64_t log_messages();

}  // namespace storm
