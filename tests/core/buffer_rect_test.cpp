// Rectangular copies against a plain loop on the host, for random boxes.
#include <doctest/doctest.h>

#include <vector>

#include "support/fixture.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

TEST_SUITE_BEGIN("runtime");

namespace {

// One side of a box that lies within `whole` bytes.
struct Side {
  std::size_t origin[3], row_pitch, slice_pitch;  // as given: a pitch may be 0
  std::size_t row, slice;                         // as meant

  std::size_t at(std::size_t x, std::size_t y, std::size_t z) const {
    return (origin[2] + z) * slice + (origin[1] + y) * row + origin[0] + x;
  }
  std::size_t end(const std::size_t *region) const { return at(region[0] - 1, region[1] - 1, region[2] - 1) + 1; }
};

Side random_side(Dice &dice, const std::size_t *region) {
  Side side{};
  const bool tight_row = dice.between(0, 2) == 0;
  side.row = tight_row ? region[0] : region[0] + dice.between(0, 20);
  side.row_pitch = side.row == region[0] && dice.between(0, 1) ? 0 : side.row;
  const std::size_t tight = region[1] * side.row;
  side.slice = tight + side.row * (dice.between(0, 2) ? dice.between(0, 4) : 0);
  side.slice_pitch = side.slice == tight && dice.between(0, 1) ? 0 : side.slice;
  for (std::size_t axis = 0; axis < 3; ++axis) side.origin[axis] = dice.between(0, 5);
  // A row that starts in one pitch and ends in the next is allowed by nothing: keep it within.
  side.origin[0] = std::min(side.origin[0], side.row - region[0]);
  return side;
}

Rect rect_of(const std::size_t *region, const Side &source, const Side &destination) {
  Rect rect{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    rect.region[axis] = region[axis];
    rect.source_origin[axis] = source.origin[axis];
    rect.destination_origin[axis] = destination.origin[axis];
  }
  rect.source_row_pitch = source.row_pitch;
  rect.source_slice_pitch = source.slice_pitch;
  rect.destination_row_pitch = destination.row_pitch;
  rect.destination_slice_pitch = destination.slice_pitch;
  return rect;
}

void copy_by_hand(const std::size_t *region, const Side &from, const unsigned char *source, const Side &to,
                  unsigned char *destination) {
  for (std::size_t z = 0; z < region[2]; ++z)
    for (std::size_t y = 0; y < region[1]; ++y)
      for (std::size_t x = 0; x < region[0]; ++x) destination[to.at(x, y, z)] = source[from.at(x, y, z)];
}

Rect box(std::size_t x, std::size_t y, std::size_t z) { return {{x, y, z}, {0, 0, 0}, 0, 0, {0, 0, 0}, 0, 0}; }

}  // namespace

TEST_CASE("random boxes are copied as a loop would copy them") {
  const Bench bench;
  Dice dice(20);
  CAPTURE(dice.seed());
  for (int i = 0; i < 150; ++i) {
    const std::size_t region[3] = {dice.between(1, 40), dice.between(1, 7), dice.between(1, 4)};
    const Side source = random_side(dice, region), destination = random_side(dice, region);
    const Rect rect = rect_of(region, source, destination);
    // Not a byte more than the box needs, so that an error of one is out of bounds.
    const std::size_t source_size = source.end(region), destination_size = destination.end(region);
    const std::size_t before = dice.between(0, 30);
    CAPTURE(i);
    CAPTURE(before);
    const Bytes from = dice.bytes(source_size), to = dice.bytes(destination_size + before);
    Bytes expected = to;

    // Host to buffer.
    auto buffer = bench.buffer(to);
    auto slice = buffer->slice(before, destination_size);
    std::shared_ptr<Event> done;
    slice->write_rect(*bench.queue, rect, from.data(), i % 2, {}, &done);
    done->wait();
    copy_by_hand(region, source, from.data(), destination, expected.data() + before);
    CHECK(bench.read(*buffer) == expected);

    // Buffer to buffer.
    const auto source_buffer = bench.buffer(from);
    buffer = bench.buffer(to);
    slice = buffer->slice(before, destination_size);
    source_buffer->copy_rect_to(*slice, *bench.queue, rect, {}, i % 2 ? &done : nullptr);
    CHECK(bench.read(*buffer) == expected);

    // Buffer to host.
    Bytes host(destination_size, 0xEE), wanted(destination_size, 0xEE);
    copy_by_hand(region, source, from.data(), destination, wanted.data());
    source_buffer->read_rect(*bench.queue, rect, host.data(), i % 2, {}, &done);
    done->wait();
    CHECK(host == wanted);

    // One byte less and it is out of range.
    if (source_size > 1) {
      const auto shorter = source_buffer->slice(0, source_size - 1);
      CHECK_FAILS(Status::out_of_range, "the box",
                  shorter->read_rect(*bench.queue, rect, host.data(), true, {}, nullptr));
      CHECK_FAILS(Status::out_of_range, "the box in the source",
                  shorter->copy_rect_to(*slice, *bench.queue, rect, {}, nullptr));
    }
    if (destination_size > 1) {
      const auto shorter = slice->slice(0, destination_size - 1);
      CHECK_FAILS(Status::out_of_range, "the box",
                  shorter->write_rect(*bench.queue, rect, from.data(), true, {}, nullptr));
      CHECK_FAILS(Status::out_of_range, "the box in the destination",
                  source_buffer->copy_rect_to(*shorter, *bench.queue, rect, {}, nullptr));
    }
  }
}

