// Queues, and the record of what is known to be complete on them.
#include <doctest/doctest.h>

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

cl_command_queue_properties properties_of(cl_command_queue queue) {
  cl_command_queue_properties properties = 0;
  REQUIRE(clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, nullptr) == CL_SUCCESS);
  return properties;
}

void fill(const Bench &bench, Buffer &buffer, unsigned char value, Waits waits = {}) {
  buffer.fill(*bench.queue, &value, 1, 0, buffer.size(), waits, nullptr);
}

}  // namespace

TEST_CASE("queues are in order unless asked otherwise") {
  const Bench bench;
  CHECK(bench.queue->in_order());
  CHECK(bench.queue->flags() == 0);
  CHECK(&bench.queue->context() == bench.context.get());
  CHECK(&bench.queue->device() == bench.context->devices().front().get());
  CHECK(properties_of(bench.queue->native()) == 0);

  const auto timed = Queue::create(*bench.context, &bench.device(), Queue::profiling);
  CHECK(timed->in_order());
  CHECK(properties_of(timed->native()) == CL_QUEUE_PROFILING_ENABLE);
  if (bench.device().info().out_of_order) {
    const auto free = Queue::create(*bench.context, nullptr, Queue::out_of_order | Queue::profiling);
    CHECK_FALSE(free->in_order());
    CHECK(properties_of(free->native()) == (CL_QUEUE_PROFILING_ENABLE | CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE));
  } else {
    CHECK_FAILS(Status::unsupported, "out-of-order", Queue::create(*bench.context, nullptr, Queue::out_of_order));
  }
  CHECK_FAILS(Status::invalid_argument, "flags is 4", Queue::create(*bench.context, nullptr, 4));
  CHECK_FAILS(Status::invalid_argument, "flags is", Queue::create(*bench.context, nullptr, 0x80000001u));
}

TEST_CASE("a cl_command_queue can be wrapped") {
  const Bench bench;
  const auto other = Context::create();
  const auto original = Queue::create(*bench.context, nullptr, Queue::profiling);
  const auto wrapped = Queue::wrap(*bench.context, original->native());
  CHECK(wrapped->native() == original->native());
  CHECK(wrapped->flags() == Queue::profiling);
  CHECK(&wrapped->device() == &original->device());
  CHECK_FAILS(Status::context_mismatch, "cl_command_queue", Queue::wrap(*other, original->native()));
  const auto buffer = Buffer::create(*bench.context, 16);
  const unsigned char value = 9;
  buffer->fill(*wrapped, &value, 1, 0, 16, {}, nullptr);
  wrapped->finish();
  CHECK(bench.read(*buffer) == Bytes(16, 9));
}

TEST_CASE("commands of an in-order queue run in order") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 4096), copy = Buffer::create(*bench.context, 4096);
  for (int i = 0; i < 50; ++i) {
    fill(bench, *buffer, static_cast<unsigned char>(i));
    buffer->copy_to(*copy, *bench.queue, 0, 0, 4096, {}, nullptr);
    fill(bench, *buffer, 0xEE);
    if (i % 10) continue;
    bench.queue->flush();
    CHECK(bench.read(*copy) == Bytes(4096, static_cast<unsigned char>(i)));
  }
}

TEST_CASE("events order the commands of an out-of-order queue, and barriers do") {
  const Bench bench;
  if (!bench.device().info().out_of_order) SKIP_TEST("no out-of-order queues");
  const auto queue = Queue::create(*bench.context, nullptr, Queue::out_of_order);
  const auto buffer = Buffer::create(*bench.context, 1 << 16), copy = Buffer::create(*bench.context, 1 << 16);
  for (int i = 0; i < 20; ++i) {
    const auto value = static_cast<unsigned char>(i);
    Bytes got(1 << 16, 0xEE);
    std::shared_ptr<Event> filled, copied, read;
    buffer->fill(*queue, &value, 1, 0, buffer->size(), {}, &filled);
    if (i % 2) {
      buffer->copy_to(*copy, *queue, 0, 0, buffer->size(), WaitFor(*filled), &copied);
    } else {
      queue->barrier({}, nullptr);
      buffer->copy_to(*copy, *queue, 0, 0, buffer->size(), {}, &copied);
    }
    copy->read_async(*queue, 0, got.size(), got.data(), WaitFor(*copied), &read);
    read->wait();
    CHECK(std::count(got.begin(), got.end(), value) == 1 << 16);
  }
}

