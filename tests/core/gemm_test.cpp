#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/gemm_fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;
using namespace gpucompute::test::gemms;

TEST_SUITE_BEGIN("gemm");

TEST_CASE("every backend, type, transpose and layout") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  std::uint64_t salt = 1;
  for (std::int64_t batch_count : {1, 3})
    for (DataType type : all_types)
      for (const std::string &backend : able_backends(bench, type, batch_count))
        for (Transpose ta : transposes(type))
          for (Transpose tb : transposes(type))
            for (Layout layout : both_layouts) {
              GemmProblem p = batch_count == 1 ? problem_of(type, 37, 21, 33) : problem_of(type, 17, 35, 9);
              p.backend = backend;
              p.transpose_a = ta;
              p.transpose_b = tb;
              p.layout = layout;
              p.batch_count = batch_count;
              p.alpha_real = 0.5;
              p.beta_real = -1.25;
              if (is_complex(type)) p.alpha_imag = 2, p.beta_imag = 0.75;
              spread(p, 3);
              check_gemm(bench, p, ++salt);
            }
}

TEST_CASE("sizes") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const std::int64_t sizes[][3] = {{1, 1, 1},    {1, 1, 70},   {1, 50, 1},   {50, 1, 1},   {1, 64, 64},
                                   {64, 1, 64},  {64, 64, 1},  {2, 3, 5},    {16, 16, 16}, {15, 17, 31},
                                   {64, 64, 64}, {65, 63, 66}, {128, 96, 32}};
  std::uint64_t salt = 1000;
  for (DataType type : {DataType::f16, DataType::f32, DataType::c64})
    for (const std::string &backend : able_backends(bench, type))
      for (const auto &size : sizes)
        for (std::int64_t pad : {0, 2}) {
          GemmProblem p = problem_of(type, size[0], size[1], size[2]);
          p.backend = backend;
          p.beta_real = 1;
          p.transpose_b = Transpose::trans;
          spread(p, pad);
          check_gemm(bench, p, ++salt);
        }
}

TEST_CASE("batches") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  std::uint64_t salt = 3000;
  for (DataType type : {DataType::f32, DataType::c64})
    for (const std::string &backend : able_backends(bench, type, 5))
      for (Layout layout : both_layouts) {
        GemmProblem p = problem_of(type, 9, 7, 11);
        p.backend = backend;
        p.layout = layout;
        p.batch_count = 5;
        p.beta_real = 2;
        spread(p, 2);
        check_gemm(bench, p, ++salt);
        p.a_stride = 0;  // one A for all
        check_gemm(bench, p, ++salt);
        p.b_stride = 0;
        check_gemm(bench, p, ++salt);
        // C side by side: every product is a block of columns (row-major) of one large matrix.
        const std::int64_t length = layout == Layout::row_major ? p.n : p.m;
        p.c_stride = length + 1;
        p.ldc = p.c_stride * p.batch_count;
        check_gemm(bench, p, ++salt);
      }
}

// More tiles than a GPU has units, and next to nothing to compute for each: what a group does for one tile is still
// under way when it comes to the next.
TEST_CASE("many small products") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const struct {
    DataType type, c_type;
    std::int64_t n;
  } cases[] = {{DataType::bf16, DataType::bf16, 64},
               {DataType::f16, DataType::f16, 64},
               {DataType::bf16, DataType::f32, 32},
               {DataType::f32, DataType::f32, 64},
               {DataType::f64, DataType::f64, 64}};
  std::uint64_t salt = 2100;
  for (const auto &it : cases)
    for (const std::string &backend : able_backends(bench, it.type, 2)) {
      GemmProblem p = problem_of(it.type, 64, it.n, 8);
      p.backend = backend;
      p.c_type = it.c_type;
      p.transpose_b = Transpose::trans;
      p.batch_count = 600;
      spread(p, 0);
      p.c_offset = 13;               // lines of C start at multiples of 16 bytes then: see Banded
      if (cannot(bench, p).empty())  // CLBlast has no C of another type
        check_gemm(bench, p, ++salt);
    }
}

