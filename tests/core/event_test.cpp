// Events: waiting, states, times, failure, file descriptors.
#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

#include "runtime/timeline.hpp"
#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("runtime");

namespace {

std::shared_ptr<Event> fill(Queue &queue, Buffer &buffer, unsigned char value, Waits waits = {}) {
  std::shared_ptr<Event> event;
  buffer.fill(queue, &value, 1, 0, buffer.size(), waits, &event);
  return event;
}

bool readable(int fd, int milliseconds) {
  pollfd one = {fd, POLLIN, 0};
  return ::poll(&one, 1, milliseconds) == 1 && (one.revents & POLLIN);
}

constexpr std::uint64_t patience = 600'000'000'000;  // for what hangs

}  // namespace

TEST_CASE("an event of a command completes") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 4096);
  const auto event = fill(*bench.queue, *buffer, 5);
  CHECK(&event->context() == bench.context.get());
  CHECK(event->timeline() == bench.queue->timeline().get());
  event->wait();
  CHECK(event->state() == EventState::complete);
  CHECK_NOTHROW(event->wait());
  CHECK_NOTHROW(event->wait_for(0));
  CHECK_FAILS(Status::invalid_state, "a fill", event->complete(0));
  const auto second = fill(*bench.queue, *buffer, 6);
  CHECK_NOTHROW(second->wait_for(patience));
  CHECK_NOTHROW(second->wait_for(UINT64_MAX));
  std::vector<std::shared_ptr<Event>> events;
  for (int i = 0; i < 10; ++i) events.push_back(fill(*bench.queue, *buffer, 7));
  wait_all(events.begin(), events.end());
  for (const auto &one : events) CHECK(one->state() == EventState::complete);
}

TEST_CASE("waiting for an event tells its queue's timeline") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 4096);
  auto &timeline = *bench.queue->timeline();
  fill(*bench.queue, *buffer, 5)->wait();
  CHECK(timeline.done(timeline.last()));
  fill(*bench.queue, *buffer, 6)->wait_for(patience);
  CHECK(timeline.done(timeline.last()));
  // Not beyond: a later command is not known to be complete.
  const auto early = fill(*bench.queue, *buffer, 7);
  const std::uint64_t then = timeline.last();
  const auto late = fill(*bench.queue, *buffer, 8);
  early->wait();
  CHECK(timeline.done(then));
  CHECK(!timeline.done(timeline.last()));
  // A queue without an order tells nothing by one event.
  if (!bench.device().info().out_of_order) return;
  const auto unordered = Queue::create(*bench.context, nullptr, Queue::out_of_order);
  const auto other = Buffer::create(*bench.context, 4096);
  fill(*unordered, *other, 5)->wait();
  CHECK(!unordered->timeline()->done(1));
}

TEST_CASE("waiting flushes the queue") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 4096);
  CHECK_NOTHROW(fill(*bench.queue, *buffer, 5)->wait_for(patience));
  const int fd = fill(*bench.queue, *buffer, 5)->create_fd();
  CHECK(readable(fd, 10000));
  close(fd);
}

TEST_CASE("events have times when the queue is profiled and the command complete") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 1 << 20);
  const auto untimed = fill(*bench.queue, *buffer, 1);
  untimed->wait();
  if (quirks_of(bench.device()).checker)
    SKIP_PART("queues always keep times");
  else
    CHECK_FAILS(Status::invalid_state, "GPUC_QUEUE_PROFILING", untimed->times());

  const auto queue = Queue::create(*bench.context, nullptr, Queue::profiling);
  const auto first = fill(*queue, *buffer, 1), second = fill(*queue, *buffer, 2);
  second->wait();
  for (const auto &event : {first, second}) {
    const EventTimes times = event->times();
    CHECK(times.queued_ns <= times.submitted_ns);
    CHECK(times.submitted_ns <= times.started_ns);
    CHECK(times.started_ns <= times.ended_ns);
    CHECK(times.ended_ns - times.queued_ns < patience);
  }
  CHECK(first->times().started_ns <= second->times().started_ns);
  if (quirks_of(bench.device()).no_user_events) {
    SKIP_PART("commands that wait for a user event never complete");
    return;
  }
  const auto gate = Event::create_user(*bench.context);
  const auto blocked = fill(*queue, *buffer, 3, WaitFor(*gate));
  CHECK_FAILS(Status::invalid_state, "not complete", blocked->times());
  gate->complete(0);
  CHECK_FAILS(Status::invalid_state, "user event", gate->times());
  blocked->wait();
  CHECK_NOTHROW(blocked->times());
}

