// Buffers: gpuc_buffer_create + release in the steady state, where the pool serves them, against the driver's
// clCreateBuffer + first touch + clReleaseMemObject.
//
// Drivers allocate when memory is first used, so the peer touches it: the cheapest touch there is, a fill of one byte,
// and a wait for it. The pool's memory has been touched before; that is what a pool is for.
//   unused     create, release
//   used       create, fill one byte, finish, release; only create and release are timed
//   in flight  create, fill one byte, release while the fill may still run: all of it timed, on both sides alike
#include "harness.hpp"

using namespace bench;

namespace {

constexpr unsigned char mark = 0xA5;

class Pool {
 public:
  Pool(Bench &bench, std::size_t size) : bench_(bench), size_(size) {}

  double unused(int count) {
    return seconds_of([&] {
             for (int i = 0; i < count; ++i) gpuc_buffer_release(create());
           }) /
           count;
  }

  double used(int count) {
    double taken = 0;
    for (int i = 0; i < count; ++i) {
      gpuc_buffer *buffer = nullptr;
      taken += seconds_of([&] { buffer = create(); });
      fill(buffer, mark);
      ok(gpuc_queue_finish(bench_.queue.get()), "gpuc_queue_finish");
      taken += seconds_of([&] { gpuc_buffer_release(buffer); });
    }
    return taken / count;
  }

  double in_flight(int count) {
    const double taken = seconds_of([&] {
      for (int i = 0; i < count; ++i) {
        gpuc_buffer *buffer = create();
        fill(buffer, mark);
        gpuc_buffer_release(buffer);
      }
    });
    ok(gpuc_queue_finish(bench_.queue.get()), "gpuc_queue_finish");
    return taken / count;
  }

  double driver(int count, bool wait) {
    const double taken = seconds_of([&] {
      for (int i = 0; i < count; ++i) {
        const ClHandle<cl_mem> buffer = bench_.raw_buffer(size_);
        cl_ok(clEnqueueFillBuffer(bench_.cl_queue.get(), buffer.get(), &mark, 1, 0, 1, 0, nullptr, nullptr),
              "clEnqueueFillBuffer");
        if (wait) cl_ok(clFinish(bench_.cl_queue.get()), "clFinish");
      }
    });
    cl_ok(clFinish(bench_.cl_queue.get()), "clFinish");
    return taken / count;
  }

  // What comes from the pool is writable to its last byte, and buffers that live at once are apart.
  void verify() {
    const std::size_t last = size_ - 1;
    std::vector<Handle<gpuc_buffer>> buffers;
    for (unsigned char i = 0; i < 3; ++i) {
      buffers.emplace_back(create());
      fill(buffers.back().get(), static_cast<unsigned char>(mark + i), 0);
      fill(buffers.back().get(), static_cast<unsigned char>(mark - i), last);
    }
    for (unsigned char i = 0; i < 3; ++i) {
      unsigned char first_byte = 0, last_byte = 0;
      ok(gpuc_buffer_read(buffers[i].get(), bench_.queue.get(), 0, 1, &first_byte), "gpuc_buffer_read");
      ok(gpuc_buffer_read(buffers[i].get(), bench_.queue.get(), last, 1, &last_byte), "gpuc_buffer_read");
      check(first_byte == static_cast<unsigned char>(mark + i) && last_byte == static_cast<unsigned char>(mark - i),
            "a buffer of " + size_text(size_) + " from the pool");
    }
  }

  std::uint64_t statistic(gpuc_memory_number key) const {
    std::uint64_t value = 0;
    ok(gpuc_context_get_memory(bench_.context.get(), key, &value), "gpuc_context_get_memory");
    return value;
  }

 private:
  gpuc_buffer *create() const {
    gpuc_buffer *buffer = nullptr;
    ok(gpuc_buffer_create(bench_.context.get(), size_, 0, &buffer), "gpuc_buffer_create");
    return buffer;
  }
  void fill(gpuc_buffer *buffer, unsigned char value, std::size_t offset = 0) const {
    ok(gpuc_buffer_fill_async(buffer, bench_.queue.get(), &value, 1, offset, 1, nullptr, 0, nullptr),
       "gpuc_buffer_fill_async");
  }

  Bench &bench_;
  const std::size_t size_;
};

void measure(Bench &bench, std::size_t size) {
  const std::string label = size_text(size);
  if (const std::string reason = bench.too_large(size, 64u << 20); !reason.empty()) return bench.skip(label, reason);
  Pool pool(bench, size);
  pool.verify();
  const Options &o = bench.options;
  const int n_unused = repetitions(o, [&](int n) { pool.unused(n); });
  const int n_used = repetitions(o, [&](int n) { pool.used(n); });
  const int n_driver = repetitions(o, [&](int n) { pool.driver(n, true); });
  const std::uint64_t misses = pool.statistic(GPUC_MEMORY_MISSES);
  const json goal = size == (64u << 20) ? target(Goal::at_most, 0.02) : json(nullptr);
  bench.measure(
      label, {{"bytes", size}, {"repetitions", {{"unused", n_unused}, {"used", n_used}, {"driver", n_driver}}}},
      "first and last byte of three living buffers; no creation asked the driver",
      {{"library, unused", [&] { return pool.unused(n_unused); }},
       {"library, used", [&] { return pool.used(n_used); }},
       {"driver", [&] { return pool.driver(n_driver, true); }}},
      {{"unused", "library, unused", "driver",
        "time of create + release over the driver's create + first touch + release", goal},
       {"used", "library, used", "driver",
        "time of create + release of buffers that a fill used, over the driver's create + first touch + release",
        goal}});
  check(pool.statistic(GPUC_MEMORY_MISSES) == misses, "the pool asked the driver for memory in the steady state");

  if (size > (64u << 20)) return bench.skip(label + ", in flight", "many buffers live at once");
  const int n_flight = std::min(64, repetitions(
                                        o, [&](int n) { pool.in_flight(n); }, 64));
  bench.measure(
      label + ", in flight", {{"bytes", size}, {"repetitions", n_flight}}, "as before",
      {{"library", [&] { return pool.in_flight(n_flight); }}, {"driver", [&] { return pool.driver(n_flight, false); }}},
      {{"in flight", "library", "driver",
        "time of create + fill of one byte + release without a wait, library over driver", nullptr}});
  pool.verify();
}

}  // namespace

int main(int argc, char **argv) {
  return run(argc, argv, "pool",
             "Buffers: the library's pool against clCreateBuffer + first touch + clReleaseMemObject", [](Bench &bench) {
               for (const std::size_t size :
                    {std::size_t(4) << 10, std::size_t(1) << 20, std::size_t(64) << 20, std::size_t(1) << 30}) {
                 measure(bench, size);
                 ok(gpuc_context_trim(bench.context.get(), nullptr), "gpuc_context_trim");
               }
             });
}
