// Profiles: what is recorded of which command, by which clock; what becomes of commands that fail or never end.
#include <gpucompute/gemm.hpp>
#include <gpucompute/profile.hpp>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>

#include "profile/device_clock.hpp"
#include "profile/recorder.hpp"
#include "support/apart.hpp"
#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("profile");

namespace {

constexpr std::uint64_t patience = 600'000'000'000;  // for what hangs

const char *const source =
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n"
    "kernel void twice(global int *x) { x[get_global_id(0)] *= 2; }\n";

const ProfileRow *row_of(const Profile &profile, Operation operation, const std::string &name = "") {
  for (const ProfileRow &row : profile.rows())
    if (row.operation == operation && (name.empty() || row.name == name)) return &row;
  return nullptr;
}

// One of everything on a queue of its own.
struct Work1 {
  static constexpr std::size_t size = 4096;
  std::shared_ptr<Context> context = Context::create();
  std::shared_ptr<Queue> queue;
  std::shared_ptr<Buffer> a = Buffer::create(*context, size), b = Buffer::create(*context, size);

  explicit Work1(std::uint32_t flags = 0) : queue(Queue::create(*context, nullptr, flags)) {}

  void do_all() {
    Bytes host(size, 7);
    const unsigned char one = 1;
    ProgramDescription description;
    description.sources.push_back({"source", source});
    const auto program = Program::create(*context, description);
    a->write(*queue, 0, size, host.data());
    a->write_async(*queue, 0, size, host.data(), {}, nullptr);
    a->copy_to(*b, *queue, 0, 0, size, {}, nullptr);
    b->fill(*queue, &one, 1, 0, size / 2, {}, nullptr);
    const Argument arguments[] = {argument(*a), argument(std::int32_t(5))};
    const auto kernel = program->kernel("fill_value");
    for (int i = 0; i < 3; ++i) kernel->launch(*queue, global_size(size / 4), arguments, 2);
    void *mapped = b->map(*queue, Buffer::map_read, 0, size, true, {}, nullptr);
    b->unmap(*queue, mapped, {}, nullptr);
    queue->barrier({}, nullptr);
    a->read(*queue, 0, size, host.data());
    b->read_async(*queue, 0, size, host.data(), {}, nullptr);
    queue->finish();
  }
};

}  // namespace

