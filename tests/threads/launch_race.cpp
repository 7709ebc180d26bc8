// launch_race [--threads N] [--launches N] [--seed N]: threads launch one kernel object with different arguments. Each
// launch must get all of its own: a mixture of two threads' would be a wrong result without an error.
#include <gpucompute/gpucompute.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

const char *const source =
    "kernel void axpy(float a, global const float *x, global float *y, int n) {\n"
    "  int i = (int)get_global_id(0);\n"
    "  if (i < n) y[i] = a * x[i] + y[i];\n"
    "}\n";

constexpr std::size_t items = 4, batch = 64;  // launches between two looks

std::atomic<std::uint64_t> wrong{0}, launched{0};

void must(const char *call, gpuc_status got) {
  if (got == GPUC_OK) return;
  std::printf("%s: %s\n", call, gpuc_last_error_message());
  std::exit(1);
}
#define MUST(...) must(#__VA_ARGS__, __VA_ARGS__)

// y += a * x with this thread's own x, y, a and count, all small whole numbers.
void race(gpuc_context *context, gpuc_kernel *kernel, unsigned number, std::uint64_t launches, std::uint64_t seed) {
  std::mt19937_64 random(seed * 1000003 + number);
  gpuc_queue *queue = nullptr;
  gpuc_buffer *y[batch] = {}, *x = nullptr;
  std::vector<float> values(items);
  for (std::size_t i = 0; i < items; ++i) values[i] = static_cast<float>(number * items + i + 1);
  MUST(gpuc_queue_create(context, nullptr, 0, &queue));
  MUST(gpuc_buffer_create(context, items * 4, 0, &x));
  MUST(gpuc_buffer_write(x, queue, 0, items * 4, values.data()));
  for (gpuc_buffer *&buffer : y) MUST(gpuc_buffer_create(context, items * 4, 0, &buffer));
  gpuc_launch launch{};
  MUST(gpuc_launch_init(&launch, sizeof launch));
  launch.global[0] = items;
  const float zero = 0;
  std::vector<float> factors(batch);
  std::vector<std::int32_t> counts(batch);
  for (std::uint64_t done = 0; done < launches; done += batch) {
    // One launch for each y, and no other command between them.
    for (std::size_t i = 0; i < batch; ++i)
      MUST(gpuc_buffer_fill_async(y[i], queue, &zero, 4, 0, items * 4, nullptr, 0, nullptr));
    for (std::size_t i = 0; i < batch; ++i) {
      factors[i] = static_cast<float>(random() % 1000);
      counts[i] = static_cast<std::int32_t>(random() % (items + 1));
      gpuc_arg args[4] = {};
      args[0].kind = args[3].kind = GPUC_ARG_SCALAR;
      args[0].type = GPUC_TYPE_F32;
      args[0].value.f32 = factors[i];
      args[1].kind = args[2].kind = GPUC_ARG_BUFFER;
      args[1].value.buffer = x;
      args[2].value.buffer = y[i];
      args[3].type = GPUC_TYPE_I32;
      args[3].value.i32 = counts[i];
      MUST(gpuc_kernel_launch(kernel, queue, &launch, args, 4, nullptr, 0, nullptr));
    }
    for (std::size_t i = 0; i < batch; ++i) {
      float got[items];
      MUST(gpuc_buffer_read(y[i], queue, 0, sizeof got, got));
      bool right = true;
      for (std::size_t k = 0; k < items; ++k)
        right = right && got[k] == (k < static_cast<std::size_t>(counts[i]) ? factors[i] * values[k] : 0);
      if (!right && wrong.fetch_add(1) < 10)
        std::printf("WRONG: thread %u, launch %llu\n", number, static_cast<unsigned long long>(done + i));
    }
    launched.fetch_add(batch);
  }
  for (gpuc_buffer *buffer : y) gpuc_buffer_release(buffer);
  gpuc_buffer_release(x);
  gpuc_queue_release(queue);
}

}  // namespace

int main(int argc, char **argv) {
  unsigned thread_count = 8;
  std::uint64_t launches = 100000, seed = std::random_device{}();
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (option == "--threads")
      thread_count = static_cast<unsigned>(value);
    else if (option == "--launches")
      launches = value;
    else if (option == "--seed")
      seed = value;
    else
      return 2;
  }
  std::printf("seed %llu, %u threads\n", static_cast<unsigned long long>(seed), thread_count);
  gpuc_context *context = nullptr;
  gpuc_program *program = nullptr;
  gpuc_kernel *kernel = nullptr;
  gpuc_device *device = nullptr;
  char filter[256] = {};
  size_t needed = 0;
  MUST(gpuc_device_select(nullptr, &device));
  MUST(gpuc_device_get_string(device, GPUC_DEVICE_FILTER, filter, sizeof filter, &needed));
  if (std::string(filter).find("oclgrind") != std::string::npos) {
    std::printf("SKIPPED: Oclgrind can be used by one thread at a time\n");
    return 77;
  }
  MUST(gpuc_context_create(&device, 1, &context));
  gpuc_device_release(device);
  MUST(gpuc_program_create_from_source(context, source, GPUC_NUL_TERMINATED, nullptr, &program));
  MUST(gpuc_kernel_create(program, "axpy", &kernel));
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < thread_count; ++i)
    threads.emplace_back(race, context, kernel, i, launches / thread_count, seed);
  for (std::thread &thread : threads) thread.join();
  gpuc_kernel_release(kernel);
  gpuc_program_release(program);
  gpuc_context_release(context);
  std::printf("%llu launches, %llu wrong\n", static_cast<unsigned long long>(launched.load()),
              static_cast<unsigned long long>(wrong.load()));
  return wrong == 0 && launched >= launches / 2 ? 0 : 1;
}
