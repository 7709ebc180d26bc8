// The transfer engine, forced to work where device and host share memory, too.
#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "runtime/stream_copy.hpp"
#include "runtime/transfer.hpp"
#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("runtime");

namespace {

constexpr std::size_t MiB = std::size_t(1) << 20;

// Contexts made while this lives copy with the engine.
struct Forced {
  Environment forced{"GPUC_TRANSFER", "force"};
  Bench bench;
};

// The smallest copy that is the engine's. Tests of copies start here, whatever it is.
std::size_t smallest_copy(const Bench &bench) {
  const char *const somewhere = "";
  const auto wanted = [&](std::size_t size) { return bench.context->transfer().wants(*bench.queue, somewhere, size); };
  std::size_t most = 4096;
  while (most < 1024 * MiB && !wanted(most)) most *= 2;
  std::size_t least = most / 2;
  while (least + 1 < most) {
    const std::size_t middle = (least + most) / 2;
    (wanted(middle) ? most : least) = middle;
  }
  REQUIRE(wanted(most));
  return most;
}

constexpr std::uint64_t patience = 600'000'000'000;  // for what hangs

}  // namespace

#define SKIP_WITHOUT_ENGINE(device) \
  if (quirks_of(device).no_user_events) SKIP_TEST("the transfer engine is not used without user events")

TEST_CASE("streamed copies are copies, at every alignment") {
  Dice dice(33);
  CAPTURE(dice.seed());
  const Bytes source = dice.bytes(300000);
  for (int i = 0; i < 3000; ++i) {
    const std::size_t size = i % 10 ? dice.between(0, 300) : dice.between(0, 200000);
    const std::size_t from = dice.between(0, 200), to = dice.between(1, 200);
    Bytes target(to + size + 64, 0xEE);
    Bytes expected = target;
    std::memcpy(expected.data() + to, source.data() + from, size);
    stream_copy(reinterpret_cast<char *>(target.data() + to), reinterpret_cast<const char *>(source.data() + from),
                size);
    REQUIRE(target == expected);
  }
}

TEST_CASE("the engine is for large copies of pageable memory") {
  const Forced forced;
  const TransferEngine &engine = forced.bench.context->transfer();
  SKIP_WITHOUT_ENGINE(forced.bench.device());
  const std::size_t least = smallest_copy(forced.bench);
  CHECK(least >= 4096);
  CHECK(least <= 64 * MiB);
  const char host = 0;
  CHECK_FALSE(engine.wants(*forced.bench.queue, &host, least - 1));
  CHECK(engine.wants(*forced.bench.queue, &host, least));
  CHECK(engine.wants(*forced.bench.queue, &host, 1024 * MiB));
  {
    const Environment off("GPUC_TRANSFER", "0");
    const Bench bench;
    CHECK_FALSE(bench.context->transfer().wants(*bench.queue, &host, 1024 * MiB));
  }
  const Environment normal("GPUC_TRANSFER", nullptr);
  const Bench bench;
  CHECK(bench.context->transfer().wants(*bench.queue, &host, 1024 * MiB) == !bench.device().info().unified_memory);
}

TEST_CASE("copies of all sizes arrive whole, and touch nothing else") {
  const Forced forced;
  const Bench &bench = forced.bench;
  SKIP_WITHOUT_ENGINE(bench.device());
  Dice dice(30);
  CAPTURE(dice.seed());
  const std::size_t least = smallest_copy(bench);
  for (std::size_t size : {least - 1, least, least + 1, 2 * least + 12345, 33 * MiB + 7}) {
    CAPTURE(size);
    const std::size_t offset = 2 * dice.between(0, 500) + 1, after = 100;
    const Bytes data = dice.bytes(size + 1);
    for (bool async : {false, true}) {
      CAPTURE(async);
      const auto buffer = Buffer::create(*bench.context, offset + size + after);
      const unsigned char poison = 0xEE;
      buffer->fill(*bench.queue, &poison, 1, 0, buffer->size(), {}, nullptr);
      const auto slice = buffer->slice(offset, size);
      Bytes got(buffer->size(), 0);
      if (async) {
        std::shared_ptr<Event> written, read;
        slice->write_async(*bench.queue, 0, size, data.data() + 1, {}, &written);
        buffer->read_async(*bench.queue, 0, got.size(), got.data(), {}, &read);
        REQUIRE(written);
        read->wait_for(patience);
        CHECK(written->state() == EventState::complete);
      } else {
        slice->write(*bench.queue, 0, size, data.data() + 1);
        buffer->read(*bench.queue, 0, got.size(), got.data());
      }
      CHECK(std::memcmp(got.data() + offset, data.data() + 1, size) == 0);
      CHECK(std::count(got.begin(), got.begin() + static_cast<std::ptrdiff_t>(offset), poison) ==
            static_cast<std::ptrdiff_t>(offset));
      CHECK(std::count(got.end() - after, got.end(), poison) == after);
      // The driver, asked directly, agrees.
      Bytes plain(size);
      REQUIRE(clEnqueueReadBuffer(bench.queue->native(), buffer->root(), CL_TRUE, offset, size, plain.data(), 0,
                                  nullptr, nullptr) == CL_SUCCESS);
      CHECK(std::memcmp(plain.data(), data.data() + 1, size) == 0);
    }
  }
}