TEST_CASE("user events are completed once") {
  const auto context = Context::create();
  const auto event = Event::create_user(*context);
  CHECK(event->state() == EventState::submitted);
  CHECK(event->timeline() == nullptr);
  CHECK_FAILS(Status::timeout, "a user event", event->wait_for(0));
  CHECK_FAILS(Status::timeout, "1000000 ns", event->wait_for(1'000'000));
  CHECK_FAILS(Status::invalid_argument, "cl_code is 1", event->complete(1));
  CHECK(event->state() == EventState::submitted);
  event->complete(0);
  CHECK(event->state() == EventState::complete);
  CHECK_NOTHROW(event->wait());
  CHECK_NOTHROW(event->wait_for(0));
  CHECK_FAILS(Status::invalid_state, "before", event->complete(0));
  CHECK_FAILS(Status::invalid_state, "before", event->complete(-1));

  const auto failed = Event::create_user(*context);
  failed->complete(-5);
  CHECK(failed->state() == EventState::failed);
  CHECK_FAILS(Status::execution_failed, "a user event failed", failed->wait_for(patience));
  CHECK_FAILS(Status::execution_failed, "a user event failed", failed->wait());
  CHECK_FAILS(Status::invalid_state, "before", failed->complete(0));
}

TEST_CASE("timeouts are kept") {
  const auto context = Context::create();
  const auto event = Event::create_user(*context);
  const auto start = std::chrono::steady_clock::now();
  CHECK_FAILS(Status::timeout, "", event->wait_for(50'000'000));
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(took >= 50ms);
  CHECK(took < 5s);
}

TEST_CASE("a user event releases a command") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const auto buffer = bench.buffer(Bytes(4096, 1));
  const auto gate = Event::create_user(*bench.context);
  const auto filled = fill(*bench.queue, *buffer, 2, WaitFor(*gate));
  bench.queue->flush();
  CHECK_FAILS(Status::timeout, "a fill", filled->wait_for(30'000'000));
  CHECK(filled->state() < EventState::complete);
  const auto elsewhere = Queue::create(*bench.context, nullptr, 0);
  Bytes got(4096);
  buffer->read(*elsewhere, 0, 4096, got.data());
  CHECK(got == Bytes(4096, 1));
  std::thread later([&] {
    std::this_thread::sleep_for(20ms);
    gate->complete(0);
  });
  filled->wait();
  later.join();
  CHECK(bench.read(*buffer) == Bytes(4096, 2));
}

TEST_CASE("a failed event fails what waits for it, and the message says what") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const auto buffer = bench.buffer(Bytes(4096, 1));
  {
    const auto gate = Event::create_user(*bench.context);
    const auto filled = fill(*bench.queue, *buffer, 2, WaitFor(*gate));
    bench.queue->flush();
    gate->complete(-5);
    CHECK_FAILS(Status::execution_failed, "a fill failed", filled->wait());
    CHECK_FAILS(Status::execution_failed, "a fill failed", filled->wait_for(patience));
    CHECK(filled->state() == EventState::failed);
    CHECK_FAILS(Status::invalid_state, "a fill", filled->times());
  }
  {
    const auto kernel = bench.program("kernel void quiet(global int *x) { x[0] = 1; }")->kernel("quiet");
    const auto queue = Queue::create(*bench.context, nullptr, 0);
    const auto gate = Event::create_user(*bench.context);
    std::shared_ptr<Event> ran;
    const Argument arguments[] = {argument(*buffer)};
    kernel->launch(*queue, global_size(1), arguments, 1, WaitFor(*gate), &ran);
    gate->complete(-9999);
    CHECK_FAILS(Status::execution_failed, "kernel 'quiet' failed", ran->wait_for(patience));
  }
  // Of several, all are waited for and the first failure is told.
  const auto queue = Queue::create(*bench.context, nullptr, 0);
  const auto gate = Event::create_user(*bench.context), other = Event::create_user(*bench.context);
  const std::vector<std::shared_ptr<Event>> events = {other, gate, fill(*queue, *buffer, 4)};
  gate->complete(-1);
  std::thread later([&] {
    std::this_thread::sleep_for(20ms);
    other->complete(0);
  });
  CHECK_FAILS(Status::execution_failed, "a user event", wait_all(events.begin(), events.end()));
  CHECK(events[2]->state() == EventState::complete);
  CHECK(other->state() == EventState::complete);
  later.join();
  // The context is as good as before.
  CHECK(Bench{bench.context, queue}.read(*buffer) == Bytes(4096, 4));
}

TEST_CASE("a user event that is dropped lets nothing wait for ever") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const auto buffer = bench.buffer(Bytes(4096, 1));
  auto gate = Event::create_user(*bench.context);
  const auto filled = fill(*bench.queue, *buffer, 2, WaitFor(*gate));
  bench.queue->flush();
  CHECK(filled->state() < EventState::complete);
  gate.reset();
  if (quirks_of(bench.device()).aborts_on_failed_user_event)
    CHECK_NOTHROW(filled->wait_for(patience));
  else
    CHECK_FAILS(Status::execution_failed, "a fill failed", filled->wait_for(patience));
}

TEST_CASE("a cl_event can be wrapped") {
  const Bench bench;
  const auto other = Context::create();
  const auto user = Event::create_user(*bench.context);
  const auto wrapped = Event::wrap(*bench.context, user->native());
  CHECK(wrapped->native() == user->native());
  CHECK_FAILS(Status::timeout, "cl_event", wrapped->wait_for(0));
  CHECK_FAILS(Status::invalid_state, "cl_event", wrapped->complete(0));
  user->complete(0);
  CHECK_NOTHROW(wrapped->wait());
  CHECK_FAILS(Status::context_mismatch, "cl_event", Event::wrap(*other, user->native()));
}