TEST_CASE("markers and barriers wait for events of another queue") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  const auto other = Queue::create(*bench.context, nullptr, 0);
  const auto gate = Event::create_user(*bench.context);
  for (bool barrier : {false, true}) {
    const auto one = Event::create_user(*bench.context);
    std::shared_ptr<Event> marker;
    if (barrier)
      other->barrier(WaitFor(*one), &marker);
    else
      other->marker(WaitFor(*one), &marker);
    other->flush();
    CHECK_FAILS(Status::timeout, barrier ? "a barrier" : "a marker", marker->wait_for(20'000'000));
    one->complete(0);
    marker->wait();
    CHECK(marker->state() == EventState::complete);
  }
}

TEST_CASE("finish moves the timeline") {
  const Bench bench;
  const auto &timeline = *bench.queue->timeline();
  const std::uint64_t start = timeline.last();
  const auto buffer = Buffer::create(*bench.context, 1024);
  CHECK(timeline.done(start));
  for (int i = 0; i < 5; ++i) fill(bench, *buffer, 1);
  CHECK(timeline.last() == start + 5);
  bench.queue->finish();
  CHECK(timeline.done(start + 5));
  CHECK_FALSE(timeline.done(start + 6));
  // A blocking read covers what was before it.
  fill(bench, *buffer, 2);
  CHECK(bench.read(*buffer) == Bytes(1024, 2));
  CHECK(timeline.done(start + 6));
}

TEST_CASE("polling moves the timeline") {
  const Bench bench;
  auto &timeline = *bench.queue->timeline();
  const auto buffer = Buffer::create(*bench.context, 1024);
  for (int i = 0; i < 3; ++i) fill(bench, *buffer, 1);
  const std::uint64_t last = timeline.last();
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!timeline.poll(last) && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  CHECK(timeline.done(last));
  fill(bench, *buffer, 1);
  CHECK(timeline.wait(timeline.last(), 10s));
  timeline.completed(1);  // never moves back
  CHECK(timeline.done(last + 1));
}

TEST_CASE("the timeline stands still while a command is blocked") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  auto &timeline = *bench.queue->timeline();
  const auto buffer = Buffer::create(*bench.context, 1024);
  fill(bench, *buffer, 1);
  bench.queue->finish();
  const std::uint64_t before = timeline.last();
  const auto gate = Event::create_user(*bench.context);
  fill(bench, *buffer, 2, WaitFor(*gate));
  fill(bench, *buffer, 3);
  const std::uint64_t blocked = timeline.last();
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(timeline.poll(blocked));
    CHECK_FALSE(timeline.poll(before + 1));
    CHECK(timeline.poll(before));
  }
  CHECK_FALSE(timeline.wait(blocked, 20ms));
  CHECK(timeline.last() == blocked);  // markers are not commands
  fill(bench, *buffer, 4);
  CHECK_FALSE(timeline.poll(timeline.last()));
  gate->complete(0);
  CHECK(timeline.wait(timeline.last(), 10s));
  CHECK(timeline.done(blocked));
  CHECK(bench.read(*buffer) == Bytes(1024, 4));
}

TEST_CASE("a failed command is over, too") {
  const Bench bench;
  SKIP_WITHOUT_USER_EVENTS(bench.device());
  auto &timeline = *bench.queue->timeline();
  const auto buffer = Buffer::create(*bench.context, 1024);
  const auto gate = Event::create_user(*bench.context);
  fill(bench, *buffer, 2, WaitFor(*gate));
  CHECK_FALSE(timeline.poll(timeline.last()));
  gate->complete(-5);
  CHECK(timeline.wait(timeline.last(), 10s));
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads runtime");

TEST_CASE("threads share a queue and its timeline") {
  const Bench bench;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([t, &bench, &wrong] {
      const auto buffer = Buffer::create(*bench.context, 256);
      for (int i = 0; i < 60; ++i) {
        const auto value = static_cast<unsigned char>(t * 40 + i);
        fill(bench, *buffer, value);
        const std::uint64_t mine = bench.queue->timeline()->last();
        if (i % 3 == 0)
          bench.queue->finish();
        else if (i % 3 == 1)
          wrong += !bench.queue->timeline()->wait(mine, 30s);
        wrong += bench.read(*buffer) != Bytes(256, value);
        wrong += !bench.queue->timeline()->wait(mine, 30s);
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_SUITE_END();
