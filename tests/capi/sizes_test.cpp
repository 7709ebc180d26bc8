// Sizes and offsets of every magnitude against an oracle in 128 bits.
#include "support.hpp"

using namespace capi_test;

namespace {

__extension__ using Wide = unsigned __int128;

constexpr size_t buffer_size = 4096;

const std::vector<size_t> &magnitudes() {
  static const std::vector<size_t> all = [] {
    std::vector<size_t> values = {0, 1, 2, 16, 1000, buffer_size - 1, buffer_size, buffer_size + 1};
    for (const size_t base : {size_t(1) << 31, size_t(1) << 32})
      for (const size_t k : {base - 1, base, base + 1}) values.push_back(k);
    for (const size_t k : {0, 1, 2, 8, 4096}) values.push_back((size_t(1) << 62) - k);
    for (const size_t k : {0, 1, 4095, 4096}) values.push_back((size_t(1) << 63) - k);
    for (const size_t k : {0, 1, 15, 4095, 4096}) values.push_back(SIZE_MAX - k);
    return values;
  }();
  return all;
}

bool in_range(size_t offset, size_t size, size_t limit) { return Wide(offset) + size <= limit; }

struct Fixture {
  gpuc_queue *queue = runtime().queue;
  Buffer one = buffer_of(runtime().context, buffer_size), two = buffer_of(runtime().context, buffer_size);
  std::vector<unsigned char> host = std::vector<unsigned char>(buffer_size, 1);
  long valid = 0, refused = 0;

  // The call succeeds exactly when the oracle says so, and else gives one of the statuses.
  void expect(const std::string &what, bool is_valid, gpuc_status got, const std::vector<gpuc_status> &statuses) {
    (is_valid ? valid : refused) += 1;
    bool right = got == GPUC_OK;
    if (!is_valid) {
      right = false;
      for (const gpuc_status status : statuses) right = right || got == status;
    }
    if (!right)
      FAIL_CHECK(what << (is_valid ? " is valid" : " is not valid") << " and gives " << named(got) << ": "
                      << last_failure());
  }
  ~Fixture() { gpuc_queue_finish(queue); }
};

std::string numbers(const char *function, std::initializer_list<size_t> values) {
  std::string text = function;
  for (const size_t value : values) text += " " + std::to_string(value);
  return text;
}

const std::vector<gpuc_status> out_of_range = {GPUC_ERROR_OUT_OF_RANGE};

}  // namespace