TEST_CASE("a clock's offset is found between the readings of the other") {
  ClockOffset offset;
  CHECK_FALSE(offset.known());
  offset.observe(1000, 2000, 100);
  CHECK(offset.known());
  CHECK(offset.to_host(100) == 1500);
  offset.observe(1900, 2900, 1100);  // 800 to 1800; 900 to 1900 before
  CHECK(offset.to_host(0) == 1350);
  CHECK(offset.uncertainty_ns() == 450);
  offset.observe(10'000'000'000, 10'000'000'100, 9'000'000'000);  // contradicts: it counts alone
  CHECK(offset.to_host(9'000'000'000) == 10'000'000'050);
  offset.observe(200, 100, 0);  // no interval
  CHECK(offset.to_host(9'000'000'000) == 10'000'000'050);

  // Far ahead of the host's, and near the end of what 64 bits hold.
  Dice dice(1);
  for (const std::uint64_t start : {std::uint64_t(0), std::uint64_t(1) << 62, UINT64_MAX - 5'000'000'000}) {
    ClockOffset far;
    std::uint64_t host = 1'000'000'000'000, true_offset = host - start;
    for (int i = 0; i < 1000; ++i) {
      host += dice.between(1, 1'000'000);
      const std::uint64_t before = host - dice.between(0, 5000), after = host + dice.between(0, 5000);
      far.observe(before, after, host - true_offset);
      const std::uint64_t told = far.to_host(host - true_offset);
      CHECK(told >= before);
      CHECK(told <= after);
    }
    CHECK(far.uncertainty_ns() <= 5000);
  }
  // A device's clock that runs 50 ppm fast is followed.
  ClockOffset drifting;
  for (std::uint64_t t = 0; t < 2000; ++t) {
    const std::uint64_t host = 1'000'000'000 + t * 10'000'000, device = host + (host / 20000);
    drifting.observe(host - 1000, host + 1000, device);
    const std::uint64_t told = drifting.to_host(device);
    CHECK(told + 3000 >= host);
    CHECK(told <= host + 3000);
  }
}

TEST_CASE("every command has a record with the times of its device") {
  const std::uint64_t begin = host_now_ns();
  const auto profile = Profile::start();
  Work1 work;
  CHECK(work.queue->flags() == 0);
  work.do_all();
  profile->stop(patience);
  const std::uint64_t end = host_now_ns();

  struct Expected {
    Operation operation;
    std::string name;
    std::uint64_t count, bytes;
  };
  const std::uint64_t size = Work1::size;
  for (const Expected &expected :
       {Expected{Operation::kernel, "fill_value", 3, 0}, Expected{Operation::write, "write", 2, 2 * size},
        Expected{Operation::read, "read", 2, 2 * size}, Expected{Operation::copy, "copy", 1, size},
        Expected{Operation::fill, "fill", 1, size / 2}, Expected{Operation::map, "map", 1, size},
        Expected{Operation::unmap, "unmap", 1, 0}}) {
    const ProfileRow *row = row_of(*profile, expected.operation, expected.name);
    CAPTURE(expected.name);
    REQUIRE(row);
    CHECK(row->count == expected.count);
    CHECK(row->bytes == expected.bytes);
    CHECK(row->failed == 0);
    CHECK(row->device == work.queue->device().info().name);
    CHECK(row->timed == expected.count);
    CHECK(row->clock == ProfileClock::device);
    CHECK(row->min_ns <= row->max_ns);
    CHECK(row->total_ns >= row->max_ns);
    CHECK(row->total_ns <= row->max_ns * row->count);
    CHECK(row->host_ns > 0);
  }
  CHECK(row_of(*profile, Operation::marker) == nullptr);
  CHECK(row_of(*profile, Operation::barrier) == nullptr);
  const ProfileRow *build = row_of(*profile, Operation::build);
  REQUIRE(build);
  CHECK(build->clock == ProfileClock::host);
  CHECK(contains(build->name, "fill_value, twice"));
  CHECK(build->bytes == std::string(source).size());
  CHECK(profile->unfinished() == 0);
  CHECK(profile->dropped() == 0);
  CHECK(profile->duration_ns() <= end - begin);

  std::uint64_t id = 0, last_end = 0;
  for (const ProfileRecord &record : profile->records()) {
    CAPTURE(record.name);
    CHECK(record.id > id);
    id = record.id;
    CHECK(record.thread > 0);
    CHECK(record.call_begin_ns >= begin);
    CHECK(record.call_end_ns >= record.call_begin_ns);
    CHECK(record.call_end_ns <= end);
    if (record.clock == ProfileClock::none) continue;
    CHECK(record.begin_ns >= record.call_begin_ns);
    CHECK(record.end_ns - record.begin_ns == record.duration_ns);
    CHECK(record.end_ns <= end);
    last_end = std::max(last_end, record.end_ns);
    if (record.operation == Operation::kernel) {
      CHECK(record.dims == 1);
      CHECK(record.global[0] == size / 4);
    }
  }
  const std::string report = profile->report();
  for (const char *word : {"operation", "kernel", "fill_value", "GB/s", "device", "us on devices in"})
    CHECK_MESSAGE(contains(report, word), report);
  CHECK_FALSE(profiling());
  ran();
}

TEST_CASE("a queue made before has the times of blocking calls alone") {
  Work1 work;
  if (quirks_of(work.queue->device()).checker) SKIP_TEST("queues always keep times");
  const auto profile = Profile::start();
  work.do_all();
  profile->stop(patience);
  const ProfileRow *kernel = row_of(*profile, Operation::kernel), *write = row_of(*profile, Operation::write);
  REQUIRE(kernel);
  REQUIRE(write);
  CHECK(kernel->count == 3);
  CHECK(kernel->timed == 0);
  CHECK(kernel->clock == ProfileClock::none);
  CHECK(write->count == 2);
  CHECK(write->timed == 1);
  CHECK(write->timed_bytes == Work1::size);
  CHECK(write->clock == ProfileClock::host);
  CHECK(contains(profile->report(), "without times"));
}

TEST_CASE("a profile ends once, and tells nothing before") {
  const auto profile = Profile::start();
  CHECK_FAILS(Status::invalid_state, "still running", profile->rows());
  CHECK_FAILS(Status::invalid_state, "still running", profile->report());
  CHECK_FAILS(Status::invalid_state, "still running", profile->write_trace("/nonexistent"));
  profile->stop(0);
  CHECK_FAILS(Status::invalid_state, "stopped before", profile->stop(0));
  CHECK(profile->rows().empty());
  CHECK(profile->records().empty());
  CHECK(contains(profile->report(), "0.00 us on devices"));
  CHECK_FAILS(Status::file, "/nonexistent/trace.json", profile->write_trace("/nonexistent/trace.json"));
}

TEST_CASE("profiles overlap, and each has what was put on queues in its time") {
  const auto outer = Profile::start();
  Work1 work;
  const unsigned char one = 1;
  const auto fill = [&] { work.a->fill(*work.queue, &one, 1, 0, 16, {}, nullptr); };
  fill();
  {
    const auto inner = Profile::start();
    fill();
    fill();
    inner->stop(patience);
    CHECK(row_of(*inner, Operation::fill)->count == 2);
    const auto forgotten = Profile::start();
    fill();
  }
  CHECK(profiling());
  fill();
  outer->stop(patience);
  CHECK_FALSE(profiling());
  fill();
  work.queue->finish();
  CHECK(row_of(*outer, Operation::fill)->count == 5);
}

TEST_CASE("records past the room for them are counted") {
  const auto profile = Profile::start(2);
  Work1 work;
  work.do_all();
  profile->stop(patience);
  CHECK(profile->records().size() == 2);
  CHECK(profile->dropped() > 5);
  CHECK(row_of(*profile, Operation::kernel)->count == 3);
  CHECK(contains(profile->report(), "found no room"));
}

TEST_CASE("commands that never end do not hold up a profile") {
  const auto profile = Profile::start();
  Work1 work;
  SKIP_WITHOUT_USER_EVENTS(work.queue->device());
  const auto gate = Event::create_user(*work.context);
  const unsigned char one = 1;
  work.a->fill(*work.queue, &one, 1, 0, 16, WaitFor(*gate), nullptr);
  work.queue->flush();
  profile->stop(1'000'000);
  CHECK(profile->unfinished() == 1);
  CHECK(row_of(*profile, Operation::fill) == nullptr);
  CHECK(contains(profile->report(), "1 commands were not complete"));
  gate->complete(0);
  work.queue->finish();
}

TEST_CASE("products are recorded with type, shape and backend") {
  const auto profile = Profile::start();
  const auto context = Context::create();
  const auto queue = Queue::create(*context, nullptr, 0);
  const auto a = Buffer::create(*context, 4096), b = Buffer::create(*context, 4096), c = Buffer::create(*context, 4096);
  GemmProblem problem;
  problem.m = 8;
  problem.n = 4;
  problem.k = 16;
  problem.transpose_b = Transpose::trans;
  problem.backend = "reference";
  gemm(*queue, problem, a.get(), b.get(), *c);
  problem.layout = Layout::column_major;
  problem.batch_count = 2;
  problem.a_stride = problem.b_stride = problem.c_stride = 128;
  gemm(*queue, problem, a.get(), b.get(), *c);
  profile->stop(patience);
  const ProfileRow *first = row_of(*profile, Operation::gemm, "gemm f32 8x4x16 nt reference");
  REQUIRE(first);
  CHECK(first->count == 1);
  CHECK(first->timed == 1);
  CHECK(row_of(*profile, Operation::gemm, "gemm f32 4x8x16 tn batch 2 reference"));
  // The call itself, around the launch.
  std::size_t spans = 0;
  for (const ProfileRecord &record : profile->records()) spans += record.operation == Operation::gemm && !record.queue;
  CHECK(spans == 2);
}

TEST_CASE("a build that fails has a record") {
  const CompilerLeaks compiler_leaks;
  const auto profile = Profile::start();
  const auto context = Context::create();
  ProgramDescription description;
  description.sources.push_back({"source", "kernel void broken(global int *x) { SYNTAX_ERROR }"});
  CHECK_FAILS(Status::build_failed, "does not build", Program::create(*context, description));
  profile->stop(0);
  const ProfileRow *row = row_of(*profile, Operation::build);
  REQUIRE(row);
  CHECK(row->failed == 1);
  CHECK(contains(profile->report(), "(1 failed)"));
}

TEST_CASE("staged copies are timed by the host") {
  const Environment force("GPUC_TRANSFER", "force");
  const auto context = Context::create();
  const auto queue = Queue::create(*context, nullptr, 0);
  SKIP_WITHOUT_USER_EVENTS(queue->device());
  const std::size_t size = std::size_t(3) << 20;
  if (context->max_allocation() < size) return;
  const auto buffer = Buffer::create(*context, size);
  Bytes host(size, 3);
  const auto profile = Profile::start();
  buffer->write(*queue, 0, size, host.data());
  buffer->write_async(*queue, 0, size, host.data(), {}, nullptr);
  buffer->read(*queue, 0, size, host.data());
  std::shared_ptr<Event> event;
  buffer->read_async(*queue, 0, size, host.data(), {}, &event);
  event->wait();
  queue->finish();
  profile->stop(patience);
  for (const char *name : {"write (staged)", "read (staged)"}) {
    const ProfileRow *row = row_of(*profile, name[0] == 'w' ? Operation::write : Operation::read, name);
    REQUIRE(row);
    CHECK(row->count == 2);
    CHECK(row->timed == 2);
    CHECK(row->clock == ProfileClock::host);
    CHECK(row->bytes == 2 * size);
    CHECK(row->min_ns > 0);
  }
  CHECK(profile->unfinished() == 0);
}

TEST_CASE("boxes count the bytes that move") {
  const auto profile = Profile::start();
  Work1 work;
  Bytes host(Work1::size, 1);
  Rect rect{};
  rect.region[0] = 16;
  rect.region[1] = 4;
  rect.region[2] = 2;
  rect.source_row_pitch = rect.destination_row_pitch = 32;
  rect.source_slice_pitch = rect.destination_slice_pitch = 256;
  work.a->write_rect(*work.queue, rect, host.data(), true, {}, nullptr);
  work.a->copy_rect_to(*work.b, *work.queue, rect, {}, nullptr);
  work.b->read_rect(*work.queue, rect, host.data(), true, {}, nullptr);
  profile->stop(patience);
  for (const Operation operation : {Operation::write, Operation::copy, Operation::read}) {
    const ProfileRow *row = row_of(*profile, operation);
    REQUIRE(row);
    CHECK(row->count == 1);
    CHECK(row->bytes == 16 * 4 * 2);
  }
}

// Run apart, on the fake device.
TEST_CASE("times that are none" * doctest::skip()) {
  const auto profile = Profile::start();
  Work1 work;
  work.do_all();
  profile->stop(patience);
  CHECK(profile->unfinished() == 0);
  const ProfileRow *kernel = row_of(*profile, Operation::kernel), *read = row_of(*profile, Operation::read);
  REQUIRE(kernel);
  REQUIRE(read);
  CHECK(kernel->count == 3);
  CHECK(kernel->timed == 0);
  CHECK(kernel->clock == ProfileClock::none);
  CHECK(read->count == 2);
  CHECK(read->timed == 1);  // the one that blocked
  CHECK(read->clock == ProfileClock::host);
  ran();
}

TEST_CASE("commands that fail" * doctest::skip()) {
  const auto profile = Profile::start();
  Work1 work;
  const unsigned char one = 1;
  for (int i = 0; i < 4; ++i) work.a->fill(*work.queue, &one, 1, 0, 16, {}, nullptr);
  profile->stop(patience);
  const ProfileRow *fill = row_of(*profile, Operation::fill);
  REQUIRE(fill);
  CHECK(fill->count == 4);
  CHECK(fill->failed == 1);
  CHECK(fill->timed == 3);
  std::size_t failed = 0;
  for (const ProfileRecord &record : profile->records()) failed += record.code == -5;
  CHECK(failed == 1);
  ran();
}

TEST_CASE("calls that fail" * doctest::skip()) {
  const auto profile = Profile::start();
  Work1 work;
  const unsigned char one = 1;
  const auto fill = [&] { work.a->fill(*work.queue, &one, 1, 0, 16, {}, nullptr); };
  CHECK_FAILS(Status::out_of_device_memory, "clEnqueueFillBuffer", fill());
  fill();
  profile->stop(patience);
  CHECK(row_of(*profile, Operation::fill)->failed == 1);
  CHECK(row_of(*profile, Operation::fill)->count == 2);
  ran();
}

TEST_CASE("too many commands at once" * doctest::skip()) {
  const auto profile = Profile::start();
  Work1 work;
  const auto gate = Event::create_user(*work.context);
  const unsigned char one = 1;
  work.a->fill(*work.queue, &one, 1, 0, 16, WaitFor(*gate), nullptr);
  constexpr std::uint64_t count = 16384 + 100;
  for (std::uint64_t i = 0; i < count; ++i) work.a->fill(*work.queue, &one, 1, 0, 16, {}, nullptr);
  // The oldest went without times.
  gate->complete(0);
  profile->stop(patience);
  const ProfileRow *fill = row_of(*profile, Operation::fill);
  CHECK(fill->count == count + 1);
  CHECK(fill->timed == 16384);
  CHECK(profile->unfinished() == 0);
  ran();
}

TEST_CASE("odd devices and faults") {
  check_apart("times that are none", fake("ticks0"));
  check_apart("times that are none", with_faults("clGetEventProfilingInfo:1+:-7"));
  check_apart("commands that fail", with_faults("event:2:-5"));
  check_apart("calls that fail", with_faults("clEnqueueFillBuffer:1:-5"));
  check_apart("too many commands at once", fake(""));
  // Devices without the timer of OpenCL 2.1, whose timer fails, and whose timer is another clock (the fake's own).
  check_apart("every command has a record with the times of its device", fake("cl12"));
  check_apart("every command has a record with the times of its device", with_faults("clGetDeviceAndHostTimer:1+:-59"));
  check_apart("every command has a record with the times of its device", fake(""));
  // The driver has no queues with times, and says so when asked for one.
  check_apart("a queue without times after all", with_faults("clCreateCommandQueue:1:-35"));
}

TEST_CASE("a queue without times after all" * doctest::skip()) {
  const auto profile = Profile::start();
  Work1 work;
  work.do_all();
  profile->stop(patience);
  CHECK(row_of(*profile, Operation::kernel)->timed == 0);
  ran();
}

TEST_SUITE_END();

TEST_CASE("profiles start and stop while threads work" * doctest::test_suite("profile threads")) {
  const Bench bench;
  const auto program = bench.program(source);
  const auto kernel = program->kernel("twice");
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      while (!stop) {
        const auto queue = Queue::create(*bench.context, nullptr, 0);
        const auto buffer = Buffer::create(*bench.context, 256);
        const Argument arguments[] = {argument(*buffer)};
        const unsigned char zero = 0;
        buffer->fill(*queue, &zero, 1, 0, 256, {}, nullptr);
        for (int i = 0; i < 20; ++i) kernel->launch(*queue, global_size(64), arguments, 1);
        queue->finish();
      }
    });
  std::uint64_t launches = 0;
  for (int i = 0; i < 20; ++i) {
    const auto profile = Profile::start(100);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    profile->stop(patience);
    CHECK(profile->unfinished() == 0);
    for (const ProfileRow &row : profile->rows()) {
      CHECK(row.timed <= row.count);
      if (row.operation == Operation::kernel) launches += row.count;
    }
  }
  stop = true;
  for (std::thread &thread : threads) thread.join();
  CHECK(launches > 0);
}