TEST_CASE("boxes within one buffer are copied unless they share bytes") {
  const Bench bench;
  Dice dice(21);
  CAPTURE(dice.seed());
  // A matrix of 32 x 16 bytes: a box goes elsewhere in it.
  Bytes expected = dice.bytes(512);
  const auto buffer = bench.buffer(expected);
  int refused = 0, copied = 0;
  for (int i = 0; i < 300; ++i) {
    const std::size_t width = dice.between(1, 12), height = dice.between(1, 6);
    Rect rect = box(width, height, 1);
    rect.source_row_pitch = rect.destination_row_pitch = 32;
    rect.source_origin[0] = dice.between(0, 32 - width);
    rect.source_origin[1] = dice.between(0, 16 - height);
    rect.destination_origin[0] = dice.between(0, 32 - width);
    rect.destination_origin[1] = dice.between(0, 16 - height);
    const auto apart = [](std::size_t a, std::size_t b, std::size_t size) { return a >= b + size || b >= a + size; };
    if (!apart(rect.source_origin[0], rect.destination_origin[0], width) &&
        !apart(rect.source_origin[1], rect.destination_origin[1], height)) {
      CHECK_FAILS(Status::overlap, "share bytes", buffer->copy_rect_to(*buffer, *bench.queue, rect, {}, nullptr));
      ++refused;
      continue;
    }
    buffer->copy_rect_to(*buffer, *bench.queue, rect, {}, nullptr);
    const Bytes source = expected;
    for (std::size_t y = 0; y < height; ++y)
      for (std::size_t x = 0; x < width; ++x)
        expected[(rect.destination_origin[1] + y) * 32 + rect.destination_origin[0] + x] =
            source[(rect.source_origin[1] + y) * 32 + rect.source_origin[0] + x];
    ++copied;
  }
  CHECK(refused > 20);
  CHECK(copied > 20);
  CHECK(bench.read(*buffer) == expected);

  Rect rect = box(4, 4, 1);
  rect.source_row_pitch = 8;
  rect.destination_row_pitch = 16;
  rect.destination_origin[1] = 8;
  CHECK_FAILS(Status::invalid_argument, "pitches must be the same",
              buffer->copy_rect_to(*buffer, *bench.queue, rect, {}, nullptr));
}

TEST_CASE("pitches that cannot be are refused") {
  const Bench bench;
  const auto buffer = bench.buffer(Bytes(4096, 1)), other = bench.buffer(Bytes(4096, 2));
  Bytes host(4096);
  const auto all = [&](Status status, const char *fragment, const Rect &rect) {
    CHECK_FAILS(status, fragment, buffer->write_rect(*bench.queue, rect, host.data(), true, {}, nullptr));
    CHECK_FAILS(status, fragment, buffer->read_rect(*bench.queue, rect, host.data(), true, {}, nullptr));
    CHECK_FAILS(status, fragment, buffer->copy_rect_to(*other, *bench.queue, rect, {}, nullptr));
  };
  Rect rect = box(16, 4, 2);
  rect.source_row_pitch = 15;
  all(Status::invalid_argument, "source_row_pitch_bytes is 15", rect);
  rect = box(16, 4, 2);
  rect.destination_row_pitch = 1;
  all(Status::invalid_argument, "destination_row_pitch_bytes is 1", rect);
  rect = box(16, 4, 2);
  rect.source_slice_pitch = 63;
  all(Status::invalid_argument, "source_slice_pitch_bytes is 63", rect);
  rect = box(16, 4, 2);
  rect.destination_slice_pitch = 65;
  all(Status::invalid_argument, "multiple of the row pitch 16", rect);
  CHECK(bench.read(*buffer) == Bytes(4096, 1));
  CHECK(bench.read(*other) == Bytes(4096, 2));
}

