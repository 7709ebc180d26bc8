// Kernel launch: gpuc_kernel_launch against clSetKernelArg (4 times) and clEnqueueNDRangeKernel.
//
// A sample is the host's time for a batch of launches, without the time until they are complete: what a program pays in
// the thread that launches. A batch is short enough that the driver's queue does not fill up, which would measure the
// device instead; both sides then wait until the device is idle. The kernel itself does next to nothing.
//
// PoCL's device is the host's cores. It gets one thread here (unless POCL_MAX_PTHREAD_COUNT says otherwise), so that on
// a small machine the launching thread has a core to itself: else the scheduler is measured.
#include <array>

#include "harness.hpp"

using namespace bench;

namespace {

const char *const source =
    "kernel void accumulate(global const uint *a, global const uint *b, global uint *c, uint s) {\n"
    "  size_t i = get_global_id(0);\n"
    "  c[i] += a[i] * s + b[i];\n"
    "}\n";
constexpr std::size_t items = 64;

enum class Variant { scalar_changes, nothing_changes, buffers_rotate, event };

// One side's buffers and what they should hold: unsigned arithmetic is exact, so that every launch counts.
struct Expected {
  std::array<std::vector<std::uint32_t>, 3> values;

  void launch(std::size_t a, std::size_t b, std::size_t c, std::uint32_t s) {
    for (std::size_t i = 0; i < items; ++i) values[c][i] += values[a][i] * s + values[b][i];
  }
};

class Launcher {
 public:
  explicit Launcher(Bench &bench) : bench_(bench) {
    program_ = make<gpuc_program>("gpuc_program_create_from_source", [&](gpuc_program **out) {
      return gpuc_program_create_from_source(bench.context.get(), source, GPUC_NUL_TERMINATED, nullptr, out);
    });
    kernel_ = make<gpuc_kernel>(
        "gpuc_kernel_create", [&](gpuc_kernel **out) { return gpuc_kernel_create(program_.get(), "accumulate", out); });
    ok(gpuc_launch_init(&launch_, sizeof launch_), "gpuc_launch_init");
    launch_.global[0] = launch_.local[0] = items;

    cl_int code = CL_SUCCESS;
    const char *text = source;
    cl_program_ = ClHandle<cl_program>(clCreateProgramWithSource(bench.cl_ctx, 1, &text, nullptr, &code));
    cl_ok(code, "clCreateProgramWithSource");
    cl_ok(clBuildProgram(cl_program_.get(), 1, &bench.cl_device, "", nullptr, nullptr), "clBuildProgram");
    cl_kernel_ = ClHandle<cl_kernel>(clCreateKernel(cl_program_.get(), "accumulate", &code));
    cl_ok(code, "clCreateKernel");

    Random random(1);
    for (std::size_t i = 0; i < 3; ++i) {
      start_[i].resize(items);
      random.fill(start_[i].data(), bytes);
      buffers_[i] = bench.buffer(bytes);
      raw_[i] = bench.raw_buffer(bytes);
    }
  }

  template <Variant variant>
  double ours(int count) {
    gpuc_arg args[4] = {};
    for (std::size_t i = 0; i < 3; ++i) {
      args[i].kind = GPUC_ARG_BUFFER;
      args[i].value.buffer = buffers_[i].get();
    }
    args[3].kind = GPUC_ARG_SCALAR;
    args[3].type = GPUC_TYPE_U32;
    args[3].value.u32 = 1;
    gpuc_status status = GPUC_OK;
    const double start = now();
    for (int n = 0; n < count; ++n) {
      if constexpr (variant != Variant::nothing_changes) args[3].value.u32 = static_cast<std::uint32_t>(n);
      if constexpr (variant == Variant::buffers_rotate)
        for (std::size_t i = 0; i < 3; ++i)
          args[i].value.buffer = buffers_[(i + static_cast<std::size_t>(n)) % 3].get();
      gpuc_event *event = nullptr;
      status |= gpuc_kernel_launch(kernel_.get(), bench_.queue.get(), &launch_, args, 4, nullptr, 0,
                                   variant == Variant::event ? &event : nullptr);
      if constexpr (variant == Variant::event) gpuc_event_release(event);
    }
    const double taken = now() - start;
    ok(status, "gpuc_kernel_launch");
    ok(gpuc_queue_finish(bench_.queue.get()), "gpuc_queue_finish");
    return taken / count;
  }

  template <Variant variant, bool set_arguments = true>
  double direct(int count) {
    cl_mem buffers[3] = {raw_[0].get(), raw_[1].get(), raw_[2].get()};
    cl_uint scalar = 1;
    cl_int code = CL_SUCCESS;
    const std::size_t global = items, local = items;
    const auto set_all = [&](std::size_t turn) {
      for (cl_uint i = 0; i < 3; ++i)
        code |= clSetKernelArg(cl_kernel_.get(), i, sizeof(cl_mem), &buffers[(i + turn) % 3]);
      code |= clSetKernelArg(cl_kernel_.get(), 3, sizeof scalar, &scalar);
    };
    if constexpr (!set_arguments) set_all(0);
    const double start = now();
    for (int n = 0; n < count; ++n) {
      if constexpr (variant != Variant::nothing_changes) scalar = static_cast<cl_uint>(n);
      if constexpr (set_arguments) set_all(variant == Variant::buffers_rotate ? static_cast<std::size_t>(n) : 0);
      cl_event event = nullptr;
      code |= clEnqueueNDRangeKernel(bench_.cl_queue.get(), cl_kernel_.get(), 1, nullptr, &global, &local, 0, nullptr,
                                     variant == Variant::event ? &event : nullptr);
      if constexpr (variant == Variant::event) clReleaseEvent(event);
    }
    const double taken = now() - start;
    cl_ok(code, "clEnqueueNDRangeKernel");
    cl_ok(clFinish(bench_.cl_queue.get()), "clFinish");
    return taken / count;
  }

