#include <gpucompute/array.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "array/array_view.hpp"
#include "array/copy_kernels.hpp"
#include "array/copy_plan.hpp"
#include "array/element_convert.hpp"
#include "support/fixture.hpp"
#include "support/text.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

namespace {

constexpr DataType all_types[] = {DataType::boolean, DataType::i8,     DataType::u8,     DataType::i16, DataType::u16,
                                  DataType::i32,     DataType::u32,    DataType::i64,    DataType::u64, DataType::f16,
                                  DataType::bf16,    DataType::f8e4m3, DataType::f8e5m2, DataType::f32, DataType::f64,
                                  DataType::c64,     DataType::c128};

DataType part_type(DataType type) {
  return type == DataType::c64 ? DataType::f32 : type == DataType::c128 ? DataType::f64 : type;
}

// NaNs of all kinds become one.
void unify_nans(DataType type, unsigned char *element) {
  const std::size_t part = part_size(type);
  for (std::size_t at = 0; at < size_of(type); at += part) {
    unsigned char wide[16];
    convert_element(part_type(type), element + at, DataType::f64, wide);
    double value;
    std::memcpy(&value, wide, 8);
    if (std::isnan(value)) std::memset(element + at, 0xFF, part);
  }
}

// Calls each(offset) with the bytes from the start of the buffer to each element, in row-major order.
template <class Each>
void for_elements(const ArrayView &view, Each &&each) {
  std::uint64_t index[ArrayView::max_dims] = {};
  for (unsigned d = 0; d < view.ndim; ++d)
    if (view.shape[d] == 0) return;
  for (;;) {
    std::int64_t offset = static_cast<std::int64_t>(view.offset);
    for (unsigned d = 0; d < view.ndim; ++d) offset += static_cast<std::int64_t>(index[d]) * view.strides[d];
    each(static_cast<std::size_t>(offset));
    unsigned d = view.ndim;
    while (d > 0 && ++index[d - 1] == view.shape[d - 1]) index[--d] = 0;
    if (d == 0) return;
  }
}

ArrayView view_of(Buffer &buffer, DataType type, const std::vector<std::uint64_t> &shape) {
  ArrayView view;
  view.buffer = &buffer;
  view.type = type;
  view.ndim = static_cast<unsigned>(shape.size());
  std::copy(shape.begin(), shape.end(), view.shape);
  pack_strides(view);
  return view;
}

// A view of that shape somewhere in a buffer that is just large enough, and some more on both sides: axes in any order,
// gaps, backwards; `repeat`: some with stride 0.
ArrayView random_view(Dice &dice, DataType type, const std::vector<std::uint64_t> &shape, bool repeat,
                      std::size_t &buffer_size) {
  ArrayView view;
  view.type = type;
  view.ndim = static_cast<unsigned>(shape.size());
  std::copy(shape.begin(), shape.end(), view.shape);
  std::vector<unsigned> order(view.ndim);
  std::iota(order.begin(), order.end(), 0u);
  if (dice.between(0, 2)) {
    for (unsigned i = view.ndim; i > 1; --i) std::swap(order[i - 1], order[dice.between(0, i - 1)]);
  } else {
    std::reverse(order.begin(), order.end());
  }
  const std::size_t part = part_size(type), gaps = dice.between(0, 2);
  std::int64_t stride = static_cast<std::int64_t>(size_of(type)), low = 0, high = stride;
  for (const unsigned d : order) {
    if (gaps == 2) stride += static_cast<std::int64_t>(dice.between(0, 3) * part);
    if (repeat && dice.between(0, 4) == 0) continue;
    const bool backwards = dice.between(0, 4) == 0;
    view.strides[d] = backwards ? -stride : stride;
    const std::int64_t reach = static_cast<std::int64_t>(std::max<std::uint64_t>(shape[d], 1) - 1) * stride;
    (backwards ? low : high) += backwards ? -reach : reach;
    stride += reach;
  }
  view.offset = static_cast<std::size_t>(-low) + dice.between(0, 5) * (gaps ? part : 64);
  buffer_size = static_cast<std::size_t>(high) + view.offset + dice.between(0, 40);
  return view;
}

// Bytes that are numbers of all sizes, for floating-point types too.
Bytes random_elements(Dice &dice, DataType type, std::size_t size) {
  Bytes bytes = dice.bytes(size);
  const std::size_t part = part_size(type);
  for (std::size_t at = 0; at + part <= size; at += part) {
    const double small = dice.real(-300, 300);
    if (dice.between(0, 1)) {
      unsigned char number[16];
      convert_element(DataType::f64, &small, part_type(type), number);
      std::memcpy(bytes.data() + at, number, part);
    }
  }
  return bytes;
}

struct Copied {
  Bytes got, wanted;
};

// dst = src with the host's arithmetic, in a copy of the destination's bytes.
Bytes model(const ArrayView &dst, Bytes content, const ArrayView &src, const Bytes &source) {
  std::vector<std::size_t> from;
  for_elements(src, [&](std::size_t at) { from.push_back(at); });
  std::size_t n = 0;
  for_elements(dst, [&](std::size_t at) {
    unsigned char element[16];
    convert_element(src.type, source.data() + from[n++], dst.type, element);
    if (src.type != dst.type) unify_nans(dst.type, element);
    std::memcpy(content.data() + at, element, size_of(dst.type));
  });
  return content;
}

Bytes with_one_nan(const ArrayView &view, Bytes content) {
  for_elements(view, [&](std::size_t at) { unify_nans(view.type, content.data() + at); });
  return content;
}

Copied copy(const Bench &bench, ArrayView dst, const Bytes &content, ArrayView src, const Bytes &source,
            const CopyStyle *style = nullptr) {
  const auto to = bench.buffer(content), from = bench.buffer(source);
  dst.buffer = to.get();
  src.buffer = from.get();
  if (style) {
    CommandList list;
    const CheckedView checked = check_destination(dst, *bench.queue, "dst");
    if (checked.count) add_copy(list, *bench.queue, checked, check_view(src, *bench.queue, "src"), *style);
    list.run(*bench.queue, {}, nullptr);
  } else {
    array_copy(*bench.queue, dst, src);
  }
  Copied result{bench.read(*to), model(dst, content, src, source)};
  if (dst.type != src.type) result.got = with_one_nan(dst, result.got);
  return result;
}

std::string shown(const ArrayView &view) {
  std::string out = text(name_of(view.type), " at ", view.offset);
  for (unsigned d = 0; d < view.ndim; ++d) out += text(d ? ", " : " ", view.shape[d], ":", view.strides[d]);
  return out;
}

bool can_convert(const Bench &bench, DataType from, DataType to) {
  return from == to || bench.device().capabilities().fp64 || !(is_double(from) || is_double(to));
}

// Numbers at which conversions go wrong.
const double edges[] = {0.0,
                        -0.0,
                        0.49,
                        -0.5,
                        0.999,
                        1.5,
                        2.5,
                        -2.5,
                        127,
                        127.9,
                        128,
                        -128,
                        -128.9,
                        -129,
                        255,
                        255.9,
                        256,
                        32767.5,
                        32768,
                        -32769,
                        65503,
                        65504,
                        65519.996,
                        65520,
                        65535.5,
                        65536,
                        2147483647,
                        2147483648.0,
                        -2147483649.0,
                        4294967295.0,
                        4294967296.0,
                        0x1p53,
                        9223372036854774784.0,
                        0x1p63,
                        -0x1p63,
                        18446744073709549568.0,
                        0x1p64,
                        0x1p-14,
                        0x1p-24,
                        0x1p-25,
                        0x1.000002p-25,
                        0x1.ffcp-15,
                        1 + 0x1p-11,
                        1 + 0x1p-11 + 0x1p-40,
                        1 + 0x1p-8,
                        1 + 0x1p-8 + 0x1p-50,
                        1 + 0x1p-24,
                        1 + 0x1p-24 + 0x1p-52,
                        0x1.fffffep127,
                        0x1.ffffffp127,
                        0x1p128,
                        0x1.fep127,
                        0x1.ffp127,
                        1e300,
                        -1e300,
                        1e-300,
                        std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity(),
                        std::numeric_limits<double>::quiet_NaN()};

}  // namespace

