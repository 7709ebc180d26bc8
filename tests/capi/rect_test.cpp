// Copies of boxes.
#include "support.hpp"

#include <numeric>

using namespace capi_test;

namespace {

gpuc_context *context() { return runtime().context; }
gpuc_queue *queue() { return runtime().queue; }

constexpr size_t width = 16, height = 8, depth = 4, volume = width * height * depth;

std::vector<unsigned char> counting() {
  std::vector<unsigned char> bytes(volume);
  for (size_t i = 0; i < volume; ++i) bytes[i] = static_cast<unsigned char>(i * 7 + i / 251);
  return bytes;
}

// 5 x 3 x 2 from (2, 1, 1) of a volume to (3, 2, 1) of another.
gpuc_rect some_box() {
  gpuc_rect box = rect_init();
  const size_t region[3] = {5, 3, 2}, source[3] = {2, 1, 1}, destination[3] = {3, 2, 1};
  std::copy(region, region + 3, box.region);
  std::copy(source, source + 3, box.source_origin);
  std::copy(destination, destination + 3, box.destination_origin);
  box.source_row_pitch_bytes = box.destination_row_pitch_bytes = width;
  box.source_slice_pitch_bytes = box.destination_slice_pitch_bytes = width * height;
  return box;
}

std::vector<unsigned char> expected(const std::vector<unsigned char> &from, std::vector<unsigned char> to) {
  for (size_t z = 0; z < 2; ++z)
    for (size_t y = 0; y < 3; ++y)
      for (size_t x = 0; x < 5; ++x)
        to[((z + 1) * height + y + 2) * width + x + 3] = from[((z + 1) * height + y + 1) * width + x + 2];
  return to;
}

// Every function that takes a box, with host memory that is large enough.
struct Call {
  const char *name;
  std::function<gpuc_status(gpuc_buffer *, gpuc_buffer *, const gpuc_rect *, unsigned char *)> call;
  bool from_buffer, to_buffer;
};

const Call calls[] = {
    {"write_rect", [](auto *b, auto *, auto *r, auto *h) { return gpuc_buffer_write_rect(b, queue(), r, h); }, false,
     true},
    {"read_rect", [](auto *b, auto *, auto *r, auto *h) { return gpuc_buffer_read_rect(b, queue(), r, h); }, true,
     false},
    {"write_rect_async",
     [](auto *b, auto *, auto *r, auto *h) {
       return gpuc_buffer_write_rect_async(b, queue(), r, h, nullptr, 0, nullptr);
     },
     false, true},
    {"read_rect_async",
     [](auto *b, auto *, auto *r, auto *h) {
       return gpuc_buffer_read_rect_async(b, queue(), r, h, nullptr, 0, nullptr);
     },
     true, false},
    {"copy_rect_async",
     [](auto *b, auto *t, auto *r, auto *) {
       return gpuc_buffer_copy_rect_async(b, t, queue(), r, nullptr, 0, nullptr);
     },
     true, true},
};

}  // namespace

