// Copies between host and device: pageable memory through the library, against the driver's own copies of pageable
// memory and against the library's copies of pinned memory. Blocking at all sizes, asynchronous (start, flush, wait) at
// one.
//
// The content is random and changes in every page before each sample, outside the time, so that a copy which did not
// happen is noticed. All host pages have been touched before.
#include "harness.hpp"

using namespace bench;

namespace {

constexpr std::size_t page = 4096;

struct Paths {
  Bench &bench;
  std::size_t size;
  std::vector<unsigned char> source, target_;
  Handle<gpuc_host_memory> pinned_handle;
  unsigned char *pinned = nullptr;
  Handle<gpuc_buffer> buffer;
  cl_mem raw = nullptr;  // the same memory for direct calls: where it lies makes a difference
  std::uint64_t turn = 0;
  Random random{7};

  Paths(Bench &b, std::size_t bytes) : bench(b), size(bytes), source(bytes), target_(bytes), buffer(b.buffer(bytes)) {
    pinned_handle = make<gpuc_host_memory>("gpuc_host_memory_create", [&](gpuc_host_memory **out) {
      return gpuc_host_memory_create(bench.context.get(), size, out);
    });
    void *native = nullptr, *pointer = nullptr;
    ok(gpuc_buffer_get_native(buffer.get(), &native, nullptr), "gpuc_buffer_get_native");
    raw = static_cast<cl_mem>(native);
    ok(gpuc_host_memory_get(pinned_handle.get(), &pointer, nullptr), "gpuc_host_memory_get");
    pinned = static_cast<unsigned char *>(pointer);
    Random(size).fill(source.data(), size);
  }

  // One word of every page becomes another.
  void freshen(unsigned char *data) {
    turn += 0x9E3779B97F4A7C15u;
    for (std::size_t at = 0; at + 8 <= size; at += page)
      std::memcpy(data + at + (turn >> 32) % (page / 8) * 8, &turn, 8);
  }

  void write(const void *host) {
    ok(gpuc_buffer_write(buffer.get(), bench.queue.get(), 0, size, host), "gpuc_buffer_write");
  }
  void read(void *host) { ok(gpuc_buffer_read(buffer.get(), bench.queue.get(), 0, size, host), "gpuc_buffer_read"); }
  void raw_write(const void *host) {
    cl_ok(clEnqueueWriteBuffer(bench.cl_queue.get(), raw, CL_TRUE, 0, size, host, 0, nullptr, nullptr),
          "clEnqueueWriteBuffer");
  }
  void raw_read(void *host) {
    cl_ok(clEnqueueReadBuffer(bench.cl_queue.get(), raw, CL_TRUE, 0, size, host, 0, nullptr, nullptr),
          "clEnqueueReadBuffer");
  }

  void write_async(const void *host) {
    gpuc_event *event = nullptr;
    ok(gpuc_buffer_write_async(buffer.get(), bench.queue.get(), 0, size, host, nullptr, 0, &event),
       "gpuc_buffer_write_async");
    const Handle<gpuc_event> owned(event);
    ok(gpuc_event_wait(event), "gpuc_event_wait");
  }
  void read_async(void *host) {
    gpuc_event *event = nullptr;
    ok(gpuc_buffer_read_async(buffer.get(), bench.queue.get(), 0, size, host, nullptr, 0, &event),
       "gpuc_buffer_read_async");
    const Handle<gpuc_event> owned(event);
    ok(gpuc_event_wait(event), "gpuc_event_wait");
  }
  void raw_wait(cl_event event) {
    const ClHandle<cl_event> owned(event);
    cl_ok(clFlush(bench.cl_queue.get()), "clFlush");
    cl_ok(clWaitForEvents(1, &event), "clWaitForEvents");
  }
  void raw_write_async(const void *host) {
    cl_event event = nullptr;
    cl_ok(clEnqueueWriteBuffer(bench.cl_queue.get(), raw, CL_FALSE, 0, size, host, 0, nullptr, &event),
          "clEnqueueWriteBuffer");
    raw_wait(event);
  }
  void raw_read_async(void *host) {
    cl_event event = nullptr;
    cl_ok(clEnqueueReadBuffer(bench.cl_queue.get(), raw, CL_FALSE, 0, size, host, 0, nullptr, &event),
          "clEnqueueReadBuffer");
    raw_wait(event);
  }

  void expect(const unsigned char *got, const std::string &what) {
    check(std::memcmp(got, source.data(), size) == 0, what + " of " + size_text(size));
  }