TEST_SUITE("array") {
  TEST_CASE("conversion of one element on the host") {
    const auto converted = [](DataType from, const void *value, DataType to) {
      unsigned char out[16] = {};
      convert_element(from, value, to, out);
      std::uint64_t bits = 0;
      std::memcpy(&bits, out, std::min<std::size_t>(size_of(to), 8));
      return bits;
    };
    const auto of_double = [&](double value, DataType to) { return converted(DataType::f64, &value, to); };
    const auto of_long = [&](std::int64_t value, DataType to) { return converted(DataType::i64, &value, to); };
    CHECK(of_long(-1, DataType::u8) == 0xff);
    CHECK(of_long(0x1234567890, DataType::i16) == 0x7890);
    CHECK(of_long(-200, DataType::i8) == 56);
    CHECK(of_long(256, DataType::boolean) == 1);
    CHECK(of_double(-3.9, DataType::i32) == 0xfffffffd);
    CHECK(of_double(300, DataType::u8) == 255);
    CHECK(of_double(-1, DataType::u16) == 0);
    CHECK(of_double(1e30, DataType::i64) == 0x7fffffffffffffff);
    CHECK(of_double(-1e30, DataType::i64) == 0x8000000000000000);
    CHECK(of_double(1e30, DataType::u64) == 0xffffffffffffffff);
    CHECK(of_double(NAN, DataType::i32) == 0);
    CHECK(of_double(NAN, DataType::boolean) == 1);
    CHECK(of_double(1, DataType::f16) == 0x3c00);
    CHECK(of_double(1 + 0x1p-11, DataType::f16) == 0x3c00);
    CHECK(of_double(1 + 0x1p-11 + 0x1p-40, DataType::f16) == 0x3c01);
    CHECK(of_double(65519.99, DataType::f16) == 0x7bff);
    CHECK(of_double(65520, DataType::f16) == 0x7c00);
    CHECK(of_double(0x1p-24, DataType::f16) == 1);
    CHECK(of_double(-0x1p-25, DataType::f16) == 0x8000);
    CHECK(of_double(0x1.0001p-25, DataType::f16) == 1);
    CHECK(of_double(0x1.ffcp-15, DataType::f16) == 0x400);
    CHECK(of_double(1, DataType::bf16) == 0x3f80);
    CHECK(of_double(1 + 0x1p-8, DataType::bf16) == 0x3f80);
    CHECK(of_double(1 + 0x1p-8 + 0x1p-50, DataType::bf16) == 0x3f81);
    CHECK(of_double(0x1.ffp127, DataType::bf16) == 0x7f80);
    CHECK(of_double(0x1p-133, DataType::bf16) == 1);
    CHECK(of_double(0x1p-134, DataType::bf16) == 0);
    CHECK(of_double(448, DataType::f8e4m3) == 0x7e);
    CHECK(of_double(463.9, DataType::f8e4m3) == 0x7e);
    CHECK(of_double(464, DataType::f8e4m3) == 0x7e);
    CHECK(of_double(464.1, DataType::f8e4m3) == 0x7f);
    CHECK(of_double(-INFINITY, DataType::f8e4m3) == 0xff);
    CHECK(of_double(0x1p-10, DataType::f8e4m3) == 0);
    CHECK(of_double(0x1.01p-10, DataType::f8e4m3) == 1);
    CHECK(of_double(0x1.fp-7, DataType::f8e4m3) == 8);
    CHECK(of_double(57344, DataType::f8e5m2) == 0x7b);
    CHECK(of_double(61439, DataType::f8e5m2) == 0x7b);
    CHECK(of_double(61440, DataType::f8e5m2) == 0x7c);
    CHECK(of_double(NAN, DataType::f8e5m2) == 0x7e);
    CHECK(of_double(0x1p-17, DataType::f8e5m2) == 0);
    CHECK(of_long(0x0101000000000001, DataType::bf16) == 0x5b81);  // rounded twice it would be 0x5b80
    CHECK(of_long(0x0101000000000000, DataType::bf16) == 0x5b80);
    CHECK(of_long((std::int64_t(1) << 24) + 1, DataType::f32) == 0x4b800000);
    const float one_and_two[2] = {1, 2};
    CHECK(converted(DataType::c64, one_and_two, DataType::i8) == 1);
    CHECK(converted(DataType::f32, one_and_two, DataType::c64) == 0x3f800000);
    const std::uint8_t seven = 7;
    CHECK(converted(DataType::boolean, &seven, DataType::i32) == 1);
  }

  TEST_CASE("every type to every other: edges and random numbers") {
    SKIP_WITHOUT_COMPILER();
    const Bench bench;
    Dice dice(101);
    const bool all_pairs = std::getenv("GPUC_TEST_FULL");
    for (const DataType from : all_types)
      for (const DataType to : all_types) {
        if (!can_convert(bench, from, to)) continue;
        // To compile all pairs takes minutes: those with one of three types, and a quarter of the others.
        const auto common = [](DataType t) { return t == DataType::f32 || t == DataType::i64 || t == DataType::f16; };
        if (!bench.slow() && !all_pairs && !common(from) && !common(to) && dice.between(0, 3)) continue;
        const std::size_t count = std::size(edges) + (bench.slow() ? 10 : 333);
        Bytes source = random_elements(dice, from, count * size_of(from));
        for (std::size_t i = 0; i < std::size(edges); ++i) {
          convert_element(DataType::f64, &edges[i], from, source.data() + i * size_of(from));
          if (is_complex(from))  // imaginary parts: the edges in reverse
            convert_element(DataType::f64, &edges[std::size(edges) - 1 - i], part_type(from),
                            source.data() + i * size_of(from) + part_size(from));
        }
        const Bytes content = dice.bytes(count * size_of(to) + 64);
        const auto dst_buffer = bench.buffer(content), src_buffer = bench.buffer(source);
        const ArrayView dst = view_of(*dst_buffer, to, {count}), src = view_of(*src_buffer, from, {count});
        for (const bool rows : {true, false}) {
          // Both kernels convert by the same text; to compile each for all pairs takes minutes.
          if (bench.slow() ? rows : !rows && from != DataType::f32 && to != DataType::u8) continue;
          CopyStyle style;
          style.rows = rows;
          const Copied copied = copy(bench, dst, content, src, source, &style);
          if (copied.got == copied.wanted) continue;
          for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = i * size_of(to);
            const auto hex = [&](const Bytes &bytes, std::size_t begin, DataType type) {
              std::string out;
              for (std::size_t b = size_of(type); b-- > 0;) {
                char digits[3];
                std::snprintf(digits, sizeof digits, "%02x", bytes[begin + b]);
                out += digits;
              }
              return out;
            };
            const std::string got = hex(copied.got, at, to), wanted = hex(copied.wanted, at, to);
            CHECK_MESSAGE(got == wanted,
                          text(name_of(from), " ", hex(source, i * size_of(from), from), " to ", name_of(to),
                               rows ? " by rows" : " by elements", ": got ", got, ", wanted ", wanted));
          }
          CHECK_MESSAGE(copied.got == copied.wanted, "bytes around the array have changed");
        }
      }
  }

  TEST_CASE("f16 to f32 and back, every value") {
    SKIP_WITHOUT_COMPILER();
    const Bench bench;
    const std::size_t count = bench.slow() ? 500 : 65536;
    Bytes halves(count * 2);
    for (std::size_t i = 0; i < count; ++i) {
      halves[2 * i] = static_cast<unsigned char>(i * (65536 / count));
      halves[2 * i + 1] = static_cast<unsigned char>(i * (65536 / count) >> 8);
    }
    const auto a = bench.buffer(halves), b = bench.buffer(Bytes(count * 4, 0xEE)), c = bench.buffer(Bytes(count * 2));
    array_copy(*bench.queue, view_of(*b, DataType::f32, {count}), view_of(*a, DataType::f16, {count}));
    array_copy(*bench.queue, view_of(*c, DataType::f16, {count}), view_of(*b, DataType::f32, {count}));
    CHECK(with_one_nan(view_of(*c, DataType::f16, {count}), bench.read(*c)) ==
          with_one_nan(view_of(*a, DataType::f16, {count}), halves));
  }

  TEST_CASE("random views") {
    SKIP_WITHOUT_COMPILER();
    const Bench bench;
    Dice dice(102);
    const int rounds = bench.slow() ? 200 : 400;
    for (int round = 0; round < rounds; ++round) {
      std::vector<std::uint64_t> shape(dice.between(0, 5));
      for (auto &size : shape) size = dice.between(0, 20) ? dice.between(1, shape.size() > 3 ? 5 : 11) : 0;
      if (shape.size() == 2 && dice.between(0, 1)) shape = {dice.between(16, 70), dice.between(16, 70)};
      if (shape.size() == 3 && !bench.slow() && dice.between(0, 1))
        shape = {dice.between(1, 4), dice.between(16, 70), dice.between(16, 70)};
      // Few pairs of types, so that not all is compiling.
      const DataType to = all_types[dice.between(0, std::size(all_types) - 1)];
      const DataType from = dice.between(0, 3) ? to : to == DataType::f32 ? DataType::i16 : DataType::f32;
      if (!can_convert(bench, from, to)) continue;
      std::size_t dst_size = 0, src_size = 0;
      const ArrayView dst = random_view(dice, to, shape, false, dst_size);
      const ArrayView src = random_view(dice, from, shape, true, src_size);
      const Bytes content = dice.bytes(dst_size), source = random_elements(dice, from, src_size);
      CopyStyle style;
      style.rows = dice.between(0, 1);
      style.wide = dice.between(0, 3) == 0;
      style.most = dice.between(0, 2) ? most_elements : dice.between(1, 700);
      INFO(text("round ", round, " seed ", dice.seed(), ": ", shown(dst), " = ", shown(src), style.rows ? " rows" : "",
                style.wide ? " wide" : "", " most ", style.most));
      const bool plain = dice.between(0, 2) == 0;
      const Copied copied = copy(bench, dst, content, src, source, plain ? nullptr : &style);
      REQUIRE((copied.got == copied.wanted));
    }
  }

  TEST_CASE("broadcasting") {
    const Bench bench;
    const std::vector<float> numbers = {1, 2, 3};
    Bytes source(12);
    std::memcpy(source.data(), numbers.data(), 12);
    const auto from = bench.buffer(source), to = bench.buffer(Bytes(2 * 3 * 3 * 8));
    const auto values = [&] {
      std::vector<double> out(18);
      to->read(*bench.queue, 0, 18 * 8, out.data());
      return out;
    };
    if (!bench.device().capabilities().fp64) return;
    const ArrayView dst = view_of(*to, DataType::f64, {2, 3, 3});
    array_copy(*bench.queue, dst, view_of(*from, DataType::f32, {3}));
    CHECK(values() == std::vector<double>{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3});
    array_copy(*bench.queue, dst, view_of(*from, DataType::f32, {1, 1, 3, 1}));
    CHECK(values() == std::vector<double>{1, 1, 1, 2, 2, 2, 3, 3, 3, 1, 1, 1, 2, 2, 2, 3, 3, 3});
    CHECK_FAILS(Status::invalid_argument, "source has the shape (2,), which does not broadcast to (2, 3, 3)",
                array_copy(*bench.queue, dst, view_of(*from, DataType::f32, {2})));
    CHECK_FAILS(Status::invalid_argument, "does not broadcast",
                array_copy(*bench.queue, view_of(*to, DataType::f64, {3}), view_of(*from, DataType::f32, {3, 1})));
  }

  TEST_CASE("arrays that share bytes") {
    SKIP_WITHOUT_COMPILER();
    const Bench bench;
    Dice dice(103);
    for (int round = 0; round < (bench.slow() ? 20 : 150); ++round) {
      const Bytes content = dice.bytes(600);
      const auto buffer = bench.buffer(content);
      const std::uint64_t size = dice.between(1, 6), more = dice.between(1, 5);
      std::size_t dst_size = 0, src_size = 0;
      ArrayView dst = random_view(dice, DataType::u16, {size, more}, false, dst_size);
      ArrayView src =
          random_view(dice, dice.between(0, 1) ? DataType::u16 : DataType::u8, {size, more}, true, src_size);
      if (dst_size > 600 || src_size > 600) continue;
      dst.buffer = src.buffer = buffer.get();
      INFO(text("round ", round, " seed ", dice.seed(), ": ", shown(dst), " = ", shown(src)));
      array_copy(*bench.queue, dst, src);
      REQUIRE((bench.read(*buffer) == model(dst, content, src, content)));
    }
    // Even and odd elements lie in one range and share none.
    const auto buffer = bench.buffer(Bytes(64));
    ArrayView even = view_of(*buffer, DataType::f32, {8}), odd = even;
    even.strides[0] = odd.strides[0] = 8;
    odd.offset = 4;
    const Queue &queue = *bench.queue;
    CHECK_FALSE(may_share_bytes(check_view(even, queue, "a"), check_view(odd, queue, "b")));
    odd.offset = 2;
    odd.type = DataType::i16;
    CHECK(may_share_bytes(check_view(even, queue, "a"), check_view(odd, queue, "b")));
    odd.offset = 6;
    CHECK_FALSE(may_share_bytes(check_view(even, queue, "a"), check_view(odd, queue, "b")));
  }

  TEST_CASE("fills") {
    SKIP_WITHOUT_COMPILER();
    const Bench bench;
    Dice dice(104);
    for (int round = 0; round < (bench.slow() ? 30 : 200); ++round) {
      std::vector<std::uint64_t> shape(dice.between(0, 4));
      for (auto &size : shape) size = dice.between(dice.between(0, 9) ? 1 : 0, 7);
      const DataType type = all_types[dice.between(0, std::size(all_types) - 1)];
      std::size_t size = 0;
      ArrayView view = random_view(dice, type, shape, false, size);
      const Bytes content = dice.bytes(size);
      const auto buffer = bench.buffer(content);
      view.buffer = buffer.get();
      const DataType value_type = all_types[dice.between(0, std::size(all_types) - 1)];
      const Bytes value = random_elements(dice, value_type, 16);
      INFO(text("round ", round, " seed ", dice.seed(), ": ", shown(view), " = a ", name_of(value_type)));
      CopyStyle style;
      style.rows = dice.between(0, 1);
      style.most = dice.between(1, 50);
      unsigned char element[16];
      convert_element(value_type, value.data(), type, element);
      Bytes wanted = content;
      for_elements(view, [&](std::size_t at) { std::memcpy(wanted.data() + at, element, size_of(type)); });
      if (dice.between(0, 1)) {
        array_fill(*bench.queue, view, value.data(), value_type);
      } else {
        CommandList list;
        const CheckedView checked = check_destination(view, *bench.queue, "view");
        if (checked.count) add_fill(list, *bench.queue, checked, element, style);
        list.run(*bench.queue, {}, nullptr);
      }
      REQUIRE((bench.read(*buffer) == wanted));
    }
  }

  TEST_CASE("ranges") {
    SKIP_WITHOUT_COMPILER();
    const Bench bench;
    for (const DataType type : all_types) {
      if (type == DataType::boolean || !can_convert(bench, type, DataType::none)) continue;
      const std::size_t count = 100, stride = 3 * part_size(type), size = size_of(type) + stride * (count - 1) + 16;
      const Bytes content(size, 0xEE);
      const auto buffer = bench.buffer(content);
      ArrayView view = view_of(*buffer, type, {count});
      view.strides[0] = static_cast<std::int64_t>(stride);
      if (type == DataType::i32) {  // backwards
        view.strides[0] = -view.strides[0];
        view.offset = stride * (count - 1);
      }
      const double start = -3, step = 7;
      array_arange(*bench.queue, view, &start, &step, DataType::f64);
      Bytes wanted = content;
      std::int64_t i = 0;
      for_elements(view, [&](std::size_t at) {
        unsigned char element[16];
        const std::int64_t exact = 7 * i++ - 3;    // f8 rounds it once
        const std::int64_t from_zero = exact + 3;  // u types: -3 becomes 0 when it is converted
        const bool clipped =
            type == DataType::u8 || type == DataType::u16 || type == DataType::u32 || type == DataType::u64;
        convert_element(DataType::i64, clipped ? &from_zero : &exact, type, element);
        std::memcpy(wanted.data() + at, element, size_of(type));
      });
      INFO(name_of(type));
      CHECK((bench.read(*buffer) == wanted));
    }
    const auto buffer = bench.buffer(Bytes(24));
    const std::int64_t start = INT64_MAX - 1, step = 2;
    array_arange(*bench.queue, view_of(*buffer, DataType::i64, {3}), &start, &step, DataType::i64);
    std::int64_t numbers[3];
    buffer->read(*bench.queue, 0, 24, numbers);
    CHECK(numbers[0] == INT64_MAX - 1);
    CHECK(numbers[1] == INT64_MIN);
    CHECK(numbers[2] == INT64_MIN + 2);
    CHECK_FAILS(Status::invalid_argument, "view.ndim is 2, must be 1",
                array_arange(*bench.queue, view_of(*buffer, DataType::i64, {1, 2}), &start, &step, DataType::i64));
    CHECK_FAILS(Status::invalid_argument, "bool",
                array_arange(*bench.queue, view_of(*buffer, DataType::boolean, {3}), &start, &step, DataType::i64));
  }

  TEST_CASE("reads and writes of views, waiting or not, in order or not") {
    SKIP_WITHOUT_COMPILER();
    const Bench bench;
    Dice dice(105);
    std::vector<std::shared_ptr<Queue>> queues = {bench.queue};
    if (bench.device().info().out_of_order)
      queues.push_back(Queue::create(*bench.context, nullptr, Queue::out_of_order));
    for (int round = 0; round < (bench.slow() ? 10 : 80); ++round) {
      Queue &queue = *queues[dice.between(0, queues.size() - 1)];
      const bool wait = dice.between(0, 1);
      std::size_t size = 0;
      const std::vector<std::uint64_t> shape = {dice.between(0, 9), dice.between(1, 9)};
      ArrayView view = random_view(dice, DataType::i32, shape, false, size);
      const Bytes content = dice.bytes(size), host = dice.bytes(shape[0] * shape[1] * 4);
      const auto buffer = bench.buffer(content);
      view.buffer = buffer.get();
      Bytes wanted = content, back(host.size(), 0xEE);
      std::size_t n = 0;
      for_elements(view, [&](std::size_t at) { std::memcpy(wanted.data() + at, host.data() + 4 * n++, 4); });
      if (wait) {
        array_write(queue, view, host.data());
        queue.finish();
        array_read(queue, view, back.data());
      } else {
        std::shared_ptr<Event> written, read;
        array_write_async(queue, view, host.data(), {}, &written);
        array_read_async(queue, view, back.data(), WaitFor(*written), &read);
        read->wait();
      }
      CHECK((back == host));
      CHECK((bench.read(*buffer) == wanted));
    }
  }

  TEST_CASE("several launches follow each other on an out-of-order queue") {
    SKIP_WITHOUT_COMPILER();
    const Bench bench;
    if (!bench.device().info().out_of_order) return;
    const auto queue = Queue::create(*bench.context, nullptr, Queue::out_of_order);
    const std::size_t count = bench.slow() ? 100 : 20000;
    const auto buffer = bench.buffer(Bytes(count * 4));
    ArrayView view = view_of(*buffer, DataType::i32, {count});
    const std::int32_t start = 0, step = 1;
    std::shared_ptr<Event> event;
    array_arange(*queue, view, &start, &step, DataType::i32, {}, &event);
    ArrayView turned = view;  // shares all bytes: goes by way of a third array
    turned.offset = (count - 1) * 4;
    turned.strides[0] = -4;
    for (int i = 0; i < 5; ++i) {
      std::shared_ptr<Event> next;
      array_copy(*queue, view, turned, WaitFor(*event), &next);
      event = next;
    }
    event->wait();
    std::vector<std::int32_t> numbers(count);
    buffer->read(*queue, 0, count * 4, numbers.data());
    for (std::size_t i = 0; i < count; ++i) REQUIRE(numbers[i] == static_cast<std::int32_t>(count - 1 - i));
  }

  TEST_CASE("what is wrong with a view") {
    const Bench bench;
    const auto buffer = bench.buffer(Bytes(1000)), other = bench.buffer(Bytes(1000));
    const ArrayView good = view_of(*buffer, DataType::f32, {5, 5}), src = view_of(*other, DataType::f32, {5, 5});
    const auto refused = [&](Status status, const char *words, auto &&spoil) {
      ArrayView bad = good;
      spoil(bad);
      CHECK_FAILS(status, words, array_copy(*bench.queue, bad, src));
      bad.buffer = other.get();
      ArrayView to = good;
      if (status != Status::invalid_argument) CHECK_FAILS(status, "source", array_copy(*bench.queue, to, bad));
    };
    refused(Status::invalid_argument, "destination.type is 99", [](ArrayView &v) { v.type = DataType(99); });
    refused(Status::invalid_argument, "ndim is 17, must be at most 16", [](ArrayView &v) { v.ndim = 17; });
    refused(Status::out_of_range, "reaches from byte 904 to byte 1004", [](ArrayView &v) { v.offset = 904; });
    refused(Status::out_of_range, "from byte -20", [](ArrayView &v) { v.strides[1] = -5 * 4, v.offset = 60; });
    refused(Status::out_of_range, "more than 2^63", [](ArrayView &v) { v.strides[0] = INT64_MAX / 4 * 4 - 3; });
    refused(Status::out_of_range, "less than -2^63", [](ArrayView &v) { v.strides[0] = INT64_MIN; });
    refused(Status::misaligned, "starts at byte 2", [](ArrayView &v) { v.offset = 2; });
    refused(Status::misaligned, "strides_bytes[0] is 22, must be a multiple of 4",
            [](ArrayView &v) { v.strides[0] = 22; });
    refused(Status::overflow, "does not fit 63 bits",
            [](ArrayView &v) { v.shape[0] = v.shape[1] = std::uint64_t(1) << 32, v.strides[0] = v.strides[1] = 0; });
    refused(Status::invalid_argument, "elements overlap", [](ArrayView &v) { v.strides[0] = 16; });
    refused(Status::invalid_argument, "elements overlap", [](ArrayView &v) { v.strides[1] = 0; });
    ArrayView elsewhere = good;
    const auto context = Context::create();
    const auto foreign = Buffer::create(*context, 1000);
    elsewhere.buffer = foreign.get();
    CHECK_FAILS(Status::context_mismatch, "destination.buffer", array_copy(*bench.queue, elsewhere, src));
    // Half-aligned complex numbers are fine; empty views may lie anywhere.
    ArrayView complex = view_of(*buffer, DataType::c128, {3});
    complex.offset = 8;
    array_copy(*bench.queue, complex, view_of(*other, DataType::c128, {3}));
    ArrayView empty = good;
    empty.shape[1] = 0;
    empty.offset = 1 << 20;
    ArrayView none = src;
    none.shape[1] = 0;
    std::shared_ptr<Event> event;
    array_copy(*bench.queue, empty, none, {}, &event);
    event->wait();
  }

  TEST_CASE("products of views in every layout") {
    SKIP_WITHOUT_COMPILER();
    const Bench bench;
    Dice dice(107);
    for (int round = 0; round < (bench.slow() ? 8 : 80); ++round) {
      const std::uint64_t m = dice.between(1, 9), n = dice.between(1, 9),
                          k = dice.between(0, 9) ? dice.between(1, 9) : 0;
      const std::vector<std::uint64_t> batch = {dice.between(1, 3), dice.between(1, 2)};
      const auto shape = [&](std::uint64_t rows, std::uint64_t columns, bool broadcast) {
        std::vector<std::uint64_t> dims = batch;
        for (auto &size : dims)
          if (broadcast && dice.between(0, 1)) size = 1;
        dims.insert(dims.end(), {rows, columns});
        if (broadcast && dims[0] == 1) dims.erase(dims.begin());
        return dims;
      };
      std::size_t sizes[3];
      ArrayView views[3] = {random_view(dice, DataType::f32, shape(m, k, true), true, sizes[0]),
                            random_view(dice, DataType::f32, shape(k, n, true), true, sizes[1]),
                            random_view(dice, DataType::f32, shape(m, n, false), false, sizes[2])};
      std::vector<float> values[3];
      std::shared_ptr<Buffer> buffers[3];
      for (int i = 0; i < 3; ++i) {
        values[i].resize(sizes[i] / 4 + 1);
        for (float &value : values[i]) value = static_cast<float>(dice.integer(-8, 8));  // sums are exact
        buffers[i] = Buffer::create(*bench.context, values[i].size() * 4);
        buffers[i]->write(*bench.queue, 0, values[i].size() * 4, values[i].data());
        views[i].buffer = buffers[i].get();
      }
      MatmulOptions options;
      options.alpha = 2;
      options.beta = static_cast<double>(dice.integer(0, 2));
      options.backend = "reference";
      INFO(text("round ", round, " seed ", dice.seed(), ": ", shown(views[0]), " @ ", shown(views[1]), " to ",
                shown(views[2]), " beta ", options.beta.real()));
      array_matmul(*bench.queue, views[0], views[1], views[2], options);
      std::vector<float> wanted = values[2], got(wanted.size());
      const auto at = [](const ArrayView &view, std::uint64_t i, std::uint64_t j, std::uint64_t row,
                         std::uint64_t column) {
        const std::uint64_t index[4] = {i, j, row, column};
        std::int64_t offset = static_cast<std::int64_t>(view.offset);
        for (unsigned d = 0; d < view.ndim; ++d)
          if (view.shape[d] > 1) offset += static_cast<std::int64_t>(index[d + 4 - view.ndim]) * view.strides[d];
        return static_cast<std::size_t>(offset) / 4;
      };
      for (std::uint64_t i = 0; i < batch[0]; ++i)
        for (std::uint64_t j = 0; j < batch[1]; ++j)
          for (std::uint64_t row = 0; row < m; ++row)
            for (std::uint64_t column = 0; column < n; ++column) {
              float sum = 0;
              for (std::uint64_t x = 0; x < k; ++x)
                sum += values[0][at(views[0], i, j, row, x)] * values[1][at(views[1], i, j, x, column)];
              const std::size_t place = at(views[2], i, j, row, column);
              wanted[place] = 2 * sum + static_cast<float>(options.beta.real()) * values[2][place];
            }
      buffers[2]->read(*bench.queue, 0, got.size() * 4, got.data());
      REQUIRE((got == wanted));
    }
  }

  TEST_CASE("division by multiplication") {
    Dice dice(106);
    for (int i = 0; i < 200000; ++i) {
      const auto divisor = static_cast<std::uint32_t>(2 + (dice.bits() >> (33 + dice.between(0, 30))));
      if (divisor > INT32_MAX) continue;
      const FastDivisor fast = fast_divisor(divisor);
      std::uint64_t n = dice.bits() >> (33 + dice.between(0, 30));
      if (dice.between(0, 1)) n = n / divisor * divisor - (dice.between(0, 1) && n >= divisor ? 1 : 0);
      n &= INT32_MAX;
      REQUIRE(n / divisor == (n * fast.multiplier >> 32) >> fast.shift);
    }
  }
}
