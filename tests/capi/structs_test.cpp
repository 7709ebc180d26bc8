// Structures that are older or newer than the library, and flags that it does not know.
#include "support.hpp"

using namespace capi_test;

namespace {

// A structure with bytes of a version to come behind it.
template <class T>
struct Later {
  T value;
  unsigned char tail[64];
};

// `use` hands the structure to a function that reads it and returns its status when nothing is wrong with it.
// `first_size`: of the structure's first version.
template <class T, class Init, class Use>
void check_structure(const char *name, Init init, uint32_t unknown_flag, Use use, size_t first_size = sizeof(T)) {
  CAPTURE(std::string(name));
  const auto size = static_cast<uint32_t>(sizeof(T));
  T value;
  std::memset(&value, 0xa5, sizeof value);
  OK(init(&value, sizeof value));
  CHECK(value.struct_size == size);
  CHECK(value.flags == 0);
  OK(use(&value));

  // Too small for any version.
  for (const size_t small : {size_t(0), size_t(1), size_t(8), first_size - 1}) {
    T untouched;
    std::memset(&untouched, 0xa5, sizeof untouched);
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, init(&untouched, small));
    SAYS("struct_size is ");
    CHECK(untouched.struct_size == 0xa5a5a5a5);
    T used = value;
    used.struct_size = static_cast<uint32_t>(small);
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, use(&used));
    SAYS("struct_size is ");
  }
  for (const size_t large : {SIZE_MAX, size_t(UINT32_MAX) + 1}) FAILS(GPUC_ERROR_INVALID_ARGUMENT, init(&value, large));
  FAILS(GPUC_ERROR_NULL_ARGUMENT, init(nullptr, sizeof value));

  // Of a later version: its init zeroes what is behind, and only zeros there are understood.
  Later<T> later;
  std::memset(&later, 0xa5, sizeof later);
  OK(init(&later.value, sizeof later));
  CHECK(later.value.struct_size == sizeof later);
  for (const unsigned char byte : later.tail) CHECK(byte == 0);
  std::memcpy(&later.value, &value, sizeof value);
  later.value.struct_size = sizeof later;
  OK(use(&later.value));
  for (const size_t index : {size_t(0), sizeof later.tail - 1}) {
    later.tail[index] = 1;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, use(&later.value));
    SAYS("does not have");
    later.tail[index] = 0;
  }
  for (uint32_t bit = unknown_flag; bit != 0; bit <<= 1) {
    T used = value;
    used.flags = bit;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, use(&used));
    SAYS("flags is ");
  }
}

}  // namespace