TEST_CASE("beta 0 does not read C, alpha 0 and k 0 do not read A and B") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  const Fills nan_c{ordinary, ordinary, [](Random &) { return Complex(nan_value, nan_value); }};
  const Fills nan_ab{[](Random &) { return Complex(nan_value, nan_value); },
                     [](Random &) { return Complex(infinity, nan_value); }, ordinary};
  const Fills nan_all{nan_ab.a, nan_ab.b, nan_c.c};
  std::uint64_t salt = 4000;
  for (std::int64_t batch_count : {1, 3})
    for (DataType type : all_types)
      for (const std::string &backend : able_backends(bench, type, batch_count)) {
        GemmProblem p = problem_of(type, 33, 18, 20);
        p.backend = backend;
        p.batch_count = batch_count;
        spread(p, 2);
        check_gemm(bench, p, ++salt, nan_c);
        p.beta_real = -0.0;
        check_gemm(bench, p, ++salt, nan_c);
        p.alpha_real = 0;
        check_gemm(bench, p, ++salt, nan_all);
        p.beta_real = 0.5;
        check_gemm(bench, p, ++salt, nan_ab);
        p.beta_real = 1;
        check_gemm(bench, p, ++salt, nan_ab);
        if (is_complex(type)) {
          p.beta_real = 0;
          p.beta_imag = 1;
          check_gemm(bench, p, ++salt, nan_ab);
          p.beta_imag = 0;
        }
        p.beta_real = 0.5;
        p.alpha_real = 2;
        p.k = 0;
        p.lda = p.ldb = 0;
        check_gemm(bench, p, ++salt);
        p.beta_real = 0;
        check_gemm(bench, p, ++salt, nan_c);
      }
}

TEST_CASE("NaN and infinity go from A and B to C") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  std::uint64_t salt = 5000;
  for (DataType type : {DataType::f16, DataType::f32, DataType::f64})
    for (const std::string &backend : able_backends(bench, type)) {
      GemmProblem p = problem_of(type, 20, 19, 21);
      p.backend = backend;
      p.beta_real = 1;
      spread(p, 2);
      for (double special : {infinity, -infinity, nan_value}) {
        // One element in about 50.
        const Fill some = [special](Random &random) {
          return random.integer(0, 49) ? ordinary(random) : Complex(special, 0);
        };
        check_gemm(bench, p, ++salt, {some, ordinary, ordinary});
        check_gemm(bench, p, ++salt, {ordinary, some, ordinary});
        check_gemm(bench, p, ++salt, {some, some, some});
      }
    }
}

TEST_CASE("scaling writes all of a large C") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  GemmProblem p = problem_of(DataType::f32, 1030, 1050, 0);  // more elements than work-items
  p.beta_real = 3;
  spread(p, 2);
  check_gemm(bench, p, 5500);
}

TEST_CASE("nothing to compute: C stays, the event follows the waits") {
  const Bench bench;
  const auto buffer = Buffer::create(*bench.context, 64);
  const std::vector<float> before(16, 7);
  std::vector<float> after(16);
  buffer->write(*bench.queue, 0, 64, before.data());
  GemmProblem empty[] = {problem_of(DataType::f32, 0, 4, 4), problem_of(DataType::f32, 4, 0, 4),
                         problem_of(DataType::f32, 4, 4, 4), problem_of(DataType::f32, 0, INT64_MAX, INT64_MAX)};
  empty[2].batch_count = 0;
  for (const GemmProblem &p : empty) {
    CAPTURE(describe(p));
    std::shared_ptr<Event> event;
    gemm(*bench.queue, p, nullptr, nullptr, *buffer, {}, &event);
    REQUIRE(event);
    event->wait();
    CHECK(explain_gemm(*bench.queue, p).find("nothing is computed") != std::string::npos);
  }
  buffer->read(*bench.queue, 0, 64, after.data());
  CHECK(after == before);

  if (quirks_of(bench.device()).no_user_events) {
    SKIP_PART("commands that wait for a user event never complete");
    return;
  }
  const auto gate = Event::create_user(*bench.context);
  const cl_event native = gate->native();
  std::shared_ptr<Event> event;
  gemm(*bench.queue, empty[0], nullptr, nullptr, *buffer, {&native, 1}, &event);
  bench.queue->flush();
  CHECK(event->state() != EventState::complete);
  gate->complete(0);
  event->wait();
}