TEST_SUITE("rect") {
  TEST_CASE("boxes are copied") {
    const auto data = counting();
    const std::vector<unsigned char> blank(volume, 0xbb);
    const gpuc_rect box = some_box();
    for (const Call &call : calls) {
      CAPTURE(std::string(call.name));
      const Buffer one = buffer_of(context(), volume), two = buffer_of(context(), volume);
      OK(gpuc_buffer_write(one, queue(), 0, volume, call.from_buffer ? data.data() : blank.data()));
      OK(gpuc_buffer_write(two, queue(), 0, volume, blank.data()));
      std::vector<unsigned char> host = call.from_buffer ? blank : data;
      OK(call.call(one, two, &box, host.data()));
      OK(gpuc_queue_finish(queue()));
      const auto got = !call.to_buffer ? host : read_back(call.from_buffer ? two : one, volume);
      CHECK(got == expected(data, blank));
    }
  }

  TEST_CASE("in slices, with an event, and empty boxes") {
    const auto data = counting();
    const Buffer whole = buffer_of(context(), volume + 100);
    Buffer slice;
    OK(gpuc_buffer_slice(whole, 37, volume, slice.out()));
    OK(gpuc_buffer_write(slice, queue(), 0, volume, data.data()));
    std::vector<unsigned char> host(volume, 0xbb);
    gpuc_rect box = some_box();
    Event event;
    OK(gpuc_buffer_read_rect_async(slice, queue(), &box, host.data(), nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    CHECK(host == expected(data, std::vector<unsigned char>(volume, 0xbb)));
    OK(gpuc_buffer_write_rect_async(slice, queue(), &box, host.data(), nullptr, 0, event.out()));
    OK(gpuc_event_wait(event));
    for (int axis = 0; axis < 3; ++axis) {
      box = some_box();
      box.region[axis] = 0;
      OK(gpuc_buffer_read_rect(slice, queue(), &box, nullptr));
      OK(gpuc_buffer_write_rect(slice, queue(), &box, nullptr));
      OK(gpuc_buffer_copy_rect_async(slice, slice, queue(), &box, nullptr, 0, event.out()));
      OK(gpuc_event_wait(event));
    }
    // Tightly packed where no pitch is given.
    box = rect_init();
    box.region[0] = 8;
    box.region[1] = 4;
    OK(gpuc_buffer_read_rect(slice, queue(), &box, host.data()));
    CHECK(std::vector<unsigned char>(host.begin(), host.begin() + 32) ==
          std::vector<unsigned char>(data.begin(), data.begin() + 32));
  }

  TEST_CASE("bad boxes") {
    const Buffer one = buffer_of(context(), volume), two = buffer_of(context(), volume);
    std::vector<unsigned char> host(volume);
    for (const Call &call : calls) {
      CAPTURE(std::string(call.name));
      // documented: gpuc_buffer_write_rect GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE
      // documented: gpuc_buffer_write_rect GPUC_ERROR_OVERFLOW
      // documented: gpuc_buffer_read_rect GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE
      // documented: gpuc_buffer_read_rect GPUC_ERROR_OVERFLOW
      // documented: gpuc_buffer_write_rect_async GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE
      // documented: gpuc_buffer_write_rect_async GPUC_ERROR_OVERFLOW
      // documented: gpuc_buffer_read_rect_async GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE
      // documented: gpuc_buffer_read_rect_async GPUC_ERROR_OVERFLOW
      // documented: gpuc_buffer_copy_rect_async GPUC_ERROR_INVALID_ARGUMENT GPUC_ERROR_OUT_OF_RANGE
      // documented: gpuc_buffer_copy_rect_async GPUC_ERROR_OVERFLOW
      gpuc_rect box = some_box();
      box.source_row_pitch_bytes = 4;
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, call.call(one, two, &box, host.data()));
      SAYS("source_row_pitch_bytes is 4, must be 0 or >= 5");
      box = some_box();
      box.destination_slice_pitch_bytes = width * 3 - 1;
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, call.call(one, two, &box, host.data()));
      SAYS("destination_slice_pitch_bytes");
      box = some_box();
      box.flags = 1;
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, call.call(one, two, &box, host.data()));
      SAYS("flags");
      box = some_box();
      (call.from_buffer ? box.source_origin : box.destination_origin)[2] = 3;
      FAILS(GPUC_ERROR_OUT_OF_RANGE, call.call(one, two, &box, host.data()));
      box = some_box();
      box.source_origin[1] = box.destination_origin[1] = SIZE_MAX / 4;
      FAILS(GPUC_ERROR_OVERFLOW, call.call(one, two, &box, host.data()));
      box = some_box();
      box.region[1] = SIZE_MAX;
      FAILS(GPUC_ERROR_OVERFLOW, call.call(one, two, &box, host.data()));
      FAILS(GPUC_ERROR_NULL_ARGUMENT, call.call(one, two, nullptr, host.data()));
      SAYS("rect");
    }
    gpuc_rect box = some_box();
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_write_rect(one, queue(), &box, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_read_rect(one, queue(), &box, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_write_rect_async(one, queue(), &box, nullptr, nullptr, 0, nullptr));
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_buffer_read_rect_async(one, queue(), &box, nullptr, nullptr, 0, nullptr));
    gpuc_event *none = nullptr;
    // documented: gpuc_buffer_copy_rect_async GPUC_ERROR_OVERLAP
    FAILS(GPUC_ERROR_OVERLAP, gpuc_buffer_copy_rect_async(one, one, queue(), &box, nullptr, 0, &none));
    // Within one buffer, side by side, and with pitches that differ.
    box = rect_init();
    box.region[0] = 8;
    box.region[1] = 2;
    box.destination_origin[0] = 100;
    OK(gpuc_buffer_copy_rect_async(one, one, queue(), &box, nullptr, 0, nullptr));
    box.destination_origin[0] = 0;
    box.destination_origin[1] = 4;
    box.destination_row_pitch_bytes = 32;
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_buffer_copy_rect_async(one, one, queue(), &box, nullptr, 0, &none));
    SAYS("pitches");
    OK(gpuc_queue_finish(queue()));
  }
}