TEST_SUITE("structs") {
  TEST_CASE("gpuc_rect") {
    const Buffer buffer = buffer_of(runtime().context, 64);
    unsigned char host[64] = {};
    // documented: gpuc_rect_init GPUC_ERROR_INVALID_ARGUMENT
    check_structure<gpuc_rect>("gpuc_rect", gpuc_rect_init, 1, [&](gpuc_rect *rect) {
      return gpuc_buffer_write_rect(buffer, runtime().queue, rect, host);
    });
    const gpuc_rect rect = rect_init();
    CHECK(rect.region[0] == 0);
    CHECK(rect.region[1] == 1);
    CHECK(rect.region[2] == 1);
    CHECK(rect.source_row_pitch_bytes == 0);
  }

  TEST_CASE("gpuc_launch") {
    const Kernel kernel = kernel_named("fill_value");
    const Buffer buffer = buffer_of(runtime().context, 64);
    const gpuc_arg args[] = {buffer_arg(buffer), i32_arg(1)};
    // documented: gpuc_launch_init GPUC_ERROR_INVALID_ARGUMENT
    check_structure<gpuc_launch>("gpuc_launch", gpuc_launch_init, GPUC_LAUNCH_ROUND_UP << 1, [&](gpuc_launch *launch) {
      return gpuc_kernel_launch(kernel, runtime().queue, launch, args, 2, nullptr, 0, nullptr);
    });
    const gpuc_launch launch = launch_init();
    CHECK(launch.dims == 1);
    CHECK(launch.global[0] == 0);
    CHECK(launch.local[2] == 0);
  }

  TEST_CASE("gpuc_program_desc") {
    const gpuc_text source{nullptr, "kernel void k(global int *x) {}", GPUC_NUL_TERMINATED};
    // documented: gpuc_program_desc_init GPUC_ERROR_INVALID_ARGUMENT
    check_structure<gpuc_program_desc>("gpuc_program_desc", gpuc_program_desc_init, GPUC_PROGRAM_NO_CACHE << 1,
                                       [&](gpuc_program_desc *desc) {
                                         desc->sources = &source;
                                         desc->source_count = 1;
                                         Program program;
                                         return gpuc_program_create(runtime().context, desc, program.out());
                                       });
    CHECK(program_desc_init().sources == nullptr);
  }

  TEST_CASE("gpuc_proque_options") {
    // documented: gpuc_proque_options_init GPUC_ERROR_INVALID_ARGUMENT
    check_structure<gpuc_proque_options>(
        "gpuc_proque_options", gpuc_proque_options_init, 1, [&](gpuc_proque_options *options) {
          options->context = runtime().context;
          ProQue proque;
          return gpuc_proque_create("kernel void k(global int *x) {}", GPUC_NUL_TERMINATED, options, proque.out());
        });
    CHECK(proque_options_init().dims == 0);
  }

  TEST_CASE("gpuc_profile_options") {
    // documented: gpuc_profile_options_init GPUC_ERROR_INVALID_ARGUMENT
    check_structure<gpuc_profile_options>("gpuc_profile_options", gpuc_profile_options_init, 1,
                                          [&](gpuc_profile_options *options) {
                                            Profile profile;
                                            return gpuc_profile_start(options, profile.out());
                                          });
    CHECK(profile_options_init().max_records == 200000);
  }

  TEST_CASE("gpuc_tune_options") {
    // documented: gpuc_tune_options_init GPUC_ERROR_INVALID_ARGUMENT
    const TuningFolder folder;
    check_structure<gpuc_tune_options>("gpuc_tune_options", gpuc_tune_options_init, 1, [&](gpuc_tune_options *options) {
      options->type = GPUC_TYPE_F32;
      options->max_size = 32;
      options->seconds = 1e-9;
      return gpuc_tune(runtime().queue, options);
    });
    const gpuc_tune_options options = tune_options_init();
    CHECK(options.type == GPUC_TYPE_NONE);
    CHECK(options.backend == nullptr);
    CHECK(options.max_size == 2048);
    CHECK(options.seconds == 60);
  }

  TEST_CASE("gpuc_gemm_desc") {
    // documented: gpuc_gemm_desc_init GPUC_ERROR_INVALID_ARGUMENT
    check_structure<gpuc_gemm_desc>(
        "gpuc_gemm_desc", gpuc_gemm_desc_init, 1,
        [&](gpuc_gemm_desc *desc) {
          size_t needed = 0;
          return gpuc_gemm_explain(runtime().queue, desc, nullptr, 0, &needed);
        },
        168);
    const gpuc_gemm_desc desc = gemm_desc_init();
    CHECK(desc.type == GPUC_TYPE_F32);
    CHECK(desc.layout == GPUC_LAYOUT_ROW_MAJOR);
    CHECK(desc.batch_count == 1);
    CHECK(desc.alpha_real == 1);
    CHECK(desc.beta_real == 0);
    CHECK(desc.m == 0);
    CHECK(desc.backend == nullptr);
  }

  TEST_CASE("gpuc_array_view") {
    // documented: gpuc_array_view_init GPUC_ERROR_INVALID_ARGUMENT
    check_structure<gpuc_array_view>("gpuc_array_view", gpuc_array_view_init, 1,
                                     [&](gpuc_array_view *view) { return gpuc_array_view_pack(view, nullptr); });
    const gpuc_array_view view = array_view_init();
    CHECK(view.buffer == nullptr);
    CHECK(view.type == GPUC_TYPE_F32);
    CHECK(view.ndim == 0);
    CHECK(view.offset_bytes == 0);
  }

  TEST_CASE("gpuc_matmul_options") {
    const Buffer a = buffer_of(runtime().context, 64), c = buffer_of(runtime().context, 64);
    gpuc_array_view x = array_view_init();
    x.ndim = 2;
    x.shape[0] = x.shape[1] = 2;
    OK(gpuc_array_view_pack(&x, nullptr));
    gpuc_array_view z = x;
    x.buffer = a;
    z.buffer = c;
    // documented: gpuc_matmul_options_init GPUC_ERROR_INVALID_ARGUMENT
    check_structure<gpuc_matmul_options>("gpuc_matmul_options", gpuc_matmul_options_init, GPUC_MATMUL_CONJUGATE_B << 1,
                                         [&](gpuc_matmul_options *options) {
                                           return gpuc_array_matmul(runtime().queue, &x, &x, &z, options, nullptr, 0,
                                                                    nullptr);
                                         });
    const gpuc_matmul_options options = matmul_options_init();
    CHECK(options.alpha_real == 1);
    CHECK(options.beta_real == 0);
    CHECK(options.backend == nullptr);
    CHECK(options.compute == GPUC_COMPUTE_STANDARD);
  }
}