TEST_SUITE("sizes") {
  TEST_CASE("offset and size of copies") {
    Fixture f;
    for (const size_t offset : magnitudes()) {
      for (const size_t size : magnitudes()) {
        const bool fits = in_range(offset, size, buffer_size);
        gpuc_buffer *slice = nullptr;
        void *pointer = nullptr;
        f.expect(numbers("slice", {offset, size}), fits, gpuc_buffer_slice(f.one, offset, size, &slice), out_of_range);
        CHECK((slice != nullptr) == fits);
        gpuc_buffer_release(slice);
        f.expect(numbers("write", {offset, size}), fits, gpuc_buffer_write(f.one, f.queue, offset, size, f.host.data()),
                 out_of_range);
        f.expect(numbers("read", {offset, size}), fits, gpuc_buffer_read(f.one, f.queue, offset, size, f.host.data()),
                 out_of_range);
        f.expect(numbers("write_async", {offset, size}), fits,
                 gpuc_buffer_write_async(f.one, f.queue, offset, size, f.host.data(), nullptr, 0, nullptr),
                 out_of_range);
        f.expect(numbers("read_async", {offset, size}), fits,
                 gpuc_buffer_read_async(f.one, f.queue, offset, size, f.host.data(), nullptr, 0, nullptr),
                 out_of_range);
        f.expect(numbers("fill", {offset, size}), fits,
                 gpuc_buffer_fill_async(f.one, f.queue, "x", 1, offset, size, nullptr, 0, nullptr), out_of_range);
        f.expect(numbers("map", {offset, size}), fits && size > 0,
                 gpuc_buffer_map(f.one, f.queue, GPUC_MAP_READ, offset, size, &pointer),
                 {GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_INVALID_ARGUMENT});
        if (pointer) gpuc_buffer_unmap_async(f.one, f.queue, pointer, nullptr, 0, nullptr);
        f.expect(numbers("map_async", {offset, size}), fits && size > 0,
                 gpuc_buffer_map_async(f.one, f.queue, GPUC_MAP_READ, offset, size, nullptr, 0, &pointer, nullptr),
                 {GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_INVALID_ARGUMENT});
        if (pointer) gpuc_buffer_unmap_async(f.one, f.queue, pointer, nullptr, 0, nullptr);
      }
    }
    OK(gpuc_queue_finish(f.queue));
    // The same within a slice.
    Buffer slice;
    OK(gpuc_buffer_slice(f.one, 1024, 1000, slice.out()));
    for (const size_t offset : magnitudes())
      for (const size_t size : magnitudes()) {
        gpuc_buffer *inner = nullptr;
        f.expect(numbers("slice of a slice", {offset, size}), in_range(offset, size, 1000),
                 gpuc_buffer_slice(slice, offset, size, &inner), out_of_range);
        gpuc_buffer_release(inner);
        f.expect(numbers("write to a slice", {offset, size}), in_range(offset, size, 1000),
                 gpuc_buffer_write(slice, f.queue, offset, size, f.host.data()), out_of_range);
      }
    CHECK(f.valid > 200);
    CHECK(f.refused > 5000);
  }

  TEST_CASE("copies between buffers") {
    Fixture f;
    Buffer right;
    OK(gpuc_buffer_slice(f.one, 2048, 2048, right.out()));
    for (const size_t from : magnitudes())
      for (const size_t to : magnitudes())
        for (const size_t size : magnitudes()) {
          f.expect(numbers("copy", {from, to, size}),
                   in_range(from, size, buffer_size) && in_range(to, size, buffer_size),
                   gpuc_buffer_copy_async(f.one, f.two, f.queue, from, to, size, nullptr, 0, nullptr), out_of_range);
          // Within one buffer: apart, too.
          const Wide a = from, b = Wide(to) + 2048;
          const bool apart = size == 0 || a + size <= b || b + size <= a;
          f.expect(numbers("copy within", {from, to, size}),
                   in_range(from, size, buffer_size) && in_range(to, size, 2048) && apart,
                   gpuc_buffer_copy_async(f.one, right, f.queue, from, to, size, nullptr, 0, nullptr),
                   {GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_OVERLAP});
        }
    OK(gpuc_queue_finish(f.queue));
    CHECK(f.valid > 300);
  }

  TEST_CASE("creation") {
    // The device's limit, and memory of the context that is limited to little, so that nothing large is made.
    const Context context = another_context();
    OK(gpuc_context_set_memory_limit(context, 1 << 20));
    const size_t most = device_number(GPUC_DEVICE_MAX_ALLOCATION_BYTES);
    long made = 0;
    for (const size_t size : magnitudes()) {
      for (const uint32_t flags : {0u, uint32_t(GPUC_BUFFER_UNPOOLED)}) {
        gpuc_buffer *buffer = nullptr;
        const gpuc_status status = gpuc_buffer_create(context, size, flags, &buffer);
        const std::string expected = size > most        ? "GPUC_ERROR_ALLOCATION_TOO_LARGE"
                                     : size > (1 << 20) ? "GPUC_ERROR_OUT_OF_DEVICE_MEMORY"
                                                        : "GPUC_OK";
        CHECK_MESSAGE(named(status) == expected, size);
        CHECK((buffer != nullptr) == (status == GPUC_OK));
        made += buffer != nullptr;
        gpuc_buffer_release(buffer);
      }
      if (size <= most) continue;
      gpuc_host_memory *memory = nullptr;
      FAILS(GPUC_ERROR_ALLOCATION_TOO_LARGE, gpuc_host_memory_create(context, size, &memory));
    }
    CHECK(made >= 16);
    // Products of default dimensions.
    ProQue proque;
    gpuc_proque_options options = proque_options_init();
    options.context = context;
    OK(gpuc_proque_create("kernel void k(global int *x) {}", GPUC_NUL_TERMINATED, &options, proque.out()));
    for (const size_t x : magnitudes())
      for (const size_t y : magnitudes()) {
        const size_t dims[2] = {x, y};
        const bool valid = x > 0 && y > 0 && Wide(x) * y <= SIZE_MAX;
        const gpuc_status status = gpuc_proque_set_dims(proque, 2, dims);
        CHECK_MESSAGE((status == GPUC_OK) == valid, x << " x " << y << ": " << named(status));
        if (!valid) {
          CHECK((status == GPUC_ERROR_INVALID_ARGUMENT || status == GPUC_ERROR_OVERFLOW));
          continue;
        }
        const Wide bytes = Wide(x) * y * 8;
        gpuc_buffer *buffer = nullptr;
        const std::string got = named(gpuc_proque_create_buffer(proque, GPUC_TYPE_F64, &buffer));
        const std::string expected = bytes > SIZE_MAX    ? "GPUC_ERROR_OVERFLOW"
                                     : bytes > most      ? "GPUC_ERROR_ALLOCATION_TOO_LARGE"
                                     : bytes > (1 << 20) ? "GPUC_ERROR_OUT_OF_DEVICE_MEMORY"
                                                         : "GPUC_OK";
        CHECK_MESSAGE(got == expected, x << " x " << y);
        gpuc_buffer_release(buffer);
      }
  }

  TEST_CASE("boxes") {
    Fixture f;
    // One side in the buffer; the other, in host memory, has the same origin and pitches, and is never read where
    // refused.
    const std::vector<size_t> values = {
        0, 1, 16, 64, buffer_size, size_t(1) << 31, (size_t(1) << 32) + 1, (size_t(1) << 62) - 1, SIZE_MAX};
    const auto check = [&](const gpuc_rect &rect) {
      const Wide w = rect.region[0], h = rect.region[1], d = rect.region[2];
      const bool empty = !w || !h || !d;
      const Wide row = rect.destination_row_pitch_bytes ? Wide(rect.destination_row_pitch_bytes) : w;
      const Wide tight = row * h;
      const Wide plane = rect.destination_slice_pitch_bytes ? Wide(rect.destination_slice_pitch_bytes) : tight;
      bool valid = row >= w && plane >= tight;
      // Each of these is below 2^66, so that only the products need care.
      const Wide x = rect.destination_origin[0], y = rect.destination_origin[1], z = rect.destination_origin[2];
      const Wide cap = Wide(1) << 64;
      if (valid && !empty) {
        const Wide rows = y + h - 1, planes = z + d - 1;
        valid = (rows < cap && planes < cap && row < cap && plane < cap) && rows * row < cap && planes * plane < cap &&
                planes * plane + rows * row + x + w <= buffer_size;
        // Drivers want a slice pitch that is a multiple of the row pitch.
        if (valid && plane % row) return;
      }
      if (empty) valid = true;
      const std::string what =
          "box of " + numbers("", {rect.region[0], rect.region[1], rect.region[2]}) + " at" +
          numbers("", {rect.destination_origin[0], rect.destination_origin[1], rect.destination_origin[2]}) +
          " pitches" + numbers("", {rect.destination_row_pitch_bytes, rect.destination_slice_pitch_bytes});
      static unsigned char host[2 * buffer_size];
      gpuc_rect twin = rect;
      std::copy_n(rect.destination_origin, 3, twin.source_origin);
      twin.source_row_pitch_bytes = rect.destination_row_pitch_bytes;
      twin.source_slice_pitch_bytes = rect.destination_slice_pitch_bytes;
      const std::vector<gpuc_status> statuses = {GPUC_ERROR_INVALID_ARGUMENT, GPUC_ERROR_OUT_OF_RANGE,
                                                 GPUC_ERROR_OVERFLOW};
      f.expect(what, valid, gpuc_buffer_write_rect(f.one, f.queue, &twin, host), statuses);
      f.expect(what, valid, gpuc_buffer_read_rect(f.one, f.queue, &twin, host), statuses);
      f.expect(what, valid, gpuc_buffer_write_rect_async(f.one, f.queue, &twin, host, nullptr, 0, nullptr), statuses);
      f.expect(what, valid, gpuc_buffer_read_rect_async(f.one, f.queue, &twin, host, nullptr, 0, nullptr), statuses);
      f.expect(what, valid, gpuc_buffer_copy_rect_async(f.one, f.two, f.queue, &twin, nullptr, 0, nullptr), statuses);
    };
    gpuc_rect base = rect_init();
    base.region[0] = 16;
    base.region[1] = base.region[2] = 2;
    const auto each = [&](const std::function<void(gpuc_rect &, size_t, size_t)> &set) {
      for (const size_t a : values)
        for (const size_t b : values) {
          gpuc_rect rect = base;
          set(rect, a, b);
          check(rect);
        }
    };
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        each([&](gpuc_rect &r, size_t a, size_t b) { r.region[i] = a, r.destination_origin[j] = b; });
        if (i < j) each([&](gpuc_rect &r, size_t a, size_t b) { r.region[i] = a, r.region[j] = b; });
        if (i < j)
          each([&](gpuc_rect &r, size_t a, size_t b) { r.destination_origin[i] = a, r.destination_origin[j] = b; });
      }
    for (int i = 0; i < 3; ++i) {
      each([&](gpuc_rect &r, size_t a, size_t b) { r.region[i] = a, r.destination_row_pitch_bytes = b; });
      each([&](gpuc_rect &r, size_t a, size_t b) { r.region[i] = a, r.destination_slice_pitch_bytes = b; });
      each([&](gpuc_rect &r, size_t a, size_t b) { r.destination_origin[i] = a, r.destination_slice_pitch_bytes = b; });
    }
    each([&](gpuc_rect &r, size_t a, size_t b) {
      r.destination_row_pitch_bytes = a, r.destination_slice_pitch_bytes = b;
    });
    OK(gpuc_queue_finish(f.queue));
    CHECK(f.valid > 500);
    CHECK(f.refused > 3000);
  }

  TEST_CASE("launches") {
    const Kernel kernel = kernel_named("fill_value");
    const Buffer buffer = buffer_of(runtime().context, buffer_size * 4);
    const gpuc_arg args[] = {buffer_arg(buffer), i32_arg(1)};
    uint64_t largest_group = 0;
    OK(gpuc_kernel_get_number(kernel, nullptr, GPUC_KERNEL_MAX_WORK_GROUP_SIZE, &largest_group));
    const uint64_t most_items[] = {device_number(GPUC_DEVICE_MAX_WORK_ITEMS_X),
                                   device_number(GPUC_DEVICE_MAX_WORK_ITEMS_Y)};
    const std::vector<size_t> values = {0,
                                        1,
                                        2,
                                        16,
                                        1000,
                                        buffer_size,
                                        size_t(1) << 31,
                                        (size_t(1) << 32) + 1,
                                        (size_t(1) << 62) - 1,
                                        SIZE_MAX - 1,
                                        SIZE_MAX};
    long valid = 0, refused = 0;
    for (const size_t x : values)
      for (const size_t y : values)
        for (const size_t local : values)
          for (const size_t offset : {size_t(0), size_t(1), SIZE_MAX}) {
            gpuc_launch launch = launch_1d(x);
            launch.dims = 2;
            launch.global[1] = y;
            launch.local[0] = local;
            launch.local[1] = local ? 1 : 0;
            launch.offset[0] = offset;
            const bool nothing = x == 0 || y == 0;
            bool is_valid = Wide(x) * y <= SIZE_MAX && Wide(x) + offset <= SIZE_MAX;
            if (local) is_valid = is_valid && x % local == 0 && local <= largest_group && local <= most_items[0];
            if (nothing) is_valid = true;
            // What is valid and would write past the buffer or run for ever is not launched.
            if (is_valid && !nothing && Wide(x) * y > buffer_size) continue;
            if (is_valid && !nothing && x + offset > buffer_size) continue;
            const gpuc_status status =
                gpuc_kernel_launch(kernel, runtime().queue, &launch, args, 2, nullptr, 0, nullptr);
            (is_valid ? valid : refused) += 1;
            if (is_valid ? status != GPUC_OK : status != GPUC_ERROR_INVALID_ARGUMENT && status != GPUC_ERROR_OVERFLOW)
              FAIL_CHECK(numbers("launch", {x, y, local, offset})
                         << (is_valid ? " is valid" : " is not valid") << " and gives " << named(status) << ": "
                         << last_failure());
          }
    OK(gpuc_queue_finish(runtime().queue));
    CHECK(valid > 100);
    CHECK(refused > 1000);
  }

  TEST_CASE("matrix products") {
    Fixture f;
    const Buffer c = buffer_of(runtime().context, buffer_size);
    const std::vector<int64_t> values = {0,
                                         1,
                                         2,
                                         30,
                                         31,
                                         1024,
                                         1025,
                                         int64_t(1) << 31,
                                         (int64_t(1) << 32) + 1,
                                         (int64_t(1) << 62) - 1000,
                                         INT64_MAX - 1,
                                         INT64_MAX};
    constexpr int64_t elements = buffer_size / 4;
    // Where a matrix of rows x columns ends, in elements; at most 2^126.
    const auto end = [](int64_t rows, int64_t columns, int64_t ld, int64_t offset, int64_t stride, int64_t batch) {
      return Wide(offset) + Wide(batch - 1) * static_cast<Wide>(stride) +
             Wide(rows - 1) * static_cast<Wide>(ld ? ld : columns) + columns;
    };
    const auto check = [&](const gpuc_gemm_desc &d) {
      const bool nothing = !d.m || !d.n || !d.batch_count;
      bool valid = (!d.lda || d.lda >= std::max<int64_t>(d.k, 1)) && (!d.ldb || d.ldb >= std::max<int64_t>(d.n, 1)) &&
                   (!d.ldc || d.ldc >= std::max<int64_t>(d.n, 1));
      if (valid && !nothing) {
        valid = end(d.m, d.n, d.ldc, d.c_offset, d.c_stride, d.batch_count) <= elements;
        if (d.k)
          valid = valid && end(d.m, d.k, d.lda, d.a_offset, d.a_stride, d.batch_count) <= elements &&
                  end(d.k, d.n, d.ldb, d.b_offset, d.b_stride, d.batch_count) <= elements;
        if (valid && d.batch_count > 1) return;  // whether products overlap has tests of its own
        // What is valid and large would take long.
        if (valid && Wide(d.m) * d.n * d.k > 40000) return;
      }
      const gpuc_status status = gpuc_gemm(f.queue, &d, f.one, f.two, c, nullptr, 0, nullptr);
      f.expect(numbers("gemm m n k lda ldb ldc a b c offsets batch stride",
                       {size_t(d.m), size_t(d.n), size_t(d.k), size_t(d.lda), size_t(d.ldb), size_t(d.ldc),
                        size_t(d.a_offset), size_t(d.b_offset), size_t(d.c_offset), size_t(d.batch_count),
                        size_t(d.c_stride)}),
               valid, status, {GPUC_ERROR_INVALID_ARGUMENT, GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_OVERFLOW});
    };
    gpuc_gemm_desc base = gemm_desc_init();
    base.m = base.n = base.k = 2;
    base.backend = "reference";
    using Member = int64_t gpuc_gemm_desc::*;
    const Member members[] = {&gpuc_gemm_desc::m,        &gpuc_gemm_desc::n,           &gpuc_gemm_desc::k,
                              &gpuc_gemm_desc::lda,      &gpuc_gemm_desc::ldb,         &gpuc_gemm_desc::ldc,
                              &gpuc_gemm_desc::a_offset, &gpuc_gemm_desc::b_offset,    &gpuc_gemm_desc::c_offset,
                              &gpuc_gemm_desc::a_stride, &gpuc_gemm_desc::batch_count, &gpuc_gemm_desc::c_stride};
    for (const Member one : members)
      for (const Member other : members) {
        if (one == other) continue;
        for (const int64_t a : values)
          for (const int64_t b : values) {
            gpuc_gemm_desc d = base;
            d.*one = a;
            d.*other = b;
            check(d);
          }
      }
    OK(gpuc_queue_finish(f.queue));
    CHECK(f.valid > 1000);
    CHECK(f.refused > 3000);
  }
}