namespace {

// Sums and products that stay at a limit far beyond any size, so that they can be compared without a thought.
struct Saturated {
  static constexpr unsigned __int128 limit = static_cast<unsigned __int128>(1) << 100;
  unsigned __int128 value;
  Saturated operator+(Saturated o) const { return {value + o.value > limit ? limit : value + o.value}; }
  Saturated operator*(Saturated o) const { return {value && o.value > limit / value ? limit : value * o.value}; }
};

// Whether a side of a box is possible, and lies within that many bytes.
bool possible(const std::size_t *region, const std::size_t *origin, std::size_t row_pitch, std::size_t slice_pitch,
              std::size_t whole) {
  const Saturated row{row_pitch ? row_pitch : region[0]};
  const Saturated tight = Saturated{region[1]} * row;
  const Saturated slice = slice_pitch ? Saturated{slice_pitch} : tight;
  if (row.value < region[0] || slice.value < tight.value || slice.value % row.value) return false;
  const auto last = [&](int axis) { return Saturated{origin[axis]} + Saturated{region[axis] - 1}; };
  return (last(2) * slice + last(1) * row + last(0)).value < whole;
}

}  // namespace

TEST_CASE("boxes of any size are judged as if without a limit to numbers") {
  const Bench bench;
  const auto buffer = bench.buffer(Bytes(4096, 1)), other = bench.buffer(Bytes(4096, 2));
  const std::size_t edges[] = {1,
                               (std::size_t(1) << 31) - 1,
                               (std::size_t(1) << 31) + 1,
                               (std::size_t(1) << 32) - 1,
                               (std::size_t(1) << 32) + 1,
                               (std::size_t(1) << 62) - 8,
                               std::size_t(1) << 62,
                               std::size_t(1) << 63,
                               SIZE_MAX - 7,
                               SIZE_MAX};
  Dice dice(22);
  CAPTURE(dice.seed());
  int accepted = 0, wrong_kind = 0;
  for (int i = 0; i < 5000; ++i) {
    Rect rect = box(8, dice.between(1, 4), dice.between(1, 2));
    // One to three of its numbers become extreme.
    std::size_t *const numbers[] = {&rect.region[0],
                                    &rect.region[1],
                                    &rect.region[2],
                                    &rect.source_origin[0],
                                    &rect.source_origin[1],
                                    &rect.source_origin[2],
                                    &rect.source_row_pitch,
                                    &rect.source_slice_pitch,
                                    &rect.destination_origin[0],
                                    &rect.destination_origin[1],
                                    &rect.destination_origin[2],
                                    &rect.destination_row_pitch,
                                    &rect.destination_slice_pitch};
    for (std::size_t n = dice.between(1, 3); n > 0; --n)
      *numbers[dice.between(0, std::size(numbers) - 1)] = edges[dice.between(0, std::size(edges) - 1)];
    const Error error = failure_of([&] { buffer->copy_rect_to(*other, *bench.queue, rect, {}, nullptr); });
    const bool valid =
        possible(rect.region, rect.source_origin, rect.source_row_pitch, rect.source_slice_pitch, 4096) &&
        possible(rect.region, rect.destination_origin, rect.destination_row_pitch, rect.destination_slice_pitch, 4096);
    CAPTURE(error.message());
    CHECK((error.status() == Status::ok) == valid);
    accepted += valid;
    wrong_kind += !valid && error.status() != Status::out_of_range && error.status() != Status::overflow &&
                  error.status() != Status::invalid_argument;
  }
  CHECK(wrong_kind == 0);
  CHECK(accepted > 100);
  bench.queue->finish();
  CHECK(bench.read(*buffer) == Bytes(4096, 1));
}

TEST_SUITE_END();