  // Every launch must have had its own arguments, on both sides.
  template <Variant variant>
  void verify(int count) {
    Expected expected{start_};
    for (int n = 0; n < count; ++n) {
      const std::size_t turn = variant == Variant::buffers_rotate ? static_cast<std::size_t>(n) : 0;
      expected.launch(turn % 3, (turn + 1) % 3, (turn + 2) % 3,
                      variant == Variant::nothing_changes ? 1 : static_cast<std::uint32_t>(n));
    }
    reset();
    ours<variant>(count);
    direct<variant>(count);
    for (std::size_t i = 0; i < 3; ++i) {
      std::vector<std::uint32_t> got(items), raw(items);
      ok(gpuc_buffer_read(buffers_[i].get(), bench_.queue.get(), 0, bytes, got.data()), "gpuc_buffer_read");
      cl_ok(
          clEnqueueReadBuffer(bench_.cl_queue.get(), raw_[i].get(), CL_TRUE, 0, bytes, raw.data(), 0, nullptr, nullptr),
          "clEnqueueReadBuffer");
      check(got == expected.values[i], "buffer " + std::to_string(i) + " after launches through the library");
      check(raw == expected.values[i], "buffer " + std::to_string(i) + " after direct launches");
    }
  }

  // The second half of a batch costs more than the first once the driver makes the host wait.
  int batch() {
    int count = bench_.options.quick ? 32 : 512;
    for (; count > 32; count /= 2) {
      std::vector<double> ratios;
      for (int i = 0; i < 15; ++i) {
        const double half = direct<Variant::scalar_changes>(count / 2);
        const double whole = direct<Variant::scalar_changes>(count);
        ratios.push_back(whole / half);
      }
      std::nth_element(ratios.begin(), ratios.begin() + 7, ratios.end());
      if (ratios[7] < 1.25) break;
    }
    return count;
  }

  template <Variant variant>
  void measure(const char *name, int count) {
    verify<variant>(97);
    std::vector<Side> sides = {{"library", [=] { return ours<variant>(count); }},
                               {"driver", [=] { return direct<variant>(count); }}};
    std::vector<Comparison> comparisons = {
        {"library / driver", "library", "driver",
         "host time per launch, library over clSetKernelArg x 4 and clEnqueueNDRangeKernel",
         target(Goal::at_most, 1.05)}};
    if constexpr (variant == Variant::nothing_changes) {
      sides.push_back({"driver, enqueue alone", [=] { return direct<variant, false>(count); }});
      comparisons.push_back({"library / enqueue alone", "library", "driver, enqueue alone",
                             "host time per launch, library over clEnqueueNDRangeKernel with the arguments set once",
                             nullptr});
    }
    bench_.measure(name, {{"launches", count}, {"work_items", items}, {"buffers", 3}, {"scalars", 1}},
                   "97 launches give the exact sums on both sides", sides, comparisons);
  }

 private:
  static constexpr std::size_t bytes = items * sizeof(std::uint32_t);

  void reset() {
    for (std::size_t i = 0; i < 3; ++i) {
      ok(gpuc_buffer_write(buffers_[i].get(), bench_.queue.get(), 0, bytes, start_[i].data()), "gpuc_buffer_write");
      cl_ok(clEnqueueWriteBuffer(bench_.cl_queue.get(), raw_[i].get(), CL_TRUE, 0, bytes, start_[i].data(), 0, nullptr,
                                 nullptr),
            "clEnqueueWriteBuffer");
    }
  }

  Bench &bench_;
  Handle<gpuc_program> program_;
  Handle<gpuc_kernel> kernel_;
  gpuc_launch launch_;
  ClHandle<cl_program> cl_program_;
  ClHandle<cl_kernel> cl_kernel_;
  std::array<std::vector<std::uint32_t>, 3> start_;
  std::array<Handle<gpuc_buffer>, 3> buffers_;
  std::array<ClHandle<cl_mem>, 3> raw_;
};

}  // namespace

int main(int argc, char **argv) {
  return run(
      argc, argv, "launch", "Kernel launch: the library against clSetKernelArg + clEnqueueNDRangeKernel",
      [](const Options &) { setenv("POCL_MAX_PTHREAD_COUNT", "1", 0); },
      [](Bench &bench) {
        Launcher launcher(bench);
        launcher.verify<Variant::scalar_changes>(3);
        const int count = launcher.batch();
        launcher.measure<Variant::scalar_changes>("the scalar changes", count);
        launcher.measure<Variant::nothing_changes>("nothing changes", count);
        launcher.measure<Variant::buffers_rotate>("all buffers and the scalar change", count);
        launcher.measure<Variant::event>("with an event", count);
      });
}