  // Every way in is read back by another way out.
  void verify() {
    freshen(source.data());
    write(source.data());
    read(pinned);
    expect(pinned, "a pageable write and a pinned read");
    freshen(source.data());
    std::memcpy(pinned, source.data(), size);
    write(pinned);
    read(target_.data());
    expect(target_.data(), "a pinned write and a pageable read");
    raw_write(source.data());
    freshen(target_.data());
    raw_read(target_.data());
    expect(target_.data(), "the driver's write and read");
  }

  // One page of what a timed copy moved; not timed.
  void spot_check_write(const unsigned char *host) {
    const std::size_t length = std::min(size, page), at = spot(length);
    unsigned char got[page];
    cl_ok(clEnqueueReadBuffer(bench.cl_queue.get(), raw, CL_TRUE, at, length, got, 0, nullptr, nullptr),
          "clEnqueueReadBuffer");
    check(std::memcmp(got, host + at, length) == 0, "a timed write of " + size_text(size));
  }
  void spot_check_read(const unsigned char *host) {
    const std::size_t length = std::min(size, page), at = spot(length);
    check(std::memcmp(source.data() + at, host + at, length) == 0, "a timed read of " + size_text(size));
  }
  std::size_t spot(std::size_t length) { return random.next() % (size / length) * length; }
};

std::vector<Comparison> comparisons(std::size_t size, bool blocking) {
  // Equal means within what a clock and a machine at work can tell apart.
  return {{"against the driver", "driver", "library", "speed of pageable copies, library over driver",
           blocking ? target(Goal::at_least, 1, 0.03) : json(nullptr)},
          {"against pinned", "pinned", "library", "speed of the library's copies, pageable over pinned",
           blocking && size == (1u << 30) ? target(Goal::at_least, 0.85) : json(nullptr)}};
}

void measure(Bench &bench, std::size_t size, bool blocking) {
  const std::string label = size_text(size) + (blocking ? "" : ", asynchronous");
  if (const std::string reason = bench.too_large(size, 16u << 20); !reason.empty()) return bench.skip(label, reason);
  Paths p(bench, size);
  p.verify();
  const auto side = [&](const char *name, unsigned char *host, bool is_write, std::function<void()> copy) {
    const int count = repetitions(bench.options, [&](int n) {
      for (int i = 0; i < n; ++i) copy();
    });
    return Side{name, [&p, host, copy, count, is_write] {
                  p.freshen(host);
                  const double taken = seconds_of([&] {
                    for (int i = 0; i < count; ++i) copy();
                  });
                  is_write ? p.spot_check_write(host) : p.spot_check_read(host);
                  return taken / count;
                }};
  };
  const auto parameters = [&](const char *direction) {
    return json{{"bytes", size}, {"direction", direction}, {"blocking", blocking}};
  };
  const char *checked =
      "the whole content before and after, each way in read back by another way out; one page after each timed copy";
  unsigned char *from = p.source.data(), *to = p.target_.data();
  bench.measure("write " + label, parameters("write"), checked,
                {side("library", from, true, [&] { blocking ? p.write(from) : p.write_async(from); }),
                 side("driver", from, true, [&] { blocking ? p.raw_write(from) : p.raw_write_async(from); }),
                 side("pinned", p.pinned, true, [&] { blocking ? p.write(p.pinned) : p.write_async(p.pinned); })},
                comparisons(size, blocking));
  p.verify();
  p.write(from);
  bench.measure("read " + label, parameters("read"), checked,
                {side("library", to, false, [&] { blocking ? p.read(to) : p.read_async(to); }),
                 side("driver", to, false, [&] { blocking ? p.raw_read(to) : p.raw_read_async(to); }),
                 side("pinned", p.pinned, false, [&] { blocking ? p.read(p.pinned) : p.read_async(p.pinned); })},
                comparisons(size, blocking));
  p.expect(p.pinned, "the timed pinned reads");
  p.expect(to, "the timed pageable reads");
}

}  // namespace

int main(int argc, char **argv) {
  return run(argc, argv, "transfer",
             "Copies of pageable memory: the library against the driver and against pinned memory", [](Bench &bench) {
               for (std::size_t size = std::size_t(4) << 10; size <= std::size_t(1) << 30; size *= 4)
                 measure(bench, size, true);
               measure(bench, (bench.options.quick ? std::size_t(4) : std::size_t(256)) << 20, false);
             });
}