TEST_CASE("a chain of copies and kernels on one queue needs no waits") {
  SKIP_WITHOUT_COMPILER();
  const Forced forced;
  const Bench &bench = forced.bench;
  SKIP_WITHOUT_ENGINE(bench.device());
  const auto kernel =
      bench
          .program(
              "kernel void advance_x(global uint *x, uint n) { x[get_global_id(0)] = x[get_global_id(0)] * 3 + n; }")
          ->kernel("advance_x");
  const std::size_t count = smallest_copy(bench) / 4 + 1001;
  Dice dice(31);
  CAPTURE(dice.seed());
  for (bool async : {true, false}) {
    CAPTURE(async);
    std::vector<std::uint32_t> in(count), got(count, 0xEEEEEEEE), again(count, 0xEEEEEEEE);
    for (auto &value : in) value = static_cast<std::uint32_t>(dice.bits());
    const auto buffer = Buffer::create(*bench.context, 4 * count);
    const Argument seven[] = {argument(*buffer), argument(std::uint32_t(7))},
                   nine[] = {argument(*buffer), argument(std::uint32_t(9))};
    // A kernel before that must not see the write, or undo it.
    kernel->launch(*bench.queue, global_size(count), seven, 2);
    if (async)
      buffer->write_async(*bench.queue, 0, 4 * count, in.data(), {}, nullptr);
    else
      buffer->write(*bench.queue, 0, 4 * count, in.data());
    kernel->launch(*bench.queue, global_size(count), seven, 2);
    std::shared_ptr<Event> last;
    if (async)
      buffer->read_async(*bench.queue, 0, 4 * count, got.data(), {}, nullptr);
    else
      buffer->read(*bench.queue, 0, 4 * count, got.data());
    kernel->launch(*bench.queue, global_size(count), nine, 2);
    buffer->read_async(*bench.queue, 0, 4 * count, again.data(), {}, &last);
    last->wait_for(patience);
    bench.queue->finish();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t once = in[i] * 3 + 7;
      wrong += got[i] != once;
      wrong += again[i] != once * 3 + 9;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("copies wait for their events") {
  const Forced forced;
  const Bench &bench = forced.bench;
  SKIP_WITHOUT_ENGINE(bench.device());
  const std::size_t size = smallest_copy(bench) + MiB + 5;
  Bytes data(size, 1), got(size, 0xEE);
  const auto buffer = Buffer::create(*bench.context, size);
  const auto gate = Event::create_user(*bench.context), second_gate = Event::create_user(*bench.context);
  std::shared_ptr<Event> written, read;
  buffer->write_async(*bench.queue, 0, size, data.data(), WaitFor(*gate), &written);
  const auto other = Queue::create(*bench.context, nullptr, 0);
  const cl_event both[] = {written->native(), second_gate->native()};
  buffer->read_async(*other, 0, size, got.data(), {both, 2}, &read);
  CHECK_FAILS(Status::timeout, "a write", written->wait_for(40'000'000));
  std::fill(data.begin(), data.end(), static_cast<unsigned char>(2));  // the copy must not have looked yet
  gate->complete(0);
  written->wait_for(patience);
  CHECK_FAILS(Status::timeout, "a read", read->wait_for(40'000'000));
  CHECK(got == Bytes(size, 0xEE));
  second_gate->complete(0);
  read->wait_for(patience);
  CHECK(got == Bytes(size, 2));
}

TEST_CASE("several asynchronous copies are in flight at once") {
  const Forced forced;
  const Bench &bench = forced.bench;
  SKIP_WITHOUT_ENGINE(bench.device());
  Dice dice(32);
  CAPTURE(dice.seed());
  const std::size_t size = smallest_copy(bench) + 3;
  std::vector<std::shared_ptr<Queue>> queues;
  std::vector<std::shared_ptr<Buffer>> buffers;
  std::vector<Bytes> data, got;
  std::vector<std::shared_ptr<Event>> events(12);
  for (std::size_t i = 0; i < 6; ++i) {
    queues.push_back(Queue::create(*bench.context, nullptr, 0));
    buffers.push_back(Buffer::create(*bench.context, size));
    data.push_back(dice.bytes(size));
    got.emplace_back(size, 0xEE);
  }
  const auto gate = Event::create_user(*bench.context);
  for (std::size_t i = 0; i < 6; ++i) {
    const WaitFor waits(*gate);
    buffers[i]->write_async(*queues[i], 0, size, data[i].data(), i % 2 ? Waits(waits) : Waits{}, &events[i]);
    buffers[i]->read_async(*queues[i], 0, size, got[i].data(), {}, &events[6 + i]);
  }
  // Those behind the gate do not hold up the others.
  for (std::size_t i = 0; i < 6; i += 2) events[6 + i]->wait_for(patience);
  for (std::size_t i = 1; i < 6; i += 2) CHECK(events[i]->state() < EventState::complete);
  gate->complete(0);
  wait_all(events.begin(), events.end());
  for (std::size_t i = 0; i < 6; ++i) CHECK(got[i] == data[i]);
}

TEST_CASE("buffer and context may go while copies are in flight") {
  SKIP_WITHOUT_ENGINE(*select_device(""));
  const std::size_t size = smallest_copy(Forced().bench);
  for (int i = 0; i < 15; ++i) {
    Bytes data(size, static_cast<unsigned char>(i)), got(size, 0xEE);
    std::weak_ptr<Context> watch;
    std::shared_ptr<Event> read;
    {
      Forced forced;
      watch = forced.bench.context;
      const auto buffer = Buffer::create(*forced.bench.context, size);
      std::shared_ptr<Event> gate;
      if (i % 3 == 1) gate = Event::create_user(*forced.bench.context);
      if (gate)
        buffer->write_async(*forced.bench.queue, 0, size, data.data(), WaitFor(*gate), nullptr);
      else
        buffer->write_async(*forced.bench.queue, 0, size, data.data(), {}, nullptr);
      buffer->read_async(*forced.bench.queue, 0, size, got.data(), {}, &read);
      if (gate) gate->complete(0);
      if (i % 3 == 2)
        buffer->copy_to(*Buffer::create(*forced.bench.context, size), *forced.bench.queue, 0, 0, size, {}, nullptr);
    }
    read->wait_for(patience);
    CHECK(got == data);
    read.reset();
    for (int ms = 0; ms < 10000 && !watch.expired(); ++ms) std::this_thread::sleep_for(1ms);
    CHECK(watch.expired());
  }
}

TEST_CASE("the memory of an asynchronous copy is not reused before it ends") {
  const Forced forced;
  const Bench &bench = forced.bench;
  SKIP_WITHOUT_ENGINE(bench.device());
  const std::size_t size = smallest_copy(bench);
  const Bytes data(size, 1);
  auto buffer = Buffer::create(*bench.context, size);
  const cl_mem block = block_of(*buffer);
  const auto gate = Event::create_user(*bench.context);
  std::shared_ptr<Event> written;
  buffer->write_async(*bench.queue, 0, size, data.data(), WaitFor(*gate), &written);
  buffer.reset();
  const auto other = Buffer::create(*bench.context, size);
  CHECK(block_of(*other) != block);
  gate->complete(0);
  written->wait_for(patience);
}

TEST_CASE("a copy whose gate fails does not happen, and its event fails") {
  const Forced forced;
  const Bench &bench = forced.bench;
  SKIP_WITHOUT_ENGINE(bench.device());
  const std::size_t size = smallest_copy(bench);
  const auto buffer = bench.buffer(Bytes(size, 1));
  const Bytes data(size, 2);
  Bytes got(size, 0xEE);
  for (bool write : {true, false}) {
    CAPTURE(write);
    const auto queue = Queue::create(*bench.context, nullptr, 0);
    const auto gate = Event::create_user(*bench.context);
    std::shared_ptr<Event> copied;
    if (write)
      buffer->write_async(*queue, 0, size, data.data(), WaitFor(*gate), &copied);
    else
      buffer->read_async(*queue, 0, size, got.data(), WaitFor(*gate), &copied);
    gate->complete(-5);
    CHECK_FAILS(Status::execution_failed, write ? "a write failed" : "a read failed", copied->wait_for(patience));
    CHECK(copied->state() == EventState::failed);
  }
  CHECK(got == Bytes(size, 0xEE));
  // The engine and the buffer work as before.
  CHECK(bench.read(*buffer) == Bytes(size, 1));
  buffer->write(*bench.queue, 0, size, data.data());
  CHECK(bench.read(*buffer) == data);
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("threads runtime");

TEST_CASE("threads copy through one engine at once") {
  const Forced forced;
  const Bench &bench = forced.bench;
  SKIP_WITHOUT_ENGINE(bench.device());
  const std::size_t least = smallest_copy(bench);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([t, least, &bench, &wrong] {
      Dice dice(900 + t);
      const auto queue = Queue::create(*bench.context, nullptr, 0);
      for (int i = 0; i < 4; ++i) {
        const std::size_t size = least + dice.between(0, 3 * MiB);
        const Bytes data = dice.bytes(size);
        Bytes got(size, 0xEE);
        const auto buffer = Buffer::create(*bench.context, size);
        if (i % 2) {
          std::shared_ptr<Event> done;
          buffer->write_async(*queue, 0, size, data.data(), {}, nullptr);
          buffer->read_async(*queue, 0, size, got.data(), {}, &done);
          done->wait();
        } else {
          buffer->write(*queue, 0, size, data.data());
          buffer->read(*queue, 0, size, got.data());
        }
        wrong += got != data;
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_SUITE_END();