TEST_CASE("a file descriptor becomes readable when the event is over") {
  auto context = Context::create();
  for (cl_int code : {0, -5}) {
    const auto event = Event::create_user(*context);
    const int fd = event->create_fd();
    const int second = event->create_fd();
    REQUIRE(fd >= 0);
    CHECK(fd != second);
    CHECK_FALSE(readable(fd, 30));
    event->complete(code);
    CHECK(readable(fd, 10000));
    CHECK(readable(second, 10000));
    std::uint64_t value = 0;
    CHECK(read(fd, &value, sizeof value) == sizeof value);
    CHECK(value == 1);
    CHECK_FALSE(readable(fd, 0));
    close(fd);
    close(second);
    const int late = event->create_fd();  // over already
    CHECK(readable(late, 10000));
    close(late);
  }
  // The library drops the events soon after, and with them the context.
  const std::weak_ptr<Context> watch = context;
  context.reset();
  for (int i = 0; i < 1000 && !watch.expired(); ++i) std::this_thread::sleep_for(5ms);
  CHECK(watch.expired());
}

TEST_CASE("file descriptors of commands") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const auto buffer = Buffer::create(*bench.context, 4096);
  const auto gate = Event::create_user(*bench.context);
  const auto filled = fill(*bench.queue, *buffer, 2, WaitFor(*gate));
  const int fd = filled->create_fd();
  CHECK_FALSE(readable(fd, 30));
  gate->complete(0);
  CHECK(readable(fd, 10000));
  CHECK(filled->state() == EventState::complete);
  close(fd);
}

TEST_CASE("a file descriptor may be closed, and its event dropped, at any time") {
  const auto context = Context::create();
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  {  // the watcher's thread is there from now on
    const auto event = Event::create_user(*context);
    const int fd = event->create_fd();
    event->complete(0);
    CHECK(readable(fd, 10000));
    close(fd);
  }
  std::this_thread::sleep_for(20ms);
  const auto before = count();
  std::weak_ptr<Event> watch;
  {
    const auto early = Event::create_user(*context), other = Event::create_user(*context);
    close(early->create_fd());
    const int kept = other->create_fd();
    watch = other;
    // A file that now has the number of the closed one must not be written to.
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    early->complete(0);
    other->complete(0);
    CHECK(readable(kept, 10000));
    std::this_thread::sleep_for(20ms);
    CHECK_FALSE(readable(ends[0], 0));
    close(ends[0]);
    close(ends[1]);
    close(kept);
  }
  for (int i = 0; i < 1000 && (count() != before || !watch.expired()); ++i) std::this_thread::sleep_for(5ms);
  CHECK(count() == before);
  CHECK(watch.expired());
}

TEST_CASE("200 file descriptors at once") {
  const auto context = Context::create();
  constexpr int many = 200;
  std::vector<std::shared_ptr<Event>> events;
  std::vector<int> fds;
  for (int i = 0; i < many; ++i) {
    events.push_back(Event::create_user(*context));
    fds.push_back(events.back()->create_fd());
  }
  std::this_thread::sleep_for(10ms);
  int early = 0;
  for (int fd : fds) early += readable(fd, 0);
  CHECK(early == 0);
  for (int i = 0; i < many; i += 2) events[static_cast<std::size_t>(i)]->complete(i % 3 ? 0 : -1);
  int told = 0, untold = 0;
  for (int i = 0; i < many; i += 2) told += readable(fds[static_cast<std::size_t>(i)], 10000);
  for (int i = 1; i < many; i += 2) untold += !readable(fds[static_cast<std::size_t>(i)], 0);
  CHECK(told == many / 2);
  CHECK(untold == many / 2);
  for (int i = 1; i < many; i += 2) events[static_cast<std::size_t>(i)]->complete(0);
  for (int i = 1; i < many; i += 2) told += readable(fds[static_cast<std::size_t>(i)], 10000);
  CHECK(told == many);
  for (int fd : fds) close(fd);
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads runtime");

TEST_CASE("threads wait for one event, and complete it, once") {
  const auto context = Context::create();
  for (int round = 0; round < 20; ++round) {
    const auto event = Event::create_user(*context);
    std::atomic<int> completed{0}, woken{0}, fds{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        event->wait_for(patience);
        woken += event->state() == EventState::complete;
      });
      threads.emplace_back([&] {
        const int fd = event->create_fd();
        fds += readable(fd, 10000);
        close(fd);
      });
      threads.emplace_back([&] {
        try {
          event->complete(0);
          ++completed;
        } catch (const Error &error) {
          if (error.status() != Status::invalid_state) completed += 100;
        }
      });
    }
    for (auto &thread : threads) thread.join();
    CHECK(completed == 1);
    CHECK(woken == 3);
    CHECK(fds == 3);
  }
}

TEST_SUITE_END();