TEST_CASE("a product starts after its waits and its event follows it") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  if (quirks_of(bench.device()).no_user_events) SKIP_TEST("commands that wait for a user event never complete");
  std::vector<std::uint32_t> flags = {0};
  if (bench.device().info().out_of_order)
    flags.push_back(Queue::out_of_order);
  else
    SKIP_PART("no out-of-order queues");
  for (const std::string &backend : able_backends(bench, DataType::f32))
    for (std::uint32_t flag : flags)
      for (std::int64_t batch_count : {1, 4}) {
        CAPTURE(backend);
        CAPTURE(flag);
        const auto queue = Queue::create(*bench.context, nullptr, flag);
        GemmProblem p = problem_of(DataType::f32, 8, 8, 8);
        p.backend = backend;
        p.batch_count = batch_count;
        p.a_stride = p.b_stride = p.c_stride = 64;
        const std::size_t count = static_cast<std::size_t>(batch_count) * 64;
        const std::vector<float> zeros(count, 0), ones(count, 1);
        std::vector<float> result(count, -1);
        const auto a = Buffer::create(*bench.context, count * 4), b = Buffer::create(*bench.context, count * 4),
                   c = Buffer::create(*bench.context, count * 4);
        a->write(*queue, 0, count * 4, zeros.data());
        b->write(*queue, 0, count * 4, ones.data());
        c->write(*queue, 0, count * 4, result.data());
        queue->finish();
        const auto gate = Event::create_user(*bench.context);
        const cl_event native_gate = gate->native();
        std::shared_ptr<Event> event;
        gemm(*queue, p, a.get(), b.get(), *c, {&native_gate, 1}, &event);
        REQUIRE(event);
        queue->flush();
        a->write(*bench.queue, 0, count * 4, ones.data());
        gate->complete(0);
        event->wait();
        c->read(*bench.queue, 0, count * 4, result.data());
        CHECK(result == std::vector<float>(count, 8));
      }
}

TEST_CASE("a product does not keep its context alive") {
  SKIP_WITHOUT_COMPILER();
  for (const std::string &backend : able_backends(Bench(), DataType::f32)) {
    CAPTURE(backend);
    std::weak_ptr<Context> gone;
    cl_context native = nullptr;
    {
      const Bench bench;
      GemmProblem p = problem_of(DataType::f32, 8, 8, 8);
      spread(p, 0);
      p.backend = backend;
      check_gemm(bench, p, 7000);
      p.k = 0;
      check_gemm(bench, p, 7001);
      gone = bench.context;
      native = bench.context->native();
      clRetainContext(native);
    }
    CHECK(gone.expired());
    // A driver's own threads may hold on to it a little longer than the last command.
    cl_uint references = 0;
    for (int i = 0; i < 2000 && references != 1; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(i ? 5 : 0));
      CHECK(clGetContextInfo(native, CL_CONTEXT_REFERENCE_COUNT, sizeof references, &references, nullptr) ==
            CL_SUCCESS);
    }
    CHECK(references == 1);
    clReleaseContext(native);
  }
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("gemm threads");

TEST_CASE("products from four threads at once") {
  SKIP_WITHOUT_COMPILER();
  const Bench bench;
  if (quirks_of(bench.device()).checker) SKIP_TEST("a checker runs one kernel at a time");
  constexpr std::size_t count = 4;
  std::string wrong[count];
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < count; ++t)
    threads.emplace_back([&, t] {
      try {
        // Two threads share a queue.
        const auto queue = t < 2 ? bench.queue : Queue::create(*bench.context, nullptr, 0);
        for (std::int64_t i = 0; i < 8 && wrong[t].empty(); ++i) {
          const auto size = static_cast<std::int64_t>(t) * 13 + i;
          GemmProblem p = problem_of(i % 2 ? DataType::c64 : DataType::f32, 20 + size, 30 - size / 2, 25 + size);
          p.layout = t % 2 ? Layout::column_major : Layout::row_major;
          p.batch_count = i % 3 == 2 ? 3 : 1;
          p.beta_real = i % 4 ? 0.5 : 0;
          if (i == 5) p.k = 0;
          if (i == 6) p.backend = "reference";
          spread(p, i % 2);
          wrong[t] = run_and_compare(bench, *queue, p, 8000 + t * 100 + static_cast<std::uint64_t>(i));
        }
      } catch (const Error &error) {
        wrong[t] = error.message();
      }
    });
  for (std::thread &thread : threads) thread.join();
  for (const std::string &text_of_one : wrong) CHECK_EQ(text_of_one, "");
}

TEST_CASE("contexts come and go in four threads") {
  SKIP_WITHOUT_COMPILER();
  if (quirks_of(Bench().device()).checker) SKIP_TEST("a checker runs one kernel at a time");
  std::string wrong[4];
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      try {
        for (std::uint64_t i = 0; i < 3 && wrong[t].empty(); ++i) {
          const Bench bench;
          GemmProblem p = problem_of(DataType::f32, 20, 30, 25);
          spread(p, 1);
          wrong[t] = run_and_compare(bench, *bench.queue, p, 9000 + t * 100 + i);
        }
      } catch (const Error &error) {
        wrong[t] = error.message();
      }
    });
  for (std::thread &thread : threads) thread.join();
  for (const std::string &text_of_one : wrong) CHECK_EQ(text_of_one, "");
}

TEST_SUITE_END();
